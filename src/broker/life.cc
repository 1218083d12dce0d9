// How tasks end, and how they are kept alive until then.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"

namespace remit::broker {

using Kind = Caller::Kind;

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
      if (answer) core_.Later([answer, id] { answer(NoSuchTask(id)); });
    });
    return;
  }
  if (!transition) return refuse(std::move(transition.error()));

  live.latched = true;
  if (!given) return WriteEnd(live, *std::move(transition), wait, std::move(answer));
  // What is on its way into the store gives nothing any more; but the credentials that it planned end with the task, whose record names them.
  live.waiting.push_back([this, id = live.id(), transition = *std::move(transition), wait, answer = std::move(answer)]() mutable {
    if (LiveTask* again = core_.Find(id)) WriteEnd(*again, std::move(transition), wait, std::move(answer));
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
  core_.queue.erase({live.due, &live});
  core_.counted.erase(&live);
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
      Duration delay = std::min<Duration>(std::chrono::seconds(1) * (1u << std::min(ending->tries++, 5u)), limits::kEndBackoffMax);
      log::Warn("the end of `{}` could not be written down; next try in {}", id, FormatDuration(delay));
      if (!core_.closed) {
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
    }
    for (const task::TaskRecord& record : ending->records) core_.Remove(record.id);
    if (ending->answer) AnswerEnd(std::move(ending->records), ending->wait, std::move(ending->answer));
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

// Waits until the tasks' credentials are dead, `wait` at most, then says which are and which are not.
void Ends::AnswerEnd(std::vector<task::TaskRecord> records, Duration wait, Answer<EndAnswer> answer) {
  struct Wait {
    bool done = false;
    io::TimerId timer = 0;
  };
  auto state = std::make_shared<Wait>();
  auto shared = std::make_shared<const std::vector<task::TaskRecord>>(std::move(records));
  auto finish = [this, state, shared, answer] {
    if (std::exchange(state->done, true)) return;
    if (state->timer != 0) core_.parts.timers.Cancel(state->timer);
    FinishEndAnswer(*shared, answer);
  };
  auto all_dead = [this, shared] {
    for (const task::TaskRecord& record : *shared)
      for (const std::string& id : record.credentials)
        if (core_.credentials.Find(id) != nullptr) return false;
    return true;
  };
  if (wait <= Duration(0) || all_dead()) return finish();
  state->timer = core_.parts.timers.At(core_.Now() + std::min<Duration>(wait, std::chrono::minutes(1)), [this, finish] { core_.Locked(finish); });
  for (const task::TaskRecord& record : *shared) {
    if (record.credentials.empty()) continue;
    WatchCredentials(record.id, [state, all_dead, finish] {
      if (state->done) return true;
      if (all_dead()) finish();
      return state->done;
    });
  }
}

// Runs `watch` each time a credential of the task changes, until it answers true.
void Ends::WatchCredentials(const std::string& task_id, std::function<bool()> watch) {
  core_.credentials.watches[task_id].push_back([this, task_id, watch = std::move(watch)] {
    if (!watch()) WatchCredentials(task_id, watch);
  });
}

void Ends::FinishEndAnswer(const std::vector<task::TaskRecord>& records, const Answer<EndAnswer>& answer) {
  auto end = std::make_shared<EndAnswer>();
  end->task = records.front();
  std::vector<std::string> dead;
  for (const task::TaskRecord& record : records) {
    if (&record != &records.front()) end->sub_tasks.push_back(record.id);
    for (const std::string& id : record.credentials) {
      if (LiveCredential* credential = core_.credentials.Find(id)) {
        end->credentials.push_back(credential->record);
        end->all_dead = false;
      } else {
        dead.push_back(id);
      }
    }
  }
  core_.Later([this, end, dead, answer] {
    for (const std::string& id : dead) {
      auto row = core_.parts.store.Get(store::Table::kEndedCredential, id);
      auto credential = row && *row ? task::CredentialRecord::Decode(**row) : Fail(Code::kNotFound, "no-such-credential", "");
      if (credential)
        end->credentials.push_back(*std::move(credential));
      else
        end->all_dead = false;  // what nobody can show is not dead
    }
    answer(std::move(*end));
  });
}

// --- the verbs ---------------------------------------------------------------------------------------------------------------------------

bool Ends::Owns(const Caller& by, const task::TaskRecord& record) {
  if (by.Is(Kind::kHolder)) return by.task == record.id;
  return (by.Is(Kind::kActor) || by.Is(Kind::kPerson)) && by.uid == record.actor;
}

// The error for a task that is not live: ended, and known to the caller; or nothing that he may know of.
Error Ends::NotLive(const Caller& by, const std::string& id) {
  auto row = core_.parts.store.Get(store::Table::kEndedTask, id);
  if (row && *row) {
    auto record = task::TaskRecord::Decode(**row);
    if (record && (core_.who_may.MayViewEnded(by, *record) || Owns(by, *record)))
      return Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is {}", id, task::StateName(record->state)));
  }
  return NoSuchTask(id).error();
}

void Broker::Complete(const Caller& by, const std::string& task, Duration wait, Answer<EndAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    LiveTask* live = core.Find(task);
    const auto refuse = core.Refusing(answer);
    if (live == nullptr) return refuse(core.ends.NotLive(by, task));
    if (!core.ends.Owns(by, live->record()) && !core.trees.IsBelow(live->record(), by.Is(Kind::kHolder) ? by.task : "")) {
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
    if (live == nullptr) return refuse(core.ends.NotLive(by, task));
    if (!core.ends.Owns(by, live->record()) && !core.trees.IsBelow(live->record(), by.Is(Kind::kHolder) ? by.task : ""))
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
    if (live == nullptr) return refuse(core.ends.NotLive(by, task));
    if (why.size() > limits::kReasonBytes) return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long"));
    if (!by.Is(Kind::kOperator))
      if (Status may = core.who_may.MayChange(by, "revoke", "revoke-denied", *live); !may) return refuse(std::move(may.error()));
    core.ends.End(
        *live, [who = by.uid, why](const task::TaskRecord& record, Time now) { return task::Revoke(record, who, why, now); }, wait,
        std::move(answer));
  });
}

// --- signs of life -----------------------------------------------------------------------------------------------------------------------

Status Broker::Heartbeat(const Caller& by, const std::string& task) {
  return core_->Locked([&]() -> Status {
    LiveTask* live = core_->Find(task);
    if (live == nullptr || !by.Is(Kind::kHolder) || by.task != task) return std::unexpected(core_->ends.NotLive(by, task));
    if (live->latched) return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", task));
    live->last_heard = core_->Now();
    if (live->lost) {
      live->lost.reset();
      core_->Schedule(*live);
    }
    return {};
  });
}

Result<std::uint64_t> Broker::Hold(const Caller& by, const std::string& task, std::function<void(const json::Value&)> notify) {
  return core_->Locked([&]() -> Result<std::uint64_t> {
    LiveTask* live = core_->Find(task);
    if (live == nullptr || !by.Is(Kind::kHolder) || by.task != task) return std::unexpected(core_->ends.NotLive(by, task));
    if (live->latched) return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", task));
    std::uint64_t id = core_->ends.next_hold++;
    live->holds.emplace_back(id, std::move(notify));
    // What it may have missed while nobody held it.
    const task::TaskRecord& record = live->record();
    if (record.state == task::State::kSuspended)
      core_->Tell(*live, json::Object{{"event", "state"}, {"state", task::StateName(record.state)}, {"reason", ""}});
    if (record.started && record.deadline > *record.started + record.ttl)
      core_->Tell(*live, json::Object{{"event", "extended"}, {"deadline", FormatTime(record.deadline)}});
    live->lost.reset();
    live->last_heard = core_->Now();
    core_->Schedule(*live);
    return id;
  });
}

void Broker::Release(const std::string& task, std::uint64_t hold) {
  core_->Locked([&] {
    LiveTask* live = core_->Find(task);
    if (live == nullptr) return;
    std::erase_if(live->holds, [&](const auto& entry) { return entry.first == hold; });
    if (!live->holds.empty()) return;
    live->lost = core_->Now();
    core_->Schedule(*live);
  });
}

}  // namespace remit::broker
