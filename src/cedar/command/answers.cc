#include "cedar/command/answers.h"

namespace remit::cedar::command {

json::Object ResponseToJson(const Response& response) {
  json::Array errors;
  for (const PolicyError& error : response.errors) errors.push_back(json::Object{{"policy", error.policy}, {"message", error.message}});
  return json::Object{
      {"decision", response.allowed ? "allow" : "deny"}, {"reason", json::StringArray(response.determining)}, {"errors", std::move(errors)}};
}

}  // namespace remit::cedar::command
