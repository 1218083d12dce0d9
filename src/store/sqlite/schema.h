// The tables, and how a database of an older version becomes one of this version.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/sqlite/sqlite.h"
#include "store/store.h"

namespace remit::store::sqlite {

// "Rmit": PRAGMA application_id of every store.
inline constexpr std::uint32_t kApplicationId = 0x526d6974;

// One step: brings the schema from version - 1 to `version`, in one transaction. Steps that shipped are never changed.
struct Migration {
  int version;
  const char* sql;
};

// All steps of this program, from version 1.
std::span<const Migration> Migrations();

// The SQL table of a table of the contract.
std::string_view TableName(Table table);
inline constexpr int kTables = static_cast<int>(Table::kReview);

// Looks at the first bytes of the file before SQLite does, which would roll back or copy back what another program left there. A file with
// a rollback journal beside it is left to SQLite. Errors: `not-a-remit-store`.
Status CheckHeader(int fd, const std::string& path);

// Whether the database is Remit's and not newer than the last of `migrations`. Reads only. A database without a page is new.
// Errors: `not-a-remit-store`, `store-too-new`, those of SqliteError.
struct SchemaState {
  bool is_new = false;
  int version = 0;
};
Result<SchemaState> CheckSchema(Connection& db, const std::string& path, std::span<const Migration> migrations);

// Takes every step that is missing; a crash in between leaves a whole older version. A new database gets all of them and Remit's mark in
// one transaction. Errors: those of SqliteError.
Status Migrate(Connection& db, const SchemaState& state, std::span<const Migration> migrations);

}  // namespace remit::store::sqlite
