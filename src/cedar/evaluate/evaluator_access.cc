// Evaluation of what looks into data: variables, hierarchy, attributes, tags, sets, records, extension calls.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/evaluate/evaluator.h"
#include "cedar/language/ext_functions.h"

namespace remit::cedar {

bool Evaluator::Variable(Var var, Operand& out) {
  if (var == Var::kContext) return out.Borrow(request_.context), true;
  const EntityUid& uid = var == Var::kPrincipal ? request_.principal : var == Var::kAction ? request_.action : request_.resource;
  std::optional<Value>& value = vars_[static_cast<std::size_t>(var)];
  if (!value.has_value()) {
    // Unless it may escape, the value points into the request: sharing with an empty owner allocates nothing.
    value.emplace(escaping_ ? Value(uid) : Value(std::shared_ptr<const EntityUid>(std::shared_ptr<const void>(), &uid)));
  }
  return out.Borrow(*value), true;
}

// All members of the right side are evaluated and must be entities before any answer, as the order of errors is no one's business.
std::optional<bool> Evaluator::In(const Expr& expr, const Value& left, const Expr& right_expr) {
  Operand right;
  if (!Evaluate(right_expr, right)) return std::nullopt;
  if (!left.Is(Value::Kind::kEntity)) {
    Expect(expr, left, Value::Kind::kEntity);
    if (right->Is(Value::Kind::kSet)) error_.hint = "`in` is for checking the entity hierarchy; use `.contains()` to test set membership";
    if (right->Is(Value::Kind::kRecord)) error_.hint = "`in` is for checking the entity hierarchy; use `has` to test if a record has a key";
    return std::nullopt;
  }
  const EntityUid& child = left.AsEntity();
  auto within = [&](const EntityUid& ancestor) { return child == ancestor || entities_.IsDescendant(child, ancestor); };
  if (right->Is(Value::Kind::kEntity)) return within(right->AsEntity());
  if (!right->Is(Value::Kind::kSet)) {
    return Fail(right_expr, fmt::format("type error: expected one of [set, entity], got {}", KindName(right->kind()))), std::nullopt;
  }
  const std::vector<Value>& members = right->AsSet();
  for (const Value& member : members) {
    if (!Expect(right_expr, member, Value::Kind::kEntity)) return std::nullopt;
  }
  return std::ranges::any_of(members, [&](const Value& member) { return within(member.AsEntity()); });
}

std::optional<bool> Evaluator::Is(const Expr& expr) {
  Operand value;
  if (!Evaluate(*expr.args[0], value) || !Expect(*expr.args[0], *value, Value::Kind::kEntity)) return std::nullopt;
  if (value->AsEntity().type != expr.name) return false;
  return expr.op == Op::kIs ? std::optional<bool>(true) : In(expr, *value, *expr.args[1]);
}

// The attributes of a record or an entity; null for an unknown entity (it has none), or where `failed` is set: neither of both.
const Record* Evaluator::AttributesOf(const Expr& expr, const Value& value, bool& failed) {
  failed = false;
  if (value.Is(Value::Kind::kRecord)) return &value.AsRecord();
  if (value.Is(Value::Kind::kEntity)) {
    const Entity* entity = entities_.Find(value.AsEntity());
    return entity == nullptr ? nullptr : &entity->attributes;
  }
  failed = true;
  Fail(expr, fmt::format("type error: expected one of [record, entity], got {}", KindName(value.kind())));
  return nullptr;
}

std::optional<bool> Evaluator::Has(const Expr& expr) {
  Operand receiver;
  if (!Evaluate(*expr.args[0], receiver)) return std::nullopt;
  const Value* value = &*receiver;
  for (const std::string& name : expr.path) {
    bool failed = false;
    const Record* attributes = AttributesOf(*expr.args[0], *value, failed);
    if (failed) return std::nullopt;
    if (attributes == nullptr) return false;
    const auto found = attributes->find(name);
    if (found == attributes->end()) return false;
    value = &found->second;
  }
  return true;
}

bool Evaluator::GetAttr(const Expr& expr, Operand& out) {
  Operand receiver;
  if (!Evaluate(*expr.args[0], receiver)) return false;
  bool failed = false;
  const Record* attributes = AttributesOf(*expr.args[0], *receiver, failed);
  if (failed) return false;
  if (attributes == nullptr) return Fail(expr, fmt::format("entity `{}` does not exist", receiver->AsEntity().ToString()));
  const auto found = attributes->find(expr.name);
  if (found == attributes->end()) {
    constexpr std::size_t kMostNames = 100;  // a request may bring any number, and each policy may fail on them
    std::vector<std::string> names;
    for (auto at = attributes->begin(); at != attributes->end() && names.size() < kMostNames; ++at) names.push_back(at->first);
    const std::string nearest = Nearest(expr.name, names);
    const std::string owner = receiver->Is(Value::Kind::kEntity) ? fmt::format("`{}`", receiver->AsEntity().ToString()) : "record";
    return Fail(expr, fmt::format("{} does not have the attribute `{}`", owner, EscapeControl(expr.name)),
                nearest.empty() ? "" : fmt::format("did you mean `{}`?", EscapeControl(nearest)));
  }
  // What an entity holds, and what a record holds that lives elsewhere, outlives this call.
  if (receiver.IsOwn() && receiver->Is(Value::Kind::kRecord))
    out.Own(Value(found->second));
  else
    out.Borrow(found->second);
  return true;
}

std::optional<bool> Evaluator::HasTag(const Expr& expr) {
  Operand owner, tag;
  if (!Evaluate(*expr.args[0], owner) || !Evaluate(*expr.args[1], tag)) return std::nullopt;
  if (!Expect(*expr.args[0], *owner, Value::Kind::kEntity) || !Expect(*expr.args[1], *tag, Value::Kind::kString)) return std::nullopt;
  const Entity* entity = entities_.Find(owner->AsEntity());
  return entity != nullptr && entity->tags.contains(tag->AsString());
}

bool Evaluator::GetTag(const Expr& expr, Operand& out) {
  Operand owner, tag;
  if (!Evaluate(*expr.args[0], owner) || !Evaluate(*expr.args[1], tag)) return false;
  if (!Expect(*expr.args[0], *owner, Value::Kind::kEntity) || !Expect(*expr.args[1], *tag, Value::Kind::kString)) return false;
  const Entity* entity = entities_.Find(owner->AsEntity());
  if (entity == nullptr) return Fail(expr, fmt::format("entity `{}` does not exist", owner->AsEntity().ToString()));
  const auto found = entity->tags.find(tag->AsString());
  if (found == entity->tags.end()) {
    return Fail(expr, fmt::format("`{}` does not have the tag `{}`", owner->AsEntity().ToString(), EscapeControl(tag->AsString())));
  }
  return out.Borrow(found->second), true;
}

std::optional<bool> Evaluator::SetTest(const Expr& expr) {
  Operand set, argument;
  if (!Evaluate(*expr.args[0], set)) return std::nullopt;
  if (expr.args.size() > 1 && !Evaluate(*expr.args[1], argument)) return std::nullopt;
  if (!Expect(*expr.args[0], *set, Value::Kind::kSet)) return std::nullopt;
  const std::vector<Value>& members = set->AsSet();  // sorted
  if (expr.op == Op::kIsEmpty) return members.empty();
  if (expr.op == Op::kContains) return std::binary_search(members.begin(), members.end(), *argument);
  if (!Expect(*expr.args[1], *argument, Value::Kind::kSet)) return std::nullopt;
  const std::vector<Value>& others = argument->AsSet();
  if (expr.op == Op::kContainsAll) return std::includes(members.begin(), members.end(), others.begin(), others.end());
  return std::ranges::any_of(others, [&](const Value& other) { return std::binary_search(members.begin(), members.end(), other); });
}

bool Evaluator::MakeSet(const Expr& expr, Operand& out) {
  std::vector<Value> members;
  members.reserve(expr.args.size());
  for (const ExprPtr& arg : expr.args) {
    Operand member;
    if (!Evaluate(*arg, member)) return false;
    members.push_back(*member);
  }
  return out.Own(Value::Set(std::move(members))), true;
}

bool Evaluator::MakeRecord(const Expr& expr, Operand& out) {
  Record record;
  for (const auto& [name, field] : expr.fields) {
    Operand value;
    if (!Evaluate(*field, value)) return false;
    record.insert_or_assign(name, *value);
  }
  return out.Own(Value::FromRecord(std::move(record))), true;
}

bool Evaluator::Call(const Expr& expr, Operand& out) {
  const ExtensionFunction* function = FindExtensionFunction(expr.name);
  if (function == nullptr) return Fail(expr, fmt::format("extension function `{}` does not exist", expr.name));
  constexpr std::size_t kMost = 2;  // parameters of any function
  Operand values[kMost];
  const Value* arguments[kMost] = {};
  if (expr.args.size() > kMost) {
    return Fail(expr, fmt::format("wrong number of arguments provided to extension function `{}`: expected {}, got {}", expr.name,
                                  function->parameters.size(), expr.args.size()));
  }
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    if (!Evaluate(*expr.args[i], values[i])) return false;
    arguments[i] = &*values[i];
  }
  auto result = CallExtension(*function, std::span(arguments, expr.args.size()));
  if (!result) return Fail(expr, std::move(result.error().message), std::move(result.error().hint));
  return out.Own(std::move(*result)), true;
}

}  // namespace remit::cedar
