// The state machine of a task. Pure: a record, what happens to it and `now` go in; the next record and the events for the ledger come
// out. Nothing here decides whether somebody may: that is the decision's work (decision.h).
//
//   requested ─► scheduled ─► active ─► completed | revoked | expired | failed     from suspended as well
//       │            │         ▲└─► suspended ─┐
//       │            │         └───────────────┘
//       └────────────┴─► denied | expired | withdrawn
#pragma once

#include <string>
#include <vector>

#include "task/task.h"

namespace remit::task {

struct Transition {
  TaskRecord next;
  std::vector<json::Value> events;  // each an object with `type` ("task.started"), `time`, `task` and what else is to be known
};

// The error `wrong-state` (kFailedPrecondition): names the present state, as in "task `tsk_…` is completed", and what can be done with it.
Error NotInThatState(const TaskRecord& record);

// Errors of whatever below can fail, besides its own: `wrong-state`, as NotInThatState says it.

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
// From requested or scheduled with every yes that is needed, or by break-glass, and not before its time. Fixes started and the deadline: now + ttl,
// and not after `latest`, which is a sub-task's parent's. Errors: `not-approved`.
Result<Transition> Activate(const TaskRecord& record, std::vector<std::string> credentials, Time now, Time latest = Time::max());
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
// A sub-task whose parent ends: one that runs is revoked, one that was only asked for is withdrawn; the reason is "parent-ended".
Result<Transition> EndWithParent(const TaskRecord& record, Time now);

// From active, and back before the deadline, which runs on. `by` is who did, or "" for a sub-task that is stopped with its parent.
// `moment` is what the record says of when it stopped, where that is another time than the event's: sub-tasks have their parent's.
// `credentials` are those that are planned anew; they come behind those that it had.
Result<Transition> Suspend(const TaskRecord& record, const std::string& by, const std::string& why, Time now, std::optional<Time> moment = {});
Result<Transition> Resume(const TaskRecord& record, const std::string& by, const std::vector<std::string>& credentials, Time now);

// More time (extension.cc). Only when active, and before the deadline.
//
// How late the deadline may become: started + max_ttl. Errors: `too-long` where `by` goes beyond it, or beyond `latest`, a parent's deadline.
Status CheckExtension(const TaskRecord& record, Duration by, Time now, Time latest = Time::max());
// Moves the deadline, and forgets what was asked for. Errors: those of CheckExtension.
Result<Transition> Extend(const TaskRecord& record, Duration by, const std::string& who, const std::string& why, Time now, Time latest = Time::max());
// Asks people for it, in place of what was asked for before: sets when it was asked for and when that expires, and that nobody said yes.
Result<Transition> AskExtension(const TaskRecord& record, Extension asked, const std::string& who, Time now);
// One yes to what is asked for. Errors: as of Approve, and `unknown-approval` where nothing is, or no more.
Result<Transition> ApproveExtension(const TaskRecord& record, const cedar::EntityUid& person, Time now);
Result<Transition> DenyExtension(const TaskRecord& record, const cedar::EntityUid& person, const std::string& why, Time now);
// One use of each of these forbids. Only when active, and before the deadline.
Result<Transition> Spend(const TaskRecord& record, const std::vector<std::string>& forbids, const cedar::EntityUid& action,
                         const cedar::EntityUid& resource, Time now);

}  // namespace remit::task
