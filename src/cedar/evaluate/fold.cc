// Bottom-up: a node all of whose parts are literals is evaluated if it is of a kind worth it.
#include "cedar/evaluate/fold.h"

#include <algorithm>

#include "cedar/language/ext_functions.h"

namespace remit::cedar {
namespace {

bool IsLiteral(const ExprPtr& expr) { return expr->op == Op::kLiteral; }

// Null where the node is not a constant, or fails.
ExprPtr Constant(const Expr& expr) {
  if (expr.op == Op::kSet && std::ranges::all_of(expr.args, IsLiteral)) {
    std::vector<Value> members;
    for (const ExprPtr& arg : expr.args) members.push_back(arg->literal);
    return MakeLiteral(Value::Set(std::move(members)), expr.span);
  }
  if (expr.op == Op::kRecord && std::ranges::all_of(expr.fields, [](const auto& field) { return IsLiteral(field.second); })) {
    Record record;
    for (const auto& [name, field] : expr.fields) record.emplace(name, field->literal);
    return MakeLiteral(Value::FromRecord(std::move(record)), expr.span);
  }
  if (expr.op == Op::kCall && std::ranges::all_of(expr.args, IsLiteral)) {
    const ExtensionFunction* function = FindExtensionFunction(expr.name);
    std::vector<const Value*> arguments;
    for (const ExprPtr& arg : expr.args) arguments.push_back(&arg->literal);
    if (function == nullptr) return nullptr;
    auto value = CallExtension(*function, arguments);
    return value ? MakeLiteral(std::move(*value), expr.span) : nullptr;
  }
  return nullptr;
}

}  // namespace

ExprPtr FoldConstants(const ExprPtr& expr) {
  std::shared_ptr<Expr> changed;
  auto replace = [&](auto member) {
    if (changed == nullptr) changed = std::make_shared<Expr>(*expr);
    return member(*changed);
  };
  for (std::size_t i = 0; i < expr->args.size(); ++i) {
    ExprPtr folded = FoldConstants(expr->args[i]);
    if (folded != expr->args[i]) replace([&](Expr& e) { e.args[i] = std::move(folded); });
  }
  for (std::size_t i = 0; i < expr->fields.size(); ++i) {
    ExprPtr folded = FoldConstants(expr->fields[i].second);
    if (folded != expr->fields[i].second) replace([&](Expr& e) { e.fields[i].second = std::move(folded); });
  }
  const ExprPtr result = changed != nullptr ? ExprPtr(changed) : expr;
  ExprPtr constant = Constant(*result);
  return constant != nullptr ? constant : result;
}

}  // namespace remit::cedar
