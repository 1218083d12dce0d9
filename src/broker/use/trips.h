// Tasks that try doors are stopped.
#pragma once

#include <string>
#include <unordered_map>

#include "broker/live/live_task.h"
#include "task/trip.h"

namespace remit::broker {

class Core;

class Trips {
 public:
  explicit Trips(Core& core) : core_(core) {}

  // An enforcement of `live` was denied by policy: counted for it and for all above it. One too many ends or suspends the whole tree.
  void Refused(LiveTask& live);
  void Forget(const std::string& task) { refusals_.erase(task); }  // it is over

 private:
  void Trip(LiveTask& tripped, const std::string& by, const task::Trip& trip);

  Core& core_;
  std::unordered_map<std::string, task::RefusalCount> refusals_;  // of tasks whose type has a trip
};

}  // namespace remit::broker
