// Annotations of schemas and policies that mean something to Remit; docs/reference/annotations.md has their grammar for people.
//
// Cedar ignores annotations, so a typing error in one would silently drop a rule. Here an annotation that is unknown, malformed or in a
// place where it means nothing is an error, with its place and a hint; one that belongs to a later version is refused by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/zone.h"
#include "cedar/ast.h"
#include "cedar/schema.h"
#include "task/budget.h"
#include "task/permission.h"
#include "task/trip.h"

namespace remit::task {

// What a forbid that can be lifted asks for.
struct Lift {
  Obligation::Kind kind = Obligation::Kind::kAfterUses;
  std::uint32_t count = 1;
};

struct TypeAnnotations {
  std::optional<std::string> task;  // @task("purpose")
  std::optional<Duration> ttl, max_ttl, heartbeat;
  std::string name;                      // @name, "" for none
  std::string reason;                    // @reason, a pattern that compiles, "" for none
  std::vector<Budget> budgets;           // @max_starts, @max_active; what they name is not checked yet
  std::optional<Trip> trip;              // @trip
  std::optional<Duration> break_glass;   // @break_glass: how long such a task may live
  std::shared_ptr<const Zone> timezone;  // @timezone
  bool delegable = false;                // @delegable: runs as a sub-task too
  bool actor = false, person = false, open = false, from_pep = false;
};

struct PolicyAnnotations {
  std::string id;            // @id, "" for none
  std::optional<Lift> lift;  // @after_uses, @unless_approved
};

using Findings = std::vector<cedar::Diagnostic>;

// Each reads what it understands and adds a finding for all else: `unknown-annotation`, `malformed-annotation`, `misplaced-annotation`,
// `not-supported`.
TypeAnnotations ReadTypeAnnotations(const cedar::EntityType& type, Findings& findings);
PolicyAnnotations ReadPolicyAnnotations(const cedar::Policy& policy, Findings& findings);
void CheckOtherAnnotations(const std::map<std::string, cedar::Annotation, std::less<>>& annotations, std::string_view what, Findings& findings);

// Whether the whole of `reason` matches the pattern of a @reason, in time linear in its length.
bool MatchesReason(const std::string& pattern, std::string_view reason);

}  // namespace remit::task
