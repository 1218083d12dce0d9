// A request that has every yes becomes a task that runs: committed as active with its credentials planned, which are made only then.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/decision.h"
#include "task/permission.h"

namespace remit::broker {

class Core;
struct Activating;

class Activations {
 public:
  explicit Activations(Core& core) : core_(core) {}

  // `record` is new, or waits as a request; it is active in memory after the commit. Where something overtook it (an end, a bar, a narrower
  // catalog), what was planned ends. `charges`: to its parent, where it is a sub-task. `done` comes under the mutex, after the commit; at once
  // where it is refused. Errors: `parent-not-active`, `budget-used-up`, those of Credentials::Plan and task::Activate, `unknown-task` of one that
  // was withdrawn meanwhile.
  void Activate(task::TaskRecord record, std::vector<json::Value> events, const task::PermissionSet& permissions,
                const std::vector<task::Charge>& charges, store::Batch batch, std::function<void(Status)> done);

 private:
  Result<Activating> Draft(const task::TaskRecord& record, const task::PermissionSet& permissions, Time now);
  Status Charge(const Activating& activating, const std::vector<task::Charge>& charges, Time now, store::Batch& batch);
  Status OnCommitted(Activating& activating, const Result<store::Committed>& committed);
  bool Take(Activating& activating);
  void Begin(LiveTask& live, const Activating& activating);

  Core& core_;
};

}  // namespace remit::broker
