// Use: may this task do this, now? What is denied or allowed without obligation touches memory only; what lifts an obligation is
// committed before the answer.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/limits.h"
#include "broker/core.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"
#include "task/builtin_schema.h"
#include "task/moment.h"
#include "task/secret_path.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

namespace {

UseAnswer DenyFor(std::string_view reason) {
  UseAnswer answer;
  answer.reason = reason;
  return answer;
}

json::Value AnswerJson(const UseAnswer& answer) {
  return json::Object{{"allowed", answer.allowed},
                      {"reason", answer.reason},
                      {"policies", json::StringArray(answer.policies)},
                      {"catalog", answer.catalog},
                      {"facts", answer.facts}};
}

Result<UseAnswer> AnswerFromJson(std::string_view text) {
  REMIT_ASSIGN(json::Value document, json::Parse(text));
  UseAnswer answer;
  json::ObjectReader r(document, "idempotency row");
  answer.allowed = r.RequiredBool("allowed");
  answer.reason = r.RequiredString("reason");
  answer.policies = r.RequiredStrings("policies");
  answer.catalog = r.RequiredString("catalog");
  answer.facts = r.RequiredString("facts");
  REMIT_TRY(r.Finish());
  return answer;
}

// What a use asked for, so that an idempotency key that comes back with another question is noticed.
std::string QuestionHash(const UseRequest& request) {
  json::Value question = json::Object{{"task", request.task},
                                      {"token", request.token.empty() ? std::string() : HexEncode(identity::HandleHash(request.token))},
                                      {"action", request.action.ToString()},
                                      {"resource", request.resource.ToString()},
                                      {"attributes", request.resource_attributes},
                                      {"context", request.context}};
  return HexEncode(crypto::Sha256(json::Canonical(question)));
}

Result<UseAnswer> KeyReused() { return Fail(Code::kConflict, "idempotency-key-reused", "this idempotency key was used for another question"); }

}  // namespace

// The resource as entities see it: facts; a secret's path with the folders that it lies in; and what a PEP may vouch for.
std::shared_ptr<const cedar::Entity> Uses::ResourceEntity(const UseRequest& request) const {
  if (request.resource.type == task::kSecretPathType || request.resource.type == task::kSecretFolderType) {
    auto entity = std::make_shared<cedar::Entity>();
    entity->uid = request.resource;
    entity->parents = task::SecretParents(request.resource.id);
    return entity;
  }
  if (request.resource_attributes.IsObject() && !request.resource_attributes.AsObject().empty() && core_.current->IsFromPep(request.resource.type)) {
    const cedar::EntityType* type = core_.current->schema().FindEntityType(request.resource.type);
    // On top of what is known: a PEP that says one thing does not make the others untrue, nor move the resource out of its containers.
    const cedar::Entity* known = core_.facts->entities.Find(request.resource);
    auto entity = known == nullptr ? std::make_shared<cedar::Entity>() : std::make_shared<cedar::Entity>(*known);
    entity->uid = request.resource;
    for (const auto& [name, value] : request.resource_attributes.AsObject()) {
      auto attribute = type->attributes.find(name);
      if (attribute == type->attributes.end()) return nullptr;
      auto read = core_.current->schema().ReadValue(value, *attribute->second.type);
      if (!read) return nullptr;
      entity->attributes[name] = *std::move(read);
    }
    if (!core_.current->schema().ValidateEntity(*entity)) return nullptr;
    return entity;
  }
  return nullptr;
}

// The context as the action declares it, with `now` and `local` filled in by Remit.
Result<cedar::Value> Uses::ContextOf(const UseRequest& request, const Zone* zone) const {
  cedar::Record context;
  const cedar::ActionType* action = core_.current->schema().FindAction(request.action);
  if (action == nullptr) return Fail(Code::kInvalidArgument, "unknown-action", fmt::format("no action {}", request.action.ToString()));
  if (request.context.IsObject()) {
    for (const auto& [name, value] : request.context.AsObject()) {
      auto declared = action->context->attributes.find(name);
      if (declared == action->context->attributes.end() || task::IsFilled(*action->context, name))
        return Fail(Code::kInvalidArgument, "bad-context", fmt::format("{} takes no `{}` in its context", request.action.ToString(), name));
      REMIT_ASSIGN(context[name], core_.current->schema().ReadValue(value, *declared->second.type));
    }
  } else if (!request.context.IsNull()) {
    return Fail(Code::kInvalidArgument, "bad-context", "a context is an object");
  }
  task::FillMoment(*action->context, zone, core_.Now(), context);
  cedar::Value value = cedar::Value::FromRecord(std::move(context));
  if (Status valid = core_.current->schema().ValidateValue(value, *action->context); !valid)
    return Fail(Code::kInvalidArgument, "bad-context", valid.error().message);
  return value;
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
  if (auto resource = ResourceEntity(request)) view.Add(std::move(resource));
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

// Judges a use and changes nothing but the counts (`count`). Every deny has its own reason.
Uses::Judged Uses::Judge(const UseRequest& request, bool count) {
  Judged judged;
  bool holder = false;
  LiveTask* live = request.token.empty() ? core_.Find(request.task) : core_.FindByHandle(request.token, &holder);
  auto deny = [&](std::string_view reason) {
    judged.answer = DenyFor(reason);
    if (core_.current) judged.answer.catalog = core_.current->hash();
    if (core_.facts) judged.answer.facts = core_.facts->hash;
    if (count && live != nullptr && !live->latched) {
      ++live->denied;
      ++core_.totals.denied;
      Count(*live);
      if (task::IsRefusal(reason)) core_.trips.Refused(*live);
    }
    return judged;
  };
  if (live == nullptr || holder) return deny("unknown-task");
  if (!request.type.empty() && request.type != live->record().type && request.type != live->record().name) return deny("unknown-task");
  judged.live = live;
  if (!core_.current) return deny("no-catalog");
  if (live->latched) return deny("ended");
  if (live->state() != task::State::kActive) return deny("not-active");
  if (core_.Now() >= live->deadline()) return deny("past-deadline");
  if (core_.ClockInDoubt()) return deny("clock-in-doubt");
  if (!core_.trees.Usable(*live)) return deny("parent-not-active");
  const auto above = core_.trees.Above(live->record());
  if (!above) return deny("parent-not-active");
  const task::TaskType* type = core_.current->FindType(live->record().type);
  Result<cedar::Value> context = ContextOf(request, type == nullptr ? nullptr : type->timezone.get());
  if (!context) {
    deny(context.error().reason);
    judged.answer.errors = {context.error().message};
    return judged;
  }
  judged.decision = JudgeOne(*live, *live, request, *context, judged.approvals_needed);
  for (LiveTask* one : *above) {
    if (judged.decision.verdict == Verdict::kDeny) break;
    task::Decision over = JudgeOne(*one, *live, request, *context, judged.approvals_needed);
    if (over.verdict != Verdict::kAllow) over.errors.push_back(fmt::format("so says task `{}` (`{}`), above it", one->id(), one->record().name));
    if (over.verdict == Verdict::kAllow) {
      judged.above.emplace_back(one, std::move(over.charges));
    } else if (over.verdict == Verdict::kDeny || judged.decision.verdict == Verdict::kAllow) {
      judged.decision = std::move(over);
    }
  }
  UseAnswer& answer = judged.answer;
  answer.allowed = judged.decision.verdict == Verdict::kAllow;
  answer.reason = std::move(judged.decision.reason);
  answer.policies = std::move(judged.decision.policies);
  answer.errors = std::move(judged.decision.errors);
  answer.catalog = core_.current->hash();
  answer.facts = core_.facts->hash;
  if (count) {
    ++(answer.allowed ? live->allowed : live->denied);
    ++(answer.allowed ? core_.totals.allowed : core_.totals.denied);
    Count(*live);
    if (!answer.allowed && task::IsRefusal(answer.reason)) core_.trips.Refused(*live);
  }
  return judged;
}

void Uses::Count(LiveTask& live) {
  if (live.counted) return;
  live.counted = true;
  core_.counted.insert(&live);
  core_.ArmCounts();
}

// What an allowed use costs each task of its chain, and changes nothing yet: where one of them cannot be charged, none is. That happens, although
// Judge has just found all of them in time, since Judge asks the clock, and what is written down has the ledger's time: after a restart on a machine
// whose clock is a little behind that is later, perhaps than a deadline.
Result<std::vector<Uses::Payment>> Uses::PaymentsFor(Judged& judged, const UseRequest& request) {
  const Time now = core_.Stamp();
  std::vector<Payment> payments;
  auto add = [&](LiveTask& live, const std::vector<task::Charge>& charges) -> Status {
    if (charges.empty()) return {};
    std::vector<std::string> forbids;
    for (const task::Charge& charge : charges) forbids.push_back(charge.policy);
    REMIT_ASSIGN(task::Transition spent, task::Spend(live.record(), forbids, request.action, request.resource, now));
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
  if (!idempotency.empty()) {
    batch.expects.push_back({store::Table::kIdempotency, idempotency, std::nullopt});
    batch.writes.push_back(
        {store::Table::kIdempotency, idempotency, IdempotencyRow(core_.Stamp(), QuestionHash(request) + json::Canonical(AnswerJson(judged.answer)))});
  }
  std::string id = judged.live->id();
  core_.Commit(std::move(batch), [this, id, answer, result = std::move(judged.answer)](const auto& committed) mutable {
    // Not written down, so not given; the use in memory stays spent, which is the safe side.
    if (!committed) return core_.Refuse(answer, committed.error());
    LiveTask* again = core_.Find(id);
    if (again == nullptr || !core_.trees.Usable(*again)) result = DenyFor("ended");
    core_.Later([answer, result = std::move(result)]() mutable { answer(std::move(result)); });
  });
}

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

// --- the use cases -----------------------------------------------------------------------------------------------------------------------

// Whether the caller is a PEP for this resource: an actor whom the catalog in force permits `enforce`.
bool Uses::MayEnforce(const Caller& by, const cedar::EntityUid& resource) {
  if (!by.Is(Kind::kActor) || !core_.current) return false;
  cedar::Request request{by.uid, {"Remit::Action", "enforce"}, resource, cedar::Value::FromRecord({})};
  auto none = [](const std::string&) { return 0u; };
  return task::Decide(*core_.current, request, core_.facts->entities, none, none).verdict == Verdict::kAllow;
}

void Broker::Evaluate(const Caller& by, UseRequest request, Answer<UseAnswer> answer) {
  Core& core = *core_;
  if (!request.idempotency_key.empty()) return core.uses.EvaluateOnce(by, std::move(request), std::move(answer));
  core.Locked([&] { core.uses.Evaluate(by, request, "", std::move(answer)); });
}

void Uses::Evaluate(const Caller& by, const UseRequest& request, const std::string& idempotency, Answer<UseAnswer> answer) {
  if (MayEnforce(by, request.resource)) return Use(request, idempotency, {}, std::move(answer));
  core_.Later([answer] { answer(DenyFor("not-a-pep")); });
}

// The same key gets the same answer: one that was given is read back, one that is on its way is waited for.
void Uses::EvaluateOnce(const Caller& by, UseRequest request, Answer<UseAnswer> answer) {
  const std::string key = "use/" + by.uid.ToString() + "/" + request.idempotency_key, question = QuestionHash(request);
  bool first = core_.Locked([&] {
    auto [asked, is_new] = keyed_uses_.try_emplace(key, KeyedUse{question, {}});
    if (!is_new) asked->second.others.emplace_back(question, answer);
    return is_new;
  });
  if (!first) return;
  auto tell = [this, key, answer](const Result<UseAnswer>& result) {
    KeyedUse asked = core_.Locked([&] { return std::move(keyed_uses_.extract(key).mapped()); });
    answer(result);
    for (auto& [other, waits] : asked.others) waits(other == asked.question ? result : KeyReused());
  };
  Result<std::optional<std::string>> before = core_.parts.store.Get(store::Table::kIdempotency, key);
  if (!before) return tell(std::unexpected(before.error()));
  if (!*before) return core_.Locked([&] { Evaluate(by, request, key, tell); });
  std::string_view row = std::string_view(**before).substr(kIdempotencyTimeBytes);
  if (row.substr(0, question.size()) != question) return tell(KeyReused());
  Result<UseAnswer> given = AnswerFromJson(row.substr(question.size()));
  // INVARIANT: nothing after the task. What was allowed is not allowed again once its task is over, also not to who asks twice.
  bool usable = core_.Locked([&] {
    LiveTask* live = request.token.empty() ? core_.Find(request.task) : core_.FindByHandle(request.token);
    return live != nullptr && core_.trees.Usable(*live);
  });
  tell(given && given->allowed && !usable ? DenyFor("ended") : given);
}

Result<UseAnswer> Broker::Check(const Caller& by, const UseRequest& request) {
  bool may = false;
  Result<UseAnswer> answer = core_->Locked([&]() -> Result<UseAnswer> {
    LiveTask* live = request.token.empty() ? core_->Find(request.task) : core_->FindByHandle(request.token);
    // A token is proof enough to ask about its task; an id is not.
    may = !request.token.empty() || core_->uses.MayEnforce(by, request.resource) || (live != nullptr && core_->who_may.MayView(by, *live));
    if (!may) return NoSuchTask(request.task);
    Uses::Judged judged = core_->uses.Judge(request, false);
    if (live != nullptr)
      if (UseApproval* waiting = core_->use_approvals.Find(*live, request)) judged.answer.approval = waiting->id;
    return judged.answer;
  });
  if (may) return answer;
  REMIT_TRY(core_->views.Visible(by, request.task));
  return DenyFor("ended");  // whoever may see a task that is over is told that it is
}

Caller Broker::FindHandle(std::string_view handle) const {
  return core_->Locked([&] {
    Caller caller;
    bool holder = false;
    LiveTask* live = core_->FindByHandle(handle, &holder);
    // A holder key is good as soon as the request is there (to withdraw it); a token only while its task is active.
    if (live == nullptr || live->latched || core_->Now() >= live->deadline() || (!holder && !core_->trees.Usable(*live))) return caller;
    caller.kind = holder ? Kind::kHolder : Kind::kTask;
    caller.task = live->id();
    return caller;
  });
}

std::string Broker::TaskOfHandle(std::string_view handle) const {
  return core_->Locked([&] {
    const LiveTask* live = core_->FindByHandle(handle, nullptr);
    return live == nullptr ? std::string() : live->id();
  });
}

}  // namespace remit::broker
