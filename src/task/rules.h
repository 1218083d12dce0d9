// The policies that matter to each task type, found once when a catalog loads: for each action and resource type that apply to it, the
// permits and forbids that are not certain to be unsatisfied, already reduced by what the types say. Binding a task starts from here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cedar/schema.h"
#include "task/annotations.h"

namespace remit::task {

struct Rule {
  cedar::PolicyPtr policy;
  cedar::ExprPtr residual;  // over principal, resource and context; null: fails with an error whatever the request
  std::optional<Lift> lift;
};

// All policies about one action on one type of resource.
struct RuleCell {
  std::vector<Rule> permits, forbids;
};

struct TypeRules {
  std::map<std::pair<cedar::EntityUid, std::string>, RuleCell> cells;  // by action and resource type; only where something is permitted
};

// By task type. `lifts` by policy id.
std::map<std::string, TypeRules, std::less<>> BuildRules(const cedar::Schema& schema, const std::vector<cedar::PolicyPtr>& policies,
                                                         const std::vector<std::string>& task_types,
                                                         const std::map<std::string, Lift, std::less<>>& lifts);

// The policies of either effect that may bear on a principal of `principal_type` doing `action` on `resource_type`, e.g. starting a task
// type. Permits that can only fail are left out.
std::vector<cedar::PolicyPtr> PoliciesFor(const cedar::Schema& schema, const std::vector<cedar::PolicyPtr>& policies,
                                          const std::string& principal_type, const cedar::EntityUid& action, const std::string& resource_type);

}  // namespace remit::task
