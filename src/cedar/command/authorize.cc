// cedar authorize: one decision.
#include <fmt/format.h>

#include <chrono>

#include "cedar/authorizer.h"
#include "cedar/command/answers.h"
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"

namespace remit::cedar::command {

Result<int> Authorize(Words words) {
  RequestInput request_input;
  PolicyInput policy_input;
  SchemaInput schema_input;
  EntityInput entity_input;
  bool verbose = false, timing = false, json = false;
  Options options("authorize", "decides one request; exit status 0 for allow, 2 for deny");
  request_input.AddTo(options);
  policy_input.AddTo(options, true);
  schema_input.AddTo(options);
  entity_input.AddTo(options);
  options.Flag('v', "verbose", verbose, "the policies that made the decision, too")
      .Flag('t', "timing", timing, "how long the decision took, without reading, too")
      .Flag('\0', "json", json, "one JSON object: decision, reason, errors")
      .Example(
          "cedar authorize --policies policies.cedar --schema schema.cedarschema --entities entities.json \\\n"
          "  --principal 'User::\"alice\"' --action 'Action::\"view\"' --resource 'Photo::\"pic\"' --verbose");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(json);

  REMIT_ASSIGN(const std::optional<Schema> schema, schema_input.Read());
  const Schema* known = schema ? &*schema : nullptr;
  REMIT_ASSIGN(Policies policies, policy_input.Read());
  REMIT_ASSIGN(const PolicySet set, PolicySet::Build(std::move(policies.policies)));
  REMIT_ASSIGN(const Entities entities, entity_input.Read(known));
  REMIT_ASSIGN(const Request request, request_input.Read(known));

  const auto begin = std::chrono::steady_clock::now();
  const Response response = set.IsAuthorized(request, entities);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;

  const int exit = response.allowed ? kOk : kDeny;
  if (json) {
    json::Object answer = ResponseToJson(response);
    if (timing) answer.Set("microseconds", took.count());
    return PrintJson(answer), exit;
  }
  PrintLine(response.allowed ? "ALLOW" : "DENY");
  for (const PolicyError& error : response.errors) PrintLine(fmt::format("error in policy `{}`: {}", error.policy, error.message));
  if (verbose && response.determining.empty()) PrintLine("no policy applies to this request");
  if (verbose && !response.determining.empty()) {
    PrintLine("decided by:");
    for (const std::string& policy : response.determining) PrintLine("  " + policy);
  }
  if (timing) PrintLine(fmt::format("{:.2f} µs", took.count()));
  return exit;
}

}  // namespace remit::cedar::command
