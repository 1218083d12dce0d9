// A person's yes to a start: bound to exactly what was asked, counted once, and judged again when it takes effect.
#pragma once

#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;

class Approvals {
 public:
  explicit Approvals(Core& core) : core_(core) {}

  // By a person in a recent session (CheckPerson), to the request of a task that is not busy, or to its extension. The last yes that it takes has
  // everything asked again before the task starts; where it would get something else by now, every yes is void and people are asked anew.
  // Errors: those of Broker::Approve.
  void Approve(const Caller& by, const std::string& task_id, const std::string& hash, Answer<json::Value> answer);
  // How many of these count now: of people who are registered, not barred, not of the request's chain, and permitted to approve.
  std::uint32_t StandingYes(const task::TaskRecord& record, const cedar::Entity& entity, const std::vector<task::Yes>& yes);
  json::Value ApprovalJson(LiveTask& live);  // the request, as those see it who answer it

 private:
  void Activate(LiveTask& live, task::Transition yes, Answer<json::Value> answer);
  void AskAnew(LiveTask& live, const task::PermissionSet& permissions, Answer<json::Value> answer);

  Core& core_;
};

// Whether `by` is a person in a session of their own that is recent. Errors: `not-a-person`, `session-too-old`.
Status CheckPerson(const Caller& by, Time now);

// Whether somebody is one of those for whom it runs: none of them approves it.

// Whether a yes carries the hash of what is asked now. Errors: `request-changed`.
Status CheckHash(const std::string& given, const Hash& wanted, const std::string& id);

json::Array YesJson(const std::vector<task::Yes>& yes);

// `unknown-approval`: the same for one that is not there and for one that the caller may not know of.
std::unexpected<Error> NoSuchApproval(const std::string& id);

}  // namespace remit::broker
