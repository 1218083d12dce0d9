// The variables that the command of `remit run` gets: its caller's, without what belongs to the actor or to Remit, and with what the task
// holds. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.h"

namespace remit::cli {

struct TaskVariables {
  std::string task;                           // REMIT_TASK
  Secret token;                               // REMIT_TOKEN
  std::map<std::string, Secret> credentials;  // PGHOST, PGPASSWORD …, as the server names them
  std::string address;                        // REMIT_ADDR: where `remit secret get` finds the server
};

// "NAME=value" of each. Left out of the caller's:
//   - every REMIT_… variable but REMIT_SOCKET and REMIT_CA_FILE: key files, client ids, sessions, the token of an outer task;
//   - what the task's own variables replace;
//   - where the task holds a PostgreSQL role: every variable by which libpq would go elsewhere, as somebody else, or less safely.
// The result holds secrets: wipe it after use.
std::vector<std::string> CommandEnvironment(const std::vector<std::string>& caller, const TaskVariables& task);

}  // namespace remit::cli
