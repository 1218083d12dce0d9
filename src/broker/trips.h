// Tasks that try doors are stopped.
#pragma once

#include <string>

#include "broker/live_task.h"
#include "task/trip.h"

namespace remit::broker {

class Core;

class Trips {
 public:
  explicit Trips(Core& core) : core_(core) {}

  // An enforcement of `live` was denied by policy: counted for it and for all above it. One too many ends or suspends the whole tree.
  void Refused(LiveTask& live);

 private:
  void Trip(LiveTask& tripped, const std::string& by, const task::Trip& trip);

  Core& core_;
};

}  // namespace remit::broker
