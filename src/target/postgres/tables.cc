// Which permissions are a GRANT.
#include "target/postgres/tables.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "pg/name.h"

namespace remit::target::postgres {
namespace {

std::unexpected<Error> NotEnforceable(const PermissionPattern& pattern, std::string why, std::string hint = {}) {
  Error error(Code::kUnsupported, "not-enforceable", std::move(why));
  error.place = pattern.place;
  error.hint = std::move(hint);
  return Fail(std::move(error));
}

}  // namespace

bool IsPostgresAction(const cedar::EntityUid& action) {
  return action.type == kActionType && (action.id == "select" || action.id == "insert" || action.id == "update" || action.id == "delete");
}

Status CheckForm(std::string_view target, const PermissionPattern& pattern) {
  if (!IsPostgresAction(pattern.action))
    return NotEnforceable(pattern, fmt::format("PostgreSQL has no privilege for {}", pattern.action.ToString()),
                          "the actions are select, insert, update and delete");
  if (pattern.type != kTableType)
    return NotEnforceable(pattern, fmt::format("a resource of type `{}` cannot be granted: only ordinary and partitioned tables can", pattern.type));
  if (pattern.scope == task::Permission::Scope::kIn)
    return NotEnforceable(pattern,
                          "`resource in` a schema or database cannot be granted exactly: PostgreSQL has no grant on such a container that follows "
                          "its content; GRANT … ON ALL TABLES IN SCHEMA is a list of the tables of that moment",
                          "name each table with `resource ==`, or give the tables as a parameter");
  if (pattern.scope == task::Permission::Scope::kIs)
    return NotEnforceable(pattern, "`resource is Postgres::Table` means every table of every server, which no GRANT says",
                          "name each table with `resource ==`");
  if (!pattern.resource) return {};  // a parameter: its value is looked at when the task starts
  if (pattern.resource->type != kTableType) return NotEnforceable(pattern, fmt::format("{} is not a table", pattern.resource->ToString()));
  auto name = pg::ParseTableName(pattern.resource->id);
  if (!name) return Fail(std::move(name).error().At(pattern.place));
  if (name->target != target) return NotEnforceable(pattern, fmt::format("{} is not a table of target `{}`", pattern.resource->ToString(), target));
  return {};
}

Result<std::vector<TablePrivilege>> PrivilegesOf(std::string_view target, const task::PermissionSet& permissions) {
  std::vector<TablePrivilege> out;
  for (const task::Permission& permission : permissions.permissions) {
    const PermissionPattern pattern{permission.action, permission.scope, permission.resource.type, permission.resource,
                                    Join(permission.policies, ", ")};
    if (!permission.IsPlain())
      return NotEnforceable(pattern, fmt::format("{} on {} has a condition or an obligation, which PostgreSQL cannot enforce",
                                                 permission.action.ToString(), permission.resource.ToString()));
    REMIT_TRY(CheckForm(target, pattern));
    REMIT_ASSIGN(const pg::TableName name, pg::ParseTableName(permission.resource.id));
    out.push_back({name.schema, name.table, permission.action.id});
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace remit::target::postgres
