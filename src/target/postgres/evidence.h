// What an answer to a login with a dead credential proves. Pure.
#pragma once

#include <string>

#include "pg/connection.h"

namespace remit::target::postgres {

struct Verdict {
  bool proves = false;  // that the credential does not log in
  std::string detail;   // the evidence, or why this is none
};

// Only SQLSTATE 28P01, or 28000 with "not permitted to log in", is evidence. Being let in is the contrary; a full server, pg_hba.conf, a
// server that shuts down, and the network say nothing about the credential.
Verdict Judge(const pg::LoginAttempt& attempt);

}  // namespace remit::target::postgres
