// Every name in a whole policy against the schema, also where evaluation can never come.
#pragma once

#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"
#include "cedar/source.h"

namespace remit::cedar {

// Appends a finding for each name that the schema does not have: `unknown-entity-type`, `unknown-action`, `unknown-entity` (not one of an
// enumeration). Their `policy` is left empty.
void CheckNames(const Schema& schema, const Policy& policy, std::vector<Diagnostic>& findings);

}  // namespace remit::cedar
