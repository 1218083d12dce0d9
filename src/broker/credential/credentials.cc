// Credentials from planned to dead. One worker owns a credential: `working` is set while a call to its target is under way, and nothing
// else touches it until that call is back.
#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"
#include "broker/live/backoff.h"

namespace remit::broker {

using task::CredentialState;

LiveCredential* Credentials::Find(const std::string& id) {
  auto found = alive.find(id);
  return found == alive.end() ? nullptr : &found->second;
}

target::Target* Credentials::FindTarget(const std::string& name) const {
  for (const auto& target : core_.parts.targets)
    if (target->name() == name) return target.get();
  return nullptr;
}

target::Target* Credentials::OwnerOf(const cedar::EntityUid& action, const cedar::EntityUid& resource) const {
  for (const auto& target : core_.parts.targets)
    if (target->Owns(action, resource)) return target.get();
  return nullptr;
}

store::Write Credentials::CredentialWrite(const task::CredentialRecord& record) const {
  return {store::Table::kCredential, record.id, record.Encode()};
}

void Credentials::CredentialChanged(const LiveCredential& credential) {
  auto found = watches.find(credential.record.task);
  if (found == watches.end()) return;
  std::vector<std::function<void()>> watchers = std::move(found->second);
  watches.erase(found);
  for (auto& watcher : watchers) watcher();
}

// --- making ----------------------------------------------------------------------------------------------------------------------------

void Credentials::StartMake(const std::string& id) {
  LiveCredential* credential = Find(id);
  if (credential == nullptr || credential->working) return;
  target::Target* target = FindTarget(credential->record.target);
  Result<Secret> secret = SecretOf(id, credential->record);
  if (target == nullptr || !secret) {
    Error error = target == nullptr ? Error(Code::kFailedPrecondition, "no-such-target", "its target is not configured any more") : secret.error();
    core_.Later([this, id, error] { core_.Locked([&] { OnMade(id, std::unexpected(error)); }); });
    return;
  }
  credential->working = true;
  core_.Later([this, id, target, record = credential->record, secret = *secret] {
    core_.parts.workers.Submit([this, id, target, record, secret] {
      Result<target::Made> made = target->Make(record, secret);
      core_.Locked([&] { OnMade(id, std::move(made)); });
    });
  });
}

void Credentials::StartPlanned(const std::string& id) {
  const LiveCredential* credential = Find(id);
  if (credential != nullptr && credential->record.state == CredentialState::kPlanned && !credential->end_wanted) StartMake(id);
}

// Its task got nothing, or not all. Who waits for its start learns why: here, since the task may be gone when they look.
void Credentials::FailTask(LiveTask& live, const LiveCredential& credential, const std::string& why) {
  core_.start_waits.Note(live.id(), why);
  core_.ends.End(live, [why](const task::TaskRecord& record, Time now) { return task::Fail(record, why, now); }, Duration(0), nullptr);
  CredentialChanged(credential);
  core_.start_waits.Forget(live.id());
}

void Credentials::OnMade(const std::string& id, Result<target::Made> made) {
  LiveCredential* credential = Find(id);
  if (credential == nullptr) return;
  credential->working = false;
  LiveTask* live = core_.Find(credential->record.task);
  if (credential->end_wanted || live == nullptr || live->latched) {  // it ended while this was being made
    if (made) credential->record.notes = std::move(made->notes);
    return StartEnd(id);
  }
  if (!made) {
    std::string why = fmt::format("target `{}`: {}", credential->record.target, made.error().message);
    log::Warn("credential `{}` was refused: {}", id, why);
    return FailTask(*live, *credential, why);
  }
  Result<task::CredentialTransition> transition = task::MakeLive(credential->record, std::move(made->notes), core_.Stamp());
  REMIT_CHECK(transition.has_value());
  store::Batch batch;
  batch.writes.push_back(CredentialWrite(transition->next));
  core_.AddEvents(batch, std::move(transition->events));
  credential->working = true;
  core_.Commit(std::move(batch),
               [this, id, next = std::move(transition->next), environment = std::move(made->environment)](const auto& committed) mutable {
                 LiveCredential* made_one = Find(id);
                 if (made_one == nullptr) return;
                 made_one->working = false;
                 LiveTask* owner = core_.Find(made_one->record.task);
                 if (made_one->end_wanted || owner == nullptr || owner->latched) {
                   made_one->record.notes = next.notes;
                   return StartEnd(id);
                 }
                 if (!committed) {  // given nothing: what cannot be written down is taken back
                   made_one->record.notes = next.notes;
                   return FailTask(*owner, *made_one, "the store could not write down a credential");
                 }
                 made_one->record = std::move(next);
                 made_one->environment = std::move(environment);
                 ++core_.totals.credentials_made;
                 CredentialChanged(*made_one);
               });
}

// --- ending ------------------------------------------------------------------------------------------------------------------------------

// Moves one credential to `ending`, as part of its task's end or suspension. A token that dies with the task is dead by the same commit.
void Credentials::BeginEnd(LiveCredential& credential, const std::string& why, Time now, store::Batch& batch) {
  if (credential.record.state == CredentialState::kEnding) return;
  Result<task::CredentialTransition> transition = task::BeginEnd(credential.record, why, now);
  REMIT_CHECK(transition.has_value());
  credential.record = std::move(transition->next);
  credential.end_wanted = true;
  credential.environment.clear();
  core_.AddEvents(batch, std::move(transition->events));
  batch.writes.push_back(CredentialWrite(credential.record));
}

void Credentials::StartEnd(const std::string& id) {
  LiveCredential* credential = Find(id);
  if (credential == nullptr) return;
  credential->end_wanted = true;
  if (credential->working || core_.closed()) return;
  if (credential->timer != 0) core_.parts.timers.Cancel(std::exchange(credential->timer, 0));
  if (credential->record.state != CredentialState::kEnding) {  // not by the task's end: written down first
    store::Batch batch;
    batch.must_fit = true;
    BeginEnd(*credential, "task-ended", core_.Stamp(), batch);
    credential->working = true;
    return core_.Commit(std::move(batch), [this, id](const auto&) {  // an end goes on at the target even where it cannot be written down
      if (LiveCredential* again = Find(id)) {
        again->working = false;
        StartEnd(id);
      }
    });
  }
  if (credential->record.target == kTokenTarget) return EndToken(id);
  target::Target* target = FindTarget(credential->record.target);
  Result<Secret> secret = SecretOf(id, credential->record);
  if (target == nullptr || !secret) {
    target::EndResult result;
    result.reason = target == nullptr ? fmt::format("target `{}` is not configured any more", credential->record.target) : secret.error().message;
    return OnEnded(id, std::move(result));
  }
  if (Breaker& breaker = breakers_[target->name()]; breaker.until > core_.Now()) return RetryEnd(id, breaker.until);
  credential->working = true;
  core_.Later([this, id, target, record = credential->record, secret = *secret] {
    core_.parts.workers.Submit([this, id, target, record, secret] {
      target::EndResult result = target->End(record, secret);
      core_.Locked([&] { OnEnded(id, std::move(result)); });
    });
  });
}

void Credentials::OnEnded(const std::string& id, target::EndResult result) {
  LiveCredential* credential = Find(id);
  if (credential == nullptr) return;
  credential->working = false;
  Breaker& breaker = breakers_[credential->record.target];
  if (result.dead) {
    breaker = {};
    return Bury(id, std::move(result.evidence));
  }
  ++core_.totals.end_retries;
  ++credential->attempts;
  Time now = core_.Now();
  Duration delay = Backoff(std::chrono::milliseconds(200), credential->attempts);
  delay = delay / 2 + Duration(static_cast<std::int64_t>(core_.parts.rng.Take(1)[0]) * delay.count() / 512);  // jitter: half to all of it
  Time when = result.retry_at_once ? now : result.retry_at.value_or(now + delay);
  if (result.unreachable) {
    ++breaker.failures;
    breaker.until = now + Backoff(std::chrono::milliseconds(500), breaker.failures);
    when = std::max(when, breaker.until);
  } else {
    breaker = {};
  }
  // Written down when it says something new, not at each attempt of an hour's waiting.
  if (result.reason != credential->record.last_error || !result.evidence.empty() ||
      (!result.notes.empty() && result.notes != credential->record.notes)) {
    // That an offline token lives on for a minute is what was asked for; that a target does not let go is trouble.
    if (credential->record.kind == kOfflineKind)
      log::Info("credential `{}` is not dead yet: {}", id, result.reason);
    else
      log::Warn("credential `{}` is not dead yet: {}", id, result.reason);
    auto notes = result.notes.empty() ? credential->record.notes : std::move(result.notes);
    Result<task::CredentialTransition> noted =
        task::NoteAttempt(credential->record, result.reason, std::move(result.evidence), std::move(notes), when, core_.Stamp());
    REMIT_CHECK(noted.has_value());
    credential->record = std::move(noted->next);
    store::Batch batch;
    batch.must_fit = true;
    batch.writes.push_back(CredentialWrite(credential->record));
    core_.AddEvents(batch, std::move(noted->events));
    core_.Commit(std::move(batch), [](const auto&) {});
  } else {
    ++credential->record.end_attempts;
    credential->record.retry_at = when;
  }
  RetryEnd(id, when);
}

void Credentials::RetryEnd(const std::string& id, Time when) {
  LiveCredential* credential = Find(id);
  if (credential == nullptr || core_.closed()) return;
  if (credential->timer != 0) core_.parts.timers.Cancel(credential->timer);
  credential->timer = core_.parts.timers.At(when, [this, id] {
    core_.Locked([&] {
      if (LiveCredential* due = Find(id)) {
        due->timer = 0;
        StartEnd(id);
      }
    });
  });
}

void Credentials::Stop() {
  for (auto& [id, credential] : alive)
    if (credential.timer != 0) core_.parts.timers.Cancel(credential.timer);
}

// The target says that it is gone and the probe was refused: written down, then forgotten by memory. Where it cannot be written down the
// end is asked for again later; it is idempotent.
void Credentials::Bury(const std::string& id, std::vector<task::Evidence> evidence) {
  LiveCredential* credential = Find(id);
  Result<task::CredentialTransition> dead = task::MakeDead(credential->record, std::move(evidence), core_.Stamp());
  REMIT_CHECK(dead.has_value());
  store::Batch batch;
  batch.must_fit = true;
  batch.writes.push_back({store::Table::kCredential, id, std::nullopt});
  batch.writes.push_back({store::Table::kEndedCredential, id, dead->next.Encode()});
  core_.AddEvents(batch, std::move(dead->events));
  credential->working = credential->burying = true;
  core_.Commit(std::move(batch), [this, id](const auto& committed) {
    LiveCredential* buried = Find(id);
    if (buried == nullptr) return;
    buried->working = buried->burying = false;
    if (!committed) return RetryEnd(id, core_.Now() + std::chrono::seconds(1));
    ++core_.totals.credentials_ended;
    LiveCredential last = std::move(*buried);
    alive.erase(id);
    if (LiveTask* live = core_.Find(last.record.task)) std::erase(live->live_credentials, id);
    CredentialChanged(last);
  });
}

}  // namespace remit::broker
