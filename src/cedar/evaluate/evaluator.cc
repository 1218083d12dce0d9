// Evaluation: control flow, comparison and arithmetic. Entities, attributes, sets and extensions are evaluator_access.cc's.
#include "cedar/evaluate/evaluator.h"

#include <fmt/format.h>

#include "cedar/language/escape.h"

namespace remit::cedar {
namespace {

std::string TypeText(const Value& value) {
  if (value.Is(Value::Kind::kEntity)) return fmt::format("(entity of type `{}`)", value.AsEntity().type);
  return std::string(KindName(value.kind()));
}

class Deeper {
 public:
  explicit Deeper(std::size_t& depth) : depth_(depth) { ++depth_; }
  ~Deeper() { --depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  std::size_t& depth_;
};

}  // namespace

Evaluator::Evaluator(const Request& request, const EntityView& entities, bool escaping)
    : request_(request), entities_(entities), escaping_(escaping) {}

bool Evaluator::Fail(const Expr& expr, std::string message, std::string hint) {
  error_ = Error(Code::kInvalidArgument, "evaluation-error", std::move(message)).At(expr.span.ToString()).Hint(std::move(hint));
  return false;
}

bool Evaluator::FailOverflow(const Expr& expr, std::string_view verb, const Value& left, const Value& right) {
  return Fail(expr, fmt::format("integer overflow while attempting to {} the values `{}` and `{}`", verb, left.AsLong(), right.AsLong()));
}

bool Evaluator::Expect(const Expr& expr, const Value& value, Value::Kind kind) {
  if (value.Is(kind)) return true;
  return Fail(expr, fmt::format("type error: expected {}, got {}", KindName(kind), TypeText(value)));
}

bool Evaluator::Evaluate(const Expr& expr, Operand& out) {
  const Deeper deeper(depth_);
  if (depth_ > kEvaluationDepth) return Fail(expr, "recursion limit reached");
  return EvaluateAt(expr, out);
}

std::optional<bool> Evaluator::EvaluateBool(const Expr& expr) {
  const Deeper deeper(depth_);
  if (depth_ > kEvaluationDepth) return Fail(expr, "recursion limit reached"), std::nullopt;
  return BoolAt(expr);
}

bool Evaluator::EvaluateAt(const Expr& expr, Operand& out) {
  switch (expr.op) {
    case Op::kLiteral: return out.Borrow(expr.literal), true;
    case Op::kVar: return Variable(expr.var, out);
    case Op::kSlot: return Fail(expr, fmt::format("template slot `{}` was not linked", expr.name));
    case Op::kUnknown: return Fail(expr, fmt::format("the expression contains an unknown: `{}`", expr.name));
    case Op::kIf: {
      const std::optional<bool> test = EvaluateBool(*expr.args[0]);
      return test.has_value() && Evaluate(*expr.args[*test ? 1 : 2], out);
    }
    case Op::kNegate: return Negate(expr, out);
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply: return Arithmetic(expr, out);
    case Op::kGetAttr: return GetAttr(expr, out);
    case Op::kGetTag: return GetTag(expr, out);
    case Op::kSet: return MakeSet(expr, out);
    case Op::kRecord: return MakeRecord(expr, out);
    case Op::kCall: return Call(expr, out);
    default: {
      const std::optional<bool> result = BoolAt(expr);
      if (result.has_value()) out.Own(*result);
      return result.has_value();
    }
  }
}

std::optional<bool> Evaluator::BoolAt(const Expr& expr) {
  switch (expr.op) {
    case Op::kAnd: return And(expr);
    case Op::kOr: return Or(expr);
    case Op::kNot: {
      const std::optional<bool> value = EvaluateBool(*expr.args[0]);
      return value.has_value() ? std::optional<bool>(!*value) : std::nullopt;
    }
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return Compare(expr);
    case Op::kIn: {
      Operand left;
      if (!Evaluate(*expr.args[0], left)) return std::nullopt;
      return In(expr, *left, *expr.args[1]);
    }
    case Op::kIs:
    case Op::kIsIn: return Is(expr);
    case Op::kHas: return Has(expr);
    case Op::kLike: return Like(expr);
    case Op::kContains:
    case Op::kContainsAll:
    case Op::kContainsAny:
    case Op::kIsEmpty: return SetTest(expr);
    case Op::kHasTag: return HasTag(expr);
    default: {
      Operand value;
      if (!EvaluateAt(expr, value) || !Expect(expr, *value, Value::Kind::kBool)) return std::nullopt;
      return value->AsBool();
    }
  }
}

std::optional<bool> Evaluator::And(const Expr& expr) {
  const std::optional<bool> left = EvaluateBool(*expr.args[0]);
  if (!left.has_value() || !*left) return left;
  return EvaluateBool(*expr.args[1]);
}

std::optional<bool> Evaluator::Or(const Expr& expr) {
  const std::optional<bool> left = EvaluateBool(*expr.args[0]);
  if (!left.has_value() || *left) return left;
  return EvaluateBool(*expr.args[1]);
}

std::optional<bool> Evaluator::Compare(const Expr& expr) {
  Operand left, right;
  if (!Evaluate(*expr.args[0], left) || !Evaluate(*expr.args[1], right)) return std::nullopt;
  if (expr.op == Op::kEqual) return *left == *right;
  if (expr.op == Op::kNotEqual) return *left != *right;
  using enum Value::Kind;
  if (!left->Is(kLong) && !left->Is(kDatetime) && !left->Is(kDuration)) {
    return Fail(*expr.args[0], fmt::format("type error: expected one of [long, datetime, duration], got {}", TypeText(*left))), std::nullopt;
  }
  if (!Expect(*expr.args[1], *right, left->kind())) return std::nullopt;
  const std::strong_ordering order = *left <=> *right;
  switch (expr.op) {
    case Op::kLess: return order < 0;
    case Op::kLessEqual: return order <= 0;
    case Op::kGreater: return order > 0;
    default: return order >= 0;
  }
}

bool Evaluator::Arithmetic(const Expr& expr, Operand& out) {
  Operand left, right;
  if (!Evaluate(*expr.args[0], left) || !Evaluate(*expr.args[1], right)) return false;
  if (!Expect(*expr.args[0], *left, Value::Kind::kLong) || !Expect(*expr.args[1], *right, Value::Kind::kLong)) return false;
  const std::int64_t a = left->AsLong(), b = right->AsLong();
  std::int64_t result = 0;
  if (expr.op == Op::kAdd && __builtin_add_overflow(a, b, &result)) return FailOverflow(expr, "add", *left, *right);
  if (expr.op == Op::kSubtract && __builtin_sub_overflow(a, b, &result)) return FailOverflow(expr, "subtract", *left, *right);
  if (expr.op == Op::kMultiply && __builtin_mul_overflow(a, b, &result)) return FailOverflow(expr, "multiply", *left, *right);
  return out.Own(result), true;
}

bool Evaluator::Negate(const Expr& expr, Operand& out) {
  Operand value;
  if (!Evaluate(*expr.args[0], value) || !Expect(*expr.args[0], *value, Value::Kind::kLong)) return false;
  std::int64_t result = 0;
  if (__builtin_sub_overflow(std::int64_t{0}, value->AsLong(), &result)) {
    return Fail(expr, fmt::format("integer overflow while attempting to negate the value `{}`", value->AsLong()));
  }
  return out.Own(result), true;
}

std::optional<bool> Evaluator::Like(const Expr& expr) {
  Operand value;
  if (!Evaluate(*expr.args[0], value) || !Expect(*expr.args[0], *value, Value::Kind::kString)) return std::nullopt;
  return Matches(expr.pattern, value->AsString());
}

Result<Value> EvaluateExpr(const Expr& expr, const Request& request, const EntityView& entities) {
  Evaluator evaluator(request, entities, true);
  Operand value;
  if (!evaluator.Evaluate(expr, value)) return remit::Fail(evaluator.error());
  return *value;
}

}  // namespace remit::cedar
