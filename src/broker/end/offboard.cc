// Offboarding: an actor is barred, and everything that it holds ends, with evidence. What cannot end now stays open and is named; its end
// goes on by itself. Nothing here gives anything, so that memory changes first and the order of the rest is free.
#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"
#include "broker/end/offboarding.h"
#include "broker/views.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

namespace {

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

void Broker::SetHooks(Hooks hooks) {
  core_->Locked([&] { core_->offboarder.SetHooks(std::move(hooks)); });
}

void Offboarder::SetHooks(Hooks hooks) {
  hooks_ = std::move(hooks);
  for (std::shared_ptr<Offboarding>& state : std::exchange(left_, {})) EndAllOf(std::move(state), Duration(0));
  core_.standing_access.LookForTheUnknown();
}

void Broker::Offboard(const Caller& by, const cedar::EntityUid& actor, const std::string& why, Duration wait, Answer<json::Value> answer) {
  core_->Locked([&] { core_->offboarder.Start({by, "offboard", {}, AdminEffect::kTakesAway, nullptr}, actor, why, wait, std::move(answer)); });
}

Status Offboarder::MayStart(const AdminCall& call, const cedar::EntityUid& uid, const std::string& why) {
  REMIT_ASSIGN(const std::uint32_t needed, core_.administration.Authorise(call));
  REMIT_CHECK(needed == 0);  // it only takes away
  if (why.size() > limits::kReasonBytes) return Fail(Code::kInvalidArgument, "bad-reason", "the reason is too long");
  const bool person = core_.registry.people.contains(uid);
  if (!person && !core_.registry.actors.contains(uid))
    return Fail(Code::kNotFound, "unknown-actor", fmt::format("nobody is registered as {}", uid.ToString()), "see `remit actor list`");
  if (person && core_.current) REMIT_TRY(core_.administration.KeepsAnAdministrator(*core_.current, *core_.facts, &uid));
  return {};
}

void Offboarder::Start(const AdminCall& call, const cedar::EntityUid& uid, const std::string& why, Duration wait, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  if (Status may = MayStart(call, uid, why); !may) return refuse(std::move(may.error()));
  auto state = std::make_shared<Offboarding>();
  state->actor = uid;
  state->why = why;
  if (const auto before = open_.find(uid); why.empty() && before != open_.end()) state->why = before->second->why;  // it goes on, for the same reason
  state->by = call.by.uid.ToString();
  state->begun = core_.Stamp();
  state->answer = std::move(answer);
  // Ending standing access is what `remit replace apply` is, and nobody does by one what he may not do by the other.
  if (const auto may = core_.administration.Authorise({call.by, "replace.apply", {}, AdminEffect::kTakesAway, nullptr}); !may)
    state->standing_denied = may.error().message;
  store::Batch batch;
  batch.must_fit = true;
  Bar(*state, batch);
  EndChanges(*state, batch);
  // In the same commit, so that a crash before the last end forgets none. Gone with the report that nothing is open.
  batch.writes.push_back({store::Table::kMeta, OffboardingKey(uid), json::Canonical(OffboardingRow(*state))});
  json::Object event = core_.Event("offboard.begun", state->begun);
  event.Set("actor", uid.ToString());
  event.Set("by", state->by);
  event.Set("why", state->why);
  if (!state->accounts.empty()) event.Set("accounts", json::StringArray(state->accounts));
  core_.AddEvents(batch, {std::move(event)});
  core_.Commit(std::move(batch), [this, state, wait, before = std::exchange(open_[uid], state)](const auto& committed) {
    if (committed) return EndAllOf(state, wait);
    if (const auto open = open_.find(state->actor); open != open_.end() && open->second == state) open_.erase(open);
    KeepOpen(before);
    // Barred in memory all the same; asking again writes it down.
    core_.Later([state, error = committed.error()] { state->answer(std::unexpected(error)); });
  });
}

// In memory at once, as actor and as person.
void Offboarder::Bar(Offboarding& state, store::Batch& batch) {
  state.bar = core_.registry.CountChange(batch);
  core_.registry.NoteBar(state.actor, state.bar);
  const std::string id = state.actor.ToString();
  if (const auto actor = core_.registry.actors.find(state.actor); actor != core_.registry.actors.end()) {
    state.accounts = actor->second.accounts.value_or(std::vector<std::string>());
    ActorRecord gone = actor->second;
    gone.barred = true;
    gone.jwk = nullptr;  // its key proves nothing any more, also if somebody lifts the bar
    gone.unix_uid.reset();
    batch.writes.push_back({store::Table::kActor, id, json::Canonical(ActorJson(gone))});
    core_.registry.Register(std::move(gone));
  }
  if (const auto person = core_.registry.people.find(state.actor); person != core_.registry.people.end()) {
    person->second.barred = true;
    batch.writes.push_back({store::Table::kPerson, id, json::Canonical(PersonJson(person->second))});
  }
}

// Changes that wait: those that it asked for, and those that are about it.
void Offboarder::EndChanges(Offboarding& state, store::Batch& batch) {
  std::erase_if(core_.change_requests.waiting, [&](const auto& entry) {
    if (entry.second.by != state.actor) return false;
    batch.writes.push_back({store::Table::kApproval, entry.first, std::nullopt});
    state.ended.push_back(json::Object{{"what", "change"}, {"id", entry.first}, {"evidence", "taken back; nobody can approve it"}});
    return true;
  });
  for (const std::string& id : core_.change_requests.EndAbout(state.actor, batch))
    state.ended.push_back(
        json::Object{{"what", "change"}, {"id", id}, {"evidence", "it was about somebody who was not barred; nobody can approve it"}});
}

std::vector<store::Write> Offboarder::TakeOff(const ActorRecord& after) {
  const auto open = open_.find(after.uid);
  if (!after.barred || open == open_.end()) return {};
  Offboarding& state = *open->second;
  const auto gone = [&](const std::string& account) { return !after.accounts || std::ranges::count(*after.accounts, account) == 0; };
  if (std::erase_if(state.accounts, gone) == 0) return {};
  return {{store::Table::kMeta, OffboardingKey(after.uid), json::Canonical(OffboardingRow(state))}};
}

std::shared_ptr<Offboarding> Offboarder::Forget(const cedar::EntityUid& who, store::Batch& batch) {
  batch.writes.push_back({store::Table::kMeta, OffboardingKey(who), std::nullopt});
  const auto open = open_.extract(who);
  return open ? open.mapped() : nullptr;
}

void Offboarder::KeepOpen(const std::shared_ptr<Offboarding>& state) {
  if (state) open_.try_emplace(state->actor, state);
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
    open_[state->actor] = state;
    left_.push_back(std::move(state));
    return read.has_value();
  }));
  return read;
}

// Its tasks at once. The rest, and the report, once there are hooks.
void Offboarder::TakeUp() {
  for (const std::shared_ptr<Offboarding>& state : left_)
    core_.catalog_change.ForEachTask(
        [this, state](LiveTask& live) {
          if (live.latched || !IsOf(live, state->actor)) return;
          core_.ends.EndByPolicy(live, "its actor was offboarded", {"Remit::Policy", "offboarding"}, Duration(0), nullptr);
        },
        [] {});
}

// Each end that is asked for adds to what is waited for.
void Offboarder::EndAllOf(std::shared_ptr<Offboarding> state, Duration wait) {
  state->ended.push_back(json::Object{{"what", "registration"},
                                      {"id", state->actor.ToString()},
                                      {"evidence", "barred; its key and its unix user are forgotten: nobody is taken for it any more"}});
  if (hooks_.end_sessions) {
    ++state->pending;
    core_.Later([this, state, end = hooks_.end_sessions] {
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
        core_.ends.EndByPolicy(live, why, {"Remit::Policy", "offboarding"}, wait,
                               [this, state, id](Result<EndAnswer> end) { core_.Locked([&] { TaskEnded(state, id, std::move(end)); }); });
      },
      [this, state] { Arrived(state); });
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
    core_.end_waits.AwaitDead({record}, wait, [this, state](Result<EndAnswer> end) {
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

}  // namespace remit::broker
