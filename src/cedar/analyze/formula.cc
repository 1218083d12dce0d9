// Building formulas: constants fold, a part and its negation meet, equal formulas are one.
#include "cedar/analyze/formula.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace remit::cedar::analyze {
namespace {

std::string KeyOf(const Atom& atom) {
  std::string key = fmt::format("{}|{}|{}|{}|{}|{}|{}", static_cast<int>(atom.kind), atom.a, atom.b, static_cast<std::int64_t>(atom.bound >> 64),
                                static_cast<std::uint64_t>(atom.bound), fmt::join(atom.terms, ","), atom.name);
  for (const PatternPart& part : atom.pattern) key += part.wildcard ? "|*" : "|" + Quote(part.literal);
  return key;
}

}  // namespace

Formulas::Formulas() { nodes_.resize(2); }

Formula Formulas::Overflow() {
  overflowed_ = true;
  return kFalse;
}

Formula Formulas::Of(const Atom& atom) {
  std::string key = KeyOf(atom);
  if (const auto known = known_atoms_.find(key); known != known_atoms_.end()) return known->second;
  if (nodes_.size() >= kNodes) return Overflow();
  const auto positive = static_cast<Formula>(nodes_.size());
  known_atoms_.emplace(std::move(key), positive);
  nodes_.push_back({Shape::kLiteral, atom_count(), false, {}});
  nodes_.push_back({Shape::kLiteral, atom_count(), true, {}});
  atoms_.push_back(atom);
  negations_[positive] = positive + 1;
  negations_[positive + 1] = positive;
  return positive;
}

Formula Formulas::And(std::vector<Formula> parts) { return Join(Shape::kAnd, std::move(parts)); }
Formula Formulas::Or(std::vector<Formula> parts) { return Join(Shape::kOr, std::move(parts)); }

Formula Formulas::Join(Shape shape, std::vector<Formula> parts) {
  if (overflowed_) return kFalse;
  const Formula neutral = shape == Shape::kAnd ? kTrue : kFalse, decides = shape == Shape::kAnd ? kFalse : kTrue;
  std::vector<Formula> flat;
  for (const Formula part : parts) {
    if (part == decides) return decides;
    if (part == neutral) continue;
    if (ShapeOf(part) == shape) {
      flat.insert(flat.end(), Parts(part).begin(), Parts(part).end());
    } else {
      flat.push_back(part);
    }
  }
  std::ranges::sort(flat);
  const auto repeated = std::ranges::unique(flat);
  flat.erase(repeated.begin(), repeated.end());
  for (const Formula part : flat) {
    if (ShapeOf(part) == Shape::kLiteral && !IsNegated(part) && std::ranges::binary_search(flat, part + 1)) return decides;
  }
  if (flat.empty()) return neutral;
  if (flat.size() == 1) return flat.front();
  if (const auto known = known_.find({shape, flat}); known != known_.end()) return known->second;
  if (nodes_.size() >= kNodes || parts_ + flat.size() > kParts) return Overflow();
  parts_ += flat.size();
  const auto joined = static_cast<Formula>(nodes_.size());
  known_.emplace(std::pair(shape, flat), joined);
  nodes_.push_back({shape, 0, false, std::move(flat)});
  return joined;
}

Formula Formulas::Not(Formula formula) {
  if (formula == kTrue) return kFalse;
  if (formula == kFalse) return kTrue;
  const auto known = negations_.find(formula);
  if (known != negations_.end()) return known->second;
  const Shape opposite = ShapeOf(formula) == Shape::kAnd ? Shape::kOr : Shape::kAnd;
  std::vector<Formula> parts = Parts(formula);
  for (Formula& part : parts) part = Not(part);
  const Formula negation = Join(opposite, std::move(parts));
  negations_.emplace(formula, negation);
  negations_.emplace(negation, formula);
  return negation;
}

}  // namespace remit::cedar::analyze
