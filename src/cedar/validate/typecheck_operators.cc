// Typing of comparisons, membership, sets, records and extension functions.
#include <fmt/format.h>

#include <algorithm>

#include "cedar/language/ext_functions.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

bool Contains(const std::vector<std::string>& types, const std::string& type) { return std::ranges::find(types, type) != types.end(); }

// Whether an entity can be of both.
bool Meet(const StaticType& a, const StaticType& b) {
  if (a.others.empty() && b.others.empty()) return a.name == b.name;
  const std::vector<std::string> types = b.EntityTypes();
  return std::ranges::any_of(a.EntityTypes(), [&](const std::string& type) { return Contains(types, type); });
}

bool HasOrder(const StaticType& type) {
  return type.kind == Kind::kLong || (type.kind == Kind::kExtension && (type.name == "datetime" || type.name == "duration"));
}

}  // namespace

bool Typechecker::Joinable(const Expr& at, const StaticTypePtr& a, const StaticTypePtr& b) {
  if (mode_ == ValidationMode::kPermissive) return true;
  std::string why;
  if (Join(a, b, &why) != nullptr) return true;
  Report(at, "incompatible-types", fmt::format("`{}` and `{}` can never be equal", a->ToString(), b->ToString()), why);
  return false;
}

const EntityUid* Typechecker::AsEntityLiteral(const Expr& expr) const {
  if (expr.op == Op::kVar && expr.var == Var::kAction) return &environment_.action->uid;
  if (expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kEntity)) return &expr.literal.AsEntity();
  return nullptr;
}

std::optional<std::vector<EntityUid>> Typechecker::AsEntityLiterals(const Expr& expr) const {
  if (const EntityUid* uid = AsEntityLiteral(expr)) return std::vector{*uid};
  if (expr.op != Op::kSet) return std::nullopt;
  std::vector<EntityUid> uids;
  for (const ExprPtr& member : expr.args) {
    const EntityUid* uid = AsEntityLiteral(*member);
    if (uid == nullptr) return std::nullopt;
    uids.push_back(*uid);
  }
  return uids;
}

std::optional<bool> Typechecker::CompareLiterals(const Expr& a, const Expr& b) const {
  const EntityUid* left = AsEntityLiteral(a);
  const EntityUid* right = AsEntityLiteral(b);
  if (left != nullptr && right != nullptr) return *left == *right;
  if ((left == nullptr && a.op != Op::kLiteral) || (right == nullptr && b.op != Op::kLiteral)) return std::nullopt;
  if (left != nullptr || right != nullptr) return false;
  return a.literal == b.literal;
}

// Two literals are compared here and now; entities of different types are never equal, and that is no error.
StaticTypePtr Typechecker::CheckEqual(const Expr& expr, const Capabilities& prior) {
  const Expr& a = *expr.args[0];
  const Expr& b = *expr.args[1];
  const StaticTypePtr left = Check(a, prior).type;
  const StaticTypePtr right = Check(b, prior).type;
  const bool equal_means = expr.op == Op::kEqual;
  if (left == nullptr || right == nullptr) return BoolType();
  if (left->kind == Kind::kEntity && right->kind == Kind::kEntity) {
    if (!Meet(*left, *right)) return KnownBool(!equal_means);
  }
  if (const auto equal = CompareLiterals(a, b)) return KnownBool(*equal == equal_means);
  Joinable(expr, left, right);
  return BoolType();
}

StaticTypePtr Typechecker::CheckOrder(const Expr& expr, const Capabilities& prior) {
  const StaticTypePtr left = Check(*expr.args[0], prior).type;
  const StaticTypePtr right = Check(*expr.args[1], prior).type;
  if (left == nullptr || right == nullptr) return BoolType();
  if (!HasOrder(*left) && !HasOrder(*right)) {
    for (const ExprPtr& operand : {expr.args[0], expr.args[1]}) {
      const StaticTypePtr& type = operand == expr.args[0] ? left : right;
      Report(*operand, "unexpected-type", fmt::format("expected `Long`, `datetime` or `duration`, found `{}`", type->ToString()));
    }
  } else if (left->kind != right->kind || left->name != right->name) {
    const bool left_is_wrong = !HasOrder(*left) || right->kind == Kind::kLong;
    Report(*expr.args[left_is_wrong ? 0 : 1], "unexpected-type",
           fmt::format("expected `{}`, found `{}`", (left_is_wrong ? right : left)->ToString(), (left_is_wrong ? left : right)->ToString()));
  }
  return BoolType();
}

StaticTypePtr Typechecker::CheckArithmetic(const Expr& expr, const Capabilities& prior) {
  const std::string_view hint = expr.op == Op::kAdd ? "strings and sets cannot be added" : "";
  Expect(*expr.args[0], prior, Want::kLong, hint);
  Expect(*expr.args[1], prior, Want::kLong, hint);
  return LongType();
}

bool Typechecker::MayBeIn(const std::string& left_type, const std::string& right_type) const {
  if (left_type == right_type || schema_.MayBeDescendant(left_type, right_type)) return true;
  if (!IsActionType(left_type) || !IsActionType(right_type)) return false;
  return std::ranges::any_of(schema_.actions(), [&](const auto& entry) {
    return entry.first.type == left_type && std::ranges::any_of(schema_.actions(), [&](const auto& group) {
             return group.first.type == right_type && schema_.ActionIn(entry.first, group.first);
           });
  });
}

bool Typechecker::AnyMayBeIn(const StaticType& left, const StaticType& right) const {
  if (left.others.empty() && right.others.empty()) return MayBeIn(left.name, right.name);
  const std::vector<std::string> right_types = right.EntityTypes();
  return std::ranges::any_of(left.EntityTypes(), [&](const std::string& type) {
    return std::ranges::any_of(right_types, [&](const std::string& group) { return MayBeIn(type, group); });
  });
}

StaticTypePtr Typechecker::CheckIn(const Expr& left, const Expr& right, const Capabilities& prior) {
  const std::size_t findings_before = findings_.size();
  const StaticTypePtr left_type = Expect(left, prior, Want::kEntity, "`contains` looks into a set").type;
  return TypeOfIn(left, left_type, right, prior, findings_before);
}

// Of `left in right`, where `left` has its type already; `findings_before` counts what was found before that.
StaticTypePtr Typechecker::TypeOfIn(const Expr& left, const StaticTypePtr& left_type, const Expr& right, const Capabilities& prior,
                                    std::size_t findings_before) {
  const StaticTypePtr right_type = Expect(right, prior, Want::kEntityOrEntities, "`contains` looks into a set").type;
  if (left_type == nullptr || right_type == nullptr || findings_.size() > findings_before) return BoolType();
  const EntityUid* uid = AsEntityLiteral(left);
  if (uid != nullptr && IsActionType(uid->type)) {
    if (const auto groups = AsEntityLiterals(right)) {
      return KnownBool(std::ranges::any_of(*groups, [&](const EntityUid& group) { return schema_.ActionIn(*uid, group); }));
    }
  }
  const StaticType& group = right_type->kind == Kind::kSet ? *right_type->element : *right_type;
  return group.kind == Kind::kNever || AnyMayBeIn(*left_type, group) ? BoolType() : KnownBool(false);
}

StaticTypePtr Typechecker::CheckIs(const Expr& expr, const Capabilities& prior) {
  return TypeOfIs(Expect(*expr.args[0], prior, Want::kEntity).type, expr.name);
}

StaticTypePtr Typechecker::TypeOfIs(const StaticTypePtr& operand, const std::string& entity_type) {
  if (operand == nullptr) return BoolType();
  if (operand->others.empty()) return KnownBool(operand->name == entity_type);
  return Contains(operand->EntityTypes(), entity_type) ? BoolType() : KnownBool(false);
}

// `e is T in g` means `e is T && e in g`, with `e` typed once.
StaticTypePtr Typechecker::CheckIsIn(const Expr& expr, const Capabilities& prior) {
  const std::size_t findings_before = findings_.size();
  const StaticTypePtr operand = Expect(*expr.args[0], prior, Want::kEntity).type;
  const StaticTypePtr is = TypeOfIs(operand, expr.name);
  if (is->kind == Kind::kFalse) return is;
  StaticTypePtr in = TypeOfIn(*expr.args[0], operand, *expr.args[1], prior, findings_before);
  return is->kind == Kind::kTrue || in->kind == Kind::kFalse ? in : BoolType();
}

StaticTypePtr Typechecker::CheckContains(const Expr& expr, const Capabilities& prior) {
  const StaticTypePtr set = Expect(*expr.args[0], prior, Want::kSet, "an entity has members by `in`, a record attributes by `has`").type;
  const StaticTypePtr member = Check(*expr.args[1], prior).type;
  if (set != nullptr && member != nullptr) Joinable(expr, set->element, member);
  return BoolType();
}

StaticTypePtr Typechecker::CheckSetComparison(const Expr& expr, const Capabilities& prior) {
  const StaticTypePtr left = Expect(*expr.args[0], prior, Want::kSet).type;
  const StaticTypePtr right = Expect(*expr.args[1], prior, Want::kSet, "`contains` takes a single member").type;
  if (left != nullptr && right != nullptr) Joinable(expr, left, right);
  return BoolType();
}

StaticTypePtr Typechecker::CheckSet(const Expr& expr, const Capabilities& prior) {
  if (expr.args.empty()) {
    if (mode_ == ValidationMode::kPermissive) return SetOf(NeverType());
    Report(expr, "empty-set", "an empty set has no type; strict validation refuses it", "`x.isEmpty()` asks whether a set is empty");
    return nullptr;
  }
  StaticTypePtr element;
  bool failed = false;
  for (const ExprPtr& member : expr.args) {
    const StaticTypePtr type = Check(*member, prior).type;
    if (type == nullptr) failed = true;
    if (failed) continue;
    std::string why;
    StaticTypePtr joined = element == nullptr ? type : JoinTypes(element, type, &why);
    if (joined == nullptr) {
      Report(*member, "incompatible-types", fmt::format("set holds both `{}` and `{}`", element->ToString(), type->ToString()), why);
      failed = true;
    }
    element = std::move(joined);
  }
  return failed ? nullptr : SetOf(std::move(element));
}

StaticTypePtr Typechecker::CheckRecord(const Expr& expr, const Capabilities& prior) {
  auto record = std::make_shared<StaticType>();
  record->kind = Kind::kRecord;
  bool failed = false;
  for (const auto& [name, value] : expr.fields) {
    StaticTypePtr type = Check(*value, prior).type;
    failed = failed || type == nullptr;
    record->attributes[name] = {std::move(type), true};
  }
  return failed ? nullptr : record;
}

StaticTypePtr Typechecker::CheckCall(const Expr& expr, const Capabilities& prior) {
  const ExtensionFunction* function = FindExtensionFunction(expr.name);
  if (function == nullptr) {
    Report(expr, "unknown-function", fmt::format("there is no function `{}`", expr.name));
    return nullptr;
  }
  StaticTypePtr result = TypeOfKind(function->result);
  if (expr.args.size() != function->parameters.size()) {
    Report(expr, "wrong-arguments", fmt::format("`{}` takes {} arguments, not {}", expr.name, function->parameters.size(), expr.args.size()));
    for (const ExprPtr& argument : expr.args) Check(*argument, prior);
    return result;
  }
  if (function->constructor) CheckConstructor(expr, *function);
  for (std::size_t i = 0; i < expr.args.size(); ++i) ExpectType(*expr.args[i], prior, TypeOfKind(function->parameters[i]));
  return result;
}

// What a literal says can be read here and now; strict validation asks for one, so that nothing is left to fail.
void Typechecker::CheckConstructor(const Expr& expr, const ExtensionFunction& function) {
  const Expr& argument = *expr.args[0];
  if (argument.op != Op::kLiteral) {
    if (mode_ == ValidationMode::kPermissive) return;
    Report(expr, "not-literal", fmt::format("`{}` takes a string literal, so that it can be read before any request is decided", expr.name),
           "let the schema declare the value with its own type");
  } else if (argument.literal.Is(Value::Kind::kString)) {
    const Value* const arguments[] = {&argument.literal};
    const auto value = CallExtension(function, arguments);
    if (!value) Report(expr, "bad-extension-value", value.error().message);
  }
}

}  // namespace remit::cedar
