// Suspending and resuming a task with its sub-tasks. Suspending takes access away: it applies in memory at once, is committed with all
// credentials in `ending`, and is tried again until it is written down. Resuming gives access: credentials are committed as `planned` before
// anything is made, and nothing applies before the commit.
//
// INVARIANT: sub-tasks that stop with their parent carry the very moment at which it stopped, and nothing else in the tree does: so it is
// known, after a restart too, which of them go on when it does.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"
#include "broker/live/backoff.h"

namespace remit::broker {

using Kind = Caller::Kind;

// A suspension that is on its way into the store.
struct Suspending {
  struct Part {
    std::string task;
    std::vector<json::Value> events;
    std::uint64_t version = 0;  // of the record that is on its way
  };
  std::vector<Part> parts;   // the task, and its sub-tasks
  store::Batch credentials;  // their ends, behind what caused it: written down whatever becomes of the tasks meanwhile
  std::vector<std::string> native;
  Duration wait{};
  Answer<EndAnswer> answer;
  std::uint32_t tries = 0;
};

// One task of a tree that goes on, on its way into the store.
struct Resuming {
  std::string task;
  task::Transition transition;
  task::PermissionSet permissions;
  std::vector<LiveCredential> planned;
};

// --- suspending --------------------------------------------------------------------------------------------------------------------------

void Broker::Suspend(const Caller& by, const std::string& task, const std::string& why, Duration wait, Answer<EndAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    LiveTask* live = core.Find(task);
    if (live == nullptr) return refuse(core.who_may.NotLive(by, task));
    if (why.size() > limits::kReasonBytes) return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long"));
    if (!by.Is(Kind::kOperator))
      if (Status may = core.who_may.MayChange(by, "suspend", "suspend-denied", *live); !may) return refuse(std::move(may.error()));
    core.suspensions.Suspend(*live, by.uid.ToString(), why, wait, std::move(answer));
  });
}

void Suspensions::Suspend(LiveTask& live, const std::string& by, const std::string& why, Duration wait, Answer<EndAnswer> answer,
                          std::vector<json::Value> cause) {
  const auto refuse = core_.Refusing(answer);
  if (live.latched) return refuse(Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending already", live.id())));
  if (live.BeingGiven()) {  // it is about to be active: stopped before it does anything
    return core_.RunWhenIdle(live, [this, id = live.id(), by, why, wait, answer, cause = std::move(cause)] {
      if (LiveTask* again = core_.Find(id)) return Suspend(*again, by, why, wait, answer, cause);
      if (answer) core_.Later([answer, id] { answer(NoSuchTask(id)); });
    });
  }
  const std::vector<LiveTask*> below = core_.trees.Below(live);
  const Time now = core_.Stamp();
  Time moment = now;
  for (LiveTask* one : below)
    if (one->state() == task::State::kSuspended) moment = std::max(moment, *one->record().suspended + std::chrono::microseconds(1));
  if (LiveTask* parent = core_.Find(live.parent()); parent != nullptr && parent->state() == task::State::kSuspended)
    moment = *parent->record().suspended;
  Result<task::Transition> transition = task::Suspend(core_.ends.Present(live), by, why, now, moment);
  if (!transition) return refuse(std::move(transition.error()));

  auto suspending = std::make_shared<Suspending>();
  suspending->wait = wait;
  suspending->answer = std::move(answer);
  suspending->credentials.must_fit = true;
  core_.AddEvents(suspending->credentials, std::move(cause));
  PutSuspension(live, *std::move(transition), now, *suspending);
  for (LiveTask* one : below) {
    if (one->latched || one->state() != task::State::kActive) continue;  // one that is being made active follows when it is: FollowParent
    Result<task::Transition> stopped = task::Suspend(core_.ends.Present(*one), "", "parent-suspended", now, moment);
    REMIT_CHECK(stopped.has_value());
    PutSuspension(*one, *std::move(stopped), now, *suspending);
  }
  CommitSuspension(suspending);
  for (const std::string& id : suspending->native) core_.credentials.StartEnd(id);
}

void Suspensions::PutSuspension(LiveTask& live, task::Transition transition, Time now, Suspending& suspending) {
  live.unrecorded = true;
  live.recorded = std::make_unique<task::TaskRecord>(core_.ends.Present(live));
  live.Set(std::move(transition.next));
  core_.Schedule(live);
  suspending.parts.push_back({live.id(), std::move(transition.events)});
  for (const std::string& id : std::vector<std::string>(live.live_credentials)) {
    LiveCredential* credential = core_.credentials.Find(id);
    if (credential == nullptr || credential->record.state == task::CredentialState::kEnding) continue;
    core_.credentials.BeginEnd(*credential, "suspended", now, suspending.credentials);
    if (credential->record.kind == kIntrospectKind) {
      core_.credentials.BuryToken(id, now, suspending.credentials);
      std::erase(live.live_credentials, id);
    } else {
      suspending.native.push_back(id);
    }
  }
}

void Suspensions::CommitSuspension(std::shared_ptr<Suspending> suspending) {
  store::Batch batch = suspending->credentials;
  if (suspending->tries > 0) core_.ends.RefreshCredentials(batch);
  std::vector<std::string> written;
  for (Suspending::Part& part : suspending->parts) {
    LiveTask* live = core_.Find(part.task);
    part.version = live == nullptr ? 0 : live->version();
    if (live == nullptr || live->latched) continue;  // it ends, and that is what is written
    core_.AddEvents(batch, part.events);
    batch.writes.push_back({store::Table::kTask, part.task, live->Encode()});
    written.push_back(part.task);
  }
  core_.Commit(std::move(batch), [this, suspending, written](const auto& committed) {
    const std::string& id = suspending->parts.front().task;
    if (!committed) {
      if (auto answer = std::exchange(suspending->answer, nullptr)) {
        Error error =
            Error(Code::kUnavailable, "suspend-not-recorded",
                  fmt::format("task `{}` is refused from now on, but that could not be written down yet: {}", id, committed.error().message))
                .Hint("it is tried again until it can be; nothing more needs to be done");
        core_.Later([answer, error]() { answer(std::unexpected(error)); });
      }
      const Duration delay = Backoff(std::chrono::seconds(1), suspending->tries++);
      log::Warn("the suspension of `{}` could not be written down; next try in {}", id, FormatDuration(delay));
      if (!core_.closed()) core_.parts.timers.At(core_.Now() + delay, [this, suspending] { core_.Locked([&] { CommitSuspension(suspending); }); });
      return;
    }
    std::vector<task::TaskRecord> records;
    for (const Suspending::Part& part : suspending->parts) {
      LiveTask* live = core_.Find(part.task);
      if (live == nullptr || live->latched || std::ranges::find(written, part.task) == written.end()) continue;
      live->unrecorded = false;
      live->recorded.reset();
      if (live->version() != part.version) core_.extensions.WriteAgain(*live);  // it got more time meanwhile
      records.push_back(core_.ends.Present(*live));
      core_.Changed(*live);
    }
    if (!suspending->answer) return;
    if (records.empty() || records.front().id != id)
      return core_.Later(
          [answer = suspending->answer, id] { answer(Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", id))); });
    core_.end_waits.AwaitDead(std::move(records), suspending->wait, std::move(suspending->answer));
  });
}

// --- resuming ----------------------------------------------------------------------------------------------------------------------------

void Broker::Resume(const Caller& by, const std::string& task, Answer<StartAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    LiveTask* live = core.Find(task);
    if (live == nullptr) return refuse(core.who_may.NotLive(by, task));
    if (by.Is(Kind::kOperator)) {  // gives nothing once the first set-up is over (administer.cc)
      if (!core.administration.SetUpIsOpen() && by.uid.id != kInProcess)
        return refuse(Error(Code::kPermissionDenied, "set-up-is-over", "the operator does not resume tasks: the catalog in force says who does")
                          .Hint("sign in as somebody who may: `remit person link`, then `remit sign-in`"));
    } else if (Status may = core.who_may.MayChange(by, "resume", "resume-denied", *live); !may) {
      return refuse(std::move(may.error()));
    }
    core.suspensions.Resume(*live, by.uid.ToString(), std::move(answer));
  });
}

void Suspensions::Resume(LiveTask& live, const std::string& by, Answer<StartAnswer> answer) {
  const auto refuse = core_.Refusing(answer);
  if (live.latched) return refuse(Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending already", live.id())));
  if (live.state() != task::State::kSuspended || !core_.current) return refuse(task::NotInThatState(live.record()));
  if (core_.ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
  if (Status stands = core_.trees.ParentStands(live.record()); !stands) return refuse(std::move(stands.error()));
  std::vector<LiveTask*> tree_tasks = {&live};
  for (LiveTask* one : core_.trees.Below(live)) {
    if (one->latched || one->state() != task::State::kSuspended || one->record().suspended != live.record().suspended) continue;
    tree_tasks.push_back(one);
  }
  for (LiveTask* one : tree_tasks) {
    if (one->unrecorded)
      return refuse(Error(Code::kUnavailable, "suspend-not-recorded", fmt::format("the suspension of `{}` is not written down yet", one->id()))
                        .Hint("try again"));
    if (!one->busy) continue;
    return core_.RunWhenIdle(*one, [this, id = live.id(), by, answer] {
      if (LiveTask* again = core_.Find(id)) return Resume(*again, by, answer);
      core_.Later([answer, id] { answer(NoSuchTask(id)); });
    });
  }
  const Time now = core_.Stamp();
  auto resuming = std::make_shared<std::vector<Resuming>>();
  for (LiveTask* one : tree_tasks) {
    Result<Resuming> draft = DraftResumption(*one, one == &live ? by : "", now);
    if (!draft) return refuse(std::move(draft.error()));
    resuming->push_back(*std::move(draft));
  }
  store::Batch batch;
  for (Resuming& one : *resuming) {
    store::Batch credentials_batch;
    const std::vector<std::string> ids = core_.credentials.PutPlanned(one.planned, now, credentials_batch);
    Result<task::Transition> transition = task::Resume(core_.ends.Present(*core_.Find(one.task)), one.task == live.id() ? by : "", ids, now);
    if (!transition) return refuse(std::move(transition.error()));
    transition->events.back().AsObject().Set("permissions", one.permissions.ToJson());
    one.transition = *std::move(transition);
    core_.AddEvents(batch, one.transition.events);
    batch.events.insert(batch.events.end(), credentials_batch.events.begin(), credentials_batch.events.end());
    batch.writes.insert(batch.writes.end(), credentials_batch.writes.begin(), credentials_batch.writes.end());
    batch.writes.push_back({store::Table::kTask, one.task, one.transition.next.Encode()});
  }
  for (LiveTask* one : tree_tasks) one->busy = true;
  core_.Commit(std::move(batch), [this, resuming, planned_under = core_.current, planned_with = core_.facts, answer](const auto& committed) {
    OnResumed(resuming, planned_under, planned_with, committed ? Status() : Status(std::unexpected(committed.error())), answer);
  });
}

// What it would get if it went on now. Errors: `request-changed`, `resume-denied`, `too-many-credentials`, those of Credentials::Plan.
Result<Resuming> Suspensions::DraftResumption(LiveTask& live, const std::string& by, Time now) {
  Resuming draft;
  draft.task = live.id();
  const task::TaskRecord& record = live.record();
  if (Result<task::Transition> may = task::Resume(record, by, {}, now); !may) return std::unexpected(std::move(may.error()));
  if (const cedar::EntityUid* barred = core_.who_may.BarredOf(record))
    return Fail(Code::kPermissionDenied, "resume-denied", fmt::format("{} is barred, or not registered", barred->ToString()));
  draft.permissions = core_.trees.PermissionsOf(record, core_.EntityOf(live));
  if (record.approvals_needed > 0 && task::RequestHash(record, draft.permissions) != record.request_hash)
    return Fail(Code::kFailedPrecondition, "request-changed",
                fmt::format("task `{}` was approved for something else than it would get now", live.id()), "end it, and start another");
  REMIT_ASSIGN(draft.planned, core_.credentials.Plan(record, draft.permissions, record.deadline));
  if (record.credentials.size() + draft.planned.size() > limits::kCredentialsPerTask)
    return Fail(Code::kResourceExhausted, "too-many-credentials", fmt::format("task `{}` was resumed too often", live.id()),
                "end it, and start another");
  return draft;
}

void Suspensions::OnResumed(const std::shared_ptr<std::vector<Resuming>>& resuming, const std::shared_ptr<const task::Catalog>& planned_under,
                            const std::shared_ptr<const FactSet>& planned_with, const Status& committed, Answer<StartAnswer> answer) {
  const std::string root = resuming->front().task;
  std::vector<std::string> go_on;
  for (Resuming& one : *resuming) {  // parents before their children
    LiveTask* live = core_.Find(one.task);
    if (!committed || live == nullptr) continue;
    std::vector<std::string> ids;
    for (LiveCredential& credential : one.planned) {
      ids.push_back(credential.record.id);
      core_.credentials.alive[ids.back()] = std::move(credential);
    }
    live->live_credentials.insert(live->live_credentials.end(), ids.begin(), ids.end());  // where it ends meanwhile they end with it
    LiveTask* parent = live->parent().empty() ? nullptr : core_.Find(live->parent());
    if (live->latched || (parent != nullptr && parent->latched)) continue;
    live->Set(std::move(one.transition.next));
    live->last_heard = core_.Now();
    if (live->lost) live->lost = core_.Now();
    live->warned = false;
    core_.Schedule(*live);
    core_.Changed(*live);
    go_on.push_back(one.task);
  }
  if (!committed) {
    core_.Refuse(answer, committed.error());
  } else {
    if (LiveTask* live = core_.Find(root)) core_.trees.FollowParent(*live);
    if (core_.current != planned_under || core_.facts != planned_with)  // they changed on the way: before anything is made
      for (const std::string& id : go_on)
        if (LiveTask* live = core_.Find(id); live != nullptr && core_.catalog_change.HoldsTooMuch(*live, *core_.current, *core_.facts))
          core_.catalog_change.EndNarrowed(*live);
    for (const std::string& id : go_on)
      if (LiveTask* live = core_.Find(id); live != nullptr && live->Usable(core_.Now()))
        for (const std::string& credential : std::vector<std::string>(live->live_credentials)) core_.credentials.StartPlanned(credential);
    core_.start_waits.AwaitLive(StartWaits::For(std::move(answer)), root);
  }
  for (const Resuming& one : *resuming)
    if (LiveTask* live = core_.Find(one.task)) core_.NotBusy(*live);
}

}  // namespace remit::broker
