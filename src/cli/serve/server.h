// A whole server in one object: store, keys, targets, broker, identity, HTTP. The one place that names implementations.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cedar/value.h"
#include "config/config.h"
#include "json/value.h"

namespace remit::cli {

struct ServerOptions {
  config::Config config;
  bool throw_away = false;    // store and master key in memory only (remit dev)
  bool accept_clock = false;  // start although the wall clock is behind the ledger
  bool restored = false;      // the store is an old copy on purpose: a new epoch begins
  bool listen = true;         // false: for set-up alone (remit init)
};

// Who was registered by RegisterAll.
struct Everybody {
  std::vector<std::string> clients;  // client ids of the actors, those that can run tasks first
  std::vector<cedar::EntityUid> people;
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
  // Registers every actor and person of the facts in force; the actors with this public key, under their ids as client ids.
  Result<Everybody> RegisterAll(const json::Value& jwk);
  bool has_catalog() const;

  // The first administrator, for `remit init`: registers `person`, puts them into `team` where the facts do not know them, and makes a link.
  // Answers {link, code, expires, set_up: whether the operator still administers}. Errors: `not-an-administrator`, the broker's.
  Result<json::Value> MakeAdministrator(const cedar::EntityUid& person, const std::string& name, const cedar::EntityUid& team);

  // Why it stopped by itself, where it did: a target has seen more than this store.
  std::optional<Error> failure() const;

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
