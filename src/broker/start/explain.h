// What a start would come to, without starting anything.
#pragma once

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/decision.h"

namespace remit::broker {

class Core;

class Explanations {
 public:
  explicit Explanations(Core& core) : core_(core) {}

  // Whether `by` could start this one now, its reason aside: {"allowed", "approvals"}, or {"allowed", "reason", "message"}. There is a catalog.
  json::Object StartVerdict(const Caller& by, const task::TaskType& type, const task::TaskRecord& sample, const cedar::Entity& entity);

 private:
  Core& core_;
};

}  // namespace remit::broker
