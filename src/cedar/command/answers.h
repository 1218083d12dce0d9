// Answers of the library as JSON.
#pragma once

#include "cedar/authorizer.h"
#include "json/value.h"

namespace remit::cedar::command {

// {"decision": "allow" | "deny", "reason": [ids], "errors": [{"policy", "message"}]}
json::Object ResponseToJson(const Response& response);

}  // namespace remit::cedar::command
