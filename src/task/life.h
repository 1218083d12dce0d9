// The state machine of a task. Pure: a record, what happens to it and `now` go in; the next record and the events for the ledger come
// out. Nothing here decides whether somebody may: that is the decision's work (decision.h).
//
//   requested ─► active ─► completed | revoked | expired | failed
//       └─► denied | expired | withdrawn                 (suspended and scheduled have their place, and no way in yet)
#pragma once

#include <string>
#include <vector>

#include "task/task.h"

namespace remit::task {

struct Transition {
  TaskRecord next;
  std::vector<json::Value> events;  // each an object with `type` ("task.started"), `time`, `task` and what else is to be known
};

// Errors of all: `wrong-state` (kFailedPrecondition), naming the present state, e.g. "task `tsk_…` is completed".
// A record that is new: asked for, waiting for approvals, or active at once (approvals_needed == 0 goes on to Activate).
Transition Request(TaskRecord draft, Time now);
Result<Transition> Approve(const TaskRecord& record, const cedar::EntityUid& person, Time now);   // error: `already-approved`
Result<Transition> Deny(const TaskRecord& record, const cedar::EntityUid& person, const std::string& why, Time now);
Result<Transition> Withdraw(const TaskRecord& record, const cedar::EntityUid& by, Time now);
Result<Transition> Activate(const TaskRecord& record, std::vector<std::string> credentials, Time now);  // sets started and deadline
Result<Transition> Complete(const TaskRecord& record, const cedar::EntityUid& by, const std::string& reason, Time now);
Result<Transition> Revoke(const TaskRecord& record, const cedar::EntityUid& by, const std::string& why, Time now);
Result<Transition> Expire(const TaskRecord& record, const std::string& reason, Time now);         // "deadline", "heartbeat", "connection-closed"
Result<Transition> Fail(const TaskRecord& record, const std::string& why, Time now);
Result<Transition> Spend(const TaskRecord& record, const std::vector<std::string>& forbids, const cedar::EntityUid& action,
                         const cedar::EntityUid& resource, Time now);                             // only when active

}  // namespace remit::task
