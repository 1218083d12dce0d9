// More time, up to what the type allows, with an approval of its own where the catalog asks for one.
#pragma once

#include <optional>
#include <string>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;

class Extensions {
 public:
  explicit Extensions(Core& core) : core_(core) {}

  // Of a task that is not busy. The new deadline is in memory after its commit, and then at the targets; where people must say yes, the answer
  // names their approval. Errors: `extend-denied`, `unknown-task`, `wrong-state`, `clock-in-doubt`, `parent-not-active`, those of
  // task::CheckExtension.
  void Extend(LiveTask& live, const Caller& by, Duration more, const std::string& reason, Answer<ExtendAnswer> answer);
  // By a person in a recent session, of a task that is not busy and asks for more. The last yes that it takes extends, where what would go on is what
  // they saw; else the request and every yes is void. Errors: those of Broker::Approve and, as things stand then, of Extend.
  void Approve(LiveTask& live, const Caller& by, const std::string& hash, Answer<json::Value> answer);
  // Void in memory before the commit. Errors: those of task::DenyExtension.
  void Deny(LiveTask& live, const Caller& by, const std::string& why, Answer<json::Value> answer);
  // Writes the row as it is in memory: where the record went on while another form of it was being committed.
  void WriteAgain(LiveTask& live);
  json::Value ExtensionJson(LiveTask& live);  // what is asked for, as those see it who answer it

 private:
  void AskFor(LiveTask& live, task::Extension asked, const std::string& who, Answer<ExtendAnswer> answer);
  void CommitExtension(LiveTask& live, task::Transition transition, Answer<ExtendAnswer> answer);
  void ExtendApproved(LiveTask& live, task::Transition yes, Answer<json::Value> answer);
  void Void(LiveTask& live, task::Transition denied, Answer<json::Value> answer);
  void Keep(LiveTask& live, const std::optional<task::Extension>& extension, std::uint64_t version);
  Hash ExtensionHash(LiveTask& live, const task::Extension& asked);

  Core& core_;
};

}  // namespace remit::broker
