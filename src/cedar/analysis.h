// What policies allow, for every request at once: whether one set allows only what another does, and the like. A procedure of this
// library's own, without a solver beside it: it answers "yes" only with a proof, "no" only with a request that shows it, and says where
// it cannot tell.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cedar/authorizer.h"
#include "cedar/entities.h"
#include "cedar/schema.h"

namespace remit::cedar {

enum class Verdict { kYes, kNo, kUnknown };

// Policies, as a set: some permit is satisfied and no forbid is. Where an entity is given, it stands in the place of the request's own
// principal or resource: that is how a task's or a template's parameters are bound, and how what one principal may do is compared with
// what another may. Templates must be linked before (template.h). Ids must be distinct.
struct BoundPolicies {
  std::vector<PolicyPtr> policies;
  std::optional<EntityUid> principal = std::nullopt, resource = std::nullopt;
};

struct AnalysisOptions {
  // Entities that are in every store that is thought of, just as they are here: their attributes, tags and ancestors are known. All others
  // may be there, in any way that the schema allows, or not. Must outlive the call. Null: none.
  const Entities* known = nullptr;
  // Case splits are bounded: questions to the decision procedures, for each action and pair of types. About 20 µs each; those about more than
  // a hundred atoms count for several.
  std::size_t work = 20'000;
  // Cases that nothing was found against and no example found for, before it gives up.
  std::size_t failed_examples = 32;
};

// A request and the entities that it was made with. Both conform to the schema, and the authorizer was asked.
struct Counterexample {
  EntityUid principal, action, resource;
  Value context;
  Entities entities;

  Request For(const BoundPolicies& policies) const;  // with what is bound in its place
};

// Where it could not be told.
struct OpenQuestion {
  EntityUid action;
  std::string principal_type, resource_type;
  std::string why;
};

struct AnalysisAnswer {
  Verdict verdict = Verdict::kYes;
  std::optional<Counterexample> counterexample;  // exactly with kNo
  std::vector<OpenQuestion> open;                // not empty with kUnknown; may be with kNo
  std::size_t environments = 0;                  // combinations of action, principal type and resource type that were looked at
  std::size_t work = 0;
};

// All of them are about the requests and stores that
//   - conform to the schema (an action that it has, entity types that the action applies to, attributes, tags, parents and context as
//     declared, listed entities only where a type lists them), and have its action entities;
//   - hold the principal and the resource if their types have a required attribute. Other entities may be missing.
// kYes is a proof for all of these. kNo comes with one of them that shows it. An error of a policy is what it is in a decision: the policy
// is not satisfied. None of them needs the policies to be valid, but what is not well typed is seldom understood.
//
// What is decided: booleans, `if`, `has`, presence and absence of attributes, tags and entities; equality; `in` over any hierarchy; `is`;
// whole numbers, decimals, datetimes and durations under comparison, sums, differences and multiples by constants, with overflow; `like`
// against any number of patterns; ranges of IP addresses against written ones; contains, containsAll, containsAny, isEmpty. What may stay
// open: products of two unknowns, sums of several unknowns, toDate and its like, and comparisons of sets of sets or records.
// Thread-safe. Time is bounded by `work` and the number of environments: what becomes too large on the way stays open.

// Does `a` allow only what `b` allows?
AnalysisAnswer Implies(const BoundPolicies& a, const BoundPolicies& b, const Schema& schema, const AnalysisOptions& options = {});

// Do both allow the same? The counterexample is allowed by one of them.
AnalysisAnswer Equivalent(const BoundPolicies& a, const BoundPolicies& b, const Schema& schema, const AnalysisOptions& options = {});

// Is there nothing that both allow?
AnalysisAnswer Disjoint(const BoundPolicies& a, const BoundPolicies& b, const Schema& schema, const AnalysisOptions& options = {});

// Is there nothing that it allows? The counterexample is allowed.
AnalysisAnswer NeverAllows(const BoundPolicies& policies, const Schema& schema, const AnalysisOptions& options = {});

// Does it allow every request of the schema?
AnalysisAnswer AlwaysAllows(const BoundPolicies& policies, const Schema& schema, const AnalysisOptions& options = {});

}  // namespace remit::cedar
