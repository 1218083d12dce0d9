// The context of a request, as it is read before anybody asks whether it conforms to the schema.
#include <fmt/format.h>

#include "base/text.h"
#include "cedar/command/inputs.h"

namespace remit::cedar::command {

std::unexpected<Error> UnknownAction(const Schema& schema, const EntityUid& action) {
  std::vector<std::string> known;
  for (const auto& [uid, type] : schema.actions()) known.push_back(uid.ToString());
  const std::string near = Nearest(action.ToString(), known);
  return Fail(Code::kInvalidArgument, "unknown-action", fmt::format("the schema has no action `{}`", action.ToString()),
              near.empty() ? "" : fmt::format("did you mean `{}`?", near));
}

Result<Value> ReadContext(const json::Value& document, const Schema* schema, const EntityUid& action) {
  const ActionType* type = schema == nullptr ? nullptr : schema->FindAction(action);
  if (schema != nullptr && type == nullptr) {
    return UnknownAction(*schema, action);
  }
  auto value = type == nullptr ? ValueFromJson(document) : schema->ReadForm(document, *type->context);
  if (!value) return Fail(std::move(value.error()).Within("the context"));
  if (!value->Is(Value::Kind::kRecord)) return Fail(Code::kInvalidArgument, "bad-value", "the context is not a JSON object");
  return value;
}

}  // namespace remit::cedar::command
