// Typing of literals, variables and logic: where capabilities go.
#include "cedar/validate/typecheck.h"

#include <fmt/format.h>

#include "cedar/language/shown.h"

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

}  // namespace

StaticTypePtr Typechecker::CheckCondition(const Expr& expr) { return Expect(expr, {}, Want::kBool).type; }

void Typechecker::Report(const Expr& at, std::string_view reason, std::string message, std::string_view hint) {
  findings_.push_back(Finding(at.span, reason, Shown(message, kShownOfFinding), Shown(hint, kShownOfFinding)));
}

Typechecker::Answer Typechecker::Check(const Expr& expr, const Capabilities& prior) {
  std::optional<Answer>* shared = nullptr;
  if (!shared_.empty()) {
    const auto found = shared_.find(&expr);
    if (found != shared_.end()) shared = &found->second;  // stays in place when others are added
  }
  if (shared != nullptr && *shared) return **shared;
  Answer answer = CheckNode(expr, prior);
  if (tree_ != nullptr) tree_->types[&expr] = answer.type;
  if (shared != nullptr) *shared = answer;
  return answer;
}

Typechecker::Answer Typechecker::CheckNode(const Expr& expr, const Capabilities& prior) {
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
    case Op::kIn: return {CheckIn(*expr.args[0], *expr.args[1], prior), {}};
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
      fits = type.kind == Kind::kEntity || (type.kind == Kind::kSet && (type.element->kind == Kind::kEntity || type.element->kind == Kind::kNever));
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
  if (IsSubtype(*answer.type, *type, ValidationMode::kPermissive)) return answer.type;
  Report(expr, "unexpected-type", fmt::format("expected `{}`, found `{}`", type->ToString(), answer.type->ToString()));
  return nullptr;
}

// A literal that the schema does not know has no type; the validator reports it for the whole policy, whatever is evaluated.
StaticTypePtr Typechecker::CheckLiteral(const Value& literal) {
  if (!literal.Is(Value::Kind::kEntity)) return TypeOfValue(literal);
  const EntityUid& uid = literal.AsEntity();
  const bool known = IsActionType(uid.type) ? schema_.FindAction(uid) != nullptr : schema_.FindEntityType(uid.type) != nullptr;
  return known ? cache_.Entity(uid.type) : nullptr;
}

StaticTypePtr Typechecker::CheckVariable(Var var) {
  switch (var) {
    case Var::kPrincipal: return cache_.Entity(environment_.principal);
    case Var::kAction: return cache_.Entity(environment_.action->uid.type);
    case Var::kResource: return cache_.Entity(environment_.resource);
    case Var::kContext: break;
  }
  return cache_.Of(environment_.action->context);
}

StaticTypePtr Typechecker::CheckSlot(const Expr& expr) {
  const std::string_view type = expr.name == "?principal" ? environment_.principal_slot : environment_.resource_slot;
  if (!type.empty()) return cache_.Entity(type);
  Report(expr, "unexpected-type", fmt::format("`{}` stands outside of the scope", expr.name));
  return nullptr;
}

Typechecker::Answer Typechecker::CheckAnd(const Expr& expr, const Capabilities& prior) {
  Answer left = Expect(*expr.args[0], prior, Want::kBool);
  if (left.type != nullptr && left.type->kind == Kind::kFalse) return {left.type, {}};
  Answer right;
  if (left.capabilities.IsEmpty()) {
    right = Expect(*expr.args[1], prior, Want::kBool);
  } else {
    Capabilities with_left = prior;
    with_left.Add(left.capabilities);
    right = Expect(*expr.args[1], with_left, Want::kBool);
  }
  if (right.type != nullptr && right.type->kind == Kind::kFalse) return {right.type, {}};
  left.capabilities.Add(right.capabilities);
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
  left.capabilities.KeepOnly(right.capabilities);
  return {BoolType(), std::move(left.capabilities)};
}

Typechecker::Answer Typechecker::CheckIf(const Expr& expr, const Capabilities& prior) {
  const Answer test = Expect(*expr.args[0], prior, Want::kBool);
  Capabilities with_test = prior;
  with_test.Add(test.capabilities);
  if (test.type != nullptr && test.type->kind == Kind::kTrue) {
    Answer then = Check(*expr.args[1], with_test);
    then.capabilities.Add(test.capabilities);
    return then;
  }
  if (test.type != nullptr && test.type->kind == Kind::kFalse) return Check(*expr.args[2], prior);
  Answer then = Check(*expr.args[1], with_test);
  const Answer otherwise = Check(*expr.args[2], prior);
  if (then.type == nullptr || otherwise.type == nullptr) return {};
  std::string why;
  StaticTypePtr joined = JoinTypes(then.type, otherwise.type, &why);
  if (joined == nullptr) {
    Report(expr, "incompatible-types", fmt::format("`then` gives `{}` and `else` gives `{}`", then.type->ToString(), otherwise.type->ToString()),
           why);
    return {};
  }
  then.capabilities.Add(test.capabilities);
  then.capabilities.KeepOnly(otherwise.capabilities);
  return {std::move(joined), std::move(then.capabilities)};
}

StaticTypePtr Typechecker::CheckNot(const Expr& operand, const Capabilities& prior) {
  const Answer answer = Expect(operand, prior, Want::kBool);
  if (answer.type == nullptr || answer.type->kind == Kind::kBool) return BoolType();
  return KnownBool(answer.type->kind == Kind::kFalse);
}

}  // namespace remit::cedar
