// Starts that lie ahead (`--at`): asked for and approved now, for the moment in which they will be; asked again when it has come, as any
// approved request is before it becomes active.
#include <limits>

#include <fmt/format.h>

#include "base/limits.h"
#include "broker/core.h"

namespace remit::broker {

using Verdict = task::Decision::Verdict;

// What became of a request: whether it is still permitted, and still what was approved.
Windows::Standing Windows::Reconsider(const task::TaskRecord& record, Time at) {
  Standing standing;
  auto denied = [&](std::string_view why) {
    standing.kind = Standing::Kind::kDenied;
    standing.why = fmt::format("the start is not permitted any more: {}", why);
    return standing;
  };
  std::shared_ptr<const cedar::Entity> entity = core_.current ? core_.MakeEntity(record, *core_.current) : nullptr;
  if (core_.who_may.BarredOf(record) != nullptr) return denied("its actor is barred, or not registered");
  if (!entity) return denied("unknown type");
  const task::Decision decision = core_.delegation.AskBegin(record, *entity, core_.approvals.StandingYes(record, *entity, record.approvals), at);
  if (decision.verdict == Verdict::kDeny) return denied(decision.reason);
  standing.needed = ApprovalsNeeded(core_.delegation.AskBegin(record, *entity, std::numeric_limits<std::uint32_t>::max(), at));
  standing.charges = decision.charges;
  standing.permissions = core_.trees.PermissionsOf(record, *entity);
  const bool same = task::RequestHash(record, standing.permissions) == record.request_hash;
  const bool nobody_is_asked = record.approvals_needed == 0 && standing.needed == 0;
  const bool good = decision.verdict == Verdict::kAllow && (same || nobody_is_asked);
  standing.kind = good ? Standing::Kind::kGood : Standing::Kind::kChanged;
  return standing;
}

// What was approved is not what would be given now: back to the start of the approvals, with the new content.
void Windows::AskAgain(LiveTask& live, const Standing& standing) {
  const Hash hash = task::RequestHash(live.record(), standing.permissions);
  Result<task::Transition> again = task::AskAgain(live.record(), hash, std::max(1u, standing.needed), core_.Stamp());
  if (!again) return;
  again->events.back().AsObject().Set("permissions", standing.permissions.ToJson());
  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, live.id(), again->next.Encode()});
  core_.AddEvents(batch, std::move(again->events));
  live.Set(std::move(again->next));  // takes approvals away: before the commit
  core_.Schedule(live);
  core_.Changed(live);
  core_.Commit(std::move(batch), [](const auto&) {});
}

// Commits a request that has every yes as scheduled. `done` comes under the mutex, after the commit.
void Windows::ScheduleThen(task::TaskRecord record, std::vector<json::Value> events, store::Batch batch, std::function<void(Status)> done) {
  Result<task::Transition> scheduled = task::Schedule(record, core_.Stamp());
  if (!scheduled) return done(std::unexpected(scheduled.error()));
  core_.AddEvents(batch, std::move(events));
  core_.AddEvents(batch, std::move(scheduled->events));
  batch.writes.push_back({store::Table::kTask, record.id, scheduled->next.Encode()});
  core_.Commit(std::move(batch), [this, next = std::move(scheduled->next), done = std::move(done)](const auto& committed) mutable {
    if (!committed) return done(std::unexpected(committed.error()));
    const std::string id = next.id;
    LiveTask* live = core_.Find(id);
    if (live == nullptr) {
      core_.Insert(std::make_unique<LiveTask>(std::move(next)));
    } else if (live->latched) {  // it was withdrawn while this was being committed
      return done(NoSuchTask(id));
    } else {
      live->Set(std::move(next));
      core_.Schedule(*live);
      core_.Changed(*live);
    }
    core_.ends.EndIfOvertaken(*core_.Find(id));
    done({});
  });
}

// Its time has come.
void Windows::StartScheduled(LiveTask& live) {
  const std::string id = live.id();
  auto later = [this, id] {
    LiveTask* waiting = core_.Find(id);
    if (waiting == nullptr || waiting->latched) return;
    waiting->try_at = core_.Now() + limits::kScheduleRetry;
    core_.Schedule(*waiting);
  };
  auto deny = [this, id](const std::string& why) {
    if (LiveTask* refused = core_.Find(id))
      core_.ends.End(
          *refused, [why](const task::TaskRecord& record, Time now) { return task::DenyByPolicy(record, why, now); }, Duration(0), nullptr);
  };
  if (live.latched) return;
  if (live.busy || !core_.current || core_.ClockInDoubt()) return later();
  task::TaskRecord record = live.record();
  const Standing standing = Reconsider(record, core_.Now());
  if (standing.kind == Standing::Kind::kDenied) return deny(standing.why);
  if (standing.kind == Standing::Kind::kChanged) return AskAgain(live, standing);
  if (const Status room = core_.budgets.Check(record, core_.Stamp(), true); !room) return deny(room.error().message);
  core_.starts.CountStart(record, standing.charges);  // as the catalog says that is in force now
  live.busy = true;
  core_.activations.Activate(std::move(record), {}, standing.permissions, {}, {}, [this, id, later, deny](Status status) {
    LiveTask* started = core_.Find(id);
    if (started == nullptr) return;
    core_.NotBusy(*started);
    if (status) return;
    const Code code = status.error().code;
    if (code == Code::kUnavailable || code == Code::kResourceExhausted || code == Code::kConflict) return later();
    deny(status.error().message);
  });
}

}  // namespace remit::broker
