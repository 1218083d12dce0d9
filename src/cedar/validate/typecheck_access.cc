// Typing of attributes and tags: everything that makes or needs capabilities.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/language/shown.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

ExprPtr MakeAccess(Op op, ExprPtr object, const std::string& name, const Span& span) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  expr->span = span;
  expr->args = {std::move(object)};
  if (op == Op::kHas) {
    expr->path = {name};
  } else {
    expr->name = name;
  }
  return expr;
}

// `e has a.b.c` means `e has a && e.a has b && e.a.b has c`. `objects` are what the steps ask: `e`, `e.a`, `e.a.b`.
ExprPtr Expand(const Expr& expr, std::vector<const Expr*>& objects) {
  ExprPtr object = expr.args[0], conjunction;
  for (const std::string& attribute : expr.path) {
    ExprPtr step = MakeAccess(Op::kHas, object, attribute, expr.span);
    objects.push_back(object.get());
    object = MakeAccess(Op::kGetAttr, object, attribute, expr.span);
    if (conjunction == nullptr) {
      conjunction = std::move(step);
      continue;
    }
    auto both = std::make_shared<Expr>();
    both->op = Op::kAnd;
    both->span = expr.span;
    both->args = {std::move(conjunction), std::move(step)};
    conjunction = std::move(both);
  }
  return conjunction;
}

}  // namespace

Typechecker::Answer Typechecker::CheckHas(const Expr& expr, const Capabilities& prior) {
  if (expr.path.size() == 1) return CheckHasOne(expr, prior);
  std::vector<const Expr*> objects;
  const ExprPtr expanded = Expand(expr, objects);
  if (tree_ != nullptr) tree_->expansions[&expr] = expanded;
  for (const Expr* object : objects) shared_.try_emplace(object);
  Answer answer = Check(*expanded, prior);
  for (const Expr* object : objects) shared_.erase(object);
  return answer;
}

Typechecker::Answer Typechecker::CheckHasOne(const Expr& expr, const Capabilities& prior) {
  const Expr& object = *expr.args[0];
  const std::string& attribute = expr.path.front();
  const Answer of = Expect(object, prior, Want::kEntityOrRecord, "`contains` looks into a set, `like` into a string");
  if (of.type == nullptr) return {BoolType(), {}};
  const auto found = FindAttribute(*of.type, attribute);
  if (!found) return {MayHaveAttribute(*of.type, attribute) ? BoolType() : KnownBool(false), {}};
  const Capability capability = numbers_.OfAttribute(object, attribute);
  // An entity may be missing altogether, and then has nothing; a record that is there has what its type requires.
  const bool certain = prior.Contains(capability) || (found->required && of.type->kind == Kind::kRecord);
  Answer answer{certain ? KnownBool(true) : BoolType(), {}};
  answer.capabilities.Add(capability);
  return answer;
}

StaticTypePtr Typechecker::CheckGetAttr(const Expr& expr, const Capabilities& prior) {
  const Expr& object = *expr.args[0];
  const Answer of = Expect(object, prior, Want::kEntityOrRecord);
  if (of.type == nullptr) return nullptr;
  const auto found = FindAttribute(*of.type, expr.name);
  if (!found) {
    const std::string near = Nearest(expr.name, AttributeNames(*of.type));
    const std::string of_what =
        of.type->kind == Kind::kEntity ? fmt::format("entity type `{}`", of.type->ToString()) : fmt::format("`{}`", Shown(object));
    const std::string_view has = MayHaveAttribute(*of.type, expr.name) ? "does not always have" : "has no";
    Report(expr, "unknown-attribute",
           fmt::format("{} {} {} `{}`", of_what, has, has == "has no" ? "attribute" : "an attribute of one type", EscapeControl(expr.name)),
           near.empty() ? "" : fmt::format("did you mean `{}`?", near));
    return nullptr;
  }
  if (!found->required && !prior.Contains(numbers_.OfAttribute(object, expr.name))) {
    Report(expr, "optional-attribute", fmt::format("attribute `{}` of `{}` is optional and may be missing here", expr.name, Shown(object)),
           fmt::format("ask first: `{}`", Shown(*MakeAccess(Op::kHas, expr.args[0], expr.name, expr.span))));
  }
  return found->type;
}

Typechecker::Answer Typechecker::CheckHasTag(const Expr& expr, const Capabilities& prior) {
  const Answer of = Expect(*expr.args[0], prior, Want::kEntity);
  Expect(*expr.args[1], prior, Want::kString);
  if (of.type == nullptr) return {BoolType(), {}};
  if (TagTypes(*of.type).empty()) return {KnownBool(false), {}};
  const Capability capability = numbers_.OfTag(*expr.args[0], *expr.args[1]);
  Answer answer{prior.Contains(capability) ? KnownBool(true) : BoolType(), {}};
  answer.capabilities.Add(capability);
  return answer;
}

StaticTypePtr Typechecker::CheckGetTag(const Expr& expr, const Capabilities& prior) {
  const Answer of = Expect(*expr.args[0], prior, Want::kEntity);
  Expect(*expr.args[1], prior, Want::kString);
  if (of.type == nullptr) return nullptr;
  const std::vector<StaticTypePtr> types = TagTypes(*of.type);
  const std::string without = fmt::format("entities of type `{}` have no tags", of.type->ToString());
  if (!prior.Contains(numbers_.OfTag(*expr.args[0], *expr.args[1]))) {
    Report(expr, "unsafe-tag", fmt::format("tag `{}` of `{}` may be missing here", Shown(*expr.args[1]), Shown(*expr.args[0])),
           types.empty() ? without : fmt::format("ask first: `{}.hasTag({})`", Shown(*expr.args[0]), Shown(*expr.args[1])));
    return nullptr;
  }
  if (types.empty()) Report(expr, "no-tags", without);
  StaticTypePtr joined = types.empty() ? nullptr : types.front();
  for (const StaticTypePtr& type : types) {
    if (joined != nullptr) joined = JoinTypes(joined, type);
  }
  if (joined == nullptr && !types.empty()) {
    Report(expr, "incompatible-types", fmt::format("tags of `{}` have no type in common", of.type->ToString()));
  }
  return joined;
}

std::optional<Typechecker::AttributeFound> Typechecker::FindAttribute(const StaticType& of, const std::string& name) {
  if (of.kind == Kind::kRecord) {
    const auto it = of.attributes.find(name);
    if (it == of.attributes.end()) return std::nullopt;
    return AttributeFound{it->second.type, it->second.required};
  }
  std::optional<AttributeFound> found;  // what all types of a union have
  const auto add = [&](const std::string& type) {
    const EntityType* entity = schema_.FindEntityType(type);  // null for actions, which have no attributes
    if (entity == nullptr) return false;
    const auto it = entity->attributes.find(name);
    if (it == entity->attributes.end()) return false;
    AttributeFound own{cache_.Of(it->second.type), it->second.required};
    if (found) {
      own.type = Join(found->type, own.type, nullptr, ValidationMode::kPermissive);
      own.required = own.required && found->required;
    }
    found = own.type == nullptr ? std::nullopt : std::optional(std::move(own));
    return found.has_value();
  };
  if (!add(of.name)) return std::nullopt;
  for (const std::string& other : of.others) {
    if (!add(other)) return std::nullopt;
  }
  return found;
}

bool Typechecker::MayHaveAttribute(const StaticType& of, const std::string& name) const {
  if (of.kind == Kind::kRecord) return of.open || of.attributes.contains(name);
  return std::ranges::any_of(of.EntityTypes(), [&](const std::string& type) {
    const EntityType* entity = schema_.FindEntityType(type);
    return entity != nullptr && entity->attributes.contains(name);
  });
}

std::vector<std::string> Typechecker::AttributeNames(const StaticType& of) const {
  std::vector<std::string> names;
  for (const auto& [name, attribute] : of.attributes) names.push_back(name);
  if (of.kind != Kind::kEntity) return names;
  for (const std::string& type : of.EntityTypes()) {
    const EntityType* entity = schema_.FindEntityType(type);
    if (entity == nullptr) continue;
    for (const auto& [name, attribute] : entity->attributes) names.push_back(name);
  }
  return names;
}

std::vector<StaticTypePtr> Typechecker::TagTypes(const StaticType& of) {
  std::vector<StaticTypePtr> types;
  for (const std::string& type : of.EntityTypes()) {
    const EntityType* entity = schema_.FindEntityType(type);
    if (entity != nullptr && entity->tags != nullptr) types.push_back(cache_.Of(entity->tags));
  }
  return types;
}

}  // namespace remit::cedar
