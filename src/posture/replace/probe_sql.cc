#include "posture/replace/probe_sql.h"

#include <fmt/format.h>

#include "base/text.h"
#include "json/read.h"
#include "pg/quote.h"

namespace remit::posture {
namespace {

using Statement = std::optional<std::string>;

// `"public"."t"` of `TABLE "public"."t"`.
std::string NameIn(const Grant& grant, std::string_view word) { return grant.on.substr(word.size() + 1); }

Statement OnTable(const Grant& grant, const ProbeFacts& facts) {
  const std::string table = NameIn(grant, "TABLE");
  const auto column = facts.first_column.find(grant.key);
  if (grant.privilege == "SELECT") return fmt::format("SELECT * FROM {} LIMIT 0", table);
  if (grant.privilege == "INSERT") return fmt::format("INSERT INTO {} DEFAULT VALUES", table);
  if (grant.privilege == "DELETE") return fmt::format("DELETE FROM {} WHERE false", table);
  if (grant.privilege == "TRUNCATE") return fmt::format("TRUNCATE {}", table);
  if (grant.privilege == "UPDATE" && column != facts.first_column.end())
    return fmt::format("UPDATE {} SET {} = DEFAULT WHERE false", table, column->second);
  return std::nullopt;
}

Result<Statement> OnColumn(const Grant& grant) {
  if (grant.column < 0 && grant.privilege != "SELECT") return Statement();
  const std::string table = NameIn(grant, "TABLE");
  REMIT_ASSIGN(const std::string column, pg::QuoteIdentifier(grant.object.column));
  if (grant.privilege == "SELECT") return Statement(fmt::format("SELECT {} FROM {} LIMIT 0", column, table));
  if (grant.privilege == "INSERT") return Statement(fmt::format("INSERT INTO {} ({}) VALUES (DEFAULT)", table, column));
  if (grant.privilege == "UPDATE") return Statement(fmt::format("UPDATE {} SET {} = DEFAULT WHERE false", table, column));
  return Statement();
}

Statement OnParameter(const Grant& grant, const ProbeFacts& facts) {
  if (grant.privilege != "SET" || !facts.superuser_parameters.contains(grant.key)) return std::nullopt;
  return fmt::format("SET LOCAL {} TO DEFAULT", NameIn(grant, "PARAMETER"));
}

}  // namespace

Result<std::optional<std::string>> ProbeStatement(const Grant& grant, const ProbeFacts& facts) {
  if (grant.form == GrantForm::kDefault) return Statement();
  if (grant.form == GrantForm::kMembership) return Statement("SET ROLE " + grant.on);
  switch (grant.object.kind) {
    case ObjectKind::kTable:
    case ObjectKind::kView:
    case ObjectKind::kForeignTable: return OnTable(grant, facts);
    case ObjectKind::kColumn: return OnColumn(grant);
    case ObjectKind::kSequence:
      if (grant.privilege == "SELECT") return Statement(fmt::format("SELECT last_value FROM {}", NameIn(grant, "SEQUENCE")));
      return Statement(fmt::format("SELECT nextval({}::regclass)", grant.key));
    case ObjectKind::kSchema:
      if (grant.privilege == "USAGE") return Statement(fmt::format("SELECT FROM {}.remit_probe", NameIn(grant, "SCHEMA")));
      return Statement(fmt::format("CREATE TABLE {}.remit_probe ()", NameIn(grant, "SCHEMA")));
    case ObjectKind::kDatabase:
      if (grant.privilege == "TEMPORARY") return Statement("CREATE TEMPORARY TABLE remit_probe ()");
      if (grant.privilege == "CREATE") return Statement("CREATE SCHEMA remit_probe");
      return Statement();
    case ObjectKind::kFunction: {
      const auto call = facts.call.find(grant.key);
      return call == facts.call.end() ? Statement() : Statement(call->second);
    }
    case ObjectKind::kType: return Statement(fmt::format("CREATE TEMPORARY TABLE remit_probe (c {})", NameIn(grant, "TYPE")));
    case ObjectKind::kLanguage: return Statement(fmt::format("DO LANGUAGE {} ''", NameIn(grant, "LANGUAGE")));
    case ObjectKind::kForeignWrapper:
      return Statement(fmt::format("CREATE SERVER remit_probe FOREIGN DATA WRAPPER {}", NameIn(grant, "FOREIGN DATA WRAPPER")));
    case ObjectKind::kForeignServer: return Statement(fmt::format("CREATE USER MAPPING FOR CURRENT_USER SERVER {}", NameIn(grant, "FOREIGN SERVER")));
    case ObjectKind::kLargeObject:
      if (grant.privilege == "SELECT") return Statement(fmt::format("SELECT lo_get({})", grant.key));
      return Statement(fmt::format("SELECT lo_put({}, 0, '')", grant.key));
    case ObjectKind::kTablespace: return Statement(fmt::format("CREATE TEMPORARY TABLE remit_probe () TABLESPACE {}", NameIn(grant, "TABLESPACE")));
    case ObjectKind::kParameter: return OnParameter(grant, facts);
    case ObjectKind::kServer: break;
  }
  return Statement();
}

namespace {

// The function that is asked about an object of this kind, by its OID; null where there is none.
const char* QuestionOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kTable:
    case ObjectKind::kView:
    case ObjectKind::kForeignTable: return "has_table_privilege";
    case ObjectKind::kSequence: return "has_sequence_privilege";
    case ObjectKind::kSchema: return "has_schema_privilege";
    case ObjectKind::kDatabase: return "has_database_privilege";
    case ObjectKind::kFunction: return "has_function_privilege";
    case ObjectKind::kType: return "has_type_privilege";
    case ObjectKind::kLanguage: return "has_language_privilege";
    case ObjectKind::kForeignWrapper: return "has_foreign_data_wrapper_privilege";
    case ObjectKind::kForeignServer: return "has_server_privilege";
    case ObjectKind::kTablespace: return "has_tablespace_privilege";
    default: return nullptr;
  }
}

}  // namespace

Result<std::optional<bool>> HasPrivilege(pg::Connection& connection, const std::string& account_oid, const Grant& grant) {
  std::string sql;
  std::vector<pg::Parameter> parameters{account_oid, grant.key};
  if (grant.form == GrantForm::kDefault) return std::optional<bool>();
  if (grant.form == GrantForm::kMembership) {
    sql = "SELECT pg_has_role($1::oid, $2::oid, 'MEMBER')";
  } else if (grant.object.kind == ObjectKind::kColumn) {
    sql = "SELECT has_column_privilege($1::oid, $2::oid, $3::int2, $4)";
    parameters.emplace_back(std::to_string(grant.column));
    parameters.emplace_back(grant.privilege);
  } else if (grant.object.kind == ObjectKind::kParameter) {
    sql = "SELECT has_parameter_privilege($1::oid, $2, $3)";
    parameters.emplace_back(grant.privilege);
  } else if (const char* question = QuestionOf(grant.object.kind)) {
    sql = fmt::format("SELECT {}($1::oid, $2::oid, $3)", question);
    parameters.emplace_back(grant.privilege);
  } else {
    return std::optional<bool>();
  }
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(sql, parameters));
  if (rows.size() == 0 || rows.IsNull(0, 0)) return std::optional<bool>();  // the object is gone, or lies in another database
  return std::optional(rows.Bool(0, 0));
}

namespace {

std::string OidArray(const std::vector<Grant>& grants, std::initializer_list<ObjectKind> kinds) {
  std::vector<std::string> oids;
  for (const Grant& grant : grants)
    if (grant.form == GrantForm::kPrivilege && std::find(kinds.begin(), kinds.end(), grant.object.kind) != kinds.end()) oids.push_back(grant.key);
  return pg::TextArray(oids);
}

// `f`, `p` (a procedure), `w` (a window function), and the argument types as JSON.
Result<std::string> CallSql(std::string_view schema, std::string_view name, std::string_view kind, std::string_view types) {
  REMIT_ASSIGN(const std::string s, pg::QuoteIdentifier(schema));
  REMIT_ASSIGN(const std::string n, pg::QuoteIdentifier(name));
  REMIT_ASSIGN(const json::Value parsed, json::Parse(types));
  std::vector<std::string> arguments;
  for (const json::Value& type : parsed.AsArray()) {
    REMIT_ASSIGN(const std::string type_schema, pg::QuoteIdentifier(type.AsArray()[0].AsString()));
    REMIT_ASSIGN(const std::string type_name, pg::QuoteIdentifier(type.AsArray()[1].AsString()));
    arguments.push_back(fmt::format("NULL::{}.{}", type_schema, type_name));
  }
  return fmt::format("{} {}.{}({}){}", kind == "p" ? "CALL" : "SELECT", s, n, Join(arguments, ", "), kind == "w" ? " OVER ()" : "");
}

}  // namespace

Result<ProbeFacts> ReadProbeFacts(pg::Connection& connection, const std::vector<Grant>& grants) {
  ProbeFacts facts;
  REMIT_ASSIGN(const pg::Rows columns,
               connection.Exec("SELECT DISTINCT ON (a.attrelid) a.attrelid, a.attname FROM pg_attribute a WHERE a.attrelid::text = ANY ($1::text[]) "
                               "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum",
                               {OidArray(grants, {ObjectKind::kTable, ObjectKind::kView, ObjectKind::kForeignTable})}));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    REMIT_ASSIGN(std::string column, pg::QuoteIdentifier(columns.Text(i, 1)));
    facts.first_column.emplace(columns.Text(i, 0), std::move(column));
  }
  REMIT_ASSIGN(const pg::Rows functions,
               connection.Exec("SELECT p.oid, n.nspname, p.proname, p.prokind, coalesce((SELECT json_agg(json_build_array(tn.nspname, t.typname) "
                               "ORDER BY u.at) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u(type, at) JOIN pg_type t ON t.oid = u.type "
                               "JOIN pg_namespace tn ON tn.oid = t.typnamespace), '[]')::text FROM pg_proc p JOIN pg_namespace n "
                               "ON n.oid = p.pronamespace WHERE p.oid::text = ANY ($1::text[])",
                               {OidArray(grants, {ObjectKind::kFunction})}));
  for (std::size_t i = 0; i < functions.size(); ++i) {
    REMIT_ASSIGN(std::string call, CallSql(functions.Text(i, 1), functions.Text(i, 2), functions.Text(i, 3), functions.Text(i, 4)));
    facts.call.emplace(functions.Text(i, 0), std::move(call));
  }
  REMIT_ASSIGN(const pg::Rows parameters, connection.Exec("SELECT lower(name) FROM pg_settings WHERE context = 'superuser'"));
  for (std::size_t i = 0; i < parameters.size(); ++i) facts.superuser_parameters.emplace(parameters.Text(i, 0));
  return facts;
}

}  // namespace remit::posture
