// Random choices that a seed repeats. For tests only.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>

namespace remit::cedar {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int Pick(int n) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(n)); }
  bool Chance(int percent) { return Pick(100) < percent; }
  std::string OneOf(std::initializer_list<const char*> choices) { return *(choices.begin() + Pick(static_cast<int>(choices.size()))); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace remit::cedar
