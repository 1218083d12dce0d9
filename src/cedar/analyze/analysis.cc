// The questions, each as: is there a request on which these answer so? Asked of every action with every pair of types.
#include "cedar/analysis.h"

#include <algorithm>
#include <utility>

#include "cedar/analyze/environment.h"

namespace remit::cedar {
namespace {

using analyze::Finding;
using analyze::RequestTypes;
using analyze::Side;

// Where every side has its own principal, the request's does not matter, and one type stands for all.
std::vector<std::string> Types(const std::set<std::string>& declared, const std::vector<Side>& sides,
                               std::optional<EntityUid> BoundPolicies::* bound) {
  const bool all_bound = std::ranges::all_of(sides, [&](const Side& side) { return (side.policies->*bound).has_value(); });
  if (!all_bound) return {declared.begin(), declared.end()};
  const std::string& type = (sides.front().policies->*bound)->type;
  return declared.contains(type) ? std::vector{type} : std::vector(declared.begin(), declared.end());
}

// kYes: there is none.
AnalysisAnswer AskForNone(const std::vector<Side>& sides, const Schema& schema, const AnalysisOptions& options) {
  AnalysisAnswer answer;
  for (const auto& [uid, action] : schema.actions()) {
    for (const std::string& principal : Types(action.principals, sides, &BoundPolicies::principal)) {
      for (const std::string& resource : Types(action.resources, sides, &BoundPolicies::resource)) {
        Finding finding = analyze::Look(RequestTypes{&action, principal, resource}, sides, schema, options);
        ++answer.environments;
        answer.work += finding.work;
        if (finding.kind == Finding::Kind::kUnknown) answer.open.push_back({uid, principal, resource, std::move(finding.why)});
        if (finding.kind != Finding::Kind::kExample) continue;
        answer.verdict = Verdict::kNo;
        answer.counterexample = std::move(finding.example);
        return answer;
      }
    }
  }
  if (!answer.open.empty()) answer.verdict = Verdict::kUnknown;
  return answer;
}

}  // namespace

Request Counterexample::For(const BoundPolicies& policies) const {
  return {policies.principal.value_or(principal), action, policies.resource.value_or(resource), context};
}

AnalysisAnswer Implies(const BoundPolicies& a, const BoundPolicies& b, const Schema& schema, const AnalysisOptions& options) {
  return AskForNone({{&a, true}, {&b, false}}, schema, options);
}

AnalysisAnswer Equivalent(const BoundPolicies& a, const BoundPolicies& b, const Schema& schema, const AnalysisOptions& options) {
  AnalysisAnswer there = Implies(a, b, schema, options);
  if (there.verdict == Verdict::kNo) return there;
  AnalysisAnswer back = Implies(b, a, schema, options);
  back.environments += there.environments;
  back.work += there.work;
  std::ranges::move(there.open, std::back_inserter(back.open));
  if (back.verdict == Verdict::kYes) back.verdict = there.verdict;
  return back;
}

AnalysisAnswer Disjoint(const BoundPolicies& a, const BoundPolicies& b, const Schema& schema, const AnalysisOptions& options) {
  return AskForNone({{&a, true}, {&b, true}}, schema, options);
}

AnalysisAnswer NeverAllows(const BoundPolicies& policies, const Schema& schema, const AnalysisOptions& options) {
  return AskForNone({{&policies, true}}, schema, options);
}

AnalysisAnswer AlwaysAllows(const BoundPolicies& policies, const Schema& schema, const AnalysisOptions& options) {
  return AskForNone({{&policies, false}}, schema, options);
}

}  // namespace remit::cedar
