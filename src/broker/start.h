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

  Result<StartDraft> Draft(const Caller& by, const StartRequest& request);
  Result<StartDraft> DraftTask(const task::TaskType& type, const cedar::EntityUid& actor, const StartRequest& request, Duration ttl);
  Error NotPermitted(const task::TaskRecord& record, const task::Decision& decision) const;
  Status NotStartedYet(const std::string& idempotency) const;
  static std::shared_ptr<StartWait> MakeStartWait(Answer<StartAnswer> answer);
  void Begin(StartDraft draft, store::Batch batch, Answer<StartAnswer> answer, const std::string& idempotency = {});
  // `charges`: to its parent, where it is a sub-task.
  void ActivateThen(task::TaskRecord record, std::vector<json::Value> events, const task::PermissionSet& permissions,
                    const std::vector<task::Charge>& charges, store::Batch batch, std::function<void(Status)> done);
  static void CountStart(task::TaskRecord& record, const std::vector<task::Charge>& charges);  // what a start costs the task itself
  Result<std::vector<LiveCredential>> PlanCredentials(const task::TaskRecord& record, const task::PermissionSet& permissions, Time not_after);
  // Each becomes `planned`, with its row and its events in the batch. Answers their ids.
  std::vector<std::string> PutPlanned(std::vector<LiveCredential>& planned, Time now, store::Batch& batch);
  void EndStrayCredential(LiveCredential credential);
  void AwaitLive(std::shared_ptr<StartWait> wait, const std::string& task_id);
  Error Raced(const std::string& idempotency);
  Bytes CredentialContext(const std::string& id) const;
  std::map<std::string, std::string> failed;  // why, until the starter was told

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
