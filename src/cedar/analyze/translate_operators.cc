// Operators that evaluate all their operands: comparison, arithmetic, sets, hierarchy, tags and the extension types.
#include <fmt/format.h>

#include <algorithm>

#include "cedar/analyze/translate.h"
#include "cedar/language/escape.h"
#include "cedar/language/ext.h"

namespace remit::cedar::analyze {
namespace {

using Kind = Data::Kind;

constexpr Int128 kLargeMultiple = Int128(1) << 60;

bool IsNumberOf(const Data& data, std::string_view extension) {
  return data.kind == Kind::kNumber && (extension.empty() ? data.type->kind == StaticType::Kind::kLong : data.type->name == extension);
}

bool IsIpData(const Data& data) { return data.kind == Kind::kTerm && IsIp(*data.type); }

Linear Times(const Linear& linear, Int128 factor) {
  Linear product;
  for (const auto& [term, multiple] : linear.multiples) {
    if (factor != 0) product.multiples[term] = multiple * factor;
  }
  product.constant = linear.constant * factor;
  return product;
}

bool IsSmall(const Linear& linear) {
  for (const auto& [term, multiple] : linear.multiples) {
    if (multiple > kLargeMultiple || multiple < -kLargeMultiple) return false;
  }
  return linear.constant < (Int128(1) << 100) && linear.constant > -(Int128(1) << 100);
}

}  // namespace

Translator::Made Translator::Apply(const Expr& expr, const std::vector<const Data*>& operands) {
  const Data& left = *operands[0];
  const Data& right = operands.size() > 1 ? *operands[1] : left;
  switch (expr.op) {
    case Op::kEqual: return Bool(logic_.Equal(left, right));
    case Op::kNotEqual: return Bool(formulas_.Not(logic_.Equal(left, right)));
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return ApplyOrder(expr, left, right);
    case Op::kNegate:
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply: return ApplyArithmetic(expr, operands);
    case Op::kIn: return ApplyIn(left, right);
    case Op::kIs: return logic_.IsEntityData(left) ? Bool(left.type->name == expr.name) : std::nullopt;
    case Op::kGetAttr: {
      if (!logic_.IsEntityData(left) && !logic_.IsRecordData(left)) return std::nullopt;
      std::optional<Data> value = logic_.Get(left, expr.name);
      if (!value) return std::nullopt;
      return Case{logic_.Has(left, expr.name), std::move(*value)};
    }
    case Op::kLike: return ApplyLike(expr, left);
    case Op::kContains:
    case Op::kContainsAll:
    case Op::kContainsAny:
    case Op::kIsEmpty: return ApplySets(expr, left, right);
    case Op::kHasTag:
    case Op::kGetTag: {
      if (!logic_.IsEntityData(left) || !logic_.IsStringData(right)) return std::nullopt;
      const Formula has = logic_.HasTag(left, right);
      if (expr.op == Op::kHasTag) return Bool(has);
      std::optional<Data> value = logic_.GetTag(left, right);
      return value ? Made(Case{has, std::move(*value)}) : std::nullopt;
    }
    case Op::kCall: return ApplyCall(expr, operands);
    default: return Unsupported();
  }
}

Translator::Made Translator::ApplyOrder(const Expr& expr, const Data& left, const Data& right) {
  if (left.kind != Kind::kNumber || right.kind != Kind::kNumber || !MayBeEqual(*left.type, *right.type) || left.type->name == "decimal") {
    return std::nullopt;
  }
  Linear less = Minus(left.number, right.number), greater = Minus(right.number, left.number);
  switch (expr.op) {
    case Op::kLess: less.constant += 1; return Bool(logic_.AtMostZero(less));
    case Op::kLessEqual: return Bool(logic_.AtMostZero(less));
    case Op::kGreater: greater.constant += 1; return Bool(logic_.AtMostZero(greater));
    default: return Bool(logic_.AtMostZero(greater));
  }
}

// A sum that must fit 64 bits, else the operator fails.
Translator::Made Translator::Sum(const Data& left, const Data& right, Int128 sign, StaticTypePtr type) {
  Case made;
  made.data.kind = Kind::kNumber;
  made.data.type = std::move(type);
  made.data.number = analyze::Sum(left.number, right.number, sign);
  if (!IsSmall(made.data.number)) return Unsupported();
  made.guard = logic_.FitsLong(made.data.number);
  return made;
}

Translator::Made Translator::ApplyArithmetic(const Expr& expr, const std::vector<const Data*>& operands) {
  for (const Data* operand : operands) {
    if (!IsNumberOf(*operand, "")) return std::nullopt;
  }
  if (expr.op == Op::kNegate) {
    Data zero = *operands[0];
    zero.number = {};
    return Sum(zero, *operands[0], -1, LongType());
  }
  if (expr.op != Op::kMultiply) return Sum(*operands[0], *operands[1], expr.op == Op::kAdd ? 1 : -1, LongType());
  const Data& left = *operands[0];
  const Data& right = *operands[1];
  if (left.number.multiples.empty() || right.number.multiples.empty()) {
    const Data& factor = left.number.multiples.empty() ? left : right;
    Data product = left.number.multiples.empty() ? right : left;
    product.number = Times(product.number, factor.number.constant);
    if (!IsSmall(product.number)) return Unsupported();
    return Case{logic_.FitsLong(product.number), std::move(product)};
  }
  const auto a = logic_.TermOf(left), b = logic_.TermOf(right);
  if (!a || !b) return Unsupported();
  return OpaqueNumber("product", {std::min(*a, *b), std::max(*a, *b)}, LongType(), true);
}

Translator::Made Translator::OpaqueNumber(const std::string& name, std::vector<TermId> args, StaticTypePtr type, bool may_fail) {
  Case made;
  const TermId term = terms_.Opaque(name, std::move(args), std::move(type));
  made.data = logic_.OfTerm(term);
  if (may_fail) {
    Atom succeeds;
    succeeds.name = fmt::format("succeeds:{}", term);
    made.guard = formulas_.Of(succeeds);
  }
  return made;
}

Translator::Made Translator::ApplyIn(const Data& left, const Data& right) {
  if (!logic_.IsEntityData(left)) return std::nullopt;
  if (logic_.IsEntityData(right)) return Bool(logic_.In(left, right));
  if (right.kind == Kind::kSet) {
    for (const Data& group : right.members) {
      if (!logic_.IsEntityData(group)) return std::nullopt;
    }
    return Bool(logic_.InSet(left, right));
  }
  if (!logic_.IsSetData(right)) return std::nullopt;
  if (IsEntity(*right.type->element)) return Bool(logic_.InSet(left, right));
  return Unsupported();  // fails unless the set is empty
}

Translator::Made Translator::ApplySets(const Expr& expr, const Data& left, const Data& right) {
  if (!logic_.IsSetData(left)) return std::nullopt;
  if (expr.op == Op::kIsEmpty) return Bool(logic_.IsEmpty(left));
  if (expr.op == Op::kContains) return Bool(logic_.Contains(left, right));
  if (!logic_.IsSetData(right)) return std::nullopt;
  return Bool(expr.op == Op::kContainsAll ? logic_.Subset(right, left) : logic_.Overlap(left, right));
}

Translator::Made Translator::ApplyLike(const Expr& expr, const Data& text) {
  if (!logic_.IsStringData(text)) return std::nullopt;
  if (terms_[text.term].op == Term::Op::kValue) return Bool(Matches(expr.pattern, terms_[text.term].value.AsString()));
  if (std::ranges::none_of(expr.pattern, &PatternPart::wildcard)) {
    std::string whole;
    for (const PatternPart& part : expr.pattern) whole += part.literal;
    return Bool(logic_.Equal(text, logic_.OfValue(Value(std::move(whole)))));
  }
  Atom atom;
  atom.kind = Atom::Kind::kLike;
  atom.a = text.term;
  atom.pattern = expr.pattern;
  return Bool(formulas_.Of(atom));
}

Translator::Made Translator::ApplyCall(const Expr& expr, const std::vector<const Data*>& operands) {
  if (expr.name.starts_with("is")) return ApplyIp(expr, operands);
  for (const auto& [name, op] : {std::pair("lessThan", Op::kLess), std::pair("lessThanOrEqual", Op::kLessEqual),
                                 std::pair("greaterThan", Op::kGreater), std::pair("greaterThanOrEqual", Op::kGreaterEqual)}) {
    if (expr.name != name) continue;
    if (operands.size() != 2 || !IsNumberOf(*operands[0], "decimal") || !IsNumberOf(*operands[1], "decimal")) return std::nullopt;
    Expr order;
    order.op = op;
    Data left = *operands[0], right = *operands[1];
    left.type = right.type = LongType();
    return ApplyOrder(order, left, right);
  }
  return ApplyTime(expr, operands);
}

Translator::Made Translator::ApplyIp(const Expr& expr, const std::vector<const Data*>& operands) {
  for (const Data* operand : operands) {
    if (!IsIpData(*operand)) return std::nullopt;
  }
  const TermId ip = operands[0]->term;
  const auto in_range = [&](TermId range) {
    if (ip == range) return Formulas::kTrue;
    Atom atom;
    atom.kind = Atom::Kind::kInRange;
    atom.a = ip;
    atom.b = range;
    return formulas_.Of(atom);
  };
  const auto in_text = [&](const char* text) { return in_range(terms_.Of(Value(*ParseIpAddr(text)))); };
  if (expr.name == "isInRange" && operands.size() == 2) return Bool(in_range(operands[1]->term));
  if (operands.size() != 1) return std::nullopt;
  if (expr.name == "isLoopback") return Bool(formulas_.Or(in_text("127.0.0.0/8"), in_text("::1/128")));
  if (expr.name == "isMulticast") return Bool(formulas_.Or(in_text("224.0.0.0/4"), in_text("ff00::/8")));
  Atom atom;
  atom.kind = Atom::Kind::kIpv4;
  atom.a = ip;
  if (expr.name == "isIpv4") return Bool(formulas_.Of(atom));
  if (expr.name == "isIpv6") return Bool(formulas_.Not(formulas_.Of(atom)));
  return Unsupported();
}

Translator::Made Translator::ApplyTime(const Expr& expr, const std::vector<const Data*>& operands) {
  const Data& left = *operands[0];
  const Data& right = operands.size() > 1 ? *operands[1] : left;
  if (expr.name == "offset" && operands.size() == 2) {
    if (!IsNumberOf(left, "datetime") || !IsNumberOf(right, "duration")) return std::nullopt;
    return Sum(left, right, 1, left.type);
  }
  if (expr.name == "durationSince" && operands.size() == 2) {
    if (!IsNumberOf(left, "datetime") || !IsNumberOf(right, "datetime")) return std::nullopt;
    return Sum(left, right, -1, ExtensionTypeNamed("duration"));
  }
  if (operands.size() != 1) return Unsupported();
  const bool of_datetime = expr.name == "toDate" || expr.name == "toTime";
  if (!of_datetime && !expr.name.starts_with("to")) return Unsupported();  // a constructor with a text that is not known
  if (!IsNumberOf(left, of_datetime ? "datetime" : "duration")) return std::nullopt;
  if (expr.name == "toMilliseconds") {
    Case made{Formulas::kTrue, left};
    made.data.type = LongType();
    return made;
  }
  const auto argument = logic_.TermOf(left);
  if (!argument) return Unsupported();
  StaticTypePtr type = expr.name == "toDate" ? left.type : expr.name == "toTime" ? ExtensionTypeNamed("duration") : LongType();
  return OpaqueNumber(expr.name, {*argument}, std::move(type), expr.name == "toDate");
}

}  // namespace remit::cedar::analyze
