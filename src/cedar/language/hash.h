// Hashes and equality of names and uids, for tables in memory. Hashes are never written down, and never in the order of anything that is seen.
// Two random secrets of each process stand in the two factors, so that ids that collide in one process are of no use in another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "cedar/value.h"

namespace remit::cedar {

struct HashSecrets {
  std::uint64_t first = 0, second = 0;
};
HashSecrets MakeHashSecrets();  // from the kernel's generator

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

inline const HashSecrets kSecrets = MakeHashSecrets();  // the same for the life of the process
inline constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;

}  // namespace hash_internal

inline std::uint64_t HashText(std::string_view text) {
  using namespace hash_internal;
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t state = kSecrets.first ^ (left * kOdd), first = 0, last = 0;
  for (; left > 16; at += 16, left -= 16) state = Mix(Load<std::uint64_t>(at) ^ state, Load<std::uint64_t>(at + 8) ^ kSecrets.second);
  // What is left is read from both its ends; the two may overlap.
  if (left >= 8) {
    first = Load<std::uint64_t>(at), last = Load<std::uint64_t>(at + left - 8);
  } else if (left >= 4) {
    first = Load<std::uint32_t>(at), last = Load<std::uint32_t>(at + left - 4);
  } else if (left > 0) {
    first = static_cast<unsigned char>(at[0]) | Load<unsigned char>(at + left / 2) << 8, last = static_cast<unsigned char>(at[left - 1]);
  }
  return Mix(first ^ state, last ^ kSecrets.second);
}

// Equality without a call where the texts are short, as names and ids are.
inline bool SameText(std::string_view a, std::string_view b) {
  using namespace hash_internal;
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  const char *x = a.data(), *y = b.data();
  if (size > 16) return std::memcmp(x, y, size) == 0;
  if (size >= 8) return Load<std::uint64_t>(x) == Load<std::uint64_t>(y) && Load<std::uint64_t>(x + size - 8) == Load<std::uint64_t>(y + size - 8);
  if (size >= 4) return Load<std::uint32_t>(x) == Load<std::uint32_t>(y) && Load<std::uint32_t>(x + size - 4) == Load<std::uint32_t>(y + size - 4);
  return size == 0 || (x[0] == y[0] && x[size / 2] == y[size / 2] && x[size - 1] == y[size - 1]);
}

// A name as two numbers, where it is short: equal short names are those of equal numbers. The text must outlive it.
struct QuickName {
  static constexpr std::size_t kQuick = 15;  // bytes of a short name; the sixteenth says how many there are

  std::uint64_t first = 0, second = 0;
  const std::string* text = nullptr;
  bool quick = true;

  QuickName() = default;
  explicit QuickName(const std::string& name) : text(&name), quick(name.size() <= kQuick) {
    char bytes[kQuick + 1] = {};
    std::memcpy(bytes, name.data(), std::min(name.size(), kQuick));
    bytes[kQuick] = quick ? static_cast<char>(name.size()) : static_cast<char>(0x7F);
    first = hash_internal::Load<std::uint64_t>(bytes), second = hash_internal::Load<std::uint64_t>(bytes + 8);
  }
  // Exact if either is short, else only that it may be.
  bool IsQuickly(const QuickName& other) const { return first == other.first && second == other.second; }
  bool operator==(const QuickName& other) const { return IsQuickly(other) && (quick || *text == *other.text); }
};

inline bool SameUid(const EntityUid& a, const EntityUid& b) { return &a == &b || (SameText(a.id, b.id) && SameText(a.type, b.type)); }

inline std::uint64_t HashUid(const EntityUid& uid) {
  return hash_internal::Mix(HashText(uid.type) ^ hash_internal::kOdd, HashText(uid.id) ^ hash_internal::kSecrets.second);
}

}  // namespace remit::cedar
