// Copies of a store: made while a server uses it, and put in its place again when none does.
#pragma once

#include <string>

#include "base/result.h"
#include "ledger/audit.h"

namespace remit::store::sqlite {

// Copies the database at `path` to the new file `to` (mode 0600), as of one moment: rows and ledger are those of one commit, whatever is written
// meanwhile. The copy is one file without a log, and is there whole or not at all. Its ledger is verified from scratch: what is wrong with it is in
// the report, and the copy is kept all the same. The master key is in no store, so in no copy either.
//
// While it runs, the server's log grows by what is committed meanwhile, and needs that much more of the disk.
// Errors: `file-exists` (nothing is overwritten), `cannot-write-file`, `store-not-found`, `not-a-remit-store`, `store-too-new`, `store-corrupt`,
// `store-full`, `store-failed`.
Result<ledger::AuditReport> BackupStore(const std::string& path, const std::string& to);

struct Restored {
  ledger::AuditReport ledger;
  std::string kept;  // where the store that was there lies now; "" where there was none
};

// Puts a copy in the place of the store at `path`, which no server may use. What was there is kept beside it. A crash at any point leaves the old
// store or the new one.
// Errors: those of BackupStore of `backup`, `verification-failed` (its ledger does not hold), `store-in-use`, `store-not-private`.
Result<Restored> RestoreStore(const std::string& backup, const std::string& path);

}  // namespace remit::store::sqlite
