// Where time comes from. Pure code takes `now` as an argument; shells hold a Clock; tests move a FakeClock.
#pragma once

#include <mutex>

#include "base/time.h"

namespace remit {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // The time that decides: the wall clock as read at start, carried on by CLOCK_BOOTTIME, so that nobody who sets the wall clock
  // makes a task live longer. Never goes backwards within one process.
  virtual Time Now() const = 0;

  // The machine's wall clock as it stands.
  virtual Time Wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  SystemClock();
  Time Now() const override;
  Time Wall() const override;

 private:
  Time wall_at_start_;
  Duration boot_at_start_;
};

// Stands still until moved.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time start = FromMicros(1'780'000'000'000'000)) : now_(start), wall_(start) {}
  Time Now() const override;
  Time Wall() const override;
  void Advance(Duration d);
  void SetWall(Time wall);
  void Restart(Time wall);  // as a new process on a machine whose clock says this

 private:
  mutable std::mutex mutex_;
  Time now_, wall_;
};

}  // namespace remit
