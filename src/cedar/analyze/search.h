// Which atoms must hold so that a formula does: case splits with unit propagation, and what a theory refuses is not tried twice.
#pragma once

#include <functional>
#include <vector>

#include "cedar/analyze/formula.h"

namespace remit::cedar::analyze {

class Search {
 public:
  // `work` bounds the questions to the theory, of which long ones count for several.
  Search(const Formulas& formulas, std::size_t work) : formulas_(formulas), work_(work) {}

  void Assert(Formula formula);

  enum class Outcome {
    kExhausted,  // nothing else makes the asserted formulas true
    kStopped,    // `found` said so
    kGaveUp,     // the work was used up
  };
  // Literals are formulas of shape kLiteral. False: they contradict each other, surely.
  using Consistent = std::function<bool(const std::vector<Formula>& literals)>;
  // Called with literals that make everything asserted true, whatever the others are, and that the theory did not refuse. True: stop.
  using Found = std::function<bool(const std::vector<Formula>& literals)>;

  Outcome Run(const Consistent& consistent, const Found& found);

  std::size_t asked() const { return asked_; }

 private:
  using Literal = int;  // 2 * variable + 1 where negated
  struct Clause {
    std::vector<Literal> literals;
    int head = -1;  // the variable that this clause defines: it must hold only where that is true
  };

  Literal LiteralOf(Formula formula);
  void Define(Formula formula);
  bool IsTrue(Literal literal) const { return values_[static_cast<std::size_t>(literal / 2)] == (literal % 2 == 0 ? 1 : -1); }
  bool IsFalse(Literal literal) const { return IsTrue(literal ^ 1); }
  void Set(Literal literal);
  void UndoTo(std::size_t mark);
  bool Propagate();
  bool AskTheory(const Consistent& consistent);
  std::vector<Formula> AtomLiterals() const;
  Literal Choose() const;  // -1: everything holds
  bool Ask(const Consistent& consistent, const std::vector<Formula>& literals);

  const Formulas& formulas_;
  const std::size_t work_;
  std::size_t asked_ = 0;
  bool contradictory_ = false;
  std::vector<Clause> clauses_;
  std::vector<bool> defined_;
  std::vector<signed char> values_;  // by formula number: 1 true, -1 false, 0 open
  std::vector<Literal> trail_;
};

}  // namespace remit::cedar::analyze
