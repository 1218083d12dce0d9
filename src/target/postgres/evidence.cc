// One page for one decision: is this refusal the right one.
#include "target/postgres/evidence.h"

#include <fmt/format.h>

#include "base/text.h"

namespace remit::target::postgres {

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
