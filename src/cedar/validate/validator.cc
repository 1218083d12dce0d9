// Policies against a schema: which names exist, and the condition typed in each request environment that the scope can match.
#include "cedar/validator.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "base/limits.h"
#include "cedar/validate/environments.h"
#include "cedar/validate/level.h"
#include "cedar/validate/names_check.h"
#include "cedar/validate/odd_text.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {
namespace {

bool ActionAllowed(const Schema& schema, const ScopeConstraint& scope, const EntityUid& action) {
  if (scope.kind == ScopeConstraint::Kind::kAny) return true;
  return std::ranges::any_of(scope.entities, [&](const EntityUid& uid) {
    return scope.kind == ScopeConstraint::Kind::kEqual ? uid == action : schema.FindAction(uid) != nullptr && schema.ActionIn(action, uid);
  });
}

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
  Diagnostic finding = Finding(policy.span, reason, std::move(message));
  finding.severity = severity;
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

// The conditions alone: what the scope asks for is in the choice of environments.
ExprPtr ConditionOf(const Policy& policy) {
  std::vector<ExprPtr> parts;
  for (const Policy::Condition& condition : policy.conditions) {
    if (condition.when) {
      parts.push_back(condition.body);
      continue;
    }
    auto negated = std::make_shared<Expr>();
    negated->op = Op::kNot;
    negated->span = condition.body->span;
    negated->args = {condition.body};
    parts.push_back(std::move(negated));
  }
  return parts.size() == 1 ? parts.front() : MakeChain(Op::kAnd, parts);
}

// Whether the condition can be true in the environment. Levels count what the scope reads too.
bool CheckIn(const Schema& schema, const RequestEnvironment& environment, const Expr& condition, const ValidationOptions& options, TypeCache& cache,
             std::vector<Diagnostic>& findings) {
  TypedTree tree;
  const std::size_t before = findings.size();
  Typechecker checker(schema, environment, options.mode, cache, findings, options.level ? &tree : nullptr);
  const StaticTypePtr type = checker.CheckCondition(condition);
  if (options.level && findings.size() == before) CheckLevel(condition, tree, environment.action->uid, *options.level, findings);
  return type == nullptr || type->kind != StaticType::Kind::kFalse;
}

// The set of an action scope is a set like any other: strict validation wants it to have members, all of one type.
std::optional<Diagnostic> CheckActionSet(const Policy& policy) {
  if (policy.action.kind != ScopeConstraint::Kind::kInSet) return std::nullopt;
  const std::vector<EntityUid>& actions = policy.action.entities;
  Diagnostic finding = OfPolicy(policy, Diagnostic::Severity::kError, "empty-set", "the scope's set of actions is empty");
  finding.span = policy.action.span;
  if (actions.empty()) return finding;
  const auto other = std::ranges::find_if(actions, [&](const EntityUid& uid) { return uid.type != actions.front().type; });
  if (other == actions.end()) return std::nullopt;
  finding.reason = "incompatible-types";
  finding.message = fmt::format("set holds both `{}` and `{}`", actions.front().type, other->type);
  finding.hint = "write a policy for each namespace";
  return finding;
}

// Source order, and once what several environments have shown.
void SortAndMerge(std::vector<Diagnostic>& findings) {
  const auto key = [](const Diagnostic& d) { return std::tie(d.span.begin, d.span.end, d.reason, d.message, d.hint); };
  std::ranges::sort(findings, {}, key);
  const auto repeated = std::ranges::unique(findings, {}, key);
  findings.erase(repeated.begin(), repeated.end());
}

std::vector<Diagnostic> ValidatePolicy(const Schema& schema, Environments& environments, const Policy& policy, const ValidationOptions& options,
                                       TypeCache& cache) {
  std::vector<Diagnostic> findings;
  CheckNames(schema, policy, findings);
  const bool trivial = policy.conditions.empty() && !options.level;
  const ExprPtr condition = trivial ? nullptr : options.level ? policy.AsExpr() : ConditionOf(policy);
  const ActionReads reads = trivial         ? ActionReads{}
                            : options.level ? ActionReads{.action = true, .context = true}  // levels are told of each action
                                            : ReadsOf(*condition);
  const Environments::Matching* matching = &environments.Of(policy, policy.action, reads);
  if (matching->list.empty()) findings.push_back(NoApplicableAction(schema, policy));
  if (options.mode == ValidationMode::kStrict) {
    if (auto action_set = CheckActionSet(policy)) {
      // What the scope says of actions is not known then: any of them may be meant.
      matching = &environments.Of(policy, {}, reads);
      if (!matching->list.empty()) findings.push_back(std::move(*action_set));
    }
  }
  if (matching->too_many) {
    findings.push_back(OfPolicy(policy, Diagnostic::Severity::kError, "too-many-environments",
                                fmt::format("the scope matches more than {} combinations of action and types", limits::kCedarEnvironments)));
  }
  bool possible = trivial && !matching->list.empty();
  if (!trivial) {
    for (const RequestEnvironment& environment : matching->list) {
      const bool here = CheckIn(schema, environment, *condition, options, cache, findings);
      possible = possible || here;
      if (findings.size() <= kMostFindings) continue;
      SortAndMerge(findings);
      if (findings.size() <= kMostFindings) continue;
      possible = true;  // as far as anybody has looked
      break;
    }
  }
  if (!possible) findings.push_back(OfPolicy(policy, Diagnostic::Severity::kWarning, "impossible-policy", "condition is false for every request"));
  CheckText(policy, findings);
  for (Diagnostic& finding : findings) finding.policy = policy.id;
  return findings;
}

}  // namespace

std::vector<Diagnostic> Validate(const Schema& schema, const std::vector<PolicyPtr>& policies, ValidationOptions options) {
  std::vector<Diagnostic> errors, warnings;
  TypeCache cache;
  Environments environments(schema);
  for (const PolicyPtr& policy : policies) {
    std::vector<Diagnostic> findings = ValidatePolicy(schema, environments, *policy, options, cache);
    SortAndMerge(findings);
    for (Diagnostic& finding : findings) {
      (finding.severity == Diagnostic::Severity::kError ? errors : warnings).push_back(std::move(finding));
    }
    if (errors.size() > kMostFindings) break;  // what follows cannot make it valid
  }
  if (errors.size() > kMostFindings) {
    errors.resize(kMostFindings);
    errors.push_back({.reason = "too-many-findings",
                      .message = fmt::format("there are more errors than these {}; not all was looked at", kMostFindings),
                      .hint = "correct these first",
                      .policy = errors.back().policy,
                      .span = errors.back().span});
  }
  std::ranges::move(warnings, std::back_inserter(errors));
  return errors;
}

}  // namespace remit::cedar
