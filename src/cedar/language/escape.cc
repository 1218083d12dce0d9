// Escapes in both directions, and matching of patterns.
#include "cedar/language/escape.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::cedar {
namespace {

void AppendUtf8(std::uint32_t point, std::string& out) {
  auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F)), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
  }
}

// {1–6 hex digits}, underscores between them, from behind the `u`. Moves `at` behind it; nothing where it is malformed.
std::optional<std::uint32_t> UnicodeEscape(std::string_view inner, std::size_t& at) {
  if (at >= inner.size() || inner[at] != '{') return std::nullopt;
  std::uint32_t point = 0;
  int digits = 0;
  for (++at; at < inner.size() && inner[at] != '}'; ++at) {
    if (inner[at] == '_' && digits > 0) continue;
    const int digit = HexDigit(inner[at]);
    if (digit < 0 || ++digits > 6) return std::nullopt;
    point = point << 4 | static_cast<std::uint32_t>(digit);
  }
  if (at >= inner.size() || digits == 0) return std::nullopt;
  ++at;
  if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return std::nullopt;
  return point;
}

// The character that the escape at `at` (behind the backslash) stands for; moves behind it.
std::optional<std::uint32_t> Escape(std::string_view inner, std::size_t& at) {
  if (at >= inner.size()) return std::nullopt;
  switch (inner[at++]) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '\\': return '\\';
    case '0': return '\0';
    case '\'': return '\'';
    case '"': return '"';
    case 'u': return UnicodeEscape(inner, at);
    case 'x': {
      if (at + 2 > inner.size()) return std::nullopt;
      const int high = HexDigit(inner[at]), low = HexDigit(inner[at + 1]);
      at += 2;
      if (high < 0 || high > 7 || low < 0) return std::nullopt;
      return static_cast<std::uint32_t>(high << 4 | low);
    }
    default: return std::nullopt;
  }
}

std::unexpected<Error> BadEscape(std::string_view inner, std::size_t from, std::size_t to) {
  std::size_t end = std::min(to, inner.size());
  while (end < inner.size() && (static_cast<unsigned char>(inner[end]) & 0xC0) == 0x80) ++end;  // whole characters
  return Fail(Code::kInvalidArgument, "bad-escape",
              fmt::format("the input `{}` is not a valid escape", EscapeControl(inner.substr(from, end - from))));
}

// Calls `on_text(bytes)` for plain text and for what escapes stand for, and `on_star()` for wildcards if `pattern`.
template <class OnText, class OnStar>
Status Walk(std::string_view inner, bool pattern, OnText on_text, OnStar on_star) {
  std::string decoded;
  for (std::size_t at = 0; at < inner.size();) {
    const std::size_t start = at;
    const char c = inner[at++];
    if (c == '\r') return BadEscape(inner, start, at);  // a bare carriage return must be written \r
    if (pattern && c == '*') {
      on_star();
    } else if (c != '\\') {
      on_text(inner.substr(start, 1));
    } else if (pattern && at < inner.size() && inner[at] == '*') {
      ++at;
      on_text("*");
    } else {
      const std::optional<std::uint32_t> point = Escape(inner, at);
      if (!point) return BadEscape(inner, start, at);
      decoded.clear();
      AppendUtf8(*point, decoded);
      if (pattern && decoded == "*")
        on_star();  // as in the reference: \x2a in a pattern is a wildcard, only \* is a star
      else
        on_text(decoded);
    }
  }
  return {};
}

// Where `part`, which is not empty, first stands in `text`. std::string_view::find compares anew at each place that may be one, which texts made
// for it turn into text × part; memmem is linear, but slower where there is little to compare.
std::size_t Find(std::string_view text, std::string_view part) {
  constexpr std::size_t kShort = 32;
  if (part.size() <= kShort) return text.find(part);
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  return found == nullptr ? std::string_view::npos : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// Escapes quotes, backslashes, control and invisible characters; stars too in a pattern.
std::string EscapeText(std::string_view text, bool pattern) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\0': out += "\\0"; break;
      case '*': out += pattern ? "\\*" : "*"; break;
      default: out += c;
    }
  }
  return EscapeControl(out);
}

}  // namespace

Result<std::string> Unescape(std::string_view inner) {
  if (inner.find_first_of("\\\r") == std::string_view::npos) return std::string(inner);
  std::string out;
  out.reserve(inner.size());
  REMIT_TRY(Walk(inner, false, [&out](std::string_view text) { out += text; }, [] {}));
  return out;
}

Result<std::vector<PatternPart>> UnescapePattern(std::string_view inner) {
  std::vector<PatternPart> parts;
  auto on_text = [&parts](std::string_view text) {
    if (parts.empty() || parts.back().wildcard) parts.push_back({});
    parts.back().literal += text;
  };
  auto on_star = [&parts] {
    if (parts.empty() || !parts.back().wildcard)
      parts.push_back({.wildcard = true, .literal = ""});
    else
      ++parts.back().stars;
  };
  REMIT_TRY(Walk(inner, true, on_text, on_star));
  return parts;
}

std::string Quote(std::string_view text) { return "\"" + EscapeText(text, false) + "\""; }

std::string QuotePattern(const std::vector<PatternPart>& pattern) {
  std::string out = "\"";
  for (const PatternPart& part : pattern) out += part.wildcard ? std::string(part.stars, '*') : EscapeText(part.literal, true);
  return out + "\"";
}

bool Matches(const std::vector<PatternPart>& pattern, std::string_view text) {
  // Each literal is taken at its first place behind a wildcard: earlier is never worse, so there is no need to come back. The last
  // literal must end the text, the first (without a wildcard before it) must begin it. Linear in pattern + text.
  bool floating = false;  // a wildcard stands before the current position
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const PatternPart& part = pattern[i];
    if (part.wildcard) {
      floating = true;
    } else if (!floating) {
      if (!text.starts_with(part.literal)) return false;
      text.remove_prefix(part.literal.size());
    } else if (i + 1 == pattern.size()) {
      return text.ends_with(part.literal);
    } else {
      const std::size_t found = Find(text, part.literal);
      if (found == std::string_view::npos) return false;
      text.remove_prefix(found + part.literal.size());
      floating = false;
    }
  }
  return floating || text.empty();
}

}  // namespace remit::cedar
