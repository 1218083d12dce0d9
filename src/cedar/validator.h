// Strict validation: a policy that passes cannot fail at run time by a type error, whatever entities and requests conform to the schema.
#pragma once

#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"

namespace remit::cedar {

// All findings, errors first, in source order. Warnings: `impossible-policy` (true for no request environment), odd identifiers.
std::vector<Diagnostic> Validate(const Schema& schema, const std::vector<PolicyPtr>& policies);

}  // namespace remit::cedar
