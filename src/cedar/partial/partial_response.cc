// A set of policies over a partly known request: which are surely satisfied, which surely not, and what that decides.
#include "cedar/partial.h"

#include <algorithm>
#include <utility>

#include "cedar/partial/partial_reducer.h"

namespace remit::cedar {
namespace {

// A forbid that is sure denies; a permit that is sure allows once no forbid can come; without a permit that can come nothing allows.
std::optional<bool> Decide(const PartialResponse& response) {
  if (!response.forbids.empty()) return false;
  if (response.permits.empty() && response.open_permits.empty()) return false;
  if (!response.permits.empty() && response.open_forbids.empty()) return true;
  return std::nullopt;
}

PolicyPtr WithCondition(const Policy& policy, ExprPtr condition) {
  auto residual = std::make_shared<Policy>();
  residual->id = policy.id;
  residual->effect = policy.effect;
  residual->annotations = policy.annotations;
  residual->span = policy.span;
  if (!IsTrue(*condition)) residual->conditions.push_back({true, std::move(condition)});
  return residual;
}

}  // namespace

PartialResponse PartialIsAuthorized(const std::vector<PolicyPtr>& policies, const PartialRequest& request, const EntityView& entities,
                                    const Schema& schema, PartialOptions options) {
  PartialResponse response;
  Reducer reducer(request, entities, schema, options);
  for (const PolicyPtr& policy : policies) {
    const std::optional<ExprPtr> residual = reducer.Residual(policy->AsExpr());
    const bool is_permit = policy->effect == Effect::kPermit;
    if (!residual) {
      response.failing.push_back(policy);
    } else if (IsFalse(**residual)) {
      response.unsatisfied.push_back(policy);
    } else if (IsTrue(**residual)) {
      (is_permit ? response.permits : response.forbids).push_back(policy);
    } else {
      (is_permit ? response.open_permits : response.open_forbids).push_back({policy, *residual});
    }
  }
  response.allowed = Decide(response);
  return response;
}

std::vector<PolicyPtr> PartialResponse::Residuals() const {
  std::vector<PolicyPtr> residuals;
  for (const auto* certain : {&permits, &forbids}) {
    for (const PolicyPtr& policy : *certain) residuals.push_back(WithCondition(*policy, MakeLiteral(Value(true))));
  }
  for (const auto* open : {&open_permits, &open_forbids}) {
    for (const Open& one : *open) residuals.push_back(WithCondition(*one.policy, one.residual));
  }
  return residuals;
}

}  // namespace remit::cedar
