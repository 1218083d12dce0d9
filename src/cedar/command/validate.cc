// cedar validate: policies and templates against a schema.
#include "cedar/validator.h"

#include <fmt/format.h>

#include <algorithm>

#include "cedar/command/command.h"
#include "cedar/command/inputs.h"
#include "cedar/command/source_validation.h"

namespace remit::cedar::command {

Result<int> ValidatePolicies(Words words) {
  SchemaInput schema_input;
  PolicyInput policy_input;
  std::optional<std::string> mode;
  std::optional<std::int64_t> level;
  bool deny_warnings = false, json = false;
  Options options("validate", "checks policies against a schema; exit status 3 if they do not pass");
  schema_input.AddTo(options);
  policy_input.AddTo(options, true);
  options.Flag('\0', "deny-warnings", deny_warnings, "warnings fail, too")
      .Choice('\0', "validation-mode", mode, {"strict", "permissive"}, "without it: strict")
      .Number('\0', "level", level, "N", "how many entities deep a policy may look")
      .Flag('\0', "json", json, "one JSON object: valid, findings")
      .Example("cedar validate --schema schema.cedarschema --policies policies.cedar");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(json);
  if (!schema_input.file) return Fail(Code::kInvalidArgument, "usage", "`cedar validate` needs a schema", "give --schema FILE");
  ValidationOptions how;
  if (mode == "permissive") how.mode = ValidationMode::kPermissive;
  if (level) how.level = static_cast<unsigned>(std::min<std::int64_t>(*level, 1'000'000));

  REMIT_ASSIGN(const std::optional<Schema> schema, schema_input.Read());
  REMIT_ASSIGN(const PolicySetSource source, policy_input.ReadSource());
  REMIT_TRY(LinkAll(source));  // ids and slots
  const std::vector<Diagnostic> findings = ValidateSource(*schema, source, how);
  const auto errors = std::ranges::count(findings, Diagnostic::Severity::kError, &Diagnostic::severity);
  const auto warnings = std::ssize(findings) - errors;
  const bool valid = errors == 0 && (warnings == 0 || !deny_warnings);

  if (json) {
    json::Array list;
    for (const Diagnostic& finding : findings) list.push_back(FindingToJson(finding));
    PrintJson(json::Object{{"valid", valid}, {"findings", std::move(list)}});
  } else {
    for (const Diagnostic& finding : findings) PrintFinding(finding);
    PrintLine(fmt::format("{}: {} policies, {} errors, {} warnings", valid ? "valid" : "not valid", source.policies.size() + source.templates.size(),
                          errors, warnings));
  }
  return valid ? kOk : kValidationFailure;
}

}  // namespace remit::cedar::command
