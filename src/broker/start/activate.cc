// Activating. It gives access: nothing applies before its commit, and what took access away meanwhile takes it from this too.
#include "broker/start/activate.h"

#include "broker/core.h"

namespace remit::broker {

// A task on its way into the store, as active.
struct Activating {
  task::Transition active;
  std::vector<LiveCredential> planned;
  std::vector<std::string> ids;  // of these
  store::Batch credentials;      // their rows and events
  std::shared_ptr<const task::Catalog> planned_under;
  std::shared_ptr<const FactSet> planned_with;
};

void Activations::Activate(task::TaskRecord record, std::vector<json::Value> events, const task::PermissionSet& permissions,
                           const std::vector<task::Charge>& charges, store::Batch batch, std::function<void(Status)> done) {
  if (Status stands = core_.trees.ParentStands(record); !stands) return done(std::move(stands));
  const Time now = core_.Stamp();
  Result<Activating> activating = Draft(record, permissions, now);
  if (!activating) return done(std::unexpected(activating.error()));
  if (Status charged = Charge(*activating, charges, now, batch); !charged) return done(std::move(charged));
  const task::TaskRecord& next = activating->active.next;
  std::vector<json::Value> more;
  if (next.break_glass) more.push_back(core_.break_glass.OpenReview(next, batch));
  core_.AddEvents(batch, std::move(events));
  core_.AddEvents(batch, std::move(activating->active.events));
  core_.AddEvents(batch, std::move(more));
  batch.events.insert(batch.events.end(), activating->credentials.events.begin(), activating->credentials.events.end());
  batch.writes.insert(batch.writes.end(), activating->credentials.writes.begin(), activating->credentials.writes.end());
  batch.writes.push_back({store::Table::kTask, next.id, next.Encode()});
  core_.Commit(std::move(batch), [this, activating = std::make_shared<Activating>(*std::move(activating)),
                                  done = std::move(done)](const auto& committed) { done(OnCommitted(*activating, committed)); });
}

Result<Activating> Activations::Draft(const task::TaskRecord& record, const task::PermissionSet& permissions, Time now) {
  Activating draft;
  const Time latest = core_.trees.LatestDeadline(record);
  REMIT_ASSIGN(draft.planned, core_.credentials.Plan(record, permissions, std::min<Time>(now + record.ttl, latest)));
  draft.ids = core_.credentials.PutPlanned(draft.planned, now, draft.credentials);
  REMIT_ASSIGN(draft.active, task::Activate(record, draft.ids, now, latest));
  draft.active.events.back().AsObject().Set("permissions", permissions.ToJson());
  draft.planned_under = core_.current;
  draft.planned_with = core_.facts;
  return draft;
}

// Nothing is charged for what does not begin: first all that may refuse it.
Status Activations::Charge(const Activating& activating, const std::vector<task::Charge>& charges, Time now, store::Batch& batch) {
  const task::TaskRecord& next = activating.active.next;
  REMIT_TRY(core_.budgets.Check(next, now, true));
  if (!next.parent.empty() && !charges.empty()) REMIT_TRY(core_.delegation.ChargeParent(next, charges, batch));
  return core_.budgets.Charge(next, batch);
}

Status Activations::OnCommitted(Activating& activating, const Result<store::Committed>& committed) {
  const std::string id = activating.active.next.id;
  core_.budgets.Settle(id, committed);
  if (!committed) {
    core_.break_glass.TakeBack(id);
    return std::unexpected(committed.error());
  }
  ++core_.totals.starts;
  if (!Take(activating)) return NoSuchTask(id);
  Begin(*core_.Find(id), activating);
  return {};
}

// Into memory, with its credentials. False where it was withdrawn while this was being committed: they end with it.
bool Activations::Take(Activating& activating) {
  task::TaskRecord& next = activating.active.next;
  const std::string id = next.id;
  LiveTask* live = core_.Find(id);
  const bool withdrawn = live != nullptr && live->latched;
  if (live == nullptr) {
    core_.Insert(std::make_unique<LiveTask>(std::move(next)));
    live = core_.Find(id);
  } else if (!withdrawn) {
    live->Set(std::move(next));
    live->last_heard = core_.Now();
    core_.Schedule(*live);
  }
  live->live_credentials = activating.ids;
  for (LiveCredential& credential : activating.planned) {
    const std::string credential_id = credential.record.id;
    core_.credentials.alive[credential_id] = std::move(credential);
  }
  return !withdrawn;
}

// It runs, unless something overtook it; then nothing is made.
void Activations::Begin(LiveTask& live, const Activating& activating) {
  core_.Changed(live);
  core_.ends.EndIfOvertaken(live);
  if (live.latched) return;
  const bool changed = core_.current != activating.planned_under || core_.facts != activating.planned_with;
  if (changed && core_.catalog_change.HoldsTooMuch(live, *core_.current, *core_.facts)) return core_.catalog_change.EndNarrowed(live);
  core_.trees.FollowParent(live);
  if (!live.latched)
    for (const std::string& id : activating.ids) core_.credentials.StartPlanned(id);
  if (activating.ids.empty()) live.Cool();
}

}  // namespace remit::broker
