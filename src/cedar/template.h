// Templates: policies with `?principal` or `?resource` in their scope, and the links that fill these slots. ParsePolicies reads both;
// Policy::IsTemplate tells them apart. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cedar/ast.h"

namespace remit::cedar {

// What stands for the slots. A template that has a slot needs its value, one that does not have it refuses one.
struct SlotValues {
  std::optional<EntityUid> principal;  // of `?principal`
  std::optional<EntityUid> resource;   // of `?resource`
};

// The policy that `policy_template` becomes with its slots filled, under the id `id`; annotations, conditions and places are the
// template's. Errors: `not-a-template`; `missing-slot`, `unknown-slot`, naming the slot.
Result<PolicyPtr> Link(const Policy& policy_template, std::string id, const SlotValues& values);

struct TemplateLink {
  std::string template_id;
  std::string id;  // of the policy that comes of it
  SlotValues values;
};

// A policy set as it is written down: nothing filled in yet.
struct PolicySetSource {
  std::vector<PolicyPtr> policies;   // without slots
  std::vector<PolicyPtr> templates;  // each with at least one
  std::vector<TemplateLink> links;
};

// All policies of the set: the static ones first, then one for each link, in order. Templates without a link come to nothing.
// Errors: those of Link; `unknown-template`; `duplicate-policy` where two policies, templates or links have one id; `is-a-template`
// for a template among the policies.
Result<std::vector<PolicyPtr>> LinkAll(const PolicySetSource& source);

}  // namespace remit::cedar
