// Questions that a decision does not answer: what may be done here, to what, and by whom. Each policy is reduced once to what the known
// part of the request leaves of it, and only that is evaluated for every candidate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cedar/authorizer.h"
#include "cedar/partial.h"
#include "cedar/schema.h"

namespace remit::cedar {

// A permission that hangs on what is not known: the context.
struct OpenAction {
  EntityUid action;
  PartialResponse response;  // `allowed` is nothing
};
struct OpenEntity {
  EntityUid entity;
  PartialResponse response;
};

struct ActionAnswer {
  std::vector<EntityUid> permitted;  // in order
  std::vector<OpenAction> open;      // only without a context; in order
};
struct EntityAnswer {
  std::vector<EntityUid> permitted;
  std::vector<OpenEntity> open;
};

// The actions of the schema that apply to the types of `principal` and `resource` and that `policies` allow. With a context: those whose
// context type it has, exactly those that PolicySet::IsAuthorized allows. Without: `permitted` are those that every context of the right
// type allows (as far as partial evaluation can tell), `open` those that some context may allow; the others none does.
// Conditions as in partial.h: entities and context conform to the schema. Thread-safe.
ActionAnswer QueryActions(const PolicySet& policies, const Schema& schema, const Entities& entities, const EntityUid& principal,
                          const EntityUid& resource, const std::optional<Value>& context);

// The entities of `entities` that `principal` may do `action` to, of the types that the action applies to (of `type` alone, where given).
// With a context exactly those that PolicySet::IsAuthorized allows; without as above. An action that the schema does not have, or that
// does not apply to the principal's type, or not with this context, gives none.
EntityAnswer QueryResources(const PolicySet& policies, const Schema& schema, const Entities& entities, const EntityUid& principal,
                            const EntityUid& action, const std::optional<Value>& context, const std::optional<std::string>& type = std::nullopt);

// The entities of `entities` that may do `action` to `resource`.
EntityAnswer QueryPrincipals(const PolicySet& policies, const Schema& schema, const Entities& entities, const EntityUid& action,
                             const EntityUid& resource, const std::optional<Value>& context, const std::optional<std::string>& type = std::nullopt);

}  // namespace remit::cedar
