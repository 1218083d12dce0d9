// Writing of answers. See codec.h.
#include "api/codec.h"
#include "base/text.h"
#include "broker/views.h"

namespace remit::api {
namespace {

std::string_view KindName(identity::Caller::Kind kind) {
  using Kind = identity::Caller::Kind;
  switch (kind) {
    case Kind::kNobody: return "nobody";
    case Kind::kActor: return "actor";
    case Kind::kPerson: return "person";
    case Kind::kTask: return "task";
    case Kind::kHolder: return "holder";
    case Kind::kOperator: return "operator";
  }
  return "nobody";
}

}  // namespace

json::Value ToJson(const std::map<std::string, Secret>& environment) {
  json::Object object;
  for (const auto& [name, value] : environment) object.Append(name, value.Reveal());
  return object;
}

json::Value ToJson(const broker::StartAnswer& answer) {
  json::Object object{{"task", broker::TaskJson(answer.task)},
                      {"token", answer.token.Reveal()},
                      {"holder", answer.holder.Reveal()},
                      {"environment", ToJson(answer.environment)},
                      {"credentials", broker::CredentialsJson(answer.credentials)},
                      {"accepted", json::StringArray(answer.accepted)}};
  if (!answer.approval.empty()) object.Set("approval", answer.approval);
  return object;
}

json::Value ResumedJson(const broker::StartAnswer& answer) {
  return json::Object{{"task", broker::TaskJson(answer.task)},
                      {"credentials", broker::CredentialsJson(answer.credentials)},
                      {"accepted", json::StringArray(answer.accepted)}};
}

json::Value ToJson(const broker::ExtendAnswer& answer) {
  json::Object object{{"task", broker::TaskJson(answer.task)}};
  if (!answer.approval.empty()) object.Set("approval", answer.approval);
  return object;
}

json::Value ToJson(const broker::EndAnswer& answer) {
  return json::Object{{"task", broker::TaskJson(answer.task)},
                      {"sub_tasks", json::StringArray(answer.sub_tasks)},
                      {"credentials", broker::CredentialsJson(answer.credentials)},
                      {"all_dead", answer.all_dead}};
}

json::Value ToJson(const broker::UseAnswer& answer) {
  json::Object object{{"allowed", answer.allowed},
                      {"reason", answer.reason},
                      {"policies", json::StringArray(answer.policies)},
                      {"errors", json::StringArray(answer.errors)},
                      {"catalog", answer.catalog},
                      {"facts", answer.facts}};
  if (!answer.approval.empty()) object.Set("approval", answer.approval);
  return object;
}

json::Value ToJson(const broker::TokenAnswer& answer) {
  return json::Object{{"token", answer.token.Reveal()}, {"expires", FormatTime(answer.expires)}, {"credential", answer.credential}};
}

json::Value SecretWrittenJson(const broker::SecretAnswer& answer) {
  return json::Object{{"version", answer.version}, {"written", FormatTime(answer.written)}};
}

json::Value SecretReadJson(const broker::SecretAnswer& answer) {
  json::Object object;
  if (IsUtf8(answer.value.Reveal())) {
    object.Set("value", answer.value.Reveal());
  } else {
    object.Set("value", Base64Encode(answer.value.RevealBytes()));
    object.Set("encoding", "base64");
  }
  object.Set("version", answer.version);
  object.Set("written", FormatTime(answer.written));
  return object;
}

json::Value ToJson(const broker::CatalogAnswer& answer) {
  json::Object object{{"hash", answer.hash},
                      {"loaded", answer.loaded},
                      {"warnings", json::StringArray(answer.warnings)},
                      {"narrowed", json::StringArray(answer.narrowed)},
                      {"ended", json::StringArray(answer.ended)},
                      {"losses", answer.losses},
                      {"losers", answer.losers}};
  if (!answer.approval.empty()) object.Set("approval", answer.approval);
  return object;
}

json::Value ToJson(const broker::FactsAnswer& answer) {
  if (!answer.approval.empty()) return json::Object{{"approval", answer.approval}};
  json::Object o{{"hash", answer.hash}, {"entities", answer.entities}};
  if (answer.approvals_needed) o.Set("dry_run", true), o.Set("approvals_needed", *answer.approvals_needed);
  return o;
}

json::Value ToJson(const identity::Caller& caller) {
  json::Object object{{"kind", KindName(caller.kind)}};
  object.Set("uid", caller.uid.type.empty() ? std::string() : caller.uid.ToString());
  if (!caller.task.empty()) object.Set("task", caller.task);
  return object;
}

json::Value ToJson(const task::Catalog& catalog) {
  json::Array files, types;
  for (const task::CatalogFile& file : catalog.files()) files.push_back(json::Object{{"name", file.name}, {"text", file.text}});
  for (const auto& [entity_type, type] : catalog.task_types()) {
    json::Array parameters;
    for (const task::Parameter& p : type.parameters) {
      parameters.push_back(json::Object{{"name", p.name}, {"type", p.type->ToString()}, {"required", p.required}});
    }
    types.push_back(json::Object{{"name", type.name},
                                 {"entity_type", type.entity_type},
                                 {"purpose", type.purpose},
                                 {"ttl", FormatDuration(type.ttl)},
                                 {"parameters", std::move(parameters)}});
  }
  return json::Object{{"hash", catalog.hash()}, {"files", std::move(files)}, {"types", std::move(types)}};
}

}  // namespace remit::api
