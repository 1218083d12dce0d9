// What was seen of a dead credential, in words, and what an answer to a login with it proves. Pure.
#pragma once

#include <string>

#include "pg/connection.h"
#include "task/credential.h"

namespace remit::target::postgres {

// No membership, login, password or session is left; so many sessions were cut off, and prepared transactions rolled back.
task::Evidence Disarmed(std::int64_t cut_off, int rolled_back, Time at);
// Nothing has the OID ("0": it never had one that is known) or the name.
task::Evidence Gone(const std::string& oid, const std::string& name, Time at);

struct Verdict {
  bool proves = false;  // that the credential does not log in
  std::string detail;   // the evidence, or why this is none
};

// Only SQLSTATE 28P01, or 28000 with "not permitted to log in", is evidence. Being let in is the contrary; a full server, pg_hba.conf, a
// server that shuts down, and the network say nothing about the credential.
Verdict Judge(const pg::LoginAttempt& attempt);

}  // namespace remit::target::postgres
