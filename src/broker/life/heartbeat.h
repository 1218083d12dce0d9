// Signs of life of a task's holder: heartbeats, and connections that are held. Silence ends the task (Core::Look).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "broker/broker.h"
#include "broker/live/live_task.h"

namespace remit::broker {

class Core;

// Errors of both: `wrong-state`, `unknown-task`.
class Heartbeats {
 public:
  explicit Heartbeats(Core& core) : core_(core) {}

  Status Heard(const Caller& by, const std::string& task);
  // While one is held no heartbeat is missed. `notify` is told of each change from here on, not under the mutex; at once what it may have missed.
  Result<std::uint64_t> Hold(const Caller& by, const std::string& task, std::function<void(const json::Value&)> notify);
  // The task ends some seconds after the last is released, unless another is held by then.
  void Release(const std::string& task, std::uint64_t hold);

 private:
  Result<LiveTask*> OfHolder(const Caller& by, const std::string& task);

  Core& core_;
  std::uint64_t next_hold_ = 1;
};

}  // namespace remit::broker
