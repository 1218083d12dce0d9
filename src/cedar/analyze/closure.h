// What follows from a set of literals by equality and hierarchy: which terms are one, and which entities are in which.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cedar/analyze/formula.h"
#include "cedar/entities.h"

namespace remit::cedar::analyze {

// INVARIANT: `Build` answers false only if the literals contradict each other in every store and request. It relies on: an equal base has
// equal attributes, tags and ancestors; `in` is transitive, and nothing but itself is both above and below an entity; values that are
// written differently are different.
class Closure {
 public:
  // `known` may be null. All must outlive the closure.
  Closure(const Terms& terms, const Formulas& formulas, const EntityView* known) : terms_(terms), formulas_(formulas), known_(known) {}

  bool Build(const std::vector<Formula>& literals);

  TermId Find(TermId term) const;                     // the term that stands for its class
  const Value* ValueOf(TermId term) const;            // of the class, where one is written; null: open
  std::optional<bool> Holds(const Atom& atom) const;  // an atom of the literals, or of equal terms
  bool AreDifferent(TermId a, TermId b) const;        // surely
  const std::vector<std::pair<AtomId, bool>>& literals() const { return literals_; }
  // By class: where each is directly said to be in.
  const std::map<TermId, std::set<TermId>>& groups() const { return groups_; }

 private:
  bool Merge(TermId a, TermId b);
  bool CloseUnderFunctions(bool& changed);
  bool CloseHierarchy(bool& changed);
  bool CheckAtoms();
  bool CheckMembers() const;
  bool IsInStore(TermId entity) const;
  bool Reaches(TermId from, TermId to) const;
  std::string KeyOf(const Atom& atom) const;

  const Terms& terms_;
  const Formulas& formulas_;
  const EntityView* known_;
  std::vector<std::pair<AtomId, bool>> literals_;
  std::vector<TermId> parents_;
  std::map<TermId, TermId> values_;  // class → the written value in it
  std::map<TermId, std::set<TermId>> groups_;
  std::map<std::string, bool> facts_;
  std::set<std::pair<TermId, TermId>> different_;
};

}  // namespace remit::cedar::analyze
