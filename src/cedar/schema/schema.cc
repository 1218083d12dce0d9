// What a schema says about names and the hierarchy of types.
#include "cedar/schema.h"

namespace remit::cedar {

bool IsActionType(std::string_view type_name) { return type_name == "Action" || type_name.ends_with("::Action"); }

const EntityType* Schema::FindEntityType(std::string_view name) const {
  const auto it = entity_types_.find(name);
  return it == entity_types_.end() ? nullptr : &it->second;
}

const ActionType* Schema::FindAction(const EntityUid& uid) const {
  const auto it = actions_.find(uid);
  return it == actions_.end() ? nullptr : &it->second;
}

bool Schema::MayBeDescendant(std::string_view child_type, std::string_view ancestor_type) const {
  const auto it = type_ancestors_.find(child_type);
  return it != type_ancestors_.end() && it->second.contains(ancestor_type);
}

bool Schema::ActionIn(const EntityUid& action, const EntityUid& group) const {
  const auto it = action_ancestors_.find(action);
  if (it == action_ancestors_.end()) return false;
  return action == group || it->second.contains(group);
}

const std::set<EntityUid>& Schema::GroupsOf(const EntityUid& action) const {
  static const std::set<EntityUid> kNone;
  const auto it = action_ancestors_.find(action);
  return it == action_ancestors_.end() ? kNone : it->second;
}

}  // namespace remit::cedar
