// Expressions as formulas: when an expression is true, when it is false, and so (where neither) when it fails.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cedar/analyze/data.h"
#include "cedar/ast.h"

namespace remit::cedar::analyze {

// INVARIANT: never both; where neither is, evaluation fails or does not give a boolean.
struct Truth {
  Formula when_true = Formulas::kFalse, when_false = Formulas::kFalse;
};

// Under `guard` the expression has this value. The guards of one expression exclude each other; where none is, it fails.
struct Case {
  Formula guard = Formulas::kTrue;
  Data data;
};
using Cases = std::vector<Case>;

class Translator {
 public:
  // The types of the request environment. All must outlive the translator.
  struct Environment {
    StaticTypePtr principal, resource, context;
  };

  Translator(const Environment& environment, DataLogic& logic, Terms& terms, Formulas& formulas)
      : environment_(environment), logic_(logic), terms_(terms), formulas_(formulas) {}

  // When `expr` is true. Exact, unless `unsupported` is set: then it means nothing.
  Formula WhenTrue(const Expr& expr) { return Test(expr).when_true; }

  bool unsupported() const { return unsupported_ || logic_.unsupported(); }

 private:
  using Made = std::optional<Case>;  // nothing: an error

  Truth Test(const Expr& expr);
  Cases Evaluate(const Expr& expr);

  // translate.cc: control flow and construction.
  Cases Root(Var var);
  Truth TestIf(const Expr& expr);
  Truth TestIsIn(const Expr& expr);
  Truth TestHas(const Expr& expr);
  Cases EvaluateIf(const Expr& expr);
  Cases EvaluateSet(const Expr& expr);
  Cases EvaluateRecord(const Expr& expr);
  // All combinations of the operands' cases, each made into one by `make`.
  Cases Combine(const Operands& operands, const std::function<Made(const std::vector<const Data*>&)>& make);
  Cases Limited(Cases cases);

  // translate_operators.cc: operators that evaluate all their operands.
  Made Apply(const Expr& expr, const std::vector<const Data*>& operands);
  Made ApplyOrder(const Expr& expr, const Data& left, const Data& right);
  Made ApplyArithmetic(const Expr& expr, const std::vector<const Data*>& operands);
  Made ApplyIn(const Data& left, const Data& right);
  Made ApplySets(const Expr& expr, const Data& left, const Data& right);
  Made ApplyLike(const Expr& expr, const Data& text);
  Made ApplyCall(const Expr& expr, const std::vector<const Data*>& operands);
  Made ApplyIp(const Expr& expr, const std::vector<const Data*>& operands);
  Made ApplyTime(const Expr& expr, const std::vector<const Data*>& operands);
  Made OpaqueNumber(const std::string& name, std::vector<TermId> args, StaticTypePtr type, bool may_fail);
  Made Sum(const Data& left, const Data& right, Int128 sign, StaticTypePtr type);

  Made Bool(Formula truth) const;
  Made Bool(bool truth) const { return Bool(truth ? Formulas::kTrue : Formulas::kFalse); }
  Made Unsupported();

  const Environment& environment_;
  DataLogic& logic_;
  Terms& terms_;
  Formulas& formulas_;
  bool unsupported_ = false;
};

}  // namespace remit::cedar::analyze
