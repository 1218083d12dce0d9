// kill -9 in the middle of commits: whatever was acknowledged is there, with its events, and the ledger holds.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include <gtest/gtest.h>

#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/temp_dir.h"
#include "store/verify.h"

namespace remit::store::sqlite {
namespace {

struct CrashTest : testing::Test {
  SystemRng rng;
  TempDir dir;
  Options options{dir.File("remit.db"), 1u << 20};

  // A server that commits as fast as it can and writes the number of each acknowledged batch to the pipe.
  [[noreturn]] void Serve(int first, int acknowledgements) {
    auto store = Open(options, rng);
    if (!store) _exit(2);
    for (int i = first;; ++i) {
      Batch batch;
      batch.writes = {{Table::kTask, "task-" + std::to_string(i), "round-" + std::to_string(i)}, {Table::kMeta, "last", std::to_string(i)}};
      batch.events = {"{\"batch\":" + std::to_string(i) + ",\"n\":0}",
                      "{\"batch\":" + std::to_string(i) + ",\"n\":1,\"text\":\"" + std::string(500, 'x') + "\"}"};
      (*store)->Commit(std::move(batch), [i, acknowledgements](Result<Committed> result) {
        if (!result || result->first_event != static_cast<std::uint64_t>(i) * 2) _exit(3);
        if (write(acknowledgements, &i, sizeof i) != sizeof i) _exit(4);
      });
      // A few in flight at a time: the pipe's reader sets the pace at the latest.
      if (i % 8 == 7 && !(*store)->CommitNow(Batch{})) _exit(5);
    }
  }
};

TEST_F(CrashTest, EveryAcknowledgedBatchSurvivesAKill) {
  int next = 0;
  for (int round = 0; round < 12; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      Serve(next, ends[1]);
    }
    close(ends[1]);
    // After a number of acknowledgements that differs by round: in the first commit, before and after tiles and copies of the log.
    int acknowledged = next - 1, value = 0;
    for (int i = 0; i < 1 + round * 97; ++i) {
      ASSERT_EQ(read(ends[0], &value, sizeof value), static_cast<ssize_t>(sizeof value)) << "the server ended by itself in round " << round;
      acknowledged = value;
    }
    kill(child, SIGKILL);
    while (read(ends[0], &value, sizeof value) == static_cast<ssize_t>(sizeof value)) acknowledged = value;
    close(ends[0]);
    waitpid(child, nullptr, 0);

    auto store = Open(options, rng);
    ASSERT_TRUE(store) << store.error().ToString();
    const std::uint64_t events = (*store)->Head().size;
    ASSERT_EQ(events % 2, 0u) << "half a batch";
    ASSERT_GE(events, 2 * static_cast<std::uint64_t>(acknowledged + 1)) << "an acknowledged batch is lost";
    // Rows and events of one batch are there together, and so is nothing of the batch after them.
    const int committed = static_cast<int>(events / 2) - 1;
    EXPECT_EQ((*store)->Get(Table::kMeta, "last").value(), std::to_string(committed));
    for (int i = std::max(0, next - 2); i <= committed; ++i) {
      ASSERT_EQ((*store)->Get(Table::kTask, "task-" + std::to_string(i)).value(), "round-" + std::to_string(i));
    }
    EXPECT_EQ((*store)->Get(Table::kTask, "task-" + std::to_string(committed + 1)).value(), std::nullopt);
    std::uint64_t seen = 0;
    ASSERT_TRUE((*store)->ScanEvents(0, [&](const StoredEvent& event) {
      EXPECT_TRUE(event.body->starts_with("{\"batch\":" + std::to_string(event.index / 2) + ",\"n\":" + std::to_string(event.index % 2)));
      ++seen;
      return true;
    }));
    EXPECT_EQ(seen, events);
    const auto report = remit::store::VerifyStore(**store);
    ASSERT_TRUE(report && report->ok());
    next = committed + 1;
  }
  EXPECT_TRUE(VerifyStore(options.path)->ok());
}

}  // namespace
}  // namespace remit::store::sqlite
