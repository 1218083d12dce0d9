// See openapi.h.
#include "api/openapi.h"

#include <string>

#include <fmt/format.h>

#include "api/openapi/parts.h"
#include "json/write.h"

namespace remit::api {
namespace {

using openapi::Answer, openapi::Operation;

json::Value Reference(std::string_view kind, std::string_view name) { return json::Object{{"$ref", fmt::format("#/components/{}/{}", kind, name)}}; }

json::Value Content(std::string_view type, std::string_view schema) {
  json::Object content;
  content.Set(std::string(type), json::Object{{"schema", Reference("schemas", schema)}});
  return content;
}

json::Value Described(const Operation& operation) {
  const Operation::Form& form = operation.form;
  json::Object out{{"operationId", operation.name.id}, {"tags", json::Array{operation.name.tag}}, {"summary", operation.name.summary}};
  if (!form.description.empty()) out.Set("description", form.description);
  if (form.open) out.Set("security", json::Array{});
  if (!form.parameters.empty()) {
    json::Array parameters;
    for (const std::string_view name : form.parameters) parameters.push_back(Reference("parameters", name));
    out.Set("parameters", std::move(parameters));
  }
  if (!form.body.empty()) out.Set("requestBody", json::Object{{"required", !form.body_optional}, {"content", Content(form.body_type, form.body)}});
  json::Object responses;
  for (const Answer& answer : form.answers) {
    json::Object response{{"description", answer.description}};
    if (!answer.schema.empty()) response.Set("content", Content(answer.type, answer.schema));
    responses.Set(std::to_string(answer.status), std::move(response));
  }
  responses.Set("default", Reference("responses", form.failure));
  out.Set("responses", std::move(responses));
  return out;
}

json::Value Paths() {
  json::Object paths;
  for (const auto& part : {openapi::TaskOperations(), openapi::LifeOperations(), openapi::SetupOperations(), openapi::EventOperations(),
                           openapi::StandardOperations()}) {
    for (const Operation& operation : part) {
      const std::string path(operation.name.path);
      const json::Value* there = paths.Find(path);
      json::Object methods = there == nullptr ? json::Object() : there->AsObject();
      methods.Set(operation.name.method, Described(operation));
      paths.Set(path, std::move(methods));
    }
  }
  return paths;
}

}  // namespace

std::string_view OpenApiDocument() {
  static const std::string document =
      fmt::format("{{{},\n\"paths\": {},\n\"components\": {{\n {},\n \"schemas\": {{\n{},\n{},\n{}}}}}}}\n", openapi::Head(), json::Write(Paths()),
                  openapi::Components(), openapi::Schemas(), openapi::RequestSchemas(), openapi::AnswerSchemas());
  return document;
}

}  // namespace remit::api
