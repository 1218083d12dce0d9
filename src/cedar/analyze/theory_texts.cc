// Texts: what each class of equal strings may be.
#include "cedar/analyze/theory.h"
#include "cedar/analyze/words.h"
#include "cedar/language/escape.h"

namespace remit::cedar::analyze {
namespace {

// What is asked of each class. Of classes with a written text only whether it fits is asked, and answered here.
struct Questions {
  std::map<TermId, WordConstraints> open;
  std::vector<std::pair<TermId, TermId>> different;  // open classes
  bool contradictory = false;
};

Questions Collect(const Closure& closure, const Terms& terms, const Formulas& formulas) {
  Questions questions;
  for (const auto& [id, holds] : closure.literals()) {
    const Atom& atom = formulas[id];
    if (atom.kind == Atom::Kind::kLike) {
      if (const Value* text = closure.ValueOf(atom.a)) {
        questions.contradictory = questions.contradictory || Matches(atom.pattern, text->AsString()) != holds;
      } else {
        WordConstraints& of_class = questions.open[closure.Find(atom.a)];
        (holds ? of_class.like : of_class.unlike).push_back(atom.pattern);
      }
    }
    if (atom.kind != Atom::Kind::kEqual || holds || !IsString(*terms[atom.a].type)) continue;
    const Value *a = closure.ValueOf(atom.a), *b = closure.ValueOf(atom.b);
    if (a == nullptr && b == nullptr) questions.different.emplace_back(closure.Find(atom.a), closure.Find(atom.b));
    if ((a == nullptr) == (b == nullptr)) continue;
    questions.open[closure.Find(a == nullptr ? atom.a : atom.b)].excluded.insert((a == nullptr ? b : a)->AsString());
  }
  return questions;
}

}  // namespace

bool TextsConsistent(const Closure& closure, const Terms& terms, const Formulas& formulas, Words& words) {
  const Questions questions = Collect(closure, terms, formulas);
  if (questions.contradictory) return false;
  for (const auto& [term, constraints] : questions.open) {
    if (constraints.like.empty() && constraints.unlike.empty()) continue;  // there are more texts than can be excluded
    const WordAnswer& answer = words.Find(constraints);
    if (!answer.word && !answer.gave_up) return false;
  }
  return true;
}

std::map<TermId, std::string> SolveTexts(const Closure& closure, const Terms& terms, const Formulas& formulas, std::set<std::string> used) {
  const Questions questions = Collect(closure, terms, formulas);
  std::map<TermId, std::string> texts;
  std::size_t steps = kWordSteps;
  for (TermId id = 0; id < terms.size(); ++id) {
    const TermId term = closure.Find(id);
    if (!IsString(*terms[id].type) || texts.contains(term)) continue;
    if (const Value* value = closure.ValueOf(id)) {
      texts[term] = value->AsString();
      continue;
    }
    const auto asked = questions.open.find(term);
    const WordConstraints constraints = asked == questions.open.end() ? WordConstraints() : asked->second;
    WordConstraints unused = constraints;
    unused.excluded.insert(used.begin(), used.end());
    WordAnswer answer = FindWord(unused, steps);
    if (!answer.word) answer = FindWord(constraints, steps);
    texts[term] = answer.word.value_or("");
    used.insert(texts[term]);
  }
  return texts;
}

}  // namespace remit::cedar::analyze
