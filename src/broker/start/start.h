// Starts: asked, decided, and written down as a request, as one that lies ahead, or as a task that runs (activate.h).
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/decision.h"
#include "task/permission.h"

namespace remit::broker {

class Core;

// What a start comes to before anything is written.
struct StartDraft {
  task::TaskRecord record;
  task::PermissionSet permissions;
  Secret token, holder;
  std::vector<task::Charge> charges;  // to its parent
};

class Starts {
 public:
  explicit Starts(Core& core) : core_(core) {}

  // Decides, and writes nothing: the record, its handles, and whether people or its time must be waited for. There is a catalog. Errors: those of
  // Broker::Start, but for what its commit finds.
  Result<StartDraft> Draft(const Caller& by, const StartRequest& request);
  // A record with its parameters bound and its handles made, before anybody was asked. Errors: those of task::BindParameters.
  Result<StartDraft> DraftTask(const task::TaskType& type, const cedar::EntityUid& actor, const StartRequest& request, Duration ttl);
  // `start-denied`, or of a sub-task `delegate-denied`: why, and by which policies.
  Error NotPermitted(const task::TaskRecord& record, const task::Decision& decision) const;
  // Whether this idempotency key was used before; "" is none. Reads the store, also not under the mutex. Errors: `already-started`.
  Status NotStartedYet(const std::string& idempotency) const;
  // Writes down what was drafted, together with `batch`: as a request that waits for people, as one that waits for its time, or as active. Answers
  // after the commit; of one that is active see StartWaits::AwaitLive. `idempotency`: the key of the row in `batch`.
  void Begin(StartDraft draft, store::Batch batch, Answer<StartAnswer> answer, const std::string& idempotency = {});
  std::size_t Beginning(const std::string& root) const;  // how many sub-tasks of this tree are on their way into the store
  static void CountStart(task::TaskRecord& record, const std::vector<task::Charge>& charges);  // what a start costs the task itself

 private:
  Core& core_;
  std::unordered_map<std::string, std::size_t> beginning_;  // by the root of their tree
};

// How many people must say yes, from the decision as it is when all have.
std::uint32_t ApprovalsNeeded(const task::Decision& when_all_approve);

// Errors: `unknown-type`, whose hint names the nearest.
Result<const task::TaskType*> TypeNamed(const task::Catalog& catalog, const std::string& name);

// Whether `by` is somebody who starts tasks of this type at all. Errors: `not-an-actor`, `start-denied`, `wrong-actor-type`.
Status CheckStarter(const Caller& by, const task::TaskType& type, const std::map<cedar::EntityUid, ActorRecord>& actors,
                    const std::map<cedar::EntityUid, PersonRecord>& people);

}  // namespace remit::broker
