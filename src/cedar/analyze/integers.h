// Whole numbers wider than those of the language, so that sums and multiples of these are exact.
#pragma once

#include <cstdint>
#include <limits>

namespace remit::cedar::analyze {

__extension__ using Int128 = __int128;

// The bounds of the language's own.
inline constexpr Int128 kLeastLong = std::numeric_limits<std::int64_t>::min(), kGreatestLong = std::numeric_limits<std::int64_t>::max();

inline constexpr Int128 FloorDivide(Int128 dividend, Int128 divisor) {  // divisor > 0
  const Int128 quotient = dividend / divisor;
  return dividend % divisor < 0 ? quotient - 1 : quotient;
}

}  // namespace remit::cedar::analyze
