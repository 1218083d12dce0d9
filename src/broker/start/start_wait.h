// Whoever started a task, or let one go on, waits for its credentials: once all are live, or the time is over, he is told what there is.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "broker/broker.h"

namespace remit::broker {

class Core;

// One answer that is waited for.
struct StartWait {
  StartAnswer answer;  // what is known of it so far: the handles
  Answer<StartAnswer> to;
  bool done = false;
  io::TimerId timer = 0;
  std::string idempotency;  // key of its row; "" for none
};

class StartWaits {
 public:
  explicit StartWaits(Core& core) : core_(core) {}

  static std::shared_ptr<StartWait> For(Answer<StartAnswer> answer);
  // Says it when all credentials of the task are live, when it ended, or after limits::kStartWait with what there is. Called again each time one of
  // them changes. Errors: `target-refused`, `task-ended`.
  void AwaitLive(std::shared_ptr<StartWait> wait, const std::string& task_id);
  // Says it now: the task with what it holds, or no. Once; what comes later is not said. A commit in conflict is said as Raced.
  void Say(const std::shared_ptr<StartWait>& wait, const std::string& task_id);
  void Say(const std::shared_ptr<StartWait>& wait, Error error);
  // Why a start's commit was in conflict: `already-started`, `start-raced`. Reads the store.
  Error Raced(const std::string& idempotency);
  // Why a task is about to fail, for those who wait for its start; until Forget.
  void Note(const std::string& task_id, const std::string& why) { failed_[task_id] = why; }
  void Forget(const std::string& task_id) { failed_.erase(task_id); }

 private:
  Error Ended(const std::string& task_id);

  Core& core_;
  std::map<std::string, std::string> failed_;  // why, by task
};

}  // namespace remit::broker
