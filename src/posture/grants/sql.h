// A grant as the statements that take it away and give it, in its grantor's name. All names come quoted, from Grant::on or pg/quote.h.
#pragma once

#include <string>

#include "base/result.h"
#include "posture/grants/item.h"

namespace remit::posture {

// Who must be the current role for the statement; "" is the connection's own, a superuser: it acts as an object's owner, and names
// the grantor of a membership. For all others it becomes the grantor, since PostgreSQL takes GRANTED BY of the current role only.
struct GrantSql {
  std::string role;       // quoted
  std::string statement;  // one
};

// `cascade`: other entries fall with it, as planned; else RESTRICT, and the server refuses if any would. Errors: `bad-identifier`.
Result<GrantSql> RevokeSql(const Grant& grant, int server_version, bool cascade);

// INVARIANT: grant.on is not empty. Errors: `bad-identifier`.
Result<GrantSql> RegrantSql(const Grant& grant, int server_version);

// "SET LOCAL ROLE …" for `role` of GrantSql.
std::string BecomeSql(const std::string& role);

}  // namespace remit::posture
