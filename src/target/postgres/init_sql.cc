// The script for the administrator, put together: functions, Remit's role, scope roles.
#include "target/postgres/init_sql.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "pg/quote.h"
#include "target/postgres/role_name.h"

namespace remit::target::postgres {
namespace {

// psql reads a name with `=` or `://` in \connect as a connection string.
Result<std::string> ConnectLine(const std::string& database) {
  REMIT_ASSIGN(const std::string quoted, pg::QuoteIdentifier(database));
  if (database.find_first_of("=/\n\r\\") != std::string::npos)
    return Fail(Code::kInvalidArgument, "bad-identifier", "psql cannot connect to a database with `=`, `/`, `\\` or a line end in its name");
  return fmt::format("\\connect {}\n", quoted);
}

Result<std::string> Literals(const std::vector<std::string_view>& texts) {
  std::string out;
  for (const std::string_view text : texts) {
    REMIT_ASSIGN(const std::string literal, pg::QuoteLiteral(text));
    out += (out.empty() ? "" : ", ") + literal;
  }
  return out;
}

// `tables`: null for a database that another target may have its own tables in.
Result<std::string> Equip(const InitOptions& options, const std::string& database, const std::vector<TablePrivilege>* tables) {
  REMIT_ASSIGN(std::string out, ConnectLine(database));
  out += "BEGIN;\n";
  out += kFunctionsSql;
  REMIT_ASSIGN(const std::string who, Literals({options.installation, options.login}));
  std::string verifier = "NULL";
  if (!options.login_verifier.empty()) {
    REMIT_ASSIGN(verifier, pg::QuoteLiteral(options.login_verifier));
  }
  out += fmt::format("\nSELECT remit.admit({}, {});\n", who, verifier);
  if (tables == nullptr) return out + "COMMIT;\n\n";
  std::string keep;
  for (const TablePrivilege& table : *tables) {
    const std::string scope = ScopeRoleName(options.installation, database, table);
    REMIT_ASSIGN(const std::string arguments, Literals({options.installation, table.schema, table.table, table.privilege, scope}));
    out += fmt::format("SELECT remit.permit({});\n", arguments);
    keep += fmt::format("{}'{}'", keep.empty() ? "" : ", ", scope);
  }
  REMIT_ASSIGN(const std::string installation, pg::QuoteLiteral(options.installation));
  out += fmt::format("SELECT remit.retire({}, ARRAY[{}]::text[]);\nCOMMIT;\n\n", installation, keep);
  return out;
}

Status Validate(const InitOptions& options) {
  if (!IsInstallationId(options.installation))
    return Fail(Code::kInvalidArgument, "bad-installation", "the id of an installation is 1 to 26 lower-case letters and digits");
  REMIT_TRY(pg::QuoteIdentifier(options.login));
  for (const TablePrivilege& table : options.tables) {
    static const std::vector<std::string> known{"select", "insert", "update", "delete"};
    if (std::find(known.begin(), known.end(), table.privilege) == known.end())
      return Fail(Code::kInvalidArgument, "bad-privilege", fmt::format("`{}` is not a privilege on a table that tasks can have", table.privilege),
                  "use select, insert, update or delete");
    REMIT_TRY(pg::QuoteIdentifier(table.schema));
    REMIT_TRY(pg::QuoteIdentifier(table.table));
  }
  return {};
}

}  // namespace

std::string ScopeRoleName(std::string_view installation, std::string_view database, const TablePrivilege& privilege) {
  std::string all;
  for (const std::string_view part :
       {installation, database, std::string_view(privilege.schema), std::string_view(privilege.table), std::string_view(privilege.privilege)}) {
    all += part;
    all += '\0';  // which no name holds
  }
  return "remit_scope_" + HexEncode(crypto::Sha256(all)).substr(0, 24);
}

Result<std::string> InitSql(const InitOptions& options) {
  REMIT_TRY(Validate(options));
  std::vector<TablePrivilege> tables = options.tables;
  std::sort(tables.begin(), tables.end());
  tables.erase(std::unique(tables.begin(), tables.end()), tables.end());

  std::string out = fmt::format(
      "-- Prepares a PostgreSQL server for Remit's installation {}. For psql, as a superuser; may be run again at any time.\n"
      "-- Makes schema remit (functions that make and end the roles of tasks), Remit's own role, and a NOLOGIN role for each table and\n"
      "-- privilege that tasks may be granted. Grants nothing to PUBLIC.\n"
      "\\set ON_ERROR_STOP on\n\\set QUIET on\n\\o /dev/null\n\n",
      options.installation);
  REMIT_ASSIGN(const std::string main, Equip(options, options.database, &tables));
  out += main;
  for (const std::string& database : options.databases) {
    if (database == options.database) continue;
    REMIT_ASSIGN(const std::string other, Equip(options, database, nullptr));
    out += other;
  }
  out += "\\o\n";
  if (options.login_verifier.empty())
    out += "-- Now set the password of Remit's role, which is not in this script:  \\password " + pg::QuoteIdentifier(options.login).value() + "\n";
  return out;
}

}  // namespace remit::target::postgres
