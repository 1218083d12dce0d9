// The broker's inside: what lives, the one mutex, and how effects leave it. Included by the broker's own files only.
//
// A use case runs under the mutex and leaves its effects (commits, answers, work for targets) in a queue, which is carried out in
// order after the mutex is released. So commits reach the store in the order in which memory changed, and no callback ever runs
// under the mutex.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.h"
#include "broker/change.h"
#include "broker/epoch.h"
#include "broker/keys.h"
#include "broker/live_task.h"
#include "broker/task_tree.h"
#include "identity/handle.h"
#include "target/secrets/secret_store.h"
#include "task/budget.h"
#include "task/decision.h"
#include "task/life.h"
#include "task/trip.h"

namespace remit::broker {

// A credential that is not dead, and the worker that owns it.
struct LiveCredential {
  task::CredentialRecord record;
  std::map<std::string, Secret> environment;  // while live; lost at a restart
  bool working = false;                       // a call to its target is under way
  bool end_wanted = false;
  bool burying = false;        // that it is dead is being written down
  std::uint32_t attempts = 0;  // to end it, since this process started
  io::TimerId timer = 0;
};

// The target of tokens: not a system outside, but everybody who takes our signature.
inline constexpr std::string_view kTokenTarget = "token";
inline constexpr std::string_view kIntrospectKind = "token-introspect";  // dead in the commit that ends its task
inline constexpr std::string_view kOfflineKind = "token-offline";        // dead when its `exp` has passed everywhere

// An approval of a use within a task (the approval of a start is the task itself).
struct UseApproval {
  std::string id, task;
  cedar::EntityUid action, resource;
  json::Value attributes = json::Object{}, context = json::Object{};  // what the asker said of the resource, where that counts, and of the use
  Hash hash{};
  std::uint32_t needed = 1;
  std::vector<task::Yes> yes;
  Time requested{}, expires{};

  // INVARIANT: everything that the asker said and the decision may depend on: a yes to one question is none to another.
  std::string Question() const;
  json::Value ToJson() const;
  static Result<UseApproval> FromJson(const json::Value& document);
};

// Facts, as of one moment.
struct FactSet {
  cedar::Entities entities;
  std::map<std::string, json::Value> documents;  // by uid
  std::string hash;
};

// What a start comes to before anything is written.
struct StartDraft {
  task::TaskRecord record;
  task::PermissionSet permissions;
  Secret token, holder;
  std::vector<task::Charge> charges;  // to its parent
};

// Whether a target answers: after it did not, nobody asks it until `until`.
struct Breaker {
  std::uint32_t failures = 0;
  Time until{};
};

// Whether what is asked for gives somebody something, or only takes away.
enum class AdminEffect { kGives, kTakesAway };

// Somebody wants to change the server itself.
struct AdminCall {
  Caller by;
  std::string verb;             // "catalog.load", …
  std::vector<std::string> on;  // ids of Remit::EntityType; empty: the server
  AdminEffect effect = AdminEffect::kGives;
  std::shared_ptr<const ChangeRequest> approved;  // what people said yes to, where this carries it out
};

// The id of the operator that is this very process (first catalogs, `remit init`, `remit dev`). Nobody from outside is called so.
inline constexpr std::string_view kInProcess = "local";

// In store::Table::kMeta, where an offboarding has begun and something of it may be open.
inline constexpr std::string_view kOffboardingPrefix = "offboarding/";
inline std::string OffboardingKey(const cedar::EntityUid& who) { return std::string(kOffboardingPrefix) + who.ToString(); }

class Broker::Impl {
 public:
  explicit Impl(Parts given) : parts(std::move(given)), secrets(parts.store, parts.master_key, parts.rng) {}

  // --- effects -------------------------------------------------------------------------------------------------------------------
  // Runs `body` under the mutex, then carries out the effects.
  template <class F>
  auto Locked(F body) {
    std::unique_lock lock(mutex);
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      Drain(lock);
    } else {
      auto result = body();
      Drain(lock);
      return result;
    }
  }
  void Drain(std::unique_lock<std::mutex>& lock);
  // Both only under the mutex.
  void Later(std::function<void()> effect) { effects.push_back(std::move(effect)); }
  // `done` runs under the mutex again.
  void Commit(store::Batch batch, std::function<void(Result<store::Committed>)> done);

  // --- time and events -----------------------------------------------------------------------------------------------------------
  Time Now() const { return parts.clock.Now(); }
  // A time for events and records: never before the last event's.
  Time Stamp();
  void AddEvents(store::Batch& batch, std::vector<json::Value> events);
  static json::Object Event(std::string_view type, Time at);
  bool ClockInDoubt();

  // --- who may -------------------------------------------------------------------------------------------------------------------
  // Asks the catalog in force whether `by` may do a built-in verb on a task.
  // `approved`: how many distinct people said yes, for the obligations on the verb.
  // `at`: the moment that it is asked for, now where none is given. `uses`: how often each was lifted for this task already; null for none.
  task::Decision AskVerb(const Caller& by, std::string_view verb, const cedar::Entity& task_entity, std::uint32_t approved = 0,
                         std::optional<Time> at = std::nullopt, const std::map<std::string, std::uint32_t>* uses = nullptr);
  // Whether it may change the life of this task. Errors: `denied`, or `unknown-task` where the caller may not know of it.
  Status MayChange(const Caller& by, std::string_view verb, std::string_view denied, LiveTask& live);
  Caller AsActor(const task::TaskRecord& record) const;                    // who asks, where a task's holder does
  bool IsBarred(const cedar::EntityUid& actor) const;                      // or not registered
  const cedar::EntityUid* BarredOf(const task::TaskRecord& record) const;  // the first of its chain that is; null where nobody is
  bool MayView(const Caller& by, LiveTask& live);
  // The verbs on the server itself: see administer.cc.
  task::Decision AskServer(const cedar::EntityUid& who, std::string_view verb, std::uint32_t approved = 0);
  bool SomebodyMayLoad(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without) const;
  bool SetUpIsOpen() const;
  bool WasOvertaken(const cedar::EntityUid& uid, std::uint64_t change) const;  // by a bar
  Status KeepsAnAdministrator(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without) const;
  Result<std::uint32_t> Authorise(const AdminCall& call);

  // Changes that wait for people: see change.cc.
  void AskChange(const AdminCall& call, std::uint32_t needed, json::Value content, json::Value shown, store::Batch batch, Answer<std::string> answer);
  void ApproveChange(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer);
  void DenyChange(const Caller& by, const std::string& id, const std::string& why, Answer<json::Value> answer);
  void MakeChange(ChangeRequest request, Answer<json::Value> answer);
  void ForgetOldChanges(store::Batch& batch);
  std::uint32_t StandingYes(const ChangeRequest& change);
  bool MaySeeChange(const Caller& by, const ChangeRequest& change);
  json::Value ChangeJson(const ChangeRequest& change) const;
  void Settle(const AdminCall& call, store::Batch& batch);
  void Unsettle(const AdminCall& call);

  // Making them: see setup.cc and offboard.cc.
  void LoadFiles(AdminCall call, std::vector<task::CatalogFile> files, const LoadOptions& options, Answer<CatalogAnswer> answer);
  void LoadApproved(AdminCall call, Answer<json::Value> answer);
  bool ChangeCatalog(const AdminCall& call, std::shared_ptr<const task::Catalog> catalog, const LoadOptions& options,
                     std::shared_ptr<CatalogAnswer> shared, Answer<CatalogAnswer> answer);
  bool ChangeFacts(AdminCall call, const json::Value& entities, bool replace, Answer<FactsAnswer> answer);
  void ChangeActor(const AdminCall& call, ActorRecord actor, Answer<json::Value> answer);
  void ChangePerson(const AdminCall& call, PersonRecord person, Answer<json::Value> answer);
  void AskRegistry(const AdminCall& call, std::uint32_t needed, const json::Value& content, Answer<json::Value> answer);
  void StartOffboard(const AdminCall& call, const cedar::EntityUid& actor, const std::string& why, Duration wait, Answer<json::Value> answer);
  void EndAllOf(std::shared_ptr<struct Offboarding> state, Duration wait);
  Status LoadOffboardings();
  void TakeUpOffboardings();
  void TaskEnded(const std::shared_ptr<struct Offboarding>& state, const std::string& id, Result<EndAnswer> end);
  void CredentialEnded(const std::shared_ptr<struct Offboarding>& state, const task::CredentialRecord& credential);
  void EndCredentialsLeft(const std::shared_ptr<struct Offboarding>& state, Duration wait);
  void Arrived(const std::shared_ptr<struct Offboarding>& state);
  void ReportOffboarding(const std::shared_ptr<struct Offboarding>& state);
  Result<json::Value> SignOffboarding(json::Object report, const std::string& body, std::uint64_t index);
  // Accounts outside of tasks: see standing.cc.
  Status CheckAccounts(const ActorRecord& actor) const;
  void LookAtStanding(const std::shared_ptr<struct Offboarding>& state);
  bool IsOf(LiveTask& live, const cedar::EntityUid& actor) const;
  void EndIfOvertaken(LiveTask& live);
  void EndByPolicy(LiveTask& live, const std::string& why, const cedar::EntityUid& by, Duration wait, Answer<EndAnswer> answer);
  // That an event, with this body, is in the ledger: with its path and a signed checkpoint. Not under the mutex. See receipt.cc.
  Result<json::Value> ProofOf(std::uint64_t index, const std::string& body);
  json::Object StillRunning(const cedar::EntityUid& actor);
  bool MayViewEnded(const Caller& by, const task::TaskRecord& record);

  // --- tasks ---------------------------------------------------------------------------------------------------------------------
  LiveTask* Find(const std::string& id);
  LiveTask* FindByHandle(std::string_view handle, bool* holder = nullptr);
  std::shared_ptr<const task::Catalog> Pinned(const std::string& hash);
  const cedar::Entity& EntityOf(LiveTask& live);
  std::shared_ptr<const cedar::Entity> MakeEntity(const task::TaskRecord& record, const task::Catalog& catalog);
  // What it may do now: what its catalog and the one in force give, and what each task above it may do. Nothing where one of them is gone.
  task::PermissionSet PermissionsOf(const task::TaskRecord& record, const cedar::Entity& entity);
  task::PermissionSet OwnPermissions(const task::TaskRecord& record, const cedar::Entity& entity);
  task::PermissionSet AllowedUnder(const task::Catalog& next, const FactSet& next_facts, LiveTask& live);  // by these alone
  void Insert(std::unique_ptr<LiveTask> live);
  void Insert(std::unique_ptr<LiveTask> live, const Hash& token, const Hash& holder);
  void Remove(const std::string& id);
  void Schedule(LiveTask& live);  // puts it into the queue of what must be looked at
  void ArmTimer();
  void OnTimer();
  void Look(LiveTask& live, Time now);  // deadline, heartbeat, held connection, warning
  void Tell(LiveTask& live, const json::Value& line);
  void Changed(LiveTask& live);  // wakes the watchers
  void FlushCounts();
  void ArmCounts();

  // Ends a task: applies in memory at once, commits with all its credentials in `ending`, then sees to them. `answer` may be null.
  using EndStep = std::function<Result<task::Transition>(const task::TaskRecord&, Time)>;
  void End(LiveTask& live, const EndStep& step, Duration wait, Answer<EndAnswer> answer);
  void WriteEnd(LiveTask& live, task::Transition transition, Duration wait, Answer<EndAnswer> answer);
  void PutEnd(LiveTask& live, task::Transition transition, Time now, struct Ending& ending);
  void CommitEnd(std::shared_ptr<struct Ending> ending);
  void RefreshCredentials(store::Batch& batch);
  Error NotLive(const Caller& by, const std::string& id);
  void WatchCredentials(const std::string& task_id, std::function<bool()> watch);
  void AnswerEnd(std::vector<task::TaskRecord> records, Duration wait, Answer<EndAnswer> answer);
  void FinishEndAnswer(const std::vector<task::TaskRecord>& records, const Answer<EndAnswer>& answer);
  static task::TaskRecord Present(LiveTask& live);          // with its counts as they are now
  static const task::TaskRecord& Recorded(LiveTask& live);  // as it is written down: what is shown
  static bool Owns(const Caller& by, const task::TaskRecord& record);

  // A task and its sub-tasks: see tree.cc.
  std::optional<std::vector<LiveTask*>> Above(const task::TaskRecord& record);  // its parent first; nothing where one is not there
  std::vector<LiveTask*> Below(const LiveTask& live);                           // parents before their children
  bool IsBelow(const task::TaskRecord& record, const std::string& above);
  bool Usable(LiveTask& live);                                                 // it, and every task above it
  Status ParentStands(const task::TaskRecord& record);                         // errors: `parent-not-active`
  Time LatestDeadline(const task::TaskRecord& record);                         // its parent's
  void AddParents(cedar::OverlayEntities& view, const cedar::Entity& entity);  // where its policies can see them
  void FollowParent(LiveTask& live);                                           // ends or stops one whose parent did so while it was being made active

  // Suspending and resuming: see suspend.cc.
  // `cause`: events that are written down with it, before it.
  void SuspendTree(LiveTask& live, const std::string& by, const std::string& why, Duration wait, Answer<EndAnswer> answer,
                   std::vector<json::Value> cause = {});
  void PutSuspension(LiveTask& live, task::Transition transition, Time now, struct Suspending& suspending);
  void CommitSuspension(std::shared_ptr<struct Suspending> suspending);
  void ResumeTree(LiveTask& live, const std::string& by, Answer<StartAnswer> answer);
  Result<struct Resuming> DraftResumption(LiveTask& live, const std::string& by, Time now);
  void OnResumed(const std::shared_ptr<std::vector<struct Resuming>>& tree, const std::shared_ptr<const task::Catalog>& planned_under,
                 const std::shared_ptr<const FactSet>& planned_with, const Status& committed, Answer<StartAnswer> answer);

  // More time: see extend.cc.
  void ExtendTask(LiveTask& live, const Caller& by, Duration more, const std::string& reason, Answer<ExtendAnswer> answer);
  void AskForExtension(LiveTask& live, task::Extension asked, const std::string& who, Answer<ExtendAnswer> answer);
  void CommitExtension(LiveTask& live, task::Transition transition, Answer<ExtendAnswer> answer);
  void ApproveExtension(LiveTask& live, const Caller& by, const std::string& hash, Answer<json::Value> answer);
  void ExtendApproved(LiveTask& live, task::Transition yes, Answer<json::Value> answer);
  void DenyExtension(LiveTask& live, const Caller& by, const std::string& why, Answer<json::Value> answer);
  void VoidExtension(LiveTask& live, task::Transition denied, Answer<json::Value> answer);
  void KeepExtension(LiveTask& live, const std::optional<task::Extension>& extension, std::uint64_t version);
  void WriteAgain(LiveTask& live);
  Hash ExtensionHash(LiveTask& live, const task::Extension& asked);
  json::Value ExtensionJson(LiveTask& live);
  void ProlongCredentials(const std::string& task_id);
  void ProlongCredential(const std::string& id, std::uint32_t tries);

  // Sub-tasks: see delegate.cc.
  Result<StartDraft> DraftSubTask(LiveTask& parent, const DelegateRequest& request);
  task::Decision AskDelegate(const task::TaskRecord& child, const cedar::Entity& entity, std::uint32_t approved);
  // Whether it may begin to run: `start` for its actor, or `delegate` for its parent.
  task::Decision AskBegin(const task::TaskRecord& record, const cedar::Entity& entity, std::uint32_t approved, Time at);
  Status CheckRoom(LiveTask& parent);
  LiveTask& RootOf(LiveTask& live);  // the highest that is there
  Status ChargeParent(const task::TaskRecord& child, const std::vector<task::Charge>& charges, store::Batch& batch);
  json::Object Actors(const task::TaskRecord& record);  // the claims `sub`, and of a sub-task `act` (RFC 8693 §4.1)

  // Starts: see start.cc.
  Result<StartDraft> DraftStart(const Caller& by, const StartRequest& request);
  Result<StartDraft> DraftTask(const task::TaskType& type, const cedar::EntityUid& actor, const StartRequest& request, Duration ttl);
  Error NotPermitted(const task::TaskRecord& record, const task::Decision& decision) const;
  Status NotStartedYet(const std::string& idempotency) const;
  static std::shared_ptr<struct StartWait> MakeStartWait(Answer<StartAnswer> answer);
  void Begin(StartDraft draft, store::Batch batch, Answer<StartAnswer> answer, const std::string& idempotency = {});
  json::Object StartVerdict(const Caller& by, const task::TaskType& type, const task::TaskRecord& sample, const cedar::Entity& entity);
  // `charges`: to its parent, where it is a sub-task.
  void ActivateThen(task::TaskRecord record, std::vector<json::Value> events, const task::PermissionSet& permissions,
                    const std::vector<task::Charge>& charges, store::Batch batch, std::function<void(Status)> done);
  static void CountStart(task::TaskRecord& record, const std::vector<task::Charge>& charges);  // what a start costs the task itself
  Result<std::vector<LiveCredential>> PlanCredentials(const task::TaskRecord& record, const task::PermissionSet& permissions, Time not_after);
  // Each becomes `planned`, with its row and its events in the batch. Answers their ids.
  std::vector<std::string> PutPlanned(std::vector<LiveCredential>& planned, Time now, store::Batch& batch);
  void EndStrayCredential(LiveCredential credential);
  void AwaitLive(std::shared_ptr<struct StartWait> wait, const std::string& task_id);
  void AnswerStart(const std::shared_ptr<struct StartWait>& wait, const std::string& task_id);
  void AnswerStart(const std::shared_ptr<struct StartWait>& wait, Error error);
  Error FailedStart(const std::string& task_id);
  Error Raced(const std::string& idempotency);

  // Budgets: see budgets.cc. Errors: `budget-used-up`.
  Status CheckBudgets(const task::TaskRecord& record, Time at, bool active_too);
  Status ChargeBudgets(const task::TaskRecord& started, store::Batch& batch);
  void SettleBudgets(const std::string& task, const Result<store::Committed>& committed);
  void FitBudgets();
  void ReadGuard(const std::string& key);
  Status LoadBudgets();
  void TidyBudgets();
  std::optional<Time> RunsUntil(const std::string& task);

  // Tasks that try doors: see trips.cc.
  void Refused(LiveTask& live);
  void Trip(LiveTask& tripped, const std::string& by, const task::Trip& trip);

  // Starts that lie ahead: see windows.cc.
  // What has become of a request, asked again as it would be at `at`.
  struct Standing {
    enum class Kind { kGood, kChanged, kDenied } kind = Kind::kDenied;
    std::string why;           // kDenied
    std::uint32_t needed = 0;  // kChanged: approvals of what it is now
    std::vector<task::Charge> charges;
    task::PermissionSet permissions;  // as they are now
  };
  Standing Reconsider(const task::TaskRecord& record, Time at);
  void AskAgain(LiveTask& live, const Standing& standing);
  void ScheduleThen(task::TaskRecord record, std::vector<json::Value> events, store::Batch batch, std::function<void(Status)> done);
  void StartScheduled(LiveTask& live);
  cedar::Value VerbContext(const Caller& by, const cedar::EntityUid& verb, const cedar::EntityUid& task, Time at) const;

  // Starts without approval, and who signs for them: see break_glass.cc.
  Status BreakGlass(const Caller& by, const task::TaskType& type, const cedar::Entity& entity, task::TaskRecord& record);
  json::Value BreakGlassEvent(const task::TaskRecord& started);
  store::Write ReviewWrite(const task::TaskRecord& started) const;
  Status LoadReviews();
  std::uint32_t OpenReviewsOf(const cedar::EntityUid& actor) const;
  Status MaySign(const Caller& by, const task::TaskRecord& record);
  Result<bool> DidAPart(const std::string& task, const cedar::EntityUid& who) const;
  void SignReview(const Caller& by, const task::TaskRecord& record, const std::string& row, const std::string& note, Answer<json::Value> answer);

  // Approvals: see approve.cc.
  void ApproveStart(const Caller& by, const std::string& task_id, const std::string& hash, Answer<json::Value> answer);
  void ApproveUse(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer);
  void ActivateApproved(LiveTask& live, task::Transition yes, Answer<json::Value> answer);
  std::uint32_t StandingYes(const task::TaskRecord& record, const cedar::Entity& entity, const std::vector<task::Yes>& yes);
  void AskAnew(LiveTask& live, const task::PermissionSet& permissions, Answer<json::Value> answer);
  bool IsPersonType(const cedar::EntityUid& uid) const;
  json::Value ApprovalJson(LiveTask& live);
  json::Value ApprovalJson(const UseApproval& approval);

  void RunWhenIdle(LiveTask& live, std::function<void()> work);
  void NotBusy(LiveTask& live);

  // --- credentials ---------------------------------------------------------------------------------------------------------------
  LiveCredential* FindCredential(const std::string& id);
  target::Target* FindTarget(const std::string& name) const;
  target::Target* OwnerOf(const cedar::EntityUid& action, const cedar::EntityUid& resource) const;
  void StartMake(const std::string& id);
  void StartPlanned(const std::string& id);  // where it is planned, and nobody makes it
  void OnMade(const std::string& id, Result<target::Made> made);
  void BeginCredentialEnd(LiveCredential& credential, const std::string& why, Time now, store::Batch& batch);
  void StartEnd(const std::string& id);
  void EndToken(const std::string& id);
  void BuryToken(const std::string& id, Time now, store::Batch& batch);
  void OnEnded(const std::string& id, target::EndResult result);
  void RetryEnd(const std::string& id, Time when);
  void BuryCredential(const std::string& id, std::vector<task::Evidence> evidence);
  void CredentialChanged(const LiveCredential& credential);
  store::Write CredentialWrite(const task::CredentialRecord& record) const;
  Bytes CredentialContext(const std::string& id) const;

  // --- use -----------------------------------------------------------------------------------------------------------------------
  struct Judged {
    UseAnswer answer;
    task::Decision decision;
    std::uint32_t approvals_needed = 0;  // where it needs approval: how many people must say yes
    LiveTask* live = nullptr;
    // Of the tasks above it, whose own forbids are lifted too: what that costs each.
    std::vector<std::pair<LiveTask*, std::vector<task::Charge>>> above;
  };
  task::Decision JudgeOne(LiveTask& one, LiveTask& asker, const UseRequest& request, const cedar::Value& context, std::uint32_t& approvals_needed);
  Status Spend(LiveTask& live, const UseRequest& request, const std::vector<task::Charge>& charges, store::Batch& batch);
  std::shared_ptr<const cedar::Entity> ResourceEntity(const UseRequest& request) const;
  Result<cedar::Value> ContextOf(const UseRequest& request, const Zone* zone) const;
  Judged Judge(const UseRequest& request, bool count);
  void Count(LiveTask& live);
  bool MayEnforce(const Caller& by, const cedar::EntityUid& resource);
  void AskForUse(const UseRequest& request, Judged judged, Answer<UseAnswer> answer);
  void Evaluate(const Caller& by, const UseRequest& request, const std::string& idempotency, Answer<UseAnswer> answer);
  void EvaluateOnce(const Caller& by, UseRequest request, Answer<UseAnswer> answer);
  void Use(const UseRequest& request, const std::string& idempotency, store::Batch extra, Answer<UseAnswer> answer);
  UseApproval AskedBy(const LiveTask& live, const UseRequest& request) const;
  UseApproval* FindUseApproval(const LiveTask& live, const UseRequest& request);
  std::vector<std::string> UseApprovalsOf(const std::string& task) const;
  UseApproval& KeepUseApproval(UseApproval approval);
  void ForgetUseApproval(const std::string& id);
  UseApproval& AskApproval(LiveTask& live, const UseRequest& request, std::uint32_t needed, store::Batch& batch);

  // --- reading and set-up --------------------------------------------------------------------------------------------------------
  std::vector<task::CredentialRecord> CredentialsOf(const task::TaskRecord& record);
  void ListLive(const Caller& by, const ListFilter& filter, const std::function<bool(const task::TaskRecord&)>& matches,
                std::vector<task::TaskRecord>& found);
  Result<task::TaskRecord> Visible(const Caller& by, const std::string& id);
  Status CheckStated(const task::StatedPermission& stated) const;
  bool HoldsTooMuch(LiveTask& live, const task::Catalog& next, const FactSet& next_facts);
  std::vector<std::string> FindNarrowed(const task::Catalog& next, const FactSet& next_facts);
  // Catalog and facts change one after the other, since each is checked against the other as it is in force. `change` answers whether its
  // commit is on its way; then that calls ChangeDone.
  void OneAtATime(std::function<bool()> change);
  void ChangeDone();
  void EndTooWide(const std::vector<std::string>& ids);
  // What a catalog takes from tasks that live: see catalog_change.cc. Each goes through all tasks a few at a time, and calls `done` under
  // the mutex.
  void ForEachTask(std::function<void(LiveTask&)> each, std::function<void()> done);
  void FindLosses(std::shared_ptr<const task::Catalog> next, std::shared_ptr<const FactSet> next_facts, const LoadOptions& options,
                  std::shared_ptr<CatalogAnswer> answer, std::function<void()> done);
  void EndOlder(std::shared_ptr<const task::Catalog> next, std::shared_ptr<CatalogAnswer> answer, std::function<void()> done);
  task::PermissionSet PermissionsUnder(const task::TaskRecord& record, const task::Catalog& next, const FactSet& known);
  void Register(ActorRecord actor);
  std::uint64_t RegistryChanges(store::Batch& batch);

  // --- opening and sweeping: see open.cc and sweep.cc ------------------------------------------------------------------------------
  Status Load();
  Status LoadCatalogs();
  Status LoadDirectory();
  Status LoadTasks();
  Status LoadCredentials();
  Status LoadLastEvent();
  void TakeUp();
  void ArmSweep();
  void SweepAll(Answer<json::Value> answer);
  void Compare(target::Target& target, const Result<std::vector<target::Found>>& found, Time listed, json::Object& report);
  void Housekeeping();

  // --- members -------------------------------------------------------------------------------------------------------------------
  Parts parts;
  target::secrets::SecretStore secrets;
  std::string installation;
  std::optional<Keys> keys;  // set by Open

  std::mutex mutex;
  std::deque<std::function<void()>> effects;
  bool draining = false;
  bool closed = false;

  std::shared_ptr<const task::Catalog> current;
  std::map<std::string, std::shared_ptr<const task::Catalog>> catalogs;  // by hash; those that live tasks started under
  std::shared_ptr<const FactSet> facts;
  std::deque<std::function<bool()>> changes;  // of both, that wait for their turn
  bool changing = false;
  std::map<cedar::EntityUid, ActorRecord> actors;
  std::map<std::string, cedar::EntityUid> actors_by_client;
  std::map<std::uint32_t, cedar::EntityUid> actors_by_unix_uid;
  std::map<cedar::EntityUid, PersonRecord> people;
  // Who was barred by which change of the registry: what was on its way into the store before that gives nothing back.
  std::map<cedar::EntityUid, std::uint64_t> barred_by;
  std::uint64_t registry_changes = 0;
  // The catalog and facts that are on their way into the store, but for those that may lock everybody out; else null.
  std::shared_ptr<const task::Catalog> coming_catalog;
  std::shared_ptr<const FactSet> coming_facts;

  struct Handle {
    LiveTask* live;
    bool holder;
  };
  // Uses with an idempotency key that are being decided: whoever comes with the same key meanwhile waits for the same answer.
  struct KeyedUse {
    std::string question;
    std::vector<std::pair<std::string, Answer<UseAnswer>>> others;  // their questions, and where they wait
  };
  std::unordered_map<std::string, KeyedUse> keyed_uses;
  std::unordered_map<std::string, std::unique_ptr<LiveTask>> tasks;
  TaskTree tree;
  std::unordered_map<std::string, std::size_t> beginning;  // sub-tasks on their way into the store, by the root of their tree
  std::unordered_map<Hash, Handle, identity::HandleHashHasher> handles;
  std::set<std::pair<Time, LiveTask*>> queue;
  io::TimerId queue_timer = 0;
  Time queue_timer_at{};
  std::set<LiveTask*> counted;
  io::TimerId counts_timer = 0, sweep_timer = 0;
  std::uint64_t next_hold = 1;

  std::unordered_map<std::string, LiveCredential> credentials;
  std::map<std::string, Breaker> breakers;
  std::map<std::string, UseApproval> use_approvals;                                         // by id
  std::map<std::pair<std::string, std::string>, std::string> asked_questions;               // their ids, by task and question
  std::unordered_map<std::string, std::vector<std::function<void()>>> credential_watchers;  // by task
  std::map<std::string, std::string> failed_starts;                                         // why, until the starter was told

  std::map<std::string, ChangeRequest> change_requests;  // by id
  Hooks hooks;
  std::vector<std::shared_ptr<struct Offboarding>> offboardings_left;  // that a crash interrupted, until there are hooks
  bool older_ends = false;                                             // what started under another catalog than the current one ends
  std::vector<std::string> of_before;                                  // tasks of an epoch that is over, until Resume ends them
  Epoch epoch;
  task::StartBook budgets;
  std::shared_ptr<const task::Catalog> budgets_of;               // the catalog whose budgets they are
  std::unordered_map<std::string, std::string> guards;           // of buckets, by key: who was counted last
  std::set<std::string> guards_in_doubt;                         // to be read again before they are relied on
  std::unordered_map<std::string, task::RefusalCount> refusals;  // of tasks whose type has a trip
  std::map<std::string, cedar::EntityUid> open_reviews;          // tasks started by break-glass, and their actors

  Time last_event{};
  bool clock_in_doubt = false;
  bool store_in_doubt = false;
  Counters totals;
};

// apv_… of the request to start a task: the task's own id under another prefix. And back: "" if it is not of that form.
std::string ApprovalIdOf(const std::string& task_id);
std::string TaskIdOf(const std::string& approval_id);

// A row of the idempotency table: when (for its end after a day), then what came of it.
std::string IdempotencyRow(Time at, std::string_view content);
inline constexpr std::size_t kIdempotencyTimeBytes = 17;  // before the content

// Facts from entity documents, by uid, checked against the schema. Errors: those of cedar::Entities::FromJson.
Result<std::shared_ptr<const FactSet>> BuildFacts(std::map<std::string, json::Value> documents, const cedar::Schema& schema);

// The registry's rows, as ActorJson and PersonJson (views.h) wrote them.
Result<ActorRecord> ActorFromJson(const json::Value& document);
Result<PersonRecord> PersonFromJson(const json::Value& document);

// How many people must say yes, from the decision as it is when all have.
std::uint32_t ApprovalsNeeded(const task::Decision& when_all_approve);

// Errors: `unknown-type`, whose hint names the nearest.
Result<const task::TaskType*> TypeNamed(const task::Catalog& catalog, const std::string& name);

// Whether `by` is somebody who starts tasks of this type at all. Errors: `not-an-actor`, `start-denied`, `wrong-actor-type`.
Status CheckStarter(const Caller& by, const task::TaskType& type, const std::map<cedar::EntityUid, ActorRecord>& actors,
                    const std::map<cedar::EntityUid, PersonRecord>& people);

// Whether `by` is a person in a session of their own that is recent. Errors: `not-a-person`, `session-too-old`.
Status CheckPerson(const Caller& by, Time now);

// Not found, and not to be known: the same answer for both.
std::unexpected<Error> NoSuchTask(const std::string& id);
std::unexpected<Error> NoSuchApproval(const std::string& id);

}  // namespace remit::broker
