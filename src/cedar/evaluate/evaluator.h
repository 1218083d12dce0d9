// Evaluation of one expression over the shared tree: nothing is copied that can be pointed to.
//
// Two error channels: what this class reports is the policy's own failure (a type error, a missing attribute, an overflow). The host's
// failures do not occur here: evaluation reads memory only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/limits.h"
#include "cedar/ast.h"
#include "cedar/authorizer.h"
#include "cedar/entities.h"

namespace remit::cedar {

// How high a tree may be: what the parser's limit leaves room for, as a policy written as one expression adds the chain of its conditions.
inline constexpr std::size_t kEvaluationDepth = limits::kCedarDepth + 2 * kChainLength;

// What an expression came to: a value that lives elsewhere (in the tree, the request or an entity), or one made here.
class Operand {
 public:
  Operand() = default;
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  void Borrow(const Value& value) { elsewhere_ = &value; }
  void Own(Value value) { own_ = std::move(value), elsewhere_ = nullptr; }
  bool IsOwn() const { return elsewhere_ == nullptr; }
  const Value& operator*() const { return elsewhere_ != nullptr ? *elsewhere_ : own_; }
  const Value* operator->() const { return &**this; }

 private:
  const Value* elsewhere_ = nullptr;
  Value own_;
};

// One evaluation at a time, by one thread. Request and entities must outlive it, and the operands that it fills.
class Evaluator {
 public:
  // With `escaping`, values that it makes may outlive the request.
  Evaluator(const Request& request, const EntityView& entities, bool escaping = false);

  bool Evaluate(const Expr& expr, Operand& out);       // false: failed, see error()
  std::optional<bool> EvaluateBool(const Expr& expr);  // nothing: failed, or not a boolean

  const Error& error() const { return error_; }  // of the last failure: reason `evaluation-error`, place of the innermost part

 private:
  bool EvaluateAt(const Expr& expr, Operand& out);
  std::optional<bool> BoolAt(const Expr& expr);
  std::optional<bool> And(const Expr& expr);
  std::optional<bool> Or(const Expr& expr);
  std::optional<bool> Compare(const Expr& expr);
  std::optional<bool> In(const Expr& expr, const Value& left, const Expr& right);
  std::optional<bool> Is(const Expr& expr);
  std::optional<bool> Has(const Expr& expr);
  std::optional<bool> Like(const Expr& expr);
  std::optional<bool> SetTest(const Expr& expr);
  std::optional<bool> HasTag(const Expr& expr);
  bool Arithmetic(const Expr& expr, Operand& out);
  bool Negate(const Expr& expr, Operand& out);
  bool GetAttr(const Expr& expr, Operand& out);
  bool GetTag(const Expr& expr, Operand& out);
  bool MakeSet(const Expr& expr, Operand& out);
  bool MakeRecord(const Expr& expr, Operand& out);
  bool Call(const Expr& expr, Operand& out);
  bool Variable(Var var, Operand& out);

  const Record* AttributesOf(const Expr& expr, const Value& value, bool& failed);
  bool Expect(const Expr& expr, const Value& value, Value::Kind kind);
  bool Fail(const Expr& expr, std::string message, std::string hint = {});
  bool FailOverflow(const Expr& expr, std::string_view verb, const Value& left, const Value& right);

  const Request& request_;
  const EntityView& entities_;
  const bool escaping_;
  std::optional<Value> vars_[3];  // principal, action, resource as values, once they are needed
  std::size_t depth_ = 0;
  Error error_;
};

}  // namespace remit::cedar
