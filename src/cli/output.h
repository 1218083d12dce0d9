// What people and programs see. The rules of the user interface:
//   stdout is data, stderr is messages; messages begin in lower case, name values in backticks, and end with a hint that can be typed;
//   --json gives one JSON document on stdout, and errors as {"error": {…}} on stderr;
//   colours only where stderr (or stdout) is a terminal, NO_COLOR is not set and TERM is not dumb;
//   what others wrote is shown escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace remit::cli {

enum class Style { kPlain, kBold, kDim, kGreen, kRed, kYellow, kCyan };

// The text in that style where `fd` is a terminal that shows colours, else as it is.
std::string Styled(Style style, std::string_view text, int fd = 1);

void PrintError(const Error& error);
void PrintMessage(std::string_view text);  // to stderr, "remit: …"
void PrintJson(const json::Value& value);  // to stdout, pretty on a terminal
void PrintLine(std::string_view text);     // to stdout

// A table: columns as wide as their content, the first row is the heading.
void PrintTable(const std::vector<std::vector<std::string>>& rows);

// The member as text: strings as they are (escaped), other values as JSON, "" where there is none.
std::string Text(const json::Value& value, std::string_view member);

// Whether the member is there, and true.
bool Flagged(const json::Value& value, std::string_view member);

// A value of Cedar's JSON form as people write it: {"__entity": …} becomes its id.
std::string Plain(const json::Value& value);

// Of somebody who was barred: what goes on all the same.
void PrintStillRunning(const json::Value& answer);

// "service=checkout environment=prod"
std::string Parameters(const json::Value& parameters);

}  // namespace remit::cli
