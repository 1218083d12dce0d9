#include "cedar/command/cases.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <set>

#include "cedar/authorizer.h"
#include "cedar/command/inputs.h"
#include "cedar/command/source_validation.h"
#include "cedar/format.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"
#include "cedar/schema_json.h"
#include "cedar/validator.h"

namespace remit::cedar::command {
namespace {

using Answer = Result<json::Object>;

std::unexpected<Error> BadQuestion(std::string_view what) {
  return Fail(Code::kInvalidArgument, "question", fmt::format("the question has no usable `{}`", what));
}

// What went wrong while `stage` was read: the reason of the error becomes the stage.
template <class T>
Result<T> At(std::string_view stage, Result<T> result) {
  if (result) return result;
  Error error = std::move(result.error());
  error.message = error.reason + ": " + error.message;
  error.reason = stage;
  return Fail(std::move(error));
}

Result<PolicySetSource> SourceOf(const json::Value& question) {
  if (const std::string* text = question.FindString("policies"); text != nullptr) {
    REMIT_ASSIGN(std::vector<PolicyPtr> parsed, At("policies", ParsePolicies(*text, "")));
    return Sorted(std::move(parsed));
  }
  const json::Value* set = question.Find("policySet");
  if (set == nullptr) return BadQuestion("policies");
  return At("policies", ReadPolicySet(*set));
}

Result<Policies> PoliciesOf(const json::Value& question) {
  REMIT_ASSIGN(PolicySetSource source, SourceOf(question));
  return At("policies", Linked(std::move(source)));
}

Result<std::optional<Schema>> SchemaOf(const json::Value& question) {
  const json::Value* schema = question.Find("schema");
  if (schema == nullptr) return std::nullopt;
  if (schema->IsString()) return At<std::optional<Schema>>("schema", ReadSchema(schema->AsString(), "", false));
  return At<std::optional<Schema>>("schema", ReadSchemaJson(*schema));
}

Result<Request> RequestOf(const json::Value& document, const Schema* schema, bool validate) {
  REMIT_ASSIGN(Request request, RequestFromJson(document, schema));
  if (validate && schema != nullptr) REMIT_TRY(schema->ValidateRequest(request));
  return request;
}

// {"requests": […], "validateRequest": bool}: for each ["allow" | "deny", [reason], [ids of errors]], or why it is refused.
Answer AnswerAuthorize(const json::Value& question) {
  REMIT_ASSIGN(const std::optional<Schema> schema, SchemaOf(question));
  const Schema* known = schema ? &*schema : nullptr;
  REMIT_ASSIGN(Policies policies, PoliciesOf(question));
  REMIT_ASSIGN(const PolicySet set, At("policies", PolicySet::Build(std::move(policies.policies))));
  const json::Value* documents = question.Find("entities");
  REMIT_ASSIGN(const Entities entities, At("entities", Entities::FromJson(documents == nullptr ? json::Array{} : *documents, known)));
  const json::Value* requests = question.Find("requests");
  if (requests == nullptr || !requests->IsArray()) return BadQuestion("requests");
  const json::Value* validate = question.Find("validateRequest");
  const bool validated = validate != nullptr && validate->IsBool() && validate->AsBool();
  json::Array answers;
  for (const json::Value& document : requests->AsArray()) {
    const auto request = RequestOf(document, known, validated);
    if (!request) {
      answers.push_back(request.error().ToString());
      continue;
    }
    const Response response = set.IsAuthorized(*request, entities);
    json::Array failed;
    for (const PolicyError& error : response.errors) failed.push_back(error.policy);
    answers.push_back(json::Array{response.allowed ? "allow" : "deny", json::StringArray(response.determining), std::move(failed)});
  }
  return json::Object{{"answers", std::move(answers)}};
}

// {"errors": [ids], "warnings": [ids]}, and "messages".
Answer AnswerValidate(const json::Value& question) {
  REMIT_ASSIGN(const std::optional<Schema> schema, SchemaOf(question));
  if (!schema) return BadQuestion("schema");
  REMIT_ASSIGN(const PolicySetSource source, SourceOf(question));
  REMIT_TRY(At("policies", LinkAll(source)));
  std::set<std::string> errors, warnings;
  json::Array messages;
  for (const Diagnostic& finding : ValidateSource(*schema, source)) {
    (finding.severity == Diagnostic::Severity::kError ? errors : warnings).insert(finding.policy);
    messages.push_back(fmt::format("{}: {}: {}", finding.policy, finding.reason, finding.message));
  }
  return json::Object{{"errors", json::StringArray({errors.begin(), errors.end()})},
                      {"warnings", json::StringArray({warnings.begin(), warnings.end()})},
                      {"messages", std::move(messages)}};
}

Answer AnswerParse(const json::Value& question) {
  if (const json::Value* schema = question.Find("schema"); schema != nullptr) REMIT_TRY(SchemaOf(question));
  if (question.Find("policies") != nullptr || question.Find("policySet") != nullptr) REMIT_TRY(PoliciesOf(question));
  if (const std::string* text = question.FindString("expression"); text != nullptr) REMIT_TRY(At("expression", ParseExpr(*text)));
  if (const json::Value* entities = question.Find("entities"); entities != nullptr) {
    REMIT_ASSIGN(const std::optional<Schema> schema, SchemaOf(question));
    REMIT_TRY(At("entities", Entities::FromJson(*entities, schema ? &*schema : nullptr)));
  }
  return json::Object{};
}

// {"policies": text of one policy or template} → {"json"}.
Answer AnswerPolicyToJson(const json::Value& question) {
  REMIT_ASSIGN(const Policies policies, PoliciesOf(question));
  if (policies.policies.size() + policies.templates.size() != 1) return BadQuestion("policies: one policy");
  return json::Object{{"json", PolicyToJson(policies.policies.empty() ? *policies.templates.front() : *policies.policies.front())}};
}

// {"json"} → {"text"}.
Answer AnswerPolicyFromJson(const json::Value& question) {
  const json::Value* document = question.Find("json");
  if (document == nullptr) return BadQuestion("json");
  REMIT_ASSIGN(const PolicyPtr policy, At("policies", PolicyFromJson(*document, "policy0")));
  return json::Object{{"text", ToString(*policy)}};
}

// {"text"} → {"json"}, and {"json"} → {"text"}.
Answer AnswerSchemaToJson(const json::Value& question) {
  const std::string* text = question.FindString("text");
  if (text == nullptr) return BadQuestion("text");
  REMIT_ASSIGN(json::Value document, At("schema", SchemaTextToJson(*text, "")));
  return json::Object{{"json", std::move(document)}};
}
Answer AnswerSchemaToText(const json::Value& question) {
  const json::Value* document = question.Find("json");
  if (document == nullptr) return BadQuestion("json");
  REMIT_TRY(At("schema", ReadSchemaJson(*document)));  // a translation alone looks no name up, this door of the reference does
  REMIT_ASSIGN(std::string text, At("schema", SchemaJsonToText(*document)));
  return json::Object{{"text", std::move(text)}};
}

// {"text", "lineWidth", "indentWidth"} → {"text", "again": what formatting makes of that}.
Answer AnswerFormat(const json::Value& question) {
  const std::string* text = question.FindString("text");
  const json::Value *width = question.Find("lineWidth"), *indent = question.Find("indentWidth");
  if (text == nullptr || width == nullptr || indent == nullptr || !width->IsInt() || !indent->IsInt()) return BadQuestion("text");
  const FormatOptions options{.line_width = static_cast<int>(width->AsInt()), .indent_width = static_cast<int>(indent->AsInt())};
  REMIT_ASSIGN(const std::string once, At("policies", FormatPolicies(*text, "", options)));
  REMIT_ASSIGN(const std::string twice, At("format", FormatPolicies(once, "", options)));
  return json::Object{{"text", once}, {"again", twice}};
}

struct Kind {
  std::string_view op;
  Answer (*answer)(const json::Value& question);
};
constexpr auto kKinds = std::to_array<Kind>({
    {"authorize", AnswerAuthorize},
    {"validate", AnswerValidate},
    {"parse", AnswerParse},
    {"policy-to-json", AnswerPolicyToJson},
    {"policy-from-json", AnswerPolicyFromJson},
    {"schema-to-json", AnswerSchemaToJson},
    {"schema-to-text", AnswerSchemaToText},
    {"format", AnswerFormat},
});

Answer Answered(const json::Value& question) {
  const std::string* op = question.FindString("op");
  for (const Kind& kind : kKinds) {
    if (op != nullptr && kind.op == *op) return kind.answer(question);
  }
  return BadQuestion("op");
}

}  // namespace

json::Object AnswerCase(const json::Value& question) {
  Answer answer = Answered(question);
  if (!answer) return json::Object{{"ok", false}, {"stage", answer.error().reason}, {"message", answer.error().ToString()}};
  json::Object out{{"ok", true}};
  for (auto& [name, value] : *answer) out.Append(name, std::move(value));
  return out;
}

}  // namespace remit::cedar::command
