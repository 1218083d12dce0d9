// A task and its sub-tasks: what it means to be below another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/fact_set.h"
#include "broker/live/live_task.h"

namespace remit::broker {

class Core;

class Trees {
 public:
  explicit Trees(Core& core) : core_(core) {}

  // What it may do now: what its catalog and the one in force give, and what each task above it may do. Nothing where one of them is gone.
  task::PermissionSet PermissionsOf(const task::TaskRecord& record, const cedar::Entity& entity);
  task::PermissionSet OwnPermissions(const task::TaskRecord& record, const cedar::Entity& entity);         // whatever is above it
  task::PermissionSet AllowedUnder(const task::Catalog& next, const FactSet& next_facts, LiveTask& live);  // by these alone, it and those above it

  std::optional<std::vector<LiveTask*>> Above(const task::TaskRecord& record);  // its parent first; nothing where one is not there
  std::vector<LiveTask*> Below(const LiveTask& live);                           // parents before their children
  LiveTask& RootOf(LiveTask& live);                                             // the highest that is there
  bool IsBelow(const task::TaskRecord& record, const std::string& above);
  bool Usable(LiveTask& live);                          // it, and every task above it
  Status ParentStands(const task::TaskRecord& record);  // that its parent is usable. Errors: `parent-not-active`
  Time LatestDeadline(const task::TaskRecord& record);  // its parent's
  // Puts the tasks above it where its policies can see them: a type that declares `parent` may speak of it.
  void AddParents(cedar::OverlayEntities& view, const cedar::Entity& entity);
  // Ends or stops it where its parent did so while it was being made active, or while this process was not running.
  void FollowParent(LiveTask& live);

 private:
  Core& core_;
};

}  // namespace remit::broker
