// The end of a task, by whatever way: in memory at once, and in one commit with all its credentials in `ending`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/life.h"

namespace remit::broker {

class Core;
struct Ending;

class Ends {
 public:
  explicit Ends(Core& core) : core_(core) {}

  // Ends a task with all that is below it: no use is allowed from here on. It is committed with all its credentials in `ending`, tried again until it
  // is written down, and the credentials are seen to meanwhile. Behind a commit that makes it active: what that gives ends too. `step` makes the
  // record of the end, from the present one. `answer` may be null; it waits for the credentials (EndWaits).
  // Errors: `wrong-state` (also of one that is ending), those of `step`, `end-not-recorded`.
  using EndStep = std::function<Result<task::Transition>(const task::TaskRecord&, Time)>;
  void End(LiveTask& live, const EndStep& step, Duration wait, Answer<EndAnswer> answer);
  // Ends it in whatever state it is, on no person's word. `answer` may be null. Errors: those of End.
  void EndByPolicy(LiveTask& live, const std::string& why, const cedar::EntityUid& by, Duration wait, Answer<EndAnswer> answer);
  // So ends what was on its way into the store when something took it away: a start whose actor was barred, or whose catalog was ended.
  void EndIfOvertaken(LiveTask& live);
  // Rows of credentials in a batch that is tried again: as they are by now, and none of what is dead.
  void RefreshCredentials(store::Batch& batch);

  static task::TaskRecord Present(LiveTask& live);          // with its counts as they are now
  static const task::TaskRecord& Recorded(LiveTask& live);  // as it is written down: what is shown

 private:
  void WriteEnd(LiveTask& live, task::Transition transition, Duration wait, Answer<EndAnswer> answer);
  void PutEnd(LiveTask& live, task::Transition transition, Time now, Ending& ending);
  void CommitEnd(std::shared_ptr<Ending> ending);
  void TellHolders(LiveTask& live);

  Core& core_;
};

}  // namespace remit::broker
