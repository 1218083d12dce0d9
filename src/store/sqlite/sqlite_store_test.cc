// The contract, kept by SQLite; and what is true of this store alone: its files, its lock, its schema.
#include "store/sqlite/sqlite_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "store/contract_test.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/temp_dir.h"

namespace remit::store::sqlite {
namespace {

class SqliteFixture : public ContractFixture {
 public:
  SqliteFixture() { Reopen(); }
  Store& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    auto store = Open(options_, rng_);
    REMIT_CHECK(store.has_value());
    store_ = std::move(*store);
  }

 private:
  SystemRng rng_;
  TempDir dir_;
  Options options_{dir_.File("remit.db"), 1u << 20};
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         testing::Values([]() -> std::unique_ptr<ContractFixture> { return std::make_unique<SqliteFixture>(); }));

struct SqliteStoreTest : testing::Test {
  SystemRng rng;
  TempDir dir;
  std::string path = dir.File("remit.db");
  Options options{path, 1u << 20};

  static Batch Put(std::string key, std::string value = "v", int events = 1) {
    Batch batch;
    batch.writes = {{Table::kTask, std::move(key), std::move(value)}};
    for (int i = 0; i < events; ++i) batch.events.push_back("{\"n\":1}");
    return batch;
  }
  mode_t ModeOf(const std::string& file) {
    struct stat info{};
    EXPECT_EQ(stat(file.c_str(), &info), 0) << file;
    return info.st_mode & 0777;
  }
  std::string ContentOf(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Opens the store in another process and says which error it got, or "opened".
  std::string OpenElsewhere() {
    int ends[2];
    REMIT_CHECK(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto other = Open(options, rng);
      const std::string text = other ? "opened" : other.error().reason + ": " + other.error().message;
      if (write(ends[1], text.data(), text.size()) < 0) _exit(1);
      _exit(0);
    }
    close(ends[1]);
    char text[512];
    const ssize_t size = read(ends[0], text, sizeof text);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return std::string(text, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
};

TEST_F(SqliteStoreTest, ItsFilesAreForItsOwnerAlone) {
  options.path = dir.File("new/remit.db");
  const auto store = Open(options, rng);
  ASSERT_TRUE(store) << store.error().ToString();
  ASSERT_TRUE((*store)->CommitNow(Put("a")));
  EXPECT_EQ(ModeOf(dir.File("new")), 0700u);
  for (const char* suffix : {"", "-wal", "-shm", "-lock", "-reserve"}) EXPECT_EQ(ModeOf(options.path + suffix), 0600u) << suffix;
}

TEST_F(SqliteStoreTest, FilesThatOthersMayUseAreRefused) {
  ASSERT_TRUE(Open(options, rng));
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const auto readable = Open(options, rng);
  ASSERT_FALSE(readable);
  EXPECT_EQ(readable.error().reason, "store-not-private");
  EXPECT_EQ(readable.error().hint, "chmod 600 " + path);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(chmod(dir.path().c_str(), 0777), 0);
  const auto writable = Open(options, rng);
  EXPECT_EQ(writable.error().reason, "store-not-private");
  EXPECT_EQ(writable.error().hint, "chmod 700 " + dir.path());
  ASSERT_EQ(chmod(dir.path().c_str(), 01777), 0);
  EXPECT_EQ(Open(options, rng).error().hint.find("chmod"), std::string::npos) << "nobody types that of /tmp";
  ASSERT_EQ(chmod(dir.path().c_str(), 0700), 0);
  EXPECT_TRUE(Open(options, rng));
}

TEST_F(SqliteStoreTest, SymbolicLinksAreNotFollowed) {
  ASSERT_EQ(symlink("/etc/passwd", path.c_str()), 0);
  EXPECT_EQ(Open(options, rng).error().reason, "store-failed");
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(symlink("/etc/passwd", (path + "-lock").c_str()), 0);
  EXPECT_EQ(Open(options, rng).error().reason, "store-failed");
}

TEST_F(SqliteStoreTest, AnotherProgramsFileIsRefusedAndLeftAsItIs) {
  const auto refused = [&] {
    const std::string before = ContentOf(path);
    const auto store = Open(options, rng);
    EXPECT_FALSE(store);
    EXPECT_EQ(ContentOf(path), before);
    EXPECT_EQ(access((path + "-lock").c_str(), F_OK), -1);
    return store ? "opened" : store.error().reason;
  };
  std::ofstream(path) << "a letter to a friend\n";
  EXPECT_EQ(refused(), "not-a-remit-store");
  EXPECT_EQ(VerifyStore(path).error().reason, "not-a-remit-store");
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_EQ(refused(), "not-a-remit-store");
  unlink(path.c_str());
  ASSERT_TRUE(Connection::Open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr)->Exec("CREATE TABLE other (x); PRAGMA application_id = 7"));
  EXPECT_EQ(refused(), "not-a-remit-store");
  EXPECT_EQ(VerifyStore(path).error().reason, "not-a-remit-store");
}

TEST_F(SqliteStoreTest, ANewerStoreIsRefused) {
  ASSERT_TRUE(Open(options, rng));
  ASSERT_TRUE(Connection::Open(path, SQLITE_OPEN_READWRITE, nullptr)->Exec("PRAGMA user_version = 999"));
  const auto store = Open(options, rng);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().reason, "store-too-new");
  EXPECT_EQ(VerifyStore(path).error().reason, "store-too-new");
}

TEST_F(SqliteStoreTest, AHalfMadeStoreIsMadeAnew) {
  std::ofstream(path).close();
  chmod(path.c_str(), 0600);
  EXPECT_TRUE(Open(options, rng));
}

TEST_F(SqliteStoreTest, AMigrationIsTakenOnceAndWhole) {
  ASSERT_TRUE(Open(options, rng).value()->CommitNow(Put("a", "old")));
  std::vector<Migration> steps(Migrations().begin(), Migrations().end());
  const int next = steps.back().version + 1;
  Connection db = Connection::Open(path, SQLITE_OPEN_READWRITE, nullptr).value();
  const auto migrate = [&](std::span<const Migration> to) { return Migrate(db, CheckSchema(db, path, to).value(), to); };

  // A step that fails halfway leaves the older version whole.
  steps.push_back({next, "ALTER TABLE task ADD COLUMN owner BLOB; UPDATE task SET owner = 'x'; CREATE TABLE task (x)"});
  EXPECT_FALSE(migrate(steps));
  EXPECT_EQ(db.Number("PRAGMA user_version").value(), static_cast<std::uint64_t>(next - 1));
  EXPECT_EQ(db.Number("SELECT count(*) FROM pragma_table_info('task') WHERE name = 'owner'").value(), 0u);

  steps.back().sql = "ALTER TABLE task ADD COLUMN owner BLOB; UPDATE task SET owner = CAST('x' AS BLOB)";
  ASSERT_TRUE(migrate(steps));
  ASSERT_TRUE(migrate(steps));
  EXPECT_EQ(db.Number("PRAGMA user_version").value(), static_cast<std::uint64_t>(next));
  EXPECT_EQ(db.Text("SELECT owner FROM task WHERE key = CAST('a' AS BLOB)").value(), "x");
  // The program without that step refuses the store now.
  EXPECT_EQ(CheckSchema(db, path, Migrations()).error().reason, "store-too-new");
}

TEST_F(SqliteStoreTest, OneServerForOneStore) {
  auto store = Open(options, rng);
  ASSERT_TRUE(store);
  EXPECT_EQ(Open(options, rng).error().reason, "store-in-use");
  const std::string elsewhere = OpenElsewhere();
  EXPECT_NE(elsewhere.find("store-in-use"), std::string::npos) << elsewhere;
  EXPECT_NE(elsewhere.find(std::to_string(getpid())), std::string::npos) << elsewhere;
  // Removing the lock file admits nobody.
  ASSERT_EQ(unlink((path + "-lock").c_str()), 0);
  EXPECT_NE(OpenElsewhere().find("store-in-use"), std::string::npos);
  // The refused attempts took nothing from the one that holds it.
  EXPECT_TRUE((*store)->CommitNow(Put("a")));
  store->reset();
  EXPECT_EQ(OpenElsewhere(), "opened");
}

TEST_F(SqliteStoreTest, TheLockEndsWithItsProcess) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto store = Open(options, rng);
    if (write(ends[1], store ? "1" : "0", 1) != 1) _exit(1);
    while (true) pause();
  }
  char opened = 0;
  ASSERT_EQ(read(ends[0], &opened, 1), 1);
  EXPECT_EQ(opened, '1');
  EXPECT_EQ(Open(options, rng).error().reason, "store-in-use");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
  EXPECT_TRUE(Open(options, rng));
}

TEST_F(SqliteStoreTest, ClosingCommitsWhatWasHandedIn) {
  std::atomic<int> committed = 0;
  {
    auto store = Open(options, rng).value();
    for (int i = 0; i < 100; ++i) store->Commit(Put(std::to_string(i)), [&](Result<Committed> r) { committed += r.has_value(); });
  }
  EXPECT_EQ(committed, 100);
  EXPECT_EQ(Open(options, rng).value()->Head().size, 100u);
  EXPECT_EQ(access((path + "-wal").c_str(), F_OK), -1) << "the log was not copied back";
}

TEST_F(SqliteStoreTest, TheLogIsCopiedBackWhileCommitsGoOn) {
  auto store = Open(options, rng).value();
  // 60 MB of rows; readers come and go.
  const std::string value(60'000, 'x');
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(store->CommitNow(Put(std::to_string(i % 50), value)));
    if (i % 10 == 0) {
      ASSERT_TRUE(store->Get(Table::kTask, "1"));
    }
  }
  // The copying runs beside the commits on a thread of its own; on a busy machine it is late, but never by this much.
  EXPECT_LT(std::filesystem::file_size(path + "-wal"), 50u << 20);
}

TEST_F(SqliteStoreTest, AnErasedBodyIsNowhereInItsFiles) {
  auto store = Open(options, rng).value();
  Batch batch = Put("a");
  batch.events = {"{\"name\":\"Adelheid-" + std::string(3000, 'q') + "-von-Tamarind\"}", "{}"};
  ASSERT_TRUE(store->CommitNow(std::move(batch)));
  ASSERT_TRUE(store->EraseEventBodies({0}));
  for (const char* suffix : {"", "-wal"}) {
    const std::string content = ContentOf(path + suffix);
    for (const char* part : {"Adelheid", "qqqqqqqq", "Tamarind"}) EXPECT_EQ(content.find(part), std::string::npos) << part << suffix;
  }
}

// As when signing keys are rotated: the row is written over, and others of its table come and go.
TEST_F(SqliteStoreTest, AKeyThatWasWrittenOverIsNowhereInItsFiles) {
  auto store = Open(options, rng).value();
  std::vector<std::string> dead;
  std::map<std::string, std::string> signs;
  const auto rotate = [&](const std::string& name = "access") {
    Batch batch;
    if (!signs[name].empty()) dead.push_back(signs[name]);
    signs[name] = ToText(rng.Take(200));
    batch.writes.push_back({Table::kKey, name, signs[name]});
    batch.writes.push_back({Table::kKey, "since/" + name, std::to_string(dead.size())});
    batch.writes.push_back({Table::kKey, "old/" + name + "/" + HexEncode(rng.Take(20)), ToText(rng.Take(420))});
    batch.events = {"{}"};
    ASSERT_TRUE(store->CommitNow(std::move(batch)));
  };
  const auto left = [&] {
    std::size_t count = 0;
    for (const char* suffix : {"", "-wal"}) {
      const std::string content = ContentOf(path + suffix);
      for (const std::string& key : dead)
        for (std::size_t at = 0; at < key.size(); at += 20) count += content.find(key.substr(at, 20)) != std::string::npos;
    }
    return count;
  };
  for (int i = 0; i < 60; ++i) {
    rotate(i % 2 == 0 ? "access" : "receipt");
    ASSERT_EQ(left(), 0u) << i;
  }
  // While somebody reads an older state the log must stay. It goes with the next commit after that, whatever it is.
  {
    auto reader = Connection::Open(path, SQLITE_OPEN_READONLY, nullptr).value();
    ASSERT_TRUE(reader.Exec("BEGIN; SELECT count(*) FROM meta"));
    rotate();
    EXPECT_GT(left(), 0u);
  }
  ASSERT_TRUE(store->CommitNow(Put("x")));
  EXPECT_EQ(left(), 0u);
}

TEST_F(SqliteStoreTest, ABrokenLedgerDoesNotOpen) {
  ASSERT_TRUE(Open(options, rng).value()->CommitNow(Put("a", "v", 300)));
  ASSERT_TRUE(Connection::Open(path, SQLITE_OPEN_READWRITE, nullptr)->Exec("UPDATE event SET leaf = zeroblob(32) WHERE idx = 299"));
  const auto store = Open(options, rng);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().reason, "store-corrupt");
  EXPECT_NE(store.error().hint.find("remit ledger verify"), std::string::npos);
}

}  // namespace
}  // namespace remit::store::sqlite
