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

  // Ends a task with all that is below it: no use is allowed from here on. It is committed with all its credentials in `ending`, tried again until it
  // is written down, and the credentials are seen to meanwhile. Behind a commit that makes it active: what that gives ends too. `step` makes the
  // record of the end, from the present one. `answer` may be null; it waits for the credentials (AnswerEnd).
  // Errors: `wrong-state` (also of one that is ending), those of `step`, `end-not-recorded`.
  using EndStep = std::function<Result<task::Transition>(const task::TaskRecord&, Time)>;
  void End(LiveTask& live, const EndStep& step, Duration wait, Answer<EndAnswer> answer);
  // Answers once the credentials of all these are dead, after `wait` (a minute at most) in any case; the first is the task that was asked about.
  void AnswerEnd(std::vector<task::TaskRecord> records, Duration wait, Answer<EndAnswer> answer);
  // Rows of credentials in a batch that is tried again: as they are by now, and none of what is dead.
  void RefreshCredentials(store::Batch& batch);

  // The error for a task that is not live: `wrong-state` where it has ended and the caller may know of it, else `unknown-task`. Reads the store.
  Error NotLive(const Caller& by, const std::string& id);
  static bool Owns(const Caller& by, const task::TaskRecord& record);  // its holder or its actor
  static task::TaskRecord Present(LiveTask& live);                     // with its counts as they are now
  static const task::TaskRecord& Recorded(LiveTask& live);             // as it is written down: what is shown
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
