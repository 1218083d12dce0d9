#include "store/sqlite/sqlite_store.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/log.h"
#include "store/sqlite/checkpointer.h"
#include "store/sqlite/lock.h"
#include "store/sqlite/reader.h"
#include "store/sqlite/reserve.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/writer.h"

namespace remit::store::sqlite {
namespace {

class SqliteStore final : public Store {
 public:
  static Result<std::unique_ptr<Store>> Open(const Options& options, Rng& rng);
  ~SqliteStore() override;

  void Commit(Batch batch, Done done) override { writer_->Submit(std::move(batch), std::move(done)); }
  Result<std::optional<std::string>> Get(Table table, std::string_view key) override {
    return readers_.With([&](Reader& reader) { return reader.Get(table, key); });
  }
  Status Scan(Table table, std::string_view prefix, const std::function<bool(std::string_view, std::string_view)>& row) override {
    return readers_.With([&](Reader& reader) { return reader.Scan(table, prefix, row); });
  }
  Status ScanBack(Table table, std::string_view prefix, std::string_view before,
                  const std::function<bool(std::string_view, std::string_view)>& row) override {
    return readers_.With([&](Reader& reader) { return reader.ScanBack(table, prefix, before, row); });
  }
  TreeHead Head() override { return writer_->Head(); }
  Status ScanEvents(std::uint64_t first, const std::function<bool(const StoredEvent&)>& event) override;
  Result<std::vector<Hash>> ReadTile(ledger::TileId id, std::uint64_t width) override;
  Status EraseEventBodies(const std::vector<std::uint64_t>& indices) override { return writer_->Erase(indices); }

 private:
  SqliteStore(StoreLock lock, const Options& options) : lock_(std::move(lock)), readers_(options.path, options.vfs) {}

  StoreLock lock_;  // declared first: ends last
  DiskSpace disk_;
  ReaderPool readers_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<Writer> writer_;
};

// Small pages: SQLite writes whole pages, and a commit of Remit's changes a few rows at the right edges of a few trees.
constexpr int kPageBytes = 1024;

// How many pages the log holds before it is copied back: 8 MiB, so that hot pages are copied once for many commits, and that reading it
// back after a crash takes no time. Never more than a quarter of the reserve: on a full disk, the reserve must hold what the copying adds
// to the database.
int LogFrames(const Options& options) {
  constexpr std::uint64_t kMost = (8u << 20) / kPageBytes, kLeast = 256;
  if (options.reserve_bytes == 0) return kMost;
  return static_cast<int>(std::clamp(options.reserve_bytes / 4 / kPageBytes, kLeast, kMost));
}

Status SyncFolder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const Fd folder(open(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.empty() || fsync(folder.get()) != 0)
    return Fail(Code::kUnavailable, "store-failed", fmt::format("cannot sync the folder of `{}`", path));
  return {};
}

// A writing connection to a store of this version.
Result<Connection> OpenDatabase(const Options& options, const StoreLock& lock) {
  REMIT_TRY(CheckHeader(lock.database().get(), options.path));
  REMIT_ASSIGN(Connection db, Connection::Open(options.path, SQLITE_OPEN_READWRITE, options.vfs));
  REMIT_ASSIGN(const SchemaState state, CheckSchema(db, options.path, Migrations()));
  REMIT_TRY(CheckPrivate(lock.database(), options.path));
  REMIT_TRY(db.Exec("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA secure_delete = FAST"));
  if (state.is_new) REMIT_TRY(db.Exec(fmt::format("PRAGMA page_size = {}", kPageBytes)));
  // A new database gets its tables and its mark under the rollback journal, in one transaction: until that commits it has no page.
  REMIT_TRY(Migrate(db, state, Migrations()));
  if (state.is_new) REMIT_TRY(SyncFolder(options.path));
  REMIT_ASSIGN(const std::string mode, db.Text("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return Fail(Code::kFailedPrecondition, "store-failed",
                fmt::format("the file system of `{}` cannot hold a store (no shared memory for a write-ahead log)", options.path));
  }
  REMIT_TRY(db.Exec("PRAGMA wal_autocheckpoint = 0"));
  return db;
}

// Opening writes a little, too: on a full disk it may take from the reserve.
Result<Connection> OpenDatabaseOnAnyDisk(const Options& options, const StoreLock& lock, std::optional<Reserve>& reserve, DiskSpace& disk) {
  while (true) {
    auto db = OpenDatabase(options, lock);
    if (!db && db.error().reason != "store-full") return db;
    if (!reserve) {
      REMIT_ASSIGN(reserve, Reserve::Open(options.path, options.reserve_bytes, disk));
    }
    if (db || !reserve->Release()) return db;
  }
}

Result<std::unique_ptr<Store>> SqliteStore::Open(const Options& options, Rng& rng) {
  REMIT_TRY(PrepareFolder(options.path));
  REMIT_ASSIGN(StoreLock lock, StoreLock::TakeDatabase(options.path));
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(lock), options));

  std::optional<Reserve> reserve;
  REMIT_ASSIGN(Connection db, OpenDatabaseOnAnyDisk(options, store->lock_, reserve, options.disk != nullptr ? *options.disk : store->disk_));
  REMIT_TRY(store->lock_.TakeFile(options.path));
  if (!reserve->Refill()) log::Warn("the disk of the store is full: the reserve is not whole, only ends are written");

  auto tree = store->readers_.With([](Reader& reader) { return RestoreTree(reader); });
  if (!tree) return std::unexpected(std::move(tree).error());

  REMIT_ASSIGN(Connection background, Connection::Open(options.path, SQLITE_OPEN_READWRITE, options.vfs));
  REMIT_TRY(background.Exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -256"));
  SqliteStore* self = store.get();
  REMIT_ASSIGN(store->checkpointer_, Checkpointer::Start(std::move(background), LogFrames(options), [self] { self->writer_->FinishCheckpoint(); }));
  REMIT_ASSIGN(store->writer_,
               Writer::Start(std::move(db), std::move(*tree), std::move(*reserve), rng,
                             {LogFrames(options), [self](int frames) { self->checkpointer_->WalGrew(frames); }, [self] { self->Grew(); }}));
  return store;
}

SqliteStore::~SqliteStore() {
  // Each of the two threads uses the other's object: both threads end before either object does.
  if (checkpointer_ != nullptr) checkpointer_->Stop();
  if (writer_ != nullptr) writer_->Stop();
  // The writing connection closes last: SQLite then copies the log back and removes it.
  readers_.Clear();
  checkpointer_.reset();
  writer_.reset();
}

Status SqliteStore::ScanEvents(std::uint64_t first, const std::function<bool(const StoredEvent&)>& event) {
  // In pieces, so that a long scan keeps no old pages alive in the log. Events never change, so the pieces fit.
  constexpr std::uint64_t kPiece = 1024;
  const std::uint64_t size = Head().size;
  bool go_on = true;
  for (; go_on && first < size; first += kPiece) {
    std::vector<StoredEvent> piece;
    REMIT_TRY(readers_.With([&](Reader& reader) {
      return reader.ScanEvents(first, std::min(first + kPiece, size), [&](ledger::AuditRow&& row) -> Result<bool> {
        piece.push_back(StoredEvent{row.index, std::move(row.body), std::move(row.salt), row.leaf});
        return true;
      });
    }));
    for (std::size_t i = 0; go_on && i < piece.size(); ++i) go_on = event(piece[i]);
  }
  return {};
}

Result<std::vector<Hash>> SqliteStore::ReadTile(ledger::TileId id, std::uint64_t width) {
  const std::uint64_t have = id.level < ledger::kTileLevels ? ledger::TileWidthAt(id, Head().size) : 0;
  if (width == 0 || width > have) {
    return Fail(Code::kNotFound, "no-such-tile", fmt::format("there is no tile `{}`", ledger::TilePath(id, width)));
  }
  if (have < ledger::kTileWidth) {
    std::vector<Hash> open = writer_->OpenTile(id.level);
    // It may have become full, and another begun, since Head() was read: then it is stored.
    if (ledger::TileWidthAt(id, Head().size) < ledger::kTileWidth) return open;
  }
  return readers_.With([&](Reader& reader) { return reader.StoredTile(id); });
}

}  // namespace

Result<std::unique_ptr<Store>> Open(const Options& options, Rng& rng) { return SqliteStore::Open(options, rng); }

Result<ledger::AuditReport> VerifyStore(const std::string& path, std::optional<TreeHead> against) {
  if (access(path.c_str(), F_OK) != 0) return Fail(Code::kNotFound, "store-not-found", fmt::format("there is no store at `{}`", path));
  {
    REMIT_ASSIGN(Connection db, Connection::Open(path, SQLITE_OPEN_READONLY, nullptr));
    REMIT_ASSIGN(const SchemaState state, CheckSchema(db, path, Migrations()));
    if (state.is_new) return Fail(Code::kFailedPrecondition, "not-a-remit-store", fmt::format("`{}` is empty", path));
  }
  REMIT_ASSIGN(const std::unique_ptr<Reader> reader, Reader::Open(path, nullptr));
  const auto tiles = [&](ledger::TileId id, std::uint64_t) { return reader->StoredTile(id); };
  ledger::Audit audit(tiles, against, /*recorded_roots=*/true);
  // In pieces, as above; what is committed meanwhile is left out, or else the end would run away.
  REMIT_ASSIGN(const std::uint64_t size, reader->EventCount());
  for (std::uint64_t first = 0; first < size; first += 1024) {
    REMIT_TRY(reader->ScanEvents(first, std::min<std::uint64_t>(first + 1024, size), [&](ledger::AuditRow&& row) -> Result<bool> {
      audit.Add(row);
      return true;
    }));
  }
  return audit.Finish();
}

}  // namespace remit::store::sqlite
