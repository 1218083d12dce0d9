// Making and comparing trees. Writing them as source is print.cc's.
#include "cedar/ast.h"

#include <algorithm>
#include <span>

namespace remit::cedar {
namespace {

ExprPtr MakeNode(Op op, Operands args, Span span) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  expr->args = std::move(args);
  expr->span = std::move(span);
  return expr;
}

// From the first byte of `a` to the last of `b`, if both stand in one file.
Span Join(const Span& a, const Span& b) {
  Span span = a;
  if (a.file == b.file) span.end = std::max(a.end, b.end);
  return span;
}

// The parser's limit on height follows the same cuts (ChainHeight).
ExprPtr ChainOf(Op op, std::span<const ExprPtr> operands) {
  if (operands.size() > kChainLength) {
    const std::size_t half = operands.size() / 2;
    ExprPtr left = ChainOf(op, operands.first(half)), right = ChainOf(op, operands.subspan(half));
    Span span = Join(left->span, right->span);
    return MakeNode(op, {std::move(left), std::move(right)}, std::move(span));
  }
  ExprPtr chain = operands.front();
  for (const ExprPtr& next : operands.subspan(1)) {
    Span span = Join(chain->span, next->span);
    chain = MakeNode(op, {std::move(chain), next}, std::move(span));
  }
  return chain;
}

ExprPtr ScopeTarget(const ScopeConstraint& constraint) {
  if (!constraint.slot.empty()) {
    auto slot = std::make_shared<Expr>();
    slot->op = Op::kSlot;
    slot->name = constraint.slot;
    slot->span = constraint.span;
    return slot;
  }
  if (constraint.kind != ScopeConstraint::Kind::kInSet) return MakeLiteral(constraint.entities.front(), constraint.span);
  Operands members;
  for (const EntityUid& uid : constraint.entities) members.push_back(MakeLiteral(uid, constraint.span));
  return MakeNode(Op::kSet, std::move(members), constraint.span);
}

// Null for a constraint that always holds.
ExprPtr ScopeExpr(const ScopeConstraint& constraint, Var var) {
  using Kind = ScopeConstraint::Kind;
  if (constraint.kind == Kind::kAny) return nullptr;
  auto variable = std::make_shared<Expr>();
  variable->op = Op::kVar;
  variable->var = var;
  variable->span = constraint.span;
  auto expr = std::make_shared<Expr>();
  expr->op = constraint.kind == Kind::kEqual  ? Op::kEqual
             : constraint.kind == Kind::kIs   ? Op::kIs
             : constraint.kind == Kind::kIsIn ? Op::kIsIn
                                              : Op::kIn;
  expr->name = constraint.type;
  expr->span = constraint.span;
  expr->args.push_back(std::move(variable));
  if (constraint.kind != Kind::kIs) expr->args.push_back(ScopeTarget(constraint));
  return expr;
}

bool EqualScopes(const ScopeConstraint& a, const ScopeConstraint& b) {
  return a.kind == b.kind && a.type == b.type && a.entities == b.entities && a.slot == b.slot;
}

bool EqualFields(const Expr& a, const Expr& b) {
  return std::ranges::equal(a.fields, b.fields, [](const auto& x, const auto& y) { return x.first == y.first && Equal(*x.second, *y.second); });
}

}  // namespace

ExprPtr MakeLiteral(Value value, Span span) {
  auto expr = std::make_shared<Expr>();
  expr->literal = std::move(value);
  expr->span = std::move(span);
  return expr;
}

ExprPtr MakeChain(Op op, const std::vector<ExprPtr>& operands) {
  REMIT_CHECK(op == Op::kAnd || op == Op::kOr);
  if (operands.empty()) return MakeLiteral(op == Op::kAnd);
  return ChainOf(op, operands);
}

bool Equal(const Expr& a, const Expr& b) {
  if (&a == &b) return true;
  if (a.op != b.op || a.name != b.name || a.path != b.path || a.pattern != b.pattern) return false;
  if (a.op == Op::kLiteral && a.literal != b.literal) return false;
  if (a.op == Op::kVar && a.var != b.var) return false;
  return std::ranges::equal(a.args, b.args, [](const ExprPtr& x, const ExprPtr& y) { return Equal(*x, *y); }) && EqualFields(a, b);
}

const Annotation* Policy::FindAnnotation(std::string_view name) const {
  const auto found = annotations.find(name);
  return found == annotations.end() ? nullptr : &found->second;
}

ExprPtr Policy::AsExpr() const {
  std::vector<ExprPtr> parts;
  for (ExprPtr part : {ScopeExpr(principal, Var::kPrincipal), ScopeExpr(action, Var::kAction), ScopeExpr(resource, Var::kResource)}) {
    if (part != nullptr) parts.push_back(std::move(part));
  }
  for (const Condition& condition : conditions) {
    parts.push_back(condition.when ? condition.body : MakeNode(Op::kNot, {condition.body}, condition.body->span));
  }
  return MakeChain(Op::kAnd, parts);
}

bool Equal(const Policy& a, const Policy& b) {
  return a.effect == b.effect && EqualScopes(a.principal, b.principal) && EqualScopes(a.action, b.action) && EqualScopes(a.resource, b.resource) &&
         std::ranges::equal(
             a.annotations, b.annotations,
             [](const auto& x, const auto& y) { return x.first == y.first && x.second.value == y.second.value && x.second.bare == y.second.bare; }) &&
         std::ranges::equal(a.conditions, b.conditions, [](const auto& x, const auto& y) { return x.when == y.when && Equal(*x.body, *y.body); });
}

}  // namespace remit::cedar
