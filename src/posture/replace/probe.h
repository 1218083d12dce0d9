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

// A privilege that is gone by the server's ACLs, and that no statement was refused for.
struct Unproven {
  std::string what;     // as in Probe
  std::string why;      // no statement was tried, or what its answer was
  bool denied = false;  // has_*_privilege says that the account does not have it: the server's word, and no more than that
  std::string hint;     // what to add so that it is tried; may be empty
};

struct Probes {
  std::vector<Probe> tried;
  std::vector<Unproven> unproven;
  std::size_t refused() const;
};

// One probe for each privilege of plan.removed that nothing in the plan leaves to the account. REFERENCES, TRIGGER, MAINTAIN, ALTER SYSTEM and what
// future objects will give have no statement that could be tried without effect, and CONNECT is tried where the password is there: for these, and for
// what a statement did not decide, the server is asked with has_*_privilege, and they are `unproven`. Where it says that the account has one, that is
// a probe that was allowed. Errors: pg::Connection's.
Result<Probes> ProbeAll(ReplaceServer& server, const ReplacePlan& plan, const Secret& account_password);

json::Value ProbeToJson(const Probe& probe);
json::Value UnprovenToJson(const Unproven& unproven);

}  // namespace remit::posture
