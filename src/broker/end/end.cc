// How tasks end: in memory at once, then in one commit with all that they hold, which is tried again until it is written down.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"
#include "broker/live/backoff.h"
#include "broker/views.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {
constexpr Duration kEndToldWithin = std::chrono::seconds(5);  // to whoever holds the task: what is dead by then, and what is not
}  // namespace

// An end that is on its way into the store. It is retried until it is in; nothing cancels it.
struct Ending {
  std::vector<task::TaskRecord> records;  // the task whose end was asked for, and its sub-tasks, which end in the same commit
  std::vector<std::string> native;        // credentials that have an end at a target
  store::Batch batch;
  Duration wait{};
  Answer<EndAnswer> answer;
  std::uint32_t tries = 0;
};

task::TaskRecord Ends::Present(LiveTask& live) {
  task::TaskRecord record = live.record();
  record.allowed = live.allowed;
  record.denied = live.denied;
  return record;
}

const task::TaskRecord& Ends::Recorded(LiveTask& live) { return live.recorded ? *live.recorded : live.record(); }

// --- the end ---------------------------------------------------------------------------------------------------------------------------

void Ends::End(LiveTask& live, const EndStep& step, Duration wait, Answer<EndAnswer> answer) {
  const auto refuse = core_.Refusing(answer);
  if (live.latched) return refuse(Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending already", live.id())));
  Time now = core_.Stamp();
  Result<task::Transition> transition = step(Present(live), now);
  const bool given = live.BeingGiven();  // or only approved
  if (!transition && given) {            // not an end of a request: then it is of what comes of it
    core_.RunWhenIdle(live, [this, id = live.id(), step, wait, answer] {
      if (LiveTask* again = core_.Find(id)) return End(*again, step, wait, answer);
      core_.Refuse(answer, NoSuchTask(id).error());
    });
    return;
  }
  if (!transition) return refuse(std::move(transition.error()));

  live.latched = true;
  if (!given) return WriteEnd(live, *std::move(transition), wait, std::move(answer));
  // What is on its way into the store gives nothing any more; but the credentials that it planned end with the task, whose record names them.
  live.waiting.push_back([this, id = live.id(), transition = *std::move(transition), wait, answer = std::move(answer)]() mutable {
    if (LiveTask* again = core_.Find(id)) return WriteEnd(*again, std::move(transition), wait, std::move(answer));
    core_.Refuse(answer, NoSuchTask(id).error());
  });
}

// Of a task that is latched: with all that is below it.
void Ends::WriteEnd(LiveTask& live, task::Transition transition, Duration wait, Answer<EndAnswer> answer) {
  const Time now = core_.Stamp();
  auto ending = std::make_shared<Ending>();
  ending->wait = wait;
  ending->answer = std::move(answer);
  ending->batch.must_fit = true;
  const std::vector<LiveTask*> below = core_.trees.Below(live);
  PutEnd(live, std::move(transition), now, *ending);
  for (LiveTask* one : below) {
    if (one->latched) continue;  // its own end is on its way
    Result<task::Transition> with = task::EndWithParent(Present(*one), now);
    REMIT_CHECK(with.has_value());
    one->latched = true;
    if (!one->BeingGiven()) {
      PutEnd(*one, *std::move(with), now, *ending);
    } else {  // it ends right behind what is on its way
      one->waiting.push_back([this, id = one->id(), with = *std::move(with)]() mutable {
        if (LiveTask* again = core_.Find(id)) WriteEnd(*again, std::move(with), Duration(0), nullptr);
      });
    }
  }
  CommitEnd(ending);
  for (const std::string& id : ending->native) core_.credentials.StartEnd(id);
}

void Ends::PutEnd(LiveTask& live, task::Transition transition, Time now, Ending& ending) {
  // Those that were planned while it waited for this are among its own, whether its record knows of them or not.
  for (const std::string& id : live.live_credentials)
    if (std::ranges::find(transition.next.credentials, id) == transition.next.credentials.end()) transition.next.credentials.push_back(id);
  store::Batch& batch = ending.batch;
  core_.AddEvents(batch, std::move(transition.events));
  for (const std::string& id : live.live_credentials) {
    LiveCredential* credential = core_.credentials.Find(id);
    if (credential == nullptr) continue;
    core_.credentials.BeginEnd(*credential, transition.next.end_reason, now, batch);
    if (credential->record.kind == kIntrospectKind)
      core_.credentials.BuryToken(id, now, batch);
    else
      ending.native.push_back(id);
  }
  for (const std::string& id : core_.use_approvals.Of(live.id())) {
    batch.writes.push_back({store::Table::kApproval, id, std::nullopt});
    core_.use_approvals.Forget(id);
  }
  if (!live.recorded) live.recorded = std::make_unique<task::TaskRecord>(Present(live));
  live.Set(std::move(transition.next));
  core_.Unschedule(live);
  batch.writes.push_back({store::Table::kTask, live.id(), std::nullopt});
  batch.writes.push_back({store::Table::kEndedTask, live.id(), live.Encode()});
  ending.records.push_back(live.record());
}

void Ends::CommitEnd(std::shared_ptr<Ending> ending) {
  core_.Commit(ending->batch, [this, ending](const auto& committed) {
    const std::string& id = ending->records.front().id;
    if (!committed) {
      // The task stays latched: denied in memory, and the end goes on at the targets.
      if (auto answer = std::exchange(ending->answer, nullptr)) {
        Error error =
            Error(Code::kUnavailable, "end-not-recorded",
                  fmt::format("task `{}` is refused from now on, but its end could not be written down yet: {}", id, committed.error().message))
                .Hint("it is tried again until it can be; nothing more needs to be done");
        core_.Later([answer, error]() { answer(std::unexpected(error)); });
      }
      const Duration delay = Backoff(std::chrono::seconds(1), ending->tries++);
      log::Warn("the end of `{}` could not be written down; next try in {}", id, FormatDuration(delay));
      if (!core_.closed()) {
        core_.parts.timers.At(core_.Now() + delay, [this, ending] {
          core_.Locked([&] {
            RefreshCredentials(ending->batch);
            CommitEnd(ending);
          });
        });
      }
      return;
    }
    for (const task::TaskRecord& record : ending->records) {
      ++core_.totals.ends;
      LiveTask* live = core_.Find(record.id);
      if (live == nullptr) continue;
      live->recorded.reset();
      core_.Changed(*live);
      TellHolders(*live);
    }
    for (const task::TaskRecord& record : ending->records) core_.Remove(record.id);
    if (ending->answer) core_.end_waits.AwaitDead(std::move(ending->records), ending->wait, std::move(ending->answer));
  });
}

// How what it held ended, on the connection that holds it: whoever ended the task, and whether its actor may still ask anything.
void Ends::TellHolders(LiveTask& live) {
  if (live.holds.empty()) return;
  core_.end_waits.AwaitDead({live.record()}, kEndToldWithin, [holds = live.holds](Result<EndAnswer> end) {
    if (!end) return;
    const json::Value line =
        json::Object{{"event", "end"}, {"state", task::StateName(end->task.state)}, {"credentials", CredentialsJson(end->credentials)}};
    for (const auto& [id, notify] : holds) notify(line);
  });
}

// Credentials went on ending while their task's end could not be written: their rows are as they are now, and what is dead has none.
void Ends::RefreshCredentials(store::Batch& batch) {
  std::erase_if(batch.writes, [&](store::Write& write) {
    if (write.table != store::Table::kCredential || !write.value) return false;
    LiveCredential* credential = core_.credentials.Find(write.key);
    if (credential == nullptr || credential->burying) return true;
    write.value = credential->record.Encode();
    return false;
  });
}

// --- by policy --------------------------------------------------------------------------------------------------------------------------

void Ends::EndByPolicy(LiveTask& live, const std::string& why, const cedar::EntityUid& by, Duration wait, Answer<EndAnswer> answer) {
  const bool waits = live.state() == task::State::kRequested || live.state() == task::State::kScheduled;
  End(
      live,
      [waits, why, by](const task::TaskRecord& record, Time now) {
        return waits ? task::DenyByPolicy(record, why, now) : task::Revoke(record, by, why, now);
      },
      wait, std::move(answer));
}

void Ends::EndIfOvertaken(LiveTask& live) {
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

// --- the verbs ---------------------------------------------------------------------------------------------------------------------------

void Broker::Complete(const Caller& by, const std::string& task, Duration wait, Answer<EndAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    LiveTask* live = core.Find(task);
    const auto refuse = core.Refusing(answer);
    if (live == nullptr) return refuse(core.who_may.NotLive(by, task));
    if (!core.who_may.Owns(by, live->record()) && !core.trees.IsBelow(live->record(), by.Is(Kind::kHolder) ? by.task : "")) {
      if (by.Is(Kind::kTask) && by.task == task)
        return refuse(Error(Code::kPermissionDenied, "holder-key-needed", "REMIT_TOKEN allows use, not life: completing needs the holder key"));
      return refuse(NoSuchTask(task).error());
    }
    cedar::EntityUid actor = live->record().actor;
    core.ends.End(
        *live, [actor](const task::TaskRecord& record, Time now) { return task::Complete(record, actor, "completed", now); }, wait,
        std::move(answer));
  });
}

void Broker::Withdraw(const Caller& by, const std::string& task, Answer<EndAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    LiveTask* live = core.Find(task);
    const auto refuse = core.Refusing(answer);
    if (live == nullptr) return refuse(core.who_may.NotLive(by, task));
    if (!core.who_may.Owns(by, live->record()) && !core.trees.IsBelow(live->record(), by.Is(Kind::kHolder) ? by.task : ""))
      return refuse(NoSuchTask(task).error());
    cedar::EntityUid actor = live->record().actor;
    core.ends.End(
        *live, [actor](const task::TaskRecord& record, Time now) { return task::Withdraw(record, actor, now); }, Duration(0), std::move(answer));
  });
}

void Broker::Revoke(const Caller& by, const std::string& task, const std::string& why, Duration wait, Answer<EndAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    LiveTask* live = core.Find(task);
    const auto refuse = core.Refusing(answer);
    if (live == nullptr) return refuse(core.who_may.NotLive(by, task));
    if (why.size() > limits::kReasonBytes) return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long"));
    if (!by.Is(Kind::kOperator))
      if (Status may = core.who_may.MayChange(by, "revoke", "revoke-denied", *live); !may) return refuse(std::move(may.error()));
    core.ends.End(
        *live, [who = by.uid, why](const task::TaskRecord& record, Time now) { return task::Revoke(record, who, why, now); }, wait,
        std::move(answer));
  });
}

}  // namespace remit::broker
