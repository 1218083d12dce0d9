// Partial evaluation: variables, short circuits, `if`, and how residuals are put together.
#include "cedar/partial.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "cedar/authorizer.h"
#include "cedar/partial/partial_reducer.h"

namespace remit::cedar {

bool IsLiteral(const ExprPtr& expr) { return expr->op == Op::kLiteral; }
bool IsLiteralOf(const ExprPtr& expr, Value::Kind kind) { return IsLiteral(expr) && expr->literal.Is(kind); }
bool IsTrue(const Expr& expr) { return expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kBool) && expr.literal.AsBool(); }
bool IsFalse(const Expr& expr) { return expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kBool) && !expr.literal.AsBool(); }

ExprPtr MakeOperation(Op op, Operands operands, const Span& span) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  expr->span = span;
  expr->args = std::move(operands);
  return expr;
}

ExprPtr WithOperands(const ExprPtr& expr, const Operands& operands) {
  if (expr->args == operands) return expr;
  auto changed = std::make_shared<Expr>(*expr);
  changed->args = operands;
  return changed;
}

// `{}.error`: an expression that fails, whoever evaluates it.
ExprPtr CertainFailure(const Span& span) {
  auto failure = std::make_shared<Expr>();
  failure->op = Op::kGetAttr;
  failure->span = span;
  failure->name = "error";
  failure->args = {MakeOperation(Op::kRecord, {}, span)};
  return failure;
}

namespace {

ExprPtr Bool(bool value, const Span& span) { return MakeLiteral(Value(value), span); }

bool IsBoolLiteral(const ExprPtr& expr) { return IsLiteralOf(expr, Value::Kind::kBool); }

// An expression whose value, if it has one, is `value`, because a later operand says so: `x && false`, `x || true`.
bool EndsIn(const Expr& expr, Op op, bool value) { return expr.op == op && IsBoolLiteral(expr.args[1]) && expr.args[1]->literal.AsBool() == value; }

// `expr`, which stands at `depth` (1: the root), with known sets and records written out, as a parser reads them.
// INVARIANT: nothing is written out below limits::kCedarDepth, where it stays a literal: what an attribute holds may be as deep again as the
// expression that asks for it, and an expression that evaluation finds too deep fails.
ExprPtr WrittenOut(const ExprPtr& expr, std::size_t depth) {
  const bool is_set = IsLiteralOf(expr, Value::Kind::kSet), is_record = IsLiteralOf(expr, Value::Kind::kRecord);
  if (is_set || is_record) {
    if (depth >= limits::kCedarDepth) return expr;
    auto written = std::make_shared<Expr>();
    written->op = is_set ? Op::kSet : Op::kRecord;
    written->span = expr->span;
    const auto part = [&](const Value& value) { return WrittenOut(MakeLiteral(value, expr->span), depth + 1); };
    if (is_set) {
      for (const Value& member : expr->literal.AsSet()) written->args.push_back(part(member));
    } else {
      for (const auto& [name, value] : expr->literal.AsRecord()) written->fields.emplace_back(name, part(value));
    }
    return written;
  }
  std::shared_ptr<Expr> changed;  // null: as it was
  const auto change = [&]() -> Expr& { return changed != nullptr ? *changed : *(changed = std::make_shared<Expr>(*expr)); };
  for (std::size_t i = 0; i < expr->args.size(); ++i) {
    if (ExprPtr argument = WrittenOut(expr->args[i], depth + 1); argument != expr->args[i]) change().args[i] = std::move(argument);
  }
  for (std::size_t i = 0; i < expr->fields.size(); ++i) {
    if (ExprPtr field = WrittenOut(expr->fields[i].second, depth + 1); field != expr->fields[i].second) change().fields[i].second = std::move(field);
  }
  return changed != nullptr ? changed : expr;
}

}  // namespace

Reduced Reducer::Reduce(const ExprPtr& expr) {
  switch (expr->op) {
    case Op::kLiteral:
    case Op::kSlot:
    case Op::kUnknown: return expr;
    case Op::kVar: return ReduceVar(expr);
    case Op::kAnd:
    case Op::kOr: return ReduceLogic(expr);
    case Op::kIf: return ReduceIf(expr);
    case Op::kNot: return ReduceNot(expr);
    case Op::kIsIn: return ReduceIsIn(expr);
    case Op::kSet: return ReduceSet(expr);
    case Op::kRecord: return ReduceRecord(expr);
    default: return ReduceStrict(expr);
  }
}

Reduced Reducer::ReduceVar(const ExprPtr& expr) const {
  switch (expr->var) {
    case Var::kPrincipal: return request_.principal ? MakeLiteral(Value(*request_.principal), expr->span) : expr;
    case Var::kAction: return request_.action ? MakeLiteral(Value(*request_.action), expr->span) : expr;
    case Var::kResource: return request_.resource ? MakeLiteral(Value(*request_.resource), expr->span) : expr;
    case Var::kContext: break;
  }
  return request_.context && request_.unknown_context.empty() ? MakeLiteral(*request_.context, expr->span) : expr;
}

// For `&&` false decides, for `||` true does.
Reduced Reducer::ReduceLogic(const ExprPtr& expr) {
  const bool decides = expr->op == Op::kOr;
  const Reduced left = Reduce(expr->args[0]);
  if (!left) return std::nullopt;
  if (IsLiteral(*left)) {
    if (!IsBoolLiteral(*left)) return std::nullopt;
    if ((*left)->literal.AsBool() == decides) return left;
    const Reduced right = Reduce(expr->args[1]);
    if (!right || (IsLiteral(*right) && !IsBoolLiteral(*right))) return std::nullopt;
    const StaticTypePtr type = Foresee(*right).type;
    if (type != nullptr && type->IsBool()) return right;
    return WithOperands(expr, {*left, *right});  // the right side may not be a boolean, and then fails
  }
  if (EndsIn(**left, expr->op, decides)) return left;
  return ReduceLogicTail(expr, *left, expr->op == Op::kAnd ? ReduceGuarded(expr->args[1], **left) : Reduce(expr->args[1]));
}

// The left side is a residual.
Reduced Reducer::ReduceLogicTail(const ExprPtr& expr, const ExprPtr& left, Reduced right) {
  if (!right) return WithOperands(expr, {left, CertainFailure(expr->args[1]->span)});
  if (IsBoolLiteral(*right)) {
    const Prospect of_left = Foresee(left);
    const bool decides = (*right)->literal.AsBool() == (expr->op == Op::kOr);
    if (decides && of_left.IsCertainBool()) return right;
    if (!decides && of_left.type != nullptr && of_left.type->IsBool()) return left;
  }
  return WithOperands(expr, {left, *right});
}

// Where `condition`, a residual, was true.
Reduced Reducer::ReduceGuarded(const ExprPtr& expr, const Expr& condition) {
  const Guards::Scope inside(guards_);
  Foresight::Learn(condition, guards_);
  return Reduce(expr);
}

Reduced Reducer::ReduceIf(const ExprPtr& expr) {
  const Reduced test = Reduce(expr->args[0]);
  if (!test) return std::nullopt;
  if (IsLiteral(*test)) {
    if (!IsBoolLiteral(*test)) return std::nullopt;
    return Reduce(expr->args[(*test)->literal.AsBool() ? 1 : 2]);
  }
  Reduced then = ReduceGuarded(expr->args[1], **test);
  Reduced otherwise = Reduce(expr->args[2]);
  if (!then && !otherwise) return std::nullopt;
  if (!then) then = CertainFailure(expr->args[1]->span);
  if (!otherwise) otherwise = CertainFailure(expr->args[2]->span);
  const Prospect of_test = Foresee(*test);
  if (of_test.IsCertainBool() && Equal(**then, **otherwise)) return then;
  if (of_test.type != nullptr && of_test.type->IsBool()) {
    if (IsTrue(**then) && IsFalse(**otherwise)) return test;
    if (IsFalse(**then) && IsTrue(**otherwise)) return MakeOperation(Op::kNot, {*test}, expr->span);
  }
  return WithOperands(expr, {*test, *then, *otherwise});
}

Reduced Reducer::ReduceNot(const ExprPtr& expr) {
  const Reduced operand = Reduce(expr->args[0]);
  if (!operand) return std::nullopt;
  if (IsBoolLiteral(*operand)) return Bool(!(*operand)->literal.AsBool(), expr->span);
  if (IsLiteral(*operand)) return std::nullopt;
  if ((*operand)->op == Op::kNot) {
    const StaticTypePtr type = Foresee((*operand)->args[0]).type;
    if (type != nullptr && type->IsBool()) return (*operand)->args[0];
  }
  return WithOperands(expr, {*operand});
}

Reduced Reducer::ReduceStrict(const ExprPtr& expr) {
  Operands operands;
  for (const ExprPtr& argument : expr->args) {
    Reduced operand = Reduce(argument);
    if (!operand) return std::nullopt;
    operands.push_back(std::move(*operand));
  }
  return Apply(expr, operands);
}

Reduced Reducer::ReduceSet(const ExprPtr& expr) {
  Operands members;
  std::vector<Value> values;
  for (const ExprPtr& argument : expr->args) {
    Reduced member = Reduce(argument);
    if (!member) return std::nullopt;
    if (IsLiteral(*member)) values.push_back((*member)->literal);
    members.push_back(std::move(*member));
  }
  if (values.size() == members.size()) return MakeLiteral(Value::Set(std::move(values)), expr->span);
  return WithOperands(expr, members);
}

Reduced Reducer::ReduceRecord(const ExprPtr& expr) {
  auto record = std::make_shared<Expr>(*expr);
  Record values;
  for (auto& [name, field] : record->fields) {
    Reduced reduced = Reduce(field);
    if (!reduced) return std::nullopt;
    if (IsLiteral(*reduced)) values.emplace(name, (*reduced)->literal);
    field = std::move(*reduced);
  }
  if (values.size() == record->fields.size()) return MakeLiteral(Value::FromRecord(std::move(values)), expr->span);
  return record;
}

// INVARIANT: the operator asks nothing of entities and variables, so that any request and no entities will do.
Reduced Reducer::Compute(const Expr& expr, Operands literals) const {
  Expr known = expr;
  known.args = std::move(literals);
  auto value = EvaluateExpr(known, Request{}, Entities());
  if (!value) return std::nullopt;
  return MakeLiteral(std::move(*value), expr.span);
}

std::optional<ExprPtr> Reducer::Residual(const ExprPtr& expr) {
  const Reduced reduced = Reduce(expr);
  if (!reduced) return std::nullopt;
  return WrittenOut(*reduced, 1);
}

std::optional<ExprPtr> PartialEvaluate(const Expr& expr, const PartialRequest& request, const EntityView& entities, const Schema& schema,
                                       PartialOptions options) {
  return Reducer(request, entities, schema, options).Residual(std::make_shared<const Expr>(expr));
}

}  // namespace remit::cedar
