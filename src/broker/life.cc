// How tasks end, and how they are kept alive until then.
#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"

namespace remit::broker {

using Kind = Caller::Kind;

// An end that is on its way into the store. It is retried until it is in; nothing cancels it.
struct Ending {
  task::TaskRecord record;
  store::Batch batch;
  Duration wait{};
  Answer<EndAnswer> answer;
  std::uint32_t tries = 0;
};

// --- the end ---------------------------------------------------------------------------------------------------------------------------

void Broker::Impl::End(LiveTask& live, const EndStep& step, Duration wait, Answer<EndAnswer> answer) {
  auto refuse = [&](Error error) {
    if (answer) Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); });
  };
  if (live.latched) return refuse(Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending already", live.id())));
  Time now = Stamp();
  task::TaskRecord before = live.record();
  before.allowed = live.allowed;
  before.denied = live.denied;
  Result<task::Transition> transition = step(before, now);
  const bool waits = before.state == task::State::kRequested || before.state == task::State::kScheduled;
  const bool approving = live.busy && waits;  // and perhaps activating
  if (!transition && approving) {             // not an end of a request: then it is of what comes of it
    RunWhenIdle(live, [this, id = live.id(), step, wait, answer] {
      if (LiveTask* again = Find(id)) return End(*again, step, wait, answer);
      if (answer) Later([answer, id] { answer(NoSuchTask(id)); });
    });
    return;
  }
  if (!transition) return refuse(std::move(transition.error()));

  live.latched = true;
  if (!approving) return WriteEnd(live, *std::move(transition), wait, std::move(answer));
  // What is on its way into the store gives nothing any more; but the credentials that it planned end with the task, whose record names them.
  live.waiting.push_back([this, id = live.id(), transition = *std::move(transition), wait, answer = std::move(answer)]() mutable {
    if (LiveTask* again = Find(id)) WriteEnd(*again, std::move(transition), wait, std::move(answer));
  });
}

// Of a task that is latched.
void Broker::Impl::WriteEnd(LiveTask& live, task::Transition transition, Duration wait, Answer<EndAnswer> answer) {
  const Time now = Stamp();
  if (transition.next.credentials.empty()) transition.next.credentials = live.live_credentials;
  auto ending = std::make_shared<Ending>();
  ending->wait = wait;
  ending->answer = std::move(answer);
  store::Batch& batch = ending->batch;
  batch.must_fit = true;
  AddEvents(batch, std::move(transition.events));
  std::vector<std::string> native;
  for (const std::string& id : live.live_credentials) {
    LiveCredential* credential = FindCredential(id);
    if (credential == nullptr) continue;
    BeginCredentialEnd(*credential, transition.next.end_reason, now, batch);
    if (credential->record.kind == kIntrospectKind)
      BuryToken(id, now, batch);
    else
      native.push_back(id);
  }
  for (const std::string& id : UseApprovalsOf(live.id())) {
    batch.writes.push_back({store::Table::kApproval, id, std::nullopt});
    ForgetUseApproval(id);
  }
  live.Set(std::move(transition.next));
  queue.erase({live.due, &live});
  counted.erase(&live);
  batch.writes.push_back({store::Table::kTask, live.id(), std::nullopt});
  batch.writes.push_back({store::Table::kEndedTask, live.id(), live.Encode()});
  ending->record = live.record();
  CommitEnd(ending);
  for (const std::string& id : native) StartEnd(id);
}

void Broker::Impl::CommitEnd(std::shared_ptr<Ending> ending) {
  Commit(ending->batch, [this, ending](const auto& committed) {
    const std::string& id = ending->record.id;
    if (!committed) {
      // The task stays latched: denied in memory, and the end goes on at the targets.
      if (auto answer = std::exchange(ending->answer, nullptr)) {
        Error error =
            Error(Code::kUnavailable, "end-not-recorded",
                  fmt::format("task `{}` is refused from now on, but its end could not be written down yet: {}", id, committed.error().message))
                .Hint("it is tried again until it can be; nothing more needs to be done");
        Later([answer, error]() { answer(std::unexpected(error)); });
      }
      Duration delay = std::min<Duration>(std::chrono::seconds(1) * (1u << std::min(ending->tries++, 5u)), limits::kEndBackoffMax);
      log::Warn("the end of `{}` could not be written down; next try in {}", id, FormatDuration(delay));
      if (!closed) {
        parts.timers.At(Now() + delay, [this, ending] {
          Locked([&] {
            RefreshCredentials(ending->batch);
            CommitEnd(ending);
          });
        });
      }
      return;
    }
    ++totals.ends;
    if (LiveTask* live = Find(id)) {
      Changed(*live);
      Remove(id);
    }
    if (ending->answer) AnswerEnd(ending->record, ending->wait, std::move(ending->answer));
  });
}

// Credentials went on ending while their task's end could not be written: their rows are as they are now, and what is dead has none.
void Broker::Impl::RefreshCredentials(store::Batch& batch) {
  std::erase_if(batch.writes, [&](store::Write& write) {
    if (write.table != store::Table::kCredential || !write.value) return false;
    LiveCredential* credential = FindCredential(write.key);
    if (credential == nullptr || credential->burying) return true;
    write.value = credential->record.Encode();
    return false;
  });
}

// Waits until the task's credentials are dead, `wait` at most, then says which are and which are not.
void Broker::Impl::AnswerEnd(const task::TaskRecord& record, Duration wait, Answer<EndAnswer> answer) {
  struct Wait {
    bool done = false;
    io::TimerId timer = 0;
  };
  auto state = std::make_shared<Wait>();
  auto shared_record = std::make_shared<const task::TaskRecord>(record);
  auto finish = [this, state, shared_record, answer] {
    if (std::exchange(state->done, true)) return;
    if (state->timer != 0) parts.timers.Cancel(state->timer);
    FinishEndAnswer(*shared_record, shared_record->credentials, answer);
  };
  auto all_dead = [this, shared_record] {
    for (const std::string& id : shared_record->credentials)
      if (FindCredential(id) != nullptr) return false;
    return true;
  };
  if (wait <= Duration(0) || all_dead()) return finish();
  state->timer = parts.timers.At(Now() + std::min<Duration>(wait, std::chrono::minutes(1)), [this, finish] { Locked(finish); });
  WatchCredentials(record.id, [state, all_dead, finish] {
    if (state->done) return true;
    if (all_dead()) finish();
    return state->done;
  });
}

// Runs `watch` each time a credential of the task changes, until it answers true.
void Broker::Impl::WatchCredentials(const std::string& task_id, std::function<bool()> watch) {
  credential_watchers[task_id].push_back([this, task_id, watch = std::move(watch)] {
    if (!watch()) WatchCredentials(task_id, watch);
  });
}

void Broker::Impl::FinishEndAnswer(const task::TaskRecord& record, const std::vector<std::string>& ids, const Answer<EndAnswer>& answer) {
  auto end = std::make_shared<EndAnswer>();
  end->task = record;
  std::vector<std::string> dead;
  for (const std::string& id : ids) {
    if (LiveCredential* credential = FindCredential(id)) {
      end->credentials.push_back(credential->record);
      end->all_dead = false;
    } else {
      dead.push_back(id);
    }
  }
  Later([this, end, dead, answer] {
    for (const std::string& id : dead) {
      auto row = parts.store.Get(store::Table::kEndedCredential, id);
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

namespace {

bool Owns(const Caller& by, const task::TaskRecord& record) {
  if (by.Is(Kind::kHolder)) return by.task == record.id;
  return (by.Is(Kind::kActor) || by.Is(Kind::kPerson)) && by.uid == record.actor;
}

}  // namespace

// The error for a task that is not live: ended, and known to the caller; or nothing that he may know of.
Error Broker::Impl::NotLive(const Caller& by, const std::string& id) {
  auto row = parts.store.Get(store::Table::kEndedTask, id);
  if (row && *row) {
    auto record = task::TaskRecord::Decode(**row);
    if (record && (MayViewEnded(by, *record) || Owns(by, *record)))
      return Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is {}", id, task::StateName(record->state)));
  }
  return NoSuchTask(id).error();
}

void Broker::Complete(const Caller& by, const std::string& task, Duration wait, Answer<EndAnswer> answer) {
  Impl& im = *impl_;
  im.Locked([&] {
    LiveTask* live = im.Find(task);
    auto refuse = [&](Error error) { im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    if (live == nullptr) return refuse(im.NotLive(by, task));
    if (!Owns(by, live->record())) {
      if (by.Is(Kind::kTask) && by.task == task)
        return refuse(Error(Code::kPermissionDenied, "holder-key-needed", "REMIT_TOKEN allows use, not life: completing needs the holder key"));
      return refuse(NoSuchTask(task).error());
    }
    cedar::EntityUid actor = live->record().actor;
    im.End(
        *live, [actor](const task::TaskRecord& record, Time now) { return task::Complete(record, actor, "completed", now); }, wait,
        std::move(answer));
  });
}

void Broker::Withdraw(const Caller& by, const std::string& task, Answer<EndAnswer> answer) {
  Impl& im = *impl_;
  im.Locked([&] {
    LiveTask* live = im.Find(task);
    auto refuse = [&](Error error) { im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    if (live == nullptr) return refuse(im.NotLive(by, task));
    if (!Owns(by, live->record())) return refuse(NoSuchTask(task).error());
    cedar::EntityUid actor = live->record().actor;
    im.End(*live, [actor](const task::TaskRecord& record, Time now) { return task::Withdraw(record, actor, now); }, Duration(0), std::move(answer));
  });
}

void Broker::Revoke(const Caller& by, const std::string& task, const std::string& why, Duration wait, Answer<EndAnswer> answer) {
  Impl& im = *impl_;
  im.Locked([&] {
    LiveTask* live = im.Find(task);
    auto refuse = [&](Error error) { im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    if (live == nullptr) return refuse(im.NotLive(by, task));
    if (why.size() > limits::kReasonBytes) return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long"));
    bool may = by.Is(Kind::kOperator);
    if (!may && im.current) {
      auto entity = im.MakeEntity(live->record(), *im.current);
      may = entity && im.AskVerb(by, "revoke", *entity).verdict == task::Decision::Verdict::kAllow;
    }
    if (!may) {
      if (!im.MayView(by, *live)) return refuse(NoSuchTask(task).error());
      return refuse(Error(Code::kPermissionDenied, "revoke-denied", fmt::format("you may not revoke task `{}`", task)));
    }
    im.End(
        *live, [who = by.uid, why](const task::TaskRecord& record, Time now) { return task::Revoke(record, who, why, now); }, wait,
        std::move(answer));
  });
}

// --- signs of life -----------------------------------------------------------------------------------------------------------------------

Status Broker::Heartbeat(const Caller& by, const std::string& task) {
  return impl_->Locked([&]() -> Status {
    LiveTask* live = impl_->Find(task);
    if (live == nullptr || !by.Is(Kind::kHolder) || by.task != task) return std::unexpected(impl_->NotLive(by, task));
    if (live->latched) return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", task));
    live->last_heard = impl_->Now();
    if (live->lost) {
      live->lost.reset();
      impl_->Schedule(*live);
    }
    return {};
  });
}

Result<std::uint64_t> Broker::Hold(const Caller& by, const std::string& task, std::function<void(const json::Value&)> notify) {
  return impl_->Locked([&]() -> Result<std::uint64_t> {
    LiveTask* live = impl_->Find(task);
    if (live == nullptr || !by.Is(Kind::kHolder) || by.task != task) return std::unexpected(impl_->NotLive(by, task));
    if (live->latched) return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", task));
    std::uint64_t id = impl_->next_hold++;
    live->holds.emplace_back(id, std::move(notify));
    live->lost.reset();
    live->last_heard = impl_->Now();
    impl_->Schedule(*live);
    return id;
  });
}

void Broker::Release(const std::string& task, std::uint64_t hold) {
  impl_->Locked([&] {
    LiveTask* live = impl_->Find(task);
    if (live == nullptr) return;
    std::erase_if(live->holds, [&](const auto& entry) { return entry.first == hold; });
    if (!live->holds.empty()) return;
    live->lost = impl_->Now();
    impl_->Schedule(*live);
  });
}

}  // namespace remit::broker
