// Timers of an event loop: one timerfd on CLOCK_BOOTTIME, set for the first timer that waits.
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "io/timers.h"

namespace remit::io {

namespace asio = boost::asio;

struct LoopTimers::Impl : std::enable_shared_from_this<LoopTimers::Impl> {
  Impl(EventLoop& loop, const Clock& c) : clock(c), timer(loop.context(), ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) {}

  // Sets the timerfd for the first timer. With the mutex held.
  void Arm() {
    itimerspec spec{};
    if (!queue.empty()) {
      const Duration left = std::max(queue.next() - clock.Now(), Duration(1));  // 0 would switch it off
      spec.it_value.tv_sec = left.count() / 1'000'000;
      spec.it_value.tv_nsec = left.count() % 1'000'000 * 1000;
    }
    REMIT_CHECK(::timerfd_settime(timer.native_handle(), 0, &spec, nullptr) == 0);
  }

  void Wait() {
    timer.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      std::uint64_t expirations = 0;
      [[maybe_unused]] const auto ignored = ::read(self->timer.native_handle(), &expirations, sizeof expirations);
      self->RunDue();
      self->Wait();
    });
  }

  void RunDue() {
    std::unique_lock lock(mutex);
    while (!closed && !queue.empty() && queue.next() <= clock.Now()) {
      const std::function<void()> callback = queue.TakeFirst();
      lock.unlock();
      callback();
      lock.lock();
    }
    if (!closed) Arm();
  }

  const Clock& clock;
  std::mutex mutex;
  TimerQueue queue;
  bool closed = false;
  asio::posix::stream_descriptor timer;
};

LoopTimers::LoopTimers(EventLoop& loop, const Clock& clock) : impl_(std::make_shared<Impl>(loop, clock)) { impl_->Wait(); }

LoopTimers::~LoopTimers() {
  const std::lock_guard lock(impl_->mutex);
  impl_->closed = true;
  boost::system::error_code ignored;
  impl_->timer.cancel(ignored);
}

TimerId LoopTimers::At(Time when, std::function<void()> callback) {
  const std::lock_guard lock(impl_->mutex);
  const bool first = impl_->queue.empty() || when < impl_->queue.next();
  const TimerId id = impl_->queue.Add(when, std::move(callback));
  if (first) impl_->Arm();
  return id;
}

bool LoopTimers::Cancel(TimerId id) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->queue.Remove(id);  // an early wake-up finds nothing due and sets the timerfd anew
}

}  // namespace remit::io
