// PostgreSQL, 34.1.1 (connection strings) and 34.15 (environment variables).
#include "cli/standing/replace_admin.h"

#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/postgres_server.h"
#include "cli/targets.h"

namespace remit::cli {
namespace {

constexpr const char* kSocketFolder = "/var/run/postgresql";  // Debian's
constexpr const char* kApplication = "remit replace";

std::unexpected<Error> Bad(std::string why) {
  return Fail(Code::kInvalidArgument, "bad-admin-string", std::move(why), "write e.g. --admin 'host=db.example user=dba dbname=postgres'");
}

// `key = value` pairs; values in single quotes may hold spaces, and a backslash takes what follows it as it is.
Result<std::map<std::string, std::string>> ReadPairs(std::string_view text) {
  std::map<std::string, std::string> pairs;
  std::size_t at = 0;
  const auto skip = [&] {
    while (at < text.size() && text[at] == ' ') ++at;
  };
  for (skip(); at < text.size(); skip()) {
    const std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) return Bad(fmt::format("`{}` has no value", EscapeControl(text.substr(at))));
    const std::string key(Trim(text.substr(at, equals - at)));
    at = equals + 1;
    skip();
    const bool quoted = at < text.size() && text[at] == '\'';
    if (quoted) ++at;
    std::string value;
    for (; at < text.size() && text[at] != (quoted ? '\'' : ' '); ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      value += text[at];
    }
    if (quoted && at++ >= text.size()) return Bad(fmt::format("the value of `{}` has no closing quote", EscapeControl(key)));
    if (!pairs.emplace(key, value).second) return Bad(fmt::format("`{}` is given twice", EscapeControl(key)));
  }
  return pairs;
}

Status ReadPort(const std::string& text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return Bad(fmt::format("`{}` is no port", EscapeControl(text)));
  return {};
}

// From the file; else from PGPASSWORD.
Result<Secret> Password(const std::string& file, const std::function<const char*(const char*)>& environment) {
  if (file.empty()) {
    const char* given = environment("PGPASSWORD");
    return given == nullptr ? Secret() : Secret(given);
  }
  return ReadPasswordFile(file);
}

bool IsAddress(std::string_view text) { return text.starts_with("postgresql://") || text.starts_with("postgres://"); }

}  // namespace

Result<pg::ConnectOptions> AdminOptions(std::string_view text, const std::string& password_file,
                                        const std::function<const char*(const char*)>& environment) {
  if (IsAddress(text)) {
    PostgresServer server;
    server.address = text;
    REMIT_ASSIGN(pg::ConnectOptions options, server.Options());
    options.application_name = kApplication;
    REMIT_ASSIGN(options.password, Password(password_file, environment));
    return options;
  }
  REMIT_ASSIGN(auto pairs, ReadPairs(text));
  if (pairs.contains("password"))
    return Fail(Code::kInvalidArgument, "password-in-arguments", "a password among the arguments is seen by everybody on this machine",
                "put it into a file that only you can read and name it with --admin-password-file, or into PGPASSWORD");
  const auto take = [&](const char* key, const char* variable) {
    const char* given = environment(variable);
    std::string value = given == nullptr ? "" : given;
    if (const auto found = pairs.find(key); found != pairs.end()) {
      value = found->second;
      pairs.erase(found);
    }
    return value;
  };
  pg::ConnectOptions options;
  options.host = take("host", "PGHOST");
  const std::string port = take("port", "PGPORT");
  options.user = take("user", "PGUSER");
  options.database = take("dbname", "PGDATABASE");
  options.sslmode = take("sslmode", "PGSSLMODE");
  options.sslrootcert = take("sslrootcert", "PGSSLROOTCERT");
  if (!pairs.empty()) return Bad(fmt::format("`{}` is not understood here", EscapeControl(pairs.begin()->first)));
  if (options.user.empty())
    return Fail(Code::kInvalidArgument, "no-admin-user", "nobody is named to connect as", "--admin 'host=… user=…', or PGUSER: a superuser there");
  if (options.host.empty()) options.host = kSocketFolder;
  if (!port.empty()) REMIT_TRY(ReadPort(port, options.port));
  if (options.database.empty()) options.database = "postgres";
  if (options.sslmode.empty()) options.sslmode = IsThisMachine(options.host) ? "disable" : "verify-full";
  options.application_name = kApplication;
  options.connect_limit = std::chrono::seconds(30);
  REMIT_ASSIGN(options.password, Password(password_file, environment));
  REMIT_TRY(pg::CheckConnectOptions(options));
  return options;
}

}  // namespace remit::cli
