#include "store/sqlite/sqlite.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace remit::store::sqlite {

Error SqliteError(sqlite3* db, int code, std::string_view what) {
  const int primary = code & 0xff;
  const int system = db != nullptr ? sqlite3_system_errno(db) : 0;
  // SQLite says SQLITE_FULL for a failed write, and an I/O error for everything else that ran out of space (a wal-index, a truncation).
  if (primary == SQLITE_FULL || (primary == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT))) {
    return Error(Code::kResourceExhausted, "store-full", fmt::format("{}: the disk is full", what));
  }
  const std::string why = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
    return Error(Code::kCorrupt, "store-corrupt", fmt::format("{}: {}", what, why));
  }
  return Error(Code::kUnavailable, "store-failed", fmt::format("{}: {} (code {}, system error {})", what, why, code, system));
}

Statement& Statement::Bind(int at, std::string_view blob) {
  // A null pointer would bind NULL; an empty blob is not NULL.
  const char* data = blob.empty() ? "" : blob.data();
  sqlite3_bind_blob64(statement_.get(), at, data, blob.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::Bind(int at, std::uint64_t number) {
  sqlite3_bind_int64(statement_.get(), at, static_cast<sqlite3_int64>(number));
  return *this;
}

Statement& Statement::BindNull(int at) {
  sqlite3_bind_null(statement_.get(), at);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(SqliteError(sqlite3_db_handle(statement_.get()), code, "cannot use the store"));
}

Status Statement::Run() {
  const auto row = Step();
  Reset();
  if (!row) return std::unexpected(row.error());
  return {};
}

void Statement::Reset() { sqlite3_reset(statement_.get()); }

std::string_view Statement::Blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::string_view() : std::string_view(data, static_cast<std::size_t>(size));
}

Result<Hash> Statement::ReadHash(int column) const {
  const std::string_view blob = Blob(column);
  Hash hash;
  if (blob.size() != hash.size()) return Fail(Code::kCorrupt, "store-corrupt", "a hash in the store has not 32 bytes", "run `remit ledger verify`");
  std::memcpy(hash.data(), blob.data(), hash.size());
  return hash;
}

Result<Connection> Connection::Open(const std::string& path, int flags, const char* vfs) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, vfs);
  Connection connection;
  connection.db_.reset(db);
  if (code != SQLITE_OK) return std::unexpected(SqliteError(db, code, fmt::format("cannot open `{}`", path)));
  sqlite3_extended_result_codes(db, 1);
  // Locks are held for moments only: by a checkpoint that starts, by recovery after a crash.
  sqlite3_busy_timeout(db, 10'000);
  return connection;
}

Status Connection::Exec(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(SqliteError(db_.get(), code, "cannot use the store"));
  return {};
}

Result<Statement> Connection::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.c_str(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return std::unexpected(SqliteError(db_.get(), code, "cannot use the store"));
  return Statement(statement);
}

Result<std::uint64_t> Connection::Number(const std::string& sql) {
  REMIT_ASSIGN(Statement statement, Prepare(sql));
  REMIT_ASSIGN(const bool row, statement.Step());
  return row ? statement.Number(0) : 0;
}

Result<std::string> Connection::Text(const std::string& sql) {
  REMIT_ASSIGN(Statement statement, Prepare(sql));
  REMIT_ASSIGN(const bool row, statement.Step());
  return row ? std::string(statement.Blob(0)) : std::string();
}

void Connection::Rollback() {
  if (db_ != nullptr && sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace remit::store::sqlite
