// Giving back exactly what a plan took away, and saying how things stand.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "posture/replace/file.h"
#include "posture/replace/server.h"

namespace remit::posture {

struct RollbackResult {
  std::size_t restored = 0;       // now; what somebody gave back before is not counted
  std::vector<std::string> lost;  // what cannot come back, and why: its object or a role is gone, its grantor lost the option
};

// Each database in a transaction of its own, compared by ACL before its commit: everything as it was before the transaction, and what is missing of
// the plan, entry by entry with grantor and option. The shared part first, since grantors may need their memberships. Needs no `apply` that came to
// its end. Errors: `wrong-phase`, `account-changed`, `not-as-it-was`, `unsafe-event-trigger`, a statement's own; the phase then stays `rolling-back`,
// and the next call goes on.
Result<RollbackResult> RollBackPlan(ReplaceServer& server, PlanFile& file, const Clock& clock);

struct ReplaceStatus {
  std::vector<std::string> gone;      // of the plan, and gone now
  std::vector<std::string> there;     // of the plan, and there
  std::vector<std::string> new_here;  // to the account, and not in the plan at all
  std::vector<std::string> more;      // what it may do besides, against the plan: by PUBLIC, ownership, attributes
  std::vector<std::string> allowed;   // what worked as the account when it was tried last, though taken away; until it is tried again, and refused
};

// Reads only. Errors: `account-changed`, MakePlan's.
Result<ReplaceStatus> ReadStatus(ReplaceServer& server, const PlanFile& file);

}  // namespace remit::posture
