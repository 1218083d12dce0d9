// What stands between the quotes of a string literal, and how to write it again. Escapes are \n \r \t \\ \0 \' \" \x00–\x7f and
// \u{1–6 hex digits}; in a pattern of `like` also \* for a star that is no wildcard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/ast.h"

namespace remit::cedar {

// `inner` is the literal without its quotes. Errors: `bad-escape`, without a place.
Result<std::string> Unescape(std::string_view inner);

// The same for `like`: no two wildcards and no two literals are neighbours. Errors: `bad-escape`.
Result<std::vector<PatternPart>> UnescapePattern(std::string_view inner);

std::string QuotePattern(const std::vector<PatternPart>& pattern);  // with quotes; for strings see Quote in value.h

// Whether `text` matches: a wildcard stands for any run of characters, also none.
bool Matches(const std::vector<PatternPart>& pattern, std::string_view text);

}  // namespace remit::cedar
