#include "base/clock.h"

#include <time.h>

namespace remit {
namespace {

Duration Read(clockid_t id) {
  timespec ts{};
  REMIT_CHECK(clock_gettime(id, &ts) == 0);
  return Duration(static_cast<std::int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000);
}

}  // namespace

SystemClock::SystemClock() : wall_at_start_(Wall()), boot_at_start_(Read(CLOCK_BOOTTIME)) {}
Time SystemClock::Now() const { return wall_at_start_ + (Read(CLOCK_BOOTTIME) - boot_at_start_); }
Time SystemClock::Wall() const { return Time(Read(CLOCK_REALTIME)); }

Time FakeClock::Now() const {
  std::lock_guard lock(mutex_);
  return now_;
}
Time FakeClock::Wall() const {
  std::lock_guard lock(mutex_);
  return wall_;
}
void FakeClock::Advance(Duration d) {
  std::lock_guard lock(mutex_);
  now_ += d;
  wall_ += d;
}
void FakeClock::Restart(Time wall) {
  std::lock_guard lock(mutex_);
  now_ = wall_ = wall;
}
void FakeClock::SetWall(Time wall) {
  std::lock_guard lock(mutex_);
  wall_ = wall;
}

}  // namespace remit
