// How two catalogs differ, for whoever is asked to say yes to the second. Pure.
#pragma once

#include "json/value.h"
#include "task/catalog.h"

namespace remit::broker {

// {"files": [{name, change}], "task_types": [{name, change}], "policies": [{id, change, text?}]}, where `change` is "added", "removed" or
// "changed". The texts of policies (after, or of what is removed) are there as far as limits::kDifferenceBytes go. `before` may be null.
json::Value CatalogDifference(const task::Catalog* before, const task::Catalog& after);

}  // namespace remit::broker
