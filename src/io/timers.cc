// The queue of timers, and the ones that tests move. Those of an event loop are in loop_timers.cc.
#include "io/timers.h"

namespace remit::io {

TimerId TimerQueue::Add(Time when, std::function<void()> callback) {
  const TimerId id = ++last_;
  queue_.emplace(std::pair(when, id), std::move(callback));
  times_.emplace(id, when);
  return id;
}

bool TimerQueue::Remove(TimerId id) {
  const auto found = times_.find(id);
  if (found == times_.end()) return false;
  queue_.erase(std::pair(found->second, id));
  times_.erase(found);
  return true;
}

std::function<void()> TimerQueue::TakeFirst() {
  const auto first = queue_.begin();
  std::function<void()> callback = std::move(first->second);
  times_.erase(first->first.second);
  queue_.erase(first);
  return callback;
}

TimerId FakeTimers::At(Time when, std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  return queue_.Add(when, std::move(callback));
}

bool FakeTimers::Cancel(TimerId id) {
  const std::lock_guard lock(mutex_);
  return queue_.Remove(id);
}

std::size_t FakeTimers::RunUntil(Time now) {
  std::size_t ran = 0;
  for (;;) {
    std::function<void()> callback;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty() || queue_.next() > now) break;
      if (const Time due = queue_.next(); due > clock_.Now()) clock_.Advance(due - clock_.Now());
      callback = queue_.TakeFirst();
    }
    callback();
    ++ran;
  }
  if (now > clock_.Now()) clock_.Advance(now - clock_.Now());
  return ran;
}

std::size_t FakeTimers::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

Time FakeTimers::next() const {
  const std::lock_guard lock(mutex_);
  REMIT_CHECK(!queue_.empty());
  return queue_.next();
}

}  // namespace remit::io
