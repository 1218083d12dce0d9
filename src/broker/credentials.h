// Credentials, from planned to dead: made after their plan is written down, ended until there is evidence.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "broker/live_credential.h"

namespace remit::broker {

class Core;

class Credentials {
 public:
  explicit Credentials(Core& core) : core_(core) {}

  LiveCredential* Find(const std::string& id);
  target::Target* FindTarget(const std::string& name) const;
  target::Target* OwnerOf(const cedar::EntityUid& action, const cedar::EntityUid& resource) const;
  void StartPlanned(const std::string& id);  // where it is planned, and nobody makes it
  void BeginEnd(LiveCredential& credential, const std::string& why, Time now, store::Batch& batch);
  void StartEnd(const std::string& id);
  void BuryToken(const std::string& id, Time now, store::Batch& batch);
  store::Write CredentialWrite(const task::CredentialRecord& record) const;
  std::unordered_map<std::string, LiveCredential> alive;
  std::unordered_map<std::string, std::vector<std::function<void()>>> watches;  // by task

 private:
  void StartMake(const std::string& id);
  void OnMade(const std::string& id, Result<target::Made> made);
  void EndToken(const std::string& id);
  void OnEnded(const std::string& id, target::EndResult result);
  void RetryEnd(const std::string& id, Time when);
  void Bury(const std::string& id, std::vector<task::Evidence> evidence);
  void CredentialChanged(const LiveCredential& credential);
  std::map<std::string, Breaker> breakers_;

  Core& core_;
};

}  // namespace remit::broker
