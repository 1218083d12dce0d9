// The strict reader: text to Value, or one error that says where. What two readers could understand differently is refused: an equal
// name twice in one object (RFC 8259 §4 leaves open who wins), integers that do not fit into int64, numbers beyond a double, ill-formed
// UTF-8, lone surrogates, anything behind the value.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "json/value.h"

namespace remit::json {

struct Limits {
  std::size_t depth = limits::kJsonDepth;  // nested arrays and objects
  std::size_t bytes = limits::kJsonBytes;  // of the text
};

// Reads one JSON value with white space around it. Digits without fraction and exponent give an int64 (-0 gives 0), everything else a
// double, correctly rounded. An integer outside int64 is refused, unless its digits are exactly those that RFC 8785 prescribes for a
// double ("100000000000000000000" for 1e20), so that everything that Canonical() writes can be read again.
// Errors: `bad-json` with place "line:column" (both from 1, columns in bytes); `json-too-large` for a text over the limit.
Result<Value> Parse(std::string_view text, Limits limits = {});

}  // namespace remit::json
