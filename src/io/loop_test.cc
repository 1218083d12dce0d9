// Event loop, timers and workers.
#include <signal.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include <gtest/gtest.h>

#include "io/event_loop.h"
#include "io/patience.h"
#include "io/timers.h"
#include "io/workers.h"

namespace remit::io {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, RunsWhatIsPostedInOrderAndNeverInsidePost) {
  EventLoop loop;
  std::vector<int> order;
  loop.Post([&] {
    EXPECT_TRUE(loop.InLoop());
    loop.Post([&] { order.push_back(3), loop.Stop(); });
    order.push_back(1);
  });
  loop.Post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  EXPECT_FALSE(loop.InLoop());
  loop.Run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(EventLoop, RunsOnSeveralThreadsAndCanRunAgain) {
  EventLoop loop(2);
  std::latch both(2);
  for (int i = 0; i < 2; ++i) loop.Post([&] { both.arrive_and_wait(); });  // each needs the other's thread
  loop.Post([&] { both.wait(), loop.Stop(); });
  loop.Run(2);
  bool again = false;
  loop.Post([&] { again = true, loop.Stop(); });
  loop.Run();
  EXPECT_TRUE(again);
}

TEST(EventLoop, RunAwakeRunsWhatOthersPostAndStops) {
  EventLoop loop;
  int ran = 0;
  std::jthread other;
  loop.Post([&] {
    other = std::jthread([&] {
      for (int i = 0; i < 1000; ++i) loop.Post([&] { ++ran; });
      loop.Post([&] { loop.Stop(); });
    });
  });
  loop.RunAwake(100us);
  EXPECT_EQ(ran, 1000);
  bool again = false;
  loop.Post([&] { again = true, loop.Stop(); });
  loop.RunAwake(100us);
  EXPECT_TRUE(again);
}

TEST(Patience, LooksWhileItPaysAndElseNowAndThen) {
  Patience patience;
  EXPECT_TRUE(patience.ShouldLook());
  for (int i = 0; i < 100; ++i) patience.Looked(true);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(patience.ShouldLook()) << i;
    patience.Looked(false);
  }
  int looks = 0;
  for (int i = 0; i < 320; ++i) looks += patience.ShouldLook() ? 1 : 0;
  EXPECT_EQ(looks, 10);
  for (int i = 0; i < 4; ++i) patience.Looked(true);
  EXPECT_TRUE(patience.ShouldLook());
}

TEST(EventLoop, TurnsSignalsIntoCallbacks) {
  EventLoop loop;
  int seen = 0;
  loop.OnSignal(SIGUSR1, [&] {
    if (++seen == 2) return loop.Stop();
    ::kill(::getpid(), SIGUSR1);
  });
  ::kill(::getpid(), SIGUSR1);
  loop.Run();
  EXPECT_EQ(seen, 2);
}

TEST(FakeTimers, RunsInOrderOfTimeThenOfCallWithTheClockAtEachTime) {
  FakeClock clock;
  FakeTimers timers(clock);
  const Time start = clock.Now();
  std::vector<std::pair<int, Duration>> ran;
  const auto note = [&](int n) { return [&, n] { ran.emplace_back(n, clock.Now() - start); }; };
  timers.At(start + 2s, note(3));
  timers.At(start + 1s, note(1));
  timers.At(start + 1s, note(2));
  timers.At(start + 1h, note(9));
  EXPECT_EQ(timers.next(), start + 1s);
  EXPECT_EQ(timers.RunUntil(start + 10s), 3u);
  EXPECT_EQ(ran, (std::vector<std::pair<int, Duration>>{{1, 1s}, {2, 1s}, {3, 2s}}));
  EXPECT_EQ(clock.Now(), start + 10s);
  EXPECT_EQ(timers.waiting(), 1u);
}

TEST(FakeTimers, RunsWhatCallbacksAddAndNotWhatTheyCancel) {
  FakeClock clock;
  FakeTimers timers(clock);
  std::vector<int> ran;
  const TimerId doomed = timers.At(clock.Now() + 2s, [&] { ran.push_back(2); });
  timers.At(clock.Now() + 1s, [&] {
    ran.push_back(1);
    EXPECT_TRUE(timers.Cancel(doomed));
    timers.At(clock.Now(), [&] { ran.push_back(3); });
  });
  EXPECT_EQ(timers.RunFor(5s), 2u);
  EXPECT_EQ(ran, (std::vector<int>{1, 3}));
  EXPECT_FALSE(timers.Cancel(doomed));
}

TEST(LoopTimers, WakeTheLoopInOrder) {
  EventLoop loop;
  const SystemClock clock;
  LoopTimers timers(loop, clock);
  std::vector<int> ran;
  const Time now = clock.Now();
  timers.At(now + 3ms, [&] { ran.push_back(3), loop.Stop(); });
  timers.At(now + 1ms, [&] { ran.push_back(1); });
  timers.At(now - 1h, [&] { ran.push_back(0); });
  const TimerId cancelled = timers.At(now + 2ms, [&] { ran.push_back(2); });
  EXPECT_TRUE(timers.Cancel(cancelled));
  EXPECT_TRUE(ran.empty());
  loop.Run();
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 3}));
  EXPECT_GE(clock.Now() - now, 3ms);
}

TEST(LoopTimers, TakeTimersFromOtherThreadsAndLeaveTheUndueAlone) {
  EventLoop loop;
  const SystemClock clock;
  auto timers = std::make_unique<LoopTimers>(loop, clock);
  std::atomic<int> ran = 0;
  timers->At(clock.Now() + 24h, [&] { ran += 1000; });
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      timers->At(clock.Now() + Duration(i), [&] {
        if (++ran == 100) loop.Stop();
      });
    }
  });
  loop.Run();
  other.join();
  EXPECT_EQ(ran, 100);
  timers.reset();
  loop.Post([&] { loop.Stop(); });
  loop.Run();
}

TEST(WorkerPool, RunsAtMostNAtOnceAndAllInTheEnd) {
  WorkerPool pool(2);
  std::atomic<int> running = 0, most = 0, done = 0;
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(pool.Submit([&] {
      const int now = ++running;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {}
      std::this_thread::yield();
      --running, ++done;
    }));
  }
  pool.Stop(WorkerPool::Rest::kDrain);
  EXPECT_EQ(done, 200);
  EXPECT_LE(most, 2);
  EXPECT_FALSE(pool.Submit([] {}));
}

TEST(WorkerPool, DropsWhatWaitsAndFinishesWhatRuns) {
  WorkerPool pool(1);
  std::latch started(1);
  std::promise<void> go;
  std::atomic<int> ran = 0;
  const auto held = std::make_shared<int>(0);
  pool.Submit([&] { started.count_down(), go.get_future().wait(), ++ran; });
  started.wait();
  for (int i = 0; i < 10; ++i) pool.Submit([&ran, held] { ++ran; });
  EXPECT_EQ(pool.waiting(), 10u);
  std::thread stopper([&] { pool.Stop(WorkerPool::Rest::kDrop); });
  while (pool.Submit([] {})) std::this_thread::yield();  // until the stop is known
  go.set_value();
  stopper.join();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(held.use_count(), 1) << "dropped work must be destroyed";
}

TEST(InlineWorkers, RunOnTheTestsOwnThread) {
  InlineWorkers workers;
  std::vector<int> ran;
  workers.Submit([&] {
    ran.push_back(1);
    workers.Submit([&] { ran.push_back(3); });
  });
  workers.Submit([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  EXPECT_EQ(workers.RunAll(), 3u);
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(workers.RunOne());
}

}  // namespace
}  // namespace remit::io
