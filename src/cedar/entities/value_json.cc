// Cedar's JSON for values and the names of entities, without a schema. An object means something else than a record where its only member
// is an escape that is well-formed; then other members of what it holds are not looked at.
#include <fmt/format.h>

#include "base/text.h"
#include "cedar/entities.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/lexer.h"
#include "json/value.h"

namespace remit::cedar {
namespace {

std::unexpected<Error> BadValue(std::string message, std::string hint = {}) {
  return Fail(Code::kInvalidArgument, "bad-value", std::move(message), std::move(hint));
}

// The members `type` and `id` of an object; nulls where they are not both strings.
struct TypeAndId {
  const std::string* type = nullptr;
  const std::string* id = nullptr;
  explicit TypeAndId(const json::Value& document) : type(document.FindString("type")), id(document.FindString("id")) {}
  bool IsThere() const { return type != nullptr && id != nullptr; }
};

Result<EntityUid> ReadUid(const TypeAndId& from) {
  if (!IsTypeName(*from.type)) return BadValue(fmt::format("`{}` is not the name of an entity type", EscapeControl(*from.type)));
  return EntityUid{*from.type, *from.id};
}

Result<Value> ReadCall(const std::string& name, std::span<const json::Value> documents) {
  const ExtensionFunction* function = FindExtensionFunction(name);
  if (function == nullptr) return BadValue(fmt::format("`{}` is not a valid extension constructor", EscapeControl(name)));
  std::vector<Value> values;
  for (const json::Value& document : documents) {
    REMIT_ASSIGN(Value value, ValueFromJson(document));
    values.push_back(std::move(value));
  }
  std::vector<const Value*> arguments;
  for (const Value& value : values) arguments.push_back(&value);
  auto result = CallExtension(*function, arguments);
  if (!result) return BadValue(result.error().message, result.error().hint);
  return result;
}

// What the only member of an object means; nothing where it is a record's.
std::optional<Result<Value>> ReadEscape(const std::string& name, const json::Value& inner) {
  if (name == "__expr" && inner.IsString()) {
    return Fail(Code::kUnsupported, "bad-value", "the `__expr` escape is no longer supported");
  }
  if (name == "__entity") {
    const TypeAndId from(inner);
    if (!from.IsThere()) return std::nullopt;
    auto uid = ReadUid(from);
    if (!uid) return std::unexpected(std::move(uid).error());
    return Value(std::move(*uid));
  }
  if (name != "__extn") return std::nullopt;
  const std::string* function = inner.FindString("fn");
  if (function == nullptr) return std::nullopt;
  if (const json::Value* one = inner.Find("arg")) return ReadCall(*function, {one, 1});
  const json::Value* many = inner.Find("args");
  if (many == nullptr || !many->IsArray()) return std::nullopt;
  return ReadCall(*function, many->AsArray());
}

}  // namespace

Result<EntityUid> EntityUidFromJson(const json::Value& document) {
  if (document.FindString("__expr") != nullptr) return Fail(Code::kUnsupported, "bad-value", "the `__expr` escape is no longer supported");
  if (const json::Value* inner = document.Find("__entity")) {
    const TypeAndId from(*inner);
    if (from.IsThere()) return ReadUid(from);
  }
  const TypeAndId from(document);
  if (from.IsThere()) return ReadUid(from);
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
  if (object.size() == 1) {
    const auto& [name, inner] = *object.begin();
    if (auto escaped = ReadEscape(name, inner)) return std::move(*escaped);
  }
  Record record;
  for (const auto& [name, member] : object) {
    REMIT_ASSIGN(Value value, ValueFromJson(member));
    record.emplace(name, std::move(value));
  }
  return Value::FromRecord(std::move(record));
}

}  // namespace remit::cedar
