// SQLite's C API in the manner of the house: owned handles, errors as values, statements prepared once. The only file of Remit that
// includes <sqlite3.h> for others to use; private to this room.
//
// A connection and its statements belong to one thread at a time (SQLITE_OPEN_NOMUTEX).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "base/bytes.h"
#include "base/result.h"

namespace remit::store::sqlite {

// The error of the connection's last call that returned `code`: `store-full` for a full disk or quota, `store-corrupt` for what is no
// database or a broken one, `store-failed` for everything else.
Error SqliteError(sqlite3* db, int code, std::string_view what);

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  bool empty() const { return statement_ == nullptr; }

  // Parameters count from 1. Texts must stay until the statement is reset.
  Statement& Bind(int at, std::string_view blob);
  Statement& Bind(int at, const Hash& hash) { return Bind(at, AsText(hash)); }
  Statement& Bind(int at, std::uint64_t number);
  Statement& BindNull(int at);

  // True while there is a row.
  Result<bool> Step();
  // Steps once and resets, for statements without rows.
  Status Run();
  void Reset();

  // Columns count from 0; valid until the next Step or Reset.
  std::string_view Blob(int column) const;
  std::uint64_t Number(int column) const { return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column)); }
  bool IsNull(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
  // Errors: `store-corrupt` where the column does not hold 32 bytes.
  Result<Hash> ReadHash(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Resets a statement at the end of a block, so that no read transaction outlives its reader.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(Statement& statement) : statement_(statement) {}
  ~ResetAtEnd() { statement_.Reset(); }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  Statement& statement_;
};

class Connection {
 public:
  // `flags` are SQLITE_OPEN_…; `vfs` is a name or nullptr. Errors: `store-failed`, `store-corrupt`, `store-full`.
  static Result<Connection> Open(const std::string& path, int flags, const char* vfs);

  Status Exec(const std::string& sql);
  Result<Statement> Prepare(const std::string& sql);
  // The first column of the first row, e.g. of a PRAGMA.
  Result<std::uint64_t> Number(const std::string& sql);
  Result<std::string> Text(const std::string& sql);

  // Ends a transaction that failed, if one is still open.
  void Rollback();

  sqlite3* get() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace remit::store::sqlite
