// Whether looking for work is worth more than sleeping until it comes: learns from what looking has found. One thread.
#pragma once

#include <algorithm>

namespace remit::io {

class Patience {
 public:
  // Asked before each sleep. While looking does not pay it says yes only now and then, to notice that this has changed.
  bool ShouldLook() {
    if (score_ >= 0) return true;
    if (++slept_ < kSleepsBetweenTries) return false;
    slept_ = 0;
    return true;
  }

  // What a look found: something, or nothing in all its window.
  void Looked(bool found) { score_ = std::clamp(score_ + (found ? 1 : -1), -kMemory, kMemory); }

 private:
  static constexpr int kMemory = 4;               // so many looks for nothing undo any luck before them
  static constexpr int kSleepsBetweenTries = 32;  // costs a server with little to do 3 % of a window per request
  int score_ = 0;
  int slept_ = 0;
};

}  // namespace remit::io
