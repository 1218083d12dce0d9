// Who may see what happens to a task: whoever may view it, and whoever may approve it while it lives, since he is the one who is asked.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/core.h"

namespace remit::broker {

bool Broker::MaySee(const Caller& by, const std::string& task) const {
  Core& core = *core_;
  if (by.Is(Caller::Kind::kOperator)) return true;
  {
    std::unique_lock lock(core.mutex);
    if (LiveTask* live = core.Find(task)) {
      const bool cold = live->cold();
      bool may = core.who_may.MayView(by, *live);
      if (!may && core.current) {
        const auto entity = core.MakeEntity(live->record(), *core.current);
        may = entity && core.who_may.AskVerb(by, "approve", *entity).verdict == task::Decision::Verdict::kAllow;
      }
      if (cold) live->Cool();
      return may;
    }
  }
  const auto row = core.parts.store.Get(store::Table::kEndedTask, task);
  if (!row || !*row) return false;
  const auto record = task::TaskRecord::Decode(**row);
  if (!record) return false;
  std::unique_lock lock(core.mutex);
  return core.who_may.MayViewEnded(by, *record);
}

bool Broker::IsOver(const std::string& task) const {
  const auto is_there = [&](store::Table table, const std::string& key) {
    const auto row = core_->parts.store.Get(table, key);
    return row && row->has_value();
  };
  const auto row = core_->parts.store.Get(store::Table::kEndedTask, task);
  if (!row || !*row) return false;
  const auto record = task::TaskRecord::Decode(**row);
  return record && (!record->break_glass || record->review.has_value()) &&
         std::ranges::all_of(record->credentials, [&](const std::string& id) { return is_there(store::Table::kEndedCredential, id); });
}

std::vector<task::CredentialRecord> Broker::EndingCredentials() const {
  return core_->Locked([&] {
    std::vector<task::CredentialRecord> ending;
    for (const auto& [id, credential] : core_->credentials.alive)
      if (credential.record.state == task::CredentialState::kEnding) ending.push_back(credential.record);
    return ending;
  });
}

void Broker::Record(std::string_view type, const json::Object& fields, std::vector<store::Write> writes, std::function<void(Status)> done,
                    const std::optional<Declared>& still) {
  Core& core = *core_;
  core.Locked([&] {
    if (still && core.standing_access.DeclarationOf(still->account) != still->number)
      return core.Later([done = std::move(done), account = still->account] {
        done(Fail(Code::kConflict, "account-changed", fmt::format("`{}` was declared anew or taken off meanwhile", EscapeControl(account)),
                  "ask again"));
      });
    json::Object event = Core::Event(type, core.Stamp());
    for (const auto& [name, value] : fields) event.Set(name, value);
    store::Batch batch;
    batch.must_fit = type.starts_with("standing.") && type != "standing.noted";  // standing access ends on a full disk, too
    batch.writes = std::move(writes);
    core.AddEvents(batch, {std::move(event)});
    core.Commit(std::move(batch), [&core, done = std::move(done)](Result<store::Committed> result) {
      Status status = result ? Status() : Status(std::unexpected(result.error()));
      core.Later([done, status = std::move(status)] { done(status); });
    });
  });
}

}  // namespace remit::broker
