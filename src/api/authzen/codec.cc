// See authzen.h.
#include "api/authzen/authzen.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "base/limits.h"
#include "base/text.h"
#include "http/message.h"
#include "json/object_reader.h"

namespace remit::api {
namespace {

// The four parts of an evaluation, each from the item or from the defaults.
struct Parts {
  const json::Value* subject = nullptr;
  const json::Value* action = nullptr;
  const json::Value* resource = nullptr;
  const json::Value* context = nullptr;
};

Parts Take(json::ObjectReader& r) {
  Parts parts;
  parts.subject = r.OptionalValue("subject");
  parts.action = r.OptionalValue("action");
  parts.resource = r.OptionalValue("resource");
  parts.context = r.OptionalValue("context");
  return parts;
}

Result<const json::Value*> Object(const json::Value* value, std::string_view name, std::string_view place) {
  if (value == nullptr)
    return Fail(Error(Code::kInvalidArgument, "missing-field", fmt::format("field `{}` is missing", name)).At(std::string(place)));
  if (!value->IsObject())
    return Fail(Error(Code::kInvalidArgument, "bad-field", fmt::format("`{}` is an object, not {}", name, value->TypeName())).At(std::string(place)));
  return value;
}

Status ReadSubject(const json::Value& subject, const std::string& place, Evaluation& out) {
  json::ObjectReader r(subject, place + ".subject");
  std::string type = r.RequiredString("type");
  std::string id = r.RequiredString("id");
  r.OptionalObject("properties");
  REMIT_TRY(r.Finish());
  if (type == "remit_token") {
    out.use.token = std::move(id);
  } else {
    out.use.task = std::move(id);
    if (type != "task") out.use.type = std::move(type);
  }
  return {};
}

Status ReadAction(const json::Value& action, const std::string& place, Evaluation& out) {
  json::ObjectReader r(action, place + ".action");
  const std::string name = r.RequiredString("name");
  const json::Object* properties = r.OptionalObject("properties");
  REMIT_TRY(r.Finish());
  if (properties != nullptr && !properties->empty()) {
    return Fail(Error(Code::kUnsupported, "unsupported-properties", "properties of an action are not supported")
                    .At(place + ".action")
                    .Hint("put them into `context`, where the action declares them"));
  }
  auto uid = ActionOfName(name);
  if (!uid.has_value()) return Fail(std::move(uid).error().At(place + ".action.name"));
  out.use.action = std::move(uid).value();
  return {};
}

Status ReadResource(const json::Value& resource, const std::string& place, Evaluation& out) {
  json::ObjectReader r(resource, place + ".resource");
  cedar::EntityUid uid{r.RequiredString("type"), r.RequiredString("id")};
  const json::Object* properties = r.OptionalObject("properties");
  REMIT_TRY(r.Finish());
  out.use.resource_attributes = properties == nullptr ? json::Object{} : *properties;
  REMIT_ASSIGN(out.use.resource, CheckUid(std::move(uid), place + ".resource"));
  return {};
}

Result<Evaluation> Read(const Parts& own, const Parts& defaults, const std::string& place) {
  const auto pick = [](const json::Value* a, const json::Value* b) { return a != nullptr ? a : b; };
  REMIT_ASSIGN(const json::Value* subject, Object(pick(own.subject, defaults.subject), "subject", place));
  REMIT_ASSIGN(const json::Value* action, Object(pick(own.action, defaults.action), "action", place));
  REMIT_ASSIGN(const json::Value* resource, Object(pick(own.resource, defaults.resource), "resource", place));
  Evaluation evaluation;
  REMIT_TRY(ReadSubject(*subject, place, evaluation));
  REMIT_TRY(ReadAction(*action, place, evaluation));
  REMIT_TRY(ReadResource(*resource, place, evaluation));
  evaluation.use.context = json::Object{};
  if (const json::Value* context = pick(own.context, defaults.context)) {
    REMIT_ASSIGN(const json::Value* object, Object(context, "context", place));
    evaluation.use.context = *object;
  }
  return evaluation;
}

Result<BatchRule> ReadRule(const json::Object* options) {
  if (options == nullptr) return BatchRule::kExecuteAll;
  json::ObjectReader r(*options, "body.options");
  const std::string rule = r.OptionalString("evaluations_semantic").value_or("execute_all");
  REMIT_TRY(r.Finish());
  if (rule == "execute_all") return BatchRule::kExecuteAll;
  if (rule == "deny_on_first_deny") return BatchRule::kDenyOnFirstDeny;
  if (rule == "permit_on_first_permit") return BatchRule::kPermitOnFirstPermit;
  return Fail(Error(Code::kInvalidArgument, "bad-field", fmt::format("`{}` is not a semantic of evaluations", EscapeControl(rule)))
                  .At("body.options.evaluations_semantic"));
}

}  // namespace

Result<Evaluation> ReadEvaluation(const json::Value& body) {
  json::ObjectReader r(body, "body");
  const Parts parts = Take(r);
  REMIT_TRY(r.Finish());
  return Read(parts, {}, "body");
}

Result<EvaluationBatch> ReadEvaluations(const json::Value& body) {
  json::ObjectReader r(body, "body");
  const Parts defaults = Take(r);
  const json::Array* items = r.OptionalArray("evaluations");
  const json::Object* options = r.OptionalObject("options");
  REMIT_TRY(r.Finish());
  EvaluationBatch batch;
  REMIT_ASSIGN(batch.rule, ReadRule(options));
  if (items == nullptr || items->empty()) {
    REMIT_ASSIGN(Evaluation one, Read(defaults, {}, "body"));
    batch.single = true;
    batch.items.push_back(std::move(one));
    return batch;
  }
  if (items->size() > limits::kBatchEvaluations) {
    return Fail(Error(Code::kInvalidArgument, "too-many-evaluations", fmt::format("at most {} evaluations in one request", limits::kBatchEvaluations))
                    .At("body.evaluations"));
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    const std::string place = fmt::format("body.evaluations[{}]", i);
    json::ObjectReader item((*items)[i], place);
    const Parts own = Take(item);
    Status read = item.Finish();
    batch.items.push_back(read.has_value() ? Read(own, defaults, place) : Result<Evaluation>(Fail(std::move(read).error())));
  }
  return batch;
}

// Member by member: what stands in an initializer list is copied.
json::Value DecisionJson(broker::UseAnswer answer) {
  json::Object context;
  context.Append("reason", std::move(answer.reason));
  context.Append("policies", json::StringArray(answer.policies));
  if (!answer.errors.empty()) context.Append("errors", json::StringArray(answer.errors));
  context.Append("catalog", std::move(answer.catalog));
  context.Append("facts", std::move(answer.facts));
  if (!answer.approval.empty()) context.Append("approval", std::move(answer.approval));
  json::Object decision;
  decision.Append("decision", answer.allowed);
  decision.Append("context", std::move(context));
  return decision;
}

json::Value FailedDecisionJson(const Error& error) {
  return json::Object{{"decision", false},
                      {"context", json::Object{{"error", json::Object{{"status", http::StatusOf(error.code)}, {"message", error.ToString()}}}}}};
}

json::Value AuthzenMetadata(const std::string& issuer) {
  return json::Object{{"policy_decision_point", issuer},
                      {"access_evaluation_endpoint", issuer + "/access/v1/evaluation"},
                      {"access_evaluations_endpoint", issuer + "/access/v1/evaluations"}};
}

}  // namespace remit::api
