// What a catalog, or facts, take from tasks that live.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/fact_set.h"
#include "broker/live/live_task.h"

namespace remit::broker {

class Core;

class CatalogChange {
 public:
  explicit CatalogChange(Core& core) : core_(core) {}

  // These three go through all tasks a few at a time, and call `done` under the mutex.
  //
  // `each` for every task that lives now and still does when it is its turn.
  void ForEachTask(std::function<void(LiveTask&)> each, std::function<void()> done);
  // Adds to `answer` what each task would lose under these, and which would end. Changes nothing.
  void FindLosses(std::shared_ptr<const task::Catalog> next, std::shared_ptr<const FactSet> next_facts, const LoadOptions& options,
                  std::shared_ptr<CatalogAnswer> answer, std::function<void()> done);
  // Ends what started under another catalog than `next`, and adds it to `answer`. `done` does not wait for the ends.
  void EndOlder(std::shared_ptr<const task::Catalog> next, std::shared_ptr<CatalogAnswer> answer, std::function<void()> done);
  // What `end_older` would end now, if the catalog of this hash came into force: {"count", "tasks": [{"task", "type", "actor", "state"}]}, of which
  // kOlderShown at most are named, and those alone that `by` may see or would end by a yes. Takes the mutex itself, again and again.
  json::Object WouldEnd(const Caller& by, const std::string& next);
  static constexpr std::size_t kOlderShown = 100;

  // Whether it holds something at a target that these do not give it any more, or only on conditions.
  bool HoldsTooMuch(LiveTask& live, const task::Catalog& next, const FactSet& next_facts);
  void EndNarrowed(LiveTask& live);  // revokes it for that
  // Revokes all that hold too much under these, which are in force. Their ids.
  std::vector<std::string> EndTooWide(const task::Catalog& next, const FactSet& next_facts);

 private:
  task::PermissionSet PermissionsUnder(const task::TaskRecord& record, const task::Catalog& next, const FactSet& known);

  Core& core_;
};

}  // namespace remit::broker
