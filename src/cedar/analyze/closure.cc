// Congruence closure and the closure of `in`, together until nothing changes. The sets are small: plain loops.
#include "cedar/analyze/closure.h"

#include <fmt/format.h>

#include <algorithm>

namespace remit::cedar::analyze {

using Kind = Atom::Kind;

TermId Closure::Find(TermId term) const {
  while (parents_[static_cast<std::size_t>(term)] != term) term = parents_[static_cast<std::size_t>(term)];
  return term;
}

const Value* Closure::ValueOf(TermId term) const {
  const auto found = values_.find(Find(term));
  return found == values_.end() ? nullptr : &terms_[found->second].value;
}

bool Closure::Merge(TermId a, TermId b) {
  a = Find(a);
  b = Find(b);
  if (a == b) return true;
  const auto of_a = values_.find(a), of_b = values_.find(b);
  if (of_a != values_.end() && of_b != values_.end()) return false;
  if (of_b != values_.end()) values_[a] = of_b->second;
  parents_[static_cast<std::size_t>(b)] = a;
  return true;
}

bool Closure::Build(const std::vector<Formula>& literals) {
  literals_.clear();
  for (const Formula literal : literals) literals_.emplace_back(formulas_.AtomOf(literal), !formulas_.IsNegated(literal));
  parents_.resize(static_cast<std::size_t>(terms_.size()));
  values_.clear();
  for (TermId term = 0; term < terms_.size(); ++term) {
    parents_[static_cast<std::size_t>(term)] = term;
    if (terms_[term].op == Term::Op::kValue) values_[term] = term;
  }
  for (const auto& [id, holds] : literals_) {
    const Atom& atom = formulas_[id];
    if (atom.kind == Kind::kEqual && holds && !Merge(atom.a, atom.b)) return false;
  }
  for (bool changed = true; changed;) {
    changed = false;
    if (!CloseUnderFunctions(changed) || !CloseHierarchy(changed)) return false;
  }
  return CheckAtoms() && CheckMembers();
}

bool Closure::CloseUnderFunctions(bool& changed) {
  std::map<std::string, TermId> seen;
  for (TermId id = 0; id < terms_.size(); ++id) {
    const Term& term = terms_[id];
    if (term.args.empty()) continue;
    std::string key = fmt::format("{}:{}", static_cast<int>(term.op), term.name);
    for (const TermId arg : term.args) key += fmt::format(",{}", Find(arg));
    const auto [same, is_new] = seen.emplace(std::move(key), id);
    if (is_new || Find(same->second) == Find(id)) continue;
    if (!Merge(same->second, id)) return false;
    changed = true;
  }
  return true;
}

bool Closure::Reaches(TermId from, TermId to) const {
  std::vector<TermId> open{from};
  std::set<TermId> seen{from};
  while (!open.empty()) {
    const TermId next = open.back();
    open.pop_back();
    if (next == to) return true;
    const auto found = groups_.find(next);
    if (found == groups_.end()) continue;
    for (const TermId group : found->second) {
      if (seen.insert(group).second) open.push_back(group);
    }
  }
  return false;
}

// A cycle is one entity.
bool Closure::CloseHierarchy(bool& changed) {
  groups_.clear();
  for (const auto& [id, holds] : literals_) {
    const Atom& atom = formulas_[id];
    if (atom.kind == Kind::kIn && holds) groups_[Find(atom.a)].insert(Find(atom.b));
  }
  if (known_ != nullptr) {
    for (const auto& [child, value] : values_) {
      if (!IsEntity(*terms_[value].type)) continue;
      for (const auto& [group, of_group] : values_) {
        if (child != group && IsEntity(*terms_[of_group].type) &&
            known_->IsDescendant(terms_[value].value.AsEntity(), terms_[of_group].value.AsEntity())) {
          groups_[child].insert(group);
        }
      }
    }
  }
  for (const auto& [child, groups] : groups_) {
    for (const TermId group : groups) {
      if (child == group || !Reaches(group, child)) continue;
      if (terms_[child].type->name != terms_[group].type->name || !Merge(child, group)) return false;
      changed = true;
      return true;  // the classes have changed under the loop
    }
  }
  return true;
}

std::string Closure::KeyOf(const Atom& atom) const {
  const auto of = [&](TermId term) { return term == kNoTerm ? kNoTerm : Find(term); };
  std::string key = fmt::format("{}|{}|{}|{}", static_cast<int>(atom.kind), of(atom.a), of(atom.b), atom.name);
  std::set<TermId> terms;
  for (const TermId term : atom.terms) terms.insert(Find(term));
  for (const TermId term : terms) key += fmt::format(",{}", term);
  for (const PatternPart& part : atom.pattern) key += part.wildcard ? "|*" : "|" + Quote(part.literal);
  return key;
}

std::optional<bool> Closure::Holds(const Atom& atom) const {
  const auto found = facts_.find(KeyOf(atom));
  return found == facts_.end() ? std::nullopt : std::optional(found->second);
}

bool Closure::CheckAtoms() {
  facts_.clear();
  different_.clear();
  for (const auto& [id, holds] : literals_) {
    const Atom& atom = formulas_[id];
    if (atom.kind == Kind::kAtMost) continue;  // the numbers' own
    if (atom.kind == Kind::kEqual) {
      if (holds) continue;
      if (Find(atom.a) == Find(atom.b)) return false;
      different_.insert(std::minmax({Find(atom.a), Find(atom.b)}));
      continue;
    }
    if (atom.kind == Kind::kIn && !holds && Reaches(Find(atom.a), Find(atom.b))) return false;
    if (atom.kind == Kind::kPresent && !holds && IsInStore(atom.a)) return false;
    if (atom.kind == Kind::kTrue) {
      const Value* value = ValueOf(atom.a);
      if (value != nullptr && value->AsBool() != holds) return false;
    }
    const auto [same, is_new] = facts_.emplace(KeyOf(atom), holds);
    if (!is_new && same->second != holds) return false;
  }
  return true;
}

// The request's own principal and resource, and what is known.
bool Closure::IsInStore(TermId entity) const {
  const Value* value = ValueOf(entity);
  if (value != nullptr && known_ != nullptr && known_->Find(value->AsEntity()) != nullptr) return true;
  for (TermId id = 0; id < terms_.size(); ++id) {
    if (terms_[id].op == Term::Op::kRoot && Find(id) == Find(entity)) return true;
  }
  return false;
}

bool Closure::AreDifferent(TermId a, TermId b) const {
  if (Find(a) == Find(b)) return false;
  if (ValueOf(a) != nullptr && ValueOf(b) != nullptr) return true;
  return different_.contains(std::minmax({Find(a), Find(b)}));
}

// A member of a set must be one of those that all its members are.
bool Closure::CheckMembers() const {
  for (const auto& [id, holds] : literals_) {
    const Atom& subset = formulas_[id];
    if (subset.kind != Kind::kSubset || !holds) continue;
    for (const auto& [other, is_member] : literals_) {
      const Atom& member = formulas_[other];
      if (member.kind != Kind::kMember || !is_member || Find(member.a) != Find(subset.a)) continue;
      if (std::ranges::all_of(subset.terms, [&](TermId term) { return AreDifferent(term, member.b); })) return false;
    }
  }
  return true;
}

}  // namespace remit::cedar::analyze
