#include "broker/use/use_question.h"

#include <fmt/format.h>

#include "task/builtin_schema.h"
#include "task/moment.h"
#include "task/secret_path.h"

namespace remit::broker {
namespace {

// What a PEP may vouch for, on top of what is known: one that says one thing does not make the others untrue, nor move the resource out of its
// containers.
std::shared_ptr<const cedar::Entity> VouchedFor(const UseRequest& request, const cedar::Schema& schema, const cedar::Entities& known) {
  const cedar::EntityType* type = schema.FindEntityType(request.resource.type);
  const cedar::Entity* before = known.Find(request.resource);
  auto entity = before == nullptr ? std::make_shared<cedar::Entity>() : std::make_shared<cedar::Entity>(*before);
  entity->uid = request.resource;
  for (const auto& [name, value] : request.resource_attributes.AsObject()) {
    auto attribute = type->attributes.find(name);
    if (attribute == type->attributes.end()) return nullptr;
    auto read = schema.ReadValue(value, *attribute->second.type);
    if (!read) return nullptr;
    entity->attributes[name] = *std::move(read);
  }
  if (!schema.ValidateEntity(*entity)) return nullptr;
  return entity;
}

}  // namespace

std::shared_ptr<const cedar::Entity> ResourceOf(const UseRequest& request, const task::Catalog& catalog, const cedar::Entities& known) {
  if (request.resource.type == task::kSecretPathType || request.resource.type == task::kSecretFolderType) {
    auto entity = std::make_shared<cedar::Entity>();
    entity->uid = request.resource;
    entity->parents = task::SecretParents(request.resource.id);
    return entity;
  }
  const bool says = request.resource_attributes.IsObject() && !request.resource_attributes.AsObject().empty();
  return says && catalog.IsFromPep(request.resource.type) ? VouchedFor(request, catalog.schema(), known) : nullptr;
}

Result<cedar::Value> ContextOf(const UseRequest& request, const task::Catalog& catalog, const Zone* zone, Time now) {
  cedar::Record context;
  const cedar::ActionType* action = catalog.schema().FindAction(request.action);
  if (action == nullptr) return Fail(Code::kInvalidArgument, "unknown-action", fmt::format("no action {}", request.action.ToString()));
  if (request.context.IsObject()) {
    for (const auto& [name, value] : request.context.AsObject()) {
      auto declared = action->context->attributes.find(name);
      if (declared == action->context->attributes.end() || task::IsFilled(*action->context, name))
        return Fail(Code::kInvalidArgument, "bad-context", fmt::format("{} takes no `{}` in its context", request.action.ToString(), name));
      REMIT_ASSIGN(context[name], catalog.schema().ReadValue(value, *declared->second.type));
    }
  } else if (!request.context.IsNull()) {
    return Fail(Code::kInvalidArgument, "bad-context", "a context is an object");
  }
  task::FillMoment(*action->context, zone, now, context);
  cedar::Value value = cedar::Value::FromRecord(std::move(context));
  if (Status valid = catalog.schema().ValidateValue(value, *action->context); !valid)
    return Fail(Code::kInvalidArgument, "bad-context", valid.error().message);
  return value;
}

}  // namespace remit::broker
