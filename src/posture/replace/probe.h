// Real statements as the account, for each privilege that was taken away: PostgreSQL must refuse each with SQLSTATE 42501.
//
// Nobody else's code may run in a session that a superuser opened, even where SET SESSION AUTHORIZATION makes it the account: a column's default with
// an immutable function is enough to have it run in the planner, before any permission is looked at, and it could reset the authorization. So the
// statements run inside a SECURITY DEFINER function of the account, where PostgreSQL lets nobody change who he is, made in a transaction that is
// rolled back after. With the account's own password they run in a session of its own.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "json/value.h"
#include "posture/replace/plan.h"
#include "posture/replace/server.h"

namespace remit::posture {

enum class ProbeVerdict {
  kRefused,    // SQLSTATE 42501
  kAllowed,    // it ran
  kUndecided,  // something else was in the way; nothing is proved
};

struct Probe {
  std::string what;  // the privilege, as people read it
  std::string statement;
  ProbeVerdict verdict = ProbeVerdict::kUndecided;
  std::string answer;  // the server's, "42501 permission denied for table t"
};

// One probe for each privilege of plan.removed that nothing in the plan leaves to the account. REFERENCES, TRIGGER, MAINTAIN, ALTER SYSTEM and what
// future objects will give have no statement that could be tried without effect; for these the server's has_*_privilege is the only witness. CONNECT
// is tried where the password is there. Errors: pg::Connection's.
Result<std::vector<Probe>> ProbeAll(ReplaceServer& server, const ReplacePlan& plan, const Secret& account_password);

json::Value ProbeToJson(const Probe& probe);

}  // namespace remit::posture
