// Literals of policy JSON, and places in it.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/language/expr_reader.h"
#include "cedar/language/lexer.h"

namespace remit::cedar {
JsonPlace::Step::Step(JsonPlace& place, std::string_view name) : place_(place), length_(place.path_.size()) {
  if (length_ > 0) place_.path_ += '.';
  place_.path_ += name;
}

JsonPlace::Step::Step(JsonPlace& place, std::size_t index) : place_(place), length_(place.path_.size()) {
  fmt::format_to(std::back_inserter(place_.path_), "[{}]", index);
}

std::unexpected<Error> JsonPlace::Fail(std::string message, std::string hint) const {
  return remit::Fail(Error(Code::kInvalidArgument, "bad-policy-json", std::move(message)).At(EscapeControl(path_)).Hint(std::move(hint)));
}

std::unexpected<Error> JsonPlace::Expected(std::string_view what, const json::Value& found) const {
  return Fail(fmt::format("expected {}, got {}", what, found.TypeName()));
}

Result<const json::Object*> JsonPlace::Object(const json::Value& value) const {
  if (!value.IsObject()) return Expected("an object", value);
  return &value.AsObject();
}

Result<const json::Array*> JsonPlace::Array(const json::Value& value) const {
  if (!value.IsArray()) return Expected("an array", value);
  return &value.AsArray();
}

Result<const json::Value*> JsonPlace::Member(const json::Object& object, std::string_view name) const {
  const json::Value* member = object.Find(name);
  if (member == nullptr) return Fail(fmt::format("missing member `{}`", name));
  return member;
}

Result<std::string> JsonPlace::String(const json::Object& object, std::string_view name) {
  REMIT_ASSIGN(const json::Value* member, Member(object, name));
  const Step step(*this, name);
  if (!member->IsString()) return Expected("a string", *member);
  return member->AsString();
}

Status JsonPlace::Only(const json::Object& object, std::span<const std::string_view> names) const {
  for (const auto& [name, value] : object) {
    if (std::ranges::find(names, name) == names.end()) return Fail(fmt::format("unknown member `{}`", EscapeControl(name)));
  }
  return {};
}

Result<std::string> JsonPlace::TypeName(const json::Object& object, std::string_view name) {
  REMIT_ASSIGN(std::string type, String(object, name));
  const Step step(*this, name);
  if (!IsTypeName(type)) return Fail(fmt::format("`{}` is not the name of an entity type", EscapeControl(type)));
  return type;
}

Result<EntityUid> JsonPlace::Uid(const json::Value& value) {
  REMIT_ASSIGN(const json::Object* object, Object(value));
  if (const json::Value* inner = object->Find("__entity"); inner != nullptr && FindUid(*inner)) object = &inner->AsObject();
  EntityUid uid;
  REMIT_ASSIGN(uid.type, TypeName(*object, "type"));
  REMIT_ASSIGN(uid.id, String(*object, "id"));
  return uid;
}

Result<ExprReader::Node> ExprReader::ReadValue(const json::Value& value) {
  if (value.IsBool()) return Node{MakeLiteral(value.AsBool())};
  if (value.IsInt()) return Node{MakeLiteral(value.AsInt())};
  if (value.IsString()) return Node{MakeLiteral(value.AsString())};
  if (depth_ >= limits::kCedarDepth) {
    return place_.Fail(fmt::format("expression is nested too deeply, at most {} levels are allowed", limits::kCedarDepth));
  }
  ++depth_;
  auto node = [&]() -> Result<Node> {
    if (value.IsObject()) return ReadValueObject(value.AsObject());
    if (!value.IsArray()) return place_.Fail(fmt::format("expected a value of Cedar, got {}", value.TypeName()));
    std::vector<Node> members;
    for (std::size_t i = 0; i < value.AsArray().size(); ++i) {
      const JsonPlace::Step step(place_, i);
      REMIT_ASSIGN(Node member, ReadValue(value.AsArray()[i]));
      members.push_back(std::move(member));
    }
    Expr set;
    set.op = Op::kSet;
    return Finish(std::move(set), std::move(members));
  }();
  --depth_;
  return node;
}

Result<ExprReader::Node> ExprReader::ReadValueObject(const json::Object& object) {
  const JsonEscape escape = FindEscape(object);
  if (escape.expression) return place_.Fail("`__expr` is not supported");
  if (escape.uid) {
    const JsonPlace::Step step(place_, "__entity");
    REMIT_ASSIGN(EntityUid uid, place_.Uid(object.begin()->value));
    return Node{MakeLiteral(std::move(uid))};
  }
  if (escape.call) {
    const JsonPlace::Step step(place_, "__extn");
    return ReadValueCall(*escape.call);
  }
  Node node;
  Expr record;
  record.op = Op::kRecord;
  for (const auto& [key, value] : object) {
    const JsonPlace::Step step(place_, key);
    REMIT_ASSIGN(Node field, ReadValue(value));
    node.height = std::max(node.height, field.height + 1);
    record.fields.emplace_back(key, std::move(field.expr));
  }
  if (node.height > limits::kCedarDepth) return place_.Fail("expression is nested too deeply");
  node.expr = std::make_shared<const Expr>(std::move(record));
  return node;
}

Result<ExprReader::Node> ExprReader::ReadValueCall(const JsonCall& call) {
  Expr expr;
  expr.op = Op::kCall;
  expr.name = *call.function;
  std::vector<Node> args;
  for (const json::Value& each : call.arguments) {
    const JsonPlace::Step step(place_, call.one ? "arg" : "args");
    REMIT_ASSIGN(Node node, ReadValue(each));
    args.push_back(std::move(node));
  }
  REMIT_TRY(CheckCall(expr.name, args.size()));
  return Finish(std::move(expr), std::move(args));
}

}  // namespace remit::cedar
