// Starting a task: asked, decided, written down. What it is given comes after that: activate.cc.
#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"

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

namespace {

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

}  // namespace

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

Status Starts::NotStartedYet(const std::string& idempotency) const {
  if (idempotency.empty()) return {};
  REMIT_ASSIGN(std::optional<std::string> before, core_.parts.store.Get(store::Table::kIdempotency, idempotency));
  if (!before) return {};
  return Fail(Code::kAlreadyExists, "already-started", fmt::format("this was started already, as `{}`", before->substr(kIdempotencyTimeBytes)));
}

void Starts::Begin(StartDraft draft, store::Batch batch, Answer<StartAnswer> answer, const std::string& idempotency) {
  std::shared_ptr<StartWait> shared = StartWaits::For(std::move(answer));
  shared->idempotency = idempotency;
  shared->answer.token = std::move(draft.token);
  shared->answer.holder = std::move(draft.holder);
  task::Transition requested = task::Request(std::move(draft.record), core_.Stamp());
  std::string id = requested.next.id;
  // A sub-task takes room in its tree from here on: of many at once only as many pass as fit.
  std::string root;
  if (LiveTask* parent = requested.next.parent.empty() ? nullptr : core_.Find(requested.next.parent))
    ++beginning_[root = core_.trees.RootOf(*parent).id()];
  auto written = [this, root] {
    if (auto at = beginning_.find(root); at != beginning_.end() && --at->second == 0) beginning_.erase(at);
  };
  if (requested.next.approvals_needed > 0) {
    requested.events.back().AsObject().Set("permissions", draft.permissions.ToJson());
    batch.writes.push_back({store::Table::kTask, id, requested.next.Encode()});
    core_.AddEvents(batch, std::move(requested.events));
    core_.Commit(std::move(batch), [this, shared, written, next = std::move(requested.next)](auto committed) mutable {
      written();
      if (!committed) return core_.start_waits.Say(shared, std::move(committed.error()));
      std::string task_id = next.id;
      shared->answer.approval = ApprovalIdOf(task_id);
      core_.Insert(std::make_unique<LiveTask>(std::move(next)));
      core_.ends.EndIfOvertaken(*core_.Find(task_id));
      core_.trees.FollowParent(*core_.Find(task_id));
      core_.start_waits.Say(shared, task_id);
    });
    return;
  }
  if (requested.next.not_before) {
    core_.windows.ScheduleThen(std::move(requested.next), std::move(requested.events), std::move(batch), [this, shared, id](Status status) {
      if (!status) return core_.start_waits.Say(shared, std::move(status.error()));
      core_.start_waits.Say(shared, id);
    });
    return;
  }
  core_.activations.Activate(std::move(requested.next), std::move(requested.events), draft.permissions, draft.charges, std::move(batch),
                             [this, shared, written, id](Status status) {
                               written();
                               if (!status) return core_.start_waits.Say(shared, std::move(status.error()));
                               core_.start_waits.AwaitLive(shared, id);
                             });
}

std::size_t Starts::Beginning(const std::string& root) const {
  const auto at = beginning_.find(root);
  return at == beginning_.end() ? 0 : at->second;
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
    REMIT_TRY(core_.break_glass.Admit(by, *type, entity, record));
  } else if (decision.verdict == Verdict::kNeedsApproval) {
    record.approvals_needed = ApprovalsNeeded(core_.who_may.AskVerb(by, "start", entity, std::numeric_limits<std::uint32_t>::max(), when));
  } else if (decision.verdict == Verdict::kDeny) {
    return std::unexpected(NotPermitted(record, decision));
  }
  CountStart(record, decision.charges);
  REMIT_TRY(core_.budgets.Check(record, when, !request.at, &by));
  draft.permissions = core_.trees.PermissionsOf(record, entity);
  record.request_hash = task::RequestHash(record, draft.permissions);
  return draft;
}

// Of a task that has not begun: uses of it are counted from its start on.
void Starts::CountStart(task::TaskRecord& record, const std::vector<task::Charge>& charges) {
  for (const task::Charge& charge : charges)
    if (charge.lift.kind == task::Obligation::Kind::kAfterUses) record.uses[charge.policy] = 1;
}

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

namespace {

// What helps against a delegation that was refused: another permit is no answer to a number that is used up.
std::string DelegateHint(const task::TaskRecord& record, std::string_view reason) {
  if (reason == "no-permit") return "the task's type needs a permit for Remit::Action::\"delegate\"";
  const std::string see = fmt::format("`remit explain {} --under {}`", record.name, record.parent);
  if (reason == "used-up")
    return fmt::format("each that was started counts, also when it is over: go on with those, or start another task; {} has the limit", see);
  return fmt::format("see why with {}", see);
}

}  // namespace

Error Starts::NotPermitted(const task::TaskRecord& record, const task::Decision& decision) const {
  const std::string why = decision.reason == "no-permit" ? "no policy permits it" : decision.reason;
  const std::string policies = decision.policies.empty() ? "" : " (" + Join(decision.policies, ", ") + ")";
  if (record.parent.empty())
    return Error(Code::kPermissionDenied, "start-denied",
                 fmt::format("{} may not start `{}`: {}{}", record.actor.ToString(), record.name, why, policies))
        .Hint(fmt::format("see who may with `remit explain {}`", record.name));
  return Error(Code::kPermissionDenied, "delegate-denied",
               fmt::format("task `{}` may not hand `{}` to {}: {}{}", record.parent, record.name, record.actor.ToString(), why, policies))
      .Hint(DelegateHint(record, decision.reason));
}

}  // namespace remit::broker
