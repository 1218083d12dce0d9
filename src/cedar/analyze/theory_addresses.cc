// IP addresses and ranges. Two ranges are nested or apart; so what must be in several ranges must be in the smallest, and that range
// itself is in all that it can be in and in none that it need not be in.
#include <algorithm>

#include "cedar/analyze/theory.h"
#include "cedar/language/ext_functions.h"

namespace remit::cedar::analyze {
namespace {

bool InRange(const IpAddr& inner, const IpAddr& outer) {
  static const ExtensionFunction* function = FindExtensionFunction("isInRange");
  const Value a(inner), b(outer);
  const Value* arguments[] = {&a, &b};
  const auto answer = CallExtension(*function, arguments);
  return answer && answer->AsBool();
}

struct Question {
  std::vector<IpAddr> inside, outside, not_equal;
  std::optional<bool> v4;
  bool contradictory = false;

  bool Fits(const IpAddr& ip) const {
    return std::ranges::all_of(inside, [&](const IpAddr& range) { return InRange(ip, range); }) &&
           std::ranges::none_of(outside, [&](const IpAddr& range) { return InRange(ip, range); }) &&
           std::ranges::none_of(not_equal, [&](const IpAddr& other) { return ip == other; }) && (!v4 || *v4 != ip.v6);
  }
};

std::map<TermId, Question> Collect(const Closure& closure, const Terms& terms, const Formulas& formulas) {
  std::map<TermId, Question> questions;
  for (const auto& [id, holds] : closure.literals()) {
    const Atom& atom = formulas[id];
    if (atom.kind == Atom::Kind::kIpv4) questions[closure.Find(atom.a)].v4 = holds;
    if (atom.kind == Atom::Kind::kInRange) {
      const Value* range = closure.ValueOf(atom.b);
      if (range == nullptr) continue;
      Question& question = questions[closure.Find(atom.a)];
      (holds ? question.inside : question.outside).push_back(range->AsIpAddr());
    }
    if (atom.kind != Atom::Kind::kEqual || holds || !IsIp(*terms[atom.a].type)) continue;
    for (const auto& [term, other] : {std::pair(atom.a, atom.b), std::pair(atom.b, atom.a)}) {
      if (const Value* value = closure.ValueOf(other)) questions[closure.Find(term)].not_equal.push_back(value->AsIpAddr());
    }
  }
  return questions;
}

const IpAddr kAllV4{.v6 = false, .prefix = 0, .bytes = {}}, kAllV6{.v6 = true, .prefix = 0, .bytes = {}};

// What may be the answer: the smallest range asked for (or each family's largest), and its narrower beginnings where it is excluded.
std::optional<IpAddr> Solve(const Question& question) {
  for (IpAddr candidate : {kAllV4, kAllV6}) {
    for (const IpAddr& range : question.inside) {
      if (InRange(range, candidate)) candidate = range;
    }
    for (const int last = candidate.v6 ? 128 : 32; candidate.prefix <= last; ++candidate.prefix) {
      if (question.Fits(candidate)) return candidate;
      if (candidate.prefix == last) break;
    }
  }
  return std::nullopt;
}

// Surely nothing: apart from what it is not equal to, the first candidate of a family fits if anything of it does.
bool IsImpossible(const Question& question) {
  Question ranges = question;
  ranges.not_equal.clear();
  if (Solve(ranges)) {
    // A range is excluded only by itself; a single address that must be it is the one case where nothing else is left.
    return std::ranges::any_of(question.inside, [&](const IpAddr& only) {
      return only.prefix == (only.v6 ? 128 : 32) && std::ranges::find(question.not_equal, only) != question.not_equal.end();
    });
  }
  return true;
}

}  // namespace

bool AddressesConsistent(const Closure& closure, const Terms& terms, const Formulas& formulas) {
  return std::ranges::none_of(Collect(closure, terms, formulas), [&](const auto& asked) {
    const Value* value = closure.ValueOf(asked.first);
    return value != nullptr ? !asked.second.Fits(value->AsIpAddr()) : IsImpossible(asked.second);
  });
}

std::map<TermId, IpAddr> SolveAddresses(const Closure& closure, const Terms& terms, const Formulas& formulas) {
  const std::map<TermId, Question> questions = Collect(closure, terms, formulas);
  std::map<TermId, IpAddr> addresses;
  for (TermId id = 0; id < terms.size(); ++id) {
    const TermId term = closure.Find(id);
    if (!IsIp(*terms[id].type) || addresses.contains(term)) continue;
    const auto asked = questions.find(term);
    const Value* value = closure.ValueOf(id);
    addresses[term] = value != nullptr ? value->AsIpAddr() : Solve(asked == questions.end() ? Question() : asked->second).value_or(IpAddr{});
  }
  return addresses;
}

}  // namespace remit::cedar::analyze
