// Level validation (RFC 76): how far from the request a policy reads entities.
#pragma once

#include <vector>

#include "cedar/ast.h"
#include "cedar/source.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {

// Appends a finding for each access beyond `level` steps (`level-exceeded`) and for each that begins at a literal or a slot
// (`literal-dereference`). `tree` is that of a well-typed `condition`, in which `action` is the action. Their `policy` is left empty.
void CheckLevel(const Expr& condition, const TypedTree& tree, const EntityUid& action, unsigned level, std::vector<Diagnostic>& findings);

}  // namespace remit::cedar
