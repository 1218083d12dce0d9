#include "posture/replace/server.h"

#include <fmt/format.h>

#include "base/text.h"

namespace remit::posture {
namespace {

constexpr int kTransactionTimeoutSince = 170000;

}  // namespace

Result<std::unique_ptr<pg::Connection>> ReplaceServer::Connect(const std::string& database) const {
  pg::ConnectOptions options = options_;
  options.database = database;
  options.settings = {{"search_path", "pg_catalog,pg_temp"},
                      {"role", "none"},
                      {"lock_timeout", std::string(kLockTimeout)},
                      {"statement_timeout", "120s"},
                      // Whoever owns a database may set these for everybody who connects to it.
                      {"idle_session_timeout", "0"},
                      {"idle_in_transaction_session_timeout", "120s"},
                      {"default_transaction_isolation", "read committed"},
                      {"default_transaction_read_only", "off"},
                      {"default_transaction_deferrable", "off"},
                      {"jit", "off"},
                      {"standard_conforming_strings", "on"}};
  if (base_ && version() >= kTransactionTimeoutSince) options.settings["transaction_timeout"] = "0";
  return pg::Connection::Open(options);
}

Result<ReplaceServer> ReplaceServer::Open(pg::ConnectOptions options) {
  ReplaceServer server;
  server.options_ = std::move(options);
  auto base = server.Connect(server.options_.database);
  if (!base && pg::SqlState(base.error()) == "42704")  // a setting is not known that 14 has
    return Fail(Code::kUnsupported, "server-too-old", "replacing access needs PostgreSQL 14 or later: " + base.error().message);
  if (!base) return Fail(std::move(base).error());
  server.base_ = std::move(*base);
  if (server.version() >= kTransactionTimeoutSince) {
    REMIT_ASSIGN(server.base_, server.Connect(server.options_.database));
  }
  if (server.version() < kOldestServer)
    return Fail(Code::kUnsupported, "server-too-old",
                fmt::format("this server is version {}; replacing access needs 14 or later", server.version() / 10000));
  REMIT_ASSIGN(const pg::Rows rows, server.base_->Exec("SELECT r.rolsuper, pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()), "
                                                       "current_database() FROM pg_roles r WHERE r.rolname = session_user"));
  if (rows.size() != 1 || !rows.Bool(0, 0))
    return Fail(Code::kPermissionDenied, "admin-not-superuser", fmt::format("`{}` is not a superuser there", EscapeControl(server.options_.user)),
                "a grant is taken back in its grantor's name, and only a superuser can act for every grantor");
  if (rows.Bool(0, 1))
    return Fail(Code::kFailedPrecondition, "standby", "this server is a standby: nothing can be changed there", "connect to its primary");
  server.system_ = rows.Text(0, 2);
  server.options_.database = rows.Text(0, 3);
  return server;
}

Result<std::vector<ReplaceServer::Database>> ReplaceServer::Databases() {
  REMIT_ASSIGN(const pg::Rows rows, base_->Exec("SELECT oid, datname, datallowconn FROM pg_database ORDER BY oid"));
  std::vector<Database> all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back({{std::string(rows.Text(i, 0)), std::string(rows.Text(i, 1))}, rows.Bool(i, 2)});
  return all;
}

Result<Account> FindAccount(pg::Connection& connection, const std::string& name, const std::string& oid) {
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec("SELECT oid, rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls "
                                                    "FROM pg_roles WHERE CASE WHEN $2 = '' THEN rolname::text = $1 ELSE oid::text = $2 END",
                                                    {name, oid}));
  if (rows.size() == 0)
    return Fail(Code::kNotFound, "unknown-account", fmt::format("there is no role `{}` at this server", EscapeControl(name)),
                "`remit scan postgres SERVER` lists the accounts that can log in");
  Account account;
  account.role = {std::string(rows.Text(0, 0)), std::string(rows.Text(0, 1))};
  account.superuser = rows.Bool(0, 2);
  static constexpr std::string_view kNames[] = {"CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS"};
  for (std::size_t i = 0; i < 4; ++i)
    if (rows.Bool(0, 3 + i)) account.attributes.emplace_back(kNames[i]);
  return account;
}

Result<RoleGraph> ReadRoleGraph(pg::Connection& connection) {
  RoleGraph graph;
  REMIT_ASSIGN(const pg::Rows supers, connection.Exec("SELECT oid FROM pg_roles WHERE rolsuper"));
  for (std::size_t i = 0; i < supers.size(); ++i) graph.AddSuperuser(std::string(supers.Text(i, 0)));
  // Before PostgreSQL 16 a role inherits all or nothing; since then each membership says so.
  const std::string_view edges = connection.server_version() < 160000
                                     ? "SELECT m.member, m.roleid FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolinherit "
                                       "UNION ALL SELECT d.datdba, r.oid FROM pg_database d, pg_roles r WHERE d.datname = current_database() "
                                       "AND r.rolname = 'pg_database_owner'"
                                     : "SELECT m.member, m.roleid FROM pg_auth_members m WHERE m.inherit_option "
                                       "UNION ALL SELECT d.datdba, r.oid FROM pg_database d, pg_roles r WHERE d.datname = current_database() "
                                       "AND r.rolname = 'pg_database_owner'";
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(edges));
  for (std::size_t i = 0; i < rows.size(); ++i) graph.AddMembership(std::string(rows.Text(i, 0)), std::string(rows.Text(i, 1)));
  return graph;
}

Status CheckNothingPrepared(ReplaceServer& server, const RoleRef& account) {
  REMIT_ASSIGN(
      const pg::Rows rows,
      server.base().Exec("WITH RECURSIVE m(oid) AS (SELECT $1::oid UNION SELECT a.roleid FROM pg_auth_members a JOIN m ON a.member = m.oid) "
                         "SELECT p.gid, p.owner, p.database FROM pg_prepared_xacts p JOIN pg_roles r ON r.rolname = p.owner JOIN m ON m.oid = r.oid",
                         {account.oid}));
  if (rows.size() == 0) return {};
  return Fail(Code::kFailedPrecondition, "prepared-transaction",
              fmt::format("role `{}` has prepared the transaction `{}` in database `{}`: it could give back later what is taken now",
                          EscapeControl(rows.Text(0, 1)), EscapeControl(rows.Text(0, 0)), EscapeControl(rows.Text(0, 2))),
              "end it there, with COMMIT PREPARED or ROLLBACK PREPARED, and plan again");
}

Status CheckEventTriggers(pg::Connection& connection, const std::string& database) {
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec("SELECT e.evtname, p.oid::regprocedure::text, r.rolname FROM pg_event_trigger e "
                                                    "JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_roles r ON r.oid = p.proowner "
                                                    "WHERE e.evtenabled <> 'D' AND NOT r.rolsuper ORDER BY 1"));
  if (rows.size() == 0) return {};
  return Fail(Code::kFailedPrecondition, "unsafe-event-trigger",
              fmt::format("event trigger `{}` in database `{}` runs `{}` of `{}` at every GRANT and REVOKE, with the administrator's rights",
                          EscapeControl(rows.Text(0, 0)), EscapeControl(database), EscapeControl(rows.Text(0, 1)), EscapeControl(rows.Text(0, 2))),
              "give the function to a superuser (ALTER FUNCTION … OWNER TO), or disable the trigger, and plan again");
}

}  // namespace remit::posture
