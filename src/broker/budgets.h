// How often something may be started, whoever starts it again.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "broker/broker.h"
#include "task/budget.h"

namespace remit::broker {

class Core;

class Budgets {
 public:
  explicit Budgets(Core& core) : core_(core) {}

  // Whether a start at `at` fits. `active_too`: also into how many may run at once. Errors: `budget-used-up`.
  Status Check(const task::TaskRecord& record, Time at, bool active_too);
  // Counts a start in memory, at once, and adds to its commit what makes that last. Settle follows, whatever comes of the commit. Errors: Check's.
  Status Charge(const task::TaskRecord& started, store::Batch& batch);
  // What was counted is written down, or is taken back. After a conflict another server counted a start first: the store is read.
  void Settle(const std::string& task, const Result<store::Committed>& committed);
  // How many more starts fit into each budget of its type: [{"budget": "1 per 1d by ticket", "left": 1}].
  json::Array Left(const task::TaskRecord& record, Time at);
  // Takes the budgets of the catalog in force. Tasks that were running when their type got its first one are counted from then on.
  void Fit();
  Status Load();  // when the broker opens. Errors: `store-corrupt`, the store's
  void Tidy();    // forgets what counts nowhere any more

 private:
  void ReadGuard(const std::string& key);
  std::optional<Time> RunsUntil(const std::string& task);  // nothing where it does not run

  Core& core_;
  task::StartBook book_;
  std::shared_ptr<const task::Catalog> book_of_;         // the catalog whose budgets they are
  std::unordered_map<std::string, std::string> guards_;  // of buckets, by key: who was counted last
  std::set<std::string> guards_in_doubt_;                // to be read again before they are relied on
};

}  // namespace remit::broker
