#include "io/event_loop.h"

#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/result.h"
#include "io/patience.h"

namespace remit::io {

namespace asio = boost::asio;

struct EventLoop::Impl {
  explicit Impl(int threads) : context(threads), guard(context.get_executor()) {}

  // One signal, asked for again each time it has come.
  struct Watch {
    Watch(asio::io_context& context, int signal, std::function<void()> fn) : set(context, signal), callback(std::move(fn)) {}
    asio::signal_set set;
    std::function<void()> callback;

    void Wait() {
      set.async_wait([this](const boost::system::error_code& error, int) {
        if (error) return;
        callback();
        Wait();
      });
    }
  };

  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> guard;  // Run waits for Stop, not for the last callback
  std::vector<std::unique_ptr<Watch>> watches;
  bool expecting = false;  // touched on the loop's thread alone
};

EventLoop::EventLoop(int threads) : impl_(std::make_unique<Impl>(threads)) {}
EventLoop::~EventLoop() = default;

void EventLoop::Run(int threads) {
  const auto run = [this]() noexcept { impl_->context.run(); };
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(run);
  run();
  others.clear();
  impl_->context.restart();
}

void EventLoop::RunAwake(std::chrono::microseconds window) {
  if (std::thread::hardware_concurrency() < 2) return Run();
  asio::io_context& context = impl_->context;
  // Whether something came.
  const auto look = [&]() noexcept {
    const auto until = std::chrono::steady_clock::now() + window;
    while (!context.stopped() && std::chrono::steady_clock::now() < until) {
      if (context.poll() > 0) return true;
      std::this_thread::yield();
    }
    return false;
  };
  const auto run = [&]() noexcept {
    Patience patience;
    while (context.run_one() > 0) {  // sleeps
      while (context.poll() > 0) {}
      while (std::exchange(impl_->expecting, false) && patience.ShouldLook()) patience.Looked(look());
    }
  };
  run();
  context.restart();
}

void EventLoop::ExpectSoon() { impl_->expecting = true; }

void EventLoop::Stop() { impl_->context.stop(); }

void EventLoop::Post(std::function<void()> callback) { asio::post(impl_->context, std::move(callback)); }

void EventLoop::OnSignal(int signal, std::function<void()> callback) {
  impl_->watches.push_back(std::make_unique<Impl::Watch>(impl_->context, signal, std::move(callback)));
  impl_->watches.back()->Wait();
}

bool EventLoop::InLoop() const { return impl_->context.get_executor().running_in_this_thread(); }

boost::asio::io_context& EventLoop::context() { return impl_->context; }

}  // namespace remit::io
