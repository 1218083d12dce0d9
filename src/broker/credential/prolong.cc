// A credential whose task got more time: its own expiry at its target, the last line, moves along. Until it has, it is accepted for a shorter time
// than its task lives, never longer.
#include <fmt/format.h>

#include "base/log.h"
#include "broker/core.h"
#include "broker/live/backoff.h"

namespace remit::broker {

void Credentials::ProlongAll(const LiveTask& live) {
  for (const std::string& id : std::vector<std::string>(live.live_credentials)) Prolong(id);
}

void Credentials::Prolong(const std::string& id, std::uint32_t tries) {
  LiveCredential* credential = Find(id);
  LiveTask* live = credential == nullptr ? nullptr : core_.Find(credential->record.task);
  if (live == nullptr || live->latched || credential->end_wanted || credential->record.target == kTokenTarget) return;
  target::Target* target = FindTarget(credential->record.target);
  Result<Secret> secret = SecretOf(id, credential->record);
  if (target == nullptr || !secret) return;
  auto again = [this, id](std::uint32_t next) {
    if (core_.closed()) return;
    core_.parts.timers.At(core_.Now() + Backoff(std::chrono::milliseconds(500), next),
                          [this, id, next] { core_.Locked([&] { Prolong(id, next); }); });
  };
  if (credential->working || credential->record.state != task::CredentialState::kLive) return again(tries);
  credential->working = true;
  auto ask = [this, id, target, secret = *secret, again, tries] {
    LiveCredential* asked = Find(id);
    if (asked == nullptr) return;
    core_.Later([this, id, target, secret, again, tries, record = asked->record] {
      core_.parts.workers.Submit([this, id, target, secret, again, tries, record] {
        Status done = target->Prolong(record, secret);
        core_.Locked([&] {
          LiveCredential* prolonged = Find(id);
          if (prolonged == nullptr) return;
          prolonged->working = false;
          if (prolonged->end_wanted) return StartEnd(id);
          if (done) return;
          log::Warn("credential `{}` keeps its expiry at target `{}`: {}", id, record.target, done.error().message);
          if (done.error().code == Code::kUnavailable) again(tries + 1);
        });
      });
    });
  };
  if (credential->record.not_after >= live->deadline()) return ask();  // written down before
  Result<task::CredentialTransition> transition = task::Prolong(credential->record, live->deadline(), core_.Stamp());
  REMIT_CHECK(transition.has_value());
  store::Batch batch;
  batch.writes.push_back(CredentialWrite(transition->next));
  core_.AddEvents(batch, std::move(transition->events));
  core_.Commit(std::move(batch), [this, id, ask, again, tries, not_after = transition->next.not_after](const auto& committed) {
    LiveCredential* written = Find(id);
    if (written == nullptr) return;
    if (!committed || written->end_wanted) {
      written->working = false;
      if (written->end_wanted) return StartEnd(id);
      return again(tries + 1);
    }
    written->record.not_after = not_after;
    ask();
  });
}

}  // namespace remit::broker
