// Inside this room only: which statement needs exactly one privilege, and does nothing else if it should be allowed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "pg/connection.h"
#include "posture/grants/item.h"

namespace remit::posture {

// What must be known of the objects to write statements for them.
struct ProbeFacts {
  std::map<std::string, std::string> first_column;  // by the table's OID, quoted
  std::map<std::string, std::string> call;          // by the function's OID: `SELECT f(NULL::t)`, `CALL p()`
  std::set<std::string> superuser_parameters;       // that nobody sets without a grant
};
Result<ProbeFacts> ReadProbeFacts(pg::Connection& connection, const std::vector<Grant>& grants);

// Nothing where there is no such statement.
Result<std::optional<std::string>> ProbeStatement(const Grant& grant, const ProbeFacts& facts);

// The server's own answer, has_*_privilege; nothing where it has no such question.
Result<std::optional<bool>> HasPrivilege(pg::Connection& connection, const std::string& account_oid, const Grant& grant);

}  // namespace remit::posture
