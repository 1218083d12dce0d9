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

// What a text with errors in it comes to. `policies`: those that are well formed, with the ids that they will have once the others are
// mended. `errors`: one finding for each of the others, in order, at most kParseErrors; none means what ParsePolicies would have returned.
struct ParsedPolicies {
  std::vector<PolicyPtr> policies;
  std::vector<Diagnostic> errors;
};
inline constexpr std::size_t kParseErrors = 100;

// ParsePolicies that goes on behind the `;` of a policy that it cannot read. A character that begins no token ends everything.
ParsedPolicies ParseAllPolicies(std::string_view text, std::string_view file_name, std::string_view id_prefix = "policy");

// Parses one expression, e.g. for tests and for `remit check --context`.
Result<ExprPtr> ParseExpr(std::string_view text, std::string_view file_name = "");

}  // namespace remit::cedar
