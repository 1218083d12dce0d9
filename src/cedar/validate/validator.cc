// Policies against a schema: which names exist, which request environments a scope can match, and the condition typed in each of them.
#include "cedar/validator.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {
namespace {

std::string DidYouMean(const std::string& near) { return near.empty() ? "" : fmt::format("did you mean `{}`?", near); }

// Whether an entity of `type` can satisfy the constraint, as far as types tell.
bool ScopeAllows(const Schema& schema, const ScopeConstraint& scope, const std::string& type) {
  const auto within = [&] {
    return !scope.slot.empty() || type == scope.entities.front().type || schema.MayBeDescendant(type, scope.entities.front().type);
  };
  switch (scope.kind) {
    case ScopeConstraint::Kind::kEqual: return !scope.slot.empty() || type == scope.entities.front().type;
    case ScopeConstraint::Kind::kIn: return within();
    case ScopeConstraint::Kind::kIs: return type == scope.type;
    case ScopeConstraint::Kind::kIsIn: return type == scope.type && within();
    case ScopeConstraint::Kind::kAny:
    case ScopeConstraint::Kind::kInSet: break;
  }
  return true;
}

bool ActionAllowed(const Schema& schema, const ScopeConstraint& scope, const EntityUid& action) {
  if (scope.kind == ScopeConstraint::Kind::kAny) return true;
  return std::ranges::any_of(scope.entities, [&](const EntityUid& uid) {
    return scope.kind == ScopeConstraint::Kind::kEqual ? uid == action : schema.FindAction(uid) != nullptr && schema.ActionIn(action, uid);
  });
}

// The types that a slot can be filled with so that the scope can still match a variable of `type`. One "" where there is no slot.
std::vector<std::string> SlotTypes(const Schema& schema, const ScopeConstraint& scope, const std::string& type) {
  if (scope.slot.empty()) return {""};
  std::vector<std::string> types{type};
  if (scope.kind == ScopeConstraint::Kind::kEqual) return types;
  for (const auto& [name, declared] : schema.entity_types()) {
    if (name != type && schema.MayBeDescendant(type, name)) types.push_back(name);
  }
  return types;
}

std::vector<RequestEnvironment> Environments(const Schema& schema, const Policy& policy) {
  std::vector<RequestEnvironment> environments;
  for (const auto& [uid, action] : schema.actions()) {
    if (!ActionAllowed(schema, policy.action, uid)) continue;
    for (const std::string& principal : action.principals) {
      if (!ScopeAllows(schema, policy.principal, principal)) continue;
      for (const std::string& resource : action.resources) {
        if (!ScopeAllows(schema, policy.resource, resource)) continue;
        for (const std::string& principal_slot : SlotTypes(schema, policy.principal, principal)) {
          for (const std::string& resource_slot : SlotTypes(schema, policy.resource, resource)) {
            environments.push_back({&action, principal, resource, principal_slot, resource_slot});
          }
        }
      }
    }
  }
  return environments;
}

// Every name in the whole policy, also where evaluation can never come.
class NameChecker {
 public:
  NameChecker(const Schema& schema, std::vector<Diagnostic>& findings) : schema_(schema), findings_(findings) {}

  void Check(const Expr& expr) {
    if (expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kEntity)) CheckUid(expr.literal.AsEntity(), expr.span);
    if (expr.op == Op::kIs || expr.op == Op::kIsIn) CheckType(expr.name, expr.span);
    for (const ExprPtr& argument : expr.args) Check(*argument);
    for (const auto& [name, value] : expr.fields) Check(*value);
  }

 private:
  void CheckUid(const EntityUid& uid, const Span& span) {
    if (!uid.id.empty() && !IsVisible(uid.id)) {
      Report(span, "odd-identifier", fmt::format("`{}` has characters that cannot be seen", EscapeControl(uid.ToString())), "");
      findings_.back().severity = Diagnostic::Severity::kWarning;
    }
    if (IsActionType(uid.type)) return CheckAction(uid, span);
    CheckType(uid.type, span);
    const EntityType* type = schema_.FindEntityType(uid.type);
    if (type == nullptr || type->enumeration.empty() || std::ranges::find(type->enumeration, uid.id) != type->enumeration.end()) return;
    Report(span, "unknown-entity", fmt::format("`{}` is not one of the entities that `{}` lists", uid.ToString(), uid.type),
           DidYouMean(Nearest(uid.id, type->enumeration)));
  }

  void CheckAction(const EntityUid& uid, const Span& span) {
    if (schema_.FindAction(uid) != nullptr) return;
    std::vector<std::string> known;
    for (const auto& [action, type] : schema_.actions()) known.push_back(action.ToString());
    Report(span, "unknown-action", fmt::format("unknown action `{}`", uid.ToString()), DidYouMean(Nearest(uid.ToString(), known)));
  }

  void CheckType(const std::string& name, const Span& span) {
    if (schema_.FindEntityType(name) != nullptr || IsActionType(name)) return;
    std::vector<std::string> known;
    for (const auto& [type, declared] : schema_.entity_types()) known.push_back(type);
    Report(span, "unknown-entity-type", fmt::format("unknown entity type `{}`", name), DidYouMean(Nearest(name, known)));
  }

  void Report(const Span& span, std::string_view reason, std::string message, std::string hint) {
    Diagnostic finding;
    finding.reason = reason;
    finding.message = std::move(message);
    finding.hint = std::move(hint);
    finding.span = span;
    findings_.push_back(std::move(finding));
  }

  const Schema& schema_;
  std::vector<Diagnostic>& findings_;
};

// `principal == Group::"g"` where the action applies to members of groups: `in` was meant.
bool WouldInHelp(const Schema& schema, const Policy& policy, const ScopeConstraint& scope, std::set<std::string> ActionType::* types) {
  if (scope.kind != ScopeConstraint::Kind::kEqual || !scope.slot.empty()) return false;
  const std::string& type = scope.entities.front().type;
  bool member = false;
  for (const auto& [uid, action] : schema.actions()) {
    if (!ActionAllowed(schema, policy.action, uid)) continue;
    if ((action.*types).contains(type)) return false;
    member = member || std::ranges::any_of(action.*types, [&](const std::string& allowed) { return schema.MayBeDescendant(allowed, type); });
  }
  return member;
}

Diagnostic OfPolicy(const Policy& policy, Diagnostic::Severity severity, std::string_view reason, std::string message) {
  Diagnostic finding;
  finding.severity = severity;
  finding.reason = reason;
  finding.message = std::move(message);
  finding.span = policy.span;
  return finding;
}

Diagnostic NoApplicableAction(const Schema& schema, const Policy& policy) {
  Diagnostic finding = OfPolicy(policy, Diagnostic::Severity::kError, "no-applicable-action",
                                "no action applies to what the scope allows, so the policy can never match");
  for (const auto& [variable, scope, types] :
       {std::tuple("principal", &policy.principal, &ActionType::principals), std::tuple("resource", &policy.resource, &ActionType::resources)}) {
    if (WouldInHelp(schema, policy, *scope, types)) finding.hint = fmt::format("did you mean `{} in`?", variable);
  }
  return finding;
}

std::vector<Diagnostic> ValidatePolicy(const Schema& schema, const Policy& policy, TypeCache& cache) {
  std::vector<Diagnostic> findings;
  const ExprPtr condition = policy.AsExpr();
  NameChecker(schema, findings).Check(*condition);
  const std::vector<RequestEnvironment> environments = Environments(schema, policy);
  if (environments.empty()) findings.push_back(NoApplicableAction(schema, policy));
  bool possible = false;
  for (const RequestEnvironment& environment : environments) {
    const StaticTypePtr type = Typechecker(schema, environment, cache, findings).CheckCondition(*condition);
    possible = possible || type == nullptr || type->kind != StaticType::Kind::kFalse;
  }
  if (!environments.empty() && !possible) {
    findings.push_back(OfPolicy(policy, Diagnostic::Severity::kWarning, "impossible-policy", "condition is false for every request"));
  }
  for (Diagnostic& finding : findings) finding.policy = policy.id;
  return findings;
}

// Source order, and once what several environments have shown.
void SortAndMerge(std::vector<Diagnostic>& findings) {
  const auto key = [](const Diagnostic& d) { return std::tie(d.span.begin, d.span.end, d.reason, d.message, d.hint); };
  std::ranges::sort(findings, {}, key);
  const auto repeated = std::ranges::unique(findings, {}, key);
  findings.erase(repeated.begin(), repeated.end());
}

}  // namespace

std::vector<Diagnostic> Validate(const Schema& schema, const std::vector<PolicyPtr>& policies) {
  std::vector<Diagnostic> errors, warnings;
  TypeCache cache;
  for (const PolicyPtr& policy : policies) {
    std::vector<Diagnostic> findings = ValidatePolicy(schema, *policy, cache);
    SortAndMerge(findings);
    for (Diagnostic& finding : findings) {
      (finding.severity == Diagnostic::Severity::kError ? errors : warnings).push_back(std::move(finding));
    }
  }
  std::ranges::move(warnings, std::back_inserter(errors));
  return errors;
}

}  // namespace remit::cedar
