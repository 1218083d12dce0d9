#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

namespace remit {
namespace {

// Decodes one code point at `at` and moves on.
std::uint32_t Next(std::string_view text, std::size_t& at) {
  std::string_view rest = text.substr(at);
  const char32_t point = NextCharacter(rest);
  at = text.size() - rest.size();
  return point;
}

// Characters that change how text looks without being seen: C0, C1, soft hyphen, zero width, bidi marks, separators, tags, BOM.
bool IsHidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x061C || c == 0x115F || c == 0x1160 || c == 0x17B4 || c == 0x17B5 ||
         c == 0x180E || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0x3164 || c == 0xFEFF ||
         c == 0xFFA0 || (c >= 0xFFF0 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
}

}  // namespace

char32_t NextCharacter(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint32_t first = byte(0);
  const std::size_t more = first < 0x80 ? 0 : first >> 5 == 0b110 ? 1 : first >> 4 == 0b1110 ? 2 : first >> 3 == 0b11110 ? 3 : 4;
  static constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  std::uint32_t point = more == 0 ? first : first & (0x3Fu >> more);
  bool good = more < 4 && more < text.size();
  for (std::size_t i = 1; good && i <= more; ++i) {
    good = byte(i) >> 6 == 0b10;
    point = point << 6 | (byte(i) & 0x3Fu);
  }
  good = good && point >= kLeast[more] && point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
  text.remove_prefix(good ? more + 1 : 1);
  return good ? point : kNotUtf8;
}

std::string_view TakeCharacter(std::string_view& text) {
  const std::string_view whole = text;
  NextCharacter(text);
  return whole.substr(0, whole.size() - text.size());
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string EscapeControl(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t start = at;
    std::uint32_t c = Next(text, at);
    if (c == kNotUtf8)
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[start]));
    else if (IsHidden(c))
      out += fmt::format("\\u{{{:x}}}", c);
    else
      out += text.substr(start, at - start);
  }
  return out;
}

bool IsUtf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
  for (std::size_t at = 0; at < text.size();) {
    if (std::uint64_t eight = 0; text.size() - at >= sizeof eight) {  // most text is ASCII
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & kHighBits) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    if (Next(text, at) == kNotUtf8) return false;
  }
  return true;
}

bool IsVisible(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t c = Next(text, at);
    if (c == kNotUtf8 || IsHidden(c)) return false;
  }
  return !text.empty();
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string Nearest(std::string_view text, const std::vector<std::string>& candidates) {
  constexpr std::size_t kMostSteps = 1u << 18;  // about a millisecond: a hint is not worth more, however many names there are, and however long
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1, steps = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t further = std::max(text.size(), candidate.size()) - std::min(text.size(), candidate.size());  // the distance is no less
    if (further >= best_distance) continue;
    // Both are at most kMostSteps long before they are multiplied, so that the product fits.
    if (std::max(text.size(), candidate.size()) > kMostSteps || text.size() * candidate.size() > kMostSteps - steps) break;
    steps += text.size() * candidate.size();
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= text.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        std::size_t replaced = diagonal + (text[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    if (row.back() < best_distance) best_distance = row.back(), best = candidate;
  }
  return best;
}

}  // namespace remit
