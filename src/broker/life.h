// The end of a task, by whatever way: in memory at once, in one commit with all its credentials in `ending`, and answered when they are dead.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;
struct Ending;

class Ends {
 public:
  explicit Ends(Core& core) : core_(core) {}

  // Ends a task: applies in memory at once, commits with all its credentials in `ending`, then sees to them. `answer` may be null.
  using EndStep = std::function<Result<task::Transition>(const task::TaskRecord&, Time)>;
  void End(LiveTask& live, const EndStep& step, Duration wait, Answer<EndAnswer> answer);
  void RefreshCredentials(store::Batch& batch);
  Error NotLive(const Caller& by, const std::string& id);
  void AnswerEnd(std::vector<task::TaskRecord> records, Duration wait, Answer<EndAnswer> answer);
  static task::TaskRecord Present(LiveTask& live);          // with its counts as they are now
  static const task::TaskRecord& Recorded(LiveTask& live);  // as it is written down: what is shown
  static bool Owns(const Caller& by, const task::TaskRecord& record);
  std::uint64_t next_hold = 1;

 private:
  void WriteEnd(LiveTask& live, task::Transition transition, Duration wait, Answer<EndAnswer> answer);
  void PutEnd(LiveTask& live, task::Transition transition, Time now, Ending& ending);
  void CommitEnd(std::shared_ptr<Ending> ending);
  void WatchCredentials(const std::string& task_id, std::function<bool()> watch);
  void FinishEndAnswer(const std::vector<task::TaskRecord>& records, const Answer<EndAnswer>& answer);

  Core& core_;
};

}  // namespace remit::broker
