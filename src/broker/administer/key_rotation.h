// A new signing key in the place of one: of access tokens, or of receipts. That of checkpoints stays (docs/decisions/0019).
//
// One commit holds all of it: the new private key over the old one, the old public key, the event, and what a caller who asks again is answered.
// Who asks is told by the commit; before it the old key signs, after it the new one.
//
// INVARIANT: a signature is made with a key that the store has. A token that is signed with a key is planned before the commit that replaces the
// key, so that `published_until` counts it: the store answers commits in their order, and tokens are signed when theirs is answered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/administer/admin_call.h"
#include "broker/administer/published_keys.h"
#include "broker/keys.h"

namespace remit::broker {

class Core;

class KeyRotation {
 public:
  explicit KeyRotation(Core& core) : core_(core) {}

  // Asks who may, waits for people where the catalog says so (the answer then holds `approval`), and rotates. Reads the store. A key that has leaked
  // is not trusted from here on, before the commit and also where that fails; then it is tried again until it is written down (key_distrust.cc).
  // Where one that was rotated before has leaked, it is that one alone, and none is rotated. Errors: those of Broker::RotateKey.
  void Rotate(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer);
  // What people said yes to: the key that they saw goes, or none does. Errors: those of Rotate.
  void RotateApproved(const AdminCall& call, Answer<json::Value> answer);
  // The keys that verify something. From any thread, also not under the mutex.
  std::shared_ptr<const PublishedKeys> Published() const;
  // After every change of keys in memory: only then others see it.
  void Publish();
  // Hands out the key to sign with as soon as there is one that is trusted, at once where there is: where that one has leaked and the next is not
  // written down yet, then, or `key-not-trusted` after `wait`.
  void WhenTrusted(std::string_view name, Duration wait, Answer<NamedKey> answer);
  json::Value List() const;
  // How many keys are refused although that could not be written down yet.
  std::size_t Owed() const;
  // Forgets keys that verify nothing any more. Gone from memory before the commit; where that fails, the next start does it.
  void Tidy();

 private:
  struct Plan {
    OldKey old;
    std::size_t tokens = 0;  // of tasks, signed with the old one
  };
  // A key that is said to have leaked, from the call on until that is written down.
  struct Distrust {
    AdminCall call;
    RotateRequest request;
    std::vector<Answer<json::Value>> answers;
    std::uint32_t failures = 0;
    bool writing = false;  // of a key that signs no more: on its way into the store
    bool waiting = false;  // to be tried again
  };
  Status CanRotate(const AdminCall& call, const RotateRequest& request) const;
  Plan MakePlan(const RotateRequest& request) const;
  void Ask(const AdminCall& call, std::uint32_t needed, const RotateRequest& request, Answer<json::Value> answer);
  void Commit(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer);

  OldKey* FindOld(std::string_view name, std::string_view kid) const;
  OldKey* LeakedOld(const RotateRequest& request) const;
  void DryDistrust(const OldKey& old, Answer<json::Value> answer);
  void BeginDistrust(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer);
  void StopTrusting(std::string_view name, const std::string& kid);
  void WriteDown(const std::string& kid);
  void CommitDistrust(Distrust& distrust, const OldKey& old);
  void WrittenDown(const std::string& kid, const json::Object& made);
  void NotWrittenDown(const std::string& kid, const Error& error);
  std::set<std::string> MakeRoom(std::string_view name, store::Batch& batch) const;
  void Forget(const std::set<std::string>& kids);
  void Sign(std::string_view name);
  Result<std::optional<json::Value>> AnsweredBefore(const AdminCall& call, const RotateRequest& request) const;
  NamedKey& Of(std::string_view name) const;
  // Whether the key that goes is not to be trusted: it is said so now, or was when this could not be written down.
  bool Leaked(const RotateRequest& request) const { return request.leaked || Of(request.key).distrusted; }

  Core& core_;
  mutable std::mutex published_mutex_;  // held for no longer than it takes to copy the pointer
  std::shared_ptr<const PublishedKeys> published_ = std::make_shared<const PublishedKeys>();
  std::set<std::string> under_way_;            // names of keys whose next is on its way into the store
  std::map<std::string, Distrust> distrusts_;  // by kid
  struct Signer {
    std::string name;
    Answer<NamedKey> answer;
  };
  std::uint64_t signers_ = 0;
  std::map<std::uint64_t, Signer> waiting_;  // for a key to sign with, in their order
};

}  // namespace remit::broker
