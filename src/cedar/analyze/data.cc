// Values, equality, sets and the hierarchy as formulas.
#include "cedar/analyze/data.h"

#include <algorithm>

namespace remit::cedar::analyze {

using Kind = Data::Kind;

Linear Sum(const Linear& left, const Linear& right, Int128 sign) {
  Linear sum = left;
  for (const auto& [term, multiple] : right.multiples) sum.multiples[term] += sign * multiple;
  sum.constant += sign * right.constant;
  std::erase_if(sum.multiples, [](const auto& part) { return part.second == 0; });
  return sum;
}

Formula DataLogic::Unsupported() {
  unsupported_ = true;
  return Formulas::kFalse;
}

Data DataLogic::OfTerm(TermId term) const {
  const Term& of = terms_[term];
  if (of.op == Term::Op::kValue && !IsEntity(*of.type) && !IsString(*of.type) && !IsIp(*of.type)) return OfValue(of.value);
  Data data;
  data.type = of.type;
  if (of.type->IsBool()) {
    Atom atom;
    atom.kind = Atom::Kind::kTrue;
    atom.a = term;
    data.truth = formulas_.Of(atom);
  } else if (IsNumber(*of.type)) {
    data.kind = Kind::kNumber;
    data.number.multiples[term] = 1;
  } else {
    data.kind = Kind::kTerm;
    data.term = term;
  }
  return data;
}

Data DataLogic::OfValue(const Value& value) const {
  Data data;
  switch (value.kind()) {
    case Value::Kind::kBool: data.truth = value.AsBool() ? Formulas::kTrue : Formulas::kFalse; break;
    case Value::Kind::kSet:
      data.kind = Kind::kSet;
      for (const Value& member : value.AsSet()) data.members.push_back(OfValue(member));
      break;
    case Value::Kind::kRecord:
      data.kind = Kind::kRecord;
      for (const auto& [name, field] : value.AsRecord()) data.fields.emplace(name, OfValue(field));
      break;
    case Value::Kind::kString:
    case Value::Kind::kEntity:
    case Value::Kind::kIpAddr:
      data.kind = Kind::kTerm;
      data.term = terms_.Of(value);
      data.type = terms_[data.term].type;
      break;
    default:
      data.kind = Kind::kNumber;
      data.type = TypeOfValue(value);
      data.number.constant = NumberOf(value);
  }
  return data;
}

std::optional<TermId> DataLogic::TermOf(const Data& data) {
  if (data.kind == Kind::kTerm) return data.term;
  if (data.kind == Kind::kBool && formulas_.ShapeOf(data.truth) == Formulas::Shape::kConstant) {
    return terms_.Of(Value(data.truth == Formulas::kTrue));
  }
  if (data.kind == Kind::kBool && data.type != nullptr && formulas_.ShapeOf(data.truth) == Formulas::Shape::kLiteral &&
      !formulas_.IsNegated(data.truth) && formulas_[formulas_.AtomOf(data.truth)].kind == Atom::Kind::kTrue) {
    return formulas_[formulas_.AtomOf(data.truth)].a;
  }
  if (data.kind != Kind::kNumber) return std::nullopt;
  const Linear& number = data.number;
  if (number.multiples.empty() && number.constant == static_cast<std::int64_t>(number.constant)) {
    return terms_.Of(ValueOfNumber(static_cast<std::int64_t>(number.constant), *data.type));
  }
  if (number.multiples.size() != 1 || number.multiples.begin()->second != 1 || number.constant != 0) return std::nullopt;
  return AsType(number.multiples.begin()->first, data.type);
}

TermId DataLogic::AsType(TermId number, const StaticTypePtr& type) {
  const StaticType& own = *terms_[number].type;
  if (own.kind == type->kind && own.name == type->name) return number;
  return terms_.Opaque(std::string(kAsType) + type->ToString(), {number}, type);
}

const StaticType* DataLogic::TypeOf(const Data& data) const { return data.kind == Kind::kBool ? BoolType().get() : data.type.get(); }

// ---- Equality.

Formula DataLogic::EqualTerms(TermId a, TermId b, Atom::Kind kind) {
  if (a == b) return Formulas::kTrue;
  if (terms_[a].op == Term::Op::kValue && terms_[b].op == Term::Op::kValue) return Formulas::kFalse;
  Atom atom;
  atom.kind = kind;
  atom.a = std::min(a, b);
  atom.b = std::max(a, b);
  return formulas_.Of(atom);
}

Formula DataLogic::Equal(const Data& a, const Data& b) {
  if (++comparisons_ > kComparisons) return Unsupported();
  if (IsSetData(a) || IsSetData(b)) return IsSetData(a) && IsSetData(b) ? formulas_.And(Subset(a, b), Subset(b, a)) : Formulas::kFalse;
  if (IsRecordData(a) || IsRecordData(b)) return IsRecordData(a) && IsRecordData(b) ? EqualRecords(a, b) : Formulas::kFalse;
  if (a.kind != b.kind) return Formulas::kFalse;
  if (a.kind == Kind::kBool) return formulas_.Same(a.truth, b.truth);
  if (!MayBeEqual(*a.type, *b.type)) return Formulas::kFalse;
  if (a.kind == Kind::kTerm) return EqualTerms(a.term, b.term, Atom::Kind::kEqual);
  return formulas_.And(AtMostZero(Minus(a.number, b.number)), AtMostZero(Minus(b.number, a.number)));
}

std::vector<std::string> DataLogic::AttributesOf(const Data& record) const {
  std::vector<std::string> names;
  if (record.kind == Kind::kRecord) {
    for (const auto& [name, field] : record.fields) names.push_back(name);
  } else {
    for (const auto& [name, attribute] : record.type->attributes) names.push_back(name);
  }
  return names;
}

Formula DataLogic::EqualRecords(const Data& a, const Data& b) {
  if (a.kind == Kind::kTerm && b.kind == Kind::kTerm && a.term == b.term) return Formulas::kTrue;
  std::vector<std::string> names = AttributesOf(a);
  std::ranges::move(AttributesOf(b), std::back_inserter(names));
  std::ranges::sort(names);  // what both have is compared once, or the cost doubles a level
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  std::vector<Formula> parts;
  for (const std::string& name : names) {
    const Formula in_a = Has(a, name), in_b = Has(b, name);
    parts.push_back(formulas_.Same(in_a, in_b));
    const auto of_a = Get(a, name), of_b = Get(b, name);
    if (of_a && of_b) parts.push_back(formulas_.Implies(formulas_.And(in_a, in_b), Equal(*of_a, *of_b)));
  }
  return formulas_.And(std::move(parts));
}

// ---- Sets.

Formula DataLogic::Contains(const Data& set, const Data& member) {
  if (set.kind == Kind::kSet) {
    std::vector<Formula> parts;
    for (const Data& one : set.members) parts.push_back(Equal(one, member));
    return formulas_.Or(std::move(parts));
  }
  const StaticType& element = *set.type->element;
  if (IsRecordData(member) ? !IsRecord(element) : IsSetData(member) ? !IsSet(element) : !MayBeEqual(element, *TypeOf(member))) {
    return Formulas::kFalse;
  }
  const auto term = TermOf(member);
  if (!term) return Unsupported();
  Atom atom;
  atom.kind = Atom::Kind::kMember;
  atom.a = set.term;
  atom.b = *term;
  return formulas_.Of(atom);
}

Formula DataLogic::Subset(const Data& inner, const Data& outer) {
  if (inner.kind == Kind::kSet) {
    std::vector<Formula> parts;
    for (const Data& one : inner.members) parts.push_back(Contains(outer, one));
    return formulas_.And(std::move(parts));
  }
  Atom atom;
  atom.a = inner.term;
  const StaticType& element = *inner.type->element;
  if (outer.kind == Kind::kTerm && MayBeEqual(element, *outer.type->element)) {
    if (inner.term == outer.term) return Formulas::kTrue;
    atom.kind = Atom::Kind::kSubsetOf;
    atom.b = outer.term;
    return formulas_.Of(atom);
  }
  atom.kind = Atom::Kind::kSubset;
  for (const Data& one : outer.members) {
    const bool fits = IsRecordData(one) ? IsRecord(element) : IsSetData(one) ? IsSet(element) : MayBeEqual(element, *TypeOf(one));
    if (!fits) continue;
    const auto term = TermOf(one);
    if (!term) return Unsupported();
    atom.terms.push_back(*term);
  }
  std::ranges::sort(atom.terms);
  const auto repeated = std::ranges::unique(atom.terms);
  atom.terms.erase(repeated.begin(), repeated.end());
  return formulas_.Of(atom);
}

Formula DataLogic::IsEmpty(const Data& set) {
  Data nothing;
  nothing.kind = Kind::kSet;
  return Subset(set, nothing);
}

Formula DataLogic::Overlap(const Data& a, const Data& b) {
  if (a.kind == Kind::kSet || b.kind == Kind::kSet) {
    const Data& listed = a.kind == Kind::kSet ? a : b;
    const Data& other = a.kind == Kind::kSet ? b : a;
    std::vector<Formula> parts;
    for (const Data& one : listed.members) parts.push_back(Contains(other, one));
    return formulas_.Or(std::move(parts));
  }
  if (a.term == b.term) return formulas_.Not(IsEmpty(a));
  if (!MayBeEqual(*a.type->element, *b.type->element)) return Formulas::kFalse;
  Atom atom;
  atom.kind = Atom::Kind::kOverlap;
  atom.a = std::min(a.term, b.term);
  atom.b = std::max(a.term, b.term);
  return formulas_.Of(atom);
}

// ---- Hierarchy.

Formula DataLogic::In(const Data& entity, const Data& group) {
  const Term &left = terms_[entity.term], &right = terms_[group.term];
  const std::string &child = left.type->name, &ancestor = right.type->name;
  if (entity.term == group.term) return Formulas::kTrue;
  const bool known = left.op == Term::Op::kValue && right.op == Term::Op::kValue;
  if (IsActionType(child)) {
    if (known) return schema_.ActionIn(left.value.AsEntity(), right.value.AsEntity()) ? Formulas::kTrue : Formulas::kFalse;
    return Unsupported();
  }
  if (!schema_.MayBeDescendant(child, ancestor)) return Equal(entity, group);
  if (known && known_ != nullptr && known_->IsDescendant(left.value.AsEntity(), right.value.AsEntity())) return Formulas::kTrue;
  Atom atom;
  atom.kind = Atom::Kind::kIn;
  atom.a = entity.term;
  atom.b = group.term;
  return formulas_.Of(atom);
}

Formula DataLogic::InSet(const Data& entity, const Data& set) {
  if (set.kind == Kind::kSet) {
    std::vector<Formula> parts;
    for (const Data& group : set.members) parts.push_back(In(entity, group));
    return formulas_.Or(std::move(parts));
  }
  const std::string &child = entity.type->name, &ancestor = set.type->element->name;
  if (IsActionType(child)) return Unsupported();
  if (!schema_.MayBeDescendant(child, ancestor)) return child == ancestor ? Contains(set, entity) : Formulas::kFalse;
  Atom atom;
  atom.kind = Atom::Kind::kInSet;
  atom.a = entity.term;
  atom.b = set.term;
  return formulas_.Of(atom);
}

}  // namespace remit::cedar::analyze
