// The decision. See decision.h. INVARIANT: one way to allow, at the very end, after every reason to deny was looked at.
#include "task/decision.h"

#include <algorithm>

#include <fmt/format.h>

#include "task/implied_entities.h"

namespace remit::task {
namespace {

using Count = std::function<std::uint32_t(const std::string& policy)>;

Decision DenyFor(std::string_view reason, std::vector<std::string> policies, std::vector<std::string> errors) {
  std::ranges::sort(policies);
  return {Decision::Verdict::kDeny, std::string(reason), std::move(policies), std::move(errors), {}};
}

}  // namespace

Decision Decide(const Catalog& catalog, const cedar::Request& request, const cedar::EntityView& entities, const Count& uses, const Count& approved) {
  if (const Status valid = catalog.schema().ValidateRequest(request); !valid) return DenyFor("bad-request", {}, {valid.error().message});
  // Policies were validated, and permissions worked out, for entities that have the attributes that the schema promises.
  auto unknown = [&](const cedar::EntityUid& uid) { return catalog.NeedsData(uid.type) && entities.Find(uid) == nullptr; };
  if (unknown(request.principal)) return DenyFor("unknown-principal", {}, {fmt::format("nothing is known of `{}`", request.principal.ToString())});
  if (unknown(request.resource)) return DenyFor("unknown-resource", {}, {fmt::format("nothing is known of `{}`", request.resource.ToString())});

  const cedar::Evaluation found = catalog.policies().Evaluate(request, ImpliedEntities(entities, catalog.schema()));

  // A permit that failed permits nothing. A forbid that failed might have forbidden: in doubt, deny.
  std::vector<std::string> errors, doubtful;
  for (const auto& [policy, message] : found.errors) {
    errors.push_back(fmt::format("{}: {}", policy->id, message));
    if (policy->effect == cedar::Effect::kForbid) doubtful.push_back(policy->id);
  }
  if (!doubtful.empty()) return DenyFor("policy-error", doubtful, errors);

  std::vector<std::string> forbidden, used_up, unapproved;
  std::vector<Charge> charges;
  for (const cedar::Policy* forbid : found.forbids) {
    const Lift* lift = catalog.FindLift(forbid->id);
    if (lift == nullptr) {
      forbidden.push_back(forbid->id);
    } else if (lift->kind == Obligation::Kind::kAfterUses && uses(forbid->id) >= lift->count) {
      used_up.push_back(forbid->id);
    } else if (lift->kind == Obligation::Kind::kUnlessApproved && approved(forbid->id) < lift->count) {
      unapproved.push_back(forbid->id);
    } else {
      charges.push_back({forbid->id, *lift});
    }
  }
  if (!forbidden.empty()) return DenyFor("forbidden", forbidden, errors);
  if (found.permits.empty()) return DenyFor("no-permit", {}, errors);
  if (!used_up.empty()) return DenyFor("used-up", used_up, errors);
  if (!unapproved.empty()) {
    Decision waits = DenyFor("needs-approval", unapproved, errors);
    waits.verdict = Decision::Verdict::kNeedsApproval;
    return waits;
  }
  Decision allow = DenyFor("allowed", {}, errors);
  for (const cedar::Policy* permit : found.permits) allow.policies.push_back(permit->id);
  std::ranges::sort(allow.policies);
  allow.charges = std::move(charges);
  allow.verdict = Decision::Verdict::kAllow;
  return allow;
}

Decision DecideBoth(const Catalog& pinned, const Catalog& current, const cedar::Request& request, const cedar::EntityView& entities,
                    const Count& uses, const Count& approved) {
  Decision first = Decide(pinned, request, entities, uses, approved);
  if (&pinned == &current || pinned.hash() == current.hash() || first.verdict == Decision::Verdict::kDeny) return first;
  Decision second = Decide(current, request, entities, uses, approved);
  if (second.verdict == Decision::Verdict::kDeny) return second;
  // Neither denies for good: what either still asks for is asked for, and what either lifts is charged, once.
  auto both = [](std::vector<std::string>& a, const std::vector<std::string>& b) {
    a.insert(a.end(), b.begin(), b.end());
    std::ranges::sort(a);
    a.erase(std::ranges::unique(a).begin(), a.end());
  };
  if (first.verdict == second.verdict) {
    both(first.policies, second.policies);
    both(first.errors, second.errors);
    for (Charge& charge : second.charges) {
      if (std::ranges::find(first.charges, charge.policy, &Charge::policy) == first.charges.end()) first.charges.push_back(std::move(charge));
    }
    return first;
  }
  return first.verdict == Decision::Verdict::kNeedsApproval ? first : second;
}

}  // namespace remit::task
