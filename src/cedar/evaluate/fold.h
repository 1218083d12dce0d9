// Constant folding, done once when policies are compiled: sets and records of literals and constructors of extension values become one
// literal, so that no decision builds or parses them again.
#pragma once

#include "cedar/ast.h"

namespace remit::cedar {

// Evaluates to the same, errors included: what would fail is left as it is. Shares what it does not change.
ExprPtr FoldConstants(const ExprPtr& expr);

}  // namespace remit::cedar
