// Connections of Remit's own role.
#include "target/postgres/server.h"

#include <algorithm>

#include <fmt/format.h>

#include "target/postgres/refusal.h"
#include "target/postgres/role_name.h"

namespace remit::target::postgres {
namespace {

// No wait of Remit's role is long: a lock that is not given within a second is asked for again, after whoever holds it was cut off.
const std::map<std::string, std::string> kSettings{{"lock_timeout", "1000"},
                                                   {"statement_timeout", "8000"},
                                                   {"idle_in_transaction_session_timeout", "15000"},
                                                   {"search_path", "pg_catalog"},
                                                   {"default_transaction_isolation", "read committed"}};
constexpr std::size_t kOtherPoolSize = 2;

}  // namespace

Server::Server(Config config) : config_(std::move(config)) {
  admin_ = std::make_unique<pg::Pool>(AdminOptions(config_.database), config_.pool_size, [this](pg::Connection& c) { return Recognise(c); });
}

Result<std::unique_ptr<Server>> Server::Create(Config config) {
  const auto bad = [&](std::string message) {
    return Fail(Code::kInvalidArgument, "bad-target", fmt::format("target `{}`: {}", config.name, message));
  };
  const bool plain = std::all_of(config.name.begin(), config.name.end(),
                                 [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
  if (config.name.empty() || config.name.size() > 63 || !plain) return bad("a target's name is lower-case letters, digits, _ and -");
  if (!IsInstallationId(config.installation)) return bad("the id of an installation is 1 to 26 lower-case letters and digits");
  if (config.connection_limit < 1 || config.connection_limit > 1000) return bad("`connection_limit` is 1 to 1000");
  if (config.scram_iterations < 1 || config.scram_iterations > 1'000'000) return bad("`scram_iterations` is 1 to 1000000");
  if (config.pool_size < 1 || config.pool_size > 100) return bad("`pool_size` is 1 to 100");
  if (config.attempt_limit < std::chrono::milliseconds(100)) return bad("`attempt_limit` is at least 100ms");
  std::unique_ptr<Server> server(new Server(std::move(config)));
  REMIT_TRY(pg::CheckConnectOptions(server->AdminOptions(server->config_.database)));
  REMIT_TRY(pg::CheckConnectOptions(server->UserOptions("x", {}, "x")));
  return server;
}

pg::ConnectOptions Server::AdminOptions(const std::string& database) const {
  pg::ConnectOptions options;
  options.host = config_.host;
  options.port = config_.port;
  options.database = database;
  options.user = config_.user;
  options.password = config_.password;
  options.application_name = fmt::format("remit/{}", config_.installation);
  options.sslmode = config_.sslmode;
  options.sslrootcert = config_.sslrootcert;
  options.settings = kSettings;
  return options;
}

pg::ConnectOptions Server::UserOptions(const std::string& role, const Secret& password, const std::string& application_name) const {
  pg::ConnectOptions options;
  options.host = UserHost();
  options.port = UserPort();
  options.database = config_.database;
  options.user = role;
  options.password = password;
  options.application_name = application_name;
  options.sslmode = config_.sslmode;
  options.sslrootcert = config_.sslrootcert;
  return options;
}

// Looks at each new connection once: a name that now leads to another server must not be taken for the old one.
Status Server::Recognise(pg::Connection& connection) {
  ++connections_;
  const auto rows = connection.Exec("SELECT system, standby, installation, login_seconds FROM remit.identity()");
  if (!rows) return Fail(FromServer(rows.error(), config_.name));
  if (rows->Bool(0, 1))
    return Fail(Code::kUnavailable, "standby", fmt::format("target `{}`: the server is a standby and cannot be written to", config_.name));
  if (rows->Text(0, 2) != config_.installation)
    return Fail(Code::kPermissionDenied, "foreign-role",
                fmt::format("target `{}`: role `{}` speaks for installation `{}` there", config_.name, config_.user, rows->Text(0, 2)));
  login_seconds_ = rows->Int(0, 3);
  const std::lock_guard lock(mutex_);
  system_ = rows->Text(0, 0);
  return {};
}

Result<pg::Pool::Lease> Server::Admin() { return admin_->Take(config_.attempt_limit); }

Result<pg::Pool::Lease> Server::Other(const std::string& database) {
  pg::Pool* pool = nullptr;
  {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<pg::Pool>& entry = others_[database];
    if (entry == nullptr) entry = std::make_unique<pg::Pool>(AdminOptions(database), kOtherPoolSize);
    pool = entry.get();
  }
  return pool->Take(config_.attempt_limit);
}

std::string Server::system() const {
  const std::lock_guard lock(mutex_);
  return system_;
}

Duration Server::login_limit() const { return std::chrono::seconds(login_seconds_.load()); }

bool Server::IsSameSystem(const std::string& system) const {
  if (system.empty() || system == this->system()) return true;
  return std::find(config_.former_systems.begin(), config_.former_systems.end(), system) != config_.former_systems.end();
}

}  // namespace remit::target::postgres
