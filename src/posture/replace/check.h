// Inside this room only: asking the server whether what was planned is what happened. Both questions run inside the transaction that made the change,
// before its commit.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "posture/replace/make.h"

namespace remit::posture {

// Everything that is not as `before` without `gone` and with `come`, one line each.
std::vector<std::string> CompareGrants(const std::vector<Grant>& before, const std::vector<Grant>& gone, const std::vector<Grant>& come,
                                       const std::vector<Grant>& after);

// Whether the account may do nothing here but what the plan leaves it, by the server's own word. Errors: `more-left-than-planned`, which
// names the path.
Status CheckStaying(pg::Connection& connection, const std::string& database, Reading reading, const ReplacePlan& plan);

// "a; b; c and 7 more".
std::string Some(const std::vector<std::string>& lines);

}  // namespace remit::posture
