// Laying out policies: one style for everybody, comments kept, meaning unchanged. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace remit::cedar {

struct FormatOptions {
  int line_width = 80;   // columns that a line should not exceed, where it can be broken; at least 1
  int indent_width = 2;  // spaces a level; 0 to 16
};

// The same policies and templates, laid out anew: a policy a paragraph, scopes with a constraint on lines of their own, conditions broken
// behind `&&` and `||` where they do not fit. Formatting twice is formatting once. Every comment stays at its token; only commas behind
// the last element of a list go. Ends with a line break, unless there is nothing to write. Errors: those of ParsePolicies, `source-too-large`
// also where the result is; `format-failed` (kInternal) should the result not read back as the same policies with the same comments, which would be a
// bug.
Result<std::string> FormatPolicies(std::string_view text, std::string_view file_name, FormatOptions options = {});

}  // namespace remit::cedar
