// Starts: a request becomes a task, with what it holds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live_credential.h"
#include "broker/live_task.h"
#include "task/decision.h"
#include "task/permission.h"

namespace remit::broker {

class Core;
struct StartWait;

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
  static std::shared_ptr<StartWait> MakeStartWait(Answer<StartAnswer> answer);
  // Writes down what was drafted, together with `batch`: as a request that waits for people, as one that waits for its time, or as active. Answers
  // after the commit; of one that is active see AwaitLive. `idempotency`: the key of the row in `batch`.
  void Begin(StartDraft draft, store::Batch batch, Answer<StartAnswer> answer, const std::string& idempotency = {});
  // Commits `record` (with every yes) as active and its credentials as planned, then makes them. Whether it is new or waits as a request, it is
  // active in memory after the commit; where something overtook it (an end, a bar, a narrower catalog), what was planned ends. `charges`: to its
  // parent, where it is a sub-task. `done` comes under the mutex, after the commit; at once where it is refused. Errors: `parent-not-active`,
  // `budget-used-up`, those of PlanCredentials and task::Activate, `unknown-task` of one that was withdrawn meanwhile.
  void ActivateThen(task::TaskRecord record, std::vector<json::Value> events, const task::PermissionSet& permissions,
                    const std::vector<task::Charge>& charges, store::Batch batch, std::function<void(Status)> done);
  static void CountStart(task::TaskRecord& record, const std::vector<task::Charge>& charges);  // what a start costs the task itself
  // A credential for each target that its permissions are for; nothing is written. Errors: `not-enforceable`, `no-such-target`, the target's.
  Result<std::vector<LiveCredential>> PlanCredentials(const task::TaskRecord& record, const task::PermissionSet& permissions, Time not_after);
  // Each becomes `planned`, with its row and its events in the batch. Answers their ids.
  std::vector<std::string> PutPlanned(std::vector<LiveCredential>& planned, Time now, store::Batch& batch);
  // One that no task of ours has, found at a target: known from here on, and seen to its end.
  void EndStrayCredential(LiveCredential credential);
  // Answers when all credentials of the task are live, when it ended, or after limits::kStartWait with what there is.
  // Errors: `target-refused`, `task-ended`.
  void AwaitLive(std::shared_ptr<StartWait> wait, const std::string& task_id);
  Error Raced(const std::string& idempotency);           // why a start's commit was in conflict: `already-started`, `start-raced`. Reads the store
  Bytes CredentialContext(const std::string& id) const;  // what a credential's secret is sealed for
  std::map<std::string, std::string> failed;             // why, until the starter was told

 private:
  void AnswerStart(const std::shared_ptr<StartWait>& wait, const std::string& task_id);
  void AnswerStart(const std::shared_ptr<StartWait>& wait, Error error);
  Error FailedStart(const std::string& task_id);

  Core& core_;
};

// How many people must say yes, from the decision as it is when all have.
std::uint32_t ApprovalsNeeded(const task::Decision& when_all_approve);

// Errors: `unknown-type`, whose hint names the nearest.
Result<const task::TaskType*> TypeNamed(const task::Catalog& catalog, const std::string& name);

// Whether `by` is somebody who starts tasks of this type at all. Errors: `not-an-actor`, `start-denied`, `wrong-actor-type`.
Status CheckStarter(const Caller& by, const task::TaskType& type, const std::map<cedar::EntityUid, ActorRecord>& actors,
                    const std::map<cedar::EntityUid, PersonRecord>& people);

}  // namespace remit::broker
