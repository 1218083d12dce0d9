// cedar query: what may be done, to what, or by whom. The part of the request that is left out is what is asked for.
#include "cedar/query.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"

namespace remit::cedar::command {
namespace {

// Permitted entities (actions are entities, too) and those that hang on the context, with what is left of each policy.
struct Found {
  std::vector<EntityUid> permitted;
  std::vector<std::pair<EntityUid, PartialResponse>> open;
};

json::Object ToJson(const Found& found) {
  json::Array permitted, open;
  for (const EntityUid& uid : found.permitted) permitted.push_back(uid.ToString());
  for (const auto& [uid, response] : found.open) {
    json::Array residuals;
    for (const PolicyPtr& policy : response.Residuals()) residuals.push_back(ToString(*policy));
    open.push_back(json::Object{{"entity", uid.ToString()}, {"residuals", std::move(residuals)}});
  }
  return json::Object{{"permitted", std::move(permitted)}, {"open", std::move(open)}};
}

void Print(const Found& found) {
  for (const EntityUid& uid : found.permitted) PrintLine(uid.ToString());
  for (const auto& [uid, response] : found.open) {
    PrintLine(fmt::format("{}, if:", uid.ToString()));
    for (const auto* list : {&response.open_permits, &response.open_forbids}) {
      for (const PartialResponse::Open& open : *list) {
        const bool permit = list == &response.open_permits;
        PrintLine(fmt::format("  {}{}   // policy `{}`", permit ? "" : "not ", ToString(*open.residual), open.policy->id));
      }
    }
  }
}

struct Question {
  std::optional<EntityUid> principal, action, resource;
  std::optional<Value> context;
  std::optional<std::string> type;
};

// Of a name that the schema does not know nothing is ever permitted: a slip, and no answer.
Status CheckType(const Schema& schema, std::string_view type) {
  if (schema.FindEntityType(type) != nullptr) return {};
  std::vector<std::string> known;
  for (const auto& [name, declared] : schema.entity_types()) known.push_back(name);
  const std::string near = Nearest(type, known);
  return Fail(Code::kInvalidArgument, "unknown-entity-type", fmt::format("the schema has no entity type `{}`", EscapeControl(type)),
              near.empty() ? "" : fmt::format("did you mean `{}`?", near));
}

Status CheckNames(const Question& q, const Schema& schema) {
  if (q.principal) REMIT_TRY(CheckType(schema, q.principal->type));
  if (q.resource) REMIT_TRY(CheckType(schema, q.resource->type));
  if (q.type) REMIT_TRY(CheckType(schema, *q.type));
  if (q.action && schema.FindAction(*q.action) == nullptr) return UnknownAction(schema, *q.action);
  return {};
}

Result<Found> Ask(const Question& q, const PolicySet& set, const Schema& schema, const Entities& entities) {
  Found found;
  if (!q.action) {
    if (q.type) return Fail(Code::kInvalidArgument, "usage", "`--type` narrows entities, and actions are asked for", "leave it out");
    ActionAnswer answer = QueryActions(set, schema, entities, *q.principal, *q.resource, q.context);
    found.permitted = std::move(answer.permitted);
    for (OpenAction& open : answer.open) found.open.emplace_back(std::move(open.action), std::move(open.response));
    return found;
  }
  EntityAnswer answer = q.resource ? QueryPrincipals(set, schema, entities, *q.action, *q.resource, q.context, q.type)
                                   : QueryResources(set, schema, entities, *q.principal, *q.action, q.context, q.type);
  found.permitted = std::move(answer.permitted);
  for (OpenEntity& open : answer.open) found.open.emplace_back(std::move(open.entity), std::move(open.response));
  return found;
}

}  // namespace

Result<int> Query(Words words) {
  RequestInput request;
  PolicyInput policy_input;
  SchemaInput schema_input;
  EntityInput entity_input;
  Question question;
  bool json = false;
  Options options("query", "what may be done, to what, or by whom: two of --principal, --action and --resource, and the third is asked for");
  options.Value('l', "principal", request.principal, "ENTITY", "who asks, e.g. 'User::\"alice\"'")
      .Value('a', "action", request.action, "ENTITY", "what for, e.g. 'Action::\"view\"'")
      .Value('r', "resource", request.resource, "ENTITY", "on what, e.g. 'Photo::\"pic\"'")
      .Value('c', "context", request.context, "FILE", "the context; without it answers may hang on it, and say so");
  policy_input.AddTo(options, true);
  schema_input.AddTo(options);
  entity_input.AddTo(options);
  options.Value('\0', "type", question.type, "TYPE", "only entities of this type")
      .Flag('\0', "json", json, "one JSON object: permitted, open (with what is left of each policy)")
      .Example(
          "cedar query --principal 'User::\"alice\"' --action 'Action::\"view\"' \\\n"
          "  --policies policies.cedar --schema schema.cedarschema --entities entities.json");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(json);
  if (!schema_input.file) return Fail(Code::kInvalidArgument, "usage", "`cedar query` needs a schema", "give --schema FILE");
  if (int{!request.principal} + int{!request.action} + int{!request.resource} != 1) {
    return Fail(Code::kInvalidArgument, "usage", "`cedar query` takes two of `--principal`, `--action` and `--resource`", "cedar query --help");
  }

  REMIT_ASSIGN(const std::optional<Schema> schema, schema_input.Read());
  REMIT_ASSIGN(Policies policies, policy_input.Read());
  REMIT_ASSIGN(const PolicySet set, PolicySet::Build(std::move(policies.policies)));
  REMIT_ASSIGN(const Entities entities, entity_input.Read(&*schema));
  REMIT_ASSIGN(question.principal, OptionalUid(request.principal, "principal"));
  REMIT_ASSIGN(question.action, OptionalUid(request.action, "action"));
  REMIT_ASSIGN(question.resource, OptionalUid(request.resource, "resource"));
  REMIT_TRY(CheckNames(question, *schema));
  if (request.context) {
    REMIT_ASSIGN(const json::Value document, ReadJson(*request.context));
    // Of several actions each reads the context by its own type: here as it is written.
    auto value = question.action ? ReadContext(document, &*schema, *question.action) : ReadContext(document, nullptr, {});
    if (!value) return Fail(In(*request.context, std::move(value.error())));
    question.context = *std::move(value);
  }
  REMIT_ASSIGN(const Found found, Ask(question, set, *schema, entities));
  if (json) return PrintJson(ToJson(found)), kOk;
  return Print(found), kOk;
}

}  // namespace remit::cedar::command
