// How a connection comes about: options to a connection string, the connecting itself with a limit, and what a refusal says.
#include "pg/connect.h"

#include <poll.h>

#include <algorithm>
#include <regex>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "base/text.h"
#include "pg/wire_login.h"

namespace remit::pg {
namespace {

// A value of a connection string. An empty one counts as given, so that libpq does not look into the environment.
void Append(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format("{}='", key);
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  out += "' ";
}

std::string SettingsOption(const std::map<std::string, std::string>& settings) {
  std::string out;
  for (const auto& [name, value] : settings) {
    out += fmt::format("-c {}=", name);
    for (const char c : value) {
      if (c == ' ' || c == '\\') out += '\\';
      out += c;
    }
    out += ' ';
  }
  return out;
}

// Polls until libpq is connected, has failed, or the time is over.
bool Drive(PGconn* conn, Duration limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd fd{PQsocket(conn), static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    if (fd.fd < 0 || left <= 0 || poll(&fd, 1, static_cast<int>(left)) == 0) return false;
    state = PQconnectPoll(conn);
  }
  return state == PGRES_POLLING_OK;
}

}  // namespace

bool KnowsRequireAuth() {
  static const bool knows = [] {
    char* why = nullptr;
    PQconninfoOption* parsed = PQconninfoParse("require_auth=scram-sha-256", &why);  // an option that it does not know is an error
    PQfreemem(why);
    PQconninfoFree(parsed);
    return parsed != nullptr;
  }();
  return knows;
}

std::string ConnectionString(const ConnectOptions& o, Authentication authentication, bool knows_require_auth) {
  std::string out;
  out.reserve(1024);  // in one piece, so that wiping it leaves no copy behind
  Append(out, "host", o.host);
  Append(out, "hostaddr", "");
  Append(out, "port", std::to_string(o.port));
  Append(out, "dbname", o.database);
  Append(out, "user", o.user);
  Append(out, "password", o.password.Reveal());
  Append(out, "passfile", "/nonexistent");
  const bool scram = authentication == Authentication::kScramWherePassword && !o.password.empty();
  if (knows_require_auth) Append(out, "require_auth", scram ? "scram-sha-256" : "");
  Append(out, "application_name", o.application_name);
  Append(out, "client_encoding", "UTF8");
  Append(out, "options", SettingsOption(o.settings));
  Append(out, "sslmode", o.sslmode);
  Append(out, "sslrootcert", o.sslrootcert);
  Append(out, "sslcert", "");
  Append(out, "gssencmode", "disable");
  Append(out, "target_session_attrs", "any");
  Append(out, "keepalives_idle", "15");
  Append(out, "keepalives_interval", "5");
  Append(out, "keepalives_count", "3");
  return out;
}

Refusal ParseRefusal(std::string_view text) {
  // "connection to server at … failed: FATAL:  28P01: password authentication failed…\nLOCATION:  …", once per address tried. The word
  // before the state may be translated; the two spaces, the state and the colon are not.
  static const std::regex pattern(":  ([0-9A-Z]{5}): ([^\n]*)");
  std::cmatch match;
  if (std::regex_search(text.data(), text.data() + text.size(), match, pattern)) return {match[1].str(), match[2].str()};
  return {"", std::string(Trim(text.substr(0, text.find('\n'))))};
}

Status CheckConnectOptions(const ConnectOptions& o) {
  const auto bad = [](std::string message, std::string hint = {}) {
    return Fail(Code::kInvalidArgument, "bad-connect-options", std::move(message), std::move(hint));
  };
  static const std::vector<std::string> modes{"disable", "require", "verify-ca", "verify-full"};
  if (std::find(modes.begin(), modes.end(), o.sslmode) == modes.end())
    return bad(fmt::format("sslmode `{}` is not supported", EscapeControl(o.sslmode)),
               "use disable, require, verify-ca or verify-full: `allow` and `prefer` fall back to plain text without a word");
  if (o.sslmode.starts_with("verify") && o.sslrootcert.empty()) return bad(fmt::format("sslmode `{}` needs `sslrootcert`", o.sslmode));
  if (o.application_name.empty() || o.application_name.size() > 63) return bad("the application name is not 1 to 63 bytes");
  if (o.host.empty() || o.database.empty() || o.user.empty() || o.port == 0) return bad("host, port, database and user are all needed");
  for (const std::string* text : {&o.host, &o.database, &o.user, &o.application_name, &o.sslrootcert})
    if (text->find('\0') != std::string::npos) return bad("an option of the connection holds NUL");
  if (o.password.Reveal().find('\0') != std::string_view::npos) return bad("the password holds NUL");
  return {};
}

OpenConnection Connect(const ConnectOptions& options, Authentication authentication) {
  std::string text = ConnectionString(options, authentication, KnowsRequireAuth());
  OpenConnection open{PQconnectStart(text.c_str()), false, {}};
  WipeMemory(text.data(), text.size());
  REMIT_CHECK(open.conn != nullptr);
  PQsetErrorVerbosity(open.conn, PQERRORS_VERBOSE);  // the only way to learn the SQLSTATE of a refused login
  PQsetNoticeProcessor(open.conn, [](void*, const char*) {}, nullptr);
  open.connected = PQstatus(open.conn) != CONNECTION_BAD && Drive(open.conn, options.connect_limit);
  if (open.connected) return open;
  open.refusal = ParseRefusal(PQerrorMessage(open.conn));
  if (open.refusal.message.empty())
    open.refusal.message = fmt::format("no answer from `{}` port {} within {}", options.host, options.port, FormatDuration(options.connect_limit));
  return open;
}

LoginAttempt TryLogin(const ConnectOptions& options) {
  if (const Status status = CheckConnectOptions(options); !status) return {false, false, "", status.error().message};
  if (options.sslmode == "disable" && !options.host.starts_with('/')) return WireLogin(options);
  const OpenConnection open = Connect(options, Authentication::kAny);
  LoginAttempt attempt{open.connected, open.connected && PQconnectionUsedPassword(open.conn) == 1, open.refusal.sqlstate, open.refusal.message};
  PQfinish(open.conn);
  return attempt;
}

}  // namespace remit::pg
