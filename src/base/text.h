// Small things done to text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace remit {

// Control, bidirectional and invisible characters as \u{…}; bytes that are not UTF-8 as \x… . For showing what others wrote.
std::string EscapeControl(std::string_view text);

// Whether the text is well-formed UTF-8 (no surrogates, no overlong forms).
bool IsUtf8(std::string_view text);

// Whether `text` may be the id of an entity: UTF-8, not empty, without control, bidi or invisible characters. (NFC is not checked.)
bool IsVisible(std::string_view text);

std::vector<std::string> Split(std::string_view text, char separator);  // "a,,b" gives three parts; "" gives one empty part
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view Trim(std::string_view text);  // spaces, tabs, CR and LF

// The one of `candidates` that is nearest to `text` by edit distance, for "did you mean"; "" if none is near.
std::string Nearest(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace remit
