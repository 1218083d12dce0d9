// An agent that tries doors is stopped, with the whole tree of its tasks (`@trip`). Refusals are counted in memory, for each task and for all
// that is below it; a restart forgets those of the last moments.
#include <fmt/format.h>

#include "broker/core.h"

namespace remit::broker {

// An enforcement of `live` was denied by policy.
void Trips::Refused(LiveTask& live) {
  if (!core_.current) return;
  for (LiveTask* at = &live; at != nullptr; at = at->parent().empty() ? nullptr : core_.Find(at->parent())) {
    const task::TaskType* type = core_.current->FindType(at->record().type);
    if (type == nullptr || !type->trip || at->latched) continue;
    if (refusals_[at->id()].Add(*type->trip, core_.Now())) return Trip(*at, live.id(), *type->trip);
  }
}

// From the root of its tree on, since whoever holds one of these tasks may hold the others.
void Trips::Trip(LiveTask& tripped, const std::string& by, const task::Trip& trip) {
  LiveTask* root = &core_.trees.RootOf(tripped);
  json::Object event = core_.Event("task.tripped", core_.Stamp());
  event.Set("task", root->id());
  event.Set("tripped", tripped.id());
  event.Set("refused", by);
  event.Set("trip", trip.Text());
  const cedar::EntityUid who{"Remit::Policy", "trip"};
  const std::string why = fmt::format("tripped: {}", trip.Text());
  if (trip.then == task::Trip::Then::kSuspend) {
    if (root->state() != task::State::kActive || root->latched) return;  // it is stopped already
    return core_.suspensions.Suspend(*root, who.ToString(), why, Duration(0), nullptr, {std::move(event)});
  }
  core_.ends.End(
      *root,
      [event = std::move(event), who, why](const task::TaskRecord& record, Time now) -> Result<task::Transition> {
        REMIT_ASSIGN(task::Transition end, task::Revoke(record, who, why, now));
        end.events.insert(end.events.begin(), event);
        return end;
      },
      Duration(0), nullptr);
}

}  // namespace remit::broker
