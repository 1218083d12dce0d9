// Partial evaluation: what is left of a policy when some of the request is not known yet.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cedar/ast.h"
#include "cedar/entities.h"
#include "cedar/schema.h"

namespace remit::cedar {

// A request of which parts are unknown. The types of principal and resource are always known; their entity may not be.
struct PartialRequest {
  std::string principal_type;
  std::optional<EntityUid> principal;  // unknown: attributes stay symbolic (`principal.x`)
  EntityUid action;
  std::string resource_type;
  std::optional<EntityUid> resource;
  std::optional<Value> context;  // unknown: `context.x` stays
};

// The residual of an expression: a literal, or an expression over the unknown parts only, folded as far as the type information allows
// (`x == x`, `resource is T`, short circuits, `if`, `has` of a required attribute, `in` by the declared hierarchy). Known sets and records
// are written out (`[…].contains(resource)`). Of the entities on the right of `in` and on the left of `contains` those stay that the type
// on the other side allows; one alone stands without brackets behind `in`. An error that is certain becomes a residual of its own:
// std::nullopt; one that is certain only if something else holds stays as `{}.error`.
// Entities that are not in `entities` count as unknown where `open_world`, else as without attributes and parents.
//
// Soundness: with the unknowns filled in, the residual has the value of the original, or both fail, whatever the policy, provided that
//   - request and entities conform to the schema, and
//   - an unknown principal or resource is in the store if its type has a required attribute.
// Groups of actions are those of `entities`, as in evaluation: the store must have the schema's action entities (Entities::FromJson adds
// them). In an open world the schema's own are used.
struct PartialOptions {
  bool open_world = false;
};
std::optional<ExprPtr> PartialEvaluate(const Expr& expr, const PartialRequest& request, const EntityView& entities, const Schema& schema,
                                       PartialOptions options = {});

bool IsTrue(const Expr& expr);
bool IsFalse(const Expr& expr);

}  // namespace remit::cedar
