// The search through the product of the patterns' automata, breadth first, over the characters that the patterns tell apart.
#include "cedar/analyze/words.h"

#include <algorithm>
#include <map>
#include <utility>

namespace remit::cedar::analyze {
namespace {

constexpr std::size_t kStates = 4000;

using Letter = std::string;  // one character, as UTF-8; "" where any will do

std::vector<Letter> Letters(const std::string& text) {
  std::vector<Letter> letters;
  for (const char byte : text) {
    if ((static_cast<unsigned char>(byte) & 0xC0) == 0x80 && !letters.empty()) {
      letters.back() += byte;
    } else {
      letters.emplace_back(1, byte);
    }
  }
  return letters;
}

// One pattern: positions between its letters and stars. A state is the set of positions that a text can have come to.
class Automaton {
 public:
  using State = std::vector<bool>;

  explicit Automaton(const Pattern& pattern) {
    for (const PatternPart& part : pattern) {
      if (part.wildcard) {
        symbols_.emplace_back();
      } else {
        for (Letter& letter : Letters(part.literal)) symbols_.push_back(std::move(letter));
      }
    }
  }

  const std::vector<Letter>& symbols() const { return symbols_; }

  State Start() const {
    State state(symbols_.size() + 1);
    Enter(state, 0);
    return state;
  }

  State Step(const State& from, const Letter& letter) const {
    State to(from.size());
    for (std::size_t at = 0; at < symbols_.size(); ++at) {
      if (!from[at]) continue;
      if (symbols_[at].empty()) {
        Enter(to, at);
      } else if (symbols_[at] == letter) {
        Enter(to, at + 1);
      }
    }
    return to;
  }

  bool Accepts(const State& state) const { return state.back(); }

 private:
  void Enter(State& state, std::size_t at) const {  // a star can also be nothing
    state[at] = true;
    while (at < symbols_.size() && symbols_[at].empty()) state[++at] = true;
  }

  std::vector<Letter> symbols_;
};

// Every character that some pattern names, and one that none does.
std::vector<Letter> Alphabet(const std::vector<Automaton>& automata) {
  std::set<Letter> named;
  for (const Automaton& automaton : automata) {
    for (const Letter& letter : automaton.symbols()) {
      if (!letter.empty()) named.insert(letter);
    }
  }
  std::vector<Letter> alphabet(named.begin(), named.end());
  for (char other = 'a'; other <= 'z'; ++other) {
    if (named.contains(Letter(1, other))) continue;
    alphabet.emplace(alphabet.begin(), 1, other);
    return alphabet;
  }
  for (int point = 0x100; point < 0x800; ++point) {
    const Letter other{static_cast<char>(0xC0 | (point >> 6)), static_cast<char>(0x80 | (point & 0x3F))};
    if (named.contains(other)) continue;
    alphabet.push_back(other);
    break;
  }
  return alphabet;
}

}  // namespace

WordAnswer FindWord(const WordConstraints& constraints, std::size_t& steps) {
  std::vector<Automaton> automata;
  for (const Pattern& pattern : constraints.like) automata.emplace_back(pattern);
  const std::size_t wanted = automata.size();
  for (const Pattern& pattern : constraints.unlike) automata.emplace_back(pattern);
  for (const std::string& text : constraints.excluded) automata.emplace_back(Pattern{{false, text}});
  const std::vector<Letter> alphabet = Alphabet(automata);
  std::size_t cost = 1;  // of one step of all of them
  for (const Automaton& automaton : automata) cost += automaton.symbols().size();
  const std::size_t least = steps - std::min(steps, kWordSteps);

  using State = std::vector<Automaton::State>;
  const auto fits = [&](const State& state) {
    for (std::size_t i = 0; i < automata.size(); ++i) {
      if (automata[i].Accepts(state[i]) != (i < wanted)) return false;
    }
    return true;
  };
  State start;
  for (const Automaton& automaton : automata) start.push_back(automaton.Start());
  std::set<State> seen{start};
  std::vector<std::pair<State, std::string>> open{{start, ""}};
  for (std::size_t next = 0; next < open.size(); ++next) {
    if (fits(open[next].first)) return {open[next].second, false};
    if (seen.size() > kStates) return {std::nullopt, true};
    for (const Letter& letter : alphabet) {
      if (steps < least + cost) return {std::nullopt, true};
      steps -= cost;
      State to;
      for (std::size_t i = 0; i < automata.size(); ++i) to.push_back(automata[i].Step(open[next].first[i], letter));
      if (seen.insert(to).second) open.emplace_back(std::move(to), open[next].second + letter);
    }
  }
  return {};
}

const WordAnswer& Words::Find(const WordConstraints& constraints) {
  std::string key;
  const auto add = [&](const char* what, const Pattern& pattern) {
    key += what;
    for (const PatternPart& part : pattern) key += part.wildcard ? "*" : Quote(part.literal);
  };
  for (const Pattern& pattern : constraints.like) add("+", pattern);
  for (const Pattern& pattern : constraints.unlike) add("-", pattern);
  for (const std::string& text : constraints.excluded) add("!", {{false, text}});
  const auto known = known_.find(key);
  return known != known_.end() ? known->second : known_.emplace(std::move(key), FindWord(constraints, steps_)).first->second;
}

}  // namespace remit::cedar::analyze
