// See rules.h.
#include "task/rules.h"

#include <algorithm>

#include "cedar/entities.h"
#include "cedar/partial.h"
#include "task/builtin_schema.h"

namespace remit::task {
namespace {

using Kind = cedar::ScopeConstraint::Kind;

// Whether a scope leaves room for entities of this type; cheap, and only ever too generous.
bool MayBe(const cedar::ScopeConstraint& scope, std::string_view type) {
  switch (scope.kind) {
    case Kind::kIs:
    case Kind::kIsIn: return scope.type == type;
    case Kind::kEqual: return scope.entities.empty() || scope.entities[0].type == type;
    default: return true;
  }
}

bool MayBeAction(const cedar::Schema& schema, const cedar::ScopeConstraint& scope, const cedar::EntityUid& action) {
  switch (scope.kind) {
    case Kind::kEqual: return std::ranges::find(scope.entities, action) != scope.entities.end();
    case Kind::kIn:
    case Kind::kInSet: return std::ranges::any_of(scope.entities, [&](const auto& group) { return schema.ActionIn(action, group); });
    default: return true;
  }
}

std::optional<cedar::ExprPtr> Residual(const cedar::Schema& schema, const cedar::Expr& expr, const std::string& principal,
                                       const cedar::EntityUid& action, const std::string& resource) {
  static const cedar::Entities kNone;
  return cedar::PartialEvaluate(expr, {principal, std::nullopt, action, resource, std::nullopt, std::nullopt}, kNone, schema, {.open_world = true});
}

}  // namespace

std::map<std::string, TypeRules, std::less<>> BuildRules(const cedar::Schema& schema, const std::vector<cedar::PolicyPtr>& policies,
                                                         const std::vector<std::string>& task_types,
                                                         const std::map<std::string, Lift, std::less<>>& lifts) {
  std::map<std::string, TypeRules, std::less<>> rules;
  for (const cedar::PolicyPtr& policy : policies) {
    cedar::ExprPtr expr;  // made when it is needed
    for (const auto& [uid, action] : schema.actions()) {
      if (uid.type == kVerbType || !MayBeAction(schema, policy->action, uid)) continue;
      for (const std::string& type : task_types) {
        if (!action.principals.contains(type) || !MayBe(policy->principal, type)) continue;
        for (const std::string& resource : action.resources) {
          if (!MayBe(policy->resource, resource)) continue;
          if (!expr) expr = policy->AsExpr();
          const auto residual = Residual(schema, *expr, type, uid, resource);
          const bool is_permit = policy->effect == cedar::Effect::kPermit;
          if (residual ? cedar::IsFalse(**residual) : is_permit) continue;
          const auto lift = lifts.find(policy->id);
          RuleCell& cell = rules[type].cells[{uid, resource}];
          (is_permit ? cell.permits : cell.forbids)
              .push_back({policy, residual.value_or(nullptr), lift == lifts.end() ? std::nullopt : std::optional(lift->second)});
        }
      }
    }
  }
  for (auto& [type, of_type] : rules) {
    std::erase_if(of_type.cells, [](const auto& cell) { return cell.second.permits.empty(); });
  }
  return rules;
}

std::vector<cedar::PolicyPtr> PoliciesFor(const cedar::Schema& schema, const std::vector<cedar::PolicyPtr>& policies,
                                          const std::string& principal_type, const cedar::EntityUid& action, const std::string& resource_type) {
  std::vector<cedar::PolicyPtr> found;
  for (const cedar::PolicyPtr& policy : policies) {
    if (!MayBe(policy->principal, principal_type) || !MayBe(policy->resource, resource_type) || !MayBeAction(schema, policy->action, action))
      continue;
    const auto residual = Residual(schema, *policy->AsExpr(), principal_type, action, resource_type);
    if (residual ? !cedar::IsFalse(**residual) : policy->effect == cedar::Effect::kForbid) found.push_back(policy);
  }
  return found;
}

}  // namespace remit::task
