// Statements over one connection, each with a limit.
#include "pg/connection.h"

#include <poll.h>

#include <charconv>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "base/text.h"
#include "pg/connect.h"

namespace remit::pg {
namespace {

constexpr std::size_t kPreparedMax = 64;  // statements here are constants of the program; more would be a leak

// What a failed connection or statement says without a server's answer.
Error Broken(std::string_view message) { return ServerError("", Trim(message.substr(0, message.find('\n')))); }

Error ErrorOf(const PGresult* result, PGconn* conn) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (state == nullptr) return Broken(PQerrorMessage(conn));
  return ServerError(state, message == nullptr ? "" : message);
}

}  // namespace

Rows::Rows(pg_result* result) : result_(result) {}
void Rows::Free::operator()(pg_result* result) const { PQclear(result); }
std::size_t Rows::size() const { return static_cast<std::size_t>(PQntuples(result_.get())); }
std::size_t Rows::columns() const { return static_cast<std::size_t>(PQnfields(result_.get())); }

bool Rows::IsNull(std::size_t row, std::size_t column) const {
  REMIT_CHECK(row < size() && column < columns());
  return PQgetisnull(result_.get(), static_cast<int>(row), static_cast<int>(column)) == 1;
}

std::string_view Rows::Text(std::size_t row, std::size_t column) const {
  REMIT_CHECK(row < size() && column < columns());
  return {PQgetvalue(result_.get(), static_cast<int>(row), static_cast<int>(column)),
          static_cast<std::size_t>(PQgetlength(result_.get(), static_cast<int>(row), static_cast<int>(column)))};
}

std::int64_t Rows::Int(std::size_t row, std::size_t column) const {
  const std::string_view text = Text(row, column);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void Connection::Close::operator()(pg_conn* conn) const { PQfinish(conn); }

Result<std::unique_ptr<Connection>> Connection::Open(const ConnectOptions& options) {
  REMIT_TRY(CheckConnectOptions(options));
  const OpenConnection open = Connect(options, Authentication::kScramWherePassword);
  std::unique_ptr<Connection> connection(new Connection(open.conn));
  if (!open.connected) {
    Error error = ServerError(open.refusal.sqlstate, open.refusal.message);
    return Fail(
        std::move(error).Within(fmt::format("cannot connect to PostgreSQL at `{}` port {} as `{}`", options.host, options.port, options.user)));
  }
  PQsetErrorVerbosity(open.conn, PQERRORS_DEFAULT);
  return connection;
}

Connection::~Connection() = default;

// Waits for the answer to what was sent. INVARIANT: on return the connection is idle, in a transaction, or broken.
Result<Rows> Connection::Finish(bool sent, Duration limit) {
  PGconn* conn = conn_.get();
  const auto broken = [&](std::string_view message) {
    broken_ = true;
    return Fail(Broken(message));
  };
  if (!sent) return broken(PQerrorMessage(conn));
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::optional<Rows> last;
  std::optional<Error> error;
  for (;;) {
    while (PQisBusy(conn)) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      pollfd fd{PQsocket(conn), POLLIN, 0};
      if (left <= 0 || poll(&fd, 1, static_cast<int>(left)) == 0) return broken(fmt::format("no answer within {}", FormatDuration(limit)));
      if (PQconsumeInput(conn) == 0) return broken(PQerrorMessage(conn));
    }
    PGresult* result = PQgetResult(conn);
    if (result == nullptr) break;
    last.emplace(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) return broken("COPY is not spoken here");
    if (status == PGRES_FATAL_ERROR && !error) error = ErrorOf(result, conn);
  }
  if (PQstatus(conn) != CONNECTION_OK) broken_ = true;
  if (error) return Fail(std::move(*error));
  if (!last) return broken("the server sent no result");
  return std::move(*last);
}

Status Connection::Prepare(std::string_view sql, std::string& name, Duration limit) {
  if (const auto found = prepared_.find(sql); found != prepared_.end()) {
    name = found->second;
    return {};
  }
  REMIT_CHECK(prepared_.size() < kPreparedMax);
  name = fmt::format("s{}", prepared_.size());
  REMIT_TRY(Finish(PQsendPrepare(conn_.get(), name.c_str(), std::string(sql).c_str(), 0, nullptr) == 1, limit));
  prepared_.emplace(std::string(sql), name);
  return {};
}

Result<Rows> Connection::Exec(std::string_view sql, const std::vector<Parameter>& parameters, Duration limit) {
  std::string name;
  REMIT_TRY(Prepare(sql, name, limit));
  std::vector<const char*> values;
  for (const Parameter& parameter : parameters) {
    if (parameter && parameter->find('\0') != std::string::npos)
      return Fail(Code::kInvalidArgument, "bad-literal", "a text with NUL cannot be sent to PostgreSQL");
    values.push_back(parameter ? parameter->c_str() : nullptr);
  }
  return Finish(PQsendQueryPrepared(conn_.get(), name.c_str(), static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0) == 1, limit);
}

Result<Rows> Connection::Run(const std::string& sql, Duration limit) { return Finish(PQsendQuery(conn_.get(), sql.c_str()) == 1, limit); }

Status Connection::Cancel() {
  std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel(PQgetCancel(conn_.get()), &PQfreeCancel);
  char message[256] = {};
  if (cancel == nullptr || PQcancel(cancel.get(), message, sizeof message) == 0) return Fail(Broken(message));
  return {};
}

bool Connection::usable() {
  if (broken_ || PQstatus(conn_.get()) != CONNECTION_OK || PQtransactionStatus(conn_.get()) != PQTRANS_IDLE) return false;
  pollfd fd{PQsocket(conn_.get()), POLLIN, 0};
  // What comes unasked is nearly always the server's farewell, of which the end of the connection may follow a moment later.
  return poll(&fd, 1, 0) == 0;
}

bool Connection::in_transaction() const { return PQtransactionStatus(conn_.get()) != PQTRANS_IDLE; }
int Connection::backend_pid() const { return PQbackendPID(conn_.get()); }
int Connection::server_version() const { return PQserverVersion(conn_.get()); }
bool Connection::used_password() const { return PQconnectionUsedPassword(conn_.get()) == 1; }

}  // namespace remit::pg
