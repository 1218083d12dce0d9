// Who may: the verbs on a task, asked of the catalog in force.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "cedar/value.h"
#include "task/decision.h"

namespace remit::broker {

class Core;

class WhoMay {
 public:
  explicit WhoMay(Core& core) : core_(core) {}

  // Asks the catalog in force whether `by` may do a built-in verb on a task. Of anybody but an actor or a person: no.
  // `approved`: how many distinct people said yes, for the obligations on the verb.
  // `at`: the moment that it is asked for, now where none is given. `uses`: how often each was lifted for this task already. Null: of a start none
  // was; of any other verb none is lifted that counts uses.
  task::Decision AskVerb(const Caller& by, std::string_view verb, const cedar::Entity& task_entity, std::uint32_t approved = 0,
                         std::optional<Time> at = std::nullopt, const std::map<std::string, std::uint32_t>* uses = nullptr);
  // Whether it may change the life of this task. Errors: `denied`, or `unknown-task` where the caller may not know of it.
  Status MayChange(const Caller& by, std::string_view verb, std::string_view denied, LiveTask& live);
  // Whether it may know of this task: the operator, the task and its holder and those of a task above it, who is in its chain, and who may `view`.
  bool MayView(const Caller& by, LiveTask& live);
  bool MayViewEnded(const Caller& by, const task::TaskRecord& record);

  // The actors that they own or owned, with the end of that: Time::max() while they do.
  std::map<cedar::EntityUid, Time> OwnedBy(const cedar::EntityUid& person) const;
  // Whether their yes does not count for what this task, or somebody, asked for at `since`: who is in its chain, and who owns one of those, or did at
  // any time since. Errors: `own-request`, which says why.
  Status MayJudge(const cedar::EntityUid& person, const task::TaskRecord& record, std::string_view judging = "approve") const;
  Status MayJudge(const cedar::EntityUid& person, const std::vector<cedar::EntityUid>& chain, Time since, std::string_view judging = "approve") const;

  static bool Owns(const Caller& by, const task::TaskRecord& record);  // its holder or its actor
  // The error for a task that is not live: `wrong-state` where it has ended and the caller may know of it, else `unknown-task`. Reads the store.
  Error NotLive(const Caller& by, const std::string& id);

  Caller AsActor(const task::TaskRecord& record) const;                    // who asks, where a task's holder does
  bool IsBarred(const cedar::EntityUid& actor) const;                      // or not registered
  const cedar::EntityUid* BarredOf(const task::TaskRecord& record) const;  // the first of its chain that is; null where nobody is

 private:
  cedar::Value VerbContext(const Caller& by, const cedar::EntityUid& verb, const cedar::EntityUid& task, Time at) const;
  bool IsPersonType(const cedar::EntityUid& uid) const;

  Core& core_;
};

}  // namespace remit::broker
