// Cedar's JSON for values and entities. Strict: a member that nobody asked for is refused, as an attacker's second meaning would be.
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/entities.h"
#include "cedar/language/ext_functions.h"
#include "cedar/language/lexer.h"
#include "cedar/schema.h"
#include "json/object_reader.h"
#include "json/value.h"

namespace remit::cedar {
namespace {

std::unexpected<Error> BadValue(std::string message, std::string hint = {}) {
  return Fail(Code::kInvalidArgument, "bad-value", std::move(message), std::move(hint));
}

Result<EntityUid> ReadTypeAndId(const json::Value& document) {
  const std::string* type = document.FindString("type");
  const std::string* id = document.FindString("id");
  if (type == nullptr || id == nullptr || document.AsObject().size() != 2) {
    return BadValue("an entity reference must be an object with the strings `type` and `id`", R"(write {"type": "User", "id": "alice"})");
  }
  if (!IsTypeName(*type)) return BadValue(fmt::format("`{}` is not the name of an entity type", EscapeControl(*type)));
  return EntityUid{*type, *id};
}

// The constructors, and `offset`, as which a datetime is written that no text stands for.
bool MakesExtensionValue(const ExtensionFunction& function) { return function.constructor || function.name == "offset"; }

Result<Value> ReadExtension(const json::Value& document) {
  const std::string* name = document.FindString("fn");
  const json::Value* one = document.Find("arg");
  const json::Value* many = document.Find("args");
  if (name == nullptr || (one == nullptr) == (many == nullptr) || document.AsObject().size() != 2 || (many != nullptr && !many->IsArray())) {
    return BadValue("an extension value must be an object with `fn` and either `arg` or `args`");
  }
  const ExtensionFunction* function = FindExtensionFunction(*name);
  if (function == nullptr || !MakesExtensionValue(*function)) {
    return BadValue(fmt::format("`{}` is not a valid extension constructor", EscapeControl(*name)));
  }
  std::vector<Value> values;
  if (one != nullptr) {
    REMIT_ASSIGN(Value value, ValueFromJson(*one));
    values.push_back(std::move(value));
  } else {
    for (const json::Value& argument : many->AsArray()) {
      REMIT_ASSIGN(Value value, ValueFromJson(argument));
      values.push_back(std::move(value));
    }
  }
  std::vector<const Value*> arguments;
  for (const Value& value : values) arguments.push_back(&value);
  auto result = CallExtension(*function, arguments);
  if (!result) return BadValue(result.error().message, result.error().hint);
  return result;
}

Result<Value> ReadObject(const json::Object& object) {
  for (std::string_view escape : {"__entity", "__extn", "__expr"}) {
    const json::Value* inner = object.Find(escape);
    if (inner == nullptr) continue;
    if (object.size() != 1) return BadValue(fmt::format("`{}` must be the only member of its object", escape));
    if (escape == "__expr") return Fail(Code::kUnsupported, "bad-value", "the `__expr` escape is no longer supported");
    if (escape == "__extn") return ReadExtension(*inner);
    REMIT_ASSIGN(EntityUid uid, ReadTypeAndId(*inner));
    return Value(std::move(uid));
  }
  Record record;
  for (const auto& [name, member] : object) {
    REMIT_ASSIGN(Value value, ValueFromJson(member));
    record.emplace(name, std::move(value));
  }
  return Value::FromRecord(std::move(record));
}

std::unexpected<Error> BadEntity(const EntityUid& uid, Error error, std::string_view reason) {
  error.reason = reason;
  error.message = fmt::format("entity `{}`: {}", uid.ToString(), error.message);
  return Fail(std::move(error));
}

// What type the schema gives to the attribute, or to any tag; null without a schema. Errors: `entity-does-not-validate`.
Result<const Type*> TypeOf(const Schema* schema, const EntityUid& uid, std::string_view attribute, bool tag) {
  if (schema == nullptr || schema->FindAction(uid) != nullptr) return nullptr;
  const EntityType* type = schema->FindEntityType(uid.type);
  if (type == nullptr) {
    return Fail(Code::kInvalidArgument, "entity-does-not-validate",
                fmt::format("entity `{}` has type `{}` which is not declared in the schema", uid.ToString(), uid.type));
  }
  const auto declared = type->attributes.find(attribute);
  const Type* found = tag ? type->tags.get() : declared == type->attributes.end() ? nullptr : declared->second.type.get();
  if (found == nullptr) {
    const std::string what = tag ? "tags" : fmt::format("attribute `{}`", EscapeControl(attribute));
    return Fail(Code::kInvalidArgument, "entity-does-not-validate",
                fmt::format("{} on `{}` should not exist according to the schema", what, uid.ToString()));
  }
  return found;
}

Result<Record> ReadFields(const json::Object& object, const EntityUid& uid, const Schema* schema, bool tags) {
  Record record;
  for (const auto& [name, member] : object) {
    REMIT_ASSIGN(const Type* type, TypeOf(schema, uid, name, tags));
    auto value = type == nullptr ? ValueFromJson(member) : schema->ReadValue(member, *type);
    if (!value) {
      Error error = std::move(value.error()).Within(fmt::format("{} `{}`", tags ? "tag" : "attribute", EscapeControl(name)));
      const bool ill_typed = error.reason == "ill-typed";
      return BadEntity(uid, std::move(error), ill_typed ? "entity-does-not-validate" : "bad-entities");
    }
    record.emplace(name, std::move(*value));
  }
  return record;
}

Result<Entity> ReadEntity(const json::Value& document, const Schema* schema) {
  json::ObjectReader reader(document, "entity");
  const json::Value& uid = reader.RequiredValue("uid");
  const json::Object& attributes = reader.RequiredObject("attrs");
  const json::Array& parents = reader.RequiredArray("parents");
  const json::Object* tags = reader.OptionalObject("tags");
  if (Status read = reader.Finish(); !read) {
    Error error = std::move(read.error());
    error.reason = "bad-entities";
    return Fail(std::move(error));
  }
  Entity entity;
  auto own = EntityUidFromJson(uid);
  if (!own) return Fail(Code::kInvalidArgument, "bad-entities", std::move(own.error().message), std::move(own.error().hint));
  entity.uid = std::move(*own);
  REMIT_ASSIGN(entity.attributes, ReadFields(attributes, entity.uid, schema, false));
  if (tags != nullptr) {
    REMIT_ASSIGN(entity.tags, ReadFields(*tags, entity.uid, schema, true));
  }
  for (const json::Value& parent : parents) {
    auto read = EntityUidFromJson(parent);
    if (!read) return BadEntity(entity.uid, std::move(read.error()), "bad-entities");
    entity.parents.push_back(std::move(*read));
  }
  return entity;
}

}  // namespace

Result<EntityUid> EntityUidFromJson(const json::Value& document) {
  const json::Value* inner = document.Find("__entity");
  if (inner != nullptr && document.AsObject().size() != 1) return BadValue("`__entity` must be the only member of its object");
  return ReadTypeAndId(inner != nullptr ? *inner : document);
}

Result<Value> ValueFromJson(const json::Value& document) {
  if (document.IsBool()) return Value(document.AsBool());
  if (document.IsInt()) return Value(document.AsInt());
  if (document.IsString()) return Value(document.AsString());
  if (document.IsObject()) return ReadObject(document.AsObject());
  if (!document.IsArray()) return BadValue(fmt::format("{} is not a Cedar value", document.TypeName()));
  std::vector<Value> members;
  for (const json::Value& member : document.AsArray()) {
    REMIT_ASSIGN(Value value, ValueFromJson(member));
    members.push_back(std::move(value));
  }
  return Value::Set(std::move(members));
}

Result<Entities> Entities::FromJson(const json::Value& document, const Schema* schema) {
  if (!document.IsArray())
    return Fail(Code::kInvalidArgument, "bad-entities", fmt::format("entities must be an array, found {}", document.TypeName()));
  std::vector<Entity> entities;
  std::set<EntityUid> actions;  // of the schema, that the document has too
  for (const json::Value& member : document.AsArray()) {
    REMIT_ASSIGN(Entity entity, ReadEntity(member, schema));
    if (schema != nullptr) {
      REMIT_TRY(schema->ValidateEntity(entity));
      if (schema->FindAction(entity.uid) != nullptr) actions.insert(entity.uid);
    }
    entities.push_back(std::move(entity));
  }
  if (schema != nullptr) {
    for (const auto& [uid, action] : schema->actions()) {
      if (!actions.contains(uid)) entities.push_back({.uid = uid, .attributes = {}, .tags = {}, .parents = action.member_of});
    }
  }
  return Build(std::move(entities));
}

}  // namespace remit::cedar
