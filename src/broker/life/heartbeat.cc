// Signs of life. Kept in memory alone: after a restart each task gets one full period.
#include "broker/life/heartbeat.h"

#include <fmt/format.h>

#include "broker/core.h"

namespace remit::broker {

using Kind = Caller::Kind;

Result<LiveTask*> Heartbeats::OfHolder(const Caller& by, const std::string& task) {
  LiveTask* live = core_.Find(task);
  if (live == nullptr || !by.Is(Kind::kHolder) || by.task != task) return std::unexpected(core_.who_may.NotLive(by, task));
  if (live->latched) return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", task));
  return live;
}

Status Heartbeats::Heard(const Caller& by, const std::string& task) {
  REMIT_ASSIGN(LiveTask * live, OfHolder(by, task));
  live->last_heard = core_.Now();
  if (live->lost) {
    live->lost.reset();
    core_.Schedule(*live);
  }
  return {};
}

Result<std::uint64_t> Heartbeats::Hold(const Caller& by, const std::string& task, std::function<void(const json::Value&)> notify) {
  REMIT_ASSIGN(LiveTask * live, OfHolder(by, task));
  std::uint64_t id = next_hold_++;
  live->holds.emplace_back(id, std::move(notify));
  // What it may have missed while nobody held it.
  const task::TaskRecord& record = live->record();
  if (record.state == task::State::kSuspended)
    core_.Tell(*live, json::Object{{"event", "state"}, {"state", task::StateName(record.state)}, {"reason", ""}});
  if (record.started && record.deadline > *record.started + record.ttl)
    core_.Tell(*live, json::Object{{"event", "extended"}, {"deadline", FormatTime(record.deadline)}});
  live->lost.reset();
  live->last_heard = core_.Now();
  core_.Schedule(*live);
  return id;
}

void Heartbeats::Release(const std::string& task, std::uint64_t hold) {
  LiveTask* live = core_.Find(task);
  if (live == nullptr) return;
  std::erase_if(live->holds, [&](const auto& entry) { return entry.first == hold; });
  if (!live->holds.empty()) return;
  live->lost = core_.Now();
  core_.Schedule(*live);
}

Status Broker::Heartbeat(const Caller& by, const std::string& task) {
  return core_->Locked([&] { return core_->heartbeats.Heard(by, task); });
}

Result<std::uint64_t> Broker::Hold(const Caller& by, const std::string& task, std::function<void(const json::Value&)> notify) {
  return core_->Locked([&] { return core_->heartbeats.Hold(by, task, std::move(notify)); });
}

void Broker::Release(const std::string& task, std::uint64_t hold) {
  core_->Locked([&] { core_->heartbeats.Release(task, hold); });
}

}  // namespace remit::broker
