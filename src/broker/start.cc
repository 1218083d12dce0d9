// Starting a task: asked, decided, written down, then given.
#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "broker/environment.h"
#include "json/write.h"
#include "task/credential.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

Status CheckStarter(const Caller& by, const task::TaskType& type, const std::map<cedar::EntityUid, ActorRecord>& actors,
                    const std::map<cedar::EntityUid, PersonRecord>& people) {
  if (!by.Is(Kind::kActor) && !by.Is(Kind::kPerson))
    return Fail(Code::kPermissionDenied, "not-an-actor", "only a registered actor or a person starts tasks",
                "register the actor with `remit actor put`, or sign in");
  auto actor = actors.find(by.uid);
  auto person = people.find(by.uid);
  bool barred = by.Is(Kind::kActor) ? actor == actors.end() || actor->second.barred : person == people.end() || person->second.barred;
  if (barred) return Fail(Code::kPermissionDenied, "start-denied", fmt::format("{} is barred, or not registered", by.uid.ToString()));
  return task::CheckActor(type, by.uid);
}

std::uint32_t ApprovalsNeeded(const task::Decision& when_all_approve) {
  std::uint32_t needed = 0;
  for (const task::Charge& charge : when_all_approve.charges)
    if (charge.lift.kind == task::Obligation::Kind::kUnlessApproved) needed = std::max(needed, charge.lift.count);
  return needed;
}

// A start by break-glass says why, whatever the type asks for.
Status CheckBreakGlass(const task::TaskType& type, const StartRequest& request) {
  if (!type.break_glass)
    return Fail(Code::kPermissionDenied, "no-break-glass", fmt::format("`{}` is never started without its approvals", type.name),
                "start it without break-glass, and ask somebody to approve it");
  if (Trim(request.reason).empty())
    return Fail(Code::kInvalidArgument, "bad-reason", "a start by break-glass needs a reason", "say why with `--reason`");
  return {};
}

Status CheckStartTime(const StartRequest& request, Time now) {
  if (!request.at) return {};
  auto bad = [](std::string message, std::string hint) {
    return Fail(Code::kInvalidArgument, "bad-start-time", std::move(message), std::move(hint));
  };
  if (request.break_glass) return bad("a start by break-glass cannot lie ahead", "leave one of the two out");
  if (*request.at <= now) return bad(fmt::format("{} is over", FormatTime(*request.at)), "leave it out to start now");
  if (*request.at > now + limits::kScheduleAhead)
    return bad(fmt::format("{} is more than {} ahead", FormatTime(*request.at), FormatDuration(limits::kScheduleAhead)), "ask for it later");
  return {};
}

// Waits for the credentials of a task that was just activated, then answers once.
struct StartWait {
  StartAnswer answer;
  Answer<StartAnswer> to;
  bool done = false;
  io::TimerId timer = 0;
  std::string idempotency;  // key of its row
};

// --- planning credentials ------------------------------------------------------------------------------------------------------------

Bytes Starts::CredentialContext(const std::string& id) const { return crypto::AssociatedData({"remit credential v1", core_.installation, id}); }

Result<std::vector<LiveCredential>> Starts::PlanCredentials(const task::TaskRecord& record, const task::PermissionSet& permissions, Time not_after) {
  std::map<target::Target*, task::PermissionSet> by_target;
  for (const task::Permission& permission : permissions.permissions) {
    if (target::Target* owner = core_.credentials.OwnerOf(permission.action, permission.resource)) {
      if (!permission.IsPlain())
        return Fail(Code::kFailedPrecondition, "not-enforceable",
                    fmt::format("target `{}` cannot enforce {} on {} with a condition or an obligation", owner->name(), permission.action.ToString(),
                                permission.resource.ToString()));
      by_target[owner].permissions.push_back(permission);
    } else if (permission.action.type == "Postgres::Action") {
      return Fail(Code::kFailedPrecondition, "no-such-target", fmt::format("no target has {}", permission.resource.ToString()),
                  "configure the target in remit.toml; the id of a table begins with the target's name");
    }
  }
  std::vector<LiveCredential> planned;
  Time now = core_.last_event;
  for (auto& [owner, set] : by_target) {
    LiveCredential credential;
    task::CredentialRecord& draft = credential.record;
    draft.id = NewId(kCredentialPrefix, now, core_.parts.rng);
    draft.task = record.id;
    draft.target = owner->name();
    draft.permissions = set;
    draft.not_after = not_after;
    REMIT_ASSIGN(target::Plan plan, owner->MakePlan(draft.id, set, core_.parts.rng));
    draft.kind = plan.kind;
    draft.name = plan.name;
    draft.notes = plan.notes;
    draft.sealed = ToText(crypto::Seal(core_.keys->sealing, plan.secret.RevealBytes(), CredentialContext(draft.id), core_.parts.rng));
    planned.push_back(std::move(credential));
  }
  return planned;
}

std::vector<std::string> Starts::PutPlanned(std::vector<LiveCredential>& planned, Time now, store::Batch& batch) {
  std::vector<std::string> ids;
  for (LiveCredential& credential : planned) {
    task::CredentialTransition transition = task::PlanCredential(std::move(credential.record), now);
    // Beside what is granted: what everybody may do there, as it is accepted at this moment. The receipt says so, whatever is accepted later.
    if (const target::Target* target = core_.credentials.FindTarget(transition.next.target); target != nullptr && !target->Accepted().empty())
      transition.events.back().AsObject().Set("accepted", json::StringArray(target->Accepted()));
    credential.record = std::move(transition.next);
    ids.push_back(credential.record.id);
    batch.writes.push_back(core_.credentials.CredentialWrite(credential.record));
    core_.AddEvents(batch, std::move(transition.events));
  }
  return ids;
}

// --- activation -------------------------------------------------------------------------------------------------------------------------

// Commits `record` (requested, all approvals given) as active with its credentials planned, then makes them. `done` comes under the
// mutex, after the commit. The task may be new (not in memory yet) or a request that waits.
void Starts::ActivateThen(task::TaskRecord record, std::vector<json::Value> events, const task::PermissionSet& permissions,
                          const std::vector<task::Charge>& charges, store::Batch batch, std::function<void(Status)> done) {
  if (Status stands = core_.trees.ParentStands(record); !stands) return done(std::move(stands));
  const Time now = core_.Stamp(), latest = core_.trees.LatestDeadline(record);
  Result<std::vector<LiveCredential>> planned = PlanCredentials(record, permissions, std::min<Time>(now + record.ttl, latest));
  if (!planned) return done(std::unexpected(planned.error()));
  store::Batch credentials_batch;
  const std::vector<std::string> ids = PutPlanned(*planned, now, credentials_batch);
  Result<task::Transition> active = task::Activate(record, ids, now, latest);
  if (!active) return done(std::unexpected(active.error()));
  active->events.back().AsObject().Set("permissions", permissions.ToJson());
  // Nothing is charged for what does not begin: first all that may refuse it.
  if (Status room = core_.budgets.Check(active->next, now, true); !room) return done(std::move(room));
  if (!record.parent.empty() && !charges.empty())
    if (Status charged = core_.delegation.ChargeParent(record, charges, batch); !charged) return done(std::move(charged));
  if (Status room = core_.budgets.Charge(active->next, batch); !room) return done(std::move(room));
  std::vector<json::Value> more;
  if (active->next.break_glass) {
    more.push_back(core_.break_glass.BreakGlassEvent(active->next));
    batch.writes.push_back(core_.break_glass.ReviewWrite(active->next));
    core_.break_glass.open_reviews.emplace(active->next.id, active->next.actor);  // it counts from here on
  }
  core_.AddEvents(batch, std::move(events));
  core_.AddEvents(batch, std::move(active->events));
  core_.AddEvents(batch, std::move(more));
  batch.events.insert(batch.events.end(), credentials_batch.events.begin(), credentials_batch.events.end());
  batch.writes.insert(batch.writes.end(), credentials_batch.writes.begin(), credentials_batch.writes.end());
  batch.writes.push_back({store::Table::kTask, record.id, active->next.Encode()});
  core_.Commit(std::move(batch), [this, next = std::move(active->next), planned = std::move(*planned), ids, done = std::move(done),
                                  planned_under = core_.current, planned_with = core_.facts](auto committed) mutable {
    std::string id = next.id;
    if (!committed) {
      core_.budgets.Settle(id, committed);
      core_.break_glass.open_reviews.erase(id);
      return done(std::unexpected(committed.error()));
    }
    ++core_.totals.starts;
    LiveTask* live = core_.Find(id);
    if (live == nullptr) {
      core_.Insert(std::make_unique<LiveTask>(std::move(next)));
      live = core_.Find(id);
    } else if (live->latched) {      // it was withdrawn while this was being committed
      live->live_credentials = ids;  // they end with it
      for (LiveCredential& credential : planned) core_.credentials.alive[std::string(credential.record.id)] = std::move(credential);
      core_.budgets.Settle(id, committed);
      return done(NoSuchTask(id));
    } else {
      live->Set(std::move(next));
      live->last_heard = core_.Now();
      core_.Schedule(*live);
    }
    core_.budgets.Settle(id, committed);
    live->live_credentials = ids;
    for (LiveCredential& credential : planned) {
      std::string credential_id = credential.record.id;
      core_.credentials.alive[credential_id] = std::move(credential);
    }
    core_.Changed(*live);
    core_.offboarder.EndIfOvertaken(*live);
    if (live->latched) return done({});
    // The catalog or the facts changed on the way.
    if ((core_.current != planned_under || core_.facts != planned_with) && core_.set_up.HoldsTooMuch(*live, *core_.current, *core_.facts)) {
      core_.set_up.EndTooWide({id});
      return done({});
    }
    core_.trees.FollowParent(*live);  // its end or suspension may have overtaken this
    if (!live->latched)
      for (const std::string& credential_id : ids) core_.credentials.StartPlanned(credential_id);
    if (ids.empty()) live->Cool();
    done({});
  });
}

// A credential that was planned in the same moment in which its task ended.
void Starts::EndStrayCredential(LiveCredential credential) {
  std::string id = credential.record.id;
  core_.credentials.alive[id] = std::move(credential);
  core_.credentials.StartEnd(id);
}

// --- start -------------------------------------------------------------------------------------------------------------------------------

void Broker::Start(const Caller& by, StartRequest request, Answer<StartAnswer> answer) {
  Core& core = *core_;
  std::string idempotency;
  if (!request.idempotency_key.empty()) {
    idempotency = "start/" + by.uid.ToString() + "/" + request.idempotency_key;
    if (Status fresh = core.starts.NotStartedYet(idempotency); !fresh) return answer(std::unexpected(std::move(fresh.error())));
  }
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    if (!core.current)
      return refuse(Error(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded").Hint("load one with `remit catalog load FOLDER`"));
    if (core.ClockInDoubt())
      return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event; nothing starts until it catches up")
                        .Hint("set the clock, or start with --accept-clock"));
    Result<StartDraft> draft = core.starts.Draft(by, request);
    if (!draft) return refuse(std::move(draft.error()));
    store::Batch batch;
    if (!idempotency.empty()) {
      batch.expects.push_back({store::Table::kIdempotency, idempotency, std::nullopt});
      batch.writes.push_back({store::Table::kIdempotency, idempotency, IdempotencyRow(core.last_event, draft->record.id)});
    }
    core.starts.Begin(*std::move(draft), std::move(batch), answer, idempotency);
  });
}

// Whether this idempotency key was used before; "" is none. Reads the store. Errors: `already-started`.
Status Starts::NotStartedYet(const std::string& idempotency) const {
  if (idempotency.empty()) return {};
  REMIT_ASSIGN(std::optional<std::string> before, core_.parts.store.Get(store::Table::kIdempotency, idempotency));
  if (!before) return {};
  return Fail(Code::kAlreadyExists, "already-started", fmt::format("this was started already, as `{}`", before->substr(kIdempotencyTimeBytes)));
}

std::shared_ptr<StartWait> Starts::MakeStartWait(Answer<StartAnswer> answer) {
  auto wait = std::make_shared<StartWait>();
  wait->to = std::move(answer);
  return wait;
}

// Writes down what was drafted, together with `batch`: as a request that waits for people, as one that waits for its time, or as active.
void Starts::Begin(StartDraft draft, store::Batch batch, Answer<StartAnswer> answer, const std::string& idempotency) {
  std::shared_ptr<StartWait> shared = MakeStartWait(std::move(answer));
  shared->idempotency = idempotency;
  shared->answer.token = std::move(draft.token);
  shared->answer.holder = std::move(draft.holder);
  task::Transition requested = task::Request(std::move(draft.record), core_.Stamp());
  std::string id = requested.next.id;
  // A sub-task takes room in its tree from here on: of many at once only as many pass as fit.
  std::string root;
  if (LiveTask* parent = requested.next.parent.empty() ? nullptr : core_.Find(requested.next.parent))
    ++core_.beginning[root = core_.trees.RootOf(*parent).id()];
  auto written = [this, root] {
    if (auto at = core_.beginning.find(root); at != core_.beginning.end() && --at->second == 0) core_.beginning.erase(at);
  };
  if (requested.next.approvals_needed > 0) {
    requested.events.back().AsObject().Set("permissions", draft.permissions.ToJson());
    batch.writes.push_back({store::Table::kTask, id, requested.next.Encode()});
    core_.AddEvents(batch, std::move(requested.events));
    core_.Commit(std::move(batch), [this, shared, written, next = std::move(requested.next)](auto committed) mutable {
      written();
      if (!committed) return AnswerStart(shared, std::move(committed.error()));
      std::string task_id = next.id;
      shared->answer.approval = ApprovalIdOf(task_id);
      core_.Insert(std::make_unique<LiveTask>(std::move(next)));
      core_.offboarder.EndIfOvertaken(*core_.Find(task_id));
      core_.trees.FollowParent(*core_.Find(task_id));
      AnswerStart(shared, task_id);
    });
    return;
  }
  if (requested.next.not_before) {
    core_.windows.ScheduleThen(std::move(requested.next), std::move(requested.events), std::move(batch), [this, shared, id](Status status) {
      if (!status) return AnswerStart(shared, std::move(status.error()));
      AnswerStart(shared, id);
    });
    return;
  }
  ActivateThen(std::move(requested.next), std::move(requested.events), draft.permissions, draft.charges, std::move(batch),
               [this, shared, written, id](Status status) {
                 written();
                 if (!status) return AnswerStart(shared, std::move(status.error()));
                 AwaitLive(shared, id);
               });
}

Result<StartDraft> Starts::Draft(const Caller& by, const StartRequest& request) {
  REMIT_ASSIGN(const task::TaskType* type, TypeNamed(*core_.current, request.type));
  REMIT_TRY(CheckStarter(by, *type, core_.registry.actors, core_.registry.people));
  REMIT_TRY(task::CheckReason(*type, request.reason));
  if (request.break_glass) REMIT_TRY(CheckBreakGlass(*type, request));
  const Duration most = request.break_glass ? std::min(*type->break_glass, type->max_ttl) : type->max_ttl;
  const Duration usual = std::min(type->ttl, most);
  Duration ttl = request.ttl.value_or(usual);
  if (ttl <= Duration(0)) return Fail(Code::kInvalidArgument, "bad-duration", "a task's life must be longer than nothing");
  if (ttl > most)
    return Fail(Code::kInvalidArgument, "too-long",
                fmt::format("`{}` lives at most {}{}, {} was asked for", type->name, FormatDuration(most),
                            request.break_glass ? " by break-glass" : "", FormatDuration(ttl)),
                fmt::format("ask for {} or less, or leave it out for {}", FormatDuration(most), FormatDuration(usual)));
  REMIT_TRY(CheckStartTime(request, core_.Stamp()));
  REMIT_ASSIGN(StartDraft draft, DraftTask(*type, by.uid, request, ttl));
  task::TaskRecord& record = draft.record;
  record.max_ttl = most;
  record.not_before = request.at;
  cedar::Entity entity = task::TaskEntity(*type, record, core_.current->schema());
  // Asked for the moment in which it is to start.
  const Time when = request.at.value_or(record.requested);
  task::Decision decision = core_.who_may.AskVerb(by, "start", entity, 0, when);
  if (request.break_glass && decision.verdict != Verdict::kDeny) {
    if (decision.verdict == Verdict::kAllow)
      return Fail(Code::kFailedPrecondition, "break-glass-not-needed", fmt::format("nobody has to approve this start of `{}`", type->name),
                  "start it without break-glass");
    REMIT_TRY(core_.break_glass.BreakGlass(by, *type, entity, record));
  } else if (decision.verdict == Verdict::kNeedsApproval) {
    record.approvals_needed = ApprovalsNeeded(core_.who_may.AskVerb(by, "start", entity, std::numeric_limits<std::uint32_t>::max(), when));
  } else if (decision.verdict == Verdict::kDeny) {
    return std::unexpected(NotPermitted(record, decision));
  }
  CountStart(record, decision.charges);
  REMIT_TRY(core_.budgets.Check(record, when, !request.at));
  draft.permissions = core_.trees.PermissionsOf(record, entity);
  record.request_hash = task::RequestHash(record, draft.permissions);
  return draft;
}

// Of a task that has not begun: uses of it are counted from its start on.
void Starts::CountStart(task::TaskRecord& record, const std::vector<task::Charge>& charges) {
  for (const task::Charge& charge : charges)
    if (charge.lift.kind == task::Obligation::Kind::kAfterUses) record.uses[charge.policy] = 1;
}

// A record with its parameters bound and its handles made, before anybody was asked.
Result<StartDraft> Starts::DraftTask(const task::TaskType& type, const cedar::EntityUid& actor, const StartRequest& request, Duration ttl) {
  StartDraft draft;
  REMIT_ASSIGN(cedar::Record bound,
               task::BindParameters(*core_.current, type, request.parameters, core_.facts->entities, request.parameters_from_text));

  task::TaskRecord& record = draft.record;
  Time now = core_.Stamp();
  record.id = NewId(kTaskPrefix, now, core_.parts.rng);
  record.type = type.entity_type;
  record.name = type.name;
  record.purpose = type.purpose;
  record.actor = actor;
  record.chain = {actor};
  record.parameters = cedar::Value::FromRecord(std::move(bound)).ToJson();
  record.reason = request.reason;
  record.requested = now;
  record.ttl = ttl;
  record.max_ttl = type.max_ttl;
  record.heartbeat = request.held ? type.heartbeat : Duration(0);
  record.deadline = now + limits::kRequestLife;
  record.catalog = core_.current->hash();
  record.facts = core_.facts->hash;
  draft.token = RandomSecret(core_.parts.rng, identity::kTaskTokenPrefix);
  draft.holder = RandomSecret(core_.parts.rng, identity::kHolderKeyPrefix);
  record.token_hash = identity::HandleHash(draft.token.Reveal());
  record.holder_hash = identity::HandleHash(draft.holder.Reveal());
  record.nonce = Base64UrlEncode(core_.parts.rng.Take(16));
  return draft;
}

Error Starts::NotPermitted(const task::TaskRecord& record, const task::Decision& decision) const {
  const std::string why = decision.reason == "no-permit" ? "no policy permits it" : decision.reason;
  const std::string policies = decision.policies.empty() ? "" : " (" + Join(decision.policies, ", ") + ")";
  if (record.parent.empty())
    return Error(Code::kPermissionDenied, "start-denied",
                 fmt::format("{} may not start `{}`: {}{}", record.actor.ToString(), record.name, why, policies))
        .Hint(fmt::format("see who may with `remit explain {}`", record.name));
  return Error(Code::kPermissionDenied, "delegate-denied",
               fmt::format("task `{}` may not hand `{}` to {}: {}{}", record.parent, record.name, record.actor.ToString(), why, policies))
      .Hint("the task's type needs a permit for Remit::Action::\"delegate\"");
}

// Answers when all credentials are live, when one was refused, or after kStartWait.
void Starts::AwaitLive(std::shared_ptr<StartWait> wait, const std::string& task_id) {
  LiveTask* live = core_.Find(task_id);
  if (live == nullptr || live->latched) return AnswerStart(wait, FailedStart(task_id));
  bool all = true;
  for (const std::string& id : live->live_credentials)
    if (LiveCredential* credential = core_.credentials.Find(id)) all = all && credential->record.state != task::CredentialState::kPlanned;
  if (all) return AnswerStart(wait, task_id);
  if (wait->timer == 0) {
    wait->timer =
        core_.parts.timers.At(core_.Now() + limits::kStartWait, [this, wait, task_id] { core_.Locked([&] { AnswerStart(wait, task_id); }); });
  }
  core_.credentials.watches[task_id].push_back([this, wait, task_id] {
    if (!wait->done) AwaitLive(wait, task_id);
  });
}

Error Starts::FailedStart(const std::string& task_id) {
  auto why = failed.find(task_id);
  Error error(Code::kUnavailable, "task-ended", fmt::format("task `{}` ended while it was being started", task_id));
  if (why != failed.end()) {
    error = Error(Code::kFailedPrecondition, "target-refused", fmt::format("task `{}` failed: {}", task_id, why->second));
    failed.erase(why);
  }
  return error;
}

// Why a start's commit found something else than it expected.
Error Starts::Raced(const std::string& idempotency) {
  if (!idempotency.empty()) {
    const auto row = core_.parts.store.Get(store::Table::kIdempotency, idempotency);
    if (row && *row) return Error(Code::kAlreadyExists, "already-started", "this was started already, with the same idempotency key");
  }
  return Error(Code::kConflict, "start-raced", "another start was counted at the same moment").Hint("start it again");
}

void Starts::AnswerStart(const std::shared_ptr<StartWait>& wait, Error error) {
  if (std::exchange(wait->done, true)) return;
  if (wait->timer != 0) core_.parts.timers.Cancel(wait->timer);
  if (error.reason == "conflict") error = Raced(wait->idempotency);
  core_.Later([wait, error = std::move(error)]() mutable { wait->to(std::unexpected(std::move(error))); });
}

void Starts::AnswerStart(const std::shared_ptr<StartWait>& wait, const std::string& task_id) {
  if (wait->done) return;
  LiveTask* live = core_.Find(task_id);
  if (live == nullptr || live->latched) return AnswerStart(wait, FailedStart(task_id));
  wait->done = true;
  if (wait->timer != 0) core_.parts.timers.Cancel(wait->timer);
  StartAnswer& answer = wait->answer;
  EnvironmentBuilder environment;
  answer.task = live->record();
  for (const std::string& id : live->live_credentials) {
    LiveCredential* credential = core_.credentials.Find(id);
    if (credential == nullptr || credential->record.state == task::CredentialState::kEnding) continue;
    answer.credentials.push_back(credential->record);
    environment.Add(credential->record.target, credential->environment);
    if (target::Target* target = core_.credentials.FindTarget(credential->record.target))
      for (const std::string& item : target->Accepted()) answer.accepted.push_back(target->name() + ": " + item);
  }
  answer.environment = environment.Build();
  live->Cool();
  core_.Later([wait] { wait->to(std::move(wait->answer)); });
}

}  // namespace remit::broker
