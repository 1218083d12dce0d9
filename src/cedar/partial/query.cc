// Queries: reduce once, then ask the residuals for each candidate.
#include "cedar/query.h"

#include <algorithm>
#include <set>
#include <utility>

namespace remit::cedar {
namespace {

enum class Side { kPrincipal, kResource };

// Whether the scope leaves room for what is known; only ever too generous, and much cheaper than a residual.
bool MayMatch(const ScopeConstraint& scope, const std::string& type, const std::optional<EntityUid>& uid, const EntityView& entities) {
  const auto in = [&](const EntityUid& group) { return !uid || *uid == group || entities.IsDescendant(*uid, group); };
  switch (scope.kind) {
    case ScopeConstraint::Kind::kAny: return true;
    case ScopeConstraint::Kind::kEqual: return uid ? *uid == scope.entities.front() : type.empty() || scope.entities.front().type == type;
    case ScopeConstraint::Kind::kIn:
    case ScopeConstraint::Kind::kInSet: return std::ranges::any_of(scope.entities, in);
    case ScopeConstraint::Kind::kIs: return scope.type == type;
    case ScopeConstraint::Kind::kIsIn: return scope.type == type && std::ranges::any_of(scope.entities, in);
  }
  return true;
}

std::vector<PolicyPtr> Matching(const std::vector<PolicyPtr>& policies, const PartialRequest& request, const EntityView& entities) {
  std::vector<PolicyPtr> matching;
  for (const PolicyPtr& policy : policies) {
    if (MayMatch(policy->action, request.action ? request.action->type : "", request.action, entities) &&
        MayMatch(policy->principal, request.principal_type, request.principal, entities) &&
        MayMatch(policy->resource, request.resource_type, request.resource, entities)) {
      matching.push_back(policy);
    }
  }
  return matching;
}

PartialResponse Reduce(const std::vector<PolicyPtr>& policies, const PartialRequest& request, const Entities& entities, const Schema& schema) {
  return PartialIsAuthorized(Matching(policies, request, entities), request, entities, schema);
}

// ---- Which entities a residual can hold for at all.

bool IsVariable(const Expr& expr, Var var) { return expr.op == Op::kVar && expr.var == var; }

const EntityUid* AsUid(const Expr& expr) {
  return expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kEntity) ? &expr.literal.AsEntity() : nullptr;
}

using Candidates = std::optional<std::set<EntityUid>>;  // nothing: any

// The entities that `var` must be one of if `expr` is true.
Candidates CandidatesOf(const Expr& expr, Var var) {
  if (expr.op == Op::kAnd) {
    Candidates left = CandidatesOf(*expr.args[0], var);
    return left ? left : CandidatesOf(*expr.args[1], var);
  }
  if (expr.op == Op::kOr) {
    Candidates left = CandidatesOf(*expr.args[0], var), right = CandidatesOf(*expr.args[1], var);
    if (!left || !right) return std::nullopt;
    left->merge(*right);
    return left;
  }
  if (expr.op == Op::kEqual) {
    for (const auto& [variable, value] : {std::pair(expr.args[0], expr.args[1]), std::pair(expr.args[1], expr.args[0])}) {
      if (const EntityUid* uid = AsUid(*value); uid != nullptr && IsVariable(*variable, var)) return std::set{*uid};
    }
  }
  if (expr.op == Op::kContains && expr.args[0]->op == Op::kSet && IsVariable(*expr.args[1], var)) {
    std::set<EntityUid> uids;
    for (const ExprPtr& member : expr.args[0]->args) {
      const EntityUid* uid = AsUid(*member);
      if (uid == nullptr) return std::nullopt;
      uids.insert(*uid);
    }
    return uids;
  }
  return std::nullopt;
}

Candidates CandidatesOf(const PartialResponse& response, Var var) {
  if (!response.permits.empty()) return std::nullopt;
  std::set<EntityUid> all;
  for (const PartialResponse::Open& open : response.open_permits) {
    Candidates one = CandidatesOf(*open.residual, var);
    if (!one) return std::nullopt;
    all.merge(*one);
  }
  return all;
}

// ---- The question for one type of the unknown side.

class EntityQuery {
 public:
  EntityQuery(const PolicySet& policies, const Schema& schema, const Entities& entities, PartialRequest request, Side side)
      : policies_(policies), schema_(schema), entities_(entities), request_(std::move(request)), side_(side) {}

  void Ask(const std::string& type, EntityAnswer& answer) {
    (side_ == Side::kPrincipal ? request_.principal_type : request_.resource_type) = type;
    const PartialResponse response = Reduce(policies_.policies(), request_, entities_, schema_);
    if (response.allowed == false) return;
    const std::vector<EntityUid> candidates = CandidatesFor(type, response);
    if (response.allowed == true) {
      answer.permitted.insert(answer.permitted.end(), candidates.begin(), candidates.end());
      return;
    }
    const auto residuals = PolicySet::Build(response.Residuals());
    REMIT_CHECK(residuals.has_value());  // ids were distinct before
    for (const EntityUid& candidate : candidates) {
      if (request_.context) {
        if (residuals->IsAuthorized(Filled(candidate), entities_).allowed) answer.permitted.push_back(candidate);
      } else {
        AskWithoutContext(*residuals, candidate, answer);
      }
    }
  }

 private:
  std::vector<EntityUid> CandidatesFor(const std::string& type, const PartialResponse& response) const {
    std::vector<EntityUid> candidates;
    if (const Candidates few = CandidatesOf(response, side_ == Side::kPrincipal ? Var::kPrincipal : Var::kResource)) {
      std::ranges::copy_if(*few, std::back_inserter(candidates),
                           [&](const EntityUid& uid) { return uid.type == type && entities_.Find(uid) != nullptr; });
      return candidates;
    }
    for (const Entity* entity : entities_.All()) {
      if (entity->uid.type == type) candidates.push_back(entity->uid);
    }
    return candidates;
  }

  Request Filled(const EntityUid& candidate) const {
    if (side_ == Side::kPrincipal) return {candidate, *request_.action, *request_.resource, *request_.context};
    return {*request_.principal, *request_.action, candidate, *request_.context};
  }

  void AskWithoutContext(const PolicySet& residuals, const EntityUid& candidate, EntityAnswer& answer) const {
    PartialRequest filled = request_;
    (side_ == Side::kPrincipal ? filled.principal : filled.resource) = candidate;
    PartialResponse response = PartialIsAuthorized(residuals.policies(), filled, entities_, schema_);
    if (response.allowed == true) answer.permitted.push_back(candidate);
    if (!response.allowed) answer.open.push_back({candidate, std::move(response)});
  }

  const PolicySet& policies_;
  const Schema& schema_;
  const Entities& entities_;
  PartialRequest request_;
  const Side side_;
};

bool Applies(const Schema& schema, const ActionType& action, const std::optional<Value>& context) {
  return !context || schema.ValidateValue(*context, *action.context).has_value();
}

EntityAnswer Query(const PolicySet& policies, const Schema& schema, const Entities& entities, PartialRequest request, Side side,
                   const std::optional<std::string>& wanted) {
  EntityAnswer answer;
  const ActionType* action = schema.FindAction(*request.action);
  if (action == nullptr || !Applies(schema, *action, request.context)) return answer;
  const auto& [fixed_types, fixed] =
      side == Side::kPrincipal ? std::pair(&action->resources, &request.resource_type) : std::pair(&action->principals, &request.principal_type);
  if (!fixed_types->contains(*fixed)) return answer;
  EntityQuery query(policies, schema, entities, request, side);
  for (const std::string& type : side == Side::kPrincipal ? action->principals : action->resources) {
    if (!wanted || *wanted == type) query.Ask(type, answer);
  }
  return answer;
}

}  // namespace

ActionAnswer QueryActions(const PolicySet& policies, const Schema& schema, const Entities& entities, const EntityUid& principal,
                          const EntityUid& resource, const std::optional<Value>& context) {
  ActionAnswer answer;
  PartialRequest request{principal.type, principal, std::nullopt, resource.type, resource, context};
  const PartialResponse any = Reduce(policies.policies(), request, entities, schema);
  if (any.allowed == false) return answer;
  const std::vector<PolicyPtr> residuals = any.Residuals();
  for (const auto& [uid, action] : schema.actions()) {
    if (!action.principals.contains(principal.type) || !action.resources.contains(resource.type) || !Applies(schema, action, context)) continue;
    request.action = uid;
    PartialResponse response = PartialIsAuthorized(residuals, request, entities, schema);
    if (response.allowed == true) answer.permitted.push_back(uid);
    if (!response.allowed) answer.open.push_back({uid, std::move(response)});
  }
  return answer;
}

EntityAnswer QueryResources(const PolicySet& policies, const Schema& schema, const Entities& entities, const EntityUid& principal,
                            const EntityUid& action, const std::optional<Value>& context, const std::optional<std::string>& type) {
  return Query(policies, schema, entities, {principal.type, principal, action, "", std::nullopt, context}, Side::kResource, type);
}

EntityAnswer QueryPrincipals(const PolicySet& policies, const Schema& schema, const Entities& entities, const EntityUid& action,
                             const EntityUid& resource, const std::optional<Value>& context, const std::optional<std::string>& type) {
  return Query(policies, schema, entities, {"", std::nullopt, action, resource.type, resource, context}, Side::kPrincipal, type);
}

}  // namespace remit::cedar
