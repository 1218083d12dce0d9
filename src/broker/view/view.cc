// Reading: tasks, what they hold, and how the broker is.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/core.h"
#include "broker/view/environment.h"
#include "broker/views.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

// A slip of the keyboard looks like nothing there. Asked only where there is nothing: what the catalog had once may still have tasks.
Status AreNamesKnown(const task::Catalog& catalog, const ListFilter& filter) {
  if (!filter.type.empty())
    if (auto type = TypeNamed(catalog, filter.type); !type) {
      type.error().code = Code::kInvalidArgument;
      return std::unexpected(std::move(type.error()));
    }
  const auto actor = cedar::EntityUid::Parse(filter.actor);
  if (!actor || catalog.IsActor(actor->type) || catalog.IsPerson(actor->type)) return {};
  std::vector<std::string> types;
  for (const auto& [name, declared] : catalog.schema().entity_types())
    if (catalog.IsActor(name) || catalog.IsPerson(name)) types.push_back(name);
  const std::string near = Nearest(actor->type, types);
  return Fail(Code::kInvalidArgument, "not-an-actor-type", fmt::format("no actor or person is a `{}`", EscapeControl(actor->type)),
              near.empty() ? "`remit actor list` and `remit person list` have those that there are" : fmt::format("did you mean `{}`?", near));
}

// A task with its credentials: live ones from memory, dead ones from the store.
json::Value WithCredentials(const task::TaskRecord& record, const std::vector<task::CredentialRecord>& records) {
  json::Object task = TaskJson(record);
  task.Set("credentials", CredentialsJson(records));
  using task::State;
  if (record.state == State::kRequested || record.state == State::kScheduled || record.extension) task.Set("approval", ApprovalIdOf(record.id));
  return task;
}

}  // namespace

// The credentials of a task, whatever their state. Reads the store.
std::vector<task::CredentialRecord> Views::CredentialsOf(const task::TaskRecord& record) {
  std::vector<task::CredentialRecord> records;
  for (const std::string& id : record.credentials) {
    std::unique_lock lock(core_.mutex);
    if (LiveCredential* live = core_.credentials.Find(id)) {
      records.push_back(live->record);
      continue;
    }
    lock.unlock();
    auto row = core_.parts.store.Get(store::Table::kEndedCredential, id);
    if (!row || !*row) continue;
    if (auto dead = task::CredentialRecord::Decode(**row)) records.push_back(*std::move(dead));
  }
  return records;
}

// The record, live or ended, if the caller may see it. Reads the store.
Result<task::TaskRecord> Views::Visible(const Caller& by, const std::string& id) {
  {
    std::unique_lock lock(core_.mutex);
    if (LiveTask* live = core_.Find(id)) {
      if (!core_.who_may.MayView(by, *live)) return NoSuchTask(id);
      task::TaskRecord record = core_.ends.Recorded(*live);  // an end is an end when it is written down
      record.allowed = live->allowed;
      record.denied = live->denied;
      return record;
    }
  }
  REMIT_ASSIGN(std::optional<std::string> row, core_.parts.store.Get(store::Table::kEndedTask, id));
  if (!row) return NoSuchTask(id);
  REMIT_ASSIGN(task::TaskRecord record, task::TaskRecord::Decode(*row));
  std::unique_lock lock(core_.mutex);
  if (!core_.who_may.MayViewEnded(by, record)) return NoSuchTask(id);
  return record;
}

Result<json::Value> Broker::ShowTask(const Caller& by, const std::string& task) {
  REMIT_ASSIGN(task::TaskRecord record, core_->views.Visible(by, task));
  return WithCredentials(record, core_->views.CredentialsOf(record));
}

// Live tasks, in the order that is asked for, until there are as many as asked for. A few at a time, so that decisions do not wait for a list
// of a million; each goes back to the form in which it was kept.
void Views::ListLive(const Caller& by, const ListFilter& filter, const std::function<bool(const task::TaskRecord&)>& matches,
                     std::vector<task::TaskRecord>& found) {
  constexpr std::size_t kAtOnce = 100;
  std::vector<std::string> ids;
  if (by.Is(Kind::kTask) || by.Is(Kind::kHolder)) {
    ids.push_back(by.task);
  } else {
    core_.Locked([&] {
      for (auto& [id, live] : core_.tasks)
        if (filter.IsBehind(id)) ids.push_back(id);
    });
    std::ranges::sort(ids);
    if (filter.newest_first) std::ranges::reverse(ids);
  }
  for (std::size_t first = 0; first < ids.size() && found.size() < filter.limit; first += kAtOnce) {
    core_.Locked([&] {
      for (std::size_t i = first; i < std::min(ids.size(), first + kAtOnce) && found.size() < filter.limit; ++i) {
        LiveTask* live = core_.Find(ids[i]);
        if (live == nullptr) continue;
        const bool cold = live->cold();
        if (const task::TaskRecord& record = core_.ends.Recorded(*live); matches(record) && core_.who_may.MayView(by, *live)) found.push_back(record);
        if (cold) live->Cool();
      }
    });
  }
}

Result<json::Value> Broker::ListTasks(const Caller& by, const ListFilter& filter) {
  if (by.Is(Kind::kNobody)) return Fail(Code::kUnauthenticated, "unauthenticated", "nobody knows who is calling");
  std::vector<task::TaskRecord> found;
  ListFilter with_next = filter;
  ++with_next.limit;  // that there are more is said, not left to be guessed
  auto matches = [&](const task::TaskRecord& record) {
    bool state = filter.state.empty()      ? !task::IsEnd(record.state)
                 : filter.state == "ended" ? task::IsEnd(record.state)
                                           : filter.state == task::StateName(record.state);
    return state && (filter.type.empty() || filter.type == record.name || filter.type == record.type) &&
           (filter.actor.empty() || filter.actor == record.actor.ToString()) && filter.IsBehind(record.id);
  };
  const std::set<std::string> living = {"active", "requested", "suspended", "scheduled"};
  bool ended = !filter.state.empty() && !living.contains(filter.state);
  if (!ended) core_->views.ListLive(by, with_next, matches, found);
  // A task sees itself alone, and is gone when it has ended.
  if (ended && !by.Is(Kind::kTask) && !by.Is(Kind::kHolder)) {
    const auto add = [&](std::string_view key, std::string_view row) {
      if (!filter.IsBehind(key)) return true;
      auto record = task::TaskRecord::Decode(row);
      if (record && matches(*record) && core_->Locked([&] { return core_->who_may.MayViewEnded(by, *record); })) found.push_back(*std::move(record));
      return found.size() < with_next.limit;
    };
    store::Store& store = core_->parts.store;
    REMIT_TRY(filter.newest_first ? store.ScanBack(store::Table::kEndedTask, "", filter.after, add) : store.Scan(store::Table::kEndedTask, "", add));
  }
  if (found.empty() && filter.after.empty())
    if (const auto now = catalog()) REMIT_TRY(AreNamesKnown(*now, filter));
  const bool more = found.size() > filter.limit;
  if (more) found.resize(filter.limit);
  json::Array tasks;
  for (const task::TaskRecord& record : found) tasks.push_back(TaskJson(record));
  return json::Value(json::Object{{"tasks", std::move(tasks)}, {"more", more}});
}

void Broker::WatchTask(const Caller& by, const std::string& task, const std::string& state, Duration wait, Answer<json::Value> answer) {
  Core& core = *core_;
  auto show = [this, by, task, answer] { answer(ShowTask(by, task)); };
  core.Locked([&] {
    LiveTask* live = core.Find(task);
    if (live == nullptr || !core.who_may.MayView(by, *live) || (!state.empty() && task::StateName(Ends::Recorded(*live).state) != state) ||
        wait <= Duration(0))
      return core.Later(show);
    auto done = std::make_shared<bool>(false);
    // Under the mutex: a change or the time, whichever comes first.
    io::TimerId timer = core.parts.timers.At(core.Now() + std::min<Duration>(wait, std::chrono::minutes(2)), [&core, done, show] {
      bool first = core.Locked([&] { return !std::exchange(*done, true); });
      if (first) show();
    });
    std::erase_if(live->watchers, [](const LiveTask::Watcher& watcher) { return *watcher.done; });
    live->watchers.push_back({done, [&core, done, show, timer] {
                                bool first = core.Locked([&] { return !std::exchange(*done, true); });
                                core.parts.timers.Cancel(timer);
                                if (first) show();
                              }});
  });
}

Result<std::map<std::string, Secret>> Broker::Environment(const Caller& by, const std::string& task) {
  return core_->Locked([&]() -> Result<std::map<std::string, Secret>> {
    LiveTask* live = core_->Find(task);
    if (live == nullptr || !by.Is(Kind::kHolder) || by.task != task) return NoSuchTask(task);
    if (!core_->trees.Usable(*live))
      return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is {}", task, task::StateName(live->state())));
    EnvironmentBuilder environment;
    for (const std::string& id : live->live_credentials)
      if (LiveCredential* credential = core_->credentials.Find(id)) environment.Add(credential->record.target, credential->environment);
    return environment.Build();
  });
}

json::Value Broker::Health() const {
  return core_->Locked([&]() -> json::Value {
    json::Array doubts;
    if (core_->store_in_doubt) doubts.push_back("the last commit failed");
    if (core_->ClockInDoubt()) doubts.push_back("the clock is behind the ledger's last event");
    if (!core_->current) doubts.push_back("no catalog is loaded");
    if (core_->key_rotation.Owed() > 0) doubts.push_back("that a key has leaked is not written down yet");
    return json::Object{{"ready", doubts.empty()}, {"doubts", std::move(doubts)}};
  });
}

Counters Broker::counters() const {
  return core_->Locked([&] {
    Counters counters = core_->totals;
    counters.live_tasks = core_->tasks.size();
    counters.open_reviews = core_->break_glass.OpenReviews().size();
    for (const auto& [id, credential] : core_->credentials.alive)
      counters.ending_credentials += credential.record.state == task::CredentialState::kEnding;
    return counters;
  });
}

std::shared_ptr<const task::Catalog> Broker::catalog() const {
  return core_->Locked([&] { return core_->current; });
}

}  // namespace remit::broker
