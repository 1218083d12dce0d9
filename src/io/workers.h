// Workers: threads for work that blocks (a database, a file, a DNS lookup), so that event loops never do.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace remit::io {

class Workers {
 public:
  virtual ~Workers() = default;

  // Runs `work` once, on some worker, never inside the call. Work starts in the order in which it was submitted. Thread-safe, never blocks.
  // False: the workers are stopped, and `work` will not run.
  virtual bool Submit(std::function<void()> work) = 0;
};

// A fixed number of threads. A task that throws ends the process: errors are values.
class WorkerPool final : public Workers {
 public:
  enum class Rest { kDrain, kDrop };  // what becomes of work that waits: it is done first, or destroyed unrun

  explicit WorkerPool(std::size_t threads);
  ~WorkerPool() override { Stop(Rest::kDrop); }

  bool Submit(std::function<void()> work) override;

  // Takes no more work, waits for what is running, and joins the threads. Idempotent. Not from a worker.
  void Stop(Rest rest);

  std::size_t waiting() const;  // submitted and not yet started

 private:
  void Loop();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

// For tests: work waits until the test runs it, on the test's own thread, in order.
class InlineWorkers final : public Workers {
 public:
  bool Submit(std::function<void()> work) override;
  std::size_t RunAll();  // also what the work submits; returns how many ran
  bool RunOne();         // the oldest; false when there is none
  std::size_t waiting() const;

 private:
  mutable std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
};

}  // namespace remit::io
