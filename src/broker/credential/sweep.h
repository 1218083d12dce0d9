// Ledger and targets compared: what carries our mark and is not live ends.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_credential.h"

namespace remit::broker {

class Core;

class Sweeps {
 public:
  explicit Sweeps(Core& core) : core_(core) {}

  // Asks every target what it holds, and answers the report when all have; `answer` may be null. The next one comes within a sweep interval.
  void Sweep(Answer<json::Value> answer);
  // Forgets rows that are too old to count: idempotency keys after a day, starts when no budget counts them,
  // keys of tokens when they verify none any more.
  void Housekeeping();
  void Stop();  // no more of them by the clock

 private:
  void Arm();
  void Compare(target::Target& target, const Result<std::vector<target::Found>>& found, Time listed, json::Object& report);
  bool EndForgotten(target::Target& target, const target::Found& one, Time listed);
  task::CredentialRecord Again(const task::CredentialRecord& before, const target::Target& target, const target::Found& one, Time now,
                               store::Batch& batch);
  task::CredentialRecord Stranger(const target::Target& target, const target::Found& one, Time now);
  void EndStray(LiveCredential credential);
  json::Array Missing(const target::Target& target, const std::set<std::string>& seen, Time listed);

  Core& core_;
  io::TimerId timer_ = 0;
};

}  // namespace remit::broker
