// What a sub-task could do: its own policies, cut by each task above it, what of its and their uses is left, and whether its parent may start
// it now. Spends nothing, and says the same as delegating would.
#include <limits>
#include <set>

#include <fmt/format.h>

#include "broker/core.h"
#include "broker/start/below.h"

namespace remit::broker {
namespace {

using Verdict = task::Decision::Verdict;

// A task of the tree, and what it alone may do.
struct Level {
  const task::TaskRecord* record;  // of the sub-task: its sample, which has no id of its own
  bool exists;
  bool seen;  // whoever asks may see it: else nothing of it is told but that it is there
  task::PermissionSet own;
};

void Refuse(json::Object& verdict, const Error& error) {
  verdict.Set("allowed", false);
  verdict.Set("reason", error.reason);
  verdict.Set("message", error.message);
}

json::Object UsesLeft(const task::TaskRecord& record, const std::string& policy, std::uint32_t of) {
  const auto used = record.uses.find(policy);
  const std::uint32_t spent = used == record.uses.end() ? 0 : used->second;
  return {{"policy", policy}, {"of", of}, {"left", of - std::min(of, spent)}};
}

bool IsAfterUses(const task::Obligation& obligation) { return obligation.kind == task::Obligation::Kind::kAfterUses; }

// A use is charged to the sub-task and to every task above it whose forbid is lifted, so what is left is the least of these. Whether there is one
// among them that is not told, since its task is not for whoever asks.
bool AddUses(const std::vector<Level>& levels, const task::PermissionSet& remaining, json::Array& uses) {
  bool untold = false;
  std::set<std::string> wanted;
  for (const task::Permission& permission : remaining.permissions)
    for (const task::Obligation& obligation : permission.obligations)
      if (IsAfterUses(obligation)) wanted.insert(obligation.policy);
  for (const Level& level : levels) {
    std::map<std::string, std::uint32_t> here;
    for (const task::Permission& permission : level.own.permissions)
      for (const task::Obligation& obligation : permission.obligations)
        if (IsAfterUses(obligation) && wanted.contains(obligation.policy)) here.emplace(obligation.policy, obligation.count);
    untold = untold || (!level.seen && !here.empty());
    if (!level.seen) continue;
    for (const auto& [policy, count] : here) {
      json::Object one = UsesLeft(*level.record, policy, count);
      if (level.exists) one.Set("task", level.record->id);
      uses.push_back(std::move(one));
    }
  }
  return untold;
}

// What handing it on costs its parent.
void AddDelegations(const task::Catalog& catalog, const task::TaskRecord& parent, const task::Decision& decision, json::Array& uses) {
  std::map<std::string, std::uint32_t> counted;
  for (const task::Charge& charge : decision.charges)
    if (charge.lift.kind == task::Obligation::Kind::kAfterUses) counted.emplace(charge.policy, charge.lift.count);
  if (decision.reason == "used-up")
    for (const std::string& policy : decision.policies)
      if (const task::Lift* lift = catalog.FindLift(policy)) counted.emplace(policy, lift->count);
  for (const auto& [policy, count] : counted) {
    json::Object one = UsesLeft(parent, policy, count);
    one.Set("task", parent.id);
    one.Set("verb", "delegate");
    uses.push_back(std::move(one));
  }
}

// Cuts what the first level may by each other. What nothing is left of is told, with the task that leaves nothing where that one may be seen.
task::PermissionSet Cut(const std::vector<Level>& levels, json::Array& lost) {
  task::PermissionSet remaining;
  for (const task::Permission& permission : levels.front().own.permissions) {
    task::PermissionSet one;
    one.permissions = {permission};
    for (std::size_t i = 1; i < levels.size() && !one.permissions.empty(); ++i) {
      one = task::Intersect(one, levels[i].own);
      if (!one.permissions.empty()) continue;
      task::PermissionSet whole;
      whole.permissions = {permission};
      json::Object gone{{"permission", whole.ToJson().AsArray().front()}};
      if (levels[i].seen) {
        gone.Set("task", levels[i].record->id);
        gone.Set("type", levels[i].record->name);
      }
      lost.push_back(std::move(gone));
    }
    remaining.permissions.insert(remaining.permissions.end(), one.permissions.begin(), one.permissions.end());
  }
  remaining.Normalise();
  return remaining;
}

Status Stands(Core& core, LiveTask& parent, const task::TaskType& type, const cedar::EntityUid& actor) {
  if (!core.trees.Usable(parent)) return Fail(Code::kFailedPrecondition, "parent-not-active", fmt::format("task `{}` is not active", parent.id()));
  if (core.ClockInDoubt()) return Fail(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event");
  return MayStandBelow(core, parent, type, actor);
}

// Budgets are counted over all tasks of an actor, seen or not: they are for that actor, and for whoever could start this for it here. `permitted`:
// whether it may stand below the parent at all.
bool MayKnowBudgets(const Caller& by, LiveTask& parent, const cedar::EntityUid& actor, bool permitted) {
  if (by.Is(Caller::Kind::kOperator) || by.uid == actor) return true;
  return permitted && (WhoMay::Owns(by, parent.record()) || (by.Is(Caller::Kind::kTask) && by.task == parent.id()));
}

json::Object Begun(LiveTask& parent, const cedar::EntityUid& actor) {
  return {{"task", parent.id()}, {"type", parent.record().name}, {"actor", actor.ToString()}};
}

}  // namespace

json::Object VerdictWithout(Core& core, LiveTask& parent, const task::TaskType& type, const cedar::EntityUid& actor) {
  json::Object verdict = Begun(parent, actor);
  if (Status stands = Stands(core, parent, type, actor); !stands) Refuse(verdict, stands.error());
  return verdict;
}

Below ExplainBelow(Core& core, const Caller& by, LiveTask& parent, const task::TaskType& type, const task::TaskRecord& record,
                   const cedar::Entity& entity) {
  Below below;
  json::Object& verdict = below.verdict;
  verdict = Begun(parent, record.actor);
  verdict.Set("ends", FormatTime(std::min<Time>(core.Now() + record.ttl, parent.deadline())));
  json::Array uses, lost;
  // With every yes given: what it costs does not depend on whether people were asked yet.
  const task::Decision decision = core.delegation.AskDelegate(record, entity, 0),
                       approved = core.delegation.AskDelegate(record, entity, std::numeric_limits<std::uint32_t>::max());
  const Status stands = Stands(core, parent, type, record.actor);
  const bool knows_budgets = MayKnowBudgets(by, parent, record.actor, stands && decision.verdict != Verdict::kDeny);
  if (!stands) {
    Refuse(verdict, stands.error());
  } else if (decision.verdict == Verdict::kDeny) {
    Refuse(verdict, core.starts.NotPermitted(record, decision));
    verdict.Set("reason", decision.reason);
  } else if (const auto none = core.budgets.FindNoRoom(record, core.Stamp(), true, &by)) {
    verdict.Set("allowed", false);
    if (knows_budgets) {
      none->AddTo(verdict);
    } else {
      verdict.Set("reason", none->error.reason);
      verdict.Set("message", fmt::format("a budget of `{}` lets none begin now", type.name));
    }
  } else {
    verdict.Set("allowed", true);
    verdict.Set("approvals", decision.verdict == Verdict::kNeedsApproval ? ApprovalsNeeded(approved) : 0);
  }
  AddDelegations(*core.current, parent.record(), approved, uses);
  if (const auto above = core.trees.Above(record)) {  // else something above it is gone, and nothing remains
    std::vector<Level> levels{{&record, false, true, core.trees.OwnPermissions(record, entity)}};
    for (LiveTask* one : *above)
      levels.push_back({&one->record(), true, core.who_may.MayView(by, *one), core.trees.OwnPermissions(one->record(), core.EntityOf(*one))});
    below.remaining = Cut(levels, lost);
    if (AddUses(levels, below.remaining, uses)) verdict.Set("limited_above", true);
  }
  verdict.Set("uses", std::move(uses));
  if (knows_budgets) verdict.Set("budgets", core.budgets.Left(record, core.Stamp()));
  verdict.Set("lost", std::move(lost));
  return below;
}

}  // namespace remit::broker
