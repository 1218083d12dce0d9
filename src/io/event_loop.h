// The event loop: one place where callbacks of sockets, timers and signals run. Wraps an asio io_context, whose heavy headers stay in
// the .cc files.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace remit::io {

class EventLoop {
 public:
  // `threads`: how many threads will call into Run at once, a hint for the scheduler (with 1 it saves wake-ups).
  explicit EventLoop(int threads = 1);
  ~EventLoop();  // Not while Run is running. What was posted and did not run is destroyed unrun.
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs callbacks on the calling thread and `threads - 1` more, until Stop. A callback that throws ends the process: errors are values.
  void Run(int threads = 1);

  // Run on the calling thread alone, which after a callback that called ExpectSoon looks for more during `window` before it sleeps: waking
  // an idle core costs 50 µs and more, which is most of a short request. It looks only while this finds something about every other time,
  // and not at all where the machine has one processor. `window`: up to a millisecond, beyond which sleeping is cheaper for everybody.
  void RunAwake(std::chrono::microseconds window);

  // From a callback: what comes next is likely to come at once, such as a client's next request behind a response. Not while a disk is
  // waited for, which takes longer than waking up does.
  void ExpectSoon();

  // Makes Run return, now or when it is called next; callbacks that wait are kept unrun. Thread-safe; also from within a callback.
  void Stop();

  // Runs `callback` on the loop's thread, after what was posted before. Thread-safe; never runs it inside the call.
  void Post(std::function<void()> callback);

  // Runs `callback` on the loop each time the process gets `signal` (SIGTERM, SIGINT, SIGHUP …), instead of the signal's own effect.
  // Call it before Run.
  void OnSignal(int signal, std::function<void()> callback);

  // Whether the calling thread is inside this loop's Run.
  bool InLoop() const;

  // For rooms that build on asio.
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace remit::io
