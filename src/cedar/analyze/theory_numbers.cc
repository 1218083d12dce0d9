// Numbers: a graph of upper bounds on differences, with one node for 0. A negative cycle is a contradiction (Bellman and Ford).
#include <algorithm>

#include "cedar/analyze/theory.h"

namespace remit::cedar::analyze {
namespace {

constexpr Int128 kUnbounded = Int128(1) << 120;  // no path from 0: only sums, which no cycle can pass through then

constexpr Int128 kUsable = Int128(1) << 90, kMultiple = 1'000'000;
constexpr int kRounds = 8;

class Bounds {
 public:
  Bounds(const Closure& closure, const Terms& terms, const Formulas& formulas) : terms_(terms) {
    nodes_[kNoTerm] = 0;
    for (const auto& [id, holds] : closure.literals()) {
      const Atom& atom = formulas[id];
      if (atom.kind != Atom::Kind::kAtMost) continue;
      const int a = NodeOf(closure, atom.a), b = atom.b == kNoTerm ? 0 : NodeOf(closure, atom.b);
      if (holds) {
        edges_.push_back({b, a, atom.bound});  // a - b <= bound
      } else {
        edges_.push_back({a, b, -atom.bound - 1});
      }
    }
  }

  void Fix(int node, Int128 value) {
    edges_.push_back({0, node, value});
    edges_.push_back({node, 0, -value});
  }

  // The greatest value of each node, or nothing. From the other side, with `turned`, minus the least.
  std::optional<std::vector<Int128>> Distances(bool turned) const {
    std::vector<Int128> distance(nodes_.size(), kUnbounded);
    distance[0] = 0;
    for (std::size_t round = 0; round <= nodes_.size(); ++round) {
      bool changed = false;
      for (const Edge& edge : edges_) {
        const auto from = static_cast<std::size_t>(turned ? edge.to : edge.from), to = static_cast<std::size_t>(turned ? edge.from : edge.to);
        if (distance[from] == kUnbounded || distance[from] + edge.bound >= distance[to]) continue;
        distance[to] = distance[from] + edge.bound;
        changed = true;
      }
      if (!changed) return distance;
    }
    return std::nullopt;
  }

  const std::map<TermId, int>& nodes() const { return nodes_; }

  // Sums of several terms bound their parts, and are bounded by them, until nothing more follows or it has gone on for long enough.
  bool Tighten(const Closure& closure) {
    for (int round = 0; round < kRounds; ++round) {
      if (!ReadIntervals()) return false;
      bool changed = false;
      for (const auto& [term, node] : nodes_) {
        if (term != kNoTerm && IsSum(term)) changed = TightenSum(closure, term, node) || changed;
      }
      if (!changed) break;
    }
    return ReadIntervals();
  }

  // After `ReadIntervals` or `Tighten`.
  Int128 Least(int node) const { return -lower_[static_cast<std::size_t>(node)]; }
  Int128 Greatest(int node) const { return upper_[static_cast<std::size_t>(node)]; }

  bool ReadIntervals() {
    auto upper = Distances(false), lower = Distances(true);
    if (!upper || !lower) return false;
    upper_ = std::move(*upper);
    lower_ = std::move(*lower);
    return true;
  }

  bool IsSum(TermId term) const { return terms_[term].op == Term::Op::kOpaque && terms_[term].name.starts_with("sum:"); }

  bool HasSums() const {
    return std::ranges::any_of(nodes_, [&](const auto& node) { return node.first != kNoTerm && IsSum(node.first); });
  }

 private:
  struct Edge {
    int from, to;
    Int128 bound;  // to - from <= bound
  };

  // Bounds beyond this are not used, so that their multiples stay within 128 bits.
  static bool IsBound(Int128 bound) { return bound < kUsable && bound > -kUsable; }

  bool AtMost(int node, Int128 bound) {
    if (!IsBound(bound) || Greatest(node) <= bound) return false;
    edges_.push_back({0, node, bound});
    return true;
  }

  bool AtLeast(int node, Int128 bound) {
    if (!IsBound(bound) || Least(node) >= bound) return false;
    edges_.push_back({node, 0, -bound});
    return true;
  }

  bool TightenSum(const Closure& closure, TermId sum, int node) {
    struct Part {
      int node;
      Int128 multiple, least, greatest;  // of the multiple of it
    };
    std::vector<Part> parts;
    Int128 least = 0, greatest = 0;
    std::size_t at = 0;
    for (const Int128 multiple : Multiples(terms_[sum].name)) {
      const auto part = nodes_.find(closure.Find(terms_[sum].args[at++]));
      if (part == nodes_.end() || multiple > kMultiple || multiple < -kMultiple) return false;
      const Int128 low = Least(part->second), high = Greatest(part->second);
      if (!IsBound(low) || !IsBound(high)) return false;
      parts.push_back({part->second, multiple, std::min(low * multiple, high * multiple), std::max(low * multiple, high * multiple)});
      least += parts.back().least;
      greatest += parts.back().greatest;
    }
    bool changed = AtMost(node, greatest);
    changed = AtLeast(node, least) || changed;
    for (const Part& part : parts) {
      const Int128 high = Greatest(node) - (least - part.least), low = Least(node) - (greatest - part.greatest);
      const Int128 size = part.multiple < 0 ? -part.multiple : part.multiple;
      if (IsBound(Greatest(node))) {
        changed = (part.multiple > 0 ? AtMost(part.node, FloorDivide(high, size)) : AtLeast(part.node, -FloorDivide(high, size))) || changed;
      }
      if (IsBound(Least(node))) {
        changed = (part.multiple > 0 ? AtLeast(part.node, -FloorDivide(-low, size)) : AtMost(part.node, FloorDivide(-low, size))) || changed;
      }
    }
    return changed;
  }

  static std::vector<Int128> Multiples(const std::string& name) {
    std::vector<Int128> multiples;
    for (std::size_t at = name.find(':'); at != std::string::npos; at = name.find(':', at + 1)) multiples.push_back(std::stoll(name.substr(at + 1)));
    return multiples;
  }

  int NodeOf(const Closure& closure, TermId of) {
    const TermId term = closure.Find(of);
    const auto [found, is_new] = nodes_.emplace(term, static_cast<int>(nodes_.size()));
    const int node = found->second;
    if (!is_new) return node;
    if (IsSum(term)) {
      for (const TermId part : terms_[term].args) NodeOf(closure, part);
      return node;
    }
    edges_.push_back({0, node, kGreatestLong});
    edges_.push_back({node, 0, -kLeastLong});
    if (const Value* value = closure.ValueOf(term)) Fix(node, NumberOf(*value));
    return node;
  }

  const Terms& terms_;
  std::map<TermId, int> nodes_;
  std::vector<Edge> edges_;
  std::vector<Int128> upper_, lower_;  // by node; the lower ones negated
};

}  // namespace

bool NumbersConsistent(const Closure& closure, const Terms& terms, const Formulas& formulas) {
  Bounds bounds(closure, terms, formulas);
  if (bounds.nodes().size() == 1) return true;
  if (!bounds.Distances(false)) return false;
  if (!bounds.HasSums()) return true;
  return bounds.Tighten(closure);
}

// One after the other, each as near to 0 as the others leave it.
std::optional<std::map<TermId, std::int64_t>> SolveNumbers(const Closure& closure, const Terms& terms, const Formulas& formulas) {
  Bounds bounds(closure, terms, formulas);
  std::map<TermId, std::int64_t> numbers;
  for (const auto& [term, node] : bounds.nodes()) {
    if (term == kNoTerm || bounds.IsSum(term)) continue;
    if (!bounds.Tighten(closure)) return std::nullopt;
    const Int128 least = std::max(kLeastLong, bounds.Least(node)), greatest = std::min(kGreatestLong, bounds.Greatest(node));
    if (least > greatest) return std::nullopt;
    const Int128 value = std::clamp(Int128(0), least, greatest);
    numbers[term] = static_cast<std::int64_t>(value);
    bounds.Fix(node, value);
  }
  return numbers;
}

}  // namespace remit::cedar::analyze
