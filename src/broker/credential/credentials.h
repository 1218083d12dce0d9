// Credentials, from planned to dead: made after their plan is written down, ended until there is evidence.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_credential.h"
#include "broker/live/live_task.h"
#include "task/permission.h"

namespace remit::broker {

class Core;

class Credentials {
 public:
  explicit Credentials(Core& core) : core_(core) {}

  LiveCredential* Find(const std::string& id);                                                      // null where it is dead, or there is none
  target::Target* FindTarget(const std::string& name) const;                                        // null where it is not configured
  target::Target* OwnerOf(const cedar::EntityUid& action, const cedar::EntityUid& resource) const;  // null where this is given at no target

  // A plan for each target that the permissions are for; nothing is written (credential_plan.cc). Errors: `not-enforceable`, `no-such-target`, the
  // target's.
  Result<std::vector<LiveCredential>> Plan(const task::TaskRecord& record, const task::PermissionSet& permissions, Time not_after);
  // Each becomes `planned`, with its row and its events in the batch. Answers their ids.
  std::vector<std::string> PutPlanned(std::vector<LiveCredential>& planned, Time now, store::Batch& batch);
  // What is kept of a credential's secret, and back. `id`: that of its row. Errors: `sealed-data-corrupt`, also where it was sealed for another.
  std::string Seal(const std::string& id, ByteView secret) const;
  Result<Secret> SecretOf(const std::string& id, const task::CredentialRecord& record) const;

  // Has it made, where it is planned and nobody makes it: its plan is committed. It is live, with its variables, after a commit of its own. One that
  // is refused, or cannot be written down, ends its task as failed.
  void StartPlanned(const std::string& id);
  // Moves the expiry of one that is live to its task's deadline, written down first, and tries again while its target is away (prolong.cc). `tries`:
  // so far.
  void Prolong(const std::string& id, std::uint32_t tries = 0);
  void ProlongAll(const LiveTask& live);
  // Moves it to `ending`, in memory at once, with its row and its event in the batch; its variables are forgotten. StartEnd follows.
  void BeginEnd(LiveCredential& credential, const std::string& why, Time now, store::Batch& batch);
  // Sees to its end until there is evidence: behind a call that is under way, and again without limit. May be asked for at any time.
  void StartEnd(const std::string& id);
  void Stop();  // nothing is tried again by the clock
  // A token that dies by the commit which takes this batch, as introspection does; it is `ending`. Memory forgets it at once (tokens.cc).
  void BuryToken(const std::string& id, Time now, store::Batch& batch);
  store::Write CredentialWrite(const task::CredentialRecord& record) const;  // its row

  std::unordered_map<std::string, LiveCredential> alive;                        // by id: all that are not dead
  std::unordered_map<std::string, std::vector<std::function<void()>>> watches;  // by task: each called once, when one of its credentials changes

 private:
  Bytes SealingContext(const std::string& id) const;
  void StartMake(const std::string& id);
  void OnMade(const std::string& id, Result<target::Made> made);
  void FailTask(LiveTask& live, const LiveCredential& credential, const std::string& why);
  void EndToken(const std::string& id);  // tokens.cc
  void OnEnded(const std::string& id, target::EndResult result);
  void RetryEnd(const std::string& id, Time when);
  void Bury(const std::string& id, std::vector<task::Evidence> evidence);
  void CredentialChanged(const LiveCredential& credential);
  std::map<std::string, Breaker> breakers_;

  Core& core_;
};

}  // namespace remit::broker
