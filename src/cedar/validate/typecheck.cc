// Typing of literals, variables, logic, attributes and tags: everything that makes or needs capabilities.
#include "cedar/validate/typecheck.h"

#include <fmt/format.h>

#include "base/text.h"

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

std::string AttributeKey(const Expr& object, std::string_view attribute) { return fmt::format("{}\x1f.{}", ToString(object), attribute); }
std::string TagKey(const Expr& object, const Expr& tag) { return fmt::format("{}\x1f#{}", ToString(object), ToString(tag)); }

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

}  // namespace

StaticTypePtr Typechecker::CheckCondition(const Expr& expr) { return Expect(expr, {}, Want::kBool).type; }

void Typechecker::Report(const Expr& at, std::string_view reason, std::string message, std::string_view hint) {
  Diagnostic finding;
  finding.reason = reason;
  finding.message = std::move(message);
  finding.hint = hint;
  finding.span = at.span;
  findings_.push_back(std::move(finding));
}

Typechecker::Answer Typechecker::Check(const Expr& expr, const Capabilities& prior) {
  switch (expr.op) {
    case Op::kLiteral: return {CheckLiteral(expr.literal), {}};
    case Op::kVar: return {CheckVariable(expr.var), {}};
    case Op::kSlot: return {CheckSlot(expr), {}};
    case Op::kUnknown: Report(expr, "unexpected-type", fmt::format("`{}` is not known", expr.name)); return {};
    case Op::kAnd: return CheckAnd(expr, prior);
    case Op::kOr: return CheckOr(expr, prior);
    case Op::kIf: return CheckIf(expr, prior);
    case Op::kNot: return {CheckNot(*expr.args[0], prior), {}};
    case Op::kNegate: Expect(*expr.args[0], prior, Want::kLong); return {LongType(), {}};
    case Op::kEqual:
    case Op::kNotEqual: return {CheckEqual(expr, prior), {}};
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return {CheckOrder(expr, prior), {}};
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply: return {CheckArithmetic(expr, prior), {}};
    case Op::kIn: return {CheckIn(expr, *expr.args[0], *expr.args[1], prior), {}};
    case Op::kIs: return {CheckIs(expr, prior), {}};
    case Op::kIsIn: return {CheckIsIn(expr, prior), {}};
    case Op::kHas: return CheckHas(expr, prior);
    case Op::kGetAttr: return {CheckGetAttr(expr, prior), {}};
    case Op::kLike: Expect(*expr.args[0], prior, Want::kString); return {BoolType(), {}};
    case Op::kContains: return {CheckContains(expr, prior), {}};
    case Op::kContainsAll:
    case Op::kContainsAny: return {CheckSetComparison(expr, prior), {}};
    case Op::kIsEmpty: Expect(*expr.args[0], prior, Want::kSet); return {BoolType(), {}};
    case Op::kHasTag: return CheckHasTag(expr, prior);
    case Op::kGetTag: return {CheckGetTag(expr, prior), {}};
    case Op::kSet: return {CheckSet(expr, prior), {}};
    case Op::kRecord: return {CheckRecord(expr, prior), {}};
    case Op::kCall: return {CheckCall(expr, prior), {}};
  }
  return {};
}

Typechecker::Answer Typechecker::Expect(const Expr& expr, const Capabilities& prior, Want want, std::string_view hint) {
  Answer answer = Check(expr, prior);
  if (answer.type == nullptr) return answer;
  const StaticType& type = *answer.type;
  bool fits = false;
  std::string_view wanted;
  switch (want) {
    case Want::kBool: fits = type.IsBool(), wanted = "`Bool`"; break;
    case Want::kLong: fits = type.kind == Kind::kLong, wanted = "`Long`"; break;
    case Want::kString: fits = type.kind == Kind::kString, wanted = "`String`"; break;
    case Want::kSet: fits = type.kind == Kind::kSet, wanted = "a set"; break;
    case Want::kEntity: fits = type.kind == Kind::kEntity, wanted = "an entity"; break;
    case Want::kEntityOrRecord: fits = type.kind == Kind::kEntity || type.kind == Kind::kRecord, wanted = "an entity or a record"; break;
    case Want::kEntityOrEntities:
      fits = type.kind == Kind::kEntity || (type.kind == Kind::kSet && type.element->kind == Kind::kEntity);
      wanted = "an entity or a set of entities";
      break;
  }
  if (!fits) {
    Report(expr, "unexpected-type", fmt::format("expected {}, found `{}`", wanted, type.ToString()), hint);
    answer = {};
  }
  return answer;
}

StaticTypePtr Typechecker::ExpectType(const Expr& expr, const Capabilities& prior, const StaticTypePtr& type) {
  const Answer answer = Check(expr, prior);
  if (answer.type == nullptr) return nullptr;
  const bool fits = answer.type->IsBool() ? type->IsBool() : answer.type->kind == type->kind && answer.type->name == type->name;
  if (fits) return answer.type;
  Report(expr, "unexpected-type", fmt::format("expected `{}`, found `{}`", type->ToString(), answer.type->ToString()));
  return nullptr;
}

// A literal that the schema does not know has no type; the validator reports it for the whole policy, whatever is evaluated.
StaticTypePtr Typechecker::CheckLiteral(const Value& literal) const {
  if (!literal.Is(Value::Kind::kEntity)) return TypeOfValue(literal);
  const EntityUid& uid = literal.AsEntity();
  const bool known = IsActionType(uid.type) ? schema_.FindAction(uid) != nullptr : schema_.FindEntityType(uid.type) != nullptr;
  return known ? EntityTypeNamed(uid.type) : nullptr;
}

StaticTypePtr Typechecker::CheckVariable(Var var) {
  switch (var) {
    case Var::kPrincipal: return EntityTypeNamed(environment_.principal);
    case Var::kAction: return EntityTypeNamed(environment_.action->uid.type);
    case Var::kResource: return EntityTypeNamed(environment_.resource);
    case Var::kContext: break;
  }
  return cache_.Of(environment_.action->context);
}

StaticTypePtr Typechecker::CheckSlot(const Expr& expr) {
  const std::string& type = expr.name == "?principal" ? environment_.principal_slot : environment_.resource_slot;
  if (!type.empty()) return EntityTypeNamed(type);
  Report(expr, "unexpected-type", fmt::format("`{}` stands outside of the scope", expr.name));
  return nullptr;
}

Typechecker::Answer Typechecker::CheckAnd(const Expr& expr, const Capabilities& prior) {
  Answer left = Expect(*expr.args[0], prior, Want::kBool);
  if (left.type != nullptr && left.type->kind == Kind::kFalse) return {left.type, {}};
  Capabilities with_left = prior;
  with_left.insert(left.capabilities.begin(), left.capabilities.end());
  Answer right = Expect(*expr.args[1], with_left, Want::kBool);
  if (right.type != nullptr && right.type->kind == Kind::kFalse) return {right.type, {}};
  left.capabilities.merge(right.capabilities);
  if (left.type == nullptr || right.type == nullptr) return {BoolType(), {}};
  if (right.type->kind == Kind::kTrue) return left;
  if (left.type->kind == Kind::kTrue) return {right.type, std::move(left.capabilities)};
  return {BoolType(), std::move(left.capabilities)};
}

Typechecker::Answer Typechecker::CheckOr(const Expr& expr, const Capabilities& prior) {
  Answer left = Expect(*expr.args[0], prior, Want::kBool);
  if (left.type != nullptr && left.type->kind == Kind::kTrue) return left;
  Answer right = Expect(*expr.args[1], prior, Want::kBool);
  if (left.type == nullptr || right.type == nullptr) return {BoolType(), {}};
  if (right.type->kind == Kind::kTrue) return right;
  if (right.type->kind == Kind::kFalse) return left;
  if (left.type->kind == Kind::kFalse) return right;
  std::erase_if(left.capabilities, [&](const std::string& capability) { return !right.capabilities.contains(capability); });
  return {BoolType(), std::move(left.capabilities)};
}

Typechecker::Answer Typechecker::CheckIf(const Expr& expr, const Capabilities& prior) {
  const Answer test = Expect(*expr.args[0], prior, Want::kBool);
  Capabilities with_test = prior;
  with_test.insert(test.capabilities.begin(), test.capabilities.end());
  if (test.type != nullptr && test.type->kind == Kind::kTrue) {
    Answer then = Check(*expr.args[1], with_test);
    then.capabilities.insert(test.capabilities.begin(), test.capabilities.end());
    return then;
  }
  if (test.type != nullptr && test.type->kind == Kind::kFalse) return Check(*expr.args[2], prior);
  Answer then = Check(*expr.args[1], with_test);
  const Answer otherwise = Check(*expr.args[2], prior);
  if (then.type == nullptr || otherwise.type == nullptr) return {};
  std::string why;
  StaticTypePtr joined = Join(then.type, otherwise.type, &why);
  if (joined == nullptr) {
    Report(expr, "incompatible-types", fmt::format("`then` gives `{}` and `else` gives `{}`", then.type->ToString(), otherwise.type->ToString()),
           why);
    return {};
  }
  then.capabilities.insert(test.capabilities.begin(), test.capabilities.end());
  std::erase_if(then.capabilities, [&](const std::string& capability) { return !otherwise.capabilities.contains(capability); });
  return {std::move(joined), std::move(then.capabilities)};
}

StaticTypePtr Typechecker::CheckNot(const Expr& operand, const Capabilities& prior) {
  const Answer answer = Expect(operand, prior, Want::kBool);
  if (answer.type == nullptr || answer.type->kind == Kind::kBool) return BoolType();
  return KnownBool(answer.type->kind == Kind::kFalse);
}

// `e has a.b.c` means `e has a && e.a has b && e.a.b has c`, and is typed as that.
Typechecker::Answer Typechecker::CheckHas(const Expr& expr, const Capabilities& prior) {
  ExprPtr object = expr.args[0];
  ExprPtr conjunction;
  if (expr.path.size() == 1) return CheckHasOne(expr, prior);
  for (const std::string& attribute : expr.path) {
    ExprPtr step = MakeAccess(Op::kHas, object, attribute, expr.span);
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
  return CheckAnd(*conjunction, prior);
}

Typechecker::Answer Typechecker::CheckHasOne(const Expr& expr, const Capabilities& prior) {
  const Expr& object = *expr.args[0];
  const std::string& attribute = expr.path.front();
  const Answer of = Expect(object, prior, Want::kEntityOrRecord, "`contains` looks into a set, `like` into a string");
  if (of.type == nullptr) return {BoolType(), {}};
  const auto found = FindAttribute(*of.type, attribute);
  if (!found) return {KnownBool(false), {}};
  std::string key = AttributeKey(object, attribute);
  // An entity may be missing altogether, and then has nothing; a record that is there has what its type requires.
  const bool certain = prior.contains(key) || (found->required && of.type->kind == Kind::kRecord);
  return {certain ? KnownBool(true) : BoolType(), {std::move(key)}};
}

StaticTypePtr Typechecker::CheckGetAttr(const Expr& expr, const Capabilities& prior) {
  const Expr& object = *expr.args[0];
  const Answer of = Expect(object, prior, Want::kEntityOrRecord);
  if (of.type == nullptr) return nullptr;
  const auto found = FindAttribute(*of.type, expr.name);
  if (!found) {
    const std::string near = Nearest(expr.name, AttributeNames(*of.type));
    const std::string of_what =
        of.type->kind == Kind::kEntity ? fmt::format("entity type `{}`", of.type->name) : fmt::format("`{}`", ToString(object));
    Report(expr, "unknown-attribute", fmt::format("{} has no attribute `{}`", of_what, expr.name),
           near.empty() ? "" : fmt::format("did you mean `{}`?", near));
    return nullptr;
  }
  if (!found->required && !prior.contains(AttributeKey(object, expr.name))) {
    Report(expr, "optional-attribute", fmt::format("attribute `{}` of `{}` is optional and may be missing here", expr.name, ToString(object)),
           fmt::format("ask first: `{}`", ToString(*MakeAccess(Op::kHas, expr.args[0], expr.name, expr.span))));
  }
  return found->type;
}

Typechecker::Answer Typechecker::CheckHasTag(const Expr& expr, const Capabilities& prior) {
  const Answer of = Expect(*expr.args[0], prior, Want::kEntity);
  Expect(*expr.args[1], prior, Want::kString);
  if (of.type == nullptr) return {BoolType(), {}};
  if (TagType(of.type->name) == nullptr) return {KnownBool(false), {}};
  std::string key = TagKey(*expr.args[0], *expr.args[1]);
  return {prior.contains(key) ? KnownBool(true) : BoolType(), {std::move(key)}};
}

StaticTypePtr Typechecker::CheckGetTag(const Expr& expr, const Capabilities& prior) {
  const Answer of = Expect(*expr.args[0], prior, Want::kEntity);
  Expect(*expr.args[1], prior, Want::kString);
  if (of.type == nullptr) return nullptr;
  StaticTypePtr type = TagType(of.type->name);
  if (!prior.contains(TagKey(*expr.args[0], *expr.args[1]))) {
    Report(expr, "unsafe-tag", fmt::format("tag `{}` of `{}` may be missing here", ToString(*expr.args[1]), ToString(*expr.args[0])),
           type == nullptr ? fmt::format("entities of type `{}` have no tags", of.type->name)
                           : fmt::format("ask first: `{}.hasTag({})`", ToString(*expr.args[0]), ToString(*expr.args[1])));
  } else if (type == nullptr) {
    Report(expr, "no-tags", fmt::format("entities of type `{}` have no tags", of.type->name));
  }
  return type;
}

std::optional<Typechecker::AttributeFound> Typechecker::FindAttribute(const StaticType& of, const std::string& name) {
  if (of.kind == Kind::kRecord) {
    const auto it = of.attributes.find(name);
    if (it == of.attributes.end()) return std::nullopt;
    return AttributeFound{it->second.type, it->second.required};
  }
  const EntityType* entity = schema_.FindEntityType(of.name);  // null for actions, which have no attributes
  if (entity == nullptr) return std::nullopt;
  const auto it = entity->attributes.find(name);
  if (it == entity->attributes.end()) return std::nullopt;
  return AttributeFound{cache_.Of(it->second.type), it->second.required};
}

std::vector<std::string> Typechecker::AttributeNames(const StaticType& of) const {
  std::vector<std::string> names;
  if (of.kind == Kind::kRecord) {
    for (const auto& [name, attribute] : of.attributes) names.push_back(name);
  } else if (const EntityType* entity = schema_.FindEntityType(of.name)) {
    for (const auto& [name, attribute] : entity->attributes) names.push_back(name);
  }
  return names;
}

StaticTypePtr Typechecker::TagType(const std::string& entity_type) {
  const EntityType* entity = schema_.FindEntityType(entity_type);
  return entity == nullptr || entity->tags == nullptr ? nullptr : cache_.Of(entity->tags);
}

}  // namespace remit::cedar
