// Budgets: how often an actor starts tasks of a type, counted in the same commit as the start (task/budget.h says how). What waits for
// approval or was refused does not count; what became active does, however it ended.
//
// In memory a start counts from the decision on, before its commit, so that of many at once only as many pass as may. Between servers, the
// guard of each bucket does the same: a row that names who was counted last, which the commit expects to be as this server knows it.
#include <fmt/format.h>

#include "base/log.h"
#include "broker/core.h"

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

std::optional<Time> Budgets::RunsUntil(const std::string& task) {
  LiveTask* live = core_.Find(task);
  // Also one that is ending: it counts until its end is written down.
  if (live == nullptr || live->state() == task::State::kRequested || live->state() == task::State::kScheduled) return std::nullopt;
  return live->deadline();
}

void Budgets::Fit() {
  if (book_of_ == core_.current) return;
  book_of_ = core_.current;
  std::map<std::string, std::vector<task::Budget>, std::less<>> of_types;
  if (core_.current)
    for (const auto& [name, type] : core_.current->task_types())
      if (!type.budgets.empty()) of_types.emplace(name, type.budgets);
  const bool any = !of_types.empty();
  book_.SetBudgets(std::move(of_types));
  if (!any) return;
  store::Batch batch;
  for (auto& [id, live] : core_.tasks) {
    if (book_.Find(id) != nullptr || !RunsUntil(id)) continue;
    const bool cold = live->cold();
    const task::TaskRecord& record = live->record();
    if (record.started && book_.BudgetsOf(record.type) != nullptr) {
      task::CountedStart start = Counted(record, *record.started);
      start.until = start.at + book_.LongestWindow(record.type);
      batch.writes.push_back(StartRow(start));
      book_.Add(std::move(start));
    }
    if (cold) live->Cool();
    if (batch.writes.size() >= kRowsAtOnce) core_.Commit(std::exchange(batch, {}), [](const auto&) {});
  }
  if (!batch.writes.empty()) core_.Commit(std::move(batch), [](const auto&) {});
}

Status Budgets::Check(const task::TaskRecord& record, Time at, bool active_too) {
  Fit();
  if (book_.BudgetsOf(record.type) == nullptr) return {};
  const auto full = book_.FindFull(Counted(record, at), [this](const std::string& task) { return RunsUntil(task); }, active_too);
  if (full) return std::unexpected(UsedUp(record, *full));
  return {};
}

json::Array Budgets::Left(const task::TaskRecord& record, Time at) {
  Fit();
  json::Array left;
  const std::vector<task::Budget>* budgets = book_.BudgetsOf(record.type);
  if (budgets == nullptr) return left;
  for (const task::Budget& budget : *budgets)
    left.push_back(json::Object{{"budget", budget.Text()},
                                {"left", book_.Left(Counted(record, at), budget, [this](const std::string& task) { return RunsUntil(task); })}});
  return left;
}

Status Budgets::Charge(const task::TaskRecord& started, store::Batch& batch) {
  const Time at = started.started.value_or(core_.last_event);
  REMIT_TRY(Check(started, at, true));
  if (book_.BudgetsOf(started.type) == nullptr) return {};
  task::CountedStart start = Counted(started, at);
  start.until = at + book_.LongestWindow(started.type);
  start.running = true;
  for (const std::string& bucket : book_.BucketsOf(start)) {
    const std::string key = task::GuardRowKey(bucket);
    if (guards_in_doubt_.contains(key)) ReadGuard(key);
    const auto guard = guards_.find(key);
    batch.expects.push_back({store::Table::kBudget, key, guard == guards_.end() ? std::nullopt : std::optional(guard->second)});
    batch.writes.push_back({store::Table::kBudget, key, started.id});
    guards_[key] = started.id;
  }
  batch.writes.push_back(StartRow(start));
  book_.Add(std::move(start));
  return {};
}

void Budgets::ReadGuard(const std::string& key) {
  const auto row = core_.parts.store.Get(store::Table::kBudget, key);
  if (!row) return;  // still in doubt: the commit that expects what we have will tell
  guards_in_doubt_.erase(key);
  if (*row) {
    guards_[key] = **row;
  } else {
    guards_.erase(key);
  }
}

void Budgets::Settle(const std::string& task, const Result<store::Committed>& committed) {
  task::CountedStart* start = book_.Find(task);
  if (start == nullptr) return;
  if (committed) {
    start->running = false;
    return;
  }
  const task::CountedStart failed = *start;
  for (const std::string& bucket : book_.BucketsOf(failed)) guards_in_doubt_.insert(task::GuardRowKey(bucket));
  book_.Remove(task);
  if (committed.error().reason != "conflict") return;
  const Status read =
      core_.parts.store.Scan(store::Table::kBudget, task::StartRowPrefix(failed.type, failed.actor), [&](std::string_view key, std::string_view row) {
        auto other = task::CountedStart::FromRow(key, row);
        if (other && book_.Find(other->task) == nullptr) book_.Add(*std::move(other));
        return true;
      });
  if (!read) log::Fault("what was started cannot be counted again: {}", read.error().message);
}

Status Budgets::Load() {
  Error failed;
  bool ok = true;
  REMIT_TRY(core_.parts.store.Scan(store::Table::kBudget, "", [&](std::string_view key, std::string_view row) {
    if (!key.starts_with(task::kStartRows)) {
      guards_.emplace(key, row);
      return true;
    }
    auto start = task::CountedStart::FromRow(key, row);
    if (!start) failed = std::move(start.error()), ok = false;
    if (start) book_.Add(*std::move(start));
    return ok;
  }));
  if (!ok) return std::unexpected(std::move(failed));
  Fit();
  if (!core_.parts.accept_clock) return {};
  // The clock may have been set back to a moment at which starts still count that were forgotten since: they are counted again.
  store::Batch batch;
  REMIT_TRY(core_.parts.store.Scan(store::Table::kEndedTask, "", [&](std::string_view key, std::string_view row) {
    const auto record = task::TaskRecord::Decode(row);
    if (!record || !record->started || book_.BudgetsOf(record->type) == nullptr || book_.Find(std::string(key)) != nullptr) return true;
    task::CountedStart start = Counted(*record, *record->started);
    start.until = start.at + book_.LongestWindow(record->type);
    if (start.until <= core_.Now()) return true;
    batch.writes.push_back(StartRow(start));
    book_.Add(std::move(start));
    return true;
  }));
  if (!batch.writes.empty()) core_.Commit(std::move(batch), [](const auto&) {});
  return {};
}

void Budgets::Tidy() {
  Fit();
  const std::vector<task::CountedStart> over = book_.Over(core_.Stamp(), [this](const std::string& task) { return RunsUntil(task); }, kRowsAtOnce);
  if (over.empty()) return;
  store::Batch batch;
  for (const task::CountedStart& start : over) {
    batch.writes.push_back({store::Table::kBudget, task::StartRowKey(start), std::nullopt});
    book_.Remove(start.task);
  }
  core_.Commit(std::move(batch), [](const auto&) {});
  store::Batch unguarded;
  for (auto at = guards_.begin(); at != guards_.end();) {
    if (book_.Find(at->second) != nullptr || guards_in_doubt_.contains(at->first)) {
      ++at;
      continue;
    }
    unguarded.expects.push_back({store::Table::kBudget, at->first, at->second});
    unguarded.writes.push_back({store::Table::kBudget, at->first, std::nullopt});
    at = guards_.erase(at);
  }
  if (unguarded.writes.empty()) return;
  std::vector<std::string> forgotten;
  for (const store::Write& write : unguarded.writes) forgotten.push_back(write.key);
  core_.Commit(std::move(unguarded), [this, forgotten = std::move(forgotten)](const auto& committed) {
    if (!committed) guards_in_doubt_.insert(forgotten.begin(), forgotten.end());
  });
}

}  // namespace remit::broker
