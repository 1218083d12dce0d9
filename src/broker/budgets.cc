// Budgets: how often an actor starts tasks of a type, counted in the same commit as the start (task/budget.h says how). What waits for
// approval or was refused does not count; what became active does, however it ended.
//
// In memory a start counts from the decision on, before its commit, so that of many at once only as many pass as may. Between servers, the
// guard of each bucket does the same: a row that names who was counted last, which the commit expects to be as this server knows it.
#include <fmt/format.h>

#include "base/log.h"
#include "broker/below.h"

namespace remit::broker {
namespace {

constexpr std::size_t kRowsAtOnce = 1000;

task::CountedStart Counted(const task::TaskRecord& record, Time at) {
  task::CountedStart start;
  start.task = record.id;
  start.type = record.type;
  start.actor = record.actor.ToString();
  start.bound = record.parameters;
  start.at = start.until = at;
  start.running = false;
  return start;
}

store::Write StartRow(const task::CountedStart& start) { return {store::Table::kBudget, task::StartRowKey(start), start.ToRow()}; }

Error UsedUp(const task::TaskRecord& record, const task::StartBook::Full& full) {
  const bool starts = full.budget.kind == task::Budget::Kind::kStarts;
  std::string message = starts ? fmt::format("`{}` may be started {}", record.name, full.budget.Text())
                               : fmt::format("of `{}` may run {} at once", record.name, full.budget.Text());
  message += fmt::format(" for each actor, and {} has used that up", record.actor.ToString());
  if (full.frees && starts) message += fmt::format(" until {}", FormatTime(*full.frees));
  Error error(Code::kResourceExhausted, "budget-used-up", std::move(message));
  if (starts) return std::move(error).Hint("wait until then; ending a task does not give its start back");
  return std::move(error).Hint(full.frees ? fmt::format("end what runs (`remit list`), or wait: until {} at the latest", FormatTime(*full.frees))
                                          : std::string("end what runs (`remit list`)"));
}

}  // namespace

std::optional<Time> Broker::Impl::RunsUntil(const std::string& task) {
  LiveTask* live = Find(task);
  // Also one that is ending: it counts until its end is written down.
  if (live == nullptr || live->state() == task::State::kRequested || live->state() == task::State::kScheduled) return std::nullopt;
  return live->deadline();
}

// The budgets are those of the catalog in force. Tasks that were running when their type got its first one are counted from then on.
void Broker::Impl::FitBudgets() {
  if (budgets_of == current) return;
  budgets_of = current;
  std::map<std::string, std::vector<task::Budget>, std::less<>> of_types;
  if (current)
    for (const auto& [name, type] : current->task_types())
      if (!type.budgets.empty()) of_types.emplace(name, type.budgets);
  const bool any = !of_types.empty();
  budgets.SetBudgets(std::move(of_types));
  if (!any) return;
  store::Batch batch;
  for (auto& [id, live] : tasks) {
    if (budgets.Find(id) != nullptr || !RunsUntil(id)) continue;
    const bool cold = live->cold();
    const task::TaskRecord& record = live->record();
    if (record.started && budgets.BudgetsOf(record.type) != nullptr) {
      task::CountedStart start = Counted(record, *record.started);
      start.until = start.at + budgets.LongestWindow(record.type);
      batch.writes.push_back(StartRow(start));
      budgets.Add(std::move(start));
    }
    if (cold) live->Cool();
    if (batch.writes.size() >= kRowsAtOnce) Commit(std::exchange(batch, {}), [](const auto&) {});
  }
  if (!batch.writes.empty()) Commit(std::move(batch), [](const auto&) {});
}

// Whether a start at `at` fits. `active_too`: also into how many may run at once.
Status Broker::Impl::CheckBudgets(const task::TaskRecord& record, Time at, bool active_too) {
  FitBudgets();
  if (budgets.BudgetsOf(record.type) == nullptr) return {};
  const auto full = budgets.FindFull(Counted(record, at), [this](const std::string& task) { return RunsUntil(task); }, active_too);
  if (full) return std::unexpected(UsedUp(record, *full));
  return {};
}

json::Array BudgetsLeft(Broker::Impl& im, const task::TaskRecord& record, Time at) {
  im.FitBudgets();
  json::Array left;
  const std::vector<task::Budget>* budgets = im.budgets.BudgetsOf(record.type);
  if (budgets == nullptr) return left;
  for (const task::Budget& budget : *budgets)
    left.push_back(json::Object{{"budget", budget.Text()}, {"left", im.budgets.Left(Counted(record, at), budget, [&im](const std::string& task) {
                                                              return im.RunsUntil(task);
                                                            })}});
  return left;
}

// Counts a start in memory, at once, and adds to its commit what makes that last. SettleBudgets follows, whatever comes of the commit.
Status Broker::Impl::ChargeBudgets(const task::TaskRecord& started, store::Batch& batch) {
  const Time at = started.started.value_or(last_event);
  REMIT_TRY(CheckBudgets(started, at, true));
  if (budgets.BudgetsOf(started.type) == nullptr) return {};
  task::CountedStart start = Counted(started, at);
  start.until = at + budgets.LongestWindow(started.type);
  start.running = true;
  for (const std::string& bucket : budgets.BucketsOf(start)) {
    const std::string key = task::GuardRowKey(bucket);
    if (guards_in_doubt.contains(key)) ReadGuard(key);
    const auto guard = guards.find(key);
    batch.expects.push_back({store::Table::kBudget, key, guard == guards.end() ? std::nullopt : std::optional(guard->second)});
    batch.writes.push_back({store::Table::kBudget, key, started.id});
    guards[key] = started.id;
  }
  batch.writes.push_back(StartRow(start));
  budgets.Add(std::move(start));
  return {};
}

void Broker::Impl::ReadGuard(const std::string& key) {
  const auto row = parts.store.Get(store::Table::kBudget, key);
  if (!row) return;  // still in doubt: the commit that expects what we have will tell
  guards_in_doubt.erase(key);
  if (*row) {
    guards[key] = **row;
  } else {
    guards.erase(key);
  }
}

// What was counted is written down, or is taken back. After a conflict another server counted somebody whom this one does not know yet.
void Broker::Impl::SettleBudgets(const std::string& task, const Result<store::Committed>& committed) {
  task::CountedStart* start = budgets.Find(task);
  if (start == nullptr) return;
  if (committed) {
    start->running = false;
    return;
  }
  const task::CountedStart failed = *start;
  for (const std::string& bucket : budgets.BucketsOf(failed)) guards_in_doubt.insert(task::GuardRowKey(bucket));
  budgets.Remove(task);
  if (committed.error().reason != "conflict") return;
  const Status read =
      parts.store.Scan(store::Table::kBudget, task::StartRowPrefix(failed.type, failed.actor), [&](std::string_view key, std::string_view row) {
        auto other = task::CountedStart::FromRow(key, row);
        if (other && budgets.Find(other->task) == nullptr) budgets.Add(*std::move(other));
        return true;
      });
  if (!read) log::Fault("what was started cannot be counted again: {}", read.error().message);
}

Status Broker::Impl::LoadBudgets() {
  Error failed;
  bool ok = true;
  REMIT_TRY(parts.store.Scan(store::Table::kBudget, "", [&](std::string_view key, std::string_view row) {
    if (!key.starts_with(task::kStartRows)) {
      guards.emplace(key, row);
      return true;
    }
    auto start = task::CountedStart::FromRow(key, row);
    if (!start) failed = std::move(start.error()), ok = false;
    if (start) budgets.Add(*std::move(start));
    return ok;
  }));
  if (!ok) return std::unexpected(std::move(failed));
  FitBudgets();
  if (!parts.accept_clock) return {};
  // The clock may have been set back to a moment at which starts still count that were forgotten since: they are counted again.
  store::Batch batch;
  REMIT_TRY(parts.store.Scan(store::Table::kEndedTask, "", [&](std::string_view key, std::string_view row) {
    const auto record = task::TaskRecord::Decode(row);
    if (!record || !record->started || budgets.BudgetsOf(record->type) == nullptr || budgets.Find(std::string(key)) != nullptr) return true;
    task::CountedStart start = Counted(*record, *record->started);
    start.until = start.at + budgets.LongestWindow(record->type);
    if (start.until <= Now()) return true;
    batch.writes.push_back(StartRow(start));
    budgets.Add(std::move(start));
    return true;
  }));
  if (!batch.writes.empty()) Commit(std::move(batch), [](const auto&) {});
  return {};
}

// Forgets what counts nowhere any more. Under the mutex.
void Broker::Impl::TidyBudgets() {
  FitBudgets();
  const std::vector<task::CountedStart> over = budgets.Over(Stamp(), [this](const std::string& task) { return RunsUntil(task); }, kRowsAtOnce);
  if (over.empty()) return;
  store::Batch batch;
  for (const task::CountedStart& start : over) {
    batch.writes.push_back({store::Table::kBudget, task::StartRowKey(start), std::nullopt});
    budgets.Remove(start.task);
  }
  Commit(std::move(batch), [](const auto&) {});
  store::Batch unguarded;
  for (auto at = guards.begin(); at != guards.end();) {
    if (budgets.Find(at->second) != nullptr || guards_in_doubt.contains(at->first)) {
      ++at;
      continue;
    }
    unguarded.expects.push_back({store::Table::kBudget, at->first, at->second});
    unguarded.writes.push_back({store::Table::kBudget, at->first, std::nullopt});
    at = guards.erase(at);
  }
  if (unguarded.writes.empty()) return;
  std::vector<std::string> forgotten;
  for (const store::Write& write : unguarded.writes) forgotten.push_back(write.key);
  Commit(std::move(unguarded), [this, forgotten = std::move(forgotten)](const auto& committed) {
    if (!committed) guards_in_doubt.insert(forgotten.begin(), forgotten.end());
  });
}

}  // namespace remit::broker
