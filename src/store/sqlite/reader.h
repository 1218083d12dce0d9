// Reading connections: each sees the last commit at the moment that it begins, and never waits for the writer.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/audit.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite.h"
#include "store/store.h"

namespace remit::store::sqlite {

// One read-only connection with its statements. One thread at a time.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> Open(const std::string& path, const char* vfs);

  Result<std::optional<std::string>> Get(Table table, std::string_view key);
  Status Scan(Table table, std::string_view prefix, const std::function<bool(std::string_view, std::string_view)>& row);

  Status ScanBack(Table table, std::string_view prefix, std::string_view before, const std::function<bool(std::string_view, std::string_view)>& row);

  // Events `first` … `end` - 1, with the root that was recorded where one was.
  Status ScanEvents(std::uint64_t first, std::uint64_t end, const std::function<Result<bool>(ledger::AuditRow&&)>& row);
  Result<std::uint64_t> EventCount();  // the last index and one
  Result<std::optional<Hash>> RecordedRoot(std::uint64_t index);

  // A complete tile as stored. Errors: `no-such-tile`.
  Result<std::vector<Hash>> StoredTile(ledger::TileId id);
  // The leaves first … first+count-1 as stored with their events. Errors: `store-corrupt` where one is missing.
  Result<std::vector<Hash>> Leaves(std::uint64_t first, std::uint64_t count);

  Connection& connection() { return db_; }

 private:
  // Prepares on first use.
  Result<Statement*> Get(Statement& slot, const std::string& sql);

  Connection db_;
  std::array<Statement, kTables + 1> get_, scan_, scan_all_, scan_back_, scan_back_all_;
  Statement events_, count_, root_, tile_, leaves_;
};

// Hands out readers. Opens another where all are in use (a scan's callback may read again), and keeps a few. Thread-safe.
class ReaderPool {
 public:
  static constexpr std::size_t kKept = 8;

  ReaderPool(std::string path, const char* vfs) : path_(std::move(path)), vfs_(vfs) {}

  // Calls `use` with a reader that nobody else uses meanwhile. Errors: those of opening one, and of `use`.
  template <class F>
  auto With(F use) -> decltype(use(std::declval<Reader&>())) {
    auto reader = Take();
    if (!reader) return std::unexpected(std::move(reader).error());
    auto result = use(**reader);
    Give(std::move(*reader));
    return result;
  }

  // Closes those that nobody uses.
  void Clear();

 private:
  Result<std::unique_ptr<Reader>> Take();
  void Give(std::unique_ptr<Reader> reader);

  const std::string path_;
  const char* const vfs_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

// The number of a tile in the table `tile`.
inline std::uint64_t TileRow(ledger::TileId id) { return std::uint64_t{id.level} << 48 | id.index; }

// The tree of the events that `reader` sees, read from its last tiles and checked against the root recorded with the last event.
// Errors: `store-corrupt`, those of the reads.
Result<ledger::Tree> RestoreTree(Reader& reader);

}  // namespace remit::store::sqlite
