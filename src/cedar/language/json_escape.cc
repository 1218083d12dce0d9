#include "cedar/language/json_escape.h"

#include <algorithm>

namespace remit::cedar {
namespace {

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
