// See residual.h.
#include "task/residual.h"

#include <algorithm>
#include <functional>

#include "base/limits.h"
#include "cedar/partial.h"

namespace remit::task {
namespace {

using cedar::Expr;
using cedar::ExprPtr;
using cedar::Op;
using cedar::Var;

template <class Predicate>
bool Any(const Expr& expr, const Predicate& predicate) {
  if (predicate(expr)) return true;
  for (const ExprPtr& arg : expr.args) {
    if (Any(*arg, predicate)) return true;
  }
  for (const auto& [name, field] : expr.fields) {
    if (Any(*field, predicate)) return true;
  }
  return false;
}

bool MentionsVar(const Expr& expr, Var var) {
  return Any(expr, [var](const Expr& e) { return e.op == Op::kVar && e.var == var; });
}

bool MentionsUnknown(const Expr& expr) {
  return Any(expr, [](const Expr& e) { return e.op == Op::kUnknown || e.op == Op::kSlot; });
}

bool IsResource(const Expr& expr) { return expr.op == Op::kVar && expr.var == Var::kResource; }

ExprPtr Make(Op op, cedar::Operands args) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  if (!args.empty()) expr->span = args[0]->span;
  expr->args = std::move(args);
  return expr;
}

ExprPtr Literal(bool value) {
  auto expr = std::make_shared<Expr>();
  expr->literal = cedar::Value(value);
  return expr;
}

// A negation moved inwards as far as it goes. De Morgan's laws hold for Cedar's errors too, since both sides stop at the same operand.
ExprPtr Inwards(const ExprPtr& expr, bool negate) {
  switch (expr->op) {
    case Op::kNot: return Inwards(expr->args[0], !negate);
    case Op::kAnd:
    case Op::kOr: {
      const Op op = negate == (expr->op == Op::kAnd) ? Op::kOr : Op::kAnd;
      return Make(op, {Inwards(expr->args[0], negate), Inwards(expr->args[1], negate)});
    }
    case Op::kIf: {
      const ExprPtr yes = Make(Op::kAnd, {Inwards(expr->args[0], false), Inwards(expr->args[1], negate)});
      const ExprPtr no = Make(Op::kAnd, {Inwards(expr->args[0], true), Inwards(expr->args[2], negate)});
      return Make(Op::kOr, {yes, no});
    }
    default:
      if (cedar::IsTrue(*expr) || cedar::IsFalse(*expr)) return Literal(cedar::IsTrue(*expr) != negate);
      return negate ? Make(Op::kNot, {expr}) : expr;
  }
}

using Conjunctions = std::vector<std::vector<ExprPtr>>;

// False where there are too many.
bool Distribute(const ExprPtr& expr, Conjunctions& out) {
  if (expr->op == Op::kOr) return Distribute(expr->args[0], out) && Distribute(expr->args[1], out) && out.size() <= limits::kPolicyAlternatives;
  if (expr->op != Op::kAnd) {
    if (cedar::IsTrue(*expr)) {
      out.emplace_back();
    } else if (!cedar::IsFalse(*expr)) {
      out.push_back({expr});
    }
    return true;
  }
  Conjunctions left, right;
  if (!Distribute(expr->args[0], left) || !Distribute(expr->args[1], right)) return false;
  if (left.size() * right.size() > limits::kPolicyAlternatives) return false;
  for (const auto& l : left) {
    for (const auto& r : right) {
      out.push_back(l);
      out.back().insert(out.back().end(), r.begin(), r.end());
    }
  }
  return out.size() <= limits::kPolicyAlternatives;
}

bool Contains(const std::vector<ExprPtr>& conditions, const Expr& condition) {
  return std::ranges::any_of(conditions, [&](const ExprPtr& c) { return cedar::Equal(*c, condition); });
}

}  // namespace

std::optional<std::vector<Alternative>> Alternatives(const ExprPtr& residual, bool task_known) {
  Conjunctions conjunctions;
  if (!Distribute(Inwards(residual, false), conjunctions)) return std::nullopt;
  std::vector<Alternative> alternatives;
  // Evaluation goes through the alternatives in this order. A condition of an earlier one that can fail stands in the way, unless it is a
  // condition of this one too and so holds.
  std::vector<ExprPtr> fallible;
  for (const auto& conjunction : conjunctions) {
    Alternative alternative;
    alternative.exact = std::ranges::all_of(fallible, [&](const ExprPtr& f) { return Contains(conjunction, *f); });
    for (const ExprPtr& condition : conjunction) {
      const bool may_fail = !CannotFail(*condition) && (task_known || Classify(condition).kind >= Condition::Kind::kResource);
      if (may_fail && !Contains(fallible, *condition)) fallible.push_back(condition);
      if (!Contains(alternative.conditions, *condition)) alternative.conditions.push_back(condition);
    }
    alternatives.push_back(std::move(alternative));
  }
  return alternatives;
}

Condition Classify(const ExprPtr& condition) {
  auto known = [](const Expr& e) { return !MentionsVar(e, Var::kResource) && !MentionsVar(e, Var::kContext) && !MentionsUnknown(e); };
  if (MentionsVar(*condition, Var::kContext) || MentionsUnknown(*condition)) return {Condition::Kind::kContext, nullptr};
  if (known(*condition)) return {Condition::Kind::kTask, nullptr};
  if (condition->args.size() == 2) {
    const ExprPtr &left = condition->args[0], &right = condition->args[1];
    if (condition->op == Op::kEqual && IsResource(*left) && known(*right)) return {Condition::Kind::kEqual, right};
    if (condition->op == Op::kEqual && IsResource(*right) && known(*left)) return {Condition::Kind::kEqual, left};
    if (condition->op == Op::kIn && IsResource(*left) && known(*right)) return {Condition::Kind::kIn, right};
    if (condition->op == Op::kContains && IsResource(*right) && known(*left)) return {Condition::Kind::kMember, left};
  }
  return {Condition::Kind::kResource, nullptr};
}

bool MentionsTask(const Expr& expr) { return MentionsVar(expr, Var::kPrincipal); }

bool CannotFail(const Expr& expr) {
  switch (expr.op) {
    case Op::kLiteral:
    case Op::kVar: return true;
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kIn:
    case Op::kIs:
    case Op::kIsIn:
    case Op::kNot:
    case Op::kAnd:
    case Op::kOr:
    case Op::kIf:
    case Op::kContains:
    case Op::kContainsAll:
    case Op::kContainsAny:
    case Op::kIsEmpty:
    case Op::kLike:
    case Op::kHas:
    case Op::kSet: return std::ranges::all_of(expr.args, [](const ExprPtr& arg) { return CannotFail(*arg); });
    default: return false;  // attributes and tags of entities that may not exist, arithmetic, extension functions
  }
}

std::optional<std::vector<cedar::EntityUid>> EntitiesOf(const Expr& operand) {
  std::vector<cedar::EntityUid> uids;
  if (operand.op == Op::kSet) {
    for (const ExprPtr& arg : operand.args) {
      auto one = EntitiesOf(*arg);
      if (!one || one->size() != 1) return std::nullopt;
      uids.push_back(std::move(one->front()));
    }
    return uids;
  }
  if (operand.op != Op::kLiteral) return std::nullopt;
  if (operand.literal.Is(cedar::Value::Kind::kEntity)) return std::vector{operand.literal.AsEntity()};
  if (!operand.literal.Is(cedar::Value::Kind::kSet)) return std::nullopt;
  for (const cedar::Value& member : operand.literal.AsSet()) {
    if (!member.Is(cedar::Value::Kind::kEntity)) return std::nullopt;
    uids.push_back(member.AsEntity());
  }
  return uids;
}

ExprPtr Not(const ExprPtr& expr) { return Make(Op::kNot, {expr}); }

namespace {

// Replaces each condition about the resource's name by what `decide` says of it, and folds. What is undecided stays.
using Decide = std::function<std::optional<bool>(const Condition&, const std::vector<cedar::EntityUid>&)>;

ExprPtr Reduce(const ExprPtr& residual, const Decide& decide) {
  switch (residual->op) {
    case Op::kNot: {
      const ExprPtr inner = Reduce(residual->args[0], decide);
      if (cedar::IsTrue(*inner) || cedar::IsFalse(*inner)) return Literal(cedar::IsFalse(*inner));
      return inner == residual->args[0] ? residual : Not(inner);
    }
    case Op::kAnd:
    case Op::kOr: {
      const ExprPtr left = Reduce(residual->args[0], decide), right = Reduce(residual->args[1], decide);
      const bool is_and = residual->op == Op::kAnd;
      auto decides = [&](const Expr& e) { return is_and ? cedar::IsFalse(e) : cedar::IsTrue(e); };
      auto neutral = [&](const Expr& e) { return is_and ? cedar::IsTrue(e) : cedar::IsFalse(e); };
      if (decides(*left)) return left;
      if (neutral(*left)) return right;
      if (neutral(*right)) return left;
      if (decides(*right) && CannotFail(*left)) return right;  // else the left side's error comes first
      return left == residual->args[0] && right == residual->args[1] ? residual : Make(residual->op, {left, right});
    }
    case Op::kIf: {
      const ExprPtr test = Reduce(residual->args[0], decide);
      if (cedar::IsTrue(*test)) return Reduce(residual->args[1], decide);
      if (cedar::IsFalse(*test)) return Reduce(residual->args[2], decide);
      return Make(Op::kIf, {test, Reduce(residual->args[1], decide), Reduce(residual->args[2], decide)});
    }
    default: break;
  }
  const Condition condition = Classify(residual);
  const auto uids = condition.operand == nullptr ? std::nullopt : EntitiesOf(*condition.operand);
  if (!uids) return residual;
  const auto decided = decide(condition, *uids);
  return decided ? Literal(*decided) : residual;
}

bool IsOrIsIn(const cedar::EntityUid& uid, const std::vector<cedar::EntityUid>& uids, const cedar::EntityView& entities) {
  return std::ranges::any_of(uids, [&](const cedar::EntityUid& other) { return uid == other || entities.IsDescendant(uid, other); });
}

}  // namespace

ExprPtr ForResource(const ExprPtr& residual, const cedar::EntityUid& resource, const cedar::EntityView& entities) {
  return Reduce(residual, [&](const Condition& condition, const std::vector<cedar::EntityUid>& uids) -> std::optional<bool> {
    if (condition.kind == Condition::Kind::kIn) return IsOrIsIn(resource, uids, entities);
    return std::ranges::find(uids, resource) != uids.end();
  });
}

ExprPtr ForMembers(const ExprPtr& residual, const cedar::EntityUid& container, const cedar::EntityView& entities) {
  return Reduce(residual, [&](const Condition& condition, const std::vector<cedar::EntityUid>& uids) -> std::optional<bool> {
    if (condition.kind == Condition::Kind::kIn && IsOrIsIn(container, uids, entities)) return true;
    return std::nullopt;
  });
}

}  // namespace remit::task
