// Slots are filled in the scope alone: the grammar has none elsewhere.
#include "cedar/template.h"

#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/language/hash.h"

namespace remit::cedar {
namespace {

std::string Shown(std::string_view id) { return EscapeControl(id); }

Status Fill(ScopeConstraint& constraint, const std::optional<EntityUid>& value, std::string_view slot, std::string_view id) {
  if (constraint.slot.empty()) {
    if (!value) return {};
    return Fail(Code::kInvalidArgument, "unknown-slot", fmt::format("template `{}` has no slot `{}` to fill", Shown(id), slot),
                "leave out the value of this slot");
  }
  if (!value) {
    return Fail(Code::kInvalidArgument, "missing-slot", fmt::format("the slot `{}` of template `{}` is not filled", slot, Shown(id)),
                "give an entity for it");
  }
  constraint.slot.clear();
  constraint.entities = {*value};
  return {};
}

struct IdHash {
  std::size_t operator()(std::string_view id) const { return HashText(id); }
};

std::unexpected<Error> Duplicate(std::string_view id) {
  return Fail(Code::kInvalidArgument, "duplicate-policy", fmt::format("two policies have the id `{}`", Shown(id)));
}

}  // namespace

Result<PolicyPtr> Link(const Policy& policy_template, std::string id, const SlotValues& values) {
  if (!policy_template.IsTemplate()) {
    return Fail(Code::kInvalidArgument, "not-a-template", fmt::format("policy `{}` has no slots to fill", Shown(policy_template.id)),
                "a template has `?principal` or `?resource` in its scope");
  }
  auto policy = std::make_shared<Policy>(policy_template);
  policy->id = std::move(id);
  REMIT_TRY(Fill(policy->principal, values.principal, "?principal", policy_template.id));
  REMIT_TRY(Fill(policy->resource, values.resource, "?resource", policy_template.id));
  return policy;
}

Result<std::vector<PolicyPtr>> LinkAll(const PolicySetSource& source) {
  std::unordered_set<std::string_view, IdHash> ids(source.templates.size() + source.policies.size() + source.links.size());
  std::map<std::string_view, const Policy*> templates;
  for (const PolicyPtr& policy : source.templates) {
    if (!ids.insert(policy->id).second) return Duplicate(policy->id);
    templates.emplace(policy->id, policy.get());
  }
  std::vector<PolicyPtr> policies;
  policies.reserve(source.policies.size() + source.links.size());
  for (const PolicyPtr& policy : source.policies) {
    if (policy->IsTemplate()) {
      return Fail(Code::kInvalidArgument, "is-a-template", fmt::format("policy `{}` has a slot", Shown(policy->id)),
                  "put it among the templates and link it");
    }
    if (!ids.insert(policy->id).second) return Duplicate(policy->id);
    policies.push_back(policy);
  }
  for (const TemplateLink& link : source.links) {
    const auto found = templates.find(link.template_id);
    if (found == templates.end()) {
      return Fail(Code::kInvalidArgument, "unknown-template",
                  fmt::format("no template `{}` to link `{}` to", Shown(link.template_id), Shown(link.id)));
    }
    if (!ids.insert(link.id).second) return Duplicate(link.id);
    REMIT_ASSIGN(PolicyPtr policy, Link(*found->second, link.id, link.values));
    policies.push_back(std::move(policy));
  }
  return policies;
}

}  // namespace remit::cedar
