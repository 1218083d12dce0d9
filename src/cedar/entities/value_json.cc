// Cedar's JSON for values and the names of entities, without a schema.
#include <fmt/format.h>

#include "base/text.h"
#include "cedar/entities.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/json_escape.h"
#include "cedar/language/lexer.h"
#include "json/value.h"

namespace remit::cedar {
namespace {

std::unexpected<Error> BadValue(std::string message, std::string hint = {}) {
  return Fail(Code::kInvalidArgument, "bad-value", std::move(message), std::move(hint));
}

Result<EntityUid> ReadUid(const JsonUid& from) {
  if (!IsTypeName(*from.type)) return BadValue(fmt::format("`{}` is not the name of an entity type", EscapeControl(*from.type)));
  return EntityUid{*from.type, *from.id};
}

std::unexpected<Error> NotSupported() { return Fail(Code::kUnsupported, "bad-value", "the `__expr` escape is no longer supported"); }

Result<Value> ReadCall(const JsonCall& call) {
  const ExtensionFunction* function = FindExtensionFunction(*call.function);
  if (function == nullptr) return BadValue(fmt::format("`{}` is not a valid extension constructor", EscapeControl(*call.function)));
  std::vector<Value> values;
  for (const json::Value& document : call.arguments) {
    REMIT_ASSIGN(Value value, ValueFromJson(document));
    values.push_back(std::move(value));
  }
  std::vector<const Value*> arguments;
  for (const Value& value : values) arguments.push_back(&value);
  auto result = CallExtension(*function, arguments);
  if (!result) return BadValue(result.error().message, result.error().hint);
  return result;
}

}  // namespace

Result<EntityUid> EntityUidFromJson(const json::Value& document) {
  if (const auto uid = FindPlainUid(document)) return ReadUid(*uid);
  if (document.FindString("__expr") != nullptr) return NotSupported();
  if (const auto uid = FindUidOrEscape(document)) return ReadUid(*uid);
  return BadValue("an entity reference must be an object with the strings `type` and `id`", R"(write {"type": "User", "id": "alice"})");
}

Result<Value> ValueFromJson(const json::Value& document) {
  if (document.IsBool()) return Value(document.AsBool());
  if (document.IsInt()) return Value(document.AsInt());
  if (document.IsString()) return Value(document.AsString());
  if (document.IsArray()) {
    std::vector<Value> members;
    for (const json::Value& member : document.AsArray()) {
      REMIT_ASSIGN(Value value, ValueFromJson(member));
      members.push_back(std::move(value));
    }
    return Value::Set(std::move(members));
  }
  if (!document.IsObject()) return BadValue(fmt::format("{} is not a Cedar value", document.TypeName()));
  const json::Object& object = document.AsObject();
  const JsonEscape escape = FindEscape(object);
  if (escape.expression) return NotSupported();
  if (escape.call) return ReadCall(*escape.call);
  if (escape.uid) {
    REMIT_ASSIGN(EntityUid uid, ReadUid(*escape.uid));
    return Value(std::move(uid));
  }
  Record record;
  for (const auto& [name, member] : object) {
    REMIT_ASSIGN(Value value, ValueFromJson(member));
    record.emplace(name, std::move(value));
  }
  return Value::FromRecord(std::move(record));
}

}  // namespace remit::cedar
