// Starts that lie ahead: asked again when their time has come.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/permission.h"

namespace remit::broker {

class Core;

class Windows {
 public:
  explicit Windows(Core& core) : core_(core) {}

  // What has become of a request, asked again as it would be at `at`.
  struct Standing {
    enum class Kind { kGood, kChanged, kDenied } kind = Kind::kDenied;
    std::string why;           // kDenied
    std::uint32_t needed = 0;  // kChanged: approvals of what it is now
    std::vector<task::Charge> charges;
    task::PermissionSet permissions;  // as they are now
  };
  Standing Reconsider(const task::TaskRecord& record, Time at);
  // What was approved is not what would be given now: every yes is void, in memory before the commit, and people are asked about the new content.
  void AskAgain(LiveTask& live, const Standing& standing);
  // Commits a request that has every yes as scheduled; so in memory after the commit. `done` comes under the mutex. Errors: those of task::Schedule,
  // `unknown-task` of one that was withdrawn meanwhile.
  void ScheduleThen(task::TaskRecord record, std::vector<json::Value> events, store::Batch batch, std::function<void(Status)> done);
  // Its time has come: it starts, waits for people again, or is denied. Where it cannot be now (the store, a target), it is tried again.
  void StartScheduled(LiveTask& live);

 private:
  Core& core_;
};

}  // namespace remit::broker
