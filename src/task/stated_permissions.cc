// See stated_permissions.h.
#include "task/stated_permissions.h"

#include <algorithm>

#include <fmt/format.h>

#include "cedar/partial.h"
#include "task/residual.h"

namespace remit::task {
namespace {

using Kind = Condition::Kind;

void NotPlain(StatedPermission& p, std::string why) {
  if (!p.plain) return;  // the first reason is enough
  p.plain = false;
  p.why_not_plain = std::move(why);
}

// The declared type of an operand: a literal, or attributes from the task on. Null where it is something else.
cedar::TypePtr TypeOf(const cedar::Expr& expr, const std::string& task_type, const cedar::Schema& schema) {
  if (expr.op != cedar::Op::kGetAttr) return nullptr;
  const cedar::Expr& base = *expr.args[0];
  std::string entity;
  if (base.op == cedar::Op::kVar && base.var == cedar::Var::kPrincipal) {
    entity = task_type;
  } else {
    const cedar::TypePtr type = TypeOf(base, task_type, schema);
    if (!type) return nullptr;
    if (type->kind == cedar::Type::Kind::kRecord) {
      const auto attribute = type->attributes.find(expr.name);
      return attribute == type->attributes.end() ? nullptr : attribute->second.type;
    }
    if (type->kind != cedar::Type::Kind::kEntity) return nullptr;
    entity = type->name;
  }
  const cedar::EntityType* declared = schema.FindEntityType(entity);
  if (declared == nullptr) return nullptr;
  const auto attribute = declared->attributes.find(expr.name);
  return attribute == declared->attributes.end() ? nullptr : attribute->second.type;
}

// `resource in X` is `resource == X` (or one of X) where nothing of the resource's type lies in X's type.
bool InMeansEqual(const StatedPermission& p, const cedar::Expr& operand, const cedar::Schema& schema) {
  if (const auto uids = EntitiesOf(operand)) {
    return std::ranges::all_of(*uids, [&](const auto& uid) { return !schema.MayBeDescendant(p.resource_type, uid.type); });
  }
  cedar::TypePtr type = TypeOf(operand, p.task_type, schema);
  if (type && type->kind == cedar::Type::Kind::kSet) type = type->element;
  return type && type->kind == cedar::Type::Kind::kEntity && !schema.MayBeDescendant(p.resource_type, type->name);
}

void SetScope(StatedPermission& p, const Condition& condition, const cedar::Schema& schema) {
  const cedar::Expr& operand = *condition.operand;
  const cedar::TypePtr type = TypeOf(operand, p.task_type, schema);
  p.many = condition.kind == Kind::kMember || operand.op == cedar::Op::kSet || (type && type->kind == cedar::Type::Kind::kSet);
  const bool equal = condition.kind != Kind::kIn || InMeansEqual(p, operand, schema);
  p.scope = equal ? Permission::Scope::kEqual : Permission::Scope::kIn;
  p.operand = cedar::ToString(operand);
  if (const auto uids = EntitiesOf(operand); uids && uids->size() == 1) p.resource = uids->front();
  p.by_parameters = MentionsTask(operand);
}

// One way of one permit: where, and under which conditions.
StatedPermission State(StatedPermission p, const Alternative& alternative, const cedar::Schema& schema) {
  std::vector<Condition> said;
  for (const cedar::ExprPtr& c : alternative.conditions) said.push_back(Classify(c));
  // An equality says more than a container, so it becomes the scope where there are both.
  auto scope = said.end();
  for (const Kind kind : {Kind::kEqual, Kind::kMember, Kind::kIn}) {
    if (scope == said.end()) scope = std::ranges::find(said, kind, &Condition::kind);
  }
  p.scope = Permission::Scope::kIs;
  if (scope != said.end()) SetScope(p, *scope, schema);
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (scope == said.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    const std::string text = cedar::ToString(*alternative.conditions[i]);
    p.conditions.push_back(text);
    if (MentionsTask(*alternative.conditions[i])) p.by_parameters = true;
    if (said[i].kind == Kind::kContext) NotPlain(p, fmt::format("`{}` depends on the context of each request", text));
    if (said[i].kind == Kind::kResource) NotPlain(p, fmt::format("`{}` looks at the resource", text));
    const bool about_name = said[i].kind == Kind::kEqual || said[i].kind == Kind::kMember || said[i].kind == Kind::kIn;
    if (about_name && p.scope != Permission::Scope::kEqual) NotPlain(p, fmt::format("`{}` is a second condition on the resource", text));
  }
  if (!alternative.exact) NotPlain(p, "an earlier condition of the same policy may fail for want of data");
  return p;
}

// What a forbid does to a permission: false where it takes all of it away.
bool Forbid(StatedPermission& p, const Rule& forbid) {
  if (!forbid.residual) return false;
  const bool always = cedar::IsTrue(*forbid.residual);
  if (forbid.lift) {
    const bool uses = forbid.lift->kind == Obligation::Kind::kAfterUses;
    p.obligations.push_back(fmt::format("@{}(\"{}\"){}{}", uses ? "after_uses" : "unless_approved", forbid.lift->count, always ? "" : " when ",
                                        always ? "" : cedar::ToString(*forbid.residual)));
    NotPlain(p, fmt::format("the obligation `{}` stands on it", forbid.policy->id));
    return true;
  }
  if (always) return false;
  const auto alternatives = Alternatives(forbid.residual, false);
  if (!alternatives) {
    NotPlain(p, fmt::format("the forbid `{}` is too intricate to take it apart", forbid.policy->id));
    return true;
  }
  p.conditions.push_back(fmt::format("!({})", cedar::ToString(*forbid.residual)));
  for (const Alternative& alternative : *alternatives) {
    for (const cedar::ExprPtr& c : alternative.conditions) {
      const Kind kind = Classify(c).kind;
      const bool about_name = kind == Kind::kEqual || kind == Kind::kMember || kind == Kind::kIn;
      if (kind == Kind::kTask || (about_name && p.scope == Permission::Scope::kEqual)) continue;
      NotPlain(p, fmt::format("the forbid `{}` takes part of it away, by `{}`", forbid.policy->id, cedar::ToString(*c)));
    }
  }
  return true;
}

}  // namespace

std::vector<StatedPermission> StatePermissions(const cedar::Schema& schema, const std::string& task_type, const TypeRules& rules) {
  std::vector<StatedPermission> stated;
  for (const auto& [key, cell] : rules.cells) {
    for (const Rule& permit : cell.permits) {
      StatedPermission base;
      base.task_type = task_type;
      base.action = key.first;
      base.resource_type = key.second;
      base.policy = permit.policy->id;
      base.place = permit.policy->span.ToString();
      auto alternatives = Alternatives(permit.residual, false);
      if (!alternatives) {
        alternatives = {{.conditions = {permit.residual}}};
        NotPlain(base, "the policy is too intricate to take it apart");
      }
      for (const Alternative& alternative : *alternatives) {
        StatedPermission p = State(base, alternative, schema);
        if (std::ranges::all_of(cell.forbids, [&p](const Rule& forbid) { return Forbid(p, forbid); })) stated.push_back(std::move(p));
      }
    }
  }
  return stated;
}

Status CheckNative(const StatedPermission& p) {
  const bool native = p.action.type == "Postgres::Action" || p.resource_type.starts_with("Postgres::");
  if (!native) return {};
  std::string why = p.why_not_plain;
  if (p.plain && p.scope == Permission::Scope::kIs) why = "it names no table";
  if (why.empty()) return {};
  return std::unexpected(
      Error(Code::kUnsupported, "not-enforceable",
            fmt::format("`{}` for `{}` is enforced by the database itself, which needs exact grants: {}", p.action.ToString(), p.task_type, why))
          .At(p.place)
          .Hint("let the policy say `resource == …` or `….contains(resource)` over the task's own attributes"));
}

}  // namespace remit::task
