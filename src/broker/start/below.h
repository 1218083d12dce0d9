// What a sub-task would be before there is one: what starting it checks (delegate.cc), and what `explain` says of it (explain_below.cc).
// For the broker's own files; everything here is called under the mutex.
#pragma once

#include "broker/broker.h"
#include "broker/live/live_task.h"

namespace remit::broker {

// Whether a task of this type may stand below `parent` at all, for this actor, before policies are asked.
// Errors: `not-delegable`, `start-denied`, `wrong-actor-type`, `too-deep`, `too-many-sub-tasks`, `wrong-parent-type`.
Status MayStandBelow(Core& core, LiveTask& parent, const task::TaskType& type, const cedar::EntityUid& actor);

// Whether it may now, and what remains for it. `record` is the sub-task as it would be asked for, `parent` the task that it names, which `by` may
// see; of tasks above that one nothing is told but what `by` may see.
struct Below {
  // "task", "type", "actor", "ends", "allowed", "approvals" or "reason" and "message", "uses", "budgets", "lost", "limited_above"
  json::Object verdict;
  task::PermissionSet remaining;  // after the intersection over everything above it
};
Below ExplainBelow(Core& core, const Caller& by, LiveTask& parent, const task::TaskType& type, const task::TaskRecord& record,
                   const cedar::Entity& entity);

// What is known of it while parameters are missing: "allowed" stands there only where it is false whatever they are.
json::Object VerdictWithout(Core& core, LiveTask& parent, const task::TaskType& type, const cedar::EntityUid& actor);

}  // namespace remit::broker
