// Hashes of names and uids, for tables in memory: never written down, and never in the order of anything that is seen. The secret differs
// from process to process, so that nobody can choose ids that collide.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "cedar/value.h"

namespace remit::cedar {

std::uint64_t HashSecret();  // the same for the life of the process

namespace hash_internal {

inline std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t Load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

inline const std::uint64_t kSecret = HashSecret();
inline constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u, kOther = 0xD6E8FEB86659FD93u;

}  // namespace hash_internal

inline std::uint64_t HashText(std::string_view text) {
  using namespace hash_internal;
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t state = kSecret ^ (left * kOdd), first = 0, last = 0;
  for (; left > 16; at += 16, left -= 16) state = Mix(Load<std::uint64_t>(at) ^ state, Load<std::uint64_t>(at + 8) ^ kOther);
  // What is left is read from both its ends; the two may overlap.
  if (left >= 8) {
    first = Load<std::uint64_t>(at), last = Load<std::uint64_t>(at + left - 8);
  } else if (left >= 4) {
    first = Load<std::uint32_t>(at), last = Load<std::uint32_t>(at + left - 4);
  } else if (left > 0) {
    first = static_cast<unsigned char>(at[0]) | Load<unsigned char>(at + left / 2) << 8, last = static_cast<unsigned char>(at[left - 1]);
  }
  return Mix(first ^ state, last ^ kOther);
}

inline std::uint64_t HashUid(const EntityUid& uid) {
  return hash_internal::Mix(HashText(uid.type) ^ hash_internal::kOdd, HashText(uid.id) ^ hash_internal::kOther);
}

}  // namespace remit::cedar
