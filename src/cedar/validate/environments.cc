#include "cedar/validate/environments.h"

#include <algorithm>
#include <tuple>

#include "base/limits.h"

namespace remit::cedar {
namespace {

using Kind = ScopeConstraint::Kind;

// Whether an entity of `type` can satisfy the constraint, as far as types tell.
bool ScopeAllows(const Schema& schema, const ScopeConstraint& scope, const std::string& type) {
  const auto within = [&] {
    return !scope.slot.empty() || type == scope.entities.front().type || schema.MayBeDescendant(type, scope.entities.front().type);
  };
  switch (scope.kind) {
    case Kind::kEqual: return !scope.slot.empty() || type == scope.entities.front().type;
    case Kind::kIn: return within();
    case Kind::kIs: return type == scope.type;
    case Kind::kIsIn: return type == scope.type && within();
    case Kind::kAny:
    case Kind::kInSet: break;
  }
  return true;
}

// The types that a slot can be filled with so that the scope can still match a variable of `type`. One "" where there is no slot.
std::vector<std::string_view> SlotTypes(const Schema& schema, const ScopeConstraint& scope, std::string_view type) {
  if (scope.slot.empty()) return {""};
  std::vector<std::string_view> types{type};
  if (scope.kind == Kind::kEqual) return types;
  for (const auto& [name, declared] : schema.entity_types()) {
    if (name != type && schema.MayBeDescendant(type, name)) types.push_back(name);
  }
  return types;
}

void KeepDistinct(ActionReads reads, std::vector<RequestEnvironment>& environments) {
  if (environments.size() < 2 || reads.action) return;
  const auto key = [&](const RequestEnvironment& environment) {
    return std::tuple(reads.context ? environment.action->context.get() : nullptr, environment.principal, environment.resource,
                      environment.principal_slot, environment.resource_slot);
  };
  std::ranges::sort(environments, {}, key);
  const auto repeated = std::ranges::unique(environments, {}, key);
  environments.erase(repeated.begin(), repeated.end());
}

// Keys are made of parts whose length is told, so that no two differ in what they stand for alone.
void AppendPart(std::string& key, std::string_view part) {
  const auto size = static_cast<std::uint32_t>(part.size());
  key.append(reinterpret_cast<const char*>(&size), sizeof size).append(part);
}

// What ScopeAllows and SlotTypes look at.
void AppendTypes(std::string& key, const ScopeConstraint& scope) {
  key += static_cast<char>(static_cast<int>(scope.kind) << 1 | static_cast<int>(!scope.slot.empty()));
  AppendPart(key, scope.type);
  AppendPart(key, scope.entities.empty() ? std::string_view() : scope.entities.front().type);
}

void Note(const Expr& expr, ActionReads& reads) {
  if (expr.op == Op::kVar) {
    reads.action = reads.action || expr.var == Var::kAction;
    reads.context = reads.context || expr.var == Var::kContext;
  }
  for (const ExprPtr& argument : expr.args) Note(*argument, reads);
  for (const auto& [name, value] : expr.fields) Note(*value, reads);
}

}  // namespace

ActionReads ReadsOf(const Expr& condition) {
  ActionReads reads;
  Note(condition, reads);
  return reads;
}

Environments::Environments(const Schema& schema) : schema_(schema) {
  for (const auto& [uid, action] : schema.actions()) {
    members_[uid].push_back(&action);
    for (const EntityUid& group : schema.GroupsOf(uid)) members_[group].push_back(&action);
  }
}

const Environments::Matching& Environments::Of(const Policy& policy, const ScopeConstraint& action_scope, ActionReads reads) {
  key_.clear();
  key_ += static_cast<char>(static_cast<int>(reads.action) << 1 | static_cast<int>(reads.context));
  AppendTypes(key_, policy.principal);
  AppendTypes(key_, policy.resource);
  key_ += static_cast<char>(action_scope.kind);
  for (const EntityUid& uid : action_scope.entities) AppendPart(key_, uid.type), AppendPart(key_, uid.id);
  const auto known = known_.find(std::string_view(key_));
  if (known != known_.end()) return known->second;

  Matching matching;
  matching.list = All(policy, action_scope);
  matching.too_many = matching.list.size() > limits::kCedarEnvironments;
  if (matching.too_many) matching.list.resize(limits::kCedarEnvironments);
  KeepDistinct(reads, matching.list);
  matching.list.shrink_to_fit();  // what is kept is what is counted
  if (kept_ + matching.list.size() > limits::kCedarEnvironments) known_.clear(), kept_ = 0;
  kept_ += matching.list.size() + 1;
  return known_.emplace(key_, std::move(matching)).first->second;
}

// In order of their uids.
std::vector<const ActionType*> Environments::Actions(const ScopeConstraint& scope) const {
  std::vector<const ActionType*> actions;
  switch (scope.kind) {
    case Kind::kEqual:
      if (const ActionType* action = schema_.FindAction(scope.entities.front())) actions.push_back(action);
      return actions;
    case Kind::kIn:
    case Kind::kInSet: break;
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

// At most one more than may be.
std::vector<RequestEnvironment> Environments::All(const Policy& policy, const ScopeConstraint& action_scope) const {
  std::vector<RequestEnvironment> all;
  for (const ActionType* action : Actions(action_scope)) {
    for (const std::string& principal : action->principals) {
      if (!ScopeAllows(schema_, policy.principal, principal)) continue;
      for (const std::string& resource : action->resources) {
        if (!ScopeAllows(schema_, policy.resource, resource)) continue;
        if (!policy.IsTemplate()) {
          all.push_back({action, principal, resource, {}, {}});
          if (all.size() > limits::kCedarEnvironments) return all;
          continue;
        }
        for (std::string_view principal_slot : SlotTypes(schema_, policy.principal, principal)) {
          for (std::string_view resource_slot : SlotTypes(schema_, policy.resource, resource)) {
            all.push_back({action, principal, resource, principal_slot, resource_slot});
            if (all.size() > limits::kCedarEnvironments) return all;
          }
        }
      }
    }
  }
  return all;
}

}  // namespace remit::cedar
