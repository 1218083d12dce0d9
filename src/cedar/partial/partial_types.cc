// Types and certainty of residuals, bottom-up. Where a rule is missing the answer is "not known" and "may fail".
#include "cedar/partial/partial_types.h"

#include <fmt/format.h>

#include <algorithm>

#include "cedar/language/ext_functions.h"

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

bool Is(const Prospect& prospect, Kind kind) { return prospect.type != nullptr && prospect.type->kind == kind; }

bool IsEntities(const Prospect& prospect) { return Is(prospect, Kind::kSet) && prospect.type->element->kind == Kind::kEntity; }

bool HaveOrder(const Prospect& a, const Prospect& b) {
  if (Is(a, Kind::kLong)) return Is(b, Kind::kLong);
  return Is(a, Kind::kExtension) && Is(b, Kind::kExtension) && a.type->name == b.type->name &&
         (a.type->name == "datetime" || a.type->name == "duration");
}

std::string AttributeKey(const Expr& object, std::string_view attribute) { return fmt::format("{}\x1f.{}", ToString(object), attribute); }
std::string TagKey(const Expr& object, const Expr& tag) { return fmt::format("{}\x1f#{}", ToString(object), ToString(tag)); }

}  // namespace

Foresight::Foresight(const PartialRequest& request, const Schema& schema, const Unknowns* unknowns)
    : request_(request), schema_(schema), unknowns_(unknowns) {
  if (request.action) {
    if (const ActionType* action = schema.FindAction(*request.action)) actions_.push_back(action);
    return;
  }
  for (const auto& [uid, action] : schema.actions()) {
    if (action.principals.contains(request.principal_type) && action.resources.contains(request.resource_type)) actions_.push_back(&action);
  }
}

bool Foresight::IsInStore(const Expr& expr) const {
  if (expr.op == Op::kVar) return expr.var == Var::kPrincipal || expr.var == Var::kResource;
  return unknowns_ != nullptr && expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kEntity) && unknowns_->contains(expr.literal.AsEntity());
}

Prospect Foresight::Of(const Expr& expr, Guards& guards) {
  switch (expr.op) {
    case Op::kLiteral: return {TypeOfValue(expr.literal), true};
    case Op::kVar: return OfVar(expr.var);
    case Op::kSlot:
    case Op::kUnknown: return {};
    case Op::kAnd:
    case Op::kOr: return OfLogic(expr, guards);
    case Op::kIf: return OfIf(expr, guards);
    case Op::kNegate:
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply: return {LongType(), false};  // may overflow
    case Op::kGetAttr: return OfAccess(expr, guards);
    case Op::kGetTag: return OfTag(expr, guards);
    case Op::kSet: return OfSet(expr, guards);
    case Op::kRecord: return OfRecord(expr, guards);
    case Op::kCall: return OfCall(expr, guards);
    default: return {BoolType(), IsCertainTest(expr, guards)};
  }
}

// The operators that give a boolean and take one or two operands. INVARIANT: each operand is asked once, or the cost doubles a level.
bool Foresight::IsCertainTest(const Expr& expr, Guards& guards) {
  const Prospect left = Of(*expr.args[0], guards);
  const Prospect right = expr.args.size() > 1 ? Of(*expr.args[1], guards) : Prospect{nullptr, true};
  if (!left.certain || !right.certain) return false;
  switch (expr.op) {
    case Op::kNot: return left.IsCertainBool();
    case Op::kEqual:
    case Op::kNotEqual: return true;
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return HaveOrder(left, right);
    case Op::kIn: return Is(left, Kind::kEntity) && (Is(right, Kind::kEntity) || IsEntities(right));
    case Op::kIs: return Is(left, Kind::kEntity);
    case Op::kIsIn: return Is(left, Kind::kEntity) && (Is(right, Kind::kEntity) || IsEntities(right));
    case Op::kHas: return expr.path.size() == 1 && (Is(left, Kind::kEntity) || Is(left, Kind::kRecord));
    case Op::kLike: return Is(left, Kind::kString);
    case Op::kContains:
    case Op::kIsEmpty: return Is(left, Kind::kSet);
    case Op::kContainsAll:
    case Op::kContainsAny: return Is(left, Kind::kSet) && Is(right, Kind::kSet);
    case Op::kHasTag: return Is(left, Kind::kEntity) && Is(right, Kind::kString);
    default: return false;
  }
}

Prospect Foresight::OfVar(Var var) {
  switch (var) {
    case Var::kPrincipal: return {EntityTypeNamed(request_.principal_type), true};
    case Var::kResource: return {EntityTypeNamed(request_.resource_type), true};
    case Var::kAction: break;
    case Var::kContext: return {ContextType(), true};
  }
  if (request_.action) return {EntityTypeNamed(request_.action->type), true};
  for (const ActionType* action : actions_) {
    if (action->uid.type != actions_.front()->uid.type) return {nullptr, true};
  }
  return {actions_.empty() ? nullptr : EntityTypeNamed(actions_.front()->uid.type), true};
}

// Where the action is not known, that of all its candidates, if it is one.
StaticTypePtr Foresight::ContextType() {
  if (actions_.empty()) return nullptr;
  StaticTypePtr type = cache_.Of(actions_.front()->context);
  for (const ActionType* action : actions_) {
    if (action != actions_.front() && action->context->ToString() != actions_.front()->context->ToString()) return nullptr;
  }
  return type;
}

Prospect Foresight::OfAccess(const Expr& expr, Guards& guards) {
  const Expr& object = *expr.args[0];
  const Prospect of = Of(object, guards);
  if (of.type == nullptr) return {};
  const bool guarded = guards.Contains(AttributeKey(object, expr.name));
  if (of.type->kind == Kind::kRecord) {
    const auto attribute = of.type->attributes.find(expr.name);
    if (attribute == of.type->attributes.end()) return {};
    return {attribute->second.type, of.certain && (attribute->second.required || guarded)};
  }
  if (of.type->kind != Kind::kEntity) return {};
  const AttributeType* attribute = DeclaredAttribute(schema_, of.type->name, expr.name);
  if (attribute == nullptr) return {};
  // Other entities than the unknown ones themselves may be missing from the store.
  return {cache_.Of(attribute->type), of.certain && (guarded || (attribute->required && IsInStore(object)))};
}

Prospect Foresight::OfTag(const Expr& expr, Guards& guards) {
  const Prospect of = Of(*expr.args[0], guards);
  const Prospect tag = Of(*expr.args[1], guards);
  if (!Is(of, Kind::kEntity)) return {};
  const EntityType* entity = schema_.FindEntityType(of.type->name);
  if (entity == nullptr || entity->tags == nullptr) return {};
  return {cache_.Of(entity->tags), of.certain && tag.certain && guards.Contains(TagKey(*expr.args[0], *expr.args[1]))};
}

Prospect Foresight::OfSet(const Expr& expr, Guards& guards) {
  StaticTypePtr element;
  bool certain = true, typed = true;
  for (const ExprPtr& member : expr.args) {
    const Prospect of = Of(*member, guards);
    certain = certain && of.certain;
    typed = typed && of.type != nullptr;
    if (!typed) continue;
    element = element == nullptr ? of.type : Join(element, of.type);
    typed = element != nullptr;
  }
  return {typed && element != nullptr ? SetOf(std::move(element)) : nullptr, certain};
}

Prospect Foresight::OfRecord(const Expr& expr, Guards& guards) {
  auto record = std::make_shared<StaticType>();
  record->kind = Kind::kRecord;
  bool certain = true, typed = true;
  for (const auto& [name, field] : expr.fields) {
    Prospect of = Of(*field, guards);
    certain = certain && of.certain;
    typed = typed && of.type != nullptr;
    record->attributes[name] = {std::move(of.type), true};
  }
  return {typed ? record : nullptr, certain};
}

Prospect Foresight::OfIf(const Expr& expr, Guards& guards) {
  const Prospect test = Of(*expr.args[0], guards), then = OfGuarded(*expr.args[1], *expr.args[0], guards), otherwise = Of(*expr.args[2], guards);
  StaticTypePtr type = then.type == nullptr || otherwise.type == nullptr ? nullptr : Join(then.type, otherwise.type);
  return {std::move(type), test.IsCertainBool() && then.certain && otherwise.certain};
}

Prospect Foresight::OfLogic(const Expr& expr, Guards& guards) {
  if (!Of(*expr.args[0], guards).IsCertainBool()) return {BoolType(), false};
  const Prospect right = expr.op == Op::kAnd ? OfGuarded(*expr.args[1], *expr.args[0], guards) : Of(*expr.args[1], guards);
  return {BoolType(), right.IsCertainBool()};
}

// Where `condition` was true.
Prospect Foresight::OfGuarded(const Expr& expr, const Expr& condition, Guards& guards) {
  const Guards::Scope inside(guards);
  Learn(condition, guards);
  return Of(expr, guards);
}

// Only what gives a boolean is sure to succeed: the others read texts or count, and can fail at both.
Prospect Foresight::OfCall(const Expr& expr, Guards& guards) {
  const ExtensionFunction* function = FindExtensionFunction(expr.name);
  if (function == nullptr) return {};
  bool certain = function->result == Value::Kind::kBool && function->parameters.size() == expr.args.size();
  for (std::size_t i = 0; certain && i < expr.args.size(); ++i) {
    const Prospect of = Of(*expr.args[i], guards);
    const StaticTypePtr wanted = TypeOfKind(function->parameters[i]);
    certain = of.IsCertain() && of.type->kind == wanted->kind && of.type->name == wanted->name;
  }
  return {TypeOfKind(function->result), certain};
}

void Foresight::Learn(const Expr& condition, Guards& guards) {
  if (condition.op == Op::kAnd) {
    Learn(*condition.args[0], guards);
    Learn(*condition.args[1], guards);
  } else if (condition.op == Op::kHas) {
    Expr object = *condition.args[0];
    for (const std::string& attribute : condition.path) {
      guards.Add(AttributeKey(object, attribute));
      Expr next;
      next.op = Op::kGetAttr;
      next.name = attribute;
      next.args = {std::make_shared<const Expr>(std::move(object))};
      object = std::move(next);
    }
  } else if (condition.op == Op::kHasTag) {
    guards.Add(TagKey(*condition.args[0], *condition.args[1]));
  }
}

bool Foresight::MayBeIn(const std::string& child, const std::string& ancestor) const {
  if (child == ancestor || schema_.MayBeDescendant(child, ancestor)) return true;
  return IsActionType(child) && IsActionType(ancestor);
}

const AttributeType* DeclaredAttribute(const Schema& schema, std::string_view entity_type, std::string_view attribute) {
  const EntityType* type = schema.FindEntityType(entity_type);
  if (type == nullptr) return nullptr;
  const auto found = type->attributes.find(attribute);
  return found == type->attributes.end() ? nullptr : &found->second;
}

bool MayBeEqual(const StaticType& a, const StaticType& b) {
  if (a.IsBool() || b.IsBool()) return a.IsBool() && b.IsBool();
  return a.kind == b.kind && a.name == b.name;
}

std::optional<bool> Foresight::Has(const Expr& object, const StaticType& type, const std::string& attribute) {
  if (type.kind == Kind::kRecord) {
    const auto declared = type.attributes.find(attribute);
    if (declared == type.attributes.end()) return false;
    return declared->second.required ? std::optional(true) : std::nullopt;
  }
  if (schema_.FindEntityType(type.name) == nullptr) return std::nullopt;
  const AttributeType* declared = DeclaredAttribute(schema_, type.name, attribute);
  if (declared == nullptr) return false;
  return declared->required && IsInStore(object) ? std::optional(true) : std::nullopt;
}

}  // namespace remit::cedar
