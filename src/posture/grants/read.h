// Reading what a PostgreSQL server says about who may do what: every grant of one database, and what one account may do in effect. The
// two are asked in different ways, ACLs and has_*_privilege, so that one can be held against the other.
//
// A connection's search_path must be pg_catalog. All of it can run in a transaction that is open. Errors: those of pg::Connection, and
// `unreadable-grant` for a name or privilege that is not understood: nothing is guessed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "pg/connection.h"
#include "posture/grants/item.h"

namespace remit::posture {

enum class Reading { kDatabase, kDatabaseAndShared };

// All grants, to everybody, each with `on`.
Result<std::vector<Grant>> ReadGrants(pg::Connection& connection, const std::string& database, Reading reading);

// Fills `on`, and the names as they are now, of grants of this database (and of shared ones) that were read earlier. `on` stays empty
// where the object, or for a grant one of its two roles, is gone.
Status NameGrants(pg::Connection& connection, std::vector<Grant>& grants);

// One thing that an account may do.
struct Right {
  Object object;
  std::string key;
  int column = 0;
  std::string owner;  // OID; "" of a membership
  std::string privilege;
  bool by_public = false;
  bool by_owner = false;
  std::string runs_as;  // of a SECURITY DEFINER function: whose rights a caller gets
};

// What the account may do, but for what PostgreSQL itself gives to PUBLIC on its own objects. For a superuser that is everything.
// A right on a column stands for itself only where it is not there for the whole table.
Result<std::vector<Right>> ReadRights(pg::Connection& connection, const std::string& database, Reading reading, const std::string& account_oid);

}  // namespace remit::posture
