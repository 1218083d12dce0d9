// INVARIANT: the statement that creates the role is sent only after the server acknowledged the credential's mark as the session's application
// name, and the mark goes only after that transaction ended. So whoever ends the credential later finds every session in which a creation
// could still land, by name, whatever became of the process that sent it.
#include "target/postgres/maker.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "pg/quote.h"
#include "pg/scram_client.h"
#include "target/postgres/refusal.h"
#include "target/postgres/role_name.h"
#include "target/postgres/tables.h"

namespace remit::target::postgres {
namespace {

constexpr std::size_t kSaltBytes = 16;  // as PostgreSQL's own
constexpr std::string_view kSetName = "SELECT set_config('application_name', $1, false)";
// What it says besides is what the role's login depends on: the version of the function that made it; whether VALID UNTIL is still to come, and when
// it was made and the configuration was read, all by the server's clock.
constexpr std::string_view kMake =
    "SELECT remit.make($1, $2, $3::timestamptz, $4::integer, $5::text[], $6::text[], $7::text[]), "
    "(SELECT p.xmin FROM pg_proc p WHERE p.oid = 'remit.make(text,text,timestamptz,integer,text[],text[],text[])'::regprocedure), "
    "clock_timestamp() < $3::timestamptz, "
    "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint, (extract(epoch FROM pg_conf_load_time()) * 1000000)::bigint";

// What its scope roles may use besides tables: sequences. By an index: a server has many relations.
constexpr std::string_view kSequences =
    "SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(q.relname) FROM pg_auth_members m "
    "JOIN pg_shdepend d ON d.refclassid = 'pg_authid'::regclass AND d.refobjid = m.roleid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a' "
    "AND d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()) "
    "JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' JOIN pg_namespace n ON n.oid = q.relnamespace WHERE m.member = $1::oid ORDER BY 1";

struct NewRole {
  std::string oid;
  std::string maker;       // as Path's
  bool unexpired = false;  // its VALID UNTIL is still to come
  ServerTimes times;
  std::string brings;  // for people, a line each: what came with the privileges beside them
};

Result<NewRole> CreateRole(Server& server, const task::CredentialRecord& record, const std::vector<TablePrivilege>& privileges,
                           const std::string& verifier) {
  std::vector<std::string> schemas, tables, verbs;
  for (const TablePrivilege& p : privileges) {
    schemas.push_back(p.schema);
    tables.push_back(p.table);
    verbs.push_back(p.privilege);
  }
  const Config& config = server.config();
  const std::vector<pg::Parameter> parameters{record.name,
                                              verifier,
                                              FormatTime(record.not_after),
                                              std::to_string(config.connection_limit),
                                              pg::TextArray(schemas),
                                              pg::TextArray(tables),
                                              pg::TextArray(verbs)};
  REMIT_ASSIGN(pg::Pool::Lease lease, server.Admin());
  // Until it has its neutral name again, the connection must not go back to the pool.
  lease.Discard();
  if (const auto named = lease->Exec(kSetName, {Mark(config.installation, record.id)}); !named) return Fail(FromServer(named.error(), config.name));
  auto made = lease->Exec(kMake, parameters);
  // A conflict with another transaction: this one was undone as a whole.
  for (int i = 0; i < 3 && !made && pg::IsTransient(made.error()); ++i) made = lease->Exec(kMake, parameters);
  if (!made) return Fail(FromServer(made.error(), config.name));
  NewRole role{std::string(made->Text(0, 0)),
               std::string(made->Text(0, 1)),
               made->Bool(0, 2),
               {.configured = FromMicros(made->Int(0, 4)), .made = FromMicros(made->Int(0, 3))},
               ""};
  if (std::ranges::find(verbs, "insert") != verbs.end()) {
    const auto sequences = lease->Exec(kSequences, {role.oid});
    if (!sequences) return Fail(FromServer(sequences.error(), config.name));
    for (std::size_t i = 0; i < sequences->size(); ++i)
      role.brings += fmt::format("{}USAGE on sequence {}", i == 0 ? "" : "\n", EscapeControl(sequences->Text(i, 0)));
  }
  if (lease->Exec(kSetName, {fmt::format("remit/{}", config.installation)})) lease.Keep();
  return role;
}

// A login as the task will do it.
Status Probe(const Server& server, const task::CredentialRecord& record, const Secret& secret, const pg::ScramKeys& keys) {
  pg::ConnectOptions options = server.UserOptions(record.name, secret, Mark(server.config().installation, record.id));
  options.keys = &keys;
  const pg::LoginAttempt login = pg::TryLogin(options);
  if (login.accepted && login.used_password) return {};
  const std::string& name = server.config().name;
  if (login.accepted)
    return Fail(Code::kFailedPrecondition, "password-not-asked",
                fmt::format("target `{}` lets a task's role in without asking for its password", name),
                "change pg_hba.conf so that roles named remit_* need scram-sha-256");
  Error error = pg::ServerError(login.sqlstate, login.message);
  if (login.sqlstate.starts_with("28")) {
    error.code = Code::kFailedPrecondition;
    error.reason = "login-refused";
    error.hint = "pg_hba.conf must let roles named remit_* log in with scram-sha-256 from where tasks run";
  }
  return Fail(std::move(error).Within(fmt::format("target `{}` does not let the new role in", name)));
}

}  // namespace

Result<Made> MakeCredential(Server& server, PathProofs& proofs, const task::CredentialRecord& record, const Secret& secret, const Clock& clock,
                            Rng& rng) {
  const Config& config = server.config();
  if (record.name != RoleName(config.installation, record.id))
    return Fail(Code::kInvalidArgument, "bad-credential", fmt::format("`{}` is not the name of credential `{}` here", record.name, record.id));
  REMIT_ASSIGN(std::vector<TablePrivilege> privileges, PrivilegesOf(config.name, record.permissions));
  if (secret.empty()) return Fail(Code::kInvalidArgument, "bad-credential", fmt::format("credential `{}` has no password", record.id));
  const pg::ScramKeys keys = pg::ScramKeys::Derive(secret, rng.Take(kSaltBytes), config.scram_iterations);
  REMIT_ASSIGN(const NewRole role, CreateRole(server, record, privileges, keys.Verifier()));
  Path path{std::move(privileges), server.system(), role.maker, server.connections()};
  if (!role.unexpired || !proofs.Covers(path, role.times, clock.Now())) {
    const PathProofs::Login login = proofs.Begin(clock.Now());
    REMIT_TRY(Probe(server, record, secret, keys));
    proofs.Accepted(login, std::move(path), role.times);
  }

  Made made;
  made.notes = record.notes;
  made.notes["oid"] = role.oid;
  if (!role.brings.empty()) made.notes["brings"] = role.brings;
  made.notes["system"] = server.system();
  made.environment = EnvironmentOf(server, record, secret);
  return made;
}

Status ProlongCredential(Server& server, const task::CredentialRecord& record) {
  const Config& config = server.config();
  const auto oid = record.notes.find("oid"), system = record.notes.find("system");
  if (oid == record.notes.end() || system == record.notes.end())
    return Fail(Code::kInvalidArgument, "bad-credential", fmt::format("nothing is noted of credential `{}`", record.id));
  REMIT_ASSIGN(pg::Pool::Lease lease, server.Admin());
  if (server.system() != system->second)
    return Fail(Code::kFailedPrecondition, "foreign-role",
                fmt::format("target `{}` is not the server on which `{}` was made", config.name, record.name));
  auto moved = lease->Exec("SELECT remit.prolong($1::oid, $2::timestamptz)", {oid->second, FormatTime(record.not_after)});
  for (int i = 0; i < 3 && !moved && pg::IsTransient(moved.error()); ++i)
    moved = lease->Exec("SELECT remit.prolong($1::oid, $2::timestamptz)", {oid->second, FormatTime(record.not_after)});
  if (!moved) return Fail(FromServer(moved.error(), config.name));
  if (moved->Bool(0, 0)) return {};
  return Fail(Code::kFailedPrecondition, "unknown-role", fmt::format("target `{}` has no `{}` that may log in", config.name, record.name));
}

std::map<std::string, Secret> EnvironmentOf(const Server& server, const task::CredentialRecord& record, const Secret& secret) {
  const Config& config = server.config();
  std::map<std::string, Secret> environment;
  environment["PGHOST"] = Secret(server.UserHost());
  environment["PGPORT"] = Secret(std::to_string(server.UserPort()));
  environment["PGDATABASE"] = Secret(config.database);
  environment["PGUSER"] = Secret(record.name);
  environment["PGPASSWORD"] = secret;
  if (config.sslmode != "disable") {
    environment["PGSSLMODE"] = Secret(config.sslmode);
    if (!config.sslrootcert.empty()) environment["PGSSLROOTCERT"] = Secret(config.sslrootcert);
  }
  return environment;
}

}  // namespace remit::target::postgres
