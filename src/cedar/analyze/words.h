// Strings under patterns: whether any text fits some of them and none of others.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cedar/ast.h"

namespace remit::cedar::analyze {

using Pattern = std::vector<PatternPart>;

struct WordConstraints {
  std::vector<Pattern> like, unlike;
  std::set<std::string> excluded;
};

struct WordAnswer {
  std::optional<std::string> word;  // a shortest one
  bool gave_up = false;             // the search was cut short, so that no word means nothing
};

// INVARIANT: complete where it does not give up: patterns are finite automata, of which the product is searched.
WordAnswer FindWord(const WordConstraints& constraints);

// The same, remembered: a search asks for the same texts again and again.
class Words {
 public:
  const WordAnswer& Find(const WordConstraints& constraints);

 private:
  std::map<std::string, WordAnswer> known_;
};

}  // namespace remit::cedar::analyze
