// The embedded store: one SQLite database in WAL mode, one writer thread with group commit, readers beside it.
//
// Files: the database, "-wal" and "-shm" (SQLite's), "-lock" (one server), "-reserve" (space for ends on a full disk). All mode 0600.
// The database must lie on a local file system.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/rng.h"
#include "ledger/audit.h"
#include "store/store.h"

namespace remit::store::sqlite {

class DiskSpace;

struct Options {
  std::string path;                         // of the database; made where it is missing, its folder too (one level)
  std::uint64_t reserve_bytes = 32u << 20;  // kept for ends on a full disk: some ten thousand of them. 0: none

  // For tests.
  const char* vfs = nullptr;  // the name of a SQLite VFS
  DiskSpace* disk = nullptr;  // how free space is asked for; must outlive the store
};

// Opens the store, brings it to this program's schema version, and starts its threads. `rng` makes the salts and must outlive it.
// The store's destructor commits what was handed to Commit, then closes.
//
// Time: a ledger of ten million events opens in well under a second (its tree comes from the last tiles).
// Errors: `store-in-use`, `not-a-remit-store`, `store-too-new`, `store-not-private`, `store-corrupt`, `store-full`, `store-failed`.
Result<std::unique_ptr<Store>> Open(const Options& options, Rng& rng);

// Checks the ledger of the database at `path` from scratch, read-only, also while a server uses it: every leaf from salt and body, every
// tile and recorded root from the leaves, and the extension of `against` where given. Findings are in the report.
// Errors: `store-not-found`, `not-a-remit-store`, `store-too-new`, `store-corrupt` (SQLite itself cannot read it), `store-failed`.
Result<ledger::AuditReport> VerifyStore(const std::string& path, std::optional<TreeHead> against = std::nullopt);

}  // namespace remit::store::sqlite
