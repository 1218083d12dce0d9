// The answer to an end: what is dead, with evidence, and what is still ending. The wait is for the caller's sake; the ends do not need it.
#include "broker/end/end_wait.h"

#include "broker/core.h"

namespace remit::broker {

void EndWaits::AwaitDead(std::vector<task::TaskRecord> records, Duration wait, Answer<EndAnswer> answer) {
  struct Wait {
    bool done = false;
    io::TimerId timer = 0;
  };
  auto state = std::make_shared<Wait>();
  auto shared = std::make_shared<const std::vector<task::TaskRecord>>(std::move(records));
  auto finish = [this, state, shared, answer] {
    if (std::exchange(state->done, true)) return;
    if (state->timer != 0) core_.parts.timers.Cancel(state->timer);
    Say(*shared, answer);
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
    Watch(record.id, [state, all_dead, finish] {
      if (state->done) return true;
      if (all_dead()) finish();
      return state->done;
    });
  }
}

// Runs `watch` each time a credential of the task changes, until it answers true.
void EndWaits::Watch(const std::string& task_id, std::function<bool()> watch) {
  core_.credentials.watches[task_id].push_back([this, task_id, watch = std::move(watch)] {
    if (!watch()) Watch(task_id, watch);
  });
}

void EndWaits::Say(const std::vector<task::TaskRecord>& records, const Answer<EndAnswer>& answer) {
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

}  // namespace remit::broker
