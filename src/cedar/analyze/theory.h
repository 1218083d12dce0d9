// Whether literals can hold together: equality and hierarchy first, then numbers, texts and addresses, each by itself.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cedar/analyze/closure.h"
#include "cedar/analyze/words.h"

namespace remit::cedar::analyze {

// INVARIANT (each of these): false only where no assignment of values exists.

// Differences and bounds over 64-bit integers: no cycle that would make a term smaller than itself.
bool NumbersConsistent(const Closure& closure, const Terms& terms, const Formulas& formulas);
// One value for each class of numbers that the literals speak of; nothing where there is none. Sums of several terms are left out.
std::optional<std::map<TermId, std::int64_t>> SolveNumbers(const Closure& closure, const Terms& terms, const Formulas& formulas);

// Each class of texts by itself: patterns that it fits and does not fit, written texts that it is not.
bool TextsConsistent(const Closure& closure, const Terms& terms, const Formulas& formulas, Words& words);
// A text for each class, different ones where possible, and none of `used`.
std::map<TermId, std::string> SolveTexts(const Closure& closure, const Terms& terms, const Formulas& formulas, std::set<std::string> used);

// Addresses and ranges against written ones.
bool AddressesConsistent(const Closure& closure, const Terms& terms, const Formulas& formulas);
std::map<TermId, IpAddr> SolveAddresses(const Closure& closure, const Terms& terms, const Formulas& formulas);

}  // namespace remit::cedar::analyze
