// Writing JSON: compact, for people, and canonical.
//
// What Write() and WritePretty() write, Parse() reads back as an equal value: a double always carries a fraction or an exponent ("1.0",
// "1e+21"). Bytes of a string that are not UTF-8 are written as U+FFFD, so that the output is JSON whatever went in.
#pragma once

#include <string>
#include <string_view>

#include "json/value.h"

namespace remit::json {

std::string Write(const Value& value);               // no white space, members in their order
void WriteTo(const Value& value, std::string& out);  // appends the same
std::string WritePretty(const Value& value);         // two spaces an indent, ends without a newline

// RFC 8785 (JCS): members sorted by UTF-16 code units, numbers as ECMAScript writes them. What is hashed or signed is written so.
// Integers are written with all their digits; beyond ±2^53 that is more than the RFC's readers can hold, so put larger ones into strings
// where others must be able to recompute. INVARIANT: strings that are hashed came through a reader that checks UTF-8.
std::string Canonical(const Value& value);

// The text as a JSON string with its quotes, escaped as RFC 8785 §3.2.2.2 prescribes.
std::string Quote(std::string_view text);

// A finite double as ECMAScript's Number::toString writes it, e.g. "1e+21", "0.000001", "-5".
std::string EcmaNumber(double number);

}  // namespace remit::json
