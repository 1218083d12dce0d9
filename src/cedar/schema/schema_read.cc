// JSON by the type that is expected, so that people can write `"1.50"` for a decimal and {"type": …, "id": …} for an entity.
#include <fmt/format.h>

#include "cedar/entities.h"
#include "cedar/language/ext_functions.h"
#include "cedar/schema.h"
#include "json/value.h"

namespace remit::cedar {
namespace {

std::unexpected<Error> Unreadable(const Type& expected, const json::Value& found) {
  return Fail(Code::kInvalidArgument, "ill-typed", fmt::format("expected `{}`, found {}", expected.ToString(), found.TypeName()));
}

Result<Value> Construct(std::string_view function, const std::string& text) {
  const ExtensionFunction* constructor = FindExtensionFunction(function);
  REMIT_CHECK(constructor != nullptr && constructor->constructor);
  const Value argument(text);
  const Value* const arguments[] = {&argument};
  auto value = CallExtension(*constructor, arguments);
  if (!value) return Fail(Code::kInvalidArgument, "bad-value", value.error().message);
  return value;
}

Result<Value> ReadExtension(const json::Value& document, const Type& type) {
  const std::string_view constructor = type.name == "ipaddr" ? "ip" : std::string_view(type.name);
  if (document.IsString()) return Construct(constructor, document.AsString());
  if (!document.IsObject()) return Unreadable(type, document);
  if (document.Find("__extn") != nullptr) return ValueFromJson(document);
  json::Object wrapped;
  wrapped.Set("__extn", document);
  return ValueFromJson(json::Value(std::move(wrapped)));
}

Result<Value> ReadEntity(const json::Value& document, const Type& type) {
  if (!document.IsObject()) return Unreadable(type, document);
  if (document.Find("__entity") != nullptr) return ValueFromJson(document);
  json::Object wrapped;
  wrapped.Set("__entity", document);
  return ValueFromJson(json::Value(std::move(wrapped)));
}

// Reads the form only; what the schema says of the value is asked of ValidateValue, once for the whole.
Result<Value> Read(const json::Value& document, const Type& type) {
  switch (type.kind) {
    case Type::Kind::kBool:
      if (!document.IsBool()) return Unreadable(type, document);
      return Value(document.AsBool());
    case Type::Kind::kLong:
      if (!document.IsInt()) return Unreadable(type, document);
      return Value(document.AsInt());
    case Type::Kind::kString:
      if (!document.IsString()) return Unreadable(type, document);
      return Value(document.AsString());
    case Type::Kind::kExtension: return ReadExtension(document, type);
    case Type::Kind::kEntity: return ReadEntity(document, type);
    case Type::Kind::kSet: {
      if (!document.IsArray()) return Unreadable(type, document);
      std::vector<Value> members;
      for (const json::Value& member : document.AsArray()) {
        REMIT_ASSIGN(Value value, Read(member, *type.element));
        members.push_back(std::move(value));
      }
      return Value::Set(std::move(members));
    }
    case Type::Kind::kRecord: break;
  }
  if (!document.IsObject()) return Unreadable(type, document);
  Record record;
  for (const auto& [name, member] : document.AsObject()) {
    const auto declared = type.attributes.find(name);
    if (declared == type.attributes.end()) {
      return Fail(Code::kInvalidArgument, "ill-typed", fmt::format("attribute `{}` is not declared", name));
    }
    auto value = Read(member, *declared->second.type);
    if (!value) return std::unexpected(std::move(value).error().Within(fmt::format("`{}`", name)));
    record.emplace(name, std::move(value).value());
  }
  return Value::FromRecord(std::move(record));
}

}  // namespace

Result<Value> Schema::ReadValue(const json::Value& document, const Type& type) const {
  REMIT_ASSIGN(Value value, Read(document, type));
  REMIT_TRY(ValidateValue(value, type));
  return value;
}

}  // namespace remit::cedar
