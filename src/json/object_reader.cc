// Reading a record, field by field.
#include "json/object_reader.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::json {
namespace {

const Object kNoObject;
const Array kNoArray;
const Value kNoValue;
constexpr std::size_t kUsualFields = 4;

}  // namespace

ObjectReader::ObjectReader(const Value& value, std::string_view place) : object_(&kNoObject), place_(place) {
  asked_.reserve(kUsualFields);
  if (value.IsObject())
    object_ = &value.AsObject();
  else
    Note(Error(Code::kInvalidArgument, "not-an-object", fmt::format("expected an object, not {}", value.TypeName())));
}

ObjectReader::ObjectReader(const Object& object, std::string_view place) : object_(&object), place_(place) { asked_.reserve(kUsualFields); }

void ObjectReader::Note(Error error) {
  if (!error_) error_ = std::move(error).At(place_);
}

void ObjectReader::Refuse(std::string_view name, std::string message) {
  Note(Error(Code::kInvalidArgument, "bad-field", fmt::format("field `{}` {}", name, message)));
}

const Value* ObjectReader::Get(std::string_view name, bool required) {
  asked_.emplace_back(name);
  const Value* value = object_->Find(name);
  if (value == nullptr && required) Note(Error(Code::kInvalidArgument, "missing-field", fmt::format("field `{}` is missing", name)));
  return value;
}

const Value* ObjectReader::Typed(std::string_view name, bool required, bool (Value::*is)() const, std::string_view expected) {
  const Value* value = Get(name, required);
  if (value == nullptr || (value->*is)()) return value;
  Refuse(name, fmt::format("must be {}, not {}", expected, value->TypeName()));
  return nullptr;
}

std::optional<std::vector<std::string>> ObjectReader::Strings(std::string_view name, bool required) {
  const Value* value = Typed(name, required, &Value::IsArray, "an array of strings");
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> strings;
  for (const Value& element : value->AsArray()) {
    if (!element.IsString()) {
      Refuse(name, fmt::format("must be an array of strings, and holds {}", element.TypeName()));
      return std::nullopt;
    }
    strings.push_back(element.AsString());
  }
  return strings;
}

std::string ObjectReader::RequiredString(std::string_view name) {
  const Value* value = Typed(name, true, &Value::IsString, "a string");
  return value != nullptr ? value->AsString() : std::string();
}

std::int64_t ObjectReader::RequiredInt(std::string_view name) {
  const Value* value = Typed(name, true, &Value::IsInt, "an integer");
  return value != nullptr ? value->AsInt() : 0;
}

std::uint32_t ObjectReader::RequiredCount(std::string_view name) {
  const std::int64_t number = RequiredInt(name);
  if (number >= 0 && number <= std::numeric_limits<std::uint32_t>::max()) return static_cast<std::uint32_t>(number);
  Refuse(name, fmt::format("must be from 0 to {}", std::numeric_limits<std::uint32_t>::max()));
  return 0;
}

bool ObjectReader::RequiredBool(std::string_view name) {
  const Value* value = Typed(name, true, &Value::IsBool, "a boolean");
  return value != nullptr && value->AsBool();
}

std::vector<std::string> ObjectReader::RequiredStrings(std::string_view name) { return Strings(name, true).value_or(std::vector<std::string>()); }

const Array& ObjectReader::RequiredArray(std::string_view name) {
  const Value* value = Typed(name, true, &Value::IsArray, "an array");
  return value != nullptr ? value->AsArray() : kNoArray;
}

const Object& ObjectReader::RequiredObject(std::string_view name) {
  const Value* value = Typed(name, true, &Value::IsObject, "an object");
  return value != nullptr ? value->AsObject() : kNoObject;
}

const Value& ObjectReader::RequiredValue(std::string_view name) {
  const Value* value = Get(name, true);
  return value != nullptr ? *value : kNoValue;
}

std::optional<std::string> ObjectReader::OptionalString(std::string_view name) {
  const Value* value = Typed(name, false, &Value::IsString, "a string");
  return value != nullptr ? std::optional(value->AsString()) : std::nullopt;
}

std::optional<std::int64_t> ObjectReader::OptionalInt(std::string_view name) {
  const Value* value = Typed(name, false, &Value::IsInt, "an integer");
  return value != nullptr ? std::optional(value->AsInt()) : std::nullopt;
}

std::optional<bool> ObjectReader::OptionalBool(std::string_view name) {
  const Value* value = Typed(name, false, &Value::IsBool, "a boolean");
  return value != nullptr ? std::optional(value->AsBool()) : std::nullopt;
}

std::optional<std::vector<std::string>> ObjectReader::OptionalStrings(std::string_view name) { return Strings(name, false); }

const Array* ObjectReader::OptionalArray(std::string_view name) {
  const Value* value = Typed(name, false, &Value::IsArray, "an array");
  return value != nullptr ? &value->AsArray() : nullptr;
}

const Object* ObjectReader::OptionalObject(std::string_view name) {
  const Value* value = Typed(name, false, &Value::IsObject, "an object");
  return value != nullptr ? &value->AsObject() : nullptr;
}

const Value* ObjectReader::OptionalValue(std::string_view name) { return Get(name, false); }

Status ObjectReader::Finish() {
  REMIT_TRY(FinishIgnoringUnknown());
  for (const Member& member : *object_) {
    if (std::find(asked_.begin(), asked_.end(), member.name) != asked_.end()) continue;
    Error error(Code::kInvalidArgument, "unknown-field", fmt::format("unknown field `{}`", EscapeControl(member.name)));
    if (const std::string near = Nearest(member.name, asked_); !near.empty()) error.hint = fmt::format("did you mean `{}`?", near);
    return Fail(std::move(error).At(place_));
  }
  return {};
}

Status ObjectReader::FinishIgnoringUnknown() {
  if (error_) return std::unexpected(*error_);
  return {};
}

}  // namespace remit::json
