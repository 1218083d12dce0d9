// Making a plan from a live server, reading only: the same at `plan`, and again at `apply` to see that nothing has changed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "posture/grants/cascade.h"
#include "posture/grants/read.h"
#include "posture/replace/plan.h"
#include "posture/replace/server.h"

namespace remit::posture {

// One statement of an apply: the entry that it takes away, and every other that falls with it.
struct RevokeStep {
  Grant grant;
  std::vector<Grant> fallen;
};

// The grants of `all` that can be taken from the account, in the order of their going: what it gave itself, then columns, then what lies
// in schemas, then schemas, then what is shared, memberships last; so that each grantor can still reach what he granted. What it has as an
// owner is not among them.
int RemovalRank(const Grant& grant, const std::string& account_oid);
std::vector<Grant> Removable(const std::vector<Grant>& all, const std::string& account_oid);

// Plays the removal through. What fell before its turn needs no step. `why_not` says why a grant cannot be taken away, "" where it can; those
// go to `kept`.
std::vector<RevokeStep> PlaySteps(const std::vector<Grant>& removable, Acls& acls, const RoleGraph& roles,
                                  const std::function<std::string(const Grant&)>& why_not, std::vector<Kept>* kept);

// The whole plan for one account, by name, or by OID where that is given. Errors: `unknown-account`, `own-account` (the administrator's),
// `unreadable-grant` (the server notes a grant that was not found), pg::Connection's.
Result<ReplacePlan> MakePlan(ReplaceServer& server, const std::string& account, const std::string& account_oid = {});

// What stays, of what the account may do in this database (and of what is shared): `left` of a plan. What nothing explains comes in `unexplained`.
struct Staying {
  std::vector<Left> left;
  std::vector<Right> unexplained;
};
Result<Staying> ReadStaying(pg::Connection& connection, const std::string& database, Reading reading, const std::string& account_oid);

std::string DescribeRight(const Right& right);

}  // namespace remit::posture
