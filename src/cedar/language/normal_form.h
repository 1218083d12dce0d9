// What JSON does not tell apart, for tests: chains of && and || however they are nested, `has` with several steps and the tests that it
// stands for, an action list of one and that action.
#pragma once

#include <utility>
#include <vector>

#include "cedar/ast.h"

namespace remit::cedar {

inline ExprPtr NormalForm(const ExprPtr& expr);

inline void AppendOperands(const ExprPtr& expr, Op op, std::vector<ExprPtr>& out) {
  if (expr->op == Op::kHas && op == Op::kAnd && expr->path.size() > 1) {
    ExprPtr receiver = NormalForm(expr->args[0]);
    for (const std::string& name : expr->path) {
      auto test = std::make_shared<Expr>(), get = std::make_shared<Expr>();
      test->op = Op::kHas;
      test->path = {name};
      test->args = {receiver};
      out.push_back(std::move(test));
      get->op = Op::kGetAttr;
      get->name = name;
      get->args = {receiver};
      receiver = std::move(get);
    }
    return;
  }
  if (expr->op != op) return out.push_back(NormalForm(expr));
  for (const ExprPtr& arg : expr->args) AppendOperands(arg, op, out);
}

inline ExprPtr NormalForm(const ExprPtr& expr) {
  const bool chain = expr->op == Op::kAnd || expr->op == Op::kOr;
  if (chain || (expr->op == Op::kHas && expr->path.size() > 1)) {
    const Op op = chain ? expr->op : Op::kAnd;
    std::vector<ExprPtr> operands;
    AppendOperands(expr, op, operands);
    return MakeChain(op, operands);
  }
  auto copy = std::make_shared<Expr>(*expr);
  for (ExprPtr& arg : copy->args) arg = NormalForm(arg);
  for (auto& [name, field] : copy->fields) field = NormalForm(field);
  return copy;
}

inline Policy NormalForm(Policy policy) {
  if (policy.action.kind == ScopeConstraint::Kind::kInSet && policy.action.entities.size() == 1) policy.action.kind = ScopeConstraint::Kind::kIn;
  for (Policy::Condition& condition : policy.conditions) condition.body = NormalForm(condition.body);
  return policy;
}

inline bool EqualInNormalForm(const Policy& a, const Policy& b) { return Equal(NormalForm(a), NormalForm(b)); }

}  // namespace remit::cedar
