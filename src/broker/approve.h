// A person's yes to a start: bound to exactly what was asked, counted once, and judged again when it takes effect.
#pragma once

#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;

class Approvals {
 public:
  explicit Approvals(Core& core) : core_(core) {}

  void Approve(const Caller& by, const std::string& task_id, const std::string& hash, Answer<json::Value> answer);
  std::uint32_t StandingYes(const task::TaskRecord& record, const cedar::Entity& entity, const std::vector<task::Yes>& yes);
  json::Value ApprovalJson(LiveTask& live);

 private:
  void Activate(LiveTask& live, task::Transition yes, Answer<json::Value> answer);
  void AskAnew(LiveTask& live, const task::PermissionSet& permissions, Answer<json::Value> answer);

  Core& core_;
};

// Whether `by` is a person in a session of their own that is recent. Errors: `not-a-person`, `session-too-old`.
Status CheckPerson(const Caller& by, Time now);

// Whether somebody is one of those for whom it runs: none of them approves it.
bool InChain(const task::TaskRecord& record, const cedar::EntityUid& person);

// Whether a yes carries the hash of what is asked now. Errors: `request-changed`.
Status CheckHash(const std::string& given, const Hash& wanted, const std::string& id);

json::Array YesJson(const std::vector<task::Yes>& yes);

std::unexpected<Error> NoSuchApproval(const std::string& id);

}  // namespace remit::broker
