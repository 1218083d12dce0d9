// The state machine of a task. Pure: a record, what happens to it and `now` go in; the next record and the events for the ledger come
// out. Nothing here decides whether somebody may: that is the decision's work (decision.h).
//
//   requested ─► scheduled ─► active ─► completed | revoked | expired | failed
//       └────────────┴─► denied | expired | withdrawn                 (suspended has its place, and no way in yet)
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

// A record that is new: asked for, waiting for approvals, or active at once (approvals_needed == 0: the caller goes on to Activate in the
// same commit, and the start is one event, `task.started`, which then carries what `task.requested` would). Sets state, requested, and
// the request's own deadline (limits::kRequestLife); clears what only later steps may set. Uses stay: a start may be charged.
Transition Request(TaskRecord draft, Time now);

// One yes, from requested and before the request's deadline. Errors: `already-approved`; `own-request` for anyone in the chain.
Result<Transition> Approve(const TaskRecord& record, const cedar::EntityUid& person, Time now);
Result<Transition> Deny(const TaskRecord& record, const cedar::EntityUid& person, const std::string& why, Time now);
Result<Transition> DenyByPolicy(const TaskRecord& record, const std::string& why, Time now);  // when it was evaluated again
// Evaluated again before activation, and what was approved is not what it would get now: asks anew, every yes is void.
Result<Transition> AskAgain(const TaskRecord& record, const Hash& request_hash, std::uint32_t approvals_needed, Time now);
Result<Transition> Withdraw(const TaskRecord& record, const cedar::EntityUid& by, Time now);
// From requested with every yes that is needed, or by break-glass, and not before its time. Fixes started and the deadline (now + ttl), once and for
// all. Errors: `not-approved`.
Result<Transition> Activate(const TaskRecord& record, std::vector<std::string> credentials, Time now);
// From requested with every yes that is needed: waits for its `not_before`, and starts within limits::kScheduleLate of it or never.
// Errors: `not-approved`.
Result<Transition> Schedule(const TaskRecord& record, Time now);
// What an ended task that was started by break-glass did is signed for by somebody. Errors: `no-review` (it was not), `already-reviewed`,
// `own-request`.
Result<Transition> Review(const TaskRecord& record, const cedar::EntityUid& person, const std::string& note, Time now);
Result<Transition> Complete(const TaskRecord& record, const cedar::EntityUid& by, const std::string& reason, Time now);
Result<Transition> Revoke(const TaskRecord& record, const cedar::EntityUid& by, const std::string& why, Time now);
// `reason`: "deadline" (of a task or a request; `wrong-state` while it has not come), "heartbeat", "connection-closed".
Result<Transition> Expire(const TaskRecord& record, const std::string& reason, Time now);
Result<Transition> Fail(const TaskRecord& record, const std::string& why, Time now);
// One use of each of these forbids. Only when active, and before the deadline.
Result<Transition> Spend(const TaskRecord& record, const std::vector<std::string>& forbids, const cedar::EntityUid& action,
                         const cedar::EntityUid& resource, Time now);

}  // namespace remit::task
