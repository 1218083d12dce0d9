// A broker goes when nothing that it began can come back to it any more.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "broker/test_bench.h"

namespace remit::broker {
namespace {

TEST(CloseTest, ABrokerWaitsUntilTheStoreHasAnsweredIt) {
  Bench bench;
  const std::unique_ptr<store::MemoryStore> store = bench.store().Snapshot(store::MemoryStore::Mode::kThread);
  auto broker = Broker::Open({*store, bench.clock, bench.rng, *bench.timers, *bench.workers, bench.master, {bench.box}, "http://remit.test"});
  ASSERT_TRUE(broker.has_value()) << broker.error().ToString();
  std::atomic<bool> answered = false, gone = false;
  store->HoldCommits();
  StartRequest start;
  start.type = "triage";
  start.parameters = json::Object{{"ticket", "T-1"}};
  // Its answer commits again: the credential of a task that was just written down.
  (*broker)->Start(Bench::Agent(), std::move(start), [&](auto) { answered = true; });
  std::thread goes([&] {
    broker->reset();
    gone = true;
  });
  for (int i = 0; i < 1000 && !gone; ++i) std::this_thread::yield();
  EXPECT_FALSE(gone);
  EXPECT_FALSE(answered);
  store->ReleaseCommits();
  goes.join();
  EXPECT_TRUE(answered);
  EXPECT_EQ(store->HeldCommits(), 0u);
}

}  // namespace
}  // namespace remit::broker
