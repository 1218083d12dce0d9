// Which role at which cluster an account is. Accounts are declared by name, and whoever may rename roles at a server can give the name to another
// one: what was seen once is known by its OID.
#pragma once

#include <optional>
#include <string>

#include "pg/connection.h"

namespace remit::posture {

struct KnownRole {
  std::string oid;
  std::string system;  // the cluster's identifier
  bool operator==(const KnownRole&) const = default;
};

// Which role has the name now, and at which cluster: of one answer, so that no other server behind the same address comes in between. An empty `oid`:
// there is none. Any role may ask. Errors: pg::Connection's.
Result<KnownRole> SeeRole(pg::Connection& connection, const std::string& name);

// What became of an account's role, by what was known of it.
struct AccountFate {
  bool gone = false;       // it is known to be no more
  std::string why_open{};  // it is not, or may not be, the role of that name; "": it is
  std::string seen{};      // gone: what shows it
};
// `now`: as SeeRole says it. Errors: pg::Connection's.
Result<AccountFate> ReadAccountFate(pg::Connection& connection, const std::string& name, const KnownRole& now, const std::optional<KnownRole>& known);

}  // namespace remit::posture
