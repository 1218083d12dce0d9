// The context of a request, as it is read before anybody asks whether it conforms to the schema.
#include <fmt/format.h>

#include "base/text.h"
#include "cedar/command/inputs.h"

namespace remit::cedar::command {
namespace {

std::unexpected<Error> IllTyped(std::string message) { return Fail(Code::kInvalidArgument, "ill-typed", std::move(message)); }

Result<Value> ReadForm(const json::Value& document, const Schema& schema, const Type& type);

Result<Value> ReadRecord(const json::Value& document, const Schema& schema, const Type& type) {
  if (!document.IsObject()) return IllTyped(fmt::format("expected a record, found {}", document.TypeName()));
  Record record;
  for (const auto& [name, member] : document.AsObject()) {
    const auto declared = type.attributes.find(name);
    if (declared == type.attributes.end()) return IllTyped(fmt::format("attribute `{}` is not declared", EscapeControl(name)));
    auto value = ReadForm(member, schema, *declared->second.type);
    if (!value) return Fail(std::move(value.error()).Within(fmt::format("`{}`", EscapeControl(name))));
    record.emplace(name, *std::move(value));
  }
  for (const auto& [name, attribute] : type.attributes) {
    if (attribute.required && !record.contains(name)) return IllTyped(fmt::format("attribute `{}` is missing", EscapeControl(name)));
  }
  return Value::FromRecord(std::move(record));
}

// By the declared type where it decides how something is read: records, sets, the short forms of entities and extension values. What stands
// where a boolean, a number or a string is declared is read as it is written.
Result<Value> ReadForm(const json::Value& document, const Schema& schema, const Type& type) {
  switch (type.kind) {
    case Type::Kind::kBool:
    case Type::Kind::kLong:
    case Type::Kind::kString: return ValueFromJson(document);
    case Type::Kind::kExtension: {
      auto value = schema.ReadValue(document, type);
      // One that says itself what it is may be of another type than declared: whether that is wrong is asked of the request.
      return !value && value.error().reason == "ill-typed" && document.Find("__extn") != nullptr ? ValueFromJson(document) : value;
    }
    case Type::Kind::kEntity: {
      REMIT_ASSIGN(EntityUid uid, EntityUidFromJson(document));
      return Value(std::move(uid));
    }
    case Type::Kind::kRecord: return ReadRecord(document, schema, type);
    case Type::Kind::kSet: break;
  }
  if (!document.IsArray()) return IllTyped(fmt::format("expected a set, found {}", document.TypeName()));
  std::vector<Value> members;
  for (const json::Value& member : document.AsArray()) {
    REMIT_ASSIGN(Value value, ReadForm(member, schema, *type.element));
    members.push_back(std::move(value));
  }
  return Value::Set(std::move(members));
}

}  // namespace

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
  auto value = type == nullptr ? ValueFromJson(document) : ReadForm(document, *schema, *type->context);
  if (!value) return Fail(std::move(value.error()).Within("the context"));
  if (!value->Is(Value::Kind::kRecord)) return Fail(Code::kInvalidArgument, "bad-value", "the context is not a JSON object");
  return value;
}

}  // namespace remit::cedar::command
