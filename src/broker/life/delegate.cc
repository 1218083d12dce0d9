// Sub-tasks: a task that runs hands a part of what it may do to another, which lives below it and never longer.
//
// Nobody asks whether its actor may `start` it: its parent is asked whether it may `delegate` it, as the principal, and its type must be marked
// @delegable. What it may do is what it, and every task above it, may do each as a principal of its own type (use.cc, tree.cc).
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/limits.h"
#include "broker/core.h"
#include "broker/start/below.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

void Broker::Delegate(const Caller& by, const std::string& parent, DelegateRequest request, Answer<StartAnswer> answer) {
  Core& core = *core_;
  const std::string idempotency = request.start.idempotency_key.empty() ? "" : "start/" + parent + "/" + request.start.idempotency_key;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    LiveTask* live = core.Find(parent);
    if (live == nullptr) return refuse(core.who_may.NotLive(by, parent));
    if (!WhoMay::Owns(by, live->record())) {
      if (by.Is(Kind::kTask) && by.task == parent)
        return refuse(Error(Code::kPermissionDenied, "holder-key-needed", "REMIT_TOKEN allows use, not life: delegating needs the holder key"));
      if (!core.who_may.MayView(by, *live)) return refuse(NoSuchTask(parent).error());
      return refuse(Error(Code::kPermissionDenied, "delegate-denied", fmt::format("only its holder and its actor delegate for task `{}`", parent)));
    }
    if (Status fresh = core.starts.NotStartedYet(idempotency); !fresh)
      return refuse(std::move(fresh.error()));  // no one else learns what was started
    if (!core.current || !core.trees.Usable(*live))
      return refuse(Error(Code::kFailedPrecondition, "parent-not-active", fmt::format("task `{}` is not active", parent)));
    if (core.ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
    Result<StartDraft> draft = core.delegation.DraftSubTask(*live, request);
    if (!draft) return refuse(std::move(draft.error()));
    store::Batch batch;
    if (!idempotency.empty()) {
      batch.expects.push_back({store::Table::kIdempotency, idempotency, std::nullopt});
      batch.writes.push_back({store::Table::kIdempotency, idempotency, IdempotencyRow(core.last_event, draft->record.id)});
    }
    core.starts.Begin(*std::move(draft), std::move(batch), std::move(answer), idempotency);
  });
}

Result<StartDraft> Delegation::DraftSubTask(LiveTask& parent, const DelegateRequest& request) {
  const task::TaskRecord& above = parent.record();
  REMIT_ASSIGN(const task::TaskType* type, TypeNamed(*core_.current, request.start.type));
  if (request.start.at || request.start.break_glass)
    return Fail(Code::kInvalidArgument, "not-delegable", "a sub-task begins at once, and by the leave of its parent alone",
                "leave `at` and `break_glass` out");
  const cedar::EntityUid actor = request.actor.type.empty() ? above.actor : request.actor;
  REMIT_TRY(MayStandBelow(core_, parent, *type, actor));
  REMIT_TRY(task::CheckReason(*type, request.start.reason));
  const Duration ttl = request.start.ttl.value_or(type->ttl);
  if (ttl <= Duration(0)) return Fail(Code::kInvalidArgument, "bad-duration", "a task's life must be longer than nothing");
  if (ttl > type->max_ttl)
    return Fail(Code::kInvalidArgument, "too-long",
                fmt::format("`{}` lives at most {}, {} was asked for", type->name, FormatDuration(type->max_ttl), FormatDuration(ttl)));
  if (request.start.ttl && core_.Now() + ttl > parent.deadline())
    return Fail(Code::kInvalidArgument, "too-long",
                fmt::format("task `{}` ends at {}, and its sub-tasks with it", parent.id(), FormatTime(parent.deadline())),
                "ask for less, leave it out, or extend the task first");

  REMIT_ASSIGN(StartDraft draft, core_.starts.DraftTask(*type, actor, request.start, ttl));
  task::TaskRecord& record = draft.record;
  record.parent = above.id;
  record.chain = above.chain;
  if (std::ranges::find(record.chain, actor) == record.chain.end()) record.chain.push_back(actor);
  const cedar::Entity entity = task::TaskEntity(*type, record, core_.current->schema());
  const task::Decision decision = AskDelegate(record, entity, 0);
  if (decision.verdict == Verdict::kDeny) return std::unexpected(core_.starts.NotPermitted(record, decision));
  if (decision.verdict == Verdict::kNeedsApproval)
    record.approvals_needed = ApprovalsNeeded(AskDelegate(record, entity, std::numeric_limits<std::uint32_t>::max()));
  const Caller holder{
      .kind = Kind::kHolder, .uid = {}, .task = above.id, .signed_in = {}, .session = {}};  // of its actor's tasks it sees those below
  REMIT_TRY(core_.budgets.Check(record, core_.Stamp(), true, &holder));
  draft.charges = decision.charges;
  draft.permissions = core_.trees.PermissionsOf(record, entity);
  record.request_hash = task::RequestHash(record, draft.permissions);
  return draft;
}

Status MayStandBelow(Core& core, LiveTask& parent, const task::TaskType& type, const cedar::EntityUid& actor) {
  if (!type.delegable)
    return Fail(Code::kPermissionDenied, "not-delegable", fmt::format("`{}` does not run as a sub-task", type.name), "mark its type @delegable");
  // Nor does anybody get anything through one who is barred.
  if (const cedar::EntityUid* barred = core.who_may.IsBarred(actor) ? &actor : core.who_may.BarredOf(parent.record()))
    return Fail(Code::kPermissionDenied, "start-denied", fmt::format("{} is barred, or not registered", barred->ToString()));
  REMIT_TRY(task::CheckActor(type, actor));
  REMIT_TRY(core.delegation.CheckRoom(parent));
  if (!type.has_parent) return {};
  const std::string& wanted = core.current->schema().FindEntityType(type.entity_type)->attributes.find("parent")->second.type->name;
  if (wanted == parent.record().type) return {};
  return Fail(Code::kInvalidArgument, "wrong-parent-type",
              fmt::format("`{}` is a part of `{}`, not of `{}`", type.name, wanted, parent.record().type));
}

// Whether one more fits below this task. Errors: `too-deep`, `too-many-sub-tasks`.
Status Delegation::CheckRoom(LiveTask& parent) {
  const auto above = core_.trees.Above(parent.record());
  if (!above || above->size() + 1 > limits::kDelegationDepth)
    return Fail(Code::kResourceExhausted, "too-deep", fmt::format("there are {} tasks above each other already", limits::kDelegationDepth));
  LiveTask& root = core_.trees.RootOf(parent);
  if (core_.trees.Below(root).size() + core_.starts.Beginning(root.id()) >= limits::kTreeTasks)
    return Fail(Code::kResourceExhausted, "too-many-sub-tasks",
                fmt::format("there are {} tasks below the first one above `{}` already", limits::kTreeTasks, parent.id()),
                "complete some of them first");
  return {};
}

// The parent is asked, as the catalog in force has it.
task::Decision Delegation::AskDelegate(const task::TaskRecord& child, const cedar::Entity& entity, std::uint32_t approved) {
  task::Decision denied;
  denied.reason = "parent-not-active";
  LiveTask* parent = core_.Find(child.parent);
  if (parent == nullptr || !core_.current || !core_.trees.Usable(*parent)) return denied;
  std::shared_ptr<const cedar::Entity> asks = core_.MakeEntity(parent->record(), *core_.current);
  denied.reason = "unknown-type";
  if (!asks) return denied;
  cedar::OverlayEntities view(core_.facts->entities);
  core_.trees.AddParents(view, *asks);
  view.Add(asks);
  view.Add(std::make_shared<const cedar::Entity>(entity));
  const std::map<std::string, std::uint32_t>& uses = parent->record().uses;
  auto used = [&uses](const std::string& policy) {
    auto found = uses.find(policy);
    return found == uses.end() ? 0u : found->second;
  };
  const cedar::Request request{asks->uid, {"Remit::Action", "delegate"}, entity.uid};
  return task::Decide(*core_.current, request, view, used, [approved](const std::string&) { return approved; });
}

task::Decision Delegation::AskBegin(const task::TaskRecord& record, const cedar::Entity& entity, std::uint32_t approved, Time at) {
  return record.parent.empty() ? core_.who_may.AskVerb(core_.who_may.AsActor(record), "start", entity, approved, at)
                               : AskDelegate(record, entity, approved);
}

// What handing this to a sub-task costs its parent: in memory at once, so that of many at a time only as many pass as may.
Status Delegation::ChargeParent(const task::TaskRecord& child, const std::vector<task::Charge>& charges, store::Batch& batch) {
  LiveTask* parent = core_.Find(child.parent);
  if (parent == nullptr) return NoSuchTask(child.parent);
  std::vector<std::string> forbids;
  for (const task::Charge& charge : charges) forbids.push_back(charge.policy);
  REMIT_ASSIGN(task::Transition spent, task::Spend(parent->record(), forbids, {"Remit::Action", "delegate"}, {child.type, child.id}, core_.Stamp()));
  parent->Set(std::move(spent.next));
  core_.AddEvents(batch, std::move(spent.events));
  batch.writes.push_back({store::Table::kTask, parent->id(), parent->Encode()});
  return {};
}

json::Object Delegation::Actors(const task::TaskRecord& record) {
  const auto above = core_.trees.Above(record);
  if (record.parent.empty() || !above) return json::Object{{"sub", record.actor.ToString()}};
  // "the outermost "act" claim represents the current actor while nested "act" claims represent prior actors" (RFC 8693 §4.1). The first of
  // all is the subject: what is done is done in his name.
  json::Value act;
  auto wrap = [&act](const task::TaskRecord& one) {
    json::Object next{{"sub", one.actor.ToString()}, {"remit_task", one.id}};
    if (act.IsObject()) next.Set("act", std::move(act));
    act = std::move(next);
  };
  for (std::size_t i = above->size() - 1; i > 0; --i) wrap((*above)[i - 1]->record());
  wrap(record);
  return json::Object{{"sub", above->back()->record().actor.ToString()}, {"act", std::move(act)}};
}

}  // namespace remit::broker
