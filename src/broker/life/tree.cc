// A task and its sub-tasks: who stands above and below, and what that means for what may be used.
//
// INVARIANT: a sub-task is never more than its parent: it is used only while every task above it may be, for what each of them may do, until
// the earliest of their deadlines. Where one of them cannot be found, nothing is allowed.
#include <fmt/format.h>

#include "base/limits.h"
#include "broker/core.h"

namespace remit::broker {

std::optional<std::vector<LiveTask*>> Trees::Above(const task::TaskRecord& record) {
  std::vector<LiveTask*> above;
  for (std::string id = record.parent; !id.empty(); id = above.back()->parent()) {
    LiveTask* live = core_.Find(id);
    if (live == nullptr || above.size() > limits::kDelegationDepth) return std::nullopt;
    above.push_back(live);
  }
  return above;
}

std::vector<LiveTask*> Trees::Below(const LiveTask& live) {
  std::vector<LiveTask*> below;
  auto add = [&](const std::string& parent) {
    for (const std::string& id : core_.tree.ChildrenOf(parent))
      if (LiveTask* child = core_.Find(id)) below.push_back(child);
  };
  add(live.id());
  for (std::size_t i = 0; i < below.size(); ++i) add(below[i]->id());
  return below;
}

LiveTask& Trees::RootOf(LiveTask& live) {
  LiveTask* root = &live;
  while (LiveTask* parent = root->parent().empty() ? nullptr : core_.Find(root->parent())) root = parent;
  return *root;
}

bool Trees::IsBelow(const task::TaskRecord& record, const std::string& above) {
  std::size_t steps = 0;
  for (std::string id = record.parent; !id.empty() && steps <= limits::kDelegationDepth; ++steps) {
    if (id == above) return true;
    LiveTask* live = core_.Find(id);
    if (live == nullptr) return false;
    id = live->parent();
  }
  return false;
}

bool Trees::Usable(LiveTask& live) {
  const Time now = core_.Now();
  LiveTask* one = &live;
  for (std::size_t steps = 0; steps <= limits::kDelegationDepth; ++steps) {
    if (!one->Usable(now)) return false;
    if (one->parent().empty()) return true;
    one = core_.Find(one->parent());
    if (one == nullptr) return false;
  }
  return false;
}

Status Trees::ParentStands(const task::TaskRecord& record) {
  if (record.parent.empty()) return {};
  LiveTask* parent = core_.Find(record.parent);
  if (parent != nullptr && Usable(*parent)) return {};
  return Fail(Code::kFailedPrecondition, "parent-not-active",
              fmt::format("task `{}`, which `{}` is part of, is not active", record.parent, record.id),
              parent == nullptr || parent->latched ? "" : "resume the task above it first");
}

Time Trees::LatestDeadline(const task::TaskRecord& record) {
  if (record.parent.empty()) return Time::max();
  LiveTask* parent = core_.Find(record.parent);
  return parent == nullptr ? Time{} : parent->deadline();
}

// A type that declares `parent` may speak of it in its policies.
void Trees::AddParents(cedar::OverlayEntities& view, const cedar::Entity& entity) {
  const cedar::Entity* one = &entity;
  for (std::size_t steps = 0; steps <= limits::kDelegationDepth; ++steps) {
    auto named = one->attributes.find("parent");
    if (named == one->attributes.end() || named->second.kind() != cedar::Value::Kind::kEntity) return;
    LiveTask* parent = core_.Find(named->second.AsEntity().id);
    if (parent == nullptr || core_.EntityOf(*parent).uid != named->second.AsEntity()) return;
    view.Add(parent->entity);
    one = parent->entity.get();
  }
}

// Whatever became of its parent while it was being made active, or while this process was not running, becomes of it.
void Trees::FollowParent(LiveTask& live) {
  if (live.parent().empty() || live.latched) return;
  LiveTask* parent = core_.Find(live.parent());
  if (parent == nullptr || parent->latched)
    return core_.ends.End(live, [](const task::TaskRecord& record, Time now) { return task::EndWithParent(record, now); }, Duration(0), nullptr);
  if (parent->state() == task::State::kSuspended && live.state() == task::State::kActive)
    core_.suspensions.Suspend(live, "", "parent-suspended", Duration(0), nullptr);
}

// --- what it may do ----------------------------------------------------------------------------------------------------------------------

task::PermissionSet Trees::OwnPermissions(const task::TaskRecord& record, const cedar::Entity& entity) {
  std::shared_ptr<const task::Catalog> pinned = core_.Pinned(record.catalog);
  if (!pinned) return {};
  cedar::OverlayEntities view(core_.facts->entities);
  AddParents(view, entity);
  view.Add(std::make_shared<const cedar::Entity>(entity));
  task::PermissionSet set = task::PermissionsOf(*pinned, entity, view);
  if (pinned != core_.current) set = task::Intersect(set, task::PermissionsOf(*core_.current, entity, view));
  return set;
}

task::PermissionSet Trees::PermissionsOf(const task::TaskRecord& record, const cedar::Entity& entity) {
  const auto above = Above(record);
  if (!above) return {};
  task::PermissionSet set = OwnPermissions(record, entity);
  for (LiveTask* one : *above) set = task::Intersect(set, OwnPermissions(one->record(), core_.EntityOf(*one)));
  return set;
}

// What the next catalog and the next facts would give it, alone.
task::PermissionSet Trees::AllowedUnder(const task::Catalog& next, const FactSet& next_facts, LiveTask& live) {
  auto of = [&](LiveTask& one) -> task::PermissionSet {
    std::shared_ptr<const cedar::Entity> entity = core_.MakeEntity(one.record(), next);
    if (!entity) return {};
    cedar::OverlayEntities view(next_facts.entities);
    AddParents(view, *entity);
    view.Add(entity);
    return task::PermissionsOf(next, *entity, view);
  };
  const auto above = Above(live.record());
  if (!above) return {};
  task::PermissionSet set = of(live);
  for (LiveTask* one : *above) set = task::Intersect(set, of(*one));
  return set;
}

}  // namespace remit::broker
