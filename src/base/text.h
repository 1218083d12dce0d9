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

// The first character of `text`, which is not empty and is stepped over; kNotUtf8, one byte on, where the bytes are not UTF-8 (RFC 3629 §4).
inline constexpr char32_t kNotUtf8 = 0xFFFFFFFF;
char32_t NextCharacter(std::string_view& text);
// The same character as bytes.
std::string_view TakeCharacter(std::string_view& text);

// The value of a hexadecimal digit, or -1.
int HexDigit(char c);

std::vector<std::string> Split(std::string_view text, char separator);  // "a,,b" gives three parts; "" gives one empty part
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view Trim(std::string_view text);  // spaces, tabs, CR and LF

// The one of `candidates` that is nearest to `text` by edit distance, for "did you mean"; "" if none is near.
std::string Nearest(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace remit
