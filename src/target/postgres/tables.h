// From permissions to privileges on tables: what of Cedar's resources PostgreSQL can enforce exactly, and the types for a catalog's schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "target/postgres/init_sql.h"
#include "target/target.h"

namespace remit::target::postgres {

// As task/builtin_schema.h declares them to every catalog.
inline constexpr std::string_view kTableType = "Postgres::Table";
inline constexpr std::string_view kActionType = "Postgres::Action";

bool IsPostgresAction(const cedar::EntityUid& action);

// Whether the permission is on a table of this target and of a form that a GRANT expresses exactly: resource == one table, one of the
// four actions. Errors: `not-enforceable`, `bad-table-name`.
Status CheckForm(std::string_view target, const PermissionPattern& pattern);

// The privileges for a permission set whose permissions are all of this target; sorted, without duplicates. Errors: as CheckForm, and
// `not-enforceable` for conditions and obligations.
Result<std::vector<TablePrivilege>> PrivilegesOf(std::string_view target, const task::PermissionSet& permissions);

}  // namespace remit::target::postgres
