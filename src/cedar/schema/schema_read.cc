// JSON by the type that is expected, so that people can write `"1.50"` for a decimal and {"type": …, "id": …} for an entity.
#include <fmt/format.h>

#include "base/text.h"
#include "cedar/entities.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/json_escape.h"
#include "cedar/schema.h"
#include "json/value.h"

namespace remit::cedar {
namespace {

Result<Value> Read(const json::Value& document, const Type& type);

std::unexpected<Error> Unreadable(const Type& expected, const json::Value& found) {
  return Fail(Code::kInvalidArgument, "ill-typed", fmt::format("expected `{}`, found {}", expected.ToString(), found.TypeName()));
}

std::unexpected<Error> BadValue(std::string message, std::string hint = {}) {
  return Fail(Code::kInvalidArgument, "bad-value", std::move(message), std::move(hint));
}

Result<Value> Call(const ExtensionFunction& function, const std::vector<Value>& values) {
  std::vector<const Value*> arguments;
  for (const Value& value : values) arguments.push_back(&value);
  auto result = CallExtension(function, arguments);
  if (!result) return BadValue(result.error().message, result.error().hint);
  return result;
}

std::string_view ExtensionTypeOf(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kDecimal: return "decimal";
    case Value::Kind::kIpAddr: return "ipaddr";
    case Value::Kind::kDatetime: return "datetime";
    case Value::Kind::kDuration: return "duration";
    default: return "";
  }
}

Result<Value> ReadExtension(const json::Value& document, std::string_view type_name);

// An argument of an extension function, implicit forms included.
Result<Value> ReadArgument(const json::Value& document, Value::Kind parameter) {
  const std::string_view extension = ExtensionTypeOf(parameter);
  return extension.empty() ? ValueFromJson(document) : ReadExtension(document, extension);
}

Result<Value> ReadCall(const JsonCall& call) {
  const ExtensionFunction* function = FindExtensionFunction(*call.function);
  if (function == nullptr) return BadValue(fmt::format("`{}` is not a valid extension constructor", EscapeControl(*call.function)));
  if (call.arguments.size() != function->parameters.size()) {
    return BadValue(fmt::format("`{}` takes {} arguments, not {}", *call.function, function->parameters.size(), call.arguments.size()));
  }
  std::vector<Value> values;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    REMIT_ASSIGN(Value value, ReadArgument(call.arguments[i], function->parameters[i]));
    values.push_back(std::move(value));
  }
  return Call(*function, values);
}

// A plain string is the argument of the type's constructor, and so is any other value, which no constructor takes.
Result<Value> ReadExtension(const json::Value& document, std::string_view type_name) {
  if (document.FindString("__expr") != nullptr) return Fail(Code::kUnsupported, "bad-value", "the `__expr` escape is no longer supported");
  const json::Value* inner = document.Find("__extn");
  if (const auto call = inner != nullptr ? FindCall(*inner) : std::nullopt) return ReadCall(*call);
  if (const auto call = FindCall(document)) return ReadCall(*call);
  const ExtensionFunction* constructor = FindExtensionFunction(type_name == "ipaddr" ? "ip" : type_name);
  REMIT_CHECK(constructor != nullptr && constructor->constructor);
  REMIT_ASSIGN(Value argument, ValueFromJson(document));
  return Call(*constructor, {std::move(argument)});
}

Result<Value> ReadRecord(const json::Value& document, const Type& type) {
  if (!document.IsObject()) return Unreadable(type, document);
  Record record;
  for (const auto& [name, member] : document.AsObject()) {
    const auto declared = type.attributes.find(name);
    if (declared == type.attributes.end()) {
      return Fail(Code::kInvalidArgument, "ill-typed", fmt::format("attribute `{}` is not declared", EscapeControl(name)));
    }
    auto value = Read(member, *declared->second.type);
    if (!value) return std::unexpected(std::move(value).error().Within(fmt::format("`{}`", EscapeControl(name))));
    record.emplace(name, std::move(value).value());
  }
  for (const auto& [name, attribute] : type.attributes) {
    if (attribute.required && !record.contains(name)) {
      return Fail(Code::kInvalidArgument, "ill-typed", fmt::format("attribute `{}` is missing", EscapeControl(name)));
    }
  }
  return Value::FromRecord(std::move(record));
}

// A value that says itself what it is may be of another type than declared: whether that is wrong is asked of ValidateValue.
Result<Value> ReadDeclaredExtension(const json::Value& document, const Type& type) {
  if (!document.IsString() && !document.IsObject()) return Unreadable(type, document);
  auto value = ReadExtension(document, type.name);
  if (!value || ExtensionTypeOf(value->kind()) == type.name) return value;
  if (document.Find("__extn") != nullptr) return ValueFromJson(document);
  return Unreadable(type, document);
}

// By the declared type where it decides how something is read. What the schema says of the value is asked of ValidateValue, once for the whole.
Result<Value> Read(const json::Value& document, const Type& type) {
  switch (type.kind) {
    case Type::Kind::kBool:
    case Type::Kind::kLong:
    case Type::Kind::kString: {
      if (document.IsDouble()) return Unreadable(type, document);
      return ValueFromJson(document);
    }
    case Type::Kind::kExtension: return ReadDeclaredExtension(document, type);
    case Type::Kind::kEntity: {
      if (!document.IsObject()) return Unreadable(type, document);
      REMIT_ASSIGN(EntityUid uid, EntityUidFromJson(document));
      return Value(std::move(uid));
    }
    case Type::Kind::kRecord: return ReadRecord(document, type);
    case Type::Kind::kSet: break;
  }
  if (!document.IsArray()) return Unreadable(type, document);
  std::vector<Value> members;
  for (const json::Value& member : document.AsArray()) {
    REMIT_ASSIGN(Value value, Read(member, *type.element));
    members.push_back(std::move(value));
  }
  return Value::Set(std::move(members));
}

}  // namespace

Result<Value> Schema::ReadForm(const json::Value& document, const Type& type) const { return Read(document, type); }

Result<Value> Schema::ReadValue(const json::Value& document, const Type& type) const {
  REMIT_ASSIGN(Value value, Read(document, type));
  REMIT_TRY(ValidateValue(value, type));
  return value;
}

}  // namespace remit::cedar
