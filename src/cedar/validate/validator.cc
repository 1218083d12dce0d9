// Policies against a schema: which names exist, which request environments a scope can match, and the condition typed in each of them.
#include "cedar/validator.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "cedar/validate/level.h"
#include "cedar/validate/names_check.h"
#include "cedar/validate/odd_text.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {
namespace {

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

// Which actions each action is a group of, itself among them.
class ActionIndex {
 public:
  explicit ActionIndex(const Schema& schema) : schema_(schema) {
    for (const auto& [uid, action] : schema.actions()) {
      members_[uid].push_back(&action);
      for (const EntityUid& group : schema.GroupsOf(uid)) members_[group].push_back(&action);
    }
  }

  // In order of their uids.
  std::vector<const ActionType*> Matching(const ScopeConstraint& scope) const {
    std::vector<const ActionType*> actions;
    switch (scope.kind) {
      case ScopeConstraint::Kind::kEqual:
        if (const ActionType* action = schema_.FindAction(scope.entities.front())) actions.push_back(action);
        return actions;
      case ScopeConstraint::Kind::kIn:
      case ScopeConstraint::Kind::kInSet: break;
      default:
        for (const auto& [uid, action] : schema_.actions()) actions.push_back(&action);
        return actions;
    }
    for (const EntityUid& uid : scope.entities) {
      const auto members = members_.find(uid);
      if (members != members_.end()) actions.insert(actions.end(), members->second.begin(), members->second.end());
    }
    std::ranges::sort(actions, {}, [](const ActionType* action) -> const EntityUid& { return action->uid; });
    actions.erase(std::unique(actions.begin(), actions.end()), actions.end());
    return actions;
  }

 private:
  const Schema& schema_;
  std::unordered_map<EntityUid, std::vector<const ActionType*>, EntityUidHash> members_;
};

// The types that a slot can be filled with so that the scope can still match a variable of `type`. One "" where there is no slot.
std::vector<std::string_view> SlotTypes(const Schema& schema, const ScopeConstraint& scope, std::string_view type) {
  if (scope.slot.empty()) return {""};
  std::vector<std::string_view> types{type};
  if (scope.kind == ScopeConstraint::Kind::kEqual) return types;
  for (const auto& [name, declared] : schema.entity_types()) {
    if (name != type && schema.MayBeDescendant(type, name)) types.push_back(name);
  }
  return types;
}

std::vector<RequestEnvironment> Environments(const Schema& schema, const ActionIndex& actions, const Policy& policy,
                                             const ScopeConstraint& action_scope) {
  std::vector<RequestEnvironment> environments;
  const std::vector<const ActionType*> matching = actions.Matching(action_scope);
  environments.reserve(matching.size());
  const bool slots = policy.IsTemplate();
  for (const ActionType* action : matching) {
    for (const std::string& principal : action->principals) {
      if (!ScopeAllows(schema, policy.principal, principal)) continue;
      for (const std::string& resource : action->resources) {
        if (!ScopeAllows(schema, policy.resource, resource)) continue;
        if (!slots) {
          environments.push_back({action, principal, resource, {}, {}});
          if (environments.size() > limits::kCedarEnvironments) return environments;
          continue;
        }
        for (std::string_view principal_slot : SlotTypes(schema, policy.principal, principal)) {
          for (std::string_view resource_slot : SlotTypes(schema, policy.resource, resource)) {
            environments.push_back({action, principal, resource, principal_slot, resource_slot});
            if (environments.size() > limits::kCedarEnvironments) return environments;
          }
        }
      }
    }
  }
  return environments;
}

// Which of the variables that come from the action a condition reads.
struct Reads {
  bool action = false, context = false;

  void Note(const Expr& expr) {
    if (expr.op == Op::kVar) {
      action = action || expr.var == Var::kAction;
      context = context || expr.var == Var::kContext;
    }
    for (const ExprPtr& argument : expr.args) Note(*argument);
    for (const auto& [name, value] : expr.fields) Note(*value);
  }
};

// Leaves one of those that the condition cannot tell apart: it has the same type in all of them, and the same findings.
void KeepDistinct(const Expr& condition, std::vector<RequestEnvironment>& environments) {
  if (environments.size() < 2) return;
  Reads reads;
  reads.Note(condition);
  if (reads.action) return;
  const auto key = [&](const RequestEnvironment& environment) {
    return std::tuple(reads.context ? environment.action->context.get() : nullptr, environment.principal, environment.resource,
                      environment.principal_slot, environment.resource_slot);
  };
  std::ranges::sort(environments, {}, key);
  const auto repeated = std::ranges::unique(environments, {}, key);
  environments.erase(repeated.begin(), repeated.end());
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

std::vector<Diagnostic> ValidatePolicy(const Schema& schema, const ActionIndex& actions, const Policy& policy, const ValidationOptions& options,
                                       TypeCache& cache) {
  std::vector<Diagnostic> findings;
  CheckNames(schema, policy, findings);
  std::vector<RequestEnvironment> environments = Environments(schema, actions, policy, policy.action);
  if (environments.empty()) findings.push_back(NoApplicableAction(schema, policy));
  if (options.mode == ValidationMode::kStrict) {
    if (auto action_set = CheckActionSet(policy)) {
      // What the scope says of actions is not known then: any of them may be meant.
      environments = Environments(schema, actions, policy, {});
      if (!environments.empty()) findings.push_back(std::move(*action_set));
    }
  }
  if (environments.size() > limits::kCedarEnvironments) {
    findings.push_back(OfPolicy(policy, Diagnostic::Severity::kError, "too-many-environments",
                                fmt::format("the scope matches more than {} combinations of action and types", limits::kCedarEnvironments)));
    environments.resize(limits::kCedarEnvironments);
  }
  const bool trivial = policy.conditions.empty() && !options.level;
  bool possible = trivial && !environments.empty();
  if (!trivial) {
    const ExprPtr condition = options.level ? policy.AsExpr() : ConditionOf(policy);
    if (!options.level) KeepDistinct(*condition, environments);  // levels are told of each action
    for (const RequestEnvironment& environment : environments) {
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
  const ActionIndex actions(schema);
  for (const PolicyPtr& policy : policies) {
    std::vector<Diagnostic> findings = ValidatePolicy(schema, actions, *policy, options, cache);
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
