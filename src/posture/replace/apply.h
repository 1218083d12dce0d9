// Taking an account's standing grants away, as planned.
//
// The order, and what a crash leaves at each point:
//   the plan is made anew; a difference refuses                            nothing was done
//   `applying` is written to the file and synced                           nothing is gone yet; the file says that something may be
//   in each database one transaction: the statements, then all ACLs are
//   read and compared with what was planned                                nothing was committed: all of it is still there
//   the first database (with what is shared) is asked what the account
//   may still do, and committed; then the others, one by one               what is gone is gone, and `apply` goes on with the rest;
//                                                                          `rollback` brings back what is gone, by the file
//   the account's sessions are ended; everything is asked once more; real statements are refused
//   `applied` is written
// PostgreSQL has no transaction over several databases. What the account has in between is always a part of what it had. Where a later
// database refuses, what was committed is brought back at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "posture/replace/file.h"
#include "posture/replace/probe.h"
#include "posture/replace/server.h"

namespace remit::posture {

struct ApplyOptions {
  Secret account_password;  // of the account, for the probe; may be empty
  Duration sessions_limit = std::chrono::seconds(30);
  std::function<void(std::string_view step)> at;  // for tests: called between the steps, "checked:x" and "committed:x" of database x, "ended"
};

struct ApplyResult {
  std::size_t removed = 0;   // now; of a plan that was begun before, the rest
  std::size_t cascades = 0;  // of others
  std::int64_t sessions = 0;
  Probes probes;
};

// Errors, before anything is done: `wrong-phase`, `account-is-superuser`, `prepared-transaction`, `unsafe-event-trigger`, `changed-since-plan`,
// `nothing-to-remove`, `cannot-write-file`. Then, with everything rolled back: `more-left-than-planned`, `changed-since-plan`, a statement's own.
// With the grants gone, and the phase still `applying`: `sessions-left`, `more-left-than-planned`, `probe-allowed`; the hint says which. One caller
// at a time for each file.
//
// `applied` says that the server's ACLs give the account none of it, in new transactions, and that no statement was allowed; for what no statement
// was refused, the result and the file's evidence have `unproven`.
Result<ApplyResult> ApplyPlan(ReplaceServer& server, PlanFile& file, const ApplyOptions& options, const Clock& clock);

// Tries all of it once more, of a plan that is applied, and puts what came of it into the file: with a password that was not there before, say.
// Errors: `wrong-phase`, `probe-allowed` (written down, too), pg::Connection's.
Result<Probes> ProbePlanAgain(ReplaceServer& server, PlanFile& file, const Secret& account_password, const Clock& clock);

}  // namespace remit::posture
