// The answer to a start: what the task got, once it has it; or why it got nothing.
#include "broker/start/start_wait.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "broker/core.h"
#include "broker/view/environment.h"

namespace remit::broker {

std::shared_ptr<StartWait> StartWaits::For(Answer<StartAnswer> answer) {
  auto wait = std::make_shared<StartWait>();
  wait->to = std::move(answer);
  return wait;
}

void StartWaits::AwaitLive(std::shared_ptr<StartWait> wait, const std::string& task_id) {
  LiveTask* live = core_.Find(task_id);
  if (live == nullptr || live->latched) return Say(wait, Ended(task_id));
  bool all = true;
  for (const std::string& id : live->live_credentials)
    if (LiveCredential* credential = core_.credentials.Find(id)) all = all && credential->record.state != task::CredentialState::kPlanned;
  if (all) return Say(wait, task_id);
  if (wait->timer == 0) {
    wait->timer = core_.parts.timers.At(core_.Now() + limits::kStartWait, [this, wait, task_id] { core_.Locked([&] { Say(wait, task_id); }); });
  }
  core_.credentials.watches[task_id].push_back([this, wait, task_id] {
    if (!wait->done) AwaitLive(wait, task_id);
  });
}

void StartWaits::Say(const std::shared_ptr<StartWait>& wait, const std::string& task_id) {
  if (wait->done) return;
  LiveTask* live = core_.Find(task_id);
  if (live == nullptr || live->latched) return Say(wait, Ended(task_id));
  wait->done = true;
  if (wait->timer != 0) core_.parts.timers.Cancel(wait->timer);
  StartAnswer& answer = wait->answer;
  EnvironmentBuilder environment;
  answer.task = live->record();
  for (const std::string& id : live->live_credentials) {
    LiveCredential* credential = core_.credentials.Find(id);
    if (credential == nullptr || credential->record.state == task::CredentialState::kEnding) continue;
    answer.credentials.push_back(credential->record);
    environment.Add(credential->record.target, credential->environment);
    if (target::Target* target = core_.credentials.FindTarget(credential->record.target))
      for (const std::string& item : target->Accepted()) answer.accepted.push_back(target->name() + ": " + item);
  }
  answer.environment = environment.Build();
  live->Cool();
  core_.Later([wait] { wait->to(std::move(wait->answer)); });
}

void StartWaits::Say(const std::shared_ptr<StartWait>& wait, Error error) {
  if (std::exchange(wait->done, true)) return;
  if (wait->timer != 0) core_.parts.timers.Cancel(wait->timer);
  if (error.reason == "conflict") error = Raced(wait->idempotency);
  core_.Later([wait, error = std::move(error)]() mutable { wait->to(std::unexpected(std::move(error))); });
}

Error StartWaits::Ended(const std::string& task_id) {
  if (const auto why = failed_.find(task_id); why != failed_.end())
    return Error(Code::kFailedPrecondition, "target-refused", fmt::format("task `{}` failed: {}", task_id, why->second));
  return Error(Code::kUnavailable, "task-ended", fmt::format("task `{}` ended while it was being started", task_id));
}

Error StartWaits::Raced(const std::string& idempotency) {
  if (!idempotency.empty()) {
    const auto row = core_.parts.store.Get(store::Table::kIdempotency, idempotency);
    if (row && *row) return Error(Code::kAlreadyExists, "already-started", "this was started already, with the same idempotency key");
  }
  return Error(Code::kConflict, "start-raced", "another start was counted at the same moment").Hint("start it again");
}

}  // namespace remit::broker
