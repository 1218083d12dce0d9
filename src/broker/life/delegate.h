// Sub-tasks: how one begins under another.
#pragma once

#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "broker/start/start.h"

namespace remit::broker {

class Core;

class Delegation {
 public:
  explicit Delegation(Core& core) : core_(core) {}

  // Decides, and writes nothing. The parent is usable, and there is a catalog. Errors: those of Broker::Delegate.
  Result<StartDraft> DraftSubTask(LiveTask& parent, const DelegateRequest& request);
  // Whether its parent may hand it out, as the catalog in force has it. `approved`: how many people said yes.
  task::Decision AskDelegate(const task::TaskRecord& child, const cedar::Entity& entity, std::uint32_t approved);
  // Whether it may begin to run: `start` for its actor, or `delegate` for its parent.
  task::Decision AskBegin(const task::TaskRecord& record, const cedar::Entity& entity, std::uint32_t approved, Time at);
  // Whether one more fits below this task. Errors: `too-deep`, `too-many-sub-tasks`.
  Status CheckRoom(LiveTask& parent);
  // What handing this to a sub-task costs its parent: in memory at once, so that of many at a time only as many pass as may. It stays spent where the
  // commit fails. Errors: `unknown-task`, those of task::Spend.
  Status ChargeParent(const task::TaskRecord& child, const std::vector<task::Charge>& charges, store::Batch& batch);
  json::Object Actors(const task::TaskRecord& record);  // the claims `sub`, and of a sub-task `act` (RFC 8693 §4.1)

 private:
  Core& core_;
};

}  // namespace remit::broker
