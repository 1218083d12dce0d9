// A task type as its catalog states it, for people: what such a task could do and who may start it, before any parameter is known.
#include "task/builtin_schema.h"
#include "task/catalog.h"

namespace remit::task {
namespace {

json::Value StatedJson(const StatedPermission& p) {
  json::Object o{{"action", p.action.ToString()}};
  switch (p.scope) {
    case Permission::Scope::kEqual: o.Set(p.many ? "resource_in_set" : "resource", p.operand); break;
    case Permission::Scope::kIn: o.Set("in", p.operand); break;
    case Permission::Scope::kIs: o.Set("is", p.resource_type); break;
  }
  o.Set("type", p.resource_type);
  if (!p.conditions.empty()) o.Set("when", json::StringArray(p.conditions));
  if (!p.obligations.empty()) o.Set("obligations", json::StringArray(p.obligations));
  o.Set("plain", p.plain);
  if (!p.plain) o.Set("why_not_plain", p.why_not_plain);
  o.Set("policy", p.policy);
  o.Set("place", p.place);
  return o;
}

// Permits and forbids about starting this type, by whatever principal.
json::Array MayStart(const Catalog& catalog, const TaskType& type) {
  json::Array may;
  const cedar::EntityUid start{std::string(kVerbType), "start"};
  const cedar::ActionType* action = catalog.schema().FindAction(start);
  if (action == nullptr) return may;
  std::map<std::string, cedar::PolicyPtr> found;
  for (const std::string& principal : action->principals) {
    if (!type.actor_type.empty() && principal != type.actor_type) continue;
    for (const cedar::PolicyPtr& policy : PoliciesFor(catalog.schema(), catalog.policies().policies(), principal, start, type.entity_type)) {
      found.emplace(policy->id, policy);
    }
  }
  for (const auto& [id, policy] : found) {
    may.push_back(json::Object{{"policy", id},
                               {"effect", policy->effect == cedar::Effect::kPermit ? "permit" : "forbid"},
                               {"text", catalog.PolicyText(*policy)},
                               {"place", policy->span.ToString()}});
  }
  return may;
}

}  // namespace

json::Value ExplainType(const Catalog& catalog, const TaskType& type) {
  json::Array parameters, permissions;
  for (const Parameter& p : type.parameters) {
    parameters.push_back(json::Object{{"name", p.name}, {"type", p.type->ToString()}, {"required", p.required}});
  }
  for (const StatedPermission& p : catalog.stated()) {
    if (p.task_type == type.entity_type) permissions.push_back(StatedJson(p));
  }
  json::Object o{{"type", type.entity_type},
                 {"name", type.name},
                 {"purpose", type.purpose},
                 {"ttl", FormatDuration(type.ttl)},
                 {"max_ttl", FormatDuration(type.max_ttl)},
                 {"heartbeat", FormatDuration(type.heartbeat)}};
  if (!type.reason_pattern.empty()) o.Set("reason", type.reason_pattern);
  for (const Budget::Kind kind : {Budget::Kind::kStarts, Budget::Kind::kActive}) {
    json::Array budgets;
    for (const Budget& budget : type.budgets)
      if (budget.kind == kind) budgets.push_back(budget.Text());
    if (!budgets.empty()) o.Set(kind == Budget::Kind::kStarts ? "max_starts" : "max_active", std::move(budgets));
  }
  if (type.trip) o.Set("trip", type.trip->Text());
  if (type.break_glass) o.Set("break_glass", FormatDuration(*type.break_glass));
  if (type.timezone) o.Set("timezone", type.timezone->name());
  if (!type.actor_type.empty()) o.Set("actor_type", type.actor_type);
  o.Set("parameters", std::move(parameters));
  o.Set("permissions", std::move(permissions));
  o.Set("may_start", MayStart(catalog, type));
  return o;
}

}  // namespace remit::task
