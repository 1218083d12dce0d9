// How long until what failed is tried again: twice as long each time, and never longer than limits::kEndBackoffMax.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "base/limits.h"

namespace remit::broker {

// After `failures` failures before this one, where the first is tried again after `first` (at least 0.2 s).
inline Duration Backoff(Duration first, std::uint32_t failures) {
  constexpr std::uint32_t kDoublings = 8;
  return std::min<Duration>(first * (1u << std::min(failures, kDoublings)), limits::kEndBackoffMax);
}

}  // namespace remit::broker
