#include "cedar/language/hash.h"

namespace remit::cedar {

// The loader chooses where a program lies, at random: no source of randomness of the host is needed for tables in memory.
std::uint64_t HashSecret() {
  static const char kPlace = 0;
  const auto place = reinterpret_cast<std::uintptr_t>(&kPlace);
  return hash_internal::Mix(place ^ hash_internal::kOdd, hash_internal::kOther) | 1;
}

}  // namespace remit::cedar
