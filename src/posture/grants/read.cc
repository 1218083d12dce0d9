#include "posture/grants/read.h"

#include <fmt/format.h>

#include "base/text.h"
#include "json/read.h"
#include "json/write.h"
#include "pg/quote.h"
#include "posture/grants/catalog_sql.h"

namespace remit::posture {
namespace {

constexpr auto kReadLimit = std::chrono::minutes(2);  // of one statement; a database may have 100,000 tables

// The columns of ObjectsSql that name an object, in the order in which all statements here select them.
struct NamedObject {
  Object object;
  std::string key, on, owner;
  int column = 0;
};

bool IsShared(ObjectKind kind) { return kind == ObjectKind::kDatabase || kind == ObjectKind::kTablespace || kind == ObjectKind::kParameter; }

Result<std::string> Qualified(const std::string& schema, const std::string& name) {
  REMIT_ASSIGN(const std::string s, pg::QuoteIdentifier(schema));
  REMIT_ASSIGN(const std::string n, pg::QuoteIdentifier(name));
  return s + "." + n;
}

// `"public"."total"("pg_catalog"."int4")` from [["pg_catalog","int4"]].
Result<std::string> FunctionSql(const std::string& schema, const std::string& name, std::string_view types) {
  REMIT_ASSIGN(std::string sql, Qualified(schema, name));
  REMIT_ASSIGN(const json::Value parsed, json::Parse(types));
  std::vector<std::string> quoted;
  for (const json::Value& type : parsed.AsArray()) {
    REMIT_ASSIGN(std::string one, Qualified(type.AsArray()[0].AsString(), type.AsArray()[1].AsString()));
    quoted.push_back(std::move(one));
  }
  return sql + "(" + Join(quoted, ", ") + ")";
}

// Settings have names of several parts, `plpgsql.check_asserts`, each an identifier of its own.
Result<std::string> ParameterSql(const std::string& name) {
  std::vector<std::string> quoted;
  for (const std::string& part : Split(name, '.')) {
    REMIT_ASSIGN(std::string one, pg::QuoteIdentifier(part));
    quoted.push_back(std::move(one));
  }
  return Join(quoted, ".");
}

// What stands behind ON in a GRANT.
Result<std::string> OnSql(ObjectKind kind, const std::string& schema, const std::string& name, std::string_view extra) {
  const auto of = [](std::string_view word, Result<std::string> quoted) -> Result<std::string> {
    if (!quoted) return quoted;
    return fmt::format("{} {}", word, *quoted);
  };
  switch (kind) {
    case ObjectKind::kDatabase: return of("DATABASE", pg::QuoteIdentifier(name));
    case ObjectKind::kSchema: return of("SCHEMA", pg::QuoteIdentifier(name));
    case ObjectKind::kTable:
    case ObjectKind::kView:
    case ObjectKind::kForeignTable:
    case ObjectKind::kColumn: return of("TABLE", Qualified(schema, name));
    case ObjectKind::kSequence: return of("SEQUENCE", Qualified(schema, name));
    case ObjectKind::kFunction: return of("ROUTINE", FunctionSql(schema, name, extra));
    case ObjectKind::kType: return of("TYPE", Qualified(schema, name));
    case ObjectKind::kLanguage: return of("LANGUAGE", pg::QuoteIdentifier(name));
    case ObjectKind::kForeignServer: return of("FOREIGN SERVER", pg::QuoteIdentifier(name));
    case ObjectKind::kForeignWrapper: return of("FOREIGN DATA WRAPPER", pg::QuoteIdentifier(name));
    case ObjectKind::kLargeObject: return of("LARGE OBJECT", name);
    case ObjectKind::kTablespace: return of("TABLESPACE", pg::QuoteIdentifier(name));
    case ObjectKind::kParameter: return of("PARAMETER", ParameterSql(name));
    case ObjectKind::kServer: break;
  }
  return Fail(Code::kUnsupported, "unreadable-grant", "nothing can be granted on a server as a whole");
}

// Columns 0 to 7 of a row.
Result<NamedObject> ReadObject(const pg::Rows& rows, std::size_t at, const std::string& database) {
  NamedObject named;
  REMIT_ASSIGN(named.object.kind, KindFromName(rows.Text(at, 0)));
  named.key = rows.Text(at, 1);
  named.column = static_cast<int>(rows.Int(at, 2));
  named.object.schema = rows.Text(at, 3);
  named.object.name = rows.Text(at, 4);
  REMIT_ASSIGN(named.on, OnSql(named.object.kind, named.object.schema, named.object.name, rows.Text(at, 5)));
  if (named.object.kind == ObjectKind::kColumn) named.object.column = rows.Text(at, 5);
  if (named.object.kind == ObjectKind::kFunction) named.object.name += fmt::format("({})", rows.Text(at, 6));
  named.owner = rows.Text(at, 7);
  if (!IsShared(named.object.kind)) named.object.database = database;
  return named;
}

Grant GrantOn(NamedObject named) {
  Grant grant;
  grant.object = std::move(named.object);
  grant.key = std::move(named.key);
  grant.column = named.column;
  grant.owner = std::move(named.owner);
  grant.on = std::move(named.on);
  return grant;
}

RoleRef Role(const pg::Rows& rows, std::size_t at, std::size_t column) {
  return {std::string(rows.Text(at, column)), std::string(rows.Text(at, column + 1))};
}

std::string DefaultKey(std::string_view role, std::string_view schema, std::string_view type) { return fmt::format("{}/{}/{}", role, schema, type); }

// What stands between ALTER DEFAULT PRIVILEGES and GRANT.
Result<std::string> DefaultOn(const std::string& role, const std::string& schema) {
  REMIT_ASSIGN(const std::string quoted_role, pg::QuoteIdentifier(role));
  if (schema.empty()) return "FOR ROLE " + quoted_role;
  REMIT_ASSIGN(const std::string quoted_schema, pg::QuoteIdentifier(schema));
  return fmt::format("FOR ROLE {} IN SCHEMA {}", quoted_role, quoted_schema);
}

Status ReadMemberships(pg::Connection& connection, std::vector<Grant>& grants) {
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(MembershipsSql(connection.server_version()), {}, kReadLimit));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Grant grant;
    grant.form = GrantForm::kMembership;
    grant.key = rows.Text(i, 0);
    grant.object.name = rows.Text(i, 1);
    grant.owner = kBootstrapRole;
    grant.grantee = Role(rows, i, 2);
    grant.grantor = Role(rows, i, 4);
    grant.privilege = rows.Text(i, 6);
    grant.grantable = rows.Bool(i, 7);
    REMIT_ASSIGN(grant.on, pg::QuoteIdentifier(grant.object.name));
    grants.push_back(std::move(grant));
  }
  return {};
}

Status ReadDefaults(pg::Connection& connection, const std::string& database, std::vector<Grant>& grants) {
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(DefaultsSql(), {}, kReadLimit));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Grant grant;
    grant.form = GrantForm::kDefault;
    grant.grantor = Role(rows, i, 0);
    const bool everywhere = rows.Text(i, 2) == "0";
    grant.object.kind = everywhere ? ObjectKind::kDatabase : ObjectKind::kSchema;
    grant.object.database = database;
    grant.object.name = everywhere ? database : std::string(rows.Text(i, 3));
    grant.key = DefaultKey(rows.Text(i, 0), rows.Text(i, 2), rows.Text(i, 4));
    grant.owner = grant.grantor.oid;
    grant.grantee = Role(rows, i, 5);
    grant.privilege = rows.Text(i, 7);
    grant.grantable = rows.Bool(i, 8);
    REMIT_ASSIGN(grant.on, DefaultOn(grant.grantor.name, everywhere ? "" : grant.object.name));
    grants.push_back(std::move(grant));
  }
  return {};
}

}  // namespace

Result<std::vector<Grant>> ReadGrants(pg::Connection& connection, const std::string& database, Reading reading) {
  const CatalogShape shape{connection.server_version(), reading == Reading::kDatabaseAndShared, false};
  std::vector<Grant> grants;
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(AclSql(shape), {}, kReadLimit));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    REMIT_ASSIGN(NamedObject named, ReadObject(rows, i, database));
    Grant grant = GrantOn(std::move(named));
    grant.grantee = Role(rows, i, 8);
    grant.grantor = Role(rows, i, 10);
    grant.privilege = rows.Text(i, 12);
    grant.grantable = rows.Bool(i, 13);
    if (!IsPrivilege(grant.privilege))
      return Fail(Code::kUnsupported, "unreadable-grant", fmt::format("the server has a privilege `{}` that is not known here", grant.privilege));
    grants.push_back(std::move(grant));
  }
  REMIT_TRY(ReadDefaults(connection, database, grants));
  if (shape.shared) REMIT_TRY(ReadMemberships(connection, grants));
  return grants;
}

namespace {

Result<std::map<std::string, std::string>> NamesByOid(pg::Connection& connection, std::string_view sql) {
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(sql));
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.emplace(rows.Text(i, 0), rows.Text(i, 1));
  return names;
}

// The objects of `grants` as they are named now, by ObjectId.
Result<std::map<std::string, NamedObject>> FindObjects(pg::Connection& connection, const std::vector<Grant>& grants) {
  std::vector<std::string> kinds, keys, columns;
  std::string database;  // all local grants are of one
  for (const Grant& grant : grants) {
    if (grant.form != GrantForm::kPrivilege) continue;
    kinds.emplace_back(KindName(grant.object.kind));
    keys.push_back(grant.key);
    columns.push_back(std::to_string(grant.column));
    if (!grant.database().empty()) database = grant.database();
  }
  const CatalogShape shape{connection.server_version(), true, true};
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(FindSql(shape), {pg::TextArray(kinds), pg::TextArray(keys), pg::TextArray(columns)}, kReadLimit));
  std::map<std::string, NamedObject> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    REMIT_ASSIGN(NamedObject named, ReadObject(rows, i, database));
    const std::string id = GrantOn(named).ObjectId();
    found.emplace(id, std::move(named));
  }
  return found;
}

}  // namespace

Status NameGrants(pg::Connection& connection, std::vector<Grant>& grants) {
  REMIT_ASSIGN(auto roles, NamesByOid(connection, "SELECT oid, rolname FROM pg_roles"));
  REMIT_ASSIGN(auto schemas, NamesByOid(connection, "SELECT oid, nspname FROM pg_namespace"));
  REMIT_ASSIGN(const auto objects, FindObjects(connection, grants));
  const auto refresh = [&](RoleRef& role) {
    if (role.oid == kPublicRole) return true;
    const auto found = roles.find(role.oid);
    role.name = found == roles.end() ? "" : found->second;
    return found != roles.end();
  };
  for (Grant& grant : grants) {
    grant.on.clear();
    // A membership that a role granted which is gone since can be given by somebody else, so that it is not in the way.
    const bool grantor_there = refresh(grant.grantor) || grant.form == GrantForm::kMembership;
    if (!refresh(grant.grantee) || !grantor_there) continue;
    if (grant.form == GrantForm::kMembership) {
      if (!roles.contains(grant.key)) continue;
      grant.object.name = roles[grant.key];
      REMIT_ASSIGN(grant.on, pg::QuoteIdentifier(grant.object.name));
    } else if (grant.form == GrantForm::kDefault) {
      const std::string schema = Split(grant.key, '/')[1];
      if (schema != "0" && !schemas.contains(schema)) continue;
      if (schema != "0") grant.object.name = schemas[schema];
      REMIT_ASSIGN(grant.on, DefaultOn(grant.grantor.name, schema == "0" ? "" : grant.object.name));
    } else if (grant.object.kind == ObjectKind::kParameter) {
      REMIT_ASSIGN(grant.on, OnSql(grant.object.kind, "", grant.key, ""));
    } else if (const auto found = objects.find(grant.ObjectId()); found != objects.end()) {
      grant.object = found->second.object;
      grant.owner = found->second.owner;
      grant.on = found->second.on;
    }
  }
  return {};
}

Result<std::vector<Right>> ReadRights(pg::Connection& connection, const std::string& database, Reading reading, const std::string& account_oid) {
  const CatalogShape shape{connection.server_version(), reading == Reading::kDatabaseAndShared, false};
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec(RightsSql(shape), {account_oid}, kReadLimit));
  std::vector<Right> rights;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    REMIT_ASSIGN(NamedObject named, ReadObject(rows, i, database));
    rights.push_back({std::move(named.object), std::move(named.key), named.column, std::move(named.owner), std::string(rows.Text(i, 8)),
                      rows.Bool(i, 9), rows.Bool(i, 10), std::string(rows.Text(i, 11))});
  }
  if (!shape.shared) return rights;
  REMIT_ASSIGN(const pg::Rows roles,
               connection.Exec("SELECT r.oid, r.rolname, r.rolname = 'pg_database_owner' FROM pg_roles r "
                               "WHERE r.oid <> $1::oid AND pg_has_role($1::oid, r.oid, 'MEMBER') "
                               "AND NOT EXISTS (SELECT FROM pg_roles s WHERE s.oid = $1::oid AND s.rolsuper) ORDER BY r.rolname",
                               {account_oid}));
  for (std::size_t i = 0; i < roles.size(); ++i) {
    Right right;
    right.object.name = roles.Text(i, 1);
    right.key = roles.Text(i, 0);
    right.privilege = "MEMBER";
    right.by_owner = roles.Bool(i, 2);
    rights.push_back(std::move(right));
  }
  return rights;
}

}  // namespace remit::posture
