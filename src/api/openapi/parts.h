// The parts of the OpenAPI document. An operation is a line of a table; what it names (parameters, schemas) stands once among the components,
// which are JSON text. openapi.cc puts them together. Edit them in their files.
#pragma once

#include <string_view>
#include <vector>

namespace remit::api::openapi {

inline constexpr std::string_view kJson = "application/json", kForm = "application/x-www-form-urlencoded", kText = "text/plain",
                                  kBytes = "application/octet-stream", kEventStream = "text/event-stream", kLines = "application/x-ndjson";

struct Answer {
  int status = 200;
  std::string_view schema = "";  // of components/schemas; "" where it has no body
  std::string_view type = kJson;
  std::string_view description = "done";
};

struct Operation {
  struct Name {
    std::string_view method, path, id, tag, summary;
  };
  struct Form {
    std::string_view description = "";
    bool open = false;                              // nobody needs a handle
    std::vector<std::string_view> parameters = {};  // of components/parameters
    std::string_view body = "";                     // of components/schemas; "" where there is none
    bool body_optional = false;
    std::string_view body_type = kJson;
    std::vector<Answer> answers = {};      // when it is done
    std::string_view failure = "Problem";  // of components/responses
  };

  Name name;
  Form form;
};

std::vector<Operation> TaskOperations();
std::vector<Operation> LifeOperations();
std::vector<Operation> SetupOperations();
std::vector<Operation> EventOperations();
std::vector<Operation> StandardOperations();

// JSON: members of the whole, of `components`, and of `components/schemas`.
std::string_view Head();
std::string_view Components();
std::string_view Schemas();
std::string_view RequestSchemas();
std::string_view AnswerSchemas();

}  // namespace remit::api::openapi
