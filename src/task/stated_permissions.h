// What the policies of a catalog give, read while the parameters of tasks are still symbols. This is where a catalog is held to the rule
// that what a target enforces natively must be exact: a permission that cannot be said to the target as it stands refuses the catalog.
#pragma once

#include <vector>

#include "task/catalog.h"

namespace remit::task {

// The permissions of one task type, in order of action, resource type and policy.
std::vector<StatedPermission> StatePermissions(const cedar::Schema& schema, const std::string& task_type, const TypeRules& rules);

// Refuses what is enforced natively (namespace Postgres) and not plain, or names no table: `not-enforceable`.
Status CheckNative(const StatedPermission& permission);

}  // namespace remit::task
