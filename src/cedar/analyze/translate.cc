// Control flow: what is evaluated only if something else is true or false, and how cases are put together.
#include "cedar/analyze/translate.h"

namespace remit::cedar::analyze {
namespace {

constexpr std::size_t kCases = 64;  // of one expression: nested `if`s multiply

}  // namespace

Translator::Made Translator::Bool(Formula truth) const {
  Case made;
  made.data.truth = truth;
  return made;
}

Translator::Made Translator::Unsupported() {
  unsupported_ = true;
  return std::nullopt;
}

Cases Translator::Limited(Cases cases) {
  std::erase_if(cases, [](const Case& one) { return one.guard == Formulas::kFalse; });
  if (cases.size() > kCases || formulas_.overflowed()) {
    unsupported_ = true;
    cases.clear();
  }
  return cases;
}

Truth Translator::Test(const Expr& expr) {
  switch (expr.op) {
    case Op::kAnd: {
      const Truth left = Test(*expr.args[0]);
      if (left.when_true == Formulas::kFalse) return left;
      const Truth right = Test(*expr.args[1]);
      return {formulas_.And(left.when_true, right.when_true), formulas_.Or(left.when_false, formulas_.And(left.when_true, right.when_false))};
    }
    case Op::kOr: {
      const Truth left = Test(*expr.args[0]);
      if (left.when_false == Formulas::kFalse) return left;
      const Truth right = Test(*expr.args[1]);
      return {formulas_.Or(left.when_true, formulas_.And(left.when_false, right.when_true)), formulas_.And(left.when_false, right.when_false)};
    }
    case Op::kNot: {
      const Truth operand = Test(*expr.args[0]);
      return {operand.when_false, operand.when_true};
    }
    case Op::kIf: return TestIf(expr);
    case Op::kIsIn: return TestIsIn(expr);
    case Op::kHas: return TestHas(expr);
    default: break;
  }
  std::vector<Formula> when_true, when_false;
  for (const Case& one : Evaluate(expr)) {
    if (one.data.kind != Data::Kind::kBool) continue;
    when_true.push_back(formulas_.And(one.guard, one.data.truth));
    when_false.push_back(formulas_.And(one.guard, formulas_.Not(one.data.truth)));
  }
  return {formulas_.Or(std::move(when_true)), formulas_.Or(std::move(when_false))};
}

Truth Translator::TestIf(const Expr& expr) {
  const Truth test = Test(*expr.args[0]);
  const Truth then = test.when_true == Formulas::kFalse ? Truth{} : Test(*expr.args[1]);
  const Truth otherwise = test.when_false == Formulas::kFalse ? Truth{} : Test(*expr.args[2]);
  return {formulas_.Or(formulas_.And(test.when_true, then.when_true), formulas_.And(test.when_false, otherwise.when_true)),
          formulas_.Or(formulas_.And(test.when_true, then.when_false), formulas_.And(test.when_false, otherwise.when_false))};
}

// `e is T in x` asks `x` only where `e is T`.
Truth Translator::TestIsIn(const Expr& expr) {
  std::vector<Formula> when_true, when_false;
  const Cases objects = Evaluate(*expr.args[0]);
  const Cases groups = Evaluate(*expr.args[1]);
  for (const Case& object : objects) {
    if (!logic_.IsEntityData(object.data)) continue;
    if (object.data.type->name != expr.name) {
      when_false.push_back(object.guard);
      continue;
    }
    for (const Case& group : groups) {
      const Made in = ApplyIn(object.data, group.data);
      if (!in) continue;
      const Formula guard = formulas_.And({object.guard, group.guard, in->guard});
      when_true.push_back(formulas_.And(guard, in->data.truth));
      when_false.push_back(formulas_.And(guard, formulas_.Not(in->data.truth)));
    }
  }
  return {formulas_.Or(std::move(when_true)), formulas_.Or(std::move(when_false))};
}

// `e has a.b` goes on only where `e has a`, and fails where `e.a` can have nothing.
Truth Translator::TestHas(const Expr& expr) {
  std::vector<Formula> when_true, when_false;
  for (const Case& one : Evaluate(*expr.args[0])) {
    Formula guard = one.guard;
    Data object = one.data;
    for (std::size_t i = 0; i < expr.path.size(); ++i) {
      if (!logic_.IsEntityData(object) && !logic_.IsRecordData(object)) break;
      const Formula has = logic_.Has(object, expr.path[i]);
      when_false.push_back(formulas_.And(guard, formulas_.Not(has)));
      guard = formulas_.And(guard, has);
      if (guard == Formulas::kFalse) break;
      if (i + 1 == expr.path.size()) {
        when_true.push_back(guard);
        break;
      }
      std::optional<Data> next = logic_.Get(object, expr.path[i]);
      if (!next) break;
      object = std::move(*next);
    }
  }
  return {formulas_.Or(std::move(when_true)), formulas_.Or(std::move(when_false))};
}

Cases Translator::Evaluate(const Expr& expr) {
  switch (expr.op) {
    case Op::kLiteral: return {{Formulas::kTrue, logic_.OfValue(expr.literal)}};
    case Op::kVar: return Root(expr.var);
    case Op::kSlot:
    case Op::kUnknown: Unsupported(); return {};
    case Op::kAnd:
    case Op::kOr:
    case Op::kNot:
    case Op::kIsIn:
    case Op::kHas: {
      const Truth truth = Test(expr);
      Case made{formulas_.Or(truth.when_true, truth.when_false), {}};
      made.data.truth = truth.when_true;
      return Limited({made});
    }
    case Op::kIf: return EvaluateIf(expr);
    case Op::kSet: return EvaluateSet(expr);
    case Op::kRecord: return EvaluateRecord(expr);
    default: return Combine(expr.args, [&](const std::vector<const Data*>& operands) { return Apply(expr, operands); });
  }
}

Cases Translator::Root(Var var) {
  switch (var) {
    case Var::kPrincipal: return {{Formulas::kTrue, logic_.OfTerm(terms_.Root("principal", environment_.principal))}};
    case Var::kResource: return {{Formulas::kTrue, logic_.OfTerm(terms_.Root("resource", environment_.resource))}};
    case Var::kContext: return {{Formulas::kTrue, logic_.OfTerm(terms_.Root("context", environment_.context))}};
    case Var::kAction: break;  // each environment knows it, so that it is a literal by now
  }
  Unsupported();
  return {};
}

Cases Translator::EvaluateIf(const Expr& expr) {
  const Truth test = Test(*expr.args[0]);
  Cases cases;
  if (test.when_true != Formulas::kFalse) {
    for (Case& one : Evaluate(*expr.args[1])) cases.push_back({formulas_.And(test.when_true, one.guard), std::move(one.data)});
  }
  if (test.when_false != Formulas::kFalse) {
    for (Case& one : Evaluate(*expr.args[2])) cases.push_back({formulas_.And(test.when_false, one.guard), std::move(one.data)});
  }
  return Limited(std::move(cases));
}

Cases Translator::Combine(const Operands& operands, const std::function<Made(const std::vector<const Data*>&)>& make) {
  std::vector<Cases> of;
  std::size_t count = 1;
  for (const ExprPtr& operand : operands) {
    of.push_back(Evaluate(*operand));
    count *= of.back().size();
    if (count > kCases) {
      unsupported_ = true;
      return {};
    }
  }
  Cases made;
  for (std::size_t combination = 0; combination < count; ++combination) {
    std::size_t rest = combination;
    std::vector<Formula> guards;
    std::vector<const Data*> data;
    for (const Cases& cases : of) {
      const Case& one = cases[rest % cases.size()];
      rest /= cases.size();
      guards.push_back(one.guard);
      data.push_back(&one.data);
    }
    const Formula guard = formulas_.And(std::move(guards));
    if (guard == Formulas::kFalse) continue;
    Made one = make(data);
    if (one) made.push_back({formulas_.And(guard, one->guard), std::move(one->data)});
  }
  return Limited(std::move(made));
}

Cases Translator::EvaluateSet(const Expr& expr) {
  return Combine(expr.args, [](const std::vector<const Data*>& operands) -> Made {
    Case made;
    made.data.kind = Data::Kind::kSet;
    for (const Data* member : operands) made.data.members.push_back(*member);
    return made;
  });
}

Cases Translator::EvaluateRecord(const Expr& expr) {
  Operands values;
  for (const auto& [name, value] : expr.fields) values.push_back(value);
  return Combine(values, [&](const std::vector<const Data*>& operands) -> Made {
    Case made;
    made.data.kind = Data::Kind::kRecord;
    for (std::size_t i = 0; i < operands.size(); ++i) made.data.fields.emplace(expr.fields[i].first, *operands[i]);
    return made;
  });
}

}  // namespace remit::cedar::analyze
