// The sweep: ledger and targets are compared. What carries our mark and is not live is ended; what is live and not there is reported;
// what carries another's mark is reported and never touched.
#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"

namespace remit::broker {

void Sweeps::Arm() {
  if (core_.closed() || timer_ != 0) return;
  timer_ = core_.parts.timers.At(core_.Now() + core_.parts.sweep_interval, [this] {
    core_.Locked([this] {
      timer_ = 0;
      Sweep(nullptr);
      Housekeeping();
    });
  });
}

void Sweeps::Stop() {
  if (timer_ != 0) core_.parts.timers.Cancel(timer_);
}

void Sweeps::Sweep(Answer<json::Value> answer) {
  struct Round {
    std::size_t waiting;
    json::Object report;
    Answer<json::Value> answer;
  };
  auto round = std::make_shared<Round>(Round{core_.parts.targets.size(), {}, std::move(answer)});
  auto finish = [this, round] {
    if (round->answer) core_.Later([round] { round->answer(json::Value(json::Object{{"targets", std::move(round->report)}})); });
    core_.standing_access.LookForTheUnknown();
    Arm();
  };
  if (core_.parts.targets.empty()) return finish();
  for (const auto& target : core_.parts.targets) {
    Time listed = core_.Now();
    core_.Later([this, target, round, finish, listed] {
      core_.parts.workers.Submit([this, target, round, finish, listed] {
        Result<std::vector<target::Found>> found = target->Sweep();
        core_.Locked([&] {
          Compare(*target, found, listed, round->report);
          if (--round->waiting == 0) finish();
        });
      });
    });
  }
}

void Sweeps::Compare(target::Target& target, const Result<std::vector<target::Found>>& found, Time listed, json::Object& report) {
  json::Object line;
  if (!found) {
    line.Set("error", found.error().message);
    report.Set(target.name(), std::move(line));
    return;
  }
  json::Array ended, others;
  std::set<std::string> seen;
  for (const target::Found& one : *found) {
    seen.insert(one.credential);
    if (one.installation != core_.installation)
      others.push_back(one.name);
    else if (EndForgotten(target, one, listed))
      ended.push_back(one.name);
  }
  line.Set("found", found->size());
  line.Set("ended", std::move(ended));
  line.Set("missing", Missing(target, seen, listed));
  line.Set("others", std::move(others));
  report.Set(target.name(), std::move(line));
}

// Ends what carries our mark, unless it is live. Answers whether it had to.
bool Sweeps::EndForgotten(target::Target& target, const target::Found& one, Time listed) {
  if (core_.credentials.Find(one.credential) != nullptr) return false;  // live, or its end is on its way
  const auto row = core_.parts.store.Get(store::Table::kEndedCredential, one.credential);
  std::optional<task::CredentialRecord> before;  // what is known of one that was dead stays known
  if (row && *row)
    if (auto dead = task::CredentialRecord::Decode(**row)) before = *std::move(dead);
  if (before && before->dead && *before->dead >= listed) return false;  // it died between the listing and now
  log::Warn("target `{}` has `{}`, which carries our mark and is not in the ledger as live: it is ended", target.name(), one.name);
  const Time now = core_.Stamp();
  store::Batch batch;
  batch.must_fit = true;
  json::Object event = core_.Event("sweep.found", now);
  event.Set("target", target.name());
  event.Set("name", one.name);
  core_.AddEvents(batch, {std::move(event)});
  LiveCredential stray;
  stray.record = before && before->state == task::CredentialState::kDead ? Again(*before, target, one, now, batch) : Stranger(target, one, now);
  batch.writes.push_back(core_.credentials.CredentialWrite(stray.record));
  core_.Commit(std::move(batch), [](const auto&) {});
  EndStray(std::move(stray));
  return true;
}

// One that was dead: it goes back to ending, with all that is known of it but what is about what is gone.
task::CredentialRecord Sweeps::Again(const task::CredentialRecord& before, const target::Target& target, const target::Found& one, Time now,
                                     store::Batch& batch) {
  Result<task::CredentialTransition> again = task::EndAgain(before, "found at its target", now);
  REMIT_CHECK(again.has_value());
  task::CredentialRecord record = std::move(again->next);
  record.target = target.name();
  record.name = one.name;
  record.notes.clear();
  record.sealed = core_.credentials.Seal(one.credential, {});
  batch.writes.push_back({store::Table::kEndedCredential, one.credential, std::nullopt});
  core_.AddEvents(batch, std::move(again->events));
  return record;
}

// One that nobody here knows.
task::CredentialRecord Sweeps::Stranger(const target::Target& target, const target::Found& one, Time now) {
  task::CredentialRecord record;
  record.id = one.credential;
  record.target = target.name();
  record.kind = "stray";
  record.name = one.name;
  record.not_after = now;
  record.planned = now;
  record.sealed = core_.credentials.Seal(record.id, {});
  return task::PlanCredential(std::move(record), now).next;
}

// What is live in the ledger since before the listing, and was not there.
json::Array Sweeps::Missing(const target::Target& target, const std::set<std::string>& seen, Time listed) {
  json::Array missing;
  for (const auto& [id, credential] : core_.credentials.alive) {
    if (credential.record.target != target.name() || credential.record.state != task::CredentialState::kLive) continue;
    if (credential.record.live && *credential.record.live < listed && !seen.contains(id)) {
      log::Warn("credential `{}` is live in the ledger and gone at target `{}`", id, target.name());
      missing.push_back(credential.record.name);
    }
  }
  return missing;
}

// Known from here on, and seen to its end as any other.
void Sweeps::EndStray(LiveCredential credential) {
  const std::string id = credential.record.id;
  core_.credentials.alive[id] = std::move(credential);
  core_.credentials.StartEnd(id);
}

// Idempotency keys are remembered for a day, starts for as long as a budget counts them, keys of tokens until the last is past its time.
void Sweeps::Housekeeping() {
  core_.budgets.Tidy();
  core_.key_rotation.Tidy();
  core_.Later([this] {
    core_.parts.workers.Submit([this] {
      store::Batch batch;
      Time yesterday = core_.Now() - std::chrono::hours(24);
      Status scanned = core_.parts.store.Scan(store::Table::kIdempotency, "", [&](std::string_view key, std::string_view row) {
        auto at = row.size() < 16 ? 0 : std::strtoll(std::string(row.substr(0, 16)).c_str(), nullptr, 16);
        if (FromMicros(at) < yesterday) batch.writes.push_back({store::Table::kIdempotency, std::string(key), std::nullopt});
        return batch.writes.size() < 1000;
      });
      if (!scanned || batch.writes.empty()) return;
      core_.Locked([&] { core_.Commit(std::move(batch), [](const auto&) {}); });
    });
  });
}

void Broker::Sweep(Answer<json::Value> answer) {
  core_->Locked([&] { core_->sweeps.Sweep(std::move(answer)); });
}

}  // namespace remit::broker
