// Timers: something is done at a point of remit::Time. What needs them takes the interface; tests drive FakeTimers and a FakeClock
// together, so that no test ever waits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/time.h"
#include "io/event_loop.h"

namespace remit::io {

using TimerId = std::uint64_t;  // never 0, never used twice

class Timers {
 public:
  virtual ~Timers() = default;

  // Runs `callback` once, when the clock's Now() has reached `when` (soon, if it is past already), never inside the call. Callbacks run in
  // order of their times, equal times in the order of their At.
  virtual TimerId At(Time when, std::function<void()> callback) = 0;

  // Takes a timer back. True: its callback has not run and never will. False: it ran, is running, or there is no such timer.
  virtual bool Cancel(TimerId id) = 0;
};

// The timers that wait, in the order in which they are due. Not thread-safe.
class TimerQueue {
 public:
  TimerId Add(Time when, std::function<void()> callback);
  bool Remove(TimerId id);
  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }
  Time next() const { return queue_.begin()->first.first; }  // of a queue that is not empty
  std::function<void()> TakeFirst();                         // of a queue that is not empty

 private:
  std::map<std::pair<Time, TimerId>, std::function<void()>> queue_;
  std::unordered_map<TimerId, Time> times_;
  TimerId last_ = 0;
};

// Timers of an event loop, woken by CLOCK_BOOTTIME (which goes on while the machine sleeps), due by `clock`. Thread-safe; callbacks run on
// the loop, one at a time. `loop` and `clock` must outlive it; destroy it when the loop does not run.
class LoopTimers final : public Timers {
 public:
  LoopTimers(EventLoop& loop, const Clock& clock);
  ~LoopTimers() override;
  TimerId At(Time when, std::function<void()> callback) override;
  bool Cancel(TimerId id) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Timers that a test moves, together with its clock. At and Cancel are thread-safe; RunUntil is for one thread.
class FakeTimers final : public Timers {
 public:
  explicit FakeTimers(FakeClock& clock) : clock_(clock) {}
  TimerId At(Time when, std::function<void()> callback) override;
  bool Cancel(TimerId id) override;

  // Runs what is due up to and including `now`, the clock standing at each timer's own time while it runs, also what these callbacks add;
  // then moves the clock to `now`. Returns how many ran.
  std::size_t RunUntil(Time now);
  std::size_t RunFor(Duration span) { return RunUntil(clock_.Now() + span); }

  std::size_t waiting() const;
  // When the next one is due; only when one is waiting.
  Time next() const;

 private:
  FakeClock& clock_;
  mutable std::mutex mutex_;
  TimerQueue queue_;
};

}  // namespace remit::io
