#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include <fmt/format.h>

namespace remit {
namespace {

constexpr std::uint32_t kBad = 0xFFFFFFFF;

// Decodes one code point at `at` and moves on; kBad (one byte on) where the bytes are not UTF-8 (RFC 3629 §4).
std::uint32_t Next(std::string_view text, std::size_t& at) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::uint32_t first = byte(at);
  std::size_t more = first < 0x80 ? 0 : first >> 5 == 0b110 ? 1 : first >> 4 == 0b1110 ? 2 : first >> 3 == 0b11110 ? 3 : 4;
  std::size_t start = at++;
  if (more == 0) return first;
  if (more == 4 || start + more >= text.size()) return kBad;
  static constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  std::uint32_t point = first & (0x3Fu >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if (byte(start + i) >> 6 != 0b10) return kBad;
    point = point << 6 | (byte(start + i) & 0x3F);
  }
  if (point < kLeast[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return kBad;
  at = start + more + 1;
  return point;
}

// Characters that change how text looks without being seen: C0, C1, soft hyphen, zero width, bidi marks, separators, tags, BOM.
bool IsHidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x061C || c == 0x115F || c == 0x1160 || c == 0x17B4 || c == 0x17B5 ||
         c == 0x180E || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0x3164 || c == 0xFEFF ||
         c == 0xFFA0 || (c >= 0xFFF0 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
}

}  // namespace

std::string EscapeControl(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t start = at;
    std::uint32_t c = Next(text, at);
    if (c == kBad)
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[start]));
    else if (IsHidden(c))
      out += fmt::format("\\u{{{:x}}}", c);
    else
      out += text.substr(start, at - start);
  }
  return out;
}

bool IsUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();)
    if (Next(text, at) == kBad) return false;
  return true;
}

bool IsVisible(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t c = Next(text, at);
    if (c == kBad || IsHidden(c)) return false;
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
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
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
