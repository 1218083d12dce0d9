#include "broker/core.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "base/log.h"
#include "json/write.h"

namespace remit::broker {

std::unexpected<Error> NoSuchTask(const std::string& id) {
  return Fail(Code::kNotFound, "unknown-task", fmt::format("no task `{}`, or none that you may see", id), "list tasks with `remit list`");
}

std::string ApprovalIdOf(const std::string& task_id) { return std::string(kApprovalPrefix) + task_id.substr(kTaskPrefix.size()); }

std::string TaskIdOf(const std::string& approval_id) {
  if (!IsId(approval_id, kApprovalPrefix)) return "";
  return std::string(kTaskPrefix) + approval_id.substr(kApprovalPrefix.size());
}

std::string IdempotencyRow(Time at, std::string_view content) { return fmt::format("{:016x} {}", Micros(at), content); }

// --- effects -----------------------------------------------------------------------------------------------------------------------

void Core::Drain(std::unique_lock<std::mutex>& lock) {
  if (draining_) return;  // whoever drains takes ours along, in order
  draining_ = true;
  while (!effects_.empty()) {
    std::function<void()> effect = std::move(effects_.front());
    effects_.pop_front();
    lock.unlock();
    effect();
    effect = nullptr;
    lock.lock();
  }
  draining_ = false;
}

void Core::Commit(store::Batch batch, std::function<void(Result<store::Committed>)> done) {
  // The token is captured first, so that it goes last: `done` may hold what belongs to others.
  Later([token = underway_.Begin(), this, batch = std::make_shared<store::Batch>(std::move(batch)), done = std::move(done)]() mutable {
    parts.store.Commit(std::move(*batch), [token, this, done = std::move(done)](Result<store::Committed> result) {
      Locked([&] {
        if (!result) {
          ++totals.commit_failures;
          if (result.error().reason != "conflict") log::Fault("commit failed: {}", result.error().message);
        }
        store_in_doubt = !result && result.error().reason != "conflict";
        done(std::move(result));
      });
    });
  });
}

void Core::Close() {
  {
    const std::lock_guard lock(mutex);
    closed_ = true;
    for (const io::TimerId timer : {queue_timer_, counts_timer_})
      if (timer != 0) parts.timers.Cancel(timer);
    sweeps.Stop();
    credentials.Stop();
  }
  underway_.Wait();
}

// --- time and events ---------------------------------------------------------------------------------------------------------------

Time Core::Stamp() {
  last_event = std::max(last_event, Now());
  return last_event;
}

json::Object Core::Event(std::string_view type, Time at) { return json::Object{{"type", type}, {"time", FormatTime(at)}}; }

void Core::AddEvents(store::Batch& batch, std::vector<json::Value> events) {
  for (const json::Value& event : events) batch.events.push_back(json::Canonical(event));
}

bool Core::ClockInDoubt() {
  if (clock_in_doubt && parts.clock.Wall() + limits::kClockSkew >= last_event) clock_in_doubt = false;
  return clock_in_doubt;
}

// --- tasks ---------------------------------------------------------------------------------------------------------------------------

LiveTask* Core::Find(const std::string& id) {
  auto found = tasks.find(id);
  return found == tasks.end() ? nullptr : found->second.get();
}

std::shared_ptr<const task::Catalog> Core::Pinned(const std::string& hash) {
  if (current && current->hash() == hash) return current;
  auto found = catalogs.find(hash);
  return found == catalogs.end() ? nullptr : found->second;
}

std::shared_ptr<const cedar::Entity> Core::MakeEntity(const task::TaskRecord& record, const task::Catalog& catalog) {
  const task::TaskType* type = catalog.FindType(record.type);
  if (type == nullptr) return nullptr;
  return std::make_shared<const cedar::Entity>(task::TaskEntity(*type, record, catalog.schema()));
}

const cedar::Entity& Core::EntityOf(LiveTask& live) {
  if (!live.pinned) live.pinned = Pinned(live.record().catalog);
  if (!live.entity && live.pinned) live.entity = MakeEntity(live.record(), *live.pinned);
  static const cedar::Entity kNothing;  // no policy speaks of it: everything is denied
  return live.entity ? *live.entity : kNothing;
}

void Core::Insert(std::unique_ptr<LiveTask> live) {
  const task::TaskRecord& record = live->record();
  Insert(std::move(live), record.token_hash, record.holder_hash);
}

void Core::Insert(std::unique_ptr<LiveTask> live, const Hash& token, const Hash& holder) {
  handles.Add(*live, token, holder);
  live->last_heard = Now();
  LiveTask& inserted = *live;
  tasks[inserted.id()] = std::move(live);
  tree.Add(inserted.id(), inserted.parent());
  Schedule(inserted);
}

void Core::Remove(const std::string& id) {
  auto found = tasks.find(id);
  if (found == tasks.end()) return;
  LiveTask& live = *found->second;
  handles.Remove(live.record());
  Unschedule(live);
  tree.Remove(id, live.parent());
  trips.Forget(id);
  for (auto& work : live.waiting) Later([this, work = std::move(work)] { Locked(work); });  // each will find that the task is gone
  tasks.erase(found);
}

// --- what is due -----------------------------------------------------------------------------------------------------------------------

void Core::Schedule(LiveTask& live) {
  queue_.erase({live.due, &live});
  if (live.latched) return;
  live.due = live.deadline();
  if (live.state() == task::State::kScheduled && live.not_before())
    live.due = std::min(live.due, std::max(*live.not_before(), live.try_at.value_or(*live.not_before())));
  if (live.state() == task::State::kActive) {
    if (live.lost)
      live.due = std::min(live.due, *live.lost + limits::kHeldConnectionGrace);
    else if (live.AwaitsHeartbeat())
      live.due = std::min(live.due, live.last_heard + live.heartbeat());
    if (!live.warned && !live.holds.empty() && live.record().started)
      live.due = std::min(live.due, *live.record().started + (live.deadline() - *live.record().started) * 4 / 5);
  }
  queue_.insert({live.due, &live});
  ArmTimer();
}

void Core::Unschedule(LiveTask& live) {
  queue_.erase({live.due, &live});
  counted.erase(&live);
}

void Core::ArmTimer() {
  if (closed_ || !opening.loaded || queue_.empty()) return;
  Time first = queue_.begin()->first;
  if (queue_timer_ != 0 && queue_timer_at_ <= first) return;
  if (queue_timer_ != 0) parts.timers.Cancel(queue_timer_);
  queue_timer_at_ = first;
  queue_timer_ = parts.timers.At(first, [this] { Locked([this] { OnTimer(); }); });
}

void Core::OnTimer() {
  queue_timer_ = 0;
  Time now = Now();
  while (!queue_.empty() && queue_.begin()->first <= now) {
    LiveTask& live = *queue_.begin()->second;
    queue_.erase(queue_.begin());
    Look(live, now);
  }
  ArmTimer();
}

void Core::Look(LiveTask& live, Time now) {
  auto expire = [&](const char* reason) {
    ends.End(live, [reason](const task::TaskRecord& record, Time at) { return task::Expire(record, reason, at); }, Duration(0), nullptr);
  };
  if (now >= live.deadline()) return expire("deadline");
  if (live.state() == task::State::kScheduled && live.not_before() && now >= *live.not_before()) return windows.StartScheduled(live);
  if (live.state() == task::State::kActive) {
    if (live.lost && now >= *live.lost + limits::kHeldConnectionGrace) return expire("connection-closed");
    if (!live.lost && live.AwaitsHeartbeat() && now >= live.last_heard + live.heartbeat()) return expire("heartbeat");
    if (!live.warned && !live.holds.empty()) {
      live.warned = true;
      Tell(live, json::Object{{"event", "warning"}, {"deadline", FormatTime(live.deadline())}});
    }
  }
  Schedule(live);
}

void Core::Tell(LiveTask& live, const json::Value& line) {
  for (const auto& [id, notify] : live.holds) Later([notify, line] { notify(line); });
}

void Core::Changed(LiveTask& live) {
  Tell(live, json::Object{{"event", "state"}, {"state", task::StateName(live.state())}, {"reason", live.record().end_reason}});
  for (LiveTask::Watcher& watcher : live.watchers) Later(std::move(watcher.tell));
  live.watchers.clear();
}

// --- one change at a time for what gives access --------------------------------------------------------------------------------------

void Core::RunWhenIdle(LiveTask& live, std::function<void()> work) {
  if (live.busy)
    live.waiting.push_back(std::move(work));
  else
    work();
}

void Core::NotBusy(LiveTask& live) {
  live.busy = false;
  std::string id = live.id();
  while (LiveTask* again = Find(id)) {
    if (again->busy || again->waiting.empty()) return;
    std::function<void()> work = std::move(again->waiting.front());
    again->waiting.erase(again->waiting.begin());
    work();
  }
}

// --- counts ----------------------------------------------------------------------------------------------------------------------------

void Core::ArmCounts() {
  if (closed_ || counts_timer_ != 0) return;
  counts_timer_ = parts.timers.At(Now() + std::chrono::seconds(1), [this] {
    Locked([this] {
      counts_timer_ = 0;
      FlushCounts();
    });
  });
}

void Core::FlushCounts() {
  store::Batch batch;
  for (LiveTask* live : counted) {
    live->counted = false;
    if (!live->latched && !live->busy && live->state() == task::State::kActive)
      batch.writes.push_back({store::Table::kTask, live->id(), live->Encode()});
  }
  counted.clear();
  if (!batch.writes.empty()) Commit(std::move(batch), [](const Result<store::Committed>&) {});
}

}  // namespace remit::broker
