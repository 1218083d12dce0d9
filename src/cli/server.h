// A whole server in one object: store, keys, targets, broker, identity, HTTP. The one place that names implementations.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "json/value.h"

namespace remit::cli {

struct ServerOptions {
  config::Config config;
  bool throw_away = false;    // store and master key in memory only (remit dev)
  bool accept_clock = false;  // start although the wall clock is behind the ledger
};

class Server {
 public:
  // Opens everything and listens. Errors: the store's, the master key's, `wrong-master-key`, `bad-target`, `address-in-use`, `bad-setting`, …
  static Result<std::unique_ptr<Server>> Start(ServerOptions options);
  ~Server();

  // Serves until SIGTERM or SIGINT; then stops taking requests, lets those that run finish, and returns.
  void Run();

  // For set-up from inside (remit dev, first catalogs): loads folders as the operator.
  Status LoadCatalogs(const std::vector<std::string>& folders);
  // Registers every actor and person of the facts in force; the actors with this public key, under their ids as client
  // ids. Answers the client ids, those that can run tasks first.
  Result<std::vector<std::string>> RegisterAll(const json::Value& jwk);
  bool has_catalog() const;

  std::vector<std::string> addresses() const;  // as listened on
  const std::string& issuer() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Tells the service manager that the server is ready (sd_notify's protocol), where there is one.
void NotifyReady();

}  // namespace remit::cli
