// Uses with an idempotency key: each is answered once, and whoever asks it again, now or later, gets the same answer.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "store/store.h"

namespace remit::broker {

class Core;

class KeyedUses {
 public:
  explicit KeyedUses(Core& core) : core_(core) {}

  // Use, for a PEP, of a request with an idempotency key: an allow that cost something is read back, and whoever asks meanwhile gets the same answer;
  // what cost nothing is decided anew. Not under the mutex. Errors: `idempotency-key-reused`.
  void Evaluate(const Caller& by, UseRequest request, Answer<UseAnswer> answer);
  // Keeps an answer with the commit that it costs: of two with one key, one succeeds. `key` is that of the row, as Evaluate hands it to
  // Uses::Evaluate.
  void Keep(const std::string& key, const UseRequest& request, const UseAnswer& answer, store::Batch& batch);

 private:
  // One that is being decided: whoever comes with the same key meanwhile waits for the same answer.
  struct Asked {
    std::string question;
    std::vector<std::pair<std::string, Answer<UseAnswer>>> others;  // their questions, and where they wait
  };
  bool IsFirst(const std::string& key, const std::string& question, const Answer<UseAnswer>& answer);
  void Tell(const std::string& key, const Result<UseAnswer>& result, const Answer<UseAnswer>& first);
  Result<UseAnswer> Given(const UseRequest& request, const std::string& question, std::string_view row);

  Core& core_;
  std::unordered_map<std::string, Asked> asked_;  // by key
};

}  // namespace remit::broker
