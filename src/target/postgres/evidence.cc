// One page for one decision: is this refusal the right one.
#include "target/postgres/evidence.h"

#include <fmt/format.h>

#include "base/text.h"

namespace remit::target::postgres {

task::Evidence Disarmed(std::int64_t cut_off, int rolled_back, Time at) {
  return {"disarmed",
          fmt::format("no membership, no login, no password, no session ({} cut off, {} prepared transactions rolled back)", cut_off, rolled_back),
          at};
}

task::Evidence Gone(const std::string& oid, const std::string& name, Time at) {
  return {"gone", oid == "0" ? fmt::format("no role `{}` in pg_authid", name) : fmt::format("OID {} is not in pg_authid and has no session", oid),
          at};
}

Verdict Judge(const pg::LoginAttempt& attempt) {
  if (attempt.accepted) return {false, "the server accepted a login with the credential"};
  if (attempt.sqlstate == "28P01") return {true, "login refused with SQLSTATE 28P01"};
  // 28000 is also what pg_hba.conf's refusals carry, so here the words count. A server with translated messages answers passwords with 28P01.
  if (attempt.sqlstate == "28000" && attempt.message.find("is not permitted to log in") != std::string::npos)
    return {true, "login refused with SQLSTATE 28000, not permitted to log in"};
  const std::string said = EscapeControl(attempt.message.substr(0, 300));
  if (attempt.sqlstate.empty()) return {false, fmt::format("no answer to the login, which proves nothing: {}", said)};
  return {false, fmt::format("login refused with SQLSTATE {}, which proves nothing about the credential: {}", attempt.sqlstate, said)};
}

}  // namespace remit::target::postgres
