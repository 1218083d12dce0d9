// Text that goes into SQL: identifiers, literals, arrays. Correct whatever standard_conforming_strings says, and without a server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit::pg {

// "name" with its quotes doubled. Errors: `bad-identifier` for an empty one, one with NUL, one that is not UTF-8, or one of more than 63
// bytes, which the server would cut and so might turn into another's name.
Result<std::string> QuoteIdentifier(std::string_view name);

// 'text' with its quotes doubled; with a backslash in it as E'…', which means the same under both settings of
// standard_conforming_strings. Errors: `bad-literal` for NUL or bytes that are not UTF-8.
Result<std::string> QuoteLiteral(std::string_view text);

// The input form of a text[]: {"a","b\"c"}; for parameters. Elements with NUL are a programmer's error.
std::string TextArray(const std::vector<std::string>& elements);

}  // namespace remit::pg
