// Attributes, tags and presence; and comparisons of numbers in one canonical form, so that equal questions are one atom.
#include <fmt/format.h>

#include "cedar/analyze/data.h"

namespace remit::cedar::analyze {

using Kind = Data::Kind;

std::optional<DataLogic::Declared> DataLogic::Declares(const StaticType& type, const std::string& attribute) {
  if (IsRecord(type)) {
    const auto found = type.attributes.find(attribute);
    if (found == type.attributes.end()) return std::nullopt;
    return Declared{found->second.type, found->second.required};
  }
  const AttributeType* declared = DeclaredAttribute(schema_, type.name, attribute);
  if (declared == nullptr) return std::nullopt;
  return Declared{types_.Of(declared->type), declared->required};
}

const Entity* DataLogic::KnownEntity(const Data& data) const {
  const Term& term = terms_[data.term];
  return known_ != nullptr && term.op == Term::Op::kValue ? known_->Find(term.value.AsEntity()) : nullptr;
}

bool DataLogic::NeedsPresence(const std::string& entity_type) const {
  const EntityType* type = schema_.FindEntityType(entity_type);
  if (type == nullptr) return false;
  for (const auto& [name, attribute] : type->attributes) {
    if (attribute.required) return true;
  }
  return false;
}

Formula DataLogic::IsPresent(TermId entity) {
  const Term& term = terms_[entity];
  if (term.op == Term::Op::kRoot) return Formulas::kTrue;
  Atom atom;
  atom.kind = Atom::Kind::kPresent;
  atom.a = entity;
  return formulas_.Of(atom);
}

Formula DataLogic::Has(const Data& object, const std::string& attribute) {
  if (object.kind == Kind::kRecord) return object.fields.contains(attribute) ? Formulas::kTrue : Formulas::kFalse;
  const bool is_entity = IsEntity(*object.type);
  if (is_entity) {
    if (const Entity* known = KnownEntity(object)) return known->attributes.contains(attribute) ? Formulas::kTrue : Formulas::kFalse;
  }
  const auto declared = Declares(*object.type, attribute);
  if (!declared) return Formulas::kFalse;
  if (declared->required) return is_entity ? IsPresent(object.term) : Formulas::kTrue;
  Atom atom;
  atom.kind = Atom::Kind::kHas;
  atom.a = object.term;
  atom.name = attribute;
  return formulas_.Of(atom);
}

std::optional<Data> DataLogic::Get(const Data& object, const std::string& attribute) {
  if (object.kind == Kind::kRecord) {
    const auto found = object.fields.find(attribute);
    return found == object.fields.end() ? std::nullopt : std::optional(found->second);
  }
  if (IsEntity(*object.type)) {
    if (const Entity* known = KnownEntity(object)) {
      const auto found = known->attributes.find(attribute);
      return found == known->attributes.end() ? std::nullopt : std::optional(OfValue(found->second));
    }
  }
  const auto declared = Declares(*object.type, attribute);
  if (!declared) return std::nullopt;
  return OfTerm(terms_.Attr(object.term, attribute, declared->type));
}

Formula DataLogic::HasTag(const Data& entity, const Data& tag) {
  const EntityType* type = schema_.FindEntityType(entity.type->name);
  if (type == nullptr || type->tags == nullptr) return Formulas::kFalse;
  Atom atom;
  atom.kind = Atom::Kind::kHasTag;
  atom.a = entity.term;
  atom.b = tag.term;
  return formulas_.Of(atom);
}

std::optional<Data> DataLogic::GetTag(const Data& entity, const Data& tag) {
  const EntityType* type = schema_.FindEntityType(entity.type->name);
  if (type == nullptr || type->tags == nullptr) return std::nullopt;
  return OfTerm(terms_.Tag(entity.term, tag.term, types_.Of(type->tags)));
}

// ---- Numbers.

namespace {

Int128 Gcd(Int128 a, Int128 b) {
  if (a < 0) a = -a;
  if (b < 0) b = -b;
  return b == 0 ? a : Gcd(b, a % b);
}

}  // namespace

// One term against a bound, two against each other; any other sum is a term of its own, named by its parts, over which bounds are.
Formula DataLogic::AtMostZero(Linear linear) {
  if (linear.multiples.empty()) return linear.constant <= 0 ? Formulas::kTrue : Formulas::kFalse;
  Int128 divisor = 0;
  for (const auto& [term, multiple] : linear.multiples) divisor = Gcd(divisor, multiple);
  Int128 bound = FloorDivide(-linear.constant, divisor);
  for (auto& [term, multiple] : linear.multiples) multiple /= divisor;

  // Canonical: the first term comes positive. `-x <= b` is `!(x <= -b - 1)`.
  const bool turned = linear.multiples.begin()->second < 0;
  if (turned) {
    for (auto& [term, multiple] : linear.multiples) multiple = -multiple;
    bound = -bound - 1;
  }
  const auto answer = [&](Formula formula) { return turned ? formulas_.Not(formula) : formula; };
  Atom atom;
  atom.kind = Atom::Kind::kAtMost;
  atom.bound = bound;
  atom.a = linear.multiples.begin()->first;
  if (linear.multiples.size() == 1 && linear.multiples.begin()->second == 1) {
    if (bound >= kGreatestLong) return answer(Formulas::kTrue);
    if (bound < kLeastLong) return answer(Formulas::kFalse);
    return answer(formulas_.Of(atom));
  }
  if (linear.multiples.size() == 2 && linear.multiples.begin()->second == 1 && linear.multiples.rbegin()->second == -1) {
    atom.b = linear.multiples.rbegin()->first;
    return answer(formulas_.Of(atom));
  }
  std::string name = "sum";
  std::vector<TermId> parts;
  for (const auto& [term, multiple] : linear.multiples) {
    name += fmt::format(":{}", static_cast<std::int64_t>(multiple));
    parts.push_back(term);
  }
  atom.a = terms_.Opaque(name, std::move(parts), LongType());
  return answer(formulas_.Of(atom));
}

Formula DataLogic::FitsLong(const Linear& linear) {
  Linear above = linear, below;
  above.constant -= kGreatestLong;
  for (const auto& [term, multiple] : linear.multiples) below.multiples[term] = -multiple;
  below.constant = kLeastLong - linear.constant;
  return formulas_.And(AtMostZero(std::move(above)), AtMostZero(std::move(below)));
}

}  // namespace remit::cedar::analyze
