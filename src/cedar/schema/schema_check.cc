// Data against a schema: entities, values and requests conform to it or not, and JSON is read by the type that is expected.
#include <fmt/format.h>

#include <algorithm>

#include "cedar/authorizer.h"
#include "cedar/entities.h"
#include "cedar/schema.h"

namespace remit::cedar {
namespace {

std::unexpected<Error> IllTyped(std::string message) { return Fail(Code::kInvalidArgument, "ill-typed", std::move(message)); }

std::unexpected<Error> Mismatch(const Type& expected, std::string_view found) {
  return IllTyped(fmt::format("expected `{}`, found {}", expected.ToString(), found));
}

std::string_view Article(Value::Kind kind) { return kind == Value::Kind::kEntity || kind == Value::Kind::kIpAddr ? "an" : "a"; }

// The error of a part, with the way to it: `address.street: expected …`.
Status Within(Status status, std::string_view part) {
  if (!status) status.error().message = fmt::format("`{}`: {}", part, status.error().message);
  return status;
}

Status CheckUid(const EntityType* type, const EntityUid& uid) {
  if (type == nullptr) return IllTyped(fmt::format("unknown entity type `{}`", uid.type));
  if (!type->enumeration.empty() && std::ranges::find(type->enumeration, uid.id) == type->enumeration.end()) {
    return IllTyped(fmt::format("`{}` is not one of the entities that `{}` lists", uid.ToString(), uid.type));
  }
  return {};
}

Status CheckUid(const Schema& schema, const EntityUid& uid) {
  if (IsActionType(uid.type)) {
    if (schema.FindAction(uid) == nullptr) return IllTyped(fmt::format("there is no action `{}`", uid.ToString()));
    return {};
  }
  return CheckUid(schema.FindEntityType(uid.type), uid);
}

Status CheckRecord(const Schema& schema, const Record& record, const std::map<std::string, AttributeType, std::less<>>& attributes) {
  for (const auto& [name, value] : record) {
    const auto declared = attributes.find(name);
    if (declared == attributes.end()) return IllTyped(fmt::format("attribute `{}` is not declared", name));
    REMIT_TRY(Within(schema.ValidateValue(value, *declared->second.type), name));
  }
  for (const auto& [name, attribute] : attributes) {
    if (attribute.required && !record.contains(name)) return IllTyped(fmt::format("attribute `{}` is missing", name));
  }
  return {};
}

// An action entity must be as the schema has it: no attributes, and exactly the groups (here as far as direct parents tell).
Status CheckActionEntity(const Schema& schema, const Entity& entity) {
  REMIT_TRY(CheckUid(schema, entity.uid));
  if (!entity.attributes.empty() || !entity.tags.empty()) return IllTyped("an action has no attributes and no tags");
  for (const EntityUid& parent : entity.parents) {
    if (parent == entity.uid || !schema.ActionIn(entity.uid, parent)) {
      return IllTyped(fmt::format("the schema does not put it into `{}`", parent.ToString()));
    }
  }
  for (const EntityUid& parent : schema.FindAction(entity.uid)->member_of) {
    const bool reached = std::ranges::any_of(entity.parents, [&](const EntityUid& given) { return schema.ActionIn(given, parent); });
    if (!reached) return IllTyped(fmt::format("the schema puts it into `{}`", parent.ToString()));
  }
  return {};
}

Status CheckEntity(const Schema& schema, const Entity& entity) {
  if (IsActionType(entity.uid.type)) return CheckActionEntity(schema, entity);
  const EntityType* declared = schema.FindEntityType(entity.uid.type);
  REMIT_TRY(CheckUid(declared, entity.uid));
  const EntityType& type = *declared;
  REMIT_TRY(CheckRecord(schema, entity.attributes, type.attributes));
  for (const auto& [name, value] : entity.tags) {
    if (type.tags == nullptr) return IllTyped(fmt::format("entities of type `{}` have no tags", type.name));
    REMIT_TRY(Within(schema.ValidateValue(value, *type.tags), name));
  }
  for (const EntityUid& parent : entity.parents) {
    if (!schema.MayBeDescendant(entity.uid.type, parent.type)) {
      return IllTyped(fmt::format("`{}` cannot be in `{}`: `{}` is not declared `in` `{}`", entity.uid.ToString(), parent.ToString(), entity.uid.type,
                                  parent.type));
    }
    REMIT_TRY(CheckUid(schema, parent));
  }
  return {};
}

Status CheckOneOf(const std::set<std::string>& allowed, const EntityUid& uid, std::string_view what, const EntityUid& action) {
  if (allowed.contains(uid.type)) return {};
  return IllTyped(fmt::format("{} `{}`: action `{}` does not apply to `{}`", what, uid.ToString(), action.ToString(), uid.type));
}

Status CheckRequest(const Schema& schema, const Request& request) {
  const ActionType* action = schema.FindAction(request.action);
  if (action == nullptr) return IllTyped(fmt::format("unknown action `{}`", request.action.ToString()));
  REMIT_TRY(Within(CheckUid(schema, request.principal), "principal"));
  REMIT_TRY(Within(CheckUid(schema, request.resource), "resource"));
  REMIT_TRY(CheckOneOf(action->principals, request.principal, "principal", request.action));
  REMIT_TRY(CheckOneOf(action->resources, request.resource, "resource", request.action));
  return Within(schema.ValidateValue(request.context, *action->context), "context");
}

Status Rename(Status status, std::string_view reason, std::string_view about) {
  if (status) return status;
  Error error = std::move(status).error();
  error.reason = reason;
  return std::unexpected(std::move(error).Within(about));
}

}  // namespace

Status Schema::ValidateEntity(const Entity& entity) const {
  Status checked = CheckEntity(*this, entity);
  if (checked) return checked;
  return Rename(std::move(checked), "entity-does-not-validate", fmt::format("entity `{}`", entity.uid.ToString()));
}

Status Schema::ValidateRequest(const Request& request) const { return Rename(CheckRequest(*this, request), "request-does-not-validate", "request"); }

Status Schema::ValidateValue(const Value& value, const Type& type) const {
  const auto is = [&](Value::Kind kind) -> Status {
    if (value.Is(kind)) return {};
    return Mismatch(type, fmt::format("{} {}", Article(value.kind()), KindName(value.kind())));
  };
  switch (type.kind) {
    case Type::Kind::kBool: return is(Value::Kind::kBool);
    case Type::Kind::kLong: return is(Value::Kind::kLong);
    case Type::Kind::kString: return is(Value::Kind::kString);
    case Type::Kind::kExtension: {
      if (type.name == "decimal") return is(Value::Kind::kDecimal);
      if (type.name == "datetime") return is(Value::Kind::kDatetime);
      if (type.name == "duration") return is(Value::Kind::kDuration);
      return is(Value::Kind::kIpAddr);
    }
    case Type::Kind::kEntity: {
      REMIT_TRY(is(Value::Kind::kEntity));
      if (value.AsEntity().type != type.name) return Mismatch(type, fmt::format("`{}`", value.AsEntity().ToString()));
      return CheckUid(*this, value.AsEntity());
    }
    case Type::Kind::kSet: {
      REMIT_TRY(is(Value::Kind::kSet));
      for (const Value& member : value.AsSet()) REMIT_TRY(ValidateValue(member, *type.element));
      return {};
    }
    case Type::Kind::kRecord: {
      REMIT_TRY(is(Value::Kind::kRecord));
      return CheckRecord(*this, value.AsRecord(), type.attributes);
    }
  }
  return {};
}

}  // namespace remit::cedar
