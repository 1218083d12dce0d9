// Text to syntax tree. Limits: base/limits.h kCedarFileBytes, kCedarDepth. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cedar/ast.h"

namespace remit::cedar {

// Parses policies (and templates). Ids are `id_prefix` + index of the policy in this text. Errors: `parse-error` with the place;
// `not-supported`, naming what is not known yet.
Result<std::vector<PolicyPtr>> ParsePolicies(std::string_view text, std::string_view file_name, std::string_view id_prefix = "policy");

// Parses one expression, e.g. for tests and for `remit check --context`.
Result<ExprPtr> ParseExpr(std::string_view text, std::string_view file_name = "");

}  // namespace remit::cedar
