#include "store/memory/memory_store.h"

#include "store/contract_test.h"

namespace remit::store {
namespace {

template <MemoryStore::Mode mode>
class MemoryFixture : public ContractFixture {
 public:
  Store& store() override { return *store_; }
  void Reopen() override { store_ = store_->Snapshot(); }

 private:
  SeededRng rng_{1};
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>(rng_, mode);
};

template <MemoryStore::Mode mode>
std::unique_ptr<ContractFixture> Make() {
  return std::make_unique<MemoryFixture<mode>>();
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values(&Make<MemoryStore::Mode::kThread>, &Make<MemoryStore::Mode::kInline>),
                         [](const auto& info) { return info.index == 0 ? "Thread" : "Inline"; });

struct MemoryStoreTest : testing::Test {
  SeededRng rng{1};
  MemoryStore store{rng, MemoryStore::Mode::kInline};
  static Batch Put(std::string key, bool must_fit = false) {
    Batch batch;
    batch.writes = {{Table::kTask, std::move(key), "v"}};
    batch.events = {"{}"};
    batch.must_fit = must_fit;
    return batch;
  }
};

TEST_F(MemoryStoreTest, FailuresChangeNothing) {
  store.FailNext(2, Error(Code::kResourceExhausted, "store-full", "full"));
  EXPECT_EQ(store.CommitNow(Put("a")).error().reason, "store-full");
  EXPECT_EQ(store.CommitNow(Put("a")).error().reason, "store-full");
  EXPECT_EQ(store.Head().size, 0u);
  EXPECT_TRUE(store.CommitNow(Put("a")));
  store.FailAll(true);
  EXPECT_EQ(store.CommitNow(Put("b")).error().reason, "store-failed");
  EXPECT_EQ(store.Get(Table::kTask, "a").error().reason, "store-failed");
  store.FailAll(false);
  EXPECT_EQ(store.Get(Table::kTask, "b").value(), std::nullopt);
}

TEST_F(MemoryStoreTest, OnAFullDiskOnlyEndsFit) {
  store.FillDisk(true);
  EXPECT_EQ(store.CommitNow(Put("a")).error().reason, "store-full");
  EXPECT_TRUE(store.CommitNow(Put("b", true)));
  store.FillDisk(false);
  EXPECT_TRUE(store.CommitNow(Put("a")));
}

TEST_F(MemoryStoreTest, HeldCommitsHappenWhenTheyAreReleasedAndNotBeforeACrash) {
  std::vector<std::string> done;
  store.HoldCommits();
  store.Commit(Put("a"), [&](Result<Committed> r) { done.push_back(r ? "a" : r.error().reason); });
  store.Commit(Put("b"), [&](Result<Committed> r) { done.push_back(r ? "b" : r.error().reason); });
  EXPECT_EQ(store.HeldCommits(), 2u);
  EXPECT_TRUE(done.empty());
  EXPECT_EQ(store.Get(Table::kTask, "a").value(), std::nullopt);
  const auto crashed = store.Snapshot();
  store.ReleaseCommits();
  EXPECT_EQ(done, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(store.Head().size, 2u);
  EXPECT_EQ(crashed->Head().size, 0u);
}

TEST_F(MemoryStoreTest, WhatIsHeldAtTheEndIsAnswered) {
  std::string reason;
  {
    MemoryStore other(rng);
    other.HoldCommits();
    other.Commit(Put("a"), [&](Result<Committed> r) { reason = r ? "committed" : r.error().reason; });
  }
  EXPECT_EQ(reason, "store-closed");
}

}  // namespace
}  // namespace remit::store
