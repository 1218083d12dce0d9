// Text that looks like other text (UTS 39): what a policy says to people and what it says to the machine should be the same.
#pragma once

#include <string_view>
#include <vector>

#include "cedar/ast.h"
#include "cedar/source.h"

namespace remit::cedar {

// Appends a warning for each identifier (ids of entities, attributes, keys of records) and each string (literals, patterns) with
// bidirectional control characters or letters of several scripts, and for identifiers with characters that UTS 39 does not allow in them:
// `odd-identifier`, `odd-string`. Their `policy` is left empty.
void CheckText(const Policy& policy, std::vector<Diagnostic>& findings);

// The parts of it, for UTF-8 text.
bool HasBidiControl(std::string_view text);
bool IsSingleScript(std::string_view text);      // UTS 39 §5.1: some script has all its letters
bool IsAllowedInIdentifier(char32_t character);  // printable ASCII, space, or Identifier_Status=Allowed (UTS 39 §3.1)

}  // namespace remit::cedar
