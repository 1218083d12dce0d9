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

  // Why a start does not fit, and when it would.
  struct NoRoom {
    Error error;
    std::optional<Time> until;         // to whole seconds, rounded up: one fits then, at the latest; none: only after something has ended
    std::vector<std::string> held_by;  // tasks that hold the places of an @max_active, as far as `told` may see them; at most kHoldersNamed
    // "reason", "message", "hint", and where they are known "until" and "held_by".
    void AddTo(json::Object& verdict) const;
  };
  static constexpr std::size_t kHoldersNamed = 10;
  // Whether a start at `at` fits. `active_too`: also into how many may run at once. `told`: who reads the answer; null: nobody who may see tasks.
  // Errors of Check: `budget-used-up`.
  std::optional<NoRoom> FindNoRoom(const task::TaskRecord& record, Time at, bool active_too, const Caller* told);
  Status Check(const task::TaskRecord& record, Time at, bool active_too, const Caller* told = nullptr);
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
  bool MaySee(const Caller& by, const std::string& task);
  void ReadGuard(const std::string& key);
  std::optional<Time> RunsUntil(const std::string& task);  // nothing where it does not run

  Core& core_;
  task::StartBook book_;
  std::shared_ptr<const task::Catalog> book_of_;         // the catalog whose budgets they are
  std::unordered_map<std::string, std::string> guards_;  // of buckets, by key: who was counted last
  std::set<std::string> guards_in_doubt_;                // to be read again before they are relied on
};

}  // namespace remit::broker
