// Verdicts of the validator as test files have them: strict and permissive, for all policies together and for each.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"
#include "json/value.h"

namespace remit::cedar::command {

struct Verdict {
  bool strict = true, permissive = true;
};

struct Verdicts {
  bool strict = true, permissive = true;
  std::vector<std::pair<std::string, Verdict>> each;  // by id, in the order of the policies
  std::vector<std::string> messages;                  // of the strict mode's errors
};

Result<Verdicts> ValidateBothWays(const Schema& schema, const std::vector<PolicyPtr>& policies);

// Whether the schema's text says what `expected`, the JSON form, says: the same declarations, names not resolved.
Result<bool> SchemaEqualsJson(const std::string& text, const std::string& file, bool text_is_json, const json::Value& expected);

}  // namespace remit::cedar::command
