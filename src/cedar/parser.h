// Text to syntax tree. Limits: base/limits.h kCedarDepth, and kCedarFileBytes unless the caller, who trusts the text, allows more. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "cedar/ast.h"

namespace remit::cedar {

// Parses policies (and templates). Ids are `id_prefix` + index of the policy in this text. Errors: `parse-error` with the place;
// `source-too-large` over `most_bytes` (up to 1 GiB: positions are 32 bits).
Result<std::vector<PolicyPtr>> ParsePolicies(std::string_view text, std::string_view file_name, std::string_view id_prefix = "policy",
                                             std::size_t most_bytes = limits::kCedarFileBytes);

// What a text with errors in it comes to. `policies`: those that are well formed, with the ids that they will have once the others are
// mended. `errors`: one finding for each of the others, in order, at most limits::kCedarParseErrors; none means what ParsePolicies would have
// returned.
struct ParsedPolicies {
  std::vector<PolicyPtr> policies;
  std::vector<Diagnostic> errors;
};

// ParsePolicies that goes on behind the `;` of a policy that it cannot read. A character that begins no token ends everything.
ParsedPolicies ParseAllPolicies(std::string_view text, std::string_view file_name, std::string_view id_prefix = "policy");

// Parses one expression, e.g. for tests and for `remit check --context`.
Result<ExprPtr> ParseExpr(std::string_view text, std::string_view file_name = "");

}  // namespace remit::cedar
