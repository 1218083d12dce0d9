#include "io/workers.h"

#include "base/result.h"

namespace remit::io {

WorkerPool::WorkerPool(std::size_t threads) {
  REMIT_CHECK(threads > 0);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this]() noexcept { Loop(); });
}

bool WorkerPool::Submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::Stop(Rest rest) {
  std::deque<std::function<void()>> dropped;  // destroyed outside the lock: what it holds may call back
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (rest == Rest::kDrop) dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::size_t WorkerPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void WorkerPool::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

bool InlineWorkers::Submit(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  return true;
}

bool InlineWorkers::RunOne() {
  std::function<void()> work;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    work = std::move(queue_.front());
    queue_.pop_front();
  }
  work();
  return true;
}

std::size_t InlineWorkers::RunAll() {
  std::size_t ran = 0;
  while (RunOne()) ++ran;
  return ran;
}

std::size_t InlineWorkers::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace remit::io
