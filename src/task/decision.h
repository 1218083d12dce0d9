// The decision: may this task do this action on this resource in this context? It fits on one screen (decision.cc), takes no short cut,
// and every deny has its own reason.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cedar/authorizer.h"
#include "task/catalog.h"
#include "task/task.h"

namespace remit::task {

// A forbid that the answer lifts, and what lifting it costs.
struct Charge {
  std::string policy;
  Lift lift;
};

struct Decision {
  enum class Verdict { kAllow, kDeny, kNeedsApproval } verdict = Verdict::kDeny;
  std::string reason;                 // slug: "allowed", "no-permit", "forbidden", "used-up", "needs-approval", "policy-error", …
  std::vector<std::string> policies;  // ids that determine the answer
  std::vector<std::string> errors;    // "policy: message"
  std::vector<Charge> charges;        // to be committed with an allow
};

// What `uses` says of a question whose uses nobody counts: no forbid that counts them is lifted.
inline constexpr std::uint32_t kUncounted = std::numeric_limits<std::uint32_t>::max();

// Asks one catalog. `principal` may be a task (use), an actor (start) or a person (approve …). A policy error in a forbid denies: Cedar
// would skip the policy, Remit is in doubt. `uses(policy)` says how often the forbid was lifted for this task; `approved(policy)` how many
// distinct people said yes to exactly this. Denied by nothing but forbids that can all be lifted: allowed, each charged.
Decision Decide(const Catalog& catalog, const cedar::Request& request, const cedar::EntityView& entities,
                const std::function<std::uint32_t(const std::string& policy)>& uses,
                const std::function<std::uint32_t(const std::string& policy)>& approved);

// A task's use: asks the catalog that it started under and the current one, and allows what both allow.
Decision DecideBoth(const Catalog& pinned, const Catalog& current, const cedar::Request& request, const cedar::EntityView& entities,
                    const std::function<std::uint32_t(const std::string&)>& uses, const std::function<std::uint32_t(const std::string&)>& approved);

// What approvers say yes to: task id, nonce, type, parameters, actor and its chain, parent, life, reason, catalog, expanded permission set
// and obligations (docs/formats.md, "Request hash"). A difference in any of it is another hash.
Hash RequestHash(const TaskRecord& record, const PermissionSet& permissions);

}  // namespace remit::task
