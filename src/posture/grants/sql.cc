// PostgreSQL, "GRANT", "REVOKE", "ALTER DEFAULT PRIVILEGES".
#include "posture/grants/sql.h"

#include <fmt/format.h>

#include "base/text.h"
#include "pg/quote.h"

namespace remit::posture {
namespace {

std::string_view FutureObjects(char type) {
  switch (type) {
    case 'r': return "TABLES";
    case 'S': return "SEQUENCES";
    case 'f': return "ROUTINES";
    case 'T': return "TYPES";
    case 'n': return "SCHEMAS";
    case 'L': return "LARGE OBJECTS";
    default: return "";
  }
}

// `SELECT`, or `SELECT ("amount")`.
Result<std::string> What(const Grant& grant) {
  REMIT_CHECK(IsPrivilege(grant.privilege));
  if (grant.object.kind != ObjectKind::kColumn) return grant.privilege;
  REMIT_ASSIGN(const std::string column, pg::QuoteIdentifier(grant.object.column));
  return fmt::format("{} ({})", grant.privilege, column);
}

Result<std::string> GranteeSql(const Grant& grant) {
  if (grant.grantee.oid == kPublicRole) return std::string("PUBLIC");
  return pg::QuoteIdentifier(grant.grantee.name);
}

// Nobody acts for a role that is gone; the superuser then stands for it.
Result<std::string> GrantedBy(const Grant& grant) {
  if (grant.grantor.name.empty()) return std::string();
  REMIT_ASSIGN(const std::string grantor, pg::QuoteIdentifier(grant.grantor.name));
  return " GRANTED BY " + grantor;
}

// " WITH ADMIN TRUE, INHERIT FALSE, SET TRUE" from PostgreSQL 16 on, else " WITH ADMIN OPTION" or "".
std::string MembershipOptions(const Grant& grant, int server_version) {
  if (server_version < 160000) return grant.grantable ? " WITH ADMIN OPTION" : "";
  const auto has = [&](std::string_view option) { return grant.privilege.find(option) != std::string::npos ? "TRUE" : "FALSE"; };
  return fmt::format(" WITH ADMIN {}, INHERIT {}, SET {}", grant.grantable ? "TRUE" : "FALSE", has(" INHERIT"), has(" SET"));
}

// Whose name the statement must be given in. A superuser acts as the owner by itself, also where the owner may not use the schema.
Result<std::string> RoleFor(const Grant& grant) {
  if (grant.form != GrantForm::kPrivilege || grant.grantor.oid == grant.owner) return std::string();
  return pg::QuoteIdentifier(grant.grantor.name);
}

Result<std::string> FutureSql(const Grant& grant, std::string_view verb, std::string_view tail) {
  const std::string_view objects = FutureObjects(Split(grant.key, '/').back().front());
  if (objects.empty()) return Fail(Code::kUnsupported, "unreadable-grant", fmt::format("default privileges `{}` are not known here", grant.key));
  return fmt::format("ALTER DEFAULT PRIVILEGES {} {} {} ON {} {}", grant.on, verb, grant.privilege, objects, tail);
}

}  // namespace

Result<GrantSql> RevokeSql(const Grant& grant, int server_version, bool cascade) {
  REMIT_CHECK(!grant.on.empty());
  GrantSql sql;
  REMIT_ASSIGN(const std::string grantee, GranteeSql(grant));
  REMIT_ASSIGN(sql.role, RoleFor(grant));
  const std::string_view behavior = cascade ? "CASCADE" : "RESTRICT";
  if (grant.form == GrantForm::kMembership) {
    REMIT_ASSIGN(const std::string by, GrantedBy(grant));
    sql.statement = fmt::format("REVOKE {} FROM {}{} {}", grant.on, grantee, server_version < 160000 ? "" : by, behavior);
  } else if (grant.form == GrantForm::kDefault) {
    REMIT_ASSIGN(sql.statement, FutureSql(grant, "REVOKE", fmt::format("FROM {}", grantee)));
  } else {
    REMIT_ASSIGN(const std::string what, What(grant));
    sql.statement = fmt::format("REVOKE {} ON {} FROM {} {}", what, grant.on, grantee, behavior);
  }
  return sql;
}

Result<GrantSql> RegrantSql(const Grant& grant, int server_version) {
  REMIT_CHECK(!grant.on.empty());
  GrantSql sql;
  REMIT_ASSIGN(const std::string grantee, GranteeSql(grant));
  REMIT_ASSIGN(sql.role, RoleFor(grant));
  const std::string option = grant.grantable ? " WITH GRANT OPTION" : "";
  if (grant.form == GrantForm::kMembership) {
    REMIT_ASSIGN(const std::string by, GrantedBy(grant));
    sql.statement = fmt::format("GRANT {} TO {}{}{}", grant.on, grantee, MembershipOptions(grant, server_version), by);
  } else if (grant.form == GrantForm::kDefault) {
    REMIT_ASSIGN(sql.statement, FutureSql(grant, "GRANT", fmt::format("TO {}{}", grantee, option)));
  } else {
    REMIT_ASSIGN(const std::string what, What(grant));
    sql.statement = fmt::format("GRANT {} ON {} TO {}{}", what, grant.on, grantee, option);
  }
  return sql;
}

std::string BecomeSql(const std::string& role) { return role.empty() ? "SET LOCAL ROLE NONE" : "SET LOCAL ROLE " + role; }

}  // namespace remit::posture
