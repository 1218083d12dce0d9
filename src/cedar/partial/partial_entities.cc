// Partial evaluation of what asks entities, sets and types: here the schema decides what evaluation cannot.
#include <algorithm>
#include <unordered_set>

#include "cedar/partial/partial_reducer.h"

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

ExprPtr Known(Value value, const ExprPtr& at) { return MakeLiteral(std::move(value), at->span); }

// The entities on the right of `in`; nothing where the value is neither an entity nor a set of entities.
std::optional<std::vector<EntityUid>> GroupsOf(const Value& value) {
  if (value.Is(Value::Kind::kEntity)) return std::vector{value.AsEntity()};
  if (!value.Is(Value::Kind::kSet)) return std::nullopt;
  std::vector<EntityUid> groups;
  for (const Value& member : value.AsSet()) {
    if (!member.Is(Value::Kind::kEntity)) return std::nullopt;
    groups.push_back(member.AsEntity());
  }
  return groups;
}

ExprPtr InGroups(const ExprPtr& expr, const ExprPtr& left, const std::vector<EntityUid>& groups) {
  if (groups.size() == 1) return MakeOperation(Op::kIn, {left, Known(Value(groups.front()), expr->args[1])}, expr->span);
  std::vector<Value> members(groups.begin(), groups.end());
  return MakeOperation(Op::kIn, {left, Known(Value::Set(std::move(members)), expr->args[1])}, expr->span);
}

}  // namespace

Reduced Reducer::Apply(const ExprPtr& expr, const Operands& operands) {
  switch (expr->op) {
    case Op::kEqual:
    case Op::kNotEqual: return ApplyEqual(expr, operands[0], operands[1]);
    case Op::kIs: return ApplyIs(expr, operands[0]);
    case Op::kIn: return ApplyIn(expr, operands[0], operands[1]);
    case Op::kContains: return ApplyContains(expr, operands[0], operands[1]);
    case Op::kHas: return ApplyHas(expr, operands[0]);
    case Op::kGetAttr: return ApplyGetAttr(expr, operands[0]);
    case Op::kHasTag:
    case Op::kGetTag: return ApplyTag(expr, operands[0], operands[1]);
    default: break;
  }
  if (std::ranges::all_of(operands, IsLiteral)) return Compute(*expr, operands);
  return WithOperands(expr, operands);
}

// What the candidates of an unknown action agree on.
std::optional<bool> Reducer::ActionEquals(const ExprPtr& left, const ExprPtr& right) const {
  const ExprPtr& other = left->op == Op::kVar ? right : left;
  const Expr& variable = left->op == Op::kVar ? *left : *right;
  if (variable.op != Op::kVar || variable.var != Var::kAction || !IsLiteralOf(other, Value::Kind::kEntity)) return std::nullopt;
  const auto equal = [&](const ActionType* action) { return action->uid == other->literal.AsEntity(); };
  if (std::ranges::none_of(foresight_.Actions(), equal)) return false;
  return foresight_.Actions().size() == 1 ? std::optional(true) : std::nullopt;
}

Reduced Reducer::ApplyEqual(const ExprPtr& expr, const ExprPtr& left, const ExprPtr& right) {
  const bool equal_means = expr->op == Op::kEqual;
  if (IsLiteral(left) && IsLiteral(right)) return Known(Value((left->literal == right->literal) == equal_means), expr);
  const Prospect of_left = Foresee(left), of_right = Foresee(right);
  if (of_left.certain && of_right.certain) {
    if (Equal(*left, *right)) return Known(Value(equal_means), expr);
    if (const auto is = ActionEquals(left, right)) return Known(Value(*is == equal_means), expr);
    if (of_left.type != nullptr && of_right.type != nullptr && !MayBeEqual(*of_left.type, *of_right.type)) {
      return Known(Value(!equal_means), expr);
    }
  }
  return WithOperands(expr, {left, right});
}

Reduced Reducer::ApplyIs(const ExprPtr& expr, const ExprPtr& object) {
  const Prospect of = Foresee(object);
  if (of.type == nullptr) return IsLiteral(object) ? std::nullopt : Reduced(WithOperands(expr, {object}));
  if (of.type->kind != Kind::kEntity) return std::nullopt;
  if (!of.certain) return WithOperands(expr, {object});
  return Known(Value(of.type->name == expr->name), expr);
}

// `e is T in x` asks `x` only where `e is T`.
Reduced Reducer::ReduceIsIn(const ExprPtr& expr) {
  const Reduced object = Reduce(expr->args[0]);
  if (!object) return std::nullopt;
  auto is = std::make_shared<Expr>(*expr);
  is->op = Op::kIs;
  is->args.pop_back();
  const Reduced of_type = ApplyIs(is, *object);
  if (!of_type) return std::nullopt;
  if (IsFalse(**of_type)) return of_type;
  const Reduced group = Reduce(expr->args[1]);
  if (!IsTrue(**of_type)) return WithOperands(expr, {*object, group ? *group : CertainFailure(expr->args[1]->span)});
  if (!group) return std::nullopt;
  auto in = std::make_shared<Expr>(*expr);
  in->op = Op::kIn;
  in->name.clear();
  return ApplyIn(in, *object, *group);
}

Reduced Reducer::ApplyIn(const ExprPtr& expr, const ExprPtr& left, const ExprPtr& right) {
  std::optional<std::vector<EntityUid>> groups;
  if (IsLiteral(right)) {
    groups = GroupsOf(right->literal);
    if (!groups) return std::nullopt;
  }
  if (IsLiteral(left)) {
    if (!left->literal.Is(Value::Kind::kEntity)) return std::nullopt;
    if (groups) return InKnown(expr, left->literal.AsEntity(), *groups);
  }
  const Prospect of_left = Foresee(left), of_right = Foresee(right);
  if (of_left.type != nullptr && of_left.type->kind != Kind::kEntity) return std::nullopt;
  if (groups && left->op == Op::kVar && left->var == Var::kAction) return ActionIn(expr, left, *groups);
  if (groups) {
    if (of_left.type != nullptr) std::erase_if(*groups, [&](const EntityUid& group) { return !foresight_.MayBeIn(of_left.type->name, group.type); });
    if (groups->empty() && of_left.IsCertain()) return Known(Value(false), expr);
    return InGroups(expr, left, *groups);
  }
  if (of_left.IsCertain() && of_right.IsCertain()) {
    const StaticType& element = of_right.type->kind == Kind::kSet ? *of_right.type->element : *of_right.type;
    if (element.kind == Kind::kEntity) {
      if (!foresight_.MayBeIn(of_left.type->name, element.name)) return Known(Value(false), expr);
      if (Equal(*left, *right)) return Known(Value(true), expr);
    }
  }
  return WithOperands(expr, {left, right});
}

Reduced Reducer::ActionIn(const ExprPtr& expr, const ExprPtr& left, const std::vector<EntityUid>& groups) const {
  std::vector<EntityUid> open;  // those that some candidate is in, and some is not
  bool always = !foresight_.Actions().empty();
  for (const ActionType* action : foresight_.Actions()) {
    always = always && std::ranges::any_of(groups, [&](const EntityUid& group) { return IsIn(action->uid, group) == true; });
  }
  if (always) return Known(Value(true), expr);
  for (const EntityUid& group : groups) {
    if (std::ranges::any_of(foresight_.Actions(), [&](const ActionType* action) { return IsIn(action->uid, group) != false; })) open.push_back(group);
  }
  if (open.empty()) return Known(Value(false), expr);
  return InGroups(expr, left, open);
}

Reduced Reducer::InKnown(const ExprPtr& expr, const EntityUid& uid, const std::vector<EntityUid>& groups) const {
  std::vector<EntityUid> open;
  for (const EntityUid& group : groups) {
    const std::optional<bool> in = IsIn(uid, group);
    if (in == true) return Known(Value(true), expr);
    if (!in) open.push_back(group);
  }
  if (open.empty()) return Known(Value(false), expr);
  return InGroups(expr, Known(Value(uid), expr->args[0]), open);
}

std::optional<bool> Reducer::IsIn(const EntityUid& uid, const EntityUid& group) const {
  if (uid == group || entities_.IsDescendant(uid, group)) return true;
  if (!options_.open_world && options_.unknowns == nullptr) return false;
  if (options_.open_world && IsActionType(uid.type)) return schema_.ActionIn(uid, group);
  // An ancestor that the store does not have may have any ancestor that its type allows.
  std::vector<EntityUid> open{uid};
  std::unordered_set<EntityUid, EntityUidHash> seen{uid};
  while (!open.empty()) {
    const EntityUid next = std::move(open.back());
    open.pop_back();
    const Entity* entity = entities_.Find(next);
    if (MayHaveMoreAncestors(next) && schema_.MayBeDescendant(next.type, group.type)) return std::nullopt;
    if (entity == nullptr) continue;
    for (const EntityUid& parent : entity->parents) {
      if (seen.insert(parent).second) open.push_back(parent);
    }
  }
  return false;
}

const UnknownParts* Reducer::UnknownOf(const EntityUid& uid) const {
  if (options_.unknowns == nullptr) return nullptr;
  const auto found = options_.unknowns->find(uid);
  return found == options_.unknowns->end() ? nullptr : &found->second;
}

bool Reducer::IsUnknownAttribute(const EntityUid& uid, const std::string& attribute) const {
  const UnknownParts* parts = UnknownOf(uid);
  if (parts != nullptr) return parts->all_attributes || parts->attributes.contains(attribute);
  return options_.open_world && entities_.Find(uid) == nullptr;
}

bool Reducer::MayHaveMoreAncestors(const EntityUid& uid) const {
  const UnknownParts* parts = UnknownOf(uid);
  return parts != nullptr ? parts->ancestors : options_.open_world && entities_.Find(uid) == nullptr;
}

Reduced Reducer::ApplyContains(const ExprPtr& expr, const ExprPtr& set, const ExprPtr& member) {
  if (IsLiteral(set) && !set->literal.Is(Value::Kind::kSet)) return std::nullopt;
  if (IsLiteral(set) && IsLiteral(member)) return Compute(*expr, {set, member});
  const Prospect of_set = Foresee(set), of_member = Foresee(member);
  if (IsLiteral(set)) {
    std::vector<Value> possible = set->literal.AsSet();
    if (of_member.type != nullptr) {
      std::erase_if(possible, [&](const Value& value) {
        const StaticTypePtr type = TypeOfValue(value);
        return type != nullptr && !MayBeEqual(*type, *of_member.type);
      });
    }
    if (possible.empty() && of_member.certain) return Known(Value(false), expr);
    return MakeOperation(Op::kContains, {Known(Value::Set(std::move(possible)), expr->args[0]), member}, expr->span);
  }
  if (of_set.IsCertain() && of_member.IsCertain() && of_set.type->kind == Kind::kSet && !MayBeEqual(*of_set.type->element, *of_member.type)) {
    return Known(Value(false), expr);
  }
  return WithOperands(expr, {set, member});
}

// Goes along the path as far as each step is known to be there; what is left of it stays.
Reduced Reducer::ApplyHas(const ExprPtr& expr, ExprPtr object) {
  std::size_t step = 0;
  for (; step < expr->path.size(); ++step) {
    const std::string& attribute = expr->path[step];
    if (IsLiteralOf(object, Value::Kind::kRecord)) {
      const auto field = object->literal.AsRecord().find(attribute);
      if (field == object->literal.AsRecord().end()) return Known(Value(false), expr);
      object = Known(field->second, expr);
      continue;
    }
    if (const auto of_context = ContextAttribute(*object, attribute)) {
      if (!*of_context) return Known(Value(false), expr);
      object = Known(**of_context, expr);
      continue;
    }
    if (IsLiteralOf(object, Value::Kind::kEntity) && !IsUnknownAttribute(object->literal.AsEntity(), attribute)) {
      const Entity* entity = entities_.Find(object->literal.AsEntity());
      const auto field = entity == nullptr ? Record::const_iterator() : entity->attributes.find(attribute);
      if (entity == nullptr || field == entity->attributes.end()) return Known(Value(false), expr);
      object = Known(field->second, expr);
      continue;
    }
    const Prospect of = Foresee(object);
    if (of.type != nullptr && of.type->kind != Kind::kEntity && of.type->kind != Kind::kRecord) return std::nullopt;
    if (!of.IsCertain()) break;
    const std::optional<bool> has = foresight_.Has(*object, *of.type, attribute);
    if (has == false) return Known(Value(false), expr);
    if (!has) break;
    auto access = std::make_shared<Expr>();
    access->op = Op::kGetAttr;
    access->span = expr->span;
    access->name = attribute;
    access->args = {std::move(object)};
    object = std::move(access);
  }
  if (step == expr->path.size()) return Known(Value(true), expr);
  auto rest = std::make_shared<Expr>(*expr);
  rest->path.erase(rest->path.begin(), rest->path.begin() + static_cast<std::ptrdiff_t>(step));
  rest->args = {std::move(object)};
  return rest;
}

// Of a context that is known in part; nothing: not known. Null: it is not there.
std::optional<std::optional<Value>> Reducer::ContextAttribute(const Expr& object, const std::string& attribute) const {
  if (object.op != Op::kVar || object.var != Var::kContext || !request_.context || request_.unknown_context.contains(attribute)) return std::nullopt;
  const auto field = request_.context->AsRecord().find(attribute);
  return field == request_.context->AsRecord().end() ? std::optional<Value>() : std::optional(field->second);
}

Reduced Reducer::ApplyGetAttr(const ExprPtr& expr, const ExprPtr& object) {
  if (const auto of_context = ContextAttribute(*object, expr->name)) {
    return *of_context ? Reduced(Known(**of_context, expr)) : std::nullopt;
  }
  if (IsLiteralOf(object, Value::Kind::kEntity)) {
    if (IsUnknownAttribute(object->literal.AsEntity(), expr->name)) return WithOperands(expr, {object});
    const Entity* entity = entities_.Find(object->literal.AsEntity());
    if (entity == nullptr) return std::nullopt;
    const auto field = entity->attributes.find(expr->name);
    return field == entity->attributes.end() ? std::nullopt : Reduced(Known(field->second, expr));
  }
  if (IsLiteral(object)) {
    if (!object->literal.Is(Value::Kind::kRecord)) return std::nullopt;
    const auto field = object->literal.AsRecord().find(expr->name);
    return field == object->literal.AsRecord().end() ? std::nullopt : Reduced(Known(field->second, expr));
  }
  if (object->op == Op::kRecord) {
    const auto field = std::ranges::find(object->fields, expr->name, &std::pair<std::string, ExprPtr>::first);
    if (field == object->fields.end()) return std::nullopt;
    // The other fields are evaluated too: they may go only if they cannot fail.
    const bool free =
        std::ranges::all_of(object->fields, [&](const auto& other) { return other.first == expr->name || Foresee(other.second).certain; });
    if (free) return Reduce(field->second);
  }
  return WithOperands(expr, {object});
}

Reduced Reducer::ApplyTag(const ExprPtr& expr, const ExprPtr& object, const ExprPtr& tag) {
  if (IsLiteral(object) && !object->literal.Is(Value::Kind::kEntity)) return std::nullopt;
  if (IsLiteral(tag) && !tag->literal.Is(Value::Kind::kString)) return std::nullopt;
  const bool asks = expr->op == Op::kHasTag;
  if (IsLiteral(object) && IsLiteral(tag)) {
    const Entity* entity = entities_.Find(object->literal.AsEntity());
    const UnknownParts* parts = UnknownOf(object->literal.AsEntity());
    if (parts != nullptr ? parts->tags : entity == nullptr && options_.open_world) return WithOperands(expr, {object, tag});
    const bool has = entity != nullptr && entity->tags.contains(tag->literal.AsString());
    if (asks) return Known(Value(has), expr);
    return has ? Reduced(Known(entity->tags.find(tag->literal.AsString())->second, expr)) : std::nullopt;
  }
  const Prospect of_object = Foresee(object), of_tag = Foresee(tag);
  if (asks && of_object.IsCertain() && of_tag.IsCertain() && of_object.type->kind == Kind::kEntity && of_tag.type->kind == Kind::kString) {
    const EntityType* type = schema_.FindEntityType(of_object.type->name);
    if (type != nullptr && type->tags == nullptr) return Known(Value(false), expr);
  }
  return WithOperands(expr, {object, tag});
}

}  // namespace remit::cedar
