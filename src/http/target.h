// The request target (RFC 9112 §3.2) and form parameters, taken apart strictly: pure functions, no I/O. Percent signs are decoded exactly
// once, and what two programs could read in two ways is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit::http {

struct Parameter {
  std::string name;
  std::string value;
};

struct Target {
  std::vector<std::string> segments;  // decoded; "/" has none. A segment may hold a decoded "/" ("%2F"), so never join them to route
  std::vector<Parameter> query;       // decoded, in the order of the request, each name once
};

// Takes an origin-form target ("/path?query") apart. Errors, all kInvalidArgument:
//   `bad-target`            not origin-form, a fragment, a character that must be encoded, a broken percent escape, a segment that is
//                           empty, "." or "..", a control character or bytes that are not UTF-8 (before or after decoding)
//   `duplicate-parameter`, `too-many-parameters`, `bad-parameter`
Result<Target> ParseTarget(std::string_view target);

// application/x-www-form-urlencoded, of a query or a body: "+" is a space. Each name once, none empty. "" has no parameters.
// Errors: `duplicate-parameter`, `too-many-parameters`, `bad-parameter`.
Result<std::vector<Parameter>> ParseForm(std::string_view text);

// Decodes %XX once; "+" stays. nullopt: a broken escape.
std::optional<std::string> PercentDecode(std::string_view text);

// Encodes everything but RFC 3986's unreserved characters, for building paths and queries.
std::string PercentEncode(std::string_view text);

}  // namespace remit::http
