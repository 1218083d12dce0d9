// What every store promises, as one suite: include it in a room's test and instantiate it with a way to open and reopen a store.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values(&MakeMemoryFixture));
#pragma once

#include <atomic>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ledger/hash.h"
#include "ledger/proof.h"
#include "store/store.h"

namespace remit::store {

class ContractFixture {
 public:
  virtual ~ContractFixture() = default;
  virtual Store& store() = 0;
  virtual void Reopen() = 0;  // ends the store and opens what is left
};

using MakeFixture = std::unique_ptr<ContractFixture> (*)();

class StoreContract : public testing::TestWithParam<MakeFixture> {
 protected:
  std::unique_ptr<ContractFixture> fixture = GetParam()();
  Store& store() { return fixture->store(); }
  // A watch may outlive its store.
  void Reopen(std::shared_ptr<void>& watch) {
    fixture->Reopen();
    watch.reset();
  }

  Result<Committed> Put(std::string key, std::optional<std::string> value, std::vector<std::string> events = {}) {
    Batch batch;
    batch.writes.push_back({Table::kTask, std::move(key), std::move(value)});
    batch.events = std::move(events);
    return store().CommitNow(std::move(batch));
  }
  std::vector<StoredEvent> Events(std::uint64_t first = 0) {
    std::vector<StoredEvent> all;
    EXPECT_TRUE(store().ScanEvents(first, [&](const StoredEvent& e) {
      all.push_back(e);
      return true;
    }));
    return all;
  }
  std::vector<std::string> Keys(Table table, std::string_view prefix) {
    std::vector<std::string> keys;
    EXPECT_TRUE(store().Scan(table, prefix, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    }));
    return keys;
  }
};

TEST_P(StoreContract, AnEmptyStoreHasTheEmptyTree) {
  EXPECT_EQ(store().Head().size, 0u);
  EXPECT_EQ(store().Head().root, ledger::EmptyRoot());
  EXPECT_EQ(store().Get(Table::kTask, "a").value(), std::nullopt);
  EXPECT_TRUE(Events().empty());
  EXPECT_EQ(store().RootAt(0).value(), ledger::EmptyRoot());
}

TEST_P(StoreContract, WhoWatchesIsToldThatTheLedgerHasGrownOnceItCanBeRead) {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t seen = 0, calls = 0;
  std::shared_ptr<void> watch = store().WatchGrowth([&] {
    const std::lock_guard lock(mutex);
    ++calls;
    seen = store().Head().size;
    changed.notify_all();
  });
  const auto wait_for = [&](std::uint64_t size) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(30), [&] { return seen == size; });
  };
  ASSERT_TRUE(Put("a", "1", {"{}"}));
  EXPECT_TRUE(wait_for(1));
  ASSERT_TRUE(Put("a", "2"));  // rows alone: nothing to tell
  ASSERT_TRUE(Put("b", "1", {"{}", "{}"}));
  EXPECT_TRUE(wait_for(3));
  EXPECT_EQ(calls, 2u);
  watch.reset();
  ASSERT_TRUE(Put("c", "1", {"{}"}));
  // A second watch is told of the next: by then the first would have been.
  watch = store().WatchGrowth([&] {
    const std::lock_guard lock(mutex);
    seen = store().Head().size + 100;
    changed.notify_all();
  });
  ASSERT_TRUE(Put("d", "1", {"{}"}));
  EXPECT_TRUE(wait_for(105));
  EXPECT_EQ(calls, 2u);
  Reopen(watch);
}

TEST_P(StoreContract, RowsAreWhatWasLastWritten) {
  const std::string binary("\0\xff\n", 3);
  ASSERT_TRUE(Put("a", "1"));
  ASSERT_TRUE(Put(binary, binary));
  ASSERT_TRUE(Put("a", "2"));
  ASSERT_TRUE(Put("empty", ""));
  EXPECT_EQ(store().Get(Table::kTask, "a").value(), "2");
  EXPECT_EQ(store().Get(Table::kTask, binary).value(), binary);
  EXPECT_EQ(store().Get(Table::kTask, "empty").value(), "");
  EXPECT_EQ(store().Get(Table::kCredential, "a").value(), std::nullopt);
  ASSERT_TRUE(Put("a", std::nullopt));
  ASSERT_TRUE(Put("never-there", std::nullopt));
  EXPECT_EQ(store().Get(Table::kTask, "a").value(), std::nullopt);
  const std::string large(300'000, 'x');
  ASSERT_TRUE(Put("large", large));
  EXPECT_EQ(store().Get(Table::kTask, "large").value(), large);
}

TEST_P(StoreContract, EveryTableIsThere) {
  constexpr int kLast = static_cast<int>(Table::kReview);
  for (int table = 1; table <= kLast; ++table) {
    Batch batch;
    batch.writes.push_back({static_cast<Table>(table), "k", std::to_string(table)});
    ASSERT_TRUE(store().CommitNow(std::move(batch)));
  }
  for (int table = 1; table <= kLast; ++table) EXPECT_EQ(store().Get(static_cast<Table>(table), "k").value(), std::to_string(table));
}

TEST_P(StoreContract, ScansGiveTheKeysOfAPrefixInOrder) {
  const std::string high("b\xff\xff", 3);
  for (const std::string& key : {std::string("b2"), std::string("a"), std::string("b1"), std::string("c"), high, std::string("b")})
    ASSERT_TRUE(Put(key, key));
  EXPECT_EQ(Keys(Table::kTask, "b"), (std::vector<std::string>{"b", "b1", "b2", high}));
  EXPECT_EQ(Keys(Table::kTask, "").size(), 6u);
  EXPECT_EQ(Keys(Table::kTask, "b\xff"), std::vector<std::string>{high});
  EXPECT_TRUE(Keys(Table::kTask, "d").empty());
  EXPECT_TRUE(Keys(Table::kFact, "").empty());
  int seen = 0;
  ASSERT_TRUE(store().Scan(Table::kTask, "", [&](std::string_view key, std::string_view value) {
    EXPECT_EQ(key, value);
    // A row's callback may read, too.
    EXPECT_EQ(store().Get(Table::kTask, key).value(), std::string(value));
    return ++seen < 2;
  }));
  EXPECT_EQ(seen, 2);
}

TEST_P(StoreContract, ScansGoBackFromTheEndOrFromAKey) {
  const std::string high("b\xff\xff", 3);
  for (const std::string& key : {std::string("b2"), std::string("a"), std::string("b1"), std::string("c"), high, std::string("b")})
    ASSERT_TRUE(Put(key, key));
  const auto back = [&](std::string_view prefix, std::string_view before) {
    std::vector<std::string> keys;
    EXPECT_TRUE(store().ScanBack(Table::kTask, prefix, before, [&](std::string_view key, std::string_view value) {
      EXPECT_EQ(key, value);
      keys.emplace_back(key);
      return true;
    }));
    return keys;
  };
  EXPECT_EQ(back("", ""), (std::vector<std::string>{"c", high, "b2", "b1", "b", "a"}));
  EXPECT_EQ(back("b", ""), (std::vector<std::string>{high, "b2", "b1", "b"}));
  EXPECT_EQ(back("b", "b2"), (std::vector<std::string>{"b1", "b"}));
  EXPECT_EQ(back("b", "b15"), (std::vector<std::string>{"b1", "b"}));  // no such key
  EXPECT_EQ(back("b", "z"), (std::vector<std::string>{high, "b2", "b1", "b"}));
  EXPECT_EQ(back("", "b"), std::vector<std::string>{"a"});
  EXPECT_EQ(back("b\xff", ""), std::vector<std::string>{high});
  EXPECT_TRUE(back("b", "b").empty());
  EXPECT_TRUE(back("", "a").empty());
  EXPECT_TRUE(back("d", "").empty());
  int seen = 0;
  ASSERT_TRUE(store().ScanBack(Table::kTask, "", "", [&](std::string_view, std::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST_P(StoreContract, RowsAndEventsAreOneCommit) {
  EXPECT_EQ(Put("a", "1", {"{\"n\":0}", "{\"n\":1}"})->first_event, 0u);
  EXPECT_EQ(Put("b", "1", {"{\"n\":2}"})->first_event, 2u);
  const auto events = Events();
  ASSERT_EQ(events.size(), 3u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].index, i);
    EXPECT_EQ(events[i].body, fmt::format("{{\"n\":{}}}", i));
    EXPECT_GE(events[i].salt.size(), 16u);
    EXPECT_EQ(events[i].leaf, ledger::EventLeaf(i, AsBytes(events[i].salt), AsBytes(*events[i].body)));
  }
  EXPECT_NE(events[0].salt, events[1].salt);
  EXPECT_EQ(Events(2).size(), 1u);
  EXPECT_TRUE(Events(3).empty());
}

TEST_P(StoreContract, ABatchWhoseExpectationsFailChangesNothing) {
  ASSERT_TRUE(Put("a", "1", {"{}"}));
  const TreeHead before = store().Head();
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::optional<std::string>>>{{"a", "2"}, {"a", std::nullopt}, {"b", "1"}, {"b", ""}}) {
    Batch batch;
    batch.expects = {{Table::kTask, "a", "1"}, {Table::kTask, key, value}};
    batch.writes = {{Table::kTask, "a", "changed"}, {Table::kTask, "new", "row"}};
    batch.events = {"{}"};
    const auto result = store().CommitNow(std::move(batch));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, "conflict");
    EXPECT_EQ(result.error().code, Code::kConflict);
  }
  EXPECT_EQ(store().Get(Table::kTask, "a").value(), "1");
  EXPECT_EQ(store().Get(Table::kTask, "new").value(), std::nullopt);
  EXPECT_EQ(store().Head().size, before.size);
  EXPECT_EQ(store().Head().root, before.root);

  Batch batch;
  batch.expects = {{Table::kTask, "a", "1"}, {Table::kTask, "b", std::nullopt}};
  batch.writes = {{Table::kTask, "a", std::nullopt}, {Table::kTask, "b", "1"}};
  EXPECT_TRUE(store().CommitNow(std::move(batch)));
}

TEST_P(StoreContract, OfManyWhoSpendTheSameThingOneSucceeds) {
  ASSERT_TRUE(Put("budget", "1"));
  std::atomic<int> spent = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        Batch batch;
        batch.expects = {{Table::kTask, "budget", "1"}};
        batch.writes = {{Table::kTask, "budget", "0"}};
        batch.events = {"{\"spent\":true}"};
        const auto result = store().CommitNow(std::move(batch));
        ++(result ? spent : refused);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(spent, 1);
  EXPECT_EQ(refused, 99);
  EXPECT_EQ(store().Head().size, 1u);
}

TEST_P(StoreContract, BatchesCommitInTheOrderOfTheCalls) {
  std::latch all(200);
  std::mutex mutex;
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 200; ++i) {
    Batch batch;
    batch.writes = {{Table::kTask, "last", std::to_string(i)}};
    batch.events = {fmt::format("{{\"n\":{}}}", i)};
    store().Commit(std::move(batch), [&](Result<Committed> result) {
      ASSERT_TRUE(result);
      {
        std::lock_guard lock(mutex);
        order.push_back(result->first_event);
      }
      all.count_down();
    });
  }
  all.wait();
  for (std::uint64_t i = 0; i < 200; ++i) ASSERT_EQ(order[i], i);
  EXPECT_EQ(store().Get(Table::kTask, "last").value(), "199");
  const auto events = Events();
  for (std::uint64_t i = 0; i < 200; ++i) ASSERT_EQ(events[i].body, fmt::format("{{\"n\":{}}}", i));
}

TEST_P(StoreContract, ACallbackSeesItsBatchAndMayCommitTheNext) {
  std::latch done(2);
  Batch first;
  first.writes = {{Table::kTask, "a", "1"}};
  store().Commit(std::move(first), [&](Result<Committed> result) {
    ASSERT_TRUE(result);
    EXPECT_EQ(store().Get(Table::kTask, "a").value(), "1");
    Batch second;
    second.writes = {{Table::kTask, "a", "2"}};
    store().Commit(std::move(second), [&](Result<Committed>) { done.count_down(); });
    done.count_down();
  });
  done.wait();
  EXPECT_EQ(store().Get(Table::kTask, "a").value(), "2");
}

TEST_P(StoreContract, ProofsHoldAtEverySizeAndAfterReopening) {
  // Across a tile boundary, in commits of uneven sizes.
  std::uint64_t made = 0;
  for (int batch = 0; made < 600; ++batch) {
    std::vector<std::string> events;
    for (int i = 0; i <= batch % 40; ++i) events.push_back(fmt::format("{{\"n\":{}}}", made++));
    ASSERT_TRUE(Put("k", std::to_string(batch), std::move(events)));
  }
  const auto check = [&] {
    const TreeHead head = store().Head();
    ASSERT_EQ(head.size, made);
    const auto events = Events();
    ledger::Tree tree;
    std::vector<Hash> roots{tree.Root()};
    for (const StoredEvent& event : events) {
      tree.Append(event.leaf);
      roots.push_back(tree.Root());
    }
    EXPECT_EQ(head.root, tree.Root());
    for (std::uint64_t size = 1; size <= head.size; size += size < 250 || size > 260 ? 41 : 1) {
      ASSERT_EQ(store().RootAt(size).value(), roots[size]) << size;
      const std::uint64_t index = size / 3;
      ASSERT_TRUE(ledger::VerifyInclusion(index, size, events[index].leaf, store().InclusionProof(index, size).value(), roots[size])) << size;
      ASSERT_TRUE(ledger::VerifyConsistency(size, roots[size], head.size, head.root, store().ConsistencyProof(size, head.size).value())) << size;
    }
    EXPECT_EQ(store().RootAt(head.size + 1).error().reason, "no-such-entry");
    EXPECT_EQ(store().InclusionProof(head.size, head.size).error().reason, "no-such-entry");
    EXPECT_EQ(store().InclusionProof(0, head.size + 1).error().reason, "no-such-entry");
    EXPECT_EQ(store().ConsistencyProof(2, 1).error().reason, "no-such-entry");
    EXPECT_EQ(store().ReadTile({0, 0}, 256)->size(), 256u);
    EXPECT_EQ(store().ReadTile({1, 0}, 2)->size(), 2u);
    EXPECT_EQ(store().ReadTile({0, 99}, 1).error().reason, "no-such-tile");
    EXPECT_EQ(store().ReadTile({1, 0}, 3).error().reason, "no-such-tile");
    EXPECT_EQ(store().ReadTile({9, 0}, 1).error().reason, "no-such-tile");
  };
  check();
  fixture->Reopen();
  check();
  ASSERT_TRUE(Put("k", "after", {"{}"}));
  ++made;
  check();
}

TEST_P(StoreContract, EverythingIsThereAfterReopening) {
  ASSERT_TRUE(Put("a", "1", {"{\"n\":0}"}));
  ASSERT_TRUE(Put("b", "2", {"{\"n\":1}"}));
  ASSERT_TRUE(Put("a", std::nullopt));
  const TreeHead head = store().Head();
  const auto events = Events();
  fixture->Reopen();
  EXPECT_EQ(store().Get(Table::kTask, "a").value(), std::nullopt);
  EXPECT_EQ(store().Get(Table::kTask, "b").value(), "2");
  EXPECT_EQ(store().Head().root, head.root);
  EXPECT_EQ(Events().size(), events.size());
  EXPECT_EQ(Put("c", "3", {"{\"n\":2}"})->first_event, 2u);
}

TEST_P(StoreContract, AnErasedBodyIsGoneAndEveryProofStillHolds) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Put("k", "v", {fmt::format("{{\"person\":\"p{}\"}}", i)}));
  const TreeHead head = store().Head();
  EXPECT_EQ(store().EraseEventBodies({3, 10}).error().reason, "no-such-entry");
  EXPECT_TRUE(Events()[3].body.has_value());
  ASSERT_TRUE(store().EraseEventBodies({3, 4}));
  ASSERT_TRUE(store().EraseEventBodies({4}));
  fixture->Reopen();
  const auto events = Events();
  EXPECT_FALSE(events[3].body || events[4].body);
  EXPECT_TRUE(events[5].body.has_value());
  EXPECT_EQ(store().Head().root, head.root);
  EXPECT_TRUE(ledger::VerifyInclusion(3, 10, events[3].leaf, store().InclusionProof(3, 10).value(), head.root));
}

TEST_P(StoreContract, ReadersAndWritersDoNotWaitForEachOther) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        // Two rows of one commit are never seen apart.
        std::vector<std::string> values;
        ASSERT_TRUE(store().Scan(Table::kTask, "pair", [&](std::string_view, std::string_view value) {
          values.emplace_back(value);
          return true;
        }));
        if (!values.empty()) {
          ASSERT_EQ(values[0], values[1]);
        }
        const TreeHead head = store().Head();
        if (head.size > 0) {
          ASSERT_TRUE(store().InclusionProof(head.size - 1, head.size));
        }
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    Batch batch;
    batch.writes = {{Table::kTask, "pair1", std::to_string(i)}, {Table::kTask, "pair2", std::to_string(i)}};
    batch.events = {"{}"};
    ASSERT_TRUE(store().CommitNow(std::move(batch)));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace remit::store
