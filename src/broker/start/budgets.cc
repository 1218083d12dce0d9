// Budgets: how often an actor starts tasks of a type, counted in the same commit as the start (task/budget.h says how). What waits for
// approval or was refused does not count; what became active does, however it ended.
//
// In memory a start counts from the decision on, before its commit, so that of many at once only as many pass as may. Between servers, the
// guard of each bucket does the same: a row that names who was counted last, which the commit expects to be as this server knows it.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
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

std::optional<Time> InWholeSeconds(std::optional<Time> at) {
  if (!at) return at;
  return Time(std::chrono::ceil<std::chrono::seconds>(*at));  // who comes back at the second that he read is not refused again
}

// "tsk_a, tsk_b and 3 more"
std::string Named(const std::vector<std::string>& tasks, std::size_t all) {
  constexpr std::size_t kInAHint = 3;
  const std::size_t shown = std::min(tasks.size(), kInAHint);
  std::string text = Join(std::vector<std::string>(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(shown)), ", ");
  if (all > shown) text += fmt::format(" and {} more", all - shown);
  return text;
}

// What to do about the narrowest of those of @max_active that are full: who ends there frees the wider ones, too.
std::string ToBeEnded(const task::StartBook::Full& full, const std::vector<std::string>& seen) {
  const std::size_t held = full.holders.size(), more = held - full.budget.count + 1;
  if (seen.empty()) return "end what runs (`remit list`)";
  if (held == 1) return fmt::format("its place is held by {}: end that one", Named(seen, held));
  return fmt::format("its places are held by {}: end {}", Named(seen, held), more == 1 ? "one of them" : fmt::format("{} of them", more));
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

bool Budgets::MaySee(const Caller& by, const std::string& task) {
  LiveTask* live = core_.Find(task);
  if (live == nullptr) return false;
  const bool cold = live->cold(), may = core_.who_may.MayView(by, *live);
  if (cold) live->Cool();
  return may;
}

std::optional<Budgets::NoRoom> Budgets::FindNoRoom(const task::TaskRecord& record, Time at, bool active_too, const Caller* told) {
  using Kind = task::Budget::Kind;
  using Full = task::StartBook::Full;
  Fit();
  if (book_.BudgetsOf(record.type) == nullptr) return std::nullopt;
  const std::vector<Full> all = book_.FindFull(Counted(record, at), [this](const std::string& task) { return RunsUntil(task); }, active_too);
  if (all.empty()) return std::nullopt;
  const Full *starts = nullptr, *active = nullptr;  // of those that are full: the last one that frees, and the narrowest
  for (const Full& full : all) {
    if (full.budget.kind == Kind::kStarts && (starts == nullptr || full.frees > starts->frees)) starts = &full;
    if (full.budget.kind == Kind::kActive && (active == nullptr || full.holders.size() < active->holders.size())) active = &full;
  }
  const Full& first = starts != nullptr ? *starts : *active;
  NoRoom none;
  none.until = Time::min();
  for (const Full& full : all) none.until = !none.until || !full.frees ? std::nullopt : std::optional(std::max(*none.until, *full.frees));
  none.until = InWholeSeconds(none.until);
  std::string message = starts != nullptr ? fmt::format("`{}` may be started {}", record.name, first.budget.Text())
                                          : fmt::format("of `{}` may run {} at once", record.name, first.budget.Text());
  message += fmt::format(" for each actor, and {} has used that up", record.actor.ToString());
  if (starts != nullptr) message += fmt::format(" until {}", FormatTime(*InWholeSeconds(starts->frees)));
  none.error = Error(Code::kResourceExhausted, "budget-used-up", std::move(message));
  if (active == nullptr) {
    none.error.hint = fmt::format("the next start is possible from {} on; ending a task does not give its start back", FormatTime(*none.until));
    return none;
  }
  if (told != nullptr)
    for (const std::string& task : active->holders)
      if (none.held_by.size() < kHoldersNamed && MaySee(*told, task)) none.held_by.push_back(task);
  none.error.hint = ToBeEnded(*active, none.held_by);
  if (starts != nullptr) none.error.hint += fmt::format("; none begins before {} all the same", FormatTime(*InWholeSeconds(starts->frees)));
  if (none.until) none.error.hint += fmt::format("; or wait: until {} at the latest", FormatTime(*none.until));
  return none;
}

Status Budgets::Check(const task::TaskRecord& record, Time at, bool active_too, const Caller* told) {
  if (std::optional<NoRoom> none = FindNoRoom(record, at, active_too, told)) return std::unexpected(std::move(none->error));
  return {};
}

void Budgets::NoRoom::AddTo(json::Object& verdict) const {
  verdict.Set("reason", error.reason);
  verdict.Set("message", error.message);
  verdict.Set("hint", error.hint);
  if (until) verdict.Set("until", FormatTime(*until));
  if (!held_by.empty()) verdict.Set("held_by", json::StringArray(held_by));
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
