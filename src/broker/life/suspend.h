// Tasks stop and go on, with all that is below them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/fact_set.h"
#include "broker/live/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;
struct Suspending;
struct Resuming;

class Suspensions {
 public:
  explicit Suspensions(Core& core) : core_(core) {}

  // Stops it and what is active below it: no use is allowed from here on. It is committed with all their credentials in `ending`, and tried again
  // until it is written down. `cause`: events that are written down with it, before it. `answer` may be null; it waits as an end's does. Errors:
  // `wrong-state`, `suspend-not-recorded`.
  void Suspend(LiveTask& live, const std::string& by, const std::string& why, Duration wait, Answer<EndAnswer> answer,
               std::vector<json::Value> cause = {});
  // Lets it go on with what stopped with it: active after the commit that plans their credentials anew, then these are made and waited for, as by a
  // start. Errors: those of Broker::Resume but for who may.
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
