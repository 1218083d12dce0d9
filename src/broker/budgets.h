// How often something may be started, whoever starts it again. Errors of the checks: `budget-used-up`.
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

  Status Check(const task::TaskRecord& record, Time at, bool active_too);
  Status Charge(const task::TaskRecord& started, store::Batch& batch);
  void Settle(const std::string& task, const Result<store::Committed>& committed);
  void Fit();
  Status Load();
  void Tidy();
  std::optional<Time> RunsUntil(const std::string& task);
  task::StartBook book;

 private:
  void ReadGuard(const std::string& key);
  std::shared_ptr<const task::Catalog> book_of_;         // the catalog whose budgets they are
  std::unordered_map<std::string, std::string> guards_;  // of buckets, by key: who was counted last
  std::set<std::string> guards_in_doubt_;                // to be read again before they are relied on

  Core& core_;
};

}  // namespace remit::broker
