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

// Steps of one symbol of a pattern by one character: how many one search may take, and those of one analysis together.
inline constexpr std::size_t kWordSteps = 20'000'000, kAllWordSteps = 400'000'000;

// INVARIANT: complete where it does not give up: patterns are finite automata, of which the product is searched. Takes what it needs from
// `steps`, which must outlive the call, and gives up when there are none left.
WordAnswer FindWord(const WordConstraints& constraints, std::size_t& steps);

// The same, remembered: a search asks for the same texts again and again.
class Words {
 public:
  const WordAnswer& Find(const WordConstraints& constraints);

 private:
  std::map<std::string, WordAnswer> known_;
  std::size_t steps_ = kAllWordSteps;
};

}  // namespace remit::cedar::analyze
