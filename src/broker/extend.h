// More time, up to what the type allows, with an approval of its own where the catalog asks for one.
#pragma once

#include <optional>
#include <string>

#include "broker/broker.h"
#include "broker/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;

class Extensions {
 public:
  explicit Extensions(Core& core) : core_(core) {}

  void Extend(LiveTask& live, const Caller& by, Duration more, const std::string& reason, Answer<ExtendAnswer> answer);
  void Approve(LiveTask& live, const Caller& by, const std::string& hash, Answer<json::Value> answer);
  void Deny(LiveTask& live, const Caller& by, const std::string& why, Answer<json::Value> answer);
  void WriteAgain(LiveTask& live);
  json::Value ExtensionJson(LiveTask& live);
  void ProlongCredential(const std::string& id, std::uint32_t tries);

 private:
  void AskFor(LiveTask& live, task::Extension asked, const std::string& who, Answer<ExtendAnswer> answer);
  void CommitExtension(LiveTask& live, task::Transition transition, Answer<ExtendAnswer> answer);
  void ExtendApproved(LiveTask& live, task::Transition yes, Answer<json::Value> answer);
  void Void(LiveTask& live, task::Transition denied, Answer<json::Value> answer);
  void Keep(LiveTask& live, const std::optional<task::Extension>& extension, std::uint64_t version);
  Hash ExtensionHash(LiveTask& live, const task::Extension& asked);
  void ProlongCredentials(const std::string& task_id);

  Core& core_;
};

}  // namespace remit::broker
