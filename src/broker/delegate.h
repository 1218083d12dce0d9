// Sub-tasks: how one begins under another.
#pragma once

#include <vector>

#include "broker/broker.h"
#include "broker/live_task.h"
#include "broker/start.h"

namespace remit::broker {

class Core;

class Delegation {
 public:
  explicit Delegation(Core& core) : core_(core) {}

  Result<StartDraft> DraftSubTask(LiveTask& parent, const DelegateRequest& request);
  task::Decision AskDelegate(const task::TaskRecord& child, const cedar::Entity& entity, std::uint32_t approved);
  // Whether it may begin to run: `start` for its actor, or `delegate` for its parent.
  task::Decision AskBegin(const task::TaskRecord& record, const cedar::Entity& entity, std::uint32_t approved, Time at);
  Status CheckRoom(LiveTask& parent);
  Status ChargeParent(const task::TaskRecord& child, const std::vector<task::Charge>& charges, store::Batch& batch);
  json::Object Actors(const task::TaskRecord& record);  // the claims `sub`, and of a sub-task `act` (RFC 8693 §4.1)

 private:
  Core& core_;
};

}  // namespace remit::broker
