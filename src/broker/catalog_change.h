// What a catalog takes from tasks that live. Each goes through all tasks a few at a time, and calls `done` under the mutex.
#pragma once

#include <functional>
#include <memory>

#include "broker/broker.h"
#include "broker/fact_set.h"
#include "broker/live_task.h"

namespace remit::broker {

class Core;

class CatalogChange {
 public:
  explicit CatalogChange(Core& core) : core_(core) {}

  void ForEachTask(std::function<void(LiveTask&)> each, std::function<void()> done);
  void FindLosses(std::shared_ptr<const task::Catalog> next, std::shared_ptr<const FactSet> next_facts, const LoadOptions& options,
                  std::shared_ptr<CatalogAnswer> answer, std::function<void()> done);
  void EndOlder(std::shared_ptr<const task::Catalog> next, std::shared_ptr<CatalogAnswer> answer, std::function<void()> done);

 private:
  task::PermissionSet PermissionsUnder(const task::TaskRecord& record, const task::Catalog& next, const FactSet& known);

  Core& core_;
};

}  // namespace remit::broker
