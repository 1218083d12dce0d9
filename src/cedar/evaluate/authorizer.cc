// The decision on one screen (IsAuthorized), over policies that are found by action, then by the type of principal or resource.
#include "cedar/authorizer.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "cedar/evaluate/evaluator.h"
#include "cedar/evaluate/fold.h"

namespace remit::cedar {
namespace {

using Index = std::uint32_t;
using Kind = ScopeConstraint::Kind;

// The entity type that a constraint leaves possible, "" for any. (A descendant of an entity may be of any type.)
std::string_view TypeOf(const ScopeConstraint& constraint) {
  switch (constraint.kind) {
    case Kind::kEqual: return constraint.entities.front().type;
    case Kind::kIs:
    case Kind::kIsIn: return constraint.type;
    default: return "";
  }
}

bool Satisfies(const EntityUid& uid, const ScopeConstraint& constraint, const EntityView& entities) {
  auto within = [&](const EntityUid& ancestor) { return uid == ancestor || entities.IsDescendant(uid, ancestor); };
  switch (constraint.kind) {
    case Kind::kAny: return true;
    case Kind::kEqual: return uid == constraint.entities.front();
    case Kind::kIn: return within(constraint.entities.front());
    case Kind::kInSet: return std::ranges::any_of(constraint.entities, within);
    case Kind::kIs: return uid.type == constraint.type;
    case Kind::kIsIn: return uid.type == constraint.type && within(constraint.entities.front());
  }
  return false;
}

// Policies that one action may concern, each in exactly one list.
struct Bucket {
  std::unordered_map<std::string_view, std::vector<Index>> by_principal_type, by_resource_type;  // names live in the policies
  std::vector<Index> others;

  void Add(const Policy& policy, Index index) {
    if (const auto type = TypeOf(policy.principal); !type.empty())
      by_principal_type[type].push_back(index);
    else if (const auto resource_type = TypeOf(policy.resource); !resource_type.empty())
      by_resource_type[resource_type].push_back(index);
    else
      others.push_back(index);
  }

  template <class Visit>
  void ForEach(const Request& request, Visit visit) const {
    if (const auto found = by_principal_type.find(request.principal.type); found != by_principal_type.end())
      std::ranges::for_each(found->second, visit);
    if (const auto found = by_resource_type.find(request.resource.type); found != by_resource_type.end()) std::ranges::for_each(found->second, visit);
    std::ranges::for_each(others, visit);
  }
};

}  // namespace

struct PolicySet::Compiled {
  std::vector<PolicyPtr> policies;
  std::vector<std::vector<Policy::Condition>> conditions;      // of each policy, constants folded
  std::unordered_map<EntityUid, Bucket, EntityUidHash> exact;  // action == U
  Bucket any;                                                  // any action, and groups

  bool InScope(const Policy& policy, const Request& request, const EntityView& entities) const {
    return Satisfies(request.principal, policy.principal, entities) && Satisfies(request.action, policy.action, entities) &&
           Satisfies(request.resource, policy.resource, entities);
  }

  // Whether every condition holds; nothing for an error, which `evaluator` then knows.
  std::optional<bool> Holds(Index index, Evaluator& evaluator) const {
    for (const Policy::Condition& condition : conditions[index]) {
      const std::optional<bool> result = evaluator.EvaluateBool(*condition.body);
      if (!result.has_value()) return std::nullopt;
      if (*result != condition.when) return false;
    }
    return true;
  }

  // Calls `on_satisfied(index)` and `on_error(index, message)`, in no order.
  template <class OnSatisfied, class OnError>
  void Run(const Request& request, const EntityView& entities, OnSatisfied on_satisfied, OnError on_error) const {
    Evaluator evaluator(request, entities);
    auto visit = [&](Index index) {
      if (!InScope(*policies[index], request, entities)) return;
      const std::optional<bool> holds = Holds(index, evaluator);
      if (!holds.has_value())
        on_error(index, evaluator.error());
      else if (*holds)
        on_satisfied(index);
    };
    if (const auto found = exact.find(request.action); found != exact.end()) found->second.ForEach(request, visit);
    any.ForEach(request, visit);
  }
};

Result<PolicySet> PolicySet::Build(std::vector<PolicyPtr> policies) {
  auto compiled = std::make_shared<Compiled>();
  std::set<std::string_view> ids;
  for (const PolicyPtr& policy : policies) {
    REMIT_CHECK(policy != nullptr);
    if (!ids.insert(policy->id).second) {
      return Fail(Error(Code::kInvalidArgument, "duplicate-policy", fmt::format("duplicate policy id `{}`", policy->id)).At(policy->span.ToString()));
    }
    if (policy->IsTemplate()) {
      return Fail(
          Error(Code::kUnsupported, "not-supported", fmt::format("policy `{}` is a template, which must be linked before it is used", policy->id))
              .At(policy->span.ToString()));
    }
    const Index index = static_cast<Index>(compiled->conditions.size());
    std::vector<Policy::Condition> conditions = policy->conditions;
    for (Policy::Condition& condition : conditions) condition.body = FoldConstants(condition.body);
    compiled->conditions.push_back(std::move(conditions));
    Bucket& bucket = policy->action.kind == Kind::kEqual ? compiled->exact[policy->action.entities.front()] : compiled->any;
    bucket.Add(*policy, index);
  }
  compiled->policies = std::move(policies);
  PolicySet set;
  set.compiled_ = std::move(compiled);
  return set;
}

const std::vector<PolicyPtr>& PolicySet::policies() const {
  static const std::vector<PolicyPtr> none;
  return compiled_ == nullptr ? none : compiled_->policies;
}

Response PolicySet::IsAuthorized(const Request& request, const EntityView& entities) const {
  Response response;
  if (compiled_ == nullptr) return response;
  std::vector<std::string> permits, forbids;
  compiled_->Run(
      request, entities,
      [&](Index index) {
        const Policy& policy = *compiled_->policies[index];
        (policy.effect == Effect::kPermit ? permits : forbids).push_back(policy.id);
      },
      [&](Index index, const Error& error) { response.errors.push_back({compiled_->policies[index]->id, error.message}); });
  response.allowed = forbids.empty() && !permits.empty();
  response.determining = forbids.empty() ? std::move(permits) : std::move(forbids);
  std::ranges::sort(response.determining);
  std::ranges::sort(response.errors, {}, &PolicyError::policy);
  return response;
}

Evaluation PolicySet::Evaluate(const Request& request, const EntityView& entities) const {
  std::vector<Index> satisfied;
  std::vector<std::pair<Index, std::string>> errors;
  Evaluation evaluation;
  if (compiled_ == nullptr) return evaluation;
  compiled_->Run(
      request, entities, [&](Index index) { satisfied.push_back(index); },
      [&](Index index, const Error& error) { errors.emplace_back(index, error.message); });
  std::ranges::sort(satisfied);
  std::ranges::sort(errors);
  for (const Index index : satisfied) {
    const Policy& policy = *compiled_->policies[index];
    (policy.effect == Effect::kPermit ? evaluation.permits : evaluation.forbids).push_back(&policy);
  }
  for (auto& [index, message] : errors) evaluation.errors.emplace_back(compiled_->policies[index].get(), std::move(message));
  return evaluation;
}

}  // namespace remit::cedar
