#include "cedar/command/source_validation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace remit::cedar::command {
namespace {

bool IsKnown(const Schema& schema, std::string_view type) {
  return schema.FindEntityType(type) != nullptr ||
         std::ranges::any_of(schema.actions(), [&](const auto& action) { return action.first.type == type; });
}

void CheckLink(const Schema& schema, const Policy& policy_template, const TemplateLink& link, std::vector<Diagnostic>& findings) {
  for (const std::optional<EntityUid>* value : {&link.values.principal, &link.values.resource}) {
    if (!*value || IsKnown(schema, (*value)->type)) continue;
    findings.push_back({.reason = "unknown-entity-type",
                        .message = fmt::format("unknown entity type `{}`", EscapeControl((*value)->type)),
                        .hint = "declare it in the schema, or link another entity",
                        .policy = link.id,
                        .span = policy_template.span});
  }
  const auto linked = Link(policy_template, link.id, link.values);
  if (!linked) return;
  for (Diagnostic& finding : Validate(schema, {*linked})) {
    if (finding.reason == "no-applicable-action") findings.push_back(std::move(finding));
  }
}

}  // namespace

std::vector<Diagnostic> ValidateSource(const Schema& schema, const PolicySetSource& source, ValidationOptions options) {
  std::vector<PolicyPtr> all = source.policies;
  all.insert(all.end(), source.templates.begin(), source.templates.end());
  std::vector<Diagnostic> findings = Validate(schema, all, options);
  for (const TemplateLink& link : source.links) {
    const auto found = std::ranges::find(source.templates, link.template_id, [](const PolicyPtr& policy) { return policy->id; });
    if (found != source.templates.end()) CheckLink(schema, **found, link, findings);
  }
  std::ranges::stable_partition(findings, [](const Diagnostic& finding) { return finding.severity == Diagnostic::Severity::kError; });
  return findings;
}

}  // namespace remit::cedar::command
