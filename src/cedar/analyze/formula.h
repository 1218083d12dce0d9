// Formulas over atoms, shared and in negation normal form. Classical: errors of the language have become formulas of their own by then.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cedar/analyze/integers.h"
#include "cedar/analyze/term.h"
#include "cedar/ast.h"

namespace remit::cedar::analyze {

// One thing that holds or does not.
struct Atom {
  enum class Kind {
    kEqual,     // a == b: entities, strings, IP addresses
    kAtMost,    // a - b <= bound; a or b may be kNoTerm, which is 0
    kTrue,      // a, a boolean
    kHas,       // a has name
    kHasTag,    // a.hasTag(b)
    kPresent,   // a is in the store; only for types with a required attribute
    kIn,        // a in b
    kInSet,     // a in b, a set of entities
    kMember,    // b is in the set a
    kSubset,    // every member of a is one of `terms`
    kSubsetOf,  // every member of a is in the set b
    kOverlap,   // a and b have a common member
    kLike,      // a like pattern
    kInRange,   // a.isInRange(b)
    kIpv4,      // a.isIpv4()
    kFree,      // name: something of which nothing is known
  } kind = Kind::kFree;
  TermId a = kNoTerm, b = kNoTerm;
  Int128 bound = 0;
  std::string name;
  std::vector<TermId> terms;
  std::vector<PatternPart> pattern;
};

using AtomId = int;

// A node's number. An atom has two, one after the other: what it says, and its negation.
using Formula = int;

class Formulas {
 public:
  Formulas();

  static constexpr Formula kTrue = 0, kFalse = 1;

  // How many nodes there may be, and parts of all of them together: whoever makes more has long stopped to be answered in time.
  static constexpr std::size_t kNodes = 100'000, kParts = 4'000'000;
  // Set once something was left out for them. Then no formula means anything: the caller must ask before it believes.
  bool overflowed() const { return overflowed_; }

  Formula Of(const Atom& atom);
  Formula And(std::vector<Formula> parts);
  Formula Or(std::vector<Formula> parts);
  Formula And(Formula a, Formula b) { return And(std::vector{a, b}); }
  Formula Or(Formula a, Formula b) { return Or(std::vector{a, b}); }
  Formula Not(Formula formula);
  Formula Implies(Formula a, Formula b) { return Or(Not(a), b); }
  Formula Same(Formula a, Formula b) { return And(Implies(a, b), Implies(b, a)); }

  enum class Shape { kConstant, kLiteral, kAnd, kOr };
  Shape ShapeOf(Formula formula) const { return nodes_[static_cast<std::size_t>(formula)].shape; }
  const std::vector<Formula>& Parts(Formula formula) const { return nodes_[static_cast<std::size_t>(formula)].parts; }
  AtomId AtomOf(Formula literal) const { return nodes_[static_cast<std::size_t>(literal)].atom; }
  bool IsNegated(Formula literal) const { return nodes_[static_cast<std::size_t>(literal)].negated; }

  const Atom& operator[](AtomId id) const { return atoms_[static_cast<std::size_t>(id)]; }
  AtomId atom_count() const { return static_cast<AtomId>(atoms_.size()); }
  std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    Shape shape = Shape::kConstant;
    AtomId atom = 0;
    bool negated = false;
    std::vector<Formula> parts;
  };
  Formula Join(Shape shape, std::vector<Formula> parts);
  Formula Overflow();

  std::size_t parts_ = 0;  // of all nodes
  bool overflowed_ = false;
  std::vector<Node> nodes_;
  std::vector<Atom> atoms_;
  std::map<std::string, Formula> known_atoms_;
  std::map<std::pair<Shape, std::vector<Formula>>, Formula> known_;
  std::map<Formula, Formula> negations_;
};

}  // namespace remit::cedar::analyze
