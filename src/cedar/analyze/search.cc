// The search. Formulas are in negation normal form, so that a part needs to imply its definition only in one direction.
#include "cedar/analyze/search.h"

#include <algorithm>

namespace remit::cedar::analyze {

using Shape = Formulas::Shape;

// As many literals are one question.
constexpr std::size_t kLong = 128;

Search::Literal Search::LiteralOf(Formula formula) {
  if (formulas_.ShapeOf(formula) == Shape::kLiteral) return formulas_.IsNegated(formula) ? 2 * (formula - 1) + 1 : 2 * formula;
  Define(formula);
  return 2 * formula;
}

void Search::Define(Formula formula) {
  if (defined_.size() < formulas_.size()) defined_.resize(formulas_.size());
  if (defined_[static_cast<std::size_t>(formula)]) return;
  defined_[static_cast<std::size_t>(formula)] = true;
  std::vector<Literal> parts;
  for (const Formula part : formulas_.Parts(formula)) parts.push_back(LiteralOf(part));
  if (formulas_.ShapeOf(formula) == Shape::kOr) {
    parts.push_back(2 * formula + 1);
    clauses_.push_back({std::move(parts), formula});
    return;
  }
  for (const Literal part : parts) clauses_.push_back({{part, 2 * formula + 1}, formula});
}

void Search::Assert(Formula formula) {
  switch (formulas_.ShapeOf(formula)) {
    case Shape::kConstant: contradictory_ = contradictory_ || formula == Formulas::kFalse; return;
    case Shape::kLiteral: clauses_.push_back({{LiteralOf(formula)}, -1}); return;
    case Shape::kAnd:
      for (const Formula part : formulas_.Parts(formula)) Assert(part);
      return;
    case Shape::kOr: break;
  }
  Clause clause;
  for (const Formula part : formulas_.Parts(formula)) clause.literals.push_back(LiteralOf(part));
  clauses_.push_back(std::move(clause));
}

void Search::Set(Literal literal) {
  values_[static_cast<std::size_t>(literal / 2)] = literal % 2 == 0 ? 1 : -1;
  trail_.push_back(literal);
}

void Search::UndoTo(std::size_t mark) {
  while (trail_.size() > mark) {
    values_[static_cast<std::size_t>(trail_.back() / 2)] = 0;
    trail_.pop_back();
  }
}

bool Search::Propagate() {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Clause& clause : clauses_) {
      Literal open = -1;
      bool done = false;
      for (const Literal literal : clause.literals) {
        if (IsFalse(literal)) continue;
        if (IsTrue(literal) || open >= 0) {
          done = true;
          break;
        }
        open = literal;
      }
      if (done) continue;
      if (open < 0) return false;
      Set(open);
      changed = true;
    }
  }
  return true;
}

std::vector<Formula> Search::AtomLiterals() const {
  std::vector<Formula> literals;
  for (const Literal literal : trail_) {
    if (formulas_.ShapeOf(literal / 2) == Shape::kLiteral) literals.push_back(literal / 2 + literal % 2);
  }
  return literals;
}

bool Search::Ask(const Consistent& consistent, const std::vector<Formula>& literals) {
  asked_ += 1 + literals.size() / kLong;
  return consistent(literals);
}

// On refusal learns a clause: not all of a part that is refused by itself, and of the smallest such if there is work left to look for it.
bool Search::AskTheory(const Consistent& consistent) {
  std::vector<Formula> literals = AtomLiterals();
  if (Ask(consistent, literals)) return true;
  for (std::size_t i = literals.size(); i-- > 0 && asked_ <= work_;) {
    std::vector<Formula> fewer = literals;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (!Ask(consistent, fewer)) literals = std::move(fewer);
  }
  Clause clause;
  for (const Formula literal : literals) clause.literals.push_back(LiteralOf(literal) ^ 1);
  clauses_.push_back(std::move(clause));
  return false;
}

// A literal of the shortest clause that does not hold yet. What defines a part that nobody needs yet may wait.
Search::Literal Search::Choose() const {
  Literal best = -1;
  std::size_t shortest = 0;
  for (const Clause& clause : clauses_) {
    if (clause.head >= 0 && values_[static_cast<std::size_t>(clause.head)] != 1) continue;
    if (std::ranges::any_of(clause.literals, [&](Literal literal) { return IsTrue(literal); })) continue;
    const auto is_open = [&](Literal literal) { return !IsFalse(literal); };
    const auto count = static_cast<std::size_t>(std::ranges::count_if(clause.literals, is_open));
    if (best >= 0 && count >= shortest) continue;
    shortest = count;
    best = *std::ranges::find_if(clause.literals, is_open);
  }
  return best;
}

// One choice upon another, each with its other side when nothing more is below it. No recursion: there may be as many as there is work.
Search::Outcome Search::Run(const Consistent& consistent, const Found& found) {
  if (contradictory_) return Outcome::kExhausted;
  values_.assign(formulas_.size(), 0);
  trail_.clear();
  struct Choice {
    std::size_t before = 0;  // how long the trail was
    Literal literal = -1;
  };
  std::vector<Choice> choices;  // those of which the other side is yet to be tried
  for (;;) {
    if (asked_ > work_) return Outcome::kGaveUp;
    if (Propagate() && AskTheory(consistent)) {
      const Literal literal = Choose();
      if (literal >= 0) {
        choices.push_back({trail_.size(), literal});
        Set(literal);
        continue;
      }
      if (found(AtomLiterals())) return Outcome::kStopped;
    }
    if (choices.empty()) return Outcome::kExhausted;
    UndoTo(choices.back().before);
    Set(choices.back().literal ^ 1);
    choices.pop_back();
  }
}

}  // namespace remit::cedar::analyze
