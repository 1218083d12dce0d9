// Remit's server, where there is one, is asked before standing access goes or comes back, and told what came of it. The work itself is done from
// here, at a server that Remit's does not see.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "cli/remote.h"
#include "posture/replace/file.h"

namespace remit::cli {

class ReplaceRecord {
 public:
  // Asks whether it may be done (`step`: "apply" or "rollback"), and has it written down that it begins. Where no server is configured (no --server,
  // REMIT_ADDR or REMIT_SOCKET, and no socket at the usual place), or with `without_server`, says that nothing is written down. One that is
  // configured and does not answer is an error: nothing was asked. Errors: the server's, `administration-denied`, `needs-approval`.
  static Result<ReplaceRecord> Begin(std::string_view step, const posture::PlanFile& file, bool without_server);

  // What came of it, members of `result` in docs/reference/http-api.md. Where it cannot be told, says so to whoever is there: it is done all the
  // same.
  void Done(json::Object result);
  void Failed(const Error& error);

 private:
  void Tell(std::string_view phase, json::Object result);

  std::optional<Remote> remote_;
  json::Object about_;
};

}  // namespace remit::cli
