#include "cli/postgres_server.h"

#include <arpa/inet.h>

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/shell_word.h"
#include "cli/targets.h"
#include "config/config.h"
#include "http/target.h"
#include "pg/error.h"

namespace remit::cli {
namespace {

constexpr std::string_view kHint = "write postgresql://USER@HOST:PORT/DATABASE, the folder of a unix socket as %2Frun%2Fpostgresql";

std::unexpected<Error> BadAddress(std::string_view why) {
  return Fail(Code::kInvalidArgument, "bad-server-address", fmt::format("the server's address is none: {}", why), std::string(kHint));
}

Result<std::string> Decoded(std::string_view text) {
  std::optional<std::string> decoded = http::PercentDecode(text);
  if (!decoded || decoded->find('\0') != std::string::npos) return BadAddress("a part of it is not percent-encoded as it should be");
  return std::move(*decoded);
}

Status ReadHost(std::string_view text, pg::ConnectOptions& options) {
  std::string_view port;
  if (text.starts_with('[')) {  // [::1]:5432
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return BadAddress("`[` without `]`");
    port = text.substr(end + 1);
    options.host = text.substr(1, end - 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    port = text.substr(colon);
    REMIT_ASSIGN(options.host, Decoded(text.substr(0, colon)));
  }
  if (options.host.empty()) return BadAddress("no host");
  if (port.empty()) return {};
  auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), options.port);
  if (port[0] != ':' || error != std::errc() || end != port.data() + port.size() || options.port == 0) return BadAddress("the port is none");
  return {};
}

Status ReadQuery(std::string_view text, pg::ConnectOptions& options) {
  for (const std::string& part : Split(text, '&')) {
    const std::size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    REMIT_ASSIGN(std::string value, Decoded(equals == std::string::npos ? "" : std::string_view(part).substr(equals + 1)));
    if (name == "sslmode") {
      options.sslmode = value;
    } else if (name == "sslrootcert") {
      options.sslrootcert = value;
    } else {
      return BadAddress(fmt::format("`{}` is not understood; sslmode and sslrootcert are", EscapeControl(name)));
    }
  }
  return {};
}

Result<pg::ConnectOptions> ReadAddress(std::string_view text) {
  pg::ConnectOptions options;
  options.sslmode.clear();
  for (std::string_view scheme : {"postgresql://", "postgres://"})
    if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  if (const std::size_t query = text.find('?'); query != std::string_view::npos) {
    REMIT_TRY(ReadQuery(text.substr(query + 1), options));
    text = text.substr(0, query);
  }
  const std::size_t slash = std::min(text.find('/'), text.size());
  REMIT_ASSIGN(options.database, Decoded(slash < text.size() ? text.substr(slash + 1) : ""));
  text = text.substr(0, slash);
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    if (text.substr(0, at).find(':') != std::string_view::npos)
      return Fail(Code::kInvalidArgument, "password-in-address", "a password in an address is seen by everybody on this machine",
                  "put it into a file that only you can read, and name it with --password-file");
    REMIT_ASSIGN(options.user, Decoded(text.substr(0, at)));
    text = text.substr(at + 1);
  }
  REMIT_TRY(ReadHost(text, options));
  return options;
}

// The address of a target of remit.toml: where it is, not as whom. Remit's own role has a password that is no business of this command's.
Result<pg::ConnectOptions> FromConfig(const std::string& file, const std::string& name) {
  REMIT_ASSIGN(config::Config config, config::Load(file));
  for (const config::TargetSettings& one : config.targets)
    if (one.name == name) return TargetAddress(one);
  return Fail(Code::kNotFound, "unknown-target", fmt::format("`{}` has no [targets.{}]", file, name),
              "or name the server: postgresql://USER@HOST/DATABASE");
}

}  // namespace

bool IsThisMachine(const std::string& host) {
  if (host.starts_with('/') || host == "localhost" || host == "::1") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && host.starts_with("127.");
}

Error WithServerHint(Error error, const pg::ConnectOptions& options, std::string_view password_option) {
  if (!error.hint.empty()) return error;
  const std::string_view state = pg::SqlState(error);
  if (error.reason == pg::kNoAnswer)
    error.hint = fmt::format("does it run, and listen there? pg_isready -h {} -p {}", ShellWord(options.host), options.port);
  if (state.starts_with("28")) error.hint = fmt::format("name another user, or the file with the password: {} FILE", password_option);
  if (state == "3D000") error.hint = fmt::format("psql -h {} -p {} -l has those that there are", ShellWord(options.host), options.port);
  return error;
}

Result<pg::ConnectOptions> PostgresServer::Options() const {
  pg::ConnectOptions options;
  if (config.empty()) {
    REMIT_ASSIGN(options, ReadAddress(address));
  } else {
    REMIT_ASSIGN(options, FromConfig(config, address));
  }
  if (!user.empty()) options.user = user;
  if (options.user.empty())
    return Fail(Code::kInvalidArgument, "no-user", "nobody is named to log in as", "write postgresql://USER@HOST/DATABASE, or --user USER");
  if (options.database.empty()) options.database = "postgres";
  if (!sslmode.empty()) options.sslmode = sslmode;
  if (!sslrootcert.empty()) options.sslrootcert = sslrootcert;
  if (options.sslmode.empty()) options.sslmode = IsThisMachine(options.host) ? "disable" : "verify-full";
  if (!password_file.empty()) {
    REMIT_ASSIGN(options.password, ReadPasswordFile(password_file));
  }
  options.application_name = "remit scan";
  options.connect_limit = std::chrono::seconds(30);
  REMIT_TRY(pg::CheckConnectOptions(options));
  return options;
}

void AddPostgresServer(Command& command, PostgresServer& server) {
  command.Argument("server", server.address, "postgresql://USER@HOST:PORT/DATABASE, or a target's name with --config")
      .Option("--config", server.config, "the remit.toml in which the server is a target", "FILE")
      .Option("--user", server.user, "who to log in as; any role sees roles and grants", "NAME")
      .Option("--password-file", server.password_file, "a file with the password, which only you can read", "FILE")
      .Option("--sslmode", server.sslmode, "disable, require, verify-ca or verify-full (default: verify-full; disable on this machine)", "MODE")
      .Option("--sslrootcert", server.sslrootcert, "the CA's certificates, for verify-ca and verify-full", "FILE");
}

}  // namespace remit::cli
