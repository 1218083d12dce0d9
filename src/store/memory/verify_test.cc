#include "store/verify.h"

#include <gtest/gtest.h>

#include "store/memory/memory_store.h"

namespace remit::store {
namespace {

TEST(VerifyStoreTest, ASoundStoreHoldsAndAForeignCheckpointDoesNot) {
  SeededRng rng(1);
  MemoryStore store(rng, MemoryStore::Mode::kInline);
  for (int i = 0; i < 300; ++i) {
    Batch batch;
    batch.events = {"{}"};
    ASSERT_TRUE(store.CommitNow(std::move(batch)));
  }
  ASSERT_TRUE(store.EraseEventBodies({5}));
  EXPECT_TRUE(VerifyStore(store)->ok());
  EXPECT_TRUE(VerifyStore(store, TreeHead{200, store.RootAt(200).value()})->complete());
  EXPECT_EQ(VerifyStore(store, TreeHead{200, store.RootAt(201).value()})->findings.at(0).flaw, ledger::Flaw::kFork);
  EXPECT_EQ(VerifyStore(store, TreeHead{301, {}})->findings.at(0).flaw, ledger::Flaw::kCut);
}

}  // namespace
}  // namespace remit::store
