#include "cedar/command/verdicts.h"

#include <fmt/format.h>

#include <algorithm>

#include "cedar/command/files.h"
#include "cedar/schema_json.h"
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
    const std::vector<Diagnostic> findings = Validate(schema, {policy}, {.mode = ValidationMode::kPermissive, .level = {}});
    one.permissive = !std::ranges::any_of(findings, [](const Diagnostic& finding) { return finding.severity == Diagnostic::Severity::kError; });
    verdicts.strict &= one.strict;
    verdicts.permissive &= one.permissive;
    verdicts.each.emplace_back(policy->id, one);
  }
  return verdicts;
}

Result<bool> SchemaEqualsJson(const std::string& text, const std::string& file, bool text_is_json, const json::Value& expected) {
  json::Value got;
  if (text_is_json) {
    REMIT_ASSIGN(got, ParseJson(text, file));
  } else {
    REMIT_ASSIGN(got, SchemaTextToJson(text, file));
  }
  return got == expected;
}

}  // namespace remit::cedar::command
