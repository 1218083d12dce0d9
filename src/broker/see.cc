// Who may see what happens to a task: whoever may view it, and whoever may approve it while it lives, since he is the one who is asked.
#include "broker/core.h"

namespace remit::broker {

bool Broker::MaySee(const Caller& by, const std::string& task) const {
  Impl& im = *impl_;
  if (by.Is(Caller::Kind::kOperator)) return true;
  {
    std::unique_lock lock(im.mutex);
    if (LiveTask* live = im.Find(task)) {
      const bool cold = live->cold();
      bool may = im.MayView(by, *live);
      if (!may && im.current) {
        const auto entity = im.MakeEntity(live->record(), *im.current);
        may = entity && im.AskVerb(by, "approve", *entity).verdict == task::Decision::Verdict::kAllow;
      }
      if (cold) live->Cool();
      return may;
    }
  }
  const auto row = im.parts.store.Get(store::Table::kEndedTask, task);
  if (!row || !*row) return false;
  const auto record = task::TaskRecord::Decode(**row);
  if (!record) return false;
  std::unique_lock lock(im.mutex);
  return im.MayViewEnded(by, *record);
}

std::vector<task::CredentialRecord> Broker::EndingCredentials() const {
  return impl_->Locked([&] {
    std::vector<task::CredentialRecord> ending;
    for (const auto& [id, credential] : impl_->credentials)
      if (credential.record.state == task::CredentialState::kEnding) ending.push_back(credential.record);
    return ending;
  });
}

void Broker::Record(std::string_view type, const json::Object& fields, std::vector<store::Write> writes, std::function<void(Status)> done) {
  Impl& im = *impl_;
  im.Locked([&] {
    json::Object event = Impl::Event(type, im.Stamp());
    for (const auto& [name, value] : fields) event.Set(name, value);
    store::Batch batch;
    batch.writes = std::move(writes);
    im.AddEvents(batch, {std::move(event)});
    im.Commit(std::move(batch), [&im, done = std::move(done)](Result<store::Committed> result) {
      Status status = result ? Status() : Status(std::unexpected(result.error()));
      im.Later([done, status = std::move(status)] { done(status); });
    });
  });
}

}  // namespace remit::broker
