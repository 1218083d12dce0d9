// What an administrator runs once, and again after each change: `remit target init postgres` prints it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit::target::postgres {

// One privilege on one table that tasks may be granted.
struct TablePrivilege {
  std::string schema;
  std::string table;
  std::string privilege;  // "select", "insert", "update", "delete"
  auto operator<=>(const TablePrivilege&) const = default;
};

struct InitOptions {
  std::string installation;            // [0-9a-z]{1,26}
  std::string login = "remit";         // Remit's own role: LOGIN and nothing else
  std::string login_verifier;          // SCRAM verifier of its password; empty: the administrator sets it with \password
  std::string database;                // where the tables are
  std::vector<TablePrivilege> tables;  // exactly these may be granted from now on; others that were lose their scope role
  std::vector<std::string> databases;  // further databases to equip, so that what others granted to a task role there can be taken back
};

// A script for psql, run as a superuser; may be run any number of times. It makes schema `remit` with the functions that Remit's role
// may call, that role, and a NOLOGIN scope role for each table and privilege. Nothing in it is secret but a verifier.
// Errors: `bad-installation`, `bad-identifier`, `bad-literal`, `bad-privilege`.
Result<std::string> InitSql(const InitOptions& options);

// The scope role's name: remit_scope_ and 24 hex digits that depend on all of it, since roles belong to the whole server.
std::string ScopeRoleName(std::string_view installation, std::string_view database, const TablePrivilege& privilege);

// The functions themselves, the same in each database.
extern const std::string_view kFunctionsSql;

}  // namespace remit::target::postgres
