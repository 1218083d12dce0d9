// Offboarding: an actor is barred, and everything that it holds ends, with evidence. What cannot end now stays open and is named; its end
// goes on by itself. Nothing here gives anything, so that memory changes first and the order of the rest is free.
#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/offboarding.h"
#include "broker/views.h"
#include "crypto/hash.h"
#include "jose/jws.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {
constexpr std::string_view kOffboardingTyp = "remit-offboarding+jwt";

json::Object OffboardingRow(const Offboarding& state) {
  json::Object row{{"by", state.by}, {"why", state.why}, {"begun", Micros(state.begun)}};
  if (!state.accounts.empty()) row.Set("accounts", json::StringArray(state.accounts));
  if (!state.standing_denied.empty()) row.Set("standing_denied", state.standing_denied);
  return row;
}
}  // namespace

bool Offboarder::IsOf(LiveTask& live, const cedar::EntityUid& actor) const {
  const bool was_cold = live.cold();
  const task::TaskRecord& record = live.record();
  const bool of = record.actor == actor || std::ranges::find(record.chain, actor) != record.chain.end();
  if (was_cold && !of) live.Cool();
  return of;
}

// What goes on although its actor is barred.
json::Object Offboarder::StillRunning(const cedar::EntityUid& actor) {
  json::Array running;
  std::size_t count = 0, held = 0;
  for (auto& [id, live] : core_.tasks) {
    if (live->latched || !IsOf(*live, actor)) continue;
    held += live->live_credentials.size();
    if (count++ < limits::kLossesShown)
      running.push_back(json::Object{{"task", id}, {"type", live->record().name}, {"state", task::StateName(live->state())}});
  }
  return json::Object{{"tasks", std::move(running)}, {"count", count}, {"credentials", held}};
}

// What was on its way into the store when something took it away: a start whose actor was barred, or whose catalog was ended.
void Offboarder::EndIfOvertaken(LiveTask& live) {
  const task::TaskRecord& record = live.record();
  const auto barred = [&](const cedar::EntityUid& uid) {
    const auto actor = core_.registry.actors.find(uid);
    const auto person = core_.registry.people.find(uid);
    return (actor != core_.registry.actors.end() && actor->second.barred) || (person != core_.registry.people.end() && person->second.barred);
  };
  std::string why;
  if (barred(record.actor) || std::ranges::any_of(record.chain, barred)) why = "its actor was barred while it was being started";
  if (why.empty() && core_.older_ends && core_.current && record.catalog != core_.current->hash()) why = "it was asked for under an older catalog";
  if (why.empty() || live.latched) return;
  EndByPolicy(live, why, {"Remit::Policy", "current"}, Duration(0), nullptr);
}

// Ends it in whatever state it is.
void Offboarder::EndByPolicy(LiveTask& live, const std::string& why, const cedar::EntityUid& by, Duration wait, Answer<EndAnswer> answer) {
  const bool waits = live.state() == task::State::kRequested || live.state() == task::State::kScheduled;
  core_.ends.End(
      live,
      [waits, why, by](const task::TaskRecord& record, Time now) {
        return waits ? task::DenyByPolicy(record, why, now) : task::Revoke(record, by, why, now);
      },
      wait, std::move(answer));
}

void Broker::SetHooks(Hooks hooks) {
  core_->Locked([&] {
    core_->offboarder.hooks = std::move(hooks);
    for (std::shared_ptr<Offboarding>& state : std::exchange(core_->offboarder.left, {})) core_->offboarder.EndAllOf(std::move(state), Duration(0));
  });
}

void Broker::Offboard(const Caller& by, const cedar::EntityUid& actor, const std::string& why, Duration wait, Answer<json::Value> answer) {
  core_->Locked([&] { core_->offboarder.Start({by, "offboard", {}, AdminEffect::kTakesAway, nullptr}, actor, why, wait, std::move(answer)); });
}

void Offboarder::Start(const AdminCall& call, const cedar::EntityUid& uid, const std::string& why, Duration wait, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  if (why.size() > limits::kReasonBytes) return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long"));
  const auto actor = core_.registry.actors.find(uid);
  const auto person = core_.registry.people.find(uid);
  if (actor == core_.registry.actors.end() && person == core_.registry.people.end())
    return refuse(Error(Code::kNotFound, "unknown-actor", fmt::format("nobody is registered as {}", uid.ToString())).Hint("see `remit actor list`"));
  if (person != core_.registry.people.end() && core_.current)
    if (Status keeps = core_.administration.KeepsAnAdministrator(*core_.current, *core_.facts, &uid); !keeps) return refuse(std::move(keeps.error()));
  REMIT_CHECK(*needed == 0);  // it only takes away

  auto state = std::make_shared<Offboarding>();
  state->actor = uid;
  state->why = why;
  state->by = call.by.uid.ToString();
  state->begun = core_.Stamp();
  state->answer = std::move(answer);
  // Ending standing access is what `remit replace apply` is, and nobody does by one what he may not do by the other.
  if (const auto may = core_.administration.Authorise({call.by, "replace.apply", {}, AdminEffect::kTakesAway, nullptr}); !may)
    state->standing_denied = may.error().message;
  store::Batch batch;
  batch.must_fit = true;
  state->bar = barred_by[uid] = core_.registry.RegistryChanges(batch);
  if (actor != core_.registry.actors.end()) {
    state->accounts = actor->second.accounts.value_or(std::vector<std::string>());
    ActorRecord gone = actor->second;
    gone.barred = true;
    gone.jwk = nullptr;  // its key proves nothing any more, also if somebody lifts the bar
    gone.unix_uid.reset();
    batch.writes.push_back({store::Table::kActor, uid.ToString(), json::Canonical(ActorJson(gone))});
    core_.registry.Register(std::move(gone));
  }
  if (person != core_.registry.people.end()) {
    person->second.barred = true;
    batch.writes.push_back({store::Table::kPerson, uid.ToString(), json::Canonical(PersonJson(person->second))});
  }
  for (auto at = core_.change_requests.waiting.begin(); at != core_.change_requests.waiting.end();) {
    if (at->second.by != uid) {
      ++at;
      continue;
    }
    batch.writes.push_back({store::Table::kApproval, at->first, std::nullopt});
    state->ended.push_back(json::Object{{"what", "change"}, {"id", at->first}, {"evidence", "taken back; nobody can approve it"}});
    at = core_.change_requests.waiting.erase(at);
  }
  for (const std::string& id : core_.change_requests.EndAbout(uid, batch))
    state->ended.push_back(
        json::Object{{"what", "change"}, {"id", id}, {"evidence", "it was about somebody who was not barred; nobody can approve it"}});
  // In the same commit, so that a crash before the last end forgets none. Gone with the report that nothing is open.
  batch.writes.push_back({store::Table::kMeta, OffboardingKey(uid), json::Canonical(OffboardingRow(*state))});
  json::Object event = core_.Event("offboard.begun", state->begun);
  event.Set("actor", uid.ToString());
  event.Set("by", state->by);
  event.Set("why", why);
  if (!state->accounts.empty()) event.Set("accounts", json::StringArray(state->accounts));
  core_.AddEvents(batch, {std::move(event)});
  core_.Commit(std::move(batch), [this, state, wait](const auto& committed) {
    if (committed) return EndAllOf(state, wait);
    // Barred in memory all the same; asking again writes it down.
    core_.Later([state, error = committed.error()] { state->answer(std::unexpected(error)); });
  });
}

Status Offboarder::Load() {
  Status read;
  REMIT_TRY(core_.parts.store.Scan(store::Table::kMeta, kOffboardingPrefix, [&](std::string_view key, std::string_view row) {
    auto state = std::make_shared<Offboarding>();
    const auto take = [&]() -> Status {
      REMIT_ASSIGN(state->actor, cedar::EntityUid::Parse(key.substr(kOffboardingPrefix.size())));
      REMIT_ASSIGN(const json::Value document, json::Parse(row));
      json::ObjectReader r(document, "offboarding");
      state->by = r.RequiredString("by");
      state->why = r.RequiredString("why");
      state->begun = FromMicros(r.RequiredInt("begun"));
      state->accounts = r.OptionalStrings("accounts").value_or(std::vector<std::string>());
      state->standing_denied = r.OptionalString("standing_denied").value_or("");
      return r.Finish();
    };
    read = take();
    if (!read) read = Fail(Code::kCorrupt, "store-corrupt", fmt::format("row `{}`: {}", key, read.error().message));
    state->answer = [uid = state->actor](const Result<json::Value>& report) {  // whoever asked is gone
      if (report && !report->Find("complete")->AsBool())
        log::Warn("the offboarding of {} is not complete: `remit offboard` says what is open", uid.ToString());
    };
    left.push_back(std::move(state));
    return read.has_value();
  }));
  return read;
}

// Its tasks at once. The rest, and the report, once there are hooks.
void Offboarder::TakeUp() {
  for (const std::shared_ptr<Offboarding>& state : left)
    core_.catalog_change.ForEachTask(
        [this, state](LiveTask& live) {
          if (live.latched || !IsOf(live, state->actor)) return;
          EndByPolicy(live, "its actor was offboarded", {"Remit::Policy", "offboarding"}, Duration(0), nullptr);
        },
        [] {});
}

// Each end that is asked for adds to what is waited for.
void Offboarder::EndAllOf(std::shared_ptr<Offboarding> state, Duration wait) {
  state->ended.push_back(json::Object{{"what", "registration"},
                                      {"id", state->actor.ToString()},
                                      {"evidence", "barred; its key and its unix user are forgotten: nobody is taken for it any more"}});
  if (hooks.end_sessions) {
    ++state->pending;
    core_.Later([this, state, end = hooks.end_sessions] {
      end(state->actor, "offboarded", [this, state](Result<std::size_t> ended) {
        core_.Locked([&] {
          if (ended)
            state->ended.push_back(json::Object{{"what", "sessions"}, {"count", *ended}, {"evidence", "gone from memory and from the store"}});
          else
            state->open.push_back(json::Object{{"what", "sessions"}, {"reason", ended.error().message}});
          Arrived(state);
        });
      });
    });
  }
  core_.standing_access.LookAtStanding(state);
  EndCredentialsLeft(state, wait);
  core_.catalog_change.ForEachTask(
      [this, state, wait](LiveTask& live) {
        if (!IsOf(live, state->actor)) return;
        ++state->pending;
        const std::string id = live.id();
        const std::string why = state->why.empty() ? "its actor was offboarded" : "its actor was offboarded: " + state->why;
        EndByPolicy(live, why, {"Remit::Policy", "offboarding"}, wait,
                    [this, state, id](Result<EndAnswer> end) { core_.Locked([&] { TaskEnded(state, id, std::move(end)); }); });
      },
      [this, state] { Arrived(state); });
}

void Offboarder::TaskEnded(const std::shared_ptr<Offboarding>& state, const std::string& id, Result<EndAnswer> end) {
  if (!end) {
    // It had begun to end by other means, or its end could not be written down: denied in any case.
    state->open.push_back(json::Object{{"what", "task"}, {"id", id}, {"reason", end.error().message}});
    return Arrived(state);
  }
  state->ended.push_back(json::Object{{"what", "task"},
                                      {"id", id},
                                      {"type", end->task.name},
                                      {"state", task::StateName(end->task.state)},
                                      {"evidence", core_.Find(id) == nullptr ? "its end is in the ledger; its tokens belong to nothing" : "denied"}});
  for (const task::CredentialRecord& credential : end->credentials) CredentialEnded(state, credential);
  Arrived(state);
}

void Offboarder::CredentialEnded(const std::shared_ptr<Offboarding>& state, const task::CredentialRecord& credential) {
  json::Object one = CredentialJson(credential);
  json::Object line{
      {"what", "credential"}, {"id", credential.id}, {"target", credential.target}, {"name", credential.name}, {"task", credential.task}};
  if (credential.state == task::CredentialState::kDead) {
    line.Set("evidence", *one.Find("evidence"));
    state->ended.push_back(std::move(line));
  } else {
    line.Set("reason", credential.last_error.empty() ? "its target has not answered yet" : credential.last_error);
    if (const json::Value* retry = one.Find("retry_at")) line.Set("retry_at", *retry);
    state->open.push_back(std::move(line));
  }
}

// Credentials of tasks that ended before and whose targets have not let go yet.
void Offboarder::EndCredentialsLeft(const std::shared_ptr<Offboarding>& state, Duration wait) {
  std::map<std::string, task::TaskRecord> ended;
  for (const auto& [id, credential] : core_.credentials.alive) {
    const std::string& owner = credential.record.task;
    if (owner.empty() || ended.contains(owner) || core_.Find(owner) != nullptr) continue;
    const auto row = core_.parts.store.Get(store::Table::kEndedTask, owner);
    auto record = row && *row ? task::TaskRecord::Decode(**row) : Fail(Code::kNotFound, "unknown-task", owner);
    if (record && (record->actor == state->actor || std::ranges::find(record->chain, state->actor) != record->chain.end()))
      ended.emplace(owner, *std::move(record));
  }
  for (const auto& [id, record] : ended) {
    ++state->pending;
    core_.ends.AnswerEnd({record}, wait, [this, state](Result<EndAnswer> end) {
      core_.Locked([&] {
        if (end)
          for (const task::CredentialRecord& credential : end->credentials) CredentialEnded(state, credential);
        Arrived(state);
      });
    });
  }
}

void Offboarder::Arrived(const std::shared_ptr<Offboarding>& state) {
  if (--state->pending == 0) Report(state);
}

// What was reached, in the ledger and signed.
void Offboarder::Report(const std::shared_ptr<Offboarding>& state) {
  const Time now = core_.Stamp();
  const bool complete = state->open.empty();
  json::Object report{{"receipt", "remit offboarding v1"},
                      {"installation", core_.installation},
                      {"actor", state->actor.ToString()},
                      {"by", state->by},
                      {"why", state->why},
                      {"begun", FormatTime(state->begun)},
                      {"issued", FormatTime(now)},
                      {"complete", complete},
                      {"standing_access", state->standing},
                      {"ended", state->ended},
                      {"open", state->open}};
  json::Object event = core_.Event(complete ? "offboard.done" : "offboard.open", now);
  event.Set("actor", state->actor.ToString());
  event.Set("ended", state->ended.size());
  event.Set("open", state->open.size());
  event.Set("report", HexEncode(crypto::Sha256(json::Canonical(report))));
  const std::string body = json::Canonical(event);
  store::Batch batch;
  batch.must_fit = true;
  // Unless it was registered and barred again meanwhile: what the row says then is of that.
  if (complete && !core_.administration.WasOvertaken(state->actor, state->bar))
    batch.writes.push_back({store::Table::kMeta, OffboardingKey(state->actor), std::nullopt});
  core_.AddEvents(batch, {std::move(event)});
  core_.Commit(std::move(batch), [this, state, report = std::move(report), body](const auto& committed) mutable {
    if (!committed) return core_.Later([state, error = committed.error()] { state->answer(std::unexpected(error)); });
    core_.Later([this, state, report = std::move(report), body, index = committed->first_event]() mutable {
      core_.parts.workers.Submit(
          [this, state, report = std::move(report), body, index]() mutable { state->answer(Sign(std::move(report), body, index)); });
    });
  });
}

Result<json::Value> Offboarder::Sign(json::Object report, const std::string& body, std::uint64_t index) {
  REMIT_ASSIGN(json::Value proof, core_.receipts.ProofOf(index, body));
  report.Set("proof", std::move(proof));
  const std::string payload = json::Canonical(report);
  report.Set("jws", jose::SignCompact(core_.keys->receipt.key, core_.keys->receipt.id, kOffboardingTyp, AsBytes(payload)));
  return json::Value(std::move(report));
}

}  // namespace remit::broker
