#include "cedar/language/json_escape.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace remit::cedar {
namespace {

using std::string_view_literals::operator""sv;  // compared without a call

bool HoldsFraction(const json::Value& value) {
  if (value.IsArray()) return std::ranges::any_of(value.AsArray(), HoldsFraction);
  if (value.IsObject()) return std::ranges::any_of(value.AsObject(), [](const json::Member& member) { return HoldsFraction(member.value); });
  return value.IsDouble();
}

}  // namespace

std::optional<JsonUid> FindUid(const json::Value& value) {
  const JsonUid uid{value.FindString("type"), value.FindString("id")};
  if (uid.type == nullptr || uid.id == nullptr) return std::nullopt;
  return uid;
}

std::optional<JsonUid> FindPlainUid(const json::Value& value) {
  if (!value.IsObject()) return std::nullopt;
  const bool escaped = value.AsObject().size() == 1 && value.AsObject().begin()->name == "__entity"sv;
  const json::Value& inner = escaped ? value.AsObject().begin()->value : value;
  if (!inner.IsObject() || inner.AsObject().size() != 2) return std::nullopt;
  const json::Object& object = inner.AsObject();
  const json::Member &type = *object.begin(), &id = *std::next(object.begin());
  if (type.name != "type"sv || id.name != "id"sv || !type.value.IsString() || !id.value.IsString()) return std::nullopt;
  return JsonUid{&type.value.AsString(), &id.value.AsString()};
}

std::optional<JsonUid> FindUidOrEscape(const json::Value& value) {
  if (const json::Value* inner = value.Find("__entity"); inner != nullptr) {
    if (auto uid = FindUid(*inner)) return uid;
  }
  return FindUid(value);
}

std::optional<JsonCall> FindCall(const json::Value& value) {
  const std::string* function = value.FindString("fn");
  if (function == nullptr) return std::nullopt;
  if (const json::Value* one = value.Find("arg"); one != nullptr) return JsonCall{function, {one, 1}, true};
  const json::Value* many = value.Find("args");
  if (many == nullptr || !many->IsArray()) return std::nullopt;
  return JsonCall{function, many->AsArray(), false};
}

JsonEscape FindEscape(const json::Object& object) {
  JsonEscape escape;
  if (object.size() != 1) return escape;
  const auto& [name, inner] = *object.begin();
  if (inner.IsObject() && inner.AsObject().size() > 2 && HoldsFraction(inner)) return escape;
  if (name == "__entity") escape.uid = FindUid(inner);
  if (name == "__extn") escape.call = FindCall(inner);
  escape.expression = name == "__expr" && inner.IsString();
  return escape;
}

}  // namespace remit::cedar
