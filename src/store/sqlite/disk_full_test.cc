// The full disk, on a disk of the test's own and on a real small file system: ordinary batches are refused and change nothing, ends go on
// for long, and with room everything goes on by itself.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <sqlite3.h>

#include "store/sqlite/reserve.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/temp_dir.h"
#include "store/verify.h"

namespace remit::store::sqlite {
namespace {

// A disk of a size that the test chooses: a SQLite VFS over the real one that counts the files of one store, and the DiskSpace that
// belongs to it. Needs no privilege, and fails as a full disk does: SQLITE_FULL on the write that does not fit. One at a time.
class QuotaDisk final : public DiskSpace {
 public:
  QuotaDisk(const std::string& database, std::uint64_t bytes);
  ~QuotaDisk() override { sqlite3_vfs_unregister(&vfs_); }
  void Resize(std::uint64_t bytes) { limit_ = bytes; }
  std::uint64_t Used() const;
  std::uint64_t Free(int) override { return limit_ > Used() ? limit_ - Used() : 0; }
  bool Allocate(int fd, std::uint64_t size) override;

 private:
  // A file of the VFS: SQLite's own file lies behind this head.
  struct File {
    sqlite3_file base;
    sqlite3_file* real;
  };
  static File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static int OpenFile(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out);
  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at);
  static sqlite3_io_methods Methods();

  static inline QuotaDisk* current_ = nullptr;
  const std::vector<std::string> files_;
  std::atomic<std::uint64_t> limit_;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
};

QuotaDisk::QuotaDisk(const std::string& database, std::uint64_t bytes)
    : files_{database, database + "-wal", database + "-journal", database + "-reserve"},
      limit_(bytes),
      real_(sqlite3_vfs_find(nullptr)),
      vfs_(*real_) {
  current_ = this;
  vfs_.zName = "remit-quota";
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  vfs_.xOpen = &QuotaDisk::OpenFile;
  sqlite3_vfs_register(&vfs_, 0);
}

std::uint64_t QuotaDisk::Used() const {
  std::uint64_t used = 0;
  struct stat info{};
  for (const std::string& file : files_) used += stat(file.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  return used;
}

bool QuotaDisk::Allocate(int fd, std::uint64_t size) {
  struct stat info{};
  REMIT_CHECK(fstat(fd, &info) == 0);
  const auto now = static_cast<std::uint64_t>(info.st_size);
  return size <= now || (size - now <= Free(fd) && DiskSpace::Allocate(fd, size));
}

int QuotaDisk::Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  sqlite3_file* real = Of(file)->real;
  sqlite3_int64 now = 0;
  real->pMethods->xFileSize(real, &now);
  const sqlite3_int64 grows = std::max<sqlite3_int64>(at + size - now, 0);
  if (grows > 0 && static_cast<std::uint64_t>(grows) > current_->Free(0)) return SQLITE_FULL;
  return real->pMethods->xWrite(real, data, size, at);
}

// Everything but writing is passed on.
sqlite3_io_methods QuotaDisk::Methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;
  m.xClose = [](sqlite3_file* f) { return Of(f)->real->pMethods->xClose(Of(f)->real); };
  m.xRead = [](sqlite3_file* f, void* data, int size, sqlite3_int64 at) { return Of(f)->real->pMethods->xRead(Of(f)->real, data, size, at); };
  m.xWrite = &QuotaDisk::Write;
  m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) { return Of(f)->real->pMethods->xTruncate(Of(f)->real, size); };
  m.xSync = [](sqlite3_file* f, int flags) { return Of(f)->real->pMethods->xSync(Of(f)->real, flags); };
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) { return Of(f)->real->pMethods->xFileSize(Of(f)->real, size); };
  m.xLock = [](sqlite3_file* f, int level) { return Of(f)->real->pMethods->xLock(Of(f)->real, level); };
  m.xUnlock = [](sqlite3_file* f, int level) { return Of(f)->real->pMethods->xUnlock(Of(f)->real, level); };
  m.xCheckReservedLock = [](sqlite3_file* f, int* out) { return Of(f)->real->pMethods->xCheckReservedLock(Of(f)->real, out); };
  m.xFileControl = [](sqlite3_file* f, int op, void* arg) { return Of(f)->real->pMethods->xFileControl(Of(f)->real, op, arg); };
  m.xSectorSize = [](sqlite3_file* f) { return Of(f)->real->pMethods->xSectorSize(Of(f)->real); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) { return Of(f)->real->pMethods->xDeviceCharacteristics(Of(f)->real); };
  m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return Of(f)->real->pMethods->xShmMap(Of(f)->real, page, size, extend, out);
  };
  m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) { return Of(f)->real->pMethods->xShmLock(Of(f)->real, offset, n, flags); };
  m.xShmBarrier = [](sqlite3_file* f) { Of(f)->real->pMethods->xShmBarrier(Of(f)->real); };
  m.xShmUnmap = [](sqlite3_file* f, int remove) { return Of(f)->real->pMethods->xShmUnmap(Of(f)->real, remove); };
  return m;
}

int QuotaDisk::OpenFile(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  static const sqlite3_io_methods methods = Methods();
  Of(file)->real = reinterpret_cast<sqlite3_file*>(Of(file) + 1);
  const int code = current_->real_->xOpen(current_->real_, name, Of(file)->real, flags, out);
  file->pMethods = Of(file)->real->pMethods != nullptr ? &methods : nullptr;
  return code;
}

Batch Put(std::string key, bool must_fit, std::size_t bytes = 700) {
  Batch batch;
  batch.writes = {{Table::kTask, std::move(key), std::string(bytes, 'x')}};
  batch.events = {"{\"n\":1}"};
  batch.must_fit = must_fit;
  return batch;
}

// Fills the disk with ordinary batches. Returns how many were committed.
int Fill(Store& store, std::size_t bytes = 50'000) {
  for (int i = 0;; ++i) {
    const auto result = store.CommitNow(Put("fill-" + std::to_string(i), false, bytes));
    if (result) continue;
    EXPECT_EQ(result.error().reason, "store-full") << result.error().ToString();
    return i;
  }
}

constexpr std::size_t kTooLarge = 40u << 20;  // for any disk here, whatever the log gave back meanwhile

struct DiskFullTest : testing::Test {
  SystemRng rng;
  TempDir dir;
  QuotaDisk disk{dir.File("remit.db"), 12u << 20};
  Options options{dir.File("remit.db"), 4u << 20, "remit-quota", &disk};

  std::uint64_t ReserveSize() { return std::filesystem::file_size(options.path + "-reserve"); }
  // Fills the disk, ends tasks until they need the reserve, and takes away what room is left.
  void UseReserve(Store& store) {
    Fill(store);
    for (int i = 0; ReserveSize() == options.reserve_bytes; ++i) {
      ASSERT_LT(i, 1000);
      ASSERT_TRUE(store.CommitNow(Put("end-" + std::to_string(i), true, 10'000)));
    }
    disk.Resize(disk.Used());
  }
};

TEST_F(DiskFullTest, SpaceThatComesBackIsKeptForEndsAgain) {
  struct Room final : DiskSpace {
    std::uint64_t free = 64u << 20;
    std::uint64_t Free(int) override { return free; }
  } room;
  auto reserve = Reserve::Open(options.path, 4 * Reserve::kSliceBytes, room).value();
  ASSERT_TRUE(reserve.Refill());
  while (reserve.Release()) {}
  ASSERT_EQ(reserve.size(), 0u);
  room.free = Reserve::kSliceBytes + Reserve::kLogRoomBytes - 1;
  reserve.Regrow();
  EXPECT_EQ(reserve.size(), 0u) << "the log needs room, too";
  room.free = 64u << 20;
  reserve.Regrow();
  EXPECT_EQ(reserve.size(), 3 * Reserve::kSliceBytes);
  EXPECT_FALSE(reserve.whole()) << "only Refill lets ordinary batches in again";
  EXPECT_EQ(ReserveSize(), reserve.size());
}

TEST_F(DiskFullTest, ARefusedBatchChangesNothing) {
  auto store = Open(options, rng).value();
  const int filled = Fill(*store);
  EXPECT_GT(filled, 20);
  const TreeHead head = store->Head();
  EXPECT_EQ(head.size, static_cast<std::uint64_t>(filled));
  const auto refused = store->CommitNow(Put("late", false, kTooLarge));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "store-full");
  EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
  EXPECT_FALSE(refused.error().hint.empty());
  EXPECT_EQ(store->Get(Table::kTask, "late").value(), std::nullopt);
  EXPECT_EQ(store->Head(), head);
  EXPECT_TRUE(VerifyStore(*store)->ok());
  store.reset();
  EXPECT_EQ(Open(options, rng).value()->Head(), head);
}

TEST_F(DiskFullTest, EndsGoOnForLong) {
  auto store = Open(options, rng).value();
  UseReserve(*store);
  // Each end changes its task's row and adds an event; a thousand tasks end, twice over.
  for (int i = 0; i < 2000; ++i) {
    const auto end = store->CommitNow(Put("task-" + std::to_string(i % 1000), true));
    ASSERT_TRUE(end) << i << ": " << end.error().ToString();
  }
  EXPECT_GT(ReserveSize(), 0u) << "the reserve was used up";
  disk.Resize(disk.Used());
  EXPECT_EQ(store->CommitNow(Put("start", false)).error().reason, "store-full");
  const TreeHead head = store->Head();
  store.reset();
  // A start on the full disk: ends still go on.
  store = Open(options, rng).value();
  EXPECT_EQ(store->Head(), head);
  EXPECT_TRUE(store->CommitNow(Put("task-1", true)));
  EXPECT_EQ(store->CommitNow(Put("start", false)).error().reason, "store-full");
  EXPECT_TRUE(VerifyStore(*store)->ok());
}

TEST_F(DiskFullTest, WithRoomEverythingGoesOnByItself) {
  auto store = Open(options, rng).value();
  UseReserve(*store);
  EXPECT_EQ(store->CommitNow(Put("start", false)).error().reason, "store-full");
  disk.Resize(24u << 20);
  EXPECT_TRUE(store->CommitNow(Put("start", false)));
  EXPECT_EQ(ReserveSize(), options.reserve_bytes);
}

TEST_F(DiskFullTest, InOneGroupTheEndsAreKept) {
  auto store = Open(options, rng).value();
  UseReserve(*store);
  std::atomic<int> ends = 0, starts = 0, refused = 0;
  for (int i = 0; i < 100; ++i) {
    const bool end = i % 2 == 0;
    store->Commit(Put("k" + std::to_string(i), end), [&, end](Result<Committed> r) { ++(r ? (end ? ends : starts) : refused); });
  }
  store.reset();
  EXPECT_EQ(ends, 50);
  EXPECT_EQ(starts, 0);
  EXPECT_EQ(refused, 50);
}

TEST_F(DiskFullTest, WhenTheReserveIsUsedUpEndsAreRefusedToo) {
  options.reserve_bytes = 0;
  auto store = Open(options, rng).value();
  Fill(*store);
  std::string reason;
  for (int i = 0; i < 2000 && reason.empty(); ++i) {
    if (const auto end = store->CommitNow(Put("task-" + std::to_string(i), true, 20'000)); !end) reason = end.error().reason;
  }
  EXPECT_EQ(reason, "store-full");
  disk.Resize(24u << 20);
  EXPECT_TRUE(store->CommitNow(Put("task", true)));
}

// On a tmpfs of 12 MiB in a mount namespace of a child's own: what the kernel really says. Where the kernel does not allow that, the same
// runs on the disk of this file.
TEST_F(DiskFullTest, OnARealSmallFileSystem) {
  const pid_t child = fork();
  if (child == 0) {
    const std::string mount_point = dir.File("small");
    const bool mounted = mkdir(mount_point.c_str(), 0700) == 0 && (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
                         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         mount("remit-test", mount_point.c_str(), "tmpfs", 0, "size=12m,mode=0700") == 0;
    if (mounted) options = Options{mount_point + "/remit.db", 4u << 20};
    const auto run = [&]() -> int {
      auto store = Open(options, rng);
      if (!store) return 2;
      Fill(**store);
      for (int i = 0; i < 2000; ++i) {
        if (!(*store)->CommitNow(Put("task-" + std::to_string(i % 1000), true))) return 3;
      }
      if ((*store)->CommitNow(Put("start", false, kTooLarge))) return 4;
      store->reset();
      store = Open(options, rng);
      if (!store) return 5;
      if (!(*store)->CommitNow(Put("task-1", true))) return 6;
      if (!VerifyStore(**store)->ok()) return 7;
      if (mounted && mount("remit-test", mount_point.c_str(), "tmpfs", MS_REMOUNT, "size=32m,mode=0700") != 0) return 8;
      disk.Resize(32u << 20);
      return (*store)->CommitNow(Put("start", false)) ? 0 : 9;
    };
    const int code = run();
    std::fprintf(stderr, "%s: %d\n", mounted ? "on a tmpfs" : "on a counted disk", code);
    _exit(testing::Test::HasFailure() ? 1 : code);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace remit::store::sqlite
