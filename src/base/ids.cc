#include "base/ids.h"

#include <algorithm>

namespace remit {
namespace {

constexpr std::size_t kLetters = 26;

}  // namespace

std::string NewId(std::string_view prefix, Time now, Rng& rng) {
  std::array<std::uint8_t, 16> bytes;
  auto millis = static_cast<std::uint64_t>(Micros(now) / 1000);
  for (int i = 5; i >= 0; --i, millis >>= 8) bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(millis);
  rng.Fill(std::span(bytes).subspan(6));
  return std::string(prefix) + Base32Encode(bytes);
}

bool IsId(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + kLetters) return false;
  return std::ranges::all_of(text.substr(prefix.size()),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z' && c != 'i' && c != 'l' && c != 'o' && c != 'u'); });
}

}  // namespace remit
