// Cedar's JSON for entities: an array of objects with `uid`, `attrs`, `parents` and maybe `tags`; other members are not looked at.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/entities.h"
#include "cedar/schema.h"
#include "json/value.h"

namespace remit::cedar {
namespace {

constexpr std::string_view kDoesNotValidate = "entity-does-not-validate";

std::unexpected<Error> BadEntities(std::string message) { return Fail(Code::kInvalidArgument, "bad-entities", std::move(message)); }

std::unexpected<Error> BadEntity(const EntityUid& uid, Error error, std::string_view reason) {
  error.reason = reason;
  error.message = fmt::format("entity `{}`: {}", uid.ToString(), error.message);
  return Fail(std::move(error));
}

std::unexpected<Error> NotValid(const EntityUid& uid, std::string_view message) {
  return Fail(Code::kInvalidArgument, kDoesNotValidate, fmt::format("entity `{}`: {}", uid.ToString(), message));
}

// What type the schema gives to the attribute, or to any tag; null without one. Errors: `entity-does-not-validate`.
Result<const Type*> TypeOf(const EntityType* declared, const EntityUid& uid, std::string_view attribute, bool tag) {
  if (declared == nullptr) return nullptr;
  const auto found = declared->attributes.find(attribute);
  const Type* type = tag ? declared->tags.get() : found == declared->attributes.end() ? nullptr : found->second.type.get();
  if (type == nullptr) {
    const std::string what = tag ? "tags" : fmt::format("attribute `{}`", EscapeControl(attribute));
    return Fail(Code::kInvalidArgument, kDoesNotValidate, fmt::format("{} on `{}` should not exist according to the schema", what, uid.ToString()));
  }
  return type;
}

class EntityReader {
 public:
  explicit EntityReader(const Schema* schema) : schema_(schema) {}

  Result<Entity> Read(const json::Value& document) const {
    if (!document.IsObject()) return BadEntities(fmt::format("an entity must be an object, found {}", document.TypeName()));
    REMIT_ASSIGN(const json::Value* uid, Member(document, "uid", nullptr));
    REMIT_ASSIGN(const json::Value* attributes, Member(document, "attrs", &json::Value::IsObject));
    REMIT_ASSIGN(const json::Value* parents, Member(document, "parents", &json::Value::IsArray));
    const json::Value* tags = document.Find("tags");
    if (tags != nullptr && !tags->IsObject()) return BadEntities(fmt::format("`tags` of an entity must be an object, found {}", tags->TypeName()));
    Entity entity;
    auto own = EntityUidFromJson(*uid);
    if (!own) return Fail(Code::kInvalidArgument, "bad-entities", std::move(own.error().message), std::move(own.error().hint));
    entity.uid = std::move(*own);
    REMIT_ASSIGN(const EntityType* declared, Declared(entity.uid));
    REMIT_ASSIGN(entity.attributes, ReadFields(attributes->AsObject(), entity.uid, declared, false));
    if (tags != nullptr) {
      REMIT_ASSIGN(entity.tags, ReadFields(tags->AsObject(), entity.uid, declared, true));
    }
    REMIT_TRY(ReadParents(parents->AsArray(), entity));
    return entity;
  }

 private:
  static Result<const json::Value*> Member(const json::Value& document, std::string_view name, bool (json::Value::*is)() const) {
    const json::Value* member = document.Find(name);
    if (member == nullptr) return BadEntities(fmt::format("an entity has no `{}`", name));
    if (is != nullptr && !(member->*is)()) return BadEntities(fmt::format("`{}` of an entity must not be {}", name, member->TypeName()));
    return member;
  }

  // Null without a schema, and for actions, whose attributes are read as they stand.
  Result<const EntityType*> Declared(const EntityUid& uid) const {
    if (schema_ == nullptr || IsActionType(uid.type)) return nullptr;
    const EntityType* declared = schema_->FindEntityType(uid.type);
    if (declared == nullptr) {
      return Fail(Code::kInvalidArgument, kDoesNotValidate,
                  fmt::format("entity `{}` has type `{}` which is not declared in the schema", uid.ToString(), uid.type));
    }
    return declared;
  }

  Result<Record> ReadFields(const json::Object& object, const EntityUid& uid, const EntityType* declared, bool tags) const {
    Record record;
    for (const auto& [name, member] : object) {
      REMIT_ASSIGN(const Type* type, TypeOf(declared, uid, name, tags));
      auto value = type == nullptr ? ValueFromJson(member) : schema_->ReadForm(member, *type);  // ValidateEntity looks at the whole
      if (!value) {
        Error error = std::move(value.error()).Within(fmt::format("{} `{}`", tags ? "tag" : "attribute", EscapeControl(name)));
        const bool ill_typed = error.reason == "ill-typed";
        return BadEntity(uid, std::move(error), ill_typed ? kDoesNotValidate : "bad-entities");
      }
      record.emplace_hint(record.end(), name, std::move(*value));
    }
    return record;
  }

  static Status ReadParents(const json::Array& parents, Entity& entity) {
    const bool action = IsActionType(entity.uid.type);
    entity.parents.reserve(parents.size());
    for (const json::Value& parent : parents) {
      auto read = EntityUidFromJson(parent);
      if (!read) return BadEntity(entity.uid, std::move(read.error()), "bad-entities");
      if (action && !IsActionType(read->type)) {
        return BadEntities(fmt::format("action `{}` has the parent `{}`, which is no action", entity.uid.ToString(), read->ToString()));
      }
      entity.parents.push_back(std::move(*read));
    }
    return {};
  }

  const Schema* schema_;
};

bool HaveSameParents(const Entity& a, const Entity& b) {
  return std::set<EntityUid>(a.parents.begin(), a.parents.end()) == std::set<EntityUid>(b.parents.begin(), b.parents.end());
}

// The entities of a document by their uid.
class Collected {
 public:
  explicit Collected(std::size_t count) : places_(count, Hash{entities_}, Same{entities_}) { entities_.reserve(count); }
  Collected(const Collected&) = delete;

  // The same entity twice is one entity. Errors: `duplicate-entity` where they differ.
  Status Add(Entity entity) {
    const auto place = places_.find(entity.uid);
    if (place == places_.end()) {
      entities_.push_back(std::move(entity));
      places_.insert(entities_.size() - 1);
      return {};
    }
    const Entity& known = entities_[*place];
    if (known.attributes == entity.attributes && known.tags == entity.tags && HaveSameParents(known, entity)) return {};
    return Fail(Code::kInvalidArgument, "duplicate-entity", fmt::format("duplicate entity entry `{}`", entity.uid.ToString()));
  }

  // The schema knows all about actions: what the document says of one must be the same, its groups as far as the document leads to them.
  Status CheckActions(const Schema& schema) const {
    for (const Entity& entity : entities_) {
      if (!IsActionType(entity.uid.type)) continue;
      if (schema.FindAction(entity.uid) == nullptr) return NotValid(entity.uid, "the schema has no such action");
      if (!entity.attributes.empty() || !entity.tags.empty()) return NotValid(entity.uid, "an action has no attributes and no tags");
      if (GroupsOf(entity) != schema.GroupsOf(entity.uid)) {
        return NotValid(entity.uid, "its groups are not those that the schema puts it into");
      }
    }
    return {};
  }

  std::vector<Entity> Take() && { return std::move(entities_); }

 private:
  std::set<EntityUid> GroupsOf(const Entity& action) const {
    std::set<EntityUid> groups;
    std::vector<const Entity*> open{&action};
    while (!open.empty()) {
      const Entity& entity = *open.back();
      open.pop_back();
      for (const EntityUid& parent : entity.parents) {
        if (!groups.insert(parent).second) continue;
        const auto place = places_.find(parent);
        if (place != places_.end()) open.push_back(&entities_[*place]);
      }
    }
    return groups;
  }

  // Places are found by the uid of what stands there, which is not copied.
  struct Hash {
    using is_transparent = void;
    const std::vector<Entity>& entities;
    std::size_t operator()(std::size_t place) const { return EntityUidHash()(entities[place].uid); }
    std::size_t operator()(const EntityUid& uid) const { return EntityUidHash()(uid); }
  };
  struct Same {
    using is_transparent = void;
    const std::vector<Entity>& entities;
    bool operator()(std::size_t a, std::size_t b) const { return entities[a].uid == entities[b].uid; }
    bool operator()(const EntityUid& uid, std::size_t place) const { return entities[place].uid == uid; }
    bool operator()(std::size_t place, const EntityUid& uid) const { return entities[place].uid == uid; }
  };

  std::vector<Entity> entities_;
  std::unordered_set<std::size_t, Hash, Same> places_;
};

}  // namespace

Result<Entities> Entities::FromJson(const json::Value& document, const Schema* schema) {
  if (!document.IsArray()) return BadEntities(fmt::format("entities must be an array, found {}", document.TypeName()));
  const EntityReader reader(schema);
  Collected collected(document.AsArray().size());
  for (const json::Value& member : document.AsArray()) {
    REMIT_ASSIGN(Entity entity, reader.Read(member));
    if (schema != nullptr && !IsActionType(entity.uid.type)) REMIT_TRY(schema->ValidateEntity(entity));
    REMIT_TRY(collected.Add(std::move(entity)));
  }
  if (schema != nullptr) REMIT_TRY(collected.CheckActions(*schema));
  std::vector<Entity> entities = std::move(collected).Take();
  if (schema != nullptr) {
    std::erase_if(entities, [](const Entity& entity) { return IsActionType(entity.uid.type); });
    for (const auto& [uid, action] : schema->actions()) {
      entities.push_back({.uid = uid, .attributes = {}, .tags = {}, .parents = action.member_of});
    }
  }
  return Build(std::move(entities));
}

}  // namespace remit::cedar
