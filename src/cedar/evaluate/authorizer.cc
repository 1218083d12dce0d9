// The decision on one screen (Decide), over the policies that the index finds for a request.
#include "cedar/authorizer.h"

#include <algorithm>

#include <fmt/format.h>

#include "cedar/evaluate/compile.h"
#include "cedar/evaluate/evaluator.h"
#include "cedar/evaluate/id_order.h"
#include "cedar/evaluate/machine.h"
#include "cedar/evaluate/numbers.h"
#include "cedar/evaluate/scope_index.h"

namespace remit::cedar {

// Policies are numbered in order of their ids, so that answers come sorted.
struct PolicySet::Compiled {
  static constexpr CodeIndex kAlways = 0xFFFF'FFFF;  // no condition
  struct Item {
    const Policy* policy = nullptr;
    std::uint32_t position = 0;  // in `policies`
    CodeIndex condition = kAlways;
    bool permit = false;
  };

  std::vector<PolicyPtr> policies;  // as given
  std::vector<Item> items;
  std::vector<Scopes> scopes;  // of each item
  Program program;
  ScopeIndex index;

  void Add(const Policy& policy, std::uint32_t position, std::uint32_t number, Compiler& compiler);

  // Calls `visit(number, hold)` for each policy whose scope is satisfied, until it returns false; `hold()` is what its conditions come to.
  // In no order, and perhaps twice.
  template <class World, class Visit>
  void ForEachInScope(const Request& request, const World& world, Visit visit) const;

  // Satisfied permits and forbids, and what failed.
  struct Found {
    Numbers permits, forbids, failed;
  };
  void Find(const Request& request, const EntityView& entities, Found& found) const;

  template <class Into, class OfPolicy, class OfFailure>
  void Decide(const Request& request, const EntityView& entities, Into& into, OfPolicy policy, OfFailure failure) const;

  // Why the policy fails on this request, which it does.
  std::string Message(const Policy& policy, const Request& request, const EntityView& entities) const;
};

namespace {

template <class Use>
void WithWorld(const EntityView& entities, Use use) {
  if (const Hierarchy* store = entities.Prepared(); store != nullptr)
    use(StoreWorld(*store));
  else
    use(ViewWorld(entities));
}

template <class World>
Subject Introduce(const EntityUid& uid, const World& world) {
  const UidLiteral literal{.uid = &uid, .hash = HashUid(uid)};
  return {.entity = world.Entity(literal), .hash = literal.hash};
}

}  // namespace

template <class World, class Visit>
void PolicySet::Compiled::ForEachInScope(const Request& request, const World& world, Visit visit) const {
  const Subject subjects[kSubjects] = {Introduce(request.principal, world), Introduce(request.action, world), Introduce(request.resource, world)};
  const Datum entities[kSubjects] = {subjects[0].entity, subjects[1].entity, subjects[2].entity};
  Machine<World> machine(program, world, entities, request.context);
  index.ForEach(subjects, world, [&](ScopeIndex::Entry entry) {
    for (std::size_t part = 0; entry.open >> part != 0; ++part) {
      if ((entry.open >> part & 1) == 0) continue;
      if (!Satisfies(entities[part], subjects[part].hash, scopes[entry.policy][part], program, world)) return true;
    }
    return visit(entry.policy, [&] {
      const CodeIndex condition = items[entry.policy].condition;
      return condition == kAlways ? Truth::kTrue : machine.Run(condition);
    });
  });
}

void PolicySet::Compiled::Find(const Request& request, const EntityView& entities, Found& found) const {
  WithWorld(entities, [&](const auto& world) {
    ForEachInScope(request, world, [&](std::uint32_t number, auto hold) {
      switch (hold()) {
        case Truth::kTrue: (items[number].permit ? found.permits : found.forbids).Add(number); break;
        case Truth::kFailed: found.failed.Add(number); break;
        case Truth::kFalse: break;
      }
      return true;
    });
  });
}

std::string PolicySet::Compiled::Message(const Policy& policy, const Request& request, const EntityView& entities) const {
  Evaluator evaluator(request, entities);
  for (const Policy::Condition& condition : policy.conditions) {
    const std::optional<bool> holds = evaluator.EvaluateBool(*condition.body);
    if (!holds.has_value()) return evaluator.error().message;
    if (*holds != condition.when) break;
  }
  // Not reached while the two agree, which machine_test holds them to. If they ever do not, the policy has failed all the same: no request
  // that somebody finds may end the process.
  return "the condition cannot be evaluated";
}

void PolicySet::Compiled::Add(const Policy& policy, std::uint32_t position, std::uint32_t number, Compiler& compiler) {
  Scopes& parts = scopes[number];
  const ScopeConstraint* constraints[kSubjects] = {&policy.principal, &policy.action, &policy.resource};
  for (std::size_t part = 0; part < kSubjects; ++part) {
    const ScopeConstraint& constraint = *constraints[part];
    parts[part] = {.kind = constraint.kind,
                   .first = compiler.Uids(constraint.entities),
                   .count = static_cast<std::uint32_t>(constraint.entities.size()),
                   .type = &constraint.type};
  }
  items[number] = {.policy = &policy,
                   .position = position,
                   .condition = compiler.Conditions(policy).value_or(kAlways),
                   .permit = policy.effect == Effect::kPermit};
}

Result<PolicySet> PolicySet::Build(std::vector<PolicyPtr> policies) {
  for (const PolicyPtr& policy : policies) REMIT_CHECK(policy != nullptr);
  const auto [by_id, duplicate] = OrderOfIds(policies);

  // Of several flaws the first in order of the policies is reported.
  const auto unlinked = static_cast<std::size_t>(
      std::ranges::find_if(policies, &Policy::IsTemplate, [](const PolicyPtr& p) -> const Policy& { return *p; }) - policies.begin());
  if (std::min(duplicate, unlinked) < policies.size()) {
    const Policy& policy = *policies[std::min(duplicate, unlinked)];
    const auto flaw = duplicate <= unlinked ? Error(Code::kInvalidArgument, "duplicate-policy", fmt::format("duplicate policy id `{}`", policy.id))
                                            : Error(Code::kUnsupported, "not-supported",
                                                    fmt::format("policy `{}` is a template, which must be linked before it is used", policy.id));
    return Fail(Error(flaw).At(policy.span.ToString()));
  }

  auto compiled = std::make_shared<Compiled>();
  Compiler compiler(compiled->program);
  compiled->items.resize(policies.size());
  compiled->scopes.resize(policies.size());
  // In the order in which they stand in memory, most likely: reading the trees is most of the work.
  std::vector<std::uint32_t> numbers(policies.size());
  for (std::uint32_t number = 0; number < by_id.size(); ++number) numbers[by_id[number]] = number;
  for (std::uint32_t position = 0; position < numbers.size(); ++position) compiled->Add(*policies[position], position, numbers[position], compiler);
  compiled->index.Build(compiled->scopes, compiled->program);
  compiled->policies = std::move(policies);
  PolicySet set;
  set.compiled_ = std::move(compiled);
  return set;
}

const std::vector<PolicyPtr>& PolicySet::policies() const {
  static const std::vector<PolicyPtr> none;
  return compiled_ == nullptr ? none : compiled_->policies;
}

// The decision. Fills in what determines it (`policy(…)` of each) and what failed (`failure(…)`), each in order of the ids.
template <class Into, class OfPolicy, class OfFailure>
void PolicySet::Compiled::Decide(const Request& request, const EntityView& entities, Into& into, OfPolicy policy, OfFailure failure) const {
  Found found;
  Find(request, entities, found);
  into.allowed = !found.permits.empty() && found.forbids.empty();
  const std::span<const std::uint32_t> determining = (found.forbids.empty() ? found.permits : found.forbids).Sorted();
  into.determining.reserve(determining.size());
  for (const std::uint32_t number : determining) into.determining.push_back(policy(*items[number].policy));
  if (found.failed.empty()) return;
  for (const std::uint32_t number : found.failed.Sorted())
    into.errors.push_back(failure(*items[number].policy, Message(*items[number].policy, request, entities)));
}

void PolicySet::Decide(const Request& request, const EntityView& entities, Answer& answer) const {
  answer.allowed = false;
  answer.determining.clear();
  answer.errors.clear();
  if (compiled_ == nullptr) return;
  compiled_->Decide(
      request, entities, answer, [](const Policy& policy) { return &policy; },
      [](const Policy& policy, std::string message) { return std::pair(&policy, std::move(message)); });
}

Response PolicySet::IsAuthorized(const Request& request, const EntityView& entities) const {
  Response response;
  if (compiled_ == nullptr) return response;
  compiled_->Decide(
      request, entities, response, [](const Policy& policy) -> const std::string& { return policy.id; },
      [](const Policy& policy, std::string message) { return PolicyError{policy.id, std::move(message)}; });
  return response;
}

bool PolicySet::IsAllowed(const Request& request, const EntityView& entities) const {
  bool permitted = false, forbidden = false;
  if (compiled_ == nullptr) return false;
  WithWorld(entities, [&](const auto& world) {
    compiled_->ForEachInScope(request, world, [&](std::uint32_t number, auto hold) {
      const bool permit = compiled_->items[number].permit;
      if (permit && permitted) return true;  // nothing new
      if (hold() == Truth::kTrue) (permit ? permitted : forbidden) = true;
      return !forbidden;
    });
  });
  return permitted && !forbidden;
}

Evaluation PolicySet::Evaluate(const Request& request, const EntityView& entities) const {
  Evaluation evaluation;
  if (compiled_ == nullptr) return evaluation;
  Compiled::Found found;
  compiled_->Find(request, entities, found);
  auto in_order = [&](Numbers& numbers) {
    std::vector<std::uint32_t> positions;
    for (const std::uint32_t number : numbers.Sorted()) positions.push_back(compiled_->items[number].position);
    std::ranges::sort(positions);
    return positions;
  };
  for (const std::uint32_t position : in_order(found.permits)) evaluation.permits.push_back(compiled_->policies[position].get());
  for (const std::uint32_t position : in_order(found.forbids)) evaluation.forbids.push_back(compiled_->policies[position].get());
  for (const std::uint32_t position : in_order(found.failed)) {
    const Policy& policy = *compiled_->policies[position];
    evaluation.errors.emplace_back(&policy, compiled_->Message(policy, request, entities));
  }
  return evaluation;
}

}  // namespace remit::cedar
