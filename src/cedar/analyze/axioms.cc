// Axioms are made for the atoms at hand, and again for those that came with them, until there are no more.
#include "cedar/analyze/axioms.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace remit::cedar::analyze {
namespace {

using Kind = Atom::Kind;

// How many atoms may come on top of those that the policies have, and how many axioms there may be. Each axiom may need new atoms, and each
// pair of atoms about one set an axiom, so that only a bound in every loop is one.
constexpr AtomId kAtoms = 3000;
constexpr std::size_t kAxioms = 30'000;
constexpr std::size_t kListed = 32;  // entities of an enumerated type that are gone through

class Maker {
 public:
  Maker(const Schema& schema, DataLogic& logic, Terms& terms, Formulas& formulas)
      : schema_(schema), logic_(logic), terms_(terms), formulas_(formulas), atoms_(formulas.atom_count() + kAtoms) {}

  std::optional<std::vector<Formula>> Make() {
    TermId terms_done = 0;
    AtomId atoms_done = 0;
    while (atoms_done < formulas_.atom_count() || terms_done < terms_.size()) {
      if (IsFull()) return std::nullopt;
      if (atoms_done < formulas_.atom_count())
        OfAtom(atoms_done++);
      else
        OfTerm(terms_done++);
    }
    if (IsFull()) return std::nullopt;
    return std::move(axioms_);
  }

 private:
  bool IsFull() const { return formulas_.atom_count() >= atoms_ || axioms_.size() >= kAxioms || formulas_.overflowed(); }

  void Add(Formula formula) {
    if (formula != Formulas::kTrue) axioms_.push_back(formula);
  }

  Formula Literal(AtomId id) { return formulas_.Of(Atom(formulas_[id])); }
  Formula Equal(TermId a, TermId b) { return logic_.Equal(logic_.OfTerm(a), logic_.OfTerm(b)); }
  Formula Member(TermId set, TermId member) { return logic_.Contains(logic_.OfTerm(set), logic_.OfTerm(member)); }
  Formula In(TermId entity, TermId group) { return logic_.In(logic_.OfTerm(entity), logic_.OfTerm(group)); }

  void OfAtom(AtomId id) {
    const Atom atom = formulas_[id];
    switch (atom.kind) {
      case Kind::kHas:
      case Kind::kHasTag: NeedsPresence(id, Formulas::kFalse); break;
      case Kind::kIn: NeedsPresence(id, Equal(atom.a, atom.b)); break;
      case Kind::kMember:
        if (members_[atom.a].insert(atom.b).second) {
          for (const AtomId use : std::set<AtomId>(uses_[atom.a])) {
            if (IsFull()) return;
            OfMember(use, atom.a, atom.b);
          }
          EqualNumbers(id, atom);
        }
        break;
      case Kind::kSubset: {
        Use(id, atom.a);
        const TermId other = WitnessOf(id, atom.a);
        std::vector<Formula> parts{Literal(id), Member(atom.a, other)};
        Add(formulas_.Or(parts));
        for (const TermId one : atom.terms) Add(formulas_.Or(Literal(id), formulas_.Not(Equal(other, one))));
        break;
      }
      case Kind::kSubsetOf: {
        Use(id, atom.a);
        const TermId other = WitnessOf(id, atom.a);
        Add(formulas_.Or(Literal(id), Member(atom.a, other)));
        Add(formulas_.Or(Literal(id), formulas_.Not(Member(atom.b, other))));
        break;
      }
      case Kind::kOverlap: {
        Use(id, atom.a);
        Use(id, atom.b);
        const TermId common = WitnessOf(id, atom.a);
        Add(formulas_.Implies(Literal(id), Member(atom.a, common)));
        Add(formulas_.Implies(Literal(id), Member(atom.b, common)));
        break;
      }
      case Kind::kInSet: {
        Use(id, atom.b);
        const TermId group = WitnessOf(id, atom.b);
        Add(formulas_.Implies(Literal(id), Member(atom.b, group)));
        Add(formulas_.Implies(Literal(id), In(atom.a, group)));
        break;
      }
      default: break;
    }
  }

  // Equal numbers are members alike. Of other terms the closure knows it.
  void EqualNumbers(AtomId id, const Atom& atom) {
    if (!IsNumber(*terms_[atom.b].type)) return;
    for (const TermId other : std::set<TermId>(members_[atom.a])) {
      if (IsFull()) return;
      if (other == atom.b) continue;
      const Formula equal = Equal(atom.b, other);
      if (equal != Formulas::kFalse) Add(formulas_.Implies(equal, formulas_.Same(Literal(id), Member(atom.a, other))));
    }
  }

  // What asks about all members of a set is told of each that comes up.
  void Use(AtomId id, TermId set) {
    if (!uses_[set].insert(id).second) return;
    for (const TermId member : std::set<TermId>(members_[set])) {
      if (IsFull()) return;
      OfMember(id, set, member);
    }
  }

  void OfMember(AtomId use, TermId set, TermId member) {
    const Atom atom = formulas_[use];
    const Formula is_member = Member(set, member);
    switch (atom.kind) {
      case Kind::kSubset: {
        std::vector<Formula> one_of{formulas_.Not(Literal(use)), formulas_.Not(is_member)};
        for (const TermId one : atom.terms) one_of.push_back(Equal(member, one));
        Add(formulas_.Or(std::move(one_of)));
        break;
      }
      case Kind::kSubsetOf: Add(formulas_.Implies(formulas_.And(Literal(use), is_member), Member(atom.b, member))); break;
      case Kind::kOverlap: Add(formulas_.Implies(formulas_.And(is_member, Member(set == atom.a ? atom.b : atom.a, member)), Literal(use))); break;
      case Kind::kInSet: Add(formulas_.Implies(formulas_.And(is_member, In(atom.a, member)), Literal(use))); break;
      default: break;
    }
  }

  TermId WitnessOf(AtomId id, TermId set) { return terms_.Witness(fmt::format("{}", id), terms_[set].type->element); }

  // An entity that has anything has what its type requires.
  void NeedsPresence(AtomId id, Formula unless) {
    const TermId entity = formulas_[id].a;
    if (!IsEntity(*terms_[entity].type) || !logic_.NeedsPresence(terms_[entity].type->name)) return;
    Add(formulas_.Or({formulas_.Not(Literal(id)), unless, logic_.IsPresent(entity)}));
  }

  // What rounding comes to: `unit` times the result is less than `unit` away from the argument.
  void OfRounding(TermId result, TermId argument, Int128 unit) {
    Linear above, below;
    above.multiples = {{argument, 1}, {result, -unit}};
    above.constant = -(unit - 1);
    below.multiples = {{argument, -1}, {result, unit}};
    below.constant = -(unit - 1);
    Add(logic_.AtMostZero(std::move(above)));
    Add(logic_.AtMostZero(std::move(below)));
  }

  void OfFunction(const Term& term, TermId id) {
    constexpr Int128 kDay = 86'400'000;
    if (term.name.starts_with(DataLogic::kAsType)) {
      Linear above, below;
      above.multiples = {{term.args[0], 1}, {id, -1}};
      below.multiples = {{term.args[0], -1}, {id, 1}};
      Add(logic_.AtMostZero(std::move(above)));
      Add(logic_.AtMostZero(std::move(below)));
    }
    if (term.name == "toSeconds") OfRounding(id, term.args[0], 1000);
    if (term.name == "toMinutes") OfRounding(id, term.args[0], 60'000);
    if (term.name == "toHours") OfRounding(id, term.args[0], 3'600'000);
    if (term.name == "toDays") OfRounding(id, term.args[0], kDay);
    if (term.name == "toDate") {  // at most a day before, never after
      Linear above, below;
      above.multiples = {{term.args[0], 1}, {id, -1}};
      above.constant = -(kDay - 1);
      below.multiples = {{term.args[0], -1}, {id, 1}};
      Add(formulas_.Implies(Succeeds(id), formulas_.And(logic_.AtMostZero(std::move(above)), logic_.AtMostZero(std::move(below)))));
    }
    if (term.name == "toTime") {
      Linear above, below;
      above.multiples = {{id, 1}};
      above.constant = -(kDay - 1);
      below.multiples = {{id, -1}};
      Add(formulas_.And(logic_.AtMostZero(std::move(above)), logic_.AtMostZero(std::move(below))));
    }
  }

  Formula Succeeds(TermId id) {
    Atom succeeds;
    succeeds.name = fmt::format("succeeds:{}", id);
    return formulas_.Of(succeeds);
  }

  void OfTerm(TermId id) {
    const Term term = terms_[id];
    if (term.op == Term::Op::kOpaque) return OfFunction(term, id);
    if (term.op == Term::Op::kValue || !IsEntity(*term.type)) return;
    const EntityType* type = schema_.FindEntityType(term.type->name);
    if (type == nullptr || type->enumeration.empty() || type->enumeration.size() > kListed) return;
    std::vector<Formula> one_of;
    for (const std::string& listed : type->enumeration) one_of.push_back(Equal(id, terms_.Of(Value(EntityUid{type->name, listed}))));
    Add(formulas_.Or(std::move(one_of)));
  }

  const Schema& schema_;
  DataLogic& logic_;
  Terms& terms_;
  Formulas& formulas_;
  const AtomId atoms_;  // how many there may be
  std::vector<Formula> axioms_;
  std::map<TermId, std::set<TermId>> members_;  // by set: terms that are asked to be in it
  std::map<TermId, std::set<AtomId>> uses_;     // by set: atoms about all its members
};

}  // namespace

std::optional<std::vector<Formula>> Axioms(const Schema& schema, DataLogic& logic, Terms& terms, Formulas& formulas) {
  return Maker(schema, logic, terms, formulas).Make();
}

}  // namespace remit::cedar::analyze
