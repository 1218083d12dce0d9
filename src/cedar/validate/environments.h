// The request environments that a policy is typed in: which actions its scope can match, with which types of principal and resource.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "cedar/ast.h"
#include "cedar/language/hash.h"
#include "cedar/schema.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {

// Which of the variables that come from the action a condition reads.
struct ActionReads {
  bool action = false, context = false;
};
ActionReads ReadsOf(const Expr& condition);

// Of one schema, which must outlive it. Many policies have the same shape, so what was found for one is kept for the next. Not thread-safe.
class Environments {
 public:
  struct Matching {
    std::vector<RequestEnvironment> list;  // one of those that the condition cannot tell apart: it has the same type in them, and the same findings
    bool too_many = false;                 // more than limits::kCedarEnvironments; the list ends there
  };

  explicit Environments(const Schema& schema);

  // Of the policy, with `action_scope` in place of its own. Valid until it is asked again.
  const Matching& Of(const Policy& policy, const ScopeConstraint& action_scope, ActionReads reads);

 private:
  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return HashText(key); }
  };

  std::vector<const ActionType*> Actions(const ScopeConstraint& scope) const;
  std::vector<RequestEnvironment> All(const Policy& policy, const ScopeConstraint& action_scope) const;

  const Schema& schema_;
  std::unordered_map<EntityUid, std::vector<const ActionType*>, EntityUidHash> members_;  // of each group of actions; an action is one, too
  std::unordered_map<std::string, Matching, KeyHash, std::equal_to<>> known_;             // by all that Matching depends on
  std::size_t kept_ = 0;                                                                  // environments in `known_`
  std::string key_;
};

}  // namespace remit::cedar
