// One connection to PostgreSQL. Blocks, with a limit on every wait, so that a server that goes silent costs a caller seconds and not for ever.
//
// The environment's PG* variables, service files and password files have no influence: all that matters is said here.
// One thread at a time; Cancel() from any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "pg/error.h"

struct pg_conn;
struct pg_result;

namespace remit::pg {

class ScramKeys;

struct ConnectOptions {
  std::string host;  // name, address, or the folder of a unix socket
  std::uint16_t port = 5432;
  std::string database;
  std::string user;
  Secret password;                              // empty: none is sent
  const ScramKeys* keys = nullptr;              // derived from the password before, or null; spares TryLogin the work
  std::string application_name;                 // required, at most 63 bytes, e.g. "remit/<installation>/<credential>"
  std::string sslmode = "disable";              // disable, require, verify-ca, verify-full; those that fall back in silence are refused
  std::string sslrootcert;                      // file of the CA certificates, for verify-ca and verify-full
  std::map<std::string, std::string> settings;  // of the session, e.g. lock_timeout
  Duration connect_limit = std::chrono::seconds(5);
};

// Errors: `bad-connect-options` for options that are wrong in themselves (sslmode, application name, NUL).
Status CheckConnectOptions(const ConnectOptions& options);

using Parameter = std::optional<std::string>;

// The rows of one answer, as text.
class Rows {
 public:
  explicit Rows(pg_result* result);
  std::size_t size() const;
  std::size_t columns() const;
  bool IsNull(std::size_t row, std::size_t column) const;
  std::string_view Text(std::size_t row, std::size_t column) const;  // "" where null; valid as long as this
  bool Bool(std::size_t row, std::size_t column) const { return Text(row, column) == "t"; }
  std::int64_t Int(std::size_t row, std::size_t column) const;  // 0 where null or no integer

 private:
  struct Free {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Free> result_;
};

class Connection {
 public:
  // Errors: `bad-connect-options`, `pg-no-answer`, the server's.
  static Result<std::unique_ptr<Connection>> Open(const ConnectOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One statement with $1… parameters, in a transaction of its own unless one is open. A statement is prepared on its first use and
  // kept. After `limit` the connection is closed and the answer is `pg-no-answer`: the statement may yet succeed at the server.
  Result<Rows> Exec(std::string_view sql, const std::vector<Parameter>& parameters = {}, Duration limit = std::chrono::seconds(10));

  // One or more statements without parameters, by the simple protocol: for what cannot be prepared, e.g. SET ROLE. The last's rows.
  Result<Rows> Run(const std::string& sql, Duration limit = std::chrono::seconds(10));

  // Asks the server to cancel what runs. From any thread.
  Status Cancel();

  bool usable();  // false once it broke, was closed by the server, or is in the middle of something
  bool in_transaction() const;
  int backend_pid() const;
  int server_version() const;  // 150020 for 15.20
  bool used_password() const;  // whether the server asked for one and took it

 private:
  explicit Connection(pg_conn* conn) : conn_(conn) {}
  Result<Rows> Finish(bool sent, Duration limit);
  Status Prepare(std::string_view sql, std::string& name, Duration limit);

  struct Close {
    void operator()(pg_conn* conn) const;
  };
  std::unique_ptr<pg_conn, Close> conn_;
  std::map<std::string, std::string, std::less<>> prepared_;
  bool broken_ = false;
};

// BEGIN, `body`, COMMIT; ROLLBACK where the body fails. The error is the body's or the commit's.
template <class Body>
Status InTransaction(Connection& connection, Body&& body) {
  REMIT_TRY(connection.Run("BEGIN"));
  if (Status status = body(); !status) {
    (void)connection.Run("ROLLBACK");
    return status;
  }
  REMIT_TRY(connection.Run("COMMIT"));
  return {};
}

// What came of an attempt to log in.
struct LoginAttempt {
  bool accepted = false;
  bool used_password = false;  // accepted, and the server asked for the password
  std::string sqlstate;        // of the refusal; "" where the server did not get so far
  std::string message;         // of the server, or of the network
};

// Logs in and out again: a probe. Over plain TCP it is spoken directly (wire_login.h), else by libpq.
LoginAttempt TryLogin(const ConnectOptions& options);

}  // namespace remit::pg
