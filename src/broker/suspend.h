// Tasks stop and go on, with all that is below them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/fact_set.h"
#include "broker/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;
struct Suspending;
struct Resuming;

class Suspensions {
 public:
  explicit Suspensions(Core& core) : core_(core) {}

  // `cause`: events that are written down with it, before it.
  void Suspend(LiveTask& live, const std::string& by, const std::string& why, Duration wait, Answer<EndAnswer> answer,
               std::vector<json::Value> cause = {});
  void Resume(LiveTask& live, const std::string& by, Answer<StartAnswer> answer);

 private:
  void PutSuspension(LiveTask& live, task::Transition transition, Time now, Suspending& suspending);
  void CommitSuspension(std::shared_ptr<Suspending> suspending);
  Result<Resuming> DraftResumption(LiveTask& live, const std::string& by, Time now);
  void OnResumed(const std::shared_ptr<std::vector<Resuming>>& tree, const std::shared_ptr<const task::Catalog>& planned_under,
                 const std::shared_ptr<const FactSet>& planned_with, const Status& committed, Answer<StartAnswer> answer);

  Core& core_;
};

}  // namespace remit::broker
