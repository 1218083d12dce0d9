// Use: may this task do this, now? What is denied or allowed without obligation touches memory only; what lifts an obligation is
// committed before the answer.
#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "broker/use/use_question.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

UseAnswer DenyFor(std::string_view reason) {
  UseAnswer answer;
  answer.reason = reason;
  return answer;
}

// --- the door ----------------------------------------------------------------------------------------------------------------------------

void Broker::Evaluate(const Caller& by, UseRequest request, Answer<UseAnswer> answer) {
  Core& core = *core_;
  if (!request.idempotency_key.empty()) return core.keyed_uses.Evaluate(by, std::move(request), std::move(answer));
  core.Locked([&] { core.uses.Evaluate(by, request, "", std::move(answer)); });
}

void Uses::Evaluate(const Caller& by, const UseRequest& request, const std::string& idempotency, Answer<UseAnswer> answer) {
  if (!MayEnforce(by, request.resource)) return core_.Later([answer] { answer(DenyFor("not-a-pep")); });
  if (std::optional<UseAnswer> unheard = NotVouchedFor(by, request))
    return core_.Later([answer, denied = *std::move(unheard)]() mutable { answer(std::move(denied)); });
  Use(request, idempotency, {}, std::move(answer));
}

// Where it says what it is not registered to vouch for, nothing of it is believed, and the whole question is denied: a policy that forbids by an
// attribute is not lifted by leaving that attribute out.
std::optional<UseAnswer> Uses::NotVouchedFor(const Caller& by, const UseRequest& request) const {
  if (!request.resource_attributes.IsObject() || !core_.current->IsFromPep(request.resource.type)) return std::nullopt;
  const auto actor = core_.registry.actors.find(by.uid);
  const auto vouches = [&](const std::string& name) {
    return actor != core_.registry.actors.end() && actor->second.vouches_for && std::ranges::count(*actor->second.vouches_for, name) > 0;
  };
  if (vouches(request.resource.type)) return std::nullopt;
  for (const auto& [name, value] : request.resource_attributes.AsObject()) {
    const std::string attribute = fmt::format("{}.{}", request.resource.type, name);
    if (vouches(attribute)) continue;
    UseAnswer denied = DenyFor("not-vouched-for");
    denied.errors = {fmt::format("{} is not registered to vouch for `{}`", by.uid.ToString(), EscapeControl(attribute))};
    return denied;
  }
  return std::nullopt;
}

bool Uses::MayEnforce(const Caller& by, const cedar::EntityUid& resource) {
  if (!by.Is(Kind::kActor) || !core_.current) return false;
  cedar::Request request{by.uid, {"Remit::Action", "enforce"}, resource, cedar::Value::FromRecord({})};
  return task::Decide(
             *core_.current, request, core_.facts->entities, [](const std::string&) { return task::kUncounted; },
             [](const std::string&) { return 0u; })
             .verdict == Verdict::kAllow;
}

Result<UseAnswer> Broker::Check(const Caller& by, const UseRequest& request) {
  bool may = false;
  Result<UseAnswer> answer = core_->Locked([&]() -> Result<UseAnswer> {
    LiveTask* live = core_->uses.TaskOf(request);
    // A token is proof enough to ask about its task; an id is not.
    may = !request.token.empty() || core_->uses.MayEnforce(by, request.resource) || (live != nullptr && core_->who_may.MayView(by, *live));
    if (!may) return NoSuchTask(request.task);
    if (core_->uses.MayEnforce(by, request.resource))
      if (std::optional<UseAnswer> unheard = core_->uses.NotVouchedFor(by, request)) return *std::move(unheard);
    Uses::Judged judged = core_->uses.Judge(request, false);
    if (live != nullptr)
      if (UseApproval* waiting = core_->use_approvals.Find(*live, request)) judged.answer.approval = waiting->id;
    return judged.answer;
  });
  if (may) return answer;
  REMIT_TRY(core_->views.Visible(by, request.task));
  return DenyFor("ended");  // whoever may see a task that is over is told that it is
}

// Judges, spends what an allow costs, and answers. `extra` goes into the same commit (and makes one necessary).
void Uses::Use(const UseRequest& request, const std::string& idempotency, store::Batch extra, Answer<UseAnswer> answer) {
  Judged judged = Judge(request, true);
  if (judged.decision.verdict == Verdict::kNeedsApproval && judged.live != nullptr) return AskForUse(request, std::move(judged), std::move(answer));
  auto at_once = [&] { core_.Later([answer, result = std::move(judged.answer)]() mutable { answer(std::move(result)); }); };
  if (!judged.answer.allowed) return at_once();
  Result<std::vector<Payment>> payments = PaymentsFor(judged, request);
  if (!payments) return core_.Refuse(answer, std::move(payments.error()));
  if (payments->empty() && extra.writes.empty()) return at_once();

  store::Batch batch = std::move(extra);
  Pay(*std::move(payments), batch);
  SpendApproval(judged, request, batch);
  if (!idempotency.empty()) core_.keyed_uses.Keep(idempotency, request, judged.answer, batch);
  std::string id = judged.live->id();
  core_.Commit(std::move(batch), [this, id, answer, result = std::move(judged.answer)](const auto& committed) mutable {
    // Not written down, so not given; the use in memory stays spent, which is the safe side.
    if (!committed) return core_.Refuse(answer, committed.error());
    LiveTask* again = core_.Find(id);
    if (again == nullptr || !core_.trees.Usable(*again)) result = DenyFor("ended");
    core_.Later([answer, result = std::move(result)]() mutable { answer(std::move(result)); });
  });
}

// --- the judgement -----------------------------------------------------------------------------------------------------------------------

LiveTask* Uses::TaskOf(const UseRequest& request, bool* holder) {
  return request.token.empty() ? core_.Find(request.task) : core_.handles.Find(request.token, holder);
}

// Judges a use and changes nothing but the counts (`count`). Every deny has its own reason.
Uses::Judged Uses::Judge(const UseRequest& request, bool count) {
  bool holder = false;
  LiveTask* live = TaskOf(request, &holder);
  const bool known =
      live != nullptr && !holder && (request.type.empty() || request.type == live->record().type || request.type == live->record().name);
  Judged judged;
  if (!known) {
    judged.answer = DenyFor("unknown-task");
  } else if (std::optional<UseAnswer> nothing = DenyOfAll(*live)) {
    judged.answer = *std::move(nothing);
  } else {
    judged = JudgeChain(*live, request);
  }
  if (core_.current) judged.answer.catalog = core_.current->hash();
  if (core_.facts) judged.answer.facts = core_.facts->hash;
  if (count && live != nullptr && !live->latched) Count(*live, judged.answer);
  return judged;
}

// The answer of a task that may do nothing now, whatever is asked; nothing where it may.
std::optional<UseAnswer> Uses::DenyOfAll(LiveTask& live) {
  if (!core_.current) return DenyFor("no-catalog");
  if (live.latched) return DenyFor("ended");
  if (live.state() != task::State::kActive) return DenyFor("not-active");
  if (core_.Now() >= live.deadline()) return DenyFor("past-deadline");
  if (core_.ClockInDoubt()) return DenyFor("clock-in-doubt");
  if (!core_.trees.Usable(live)) return DenyFor("parent-not-active");
  return std::nullopt;
}

// What the task's policies say, and those of each task above it: the first deny counts, and before an allow a missing yes.
Uses::Judged Uses::JudgeChain(LiveTask& live, const UseRequest& request) {
  Judged judged;
  const auto above = core_.trees.Above(live.record());
  if (!above) {
    judged.answer = DenyFor("parent-not-active");
    return judged;
  }
  const task::TaskType* type = core_.current->FindType(live.record().type);
  const Result<cedar::Value> context = ContextOf(request, *core_.current, type == nullptr ? nullptr : type->timezone.get(), core_.Now());
  if (!context) {
    judged.answer = DenyFor(context.error().reason);
    judged.answer.errors = {context.error().message};
    return judged;
  }
  judged.live = &live;
  judged.decision = JudgeOne(live, live, request, *context, judged.approvals_needed);
  for (LiveTask* one : *above) {
    if (judged.decision.verdict == Verdict::kDeny) break;
    task::Decision over = JudgeOne(*one, live, request, *context, judged.approvals_needed);
    if (over.verdict != Verdict::kAllow) over.errors.push_back(fmt::format("so says task `{}` (`{}`), above it", one->id(), one->record().name));
    if (over.verdict == Verdict::kAllow) {
      judged.above.emplace_back(one, std::move(over.charges));
    } else if (over.verdict == Verdict::kDeny || judged.decision.verdict == Verdict::kAllow) {
      judged.decision = std::move(over);
    }
  }
  judged.answer.allowed = judged.decision.verdict == Verdict::kAllow;
  judged.answer.reason = std::move(judged.decision.reason);
  judged.answer.policies = std::move(judged.decision.policies);
  judged.answer.errors = std::move(judged.decision.errors);
  return judged;
}

// What one task's policies say: those of the task that asks, or of one above it.
task::Decision Uses::JudgeOne(LiveTask& one, LiveTask& asker, const UseRequest& request, const cedar::Value& context,
                              std::uint32_t& approvals_needed) {
  auto deny = [](std::string_view reason) {
    task::Decision denied;
    denied.reason = reason;
    return denied;
  };
  const cedar::Entity& entity = core_.EntityOf(one);
  if (!one.pinned) return deny("unknown-catalog");
  const cedar::Request asked{entity.uid, request.action, request.resource, context};
  // Where there is one catalog alone, the decision itself looks whether the request is one that it knows.
  const bool alone = one.pinned == core_.current;
  if (!alone && !core_.current->schema().ValidateRequest(asked)) return deny("not-applicable");
  cedar::OverlayEntities view(core_.facts->entities);
  core_.trees.AddParents(view, entity);
  view.Add(one.entity);
  if (auto resource = ResourceOf(request, *core_.current, core_.facts->entities)) view.Add(std::move(resource));
  auto uses = [&](const std::string& policy) {
    const auto& all = one.record().uses;
    auto used = all.find(policy);
    return used == all.end() ? 0u : used->second;
  };
  task::Decision decision = task::DecideBoth(*one.pinned, *core_.current, asked, view, uses, [&](const std::string&) {
    UseApproval* approval = core_.use_approvals.Find(asker, request);
    return approval == nullptr || core_.Now() >= approval->expires ? 0u : core_.approvals.StandingYes(asker.record(), entity, approval->yes);
  });
  if (alone && decision.reason == "bad-request") return deny("not-applicable");
  if (decision.verdict == Verdict::kNeedsApproval) {
    auto everybody = [](const std::string&) { return std::numeric_limits<std::uint32_t>::max(); };
    approvals_needed = std::max(approvals_needed, ApprovalsNeeded(task::DecideBoth(*one.pinned, *core_.current, asked, view, uses, everybody)));
  }
  return decision;
}

// An enforcement: written down within a second, and where policy refused it, perhaps one refusal too many.
void Uses::Count(LiveTask& live, const UseAnswer& answer) {
  ++(answer.allowed ? live.allowed : live.denied);
  ++(answer.allowed ? core_.totals.allowed : core_.totals.denied);
  if (!live.counted) {
    live.counted = true;
    core_.counted.insert(&live);
    core_.ArmCounts();
  }
  if (!answer.allowed && task::IsRefusal(answer.reason)) core_.trips.Refused(live);
}

// --- spending ----------------------------------------------------------------------------------------------------------------------------

// What an allowed use costs each task of its chain, and changes nothing yet: where one of them cannot be charged, none is. That happens, although
// Judge has just found all of them in time, since Judge asks the clock, and what is written down has the ledger's time: after a restart on a machine
// whose clock is a little behind that is later, perhaps than a deadline.
Result<std::vector<Uses::Payment>> Uses::PaymentsFor(Judged& judged, const UseRequest& request) {
  std::vector<Payment> payments;
  std::optional<Time> now;  // asked where something is charged: it is a time for the ledger
  auto add = [&](LiveTask& live, const std::vector<task::Charge>& charges) -> Status {
    if (charges.empty()) return {};
    if (!now) now = core_.Stamp();
    std::vector<std::string> forbids;
    for (const task::Charge& charge : charges) forbids.push_back(charge.policy);
    REMIT_ASSIGN(task::Transition spent, task::Spend(live.record(), forbids, request.action, request.resource, *now));
    payments.push_back({&live, std::move(spent)});
    return {};
  };
  for (const auto& [one, charges] : judged.above) REMIT_TRY(add(*one, charges));
  REMIT_TRY(add(*judged.live, judged.decision.charges));
  return payments;
}

// In memory first, so that of many at once only as many pass as may. Nothing here can fail.
void Uses::Pay(std::vector<Payment> payments, store::Batch& batch) {
  for (auto& [live, spent] : payments) {
    live->Set(std::move(spent.next));
    core_.AddEvents(batch, std::move(spent.events));
    batch.writes.push_back({store::Table::kTask, live->id(), live->Encode()});
  }
}

// A yes counts once.
void Uses::SpendApproval(const Judged& judged, const UseRequest& request, store::Batch& batch) {
  auto by_approval = [](const task::Charge& charge) { return charge.lift.kind == task::Obligation::Kind::kUnlessApproved; };
  const bool approved = std::ranges::any_of(judged.decision.charges, by_approval) ||
                        std::ranges::any_of(judged.above, [&](const auto& one) { return std::ranges::any_of(one.second, by_approval); });
  UseApproval* approval = approved ? core_.use_approvals.Find(*judged.live, request) : nullptr;
  if (approval == nullptr) return;
  batch.writes.push_back({store::Table::kApproval, approval->id, std::nullopt});
  core_.use_approvals.Forget(std::string(approval->id));
}

// --- asking people -----------------------------------------------------------------------------------------------------------------------

// Denied by nothing but missing approvals: people are asked, once.
void Uses::AskForUse(const UseRequest& request, Judged judged, Answer<UseAnswer> answer) {
  LiveTask& live = *judged.live;
  if (UseApproval* waiting = core_.use_approvals.Find(live, request); waiting != nullptr && core_.Now() < waiting->expires) {
    judged.answer.approval = waiting->id;
    return core_.Later([answer, result = std::move(judged.answer)]() mutable { answer(std::move(result)); });
  }
  store::Batch batch;
  std::size_t open = 0;
  for (const std::string& id : core_.use_approvals.Of(live.id())) {
    if (core_.Now() < core_.use_approvals.waiting.at(id).expires) {
      ++open;
      continue;
    }
    batch.writes.push_back({store::Table::kApproval, id, std::nullopt});
    core_.use_approvals.Forget(id);
  }
  if (open >= limits::kUseApprovalsPerTask) {
    judged.answer.errors.push_back(fmt::format("nobody was asked: {} other requests of this task wait for an answer already", open));
    return core_.Later([answer, result = std::move(judged.answer)]() mutable { answer(std::move(result)); });
  }
  judged.answer.approval = core_.use_approvals.Ask(live, request, std::max(1u, judged.approvals_needed), batch).id;
  core_.Commit(std::move(batch), [this, answer, result = std::move(judged.answer)](const auto& committed) mutable {
    if (!committed) {
      core_.use_approvals.Forget(result.approval);
      return core_.Refuse(answer, committed.error());
    }
    core_.Later([answer, result = std::move(result)]() mutable { answer(std::move(result)); });
  });
}

}  // namespace remit::broker
