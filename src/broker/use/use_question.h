// What a use asks about, as policies see it. Pure.
#pragma once

#include <memory>

#include "broker/answers.h"
#include "cedar/entities.h"
#include "task/catalog.h"

namespace remit::broker {

// The resource as an entity, beyond what `known` has of it: a secret's path with the folders that it lies in, or what a PEP vouches for where the
// catalog lets it. Null: nothing beyond, also where what the PEP says does not fit the schema.
std::shared_ptr<const cedar::Entity> ResourceOf(const UseRequest& request, const task::Catalog& catalog, const cedar::Entities& known);

// The context as the action declares it, with `now` and `local` filled in by Remit; `zone`: of the task's type, null for UTC.
// Errors: `unknown-action`, `bad-context`, those of cedar::Schema::ReadValue.
Result<cedar::Value> ContextOf(const UseRequest& request, const task::Catalog& catalog, const Zone* zone, Time now);

}  // namespace remit::broker
