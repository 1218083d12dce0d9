// The marks that a catalog keeps of its entity types, as bits.
#pragma once

#include <cstdint>

namespace remit::task::marks {

inline constexpr std::uint8_t kActor = 1, kPerson = 2, kOpen = 4, kFromPep = 8,
                              kNeedsData = 16;  // has a required attribute

}  // namespace remit::task::marks
