// A copy is one moment of the store, whatever happens meanwhile; and nothing that was there is lost.
#include "store/sqlite/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/stat.h>

#include "store/sqlite/sqlite.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/temp_dir.h"

namespace remit::store::sqlite {
namespace {

struct BackupTest : testing::Test {
  SystemRng rng;
  TempDir dir;
  std::string path = dir.File("remit.db"), copy = dir.File("copy.db");

  std::unique_ptr<Store> MustOpen(const std::string& where) {
    auto store = Open(Options{where, 0}, rng);
    EXPECT_TRUE(store.has_value()) << store.error().ToString();
    return std::move(*store);
  }
  // A row that says how many events there are, with the event that makes it so.
  static void Count(Store& store) {
    const std::uint64_t next = store.Head().size + 1;
    Batch batch;
    batch.writes.push_back({Table::kMeta, "count", std::to_string(next)});
    batch.events.push_back("{\"n\":" + std::to_string(next) + "}");
    ASSERT_TRUE(store.CommitNow(std::move(batch)).has_value());
  }
  static std::string Counted(Store& store) { return store.Get(Table::kMeta, "count").value().value_or("none"); }
  std::vector<std::string> Files() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path())) names.push_back(entry.path().filename().string());
    return names;
  }
};

TEST_F(BackupTest, IsOneMomentOfAStoreThatIsWritten) {
  auto store = MustOpen(path);
  Count(*store);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) Count(*store);
  });
  for (int i = 0; i < 5; ++i) {
    const std::string to = dir.File("copy" + std::to_string(i));
    const std::uint64_t before = store->Head().size;
    const auto report = BackupStore(path, to);
    ASSERT_TRUE(report.has_value()) << report.error().ToString();
    EXPECT_TRUE(report->ok()) << report->Summary();
    EXPECT_GE(report->head.size, before);
    auto copied = MustOpen(to);
    EXPECT_EQ(copied->Head(), report->head);
    EXPECT_EQ(Counted(*copied), std::to_string(report->head.size)) << "rows and ledger are of one commit";
    EXPECT_EQ(store->RootAt(report->head.size).value(), report->head.root) << "and it is a beginning of what the store holds now";
  }
  stop = true;
  writer.join();
}

TEST_F(BackupTest, IsOneFileForItsOwnerAlone) {
  auto store = MustOpen(path);
  Count(*store);
  const mode_t old = umask(0);
  ASSERT_TRUE(BackupStore(path, copy).has_value());
  umask(old);
  struct stat info{};
  ASSERT_EQ(stat(copy.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777u, 0600u);
  EXPECT_EQ(info.st_nlink, 1u);
  for (const std::string& name : Files()) EXPECT_FALSE(name.starts_with("copy.db") && name != "copy.db") << name;
}

TEST_F(BackupTest, OverwritesNothingAndLeavesNothingHalf) {
  auto store = MustOpen(path);
  Count(*store);
  std::ofstream(copy) << "mine";
  EXPECT_EQ(BackupStore(path, copy).error().reason, "file-exists");
  std::string kept;
  std::ifstream(copy) >> kept;
  EXPECT_EQ(kept, "mine");
  EXPECT_EQ(BackupStore(dir.File("none.db"), dir.File("x")).error().reason, "store-not-found");
  EXPECT_EQ(BackupStore(path, dir.File("nowhere/x")).error().reason, "cannot-write-file");
  EXPECT_EQ(BackupStore(copy, dir.File("y")).error().reason, "not-a-remit-store");
  std::filesystem::create_symlink(dir.File("elsewhere"), dir.File("link"));
  EXPECT_EQ(BackupStore(path, dir.File("link")).error().reason, "file-exists") << "a link is not followed";
  EXPECT_FALSE(std::filesystem::exists(dir.File("elsewhere")));
  for (const std::string& name : Files()) EXPECT_EQ(name.find(".part"), std::string::npos) << name;
}

TEST_F(BackupTest, ALedgerThatDoesNotHoldIsCopiedAndSaidSo) {
  Count(*MustOpen(path));
  ASSERT_TRUE(Connection::Open(path, SQLITE_OPEN_READWRITE, nullptr)->Exec("UPDATE event SET body = '{\"n\":9}' WHERE idx = 0"));
  const auto report = BackupStore(path, copy);
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->ok());
  EXPECT_TRUE(std::filesystem::exists(copy));
  EXPECT_EQ(RestoreStore(copy, dir.File("new.db")).error().reason, "verification-failed");
  EXPECT_FALSE(std::filesystem::exists(dir.File("new.db")));
}

TEST_F(BackupTest, IsPutBackAndWhatWasThereIsKept) {
  {
    auto store = MustOpen(path);
    Count(*store);
    ASSERT_TRUE(BackupStore(path, copy).has_value());
    Count(*store);
    EXPECT_EQ(RestoreStore(copy, path).error().reason, "store-in-use");
    EXPECT_EQ(store->Head().size, 2u);
  }
  const auto restored = RestoreStore(copy, path);
  ASSERT_TRUE(restored.has_value()) << restored.error().ToString();
  EXPECT_EQ(restored->ledger.head.size, 1u);
  EXPECT_EQ(Counted(*MustOpen(path)), "1");
  EXPECT_EQ(Counted(*MustOpen(restored->kept)), "2");
  const auto again = RestoreStore(copy, path);
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(again->kept, restored->kept);
  ASSERT_TRUE(RestoreStore(copy, dir.File("new/remit.db")).has_value());
  EXPECT_EQ(Counted(*MustOpen(dir.File("new/remit.db"))), "1");
}

// A log that a crash left belongs to the old store: SQLite must not find it beside the new one.
TEST_F(BackupTest, TheLogOfACrashIsNotTakenForTheNewStores) {
  {
    auto store = MustOpen(path);
    Count(*store);
    ASSERT_TRUE(BackupStore(path, copy).has_value());
    for (int i = 0; i < 50; ++i) Count(*store);
    // As kill -9 leaves it: the database with its log.
    for (const char* tail : {"", "-wal", "-shm"}) std::filesystem::copy_file(path + tail, dir.File("crashed.db") + tail);
  }
  ASSERT_GT(std::filesystem::file_size(dir.File("crashed.db-wal")), 0u);
  std::filesystem::permissions(dir.File("crashed.db"), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto restored = RestoreStore(copy, dir.File("crashed.db"));
  ASSERT_TRUE(restored.has_value()) << restored.error().ToString();
  EXPECT_EQ(Counted(*MustOpen(dir.File("crashed.db"))), "1");
  EXPECT_EQ(Counted(*MustOpen(restored->kept)), "51") << "and the old store has lost nothing";
}

}  // namespace
}  // namespace remit::store::sqlite
