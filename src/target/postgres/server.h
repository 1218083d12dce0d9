// The server as Remit's own role sees it: configuration, connections, and whether it is still the same server. Thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/secret.h"
#include "pg/pool.h"

namespace remit::target::postgres {

struct Config {
  std::string name;          // of the target: [a-z0-9_-]+, the first segment of its resources
  std::string installation;  // [0-9a-z]{1,26}
  std::string host;          // as Remit reaches it
  std::uint16_t port = 5432;
  std::string database;
  std::string user = "remit";  // Remit's own role: LOGIN and nothing else
  Secret password;
  std::string sslmode = "disable";  // disable, require, verify-ca, verify-full; the same for tasks
  std::string sslrootcert;
  std::string user_host;                              // as tasks reach it; empty: as Remit does
  std::uint16_t user_port = 0;                        // 0: as Remit does
  std::vector<std::string> accepted;                  // what PUBLIC may do and was accepted, by the names that Check() gives
  std::vector<std::string> former_systems;            // system identifiers of clusters whose roles this server took over, e.g. before pg_upgrade
  int connection_limit = 10;                          // sessions of one credential at a time
  std::uint32_t scram_iterations = 4096;              // of the verifiers; passwords are 256 random bits, so 1 is as safe and saves the server 3 ms a
                                                      // credential, but some clients (JDBC's) refuse fewer than 4096
  std::size_t pool_size = 8;                          // connections of Remit's role to the target's database
  Duration attempt_limit = std::chrono::seconds(10);  // one attempt to end a credential
};

class Server {
 public:
  // Errors: `bad-target` (a setting is missing or malformed), `bad-connect-options`. Touches no network.
  static Result<std::unique_ptr<Server>> Create(Config config);

  const Config& config() const { return config_; }

  // A connection of Remit's role to the target's database, on a server that was found to know this installation. Errors: the server's,
  // `target-not-initialised`, `standby` (it cannot be written to), `foreign-role`.
  Result<pg::Pool::Lease> Admin();
  // The same to another database, which need not be prepared.
  Result<pg::Pool::Lease> Other(const std::string& database);

  std::string system() const;                                        // the cluster's identifier, as last seen; "" before the first connection
  std::uint64_t connections() const { return connections_.load(); }  // how many Admin() has opened so far
  Duration login_limit() const;                                      // the server's authentication_timeout
  // Whether a record that was made on the cluster `system` belongs to this one.
  bool IsSameSystem(const std::string& system) const;

  // How a task logs in.
  pg::ConnectOptions UserOptions(const std::string& role, const Secret& password, const std::string& application_name) const;
  std::string UserHost() const { return config_.user_host.empty() ? config_.host : config_.user_host; }
  std::uint16_t UserPort() const { return config_.user_port == 0 ? config_.port : config_.user_port; }

 private:
  explicit Server(Config config);
  pg::ConnectOptions AdminOptions(const std::string& database) const;
  Status Recognise(pg::Connection& connection);

  const Config config_;
  mutable std::mutex mutex_;
  std::string system_;
  std::atomic<std::int64_t> login_seconds_{60};
  std::atomic<std::uint64_t> connections_{0};
  std::map<std::string, std::unique_ptr<pg::Pool>> others_;
  std::unique_ptr<pg::Pool> admin_;
};

}  // namespace remit::target::postgres
