// Partial evaluation: what is left of a policy when some of the request is not known yet.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cedar/ast.h"
#include "cedar/entities.h"
#include "cedar/schema.h"

namespace remit::cedar {

// A request of which parts are unknown. The types of principal and resource are always known; their entity may not be.
struct PartialRequest {
  std::string principal_type;
  std::optional<EntityUid> principal;  // unknown: attributes stay symbolic (`principal.x`)
  std::optional<EntityUid> action;     // unknown: one of those that the schema applies to both types
  std::string resource_type;
  std::optional<EntityUid> resource;
  std::optional<Value> context;                // unknown: `context.x` stays
  std::set<std::string> unknown_context = {};  // of a known context: attributes that may have any value, or be missing if they are optional
};

// What is not known of an entity; the rest is as the store has it. Whoever says so vouches that the entity is in the store that the
// residual meets, so that its required attributes are there.
struct UnknownParts {
  bool all_attributes = false;
  std::set<std::string> attributes;
  bool tags = false;
  bool ancestors = false;  // beyond those that the store has
};
using Unknowns = std::map<EntityUid, UnknownParts>;

// The residual of an expression: a literal, or an expression over the unknown parts only, folded as far as the type information allows
// (`x == x`, `resource is T`, short circuits, `if`, `has` of a required attribute, `in` by the declared hierarchy). Known sets and records
// are written out (`[…].contains(resource)`) down to limits::kCedarDepth, below which they stay literals: no residual is higher than that
// and than its expression. Of the entities on the right of `in` and on the left of `contains` those stay that the type
// on the other side allows; one alone stands without brackets behind `in`. An error that is certain becomes a residual of its own:
// std::nullopt; one that is certain only if something else holds stays as `{}.error`.
// Entities that are not in `entities` count as unknown where `open_world`, else as without attributes and parents.
//
// Soundness: with the unknowns filled in, the residual has the value of the original, or both fail, whatever the policy, provided that
//   - request and entities conform to the schema, and
//   - an unknown principal or resource is in the store if its type has a required attribute, and
//   - what is known is as it was: an entity of `entities` has what it has here but for its unknown parts, and, in a closed world, an entity
//     that is not here has no attributes, tags and parents.
// Groups of actions are those of `entities`, as in evaluation: the store must have the schema's action entities (Entities::FromJson adds
// them). In an open world the schema's own are used.
struct PartialOptions {
  bool open_world = false;
  const Unknowns* unknowns = nullptr;  // null: none; must outlive the call
};
std::optional<ExprPtr> PartialEvaluate(const Expr& expr, const PartialRequest& request, const EntityView& entities, const Schema& schema,
                                       PartialOptions options = {});

bool IsTrue(const Expr& expr);
bool IsFalse(const Expr& expr);

// The answer of a set of policies as far as it is certain. Lists are in order of the policies.
struct PartialResponse {
  struct Open {
    PolicyPtr policy;
    ExprPtr residual;  // neither true nor false yet
  };
  std::vector<PolicyPtr> permits, forbids;  // surely satisfied
  std::vector<Open> open_permits, open_forbids;
  std::vector<PolicyPtr> unsatisfied;  // surely false
  std::vector<PolicyPtr> failing;      // surely an error, so not satisfied either
  std::optional<bool> allowed;         // nothing: the unknowns decide

  // What is left, as policies: those surely satisfied with `true`, the open ones with their residual; scopes are part of the condition.
  // With the unknowns filled in, they decide as the original set does.
  std::vector<PolicyPtr> Residuals() const;
};

// Sound as PartialEvaluate is. Errors of policies are part of the answer.
PartialResponse PartialIsAuthorized(const std::vector<PolicyPtr>& policies, const PartialRequest& request, const EntityView& entities,
                                    const Schema& schema, PartialOptions options = {});

}  // namespace remit::cedar
