// An agent that tries doors is stopped, with the whole tree of its tasks (`@trip`). Refusals are counted in memory, for each task and for all
// that is below it; a restart forgets those of the last moments.
#include <fmt/format.h>

#include "broker/core.h"

namespace remit::broker {

// An enforcement of `live` was denied by policy.
void Broker::Impl::Refused(LiveTask& live) {
  if (!current) return;
  for (LiveTask* at = &live; at != nullptr; at = at->record().parent.empty() ? nullptr : Find(at->record().parent)) {
    const task::TaskType* type = current->FindType(at->record().type);
    if (type == nullptr || !type->trip || at->latched) continue;
    if (refusals[at->id()].Add(*type->trip, Now())) return Trip(*at, live.id(), *type->trip);
  }
}

// From the root of its tree on, since whoever holds one of these tasks may hold the others.
void Broker::Impl::Trip(LiveTask& tripped, const std::string& by, const task::Trip& trip) {
  LiveTask* root = &tripped;
  while (!root->record().parent.empty()) {
    LiveTask* parent = Find(root->record().parent);
    if (parent == nullptr) break;
    root = parent;
  }
  const std::string id = tripped.id();
  const auto told = [trip, by, id](const std::string& root_id, Time now) {
    json::Object event = Event("task.tripped", now);
    event.Set("task", root_id);
    event.Set("tripped", id);
    event.Set("refused", by);
    event.Set("trip", trip.Text());
    return event;
  };
  if (trip.then == task::Trip::Then::kSuspend) {
    if (root->state() == task::State::kSuspended) return;
    store::Batch batch;
    AddEvents(batch, {told(root->id(), Stamp())});
    Commit(std::move(batch), [](const auto&) {});
    return SuspendTree(*root, R"(Remit::Policy::"trip")", fmt::format("tripped: {}", trip.Text()), Duration(0), nullptr);
  }
  End(
      *root,
      [trip, told](const task::TaskRecord& record, Time now) -> Result<task::Transition> {
        REMIT_ASSIGN(task::Transition end, task::Revoke(record, {"Remit::Policy", "trip"}, fmt::format("tripped: {}", trip.Text()), now));
        end.events.insert(end.events.begin(), told(record.id, now));
        return end;
      },
      Duration(0), nullptr);
}

}  // namespace remit::broker
