#include "posture/replace/account_known.h"

#include <fmt/format.h>

#include "base/text.h"

namespace remit::posture {

Result<KnownRole> SeeRole(pg::Connection& connection, const std::string& name) {
  REMIT_ASSIGN(const pg::Rows rows,
               connection.Exec("SELECT coalesce(r.oid::text, ''), s.system_identifier::text FROM pg_catalog.pg_control_system() s "
                               "LEFT JOIN pg_catalog.pg_roles r ON r.rolname::text = $1::text",
                               {name}));
  return KnownRole{std::string(rows.Text(0, 0)), std::string(rows.Text(0, 1))};
}

Result<AccountFate> ReadAccountFate(pg::Connection& connection, const std::string& name, const KnownRole& now,
                                    const std::optional<KnownRole>& known) {
  if (!known && !now.oid.empty()) return AccountFate{};  // seen for the first time, and by its name
  if (!known)
    return AccountFate{
        .why_open =
            fmt::format("there is no role of this name at cluster {}; it may have been renamed. If it was dropped, take it off the actor's accounts "
                        "and offboard again; else declare the name that it has now",
                        now.system)};
  if (known->system != now.system)
    return AccountFate{
        .why_open = fmt::format("it is the role with OID {} at cluster {}, and cluster {} answers now: nothing was done there; if this one took "
                                "over that one's roles, list that one in `former_systems` of the target, and ask again",
                                known->oid, known->system, now.system)};
  if (known->oid == now.oid) return AccountFate{};
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec("SELECT rolname FROM pg_roles WHERE oid::text = $1", {known->oid}));
  if (rows.size() == 0)
    return AccountFate{.gone = true,
                       .seen = fmt::format("the role that was `{}` is gone: there is none with its OID {} at cluster {}", EscapeControl(name),
                                           known->oid, known->system)};
  // The one that has the name now may be a decoy, or somebody else's that was renamed: nobody declared it.
  const std::string other = now.oid.empty() ? "" : fmt::format(", and what has this name now is another role (OID {}) that nobody declared", now.oid);
  return AccountFate{.why_open =
                         fmt::format("the role that had this name (OID {}) is called `{}` now{}: nothing was done to {}; declare it by that name "
                                     "as the actor's account, and offboard again",
                                     known->oid, EscapeControl(rows.Text(0, 0)), other, other.empty() ? "it" : "either")};
}

}  // namespace remit::posture
