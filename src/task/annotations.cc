// See annotations.h.
#include "task/annotations.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <regex>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"

namespace remit::task {
namespace {

enum class Place { kType, kPolicy, kOther };

struct Known {
  std::string_view name;
  Place place;
  std::string_view usage;
};

constexpr std::array kKnown = {
    Known{"task", Place::kType, "@task(\"what it is for\")"},
    Known{"ttl", Place::kType, "@ttl(\"15m\")"},
    Known{"max_ttl", Place::kType, "@max_ttl(\"1h\")"},
    Known{"heartbeat", Place::kType, "@heartbeat(\"60s\")"},
    Known{"name", Place::kType, "@name(\"deploy\")"},
    Known{"reason", Place::kType, "@reason(\"CHG-[0-9]+\")"},
    Known{"delegable", Place::kType, "@delegable"},
    Known{"max_starts", Place::kType, "@max_starts(\"1 per 24h by ticket\")"},
    Known{"max_active", Place::kType, "@max_active(\"1 by ticket\")"},
    Known{"trip", Place::kType, "@trip(\"3 refusals per 1m, revoke\")"},
    Known{"break_glass", Place::kType, "@break_glass(\"15m\")"},
    Known{"timezone", Place::kType, "@timezone(\"Europe/Berlin\")"},
    Known{"actor", Place::kType, "@actor"},
    Known{"person", Place::kType, "@person"},
    Known{"open", Place::kType, "@open"},
    Known{"from_pep", Place::kType, "@from_pep"},
    Known{"id", Place::kPolicy, "@id(\"comment-once\")"},
    Known{"after_uses", Place::kPolicy, "@after_uses(\"1\")"},
    Known{"unless_approved", Place::kPolicy, "@unless_approved(\"1\")"},
    Known{"doc", Place::kOther, "@doc(\"for readers\")"},
};

// Understood, and part of a later version: refused by name, so that nobody relies on a rule that is not kept.
constexpr std::array<std::string_view, 1> kLater = {"through_owner"};

void Add(Findings& findings, std::string_view reason, const cedar::Annotation& at, std::string message, std::string hint) {
  findings.push_back(cedar::Finding(at.span, reason, std::move(message), hint));
}

std::string Usage(std::string_view name) {
  const auto known = std::ranges::find(kKnown, name, &Known::name);
  return known == kKnown.end() ? std::string() : fmt::format("write {}", known->usage);
}

void Malformed(Findings& findings, std::string_view name, const cedar::Annotation& at, std::string_view why) {
  Add(findings, "malformed-annotation", at, fmt::format("`@{}` {}", name, why), Usage(name));
}

// Whether an annotation of this name may stand here; adds a finding if not.
bool MayStand(std::string_view name, const cedar::Annotation& at, Place here, std::string_view what, Findings& findings) {
  if (std::ranges::find(kLater, name) != kLater.end()) {
    Add(findings, "not-supported", at, fmt::format("`@{}` is not supported in this version", name), "leave it out");
    return false;
  }
  const auto known = std::ranges::find(kKnown, name, &Known::name);
  if (known == kKnown.end()) {
    std::vector<std::string> names;
    for (const Known& k : kKnown) names.emplace_back(k.name);
    const std::string near = Nearest(name, names);
    Add(findings, "unknown-annotation", at, fmt::format("unknown annotation `@{}`", name),
        near.empty() ? "see docs/reference/annotations.md" : fmt::format("did you mean `@{}`?", near));
    return false;
  }
  if (known->place != Place::kOther && known->place != here) {
    Add(findings, "misplaced-annotation", at, fmt::format("`@{}` means nothing on {}", name, what),
        known->place == Place::kType ? "it belongs on an entity type" : "it belongs on a policy");
    return false;
  }
  return true;
}

std::optional<Duration> ReadDuration(std::string_view name, const cedar::Annotation& at, Findings& findings) {
  const auto duration = ParseDuration(at.value);
  if (duration && *duration > Duration::zero()) return *duration;
  Malformed(findings, name, at, fmt::format("needs a duration, not `{}`", EscapeControl(at.value)));
  return std::nullopt;
}

std::string ReadName(const cedar::Annotation& at, Findings& findings) {
  auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
  const std::string& v = at.value;
  if (!v.empty() && v.size() <= limits::kTypeNameBytes && v[0] >= 'a' && v[0] <= 'z' && std::ranges::all_of(v, fits)) return v;
  Malformed(findings, "name", at, "needs a lower-case letter, then lower-case letters, digits, `-`, `_` or `.`");
  return {};
}

// The polynomial matcher of libstdc++ follows all ways at once and has no back-references, so that no pattern takes exponential time on
// a reason that a caller made up.
std::optional<std::regex> Compile(const std::string& pattern) {
  try {
    return std::regex(pattern, std::regex::ECMAScript | std::regex_constants::__polynomial);
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

std::string ReadReason(const cedar::Annotation& at, Findings& findings) {
  if (!at.value.empty() && at.value.size() <= limits::kReasonPatternBytes && Compile(at.value)) return at.value;
  Malformed(findings, "reason", at,
            fmt::format("needs a regular expression of at most {} bytes without back-references", limits::kReasonPatternBytes));
  return {};
}

void ReadBudgets(std::string_view name, const cedar::Annotation& at, std::vector<Budget>& into, Findings& findings) {
  auto budgets = ParseBudgets(name == "max_starts" ? Budget::Kind::kStarts : Budget::Kind::kActive, at.value);
  if (!budgets) return Malformed(findings, name, at, budgets.error());
  into.insert(into.end(), std::make_move_iterator(budgets->begin()), std::make_move_iterator(budgets->end()));
}

std::optional<Trip> ReadTrip(const cedar::Annotation& at, Findings& findings) {
  auto trip = ParseTrip(at.value);
  if (trip) return *std::move(trip);
  Malformed(findings, "trip", at, trip.error());
  return std::nullopt;
}

std::shared_ptr<const Zone> ReadZone(const cedar::Annotation& at, Findings& findings) {
  auto zone = Zone::Find(at.value);
  if (zone) return *std::move(zone);
  Add(findings, zone.error().reason, at, zone.error().message, zone.error().hint);
  return nullptr;
}

bool ReadMark(std::string_view name, const cedar::Annotation& at, Findings& findings) {
  if (!at.value.empty()) Malformed(findings, name, at, "takes no value");
  return true;
}

std::uint32_t ReadCount(std::string_view name, const cedar::Annotation& at, Findings& findings) {
  std::uint32_t count = 0;
  const char* end = at.value.data() + at.value.size();
  const auto [stop, error] = std::from_chars(at.value.data(), end, count);
  if (error == std::errc() && stop == end && count > 0 && at.value[0] != '0') return count;
  Malformed(findings, name, at, fmt::format("needs a whole number from 1 on, not `{}`", EscapeControl(at.value)));
  return 1;
}

// Marks and times that contradict each other.
void CheckTogether(const cedar::EntityType& type, const TypeAnnotations& a, Findings& findings) {
  auto at = [&](std::string_view name) -> const cedar::Annotation& { return type.annotations.find(name)->second; };
  if (!a.task) {
    for (const std::string_view name :
         {"ttl", "max_ttl", "heartbeat", "name", "reason", "delegable", "max_starts", "max_active", "trip", "break_glass", "timezone"}) {
      if (type.annotations.contains(name)) {
        Add(findings, "misplaced-annotation", at(name), fmt::format("`@{}` means nothing on `{}`, which is no task type", name, type.name),
            "a task type has `@task(\"what it is for\")`");
      }
    }
    if (a.actor && a.person) {
      Add(findings, "misplaced-annotation", at("person"), fmt::format("`{}` cannot be both `@actor` and `@person`", type.name),
          "a person may start tasks without being marked as an actor");
    }
    return;
  }
  for (const std::string_view name : {"actor", "person", "open", "from_pep"}) {
    if (type.annotations.contains(name)) {
      Add(findings, "misplaced-annotation", at(name), fmt::format("`@{}` means nothing on `{}`, which is a task type", name, type.name),
          "remove one of the two");
    }
  }
  if (a.ttl && a.max_ttl && *a.max_ttl < *a.ttl) Malformed(findings, "max_ttl", at("max_ttl"), "is shorter than `@ttl`");
}

}  // namespace

TypeAnnotations ReadTypeAnnotations(const cedar::EntityType& type, Findings& findings) {
  TypeAnnotations a;
  const std::string what = fmt::format("entity type `{}`", type.name);
  for (const auto& [name, at] : type.annotations) {
    if (!MayStand(name, at, Place::kType, what, findings)) continue;
    if (name == "task") {
      a.task = at.value;
      if (Trim(at.value).empty()) Malformed(findings, name, at, "needs the purpose of the task");
    } else if (name == "ttl") {
      a.ttl = ReadDuration(name, at, findings);
    } else if (name == "max_ttl") {
      a.max_ttl = ReadDuration(name, at, findings);
    } else if (name == "heartbeat") {
      a.heartbeat = ReadDuration(name, at, findings);
    } else if (name == "name") {
      a.name = ReadName(at, findings);
    } else if (name == "reason") {
      a.reason = ReadReason(at, findings);
    } else if (name == "delegable") {
      a.delegable = ReadMark(name, at, findings);
    } else if (name == "max_starts" || name == "max_active") {
      ReadBudgets(name, at, a.budgets, findings);
    } else if (name == "trip") {
      a.trip = ReadTrip(at, findings);
    } else if (name == "break_glass") {
      a.break_glass = ReadDuration(name, at, findings);
    } else if (name == "timezone") {
      a.timezone = ReadZone(at, findings);
    } else if (name == "actor") {
      a.actor = ReadMark(name, at, findings);
    } else if (name == "person") {
      a.person = ReadMark(name, at, findings);
    } else if (name == "open") {
      a.open = ReadMark(name, at, findings);
    } else if (name == "from_pep") {
      a.from_pep = ReadMark(name, at, findings);
    }
  }
  CheckTogether(type, a, findings);
  return a;
}

PolicyAnnotations ReadPolicyAnnotations(const cedar::Policy& policy, Findings& findings) {
  PolicyAnnotations a;
  for (const auto& [name, at] : policy.annotations) {
    if (!MayStand(name, at, Place::kPolicy, "a policy", findings)) continue;
    if (name == "id") {
      a.id = at.value;
      const bool fits =
          !at.value.empty() && at.value.size() <= limits::kPolicyIdBytes && IsVisible(at.value) && at.value.find(':') == std::string::npos;
      if (!fits) Malformed(findings, name, at, "needs a short visible text without `:`");
    } else if (name == "after_uses" || name == "unless_approved") {
      const auto kind = name == "after_uses" ? Obligation::Kind::kAfterUses : Obligation::Kind::kUnlessApproved;
      if (policy.effect == cedar::Effect::kPermit) {
        Add(findings, "misplaced-annotation", at, fmt::format("`@{}` stands on a permit", name),
            "obligations are forbids that Remit can lift: write a `forbid` with the same scope");
      } else if (a.lift) {
        Add(findings, "misplaced-annotation", at, "one forbid cannot be lifted in two ways", "write two forbids");
      }
      a.lift = Lift{kind, ReadCount(name, at, findings)};
    }
  }
  return a;
}

void CheckOtherAnnotations(const std::map<std::string, cedar::Annotation, std::less<>>& annotations, std::string_view what, Findings& findings) {
  for (const auto& [name, at] : annotations) MayStand(name, at, Place::kOther, what, findings);
}

bool MatchesReason(const std::string& pattern, std::string_view reason) {
  const auto compiled = Compile(pattern);
  return compiled && std::regex_match(reason.begin(), reason.end(), *compiled);
}

}  // namespace remit::task
