// The server that an account is replaced at, as an administrator sees it. The credential is given for one call and kept nowhere.
//
// Every connection has a search_path of pg_catalog alone and settings of its own that no ALTER ROLE … SET or ALTER DATABASE … SET overrides:
// what others named or wrote is data here, and no function of theirs is called.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pg/connection.h"
#include "posture/grants/cascade.h"
#include "posture/grants/item.h"

namespace remit::posture {

inline constexpr int kOldestServer = 140000;            // GRANTED BY and pg_database_owner came with it
inline constexpr std::string_view kLockTimeout = "5s";  // of every connection

class ReplaceServer {
 public:
  struct Database {
    RoleRef id;
    bool connects = true;  // datallowconn
  };

  // Connects to options.database. Errors: pg::Connection's; `server-too-old`; `admin-not-superuser`; `standby`.
  static Result<ReplaceServer> Open(pg::ConnectOptions options);

  // A new connection to a database, as the administrator.
  Result<std::unique_ptr<pg::Connection>> Connect(const std::string& database) const;

  pg::Connection& base() { return *base_; }
  const std::string& base_database() const { return options_.database; }
  const pg::ConnectOptions& options() const { return options_; }
  const std::string& system() const { return system_; }
  int version() const { return base_->server_version(); }

  Result<std::vector<Database>> Databases();

 private:
  pg::ConnectOptions options_;
  std::unique_ptr<pg::Connection> base_;
  std::string system_;
};

struct Account {
  RoleRef role;
  bool superuser = false;
  std::vector<std::string> attributes;  // CREATEROLE, CREATEDB, REPLICATION, BYPASSRLS
};

// By name, or by OID where `oid` is not empty. Errors: `unknown-account`.
Result<Account> FindAccount(pg::Connection& connection, const std::string& name, const std::string& oid = {});

// As the server stands, for the database of the connection.
Result<RoleGraph> ReadRoleGraph(pg::Connection& connection);

// What stands in the way of doing this safely. Errors: `prepared-transaction`: one of the account, or of a role that it can become, could
// give back later what is taken now.
Status CheckNothingPrepared(ReplaceServer& server, const RoleRef& account);

// Errors: `unsafe-event-trigger`: a function that is not a superuser's would run with the administrator's rights.
Status CheckEventTriggers(pg::Connection& connection, const std::string& database);

}  // namespace remit::posture
