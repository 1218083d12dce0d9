// What a new catalog takes from tasks that live. A task may do what the catalog that it started under and the current one allow, so that
// nothing needs to happen to it for it to lose what the new one does not give; what it holds elsewhere and has become too wide ends
// (setup.cc), and `end_older` ends whatever started under another catalog.
#include <fmt/format.h>

#include "base/limits.h"
#include "broker/core.h"

namespace remit::broker {
namespace {

task::PermissionSet Bare(task::PermissionSet set) {
  for (task::Permission& permission : set.permissions) permission.policies.clear();  // by which policy is no matter of width
  set.Normalise();
  return set;
}

}  // namespace

void CatalogChange::ForEachTask(std::function<void(LiveTask&)> each, std::function<void()> done) {
  struct Walk {
    std::vector<std::string> ids;
    std::size_t next = 0;
    std::function<void(LiveTask&)> each;
    std::function<void()> done;
  };
  auto walk = std::make_shared<Walk>();
  walk->ids.reserve(core_.tasks.size());
  for (const auto& [id, live] : core_.tasks) walk->ids.push_back(id);
  walk->each = std::move(each);
  walk->done = std::move(done);
  struct Step {
    static void Take(Core& core, const std::shared_ptr<Walk>& walk) {
      const std::size_t until = std::min(walk->ids.size(), walk->next + limits::kTasksPerTurn);
      for (; walk->next < until; ++walk->next)
        if (LiveTask* live = core.Find(walk->ids[walk->next])) walk->each(*live);
      if (walk->next == walk->ids.size()) return walk->done();
      core.Later([&core, walk] { core.Locked([&] { Take(core, walk); }); });
    }
  };
  Step::Take(core_, walk);
}

// What the task could do if `next` were in force: it, and every task above it.
task::PermissionSet CatalogChange::PermissionsUnder(const task::TaskRecord& record, const task::Catalog& next, const FactSet& known) {
  const auto of = [&](const task::TaskRecord& one) -> task::PermissionSet {
    const auto under = [&](const task::Catalog& catalog) {
      const std::shared_ptr<const cedar::Entity> entity = core_.MakeEntity(one, catalog);
      if (!entity) return task::PermissionSet{};
      cedar::OverlayEntities view(known.entities);
      core_.trees.AddParents(view, *entity);
      view.Add(entity);
      return task::PermissionsOf(catalog, *entity, view);
    };
    const std::shared_ptr<const task::Catalog> pinned = core_.Pinned(one.catalog);
    if (!pinned) return {};
    if (pinned->hash() == next.hash()) return under(next);
    return task::Intersect(under(*pinned), under(next));
  };
  const auto above = core_.trees.Above(record);
  if (!above) return {};
  task::PermissionSet set = of(record);
  for (LiveTask* one : *above) set = task::Intersect(set, of(one->record()));
  return set;
}

void CatalogChange::FindLosses(std::shared_ptr<const task::Catalog> next, std::shared_ptr<const FactSet> next_facts, const LoadOptions& options,
                               std::shared_ptr<CatalogAnswer> answer, std::function<void()> done) {
  ForEachTask(
      [this, next, next_facts, options, answer](LiveTask& live) {
        if (live.latched || !core_.current) return;
        const task::TaskRecord& record = live.record();
        const task::PermissionSet now = Bare(PermissionsUnder(record, *core_.current, *core_.facts)),
                                  then = Bare(PermissionsUnder(record, *next, *next_facts));
        const bool too_wide = HoldsTooMuch(live, *next, *next_facts);
        const bool ends = too_wide || (options.end_older && record.catalog != next->hash());
        if (too_wide) answer->narrowed.push_back(live.id());
        task::PermissionSet lost;
        for (const task::Permission& permission : now.permissions)
          if (std::ranges::find(then.permissions, permission) == then.permissions.end()) lost.permissions.push_back(permission);
        if (lost.permissions.empty() && !ends) return;
        if (answer->losers++ < limits::kLossesShown)
          answer->losses.push_back(json::Object{{"task", live.id()},
                                                {"type", record.name},
                                                {"actor", record.actor.ToString()},
                                                {"state", task::StateName(live.state())},
                                                {"ends", ends},
                                                {"loses", lost.ToJson()}});
        if (live.holds.empty()) live.Cool();
      },
      std::move(done));
}

namespace {
bool IsOlder(LiveTask& live, const std::string& next) { return !live.latched && live.record().catalog != next; }
}  // namespace

json::Object CatalogChange::WouldEnd(const Caller& by, const std::string& next) {
  std::vector<std::string> ids;
  bool says_yes = false;  // and has to know what to
  core_.Locked([&] {
    const bool person = by.Is(Caller::Kind::kPerson) && core_.current != nullptr;
    says_yes =
        by.Is(Caller::Kind::kOperator) || (person && core_.administration.AskServer(by.uid, "approve").verdict == task::Decision::Verdict::kAllow);
    ids.reserve(core_.tasks.size());
    for (const auto& [id, live] : core_.tasks) ids.push_back(id);
  });
  std::ranges::sort(ids);  // the oldest first
  json::Array named;
  std::size_t count = 0;
  for (std::size_t first = 0; first < ids.size(); first += limits::kTasksPerTurn) {
    core_.Locked([&] {
      for (std::size_t i = first; i < std::min(ids.size(), first + limits::kTasksPerTurn); ++i) {
        LiveTask* live = core_.Find(ids[i]);
        if (live == nullptr) continue;
        const bool cold = live->cold();
        if (!IsOlder(*live, next)) {
          if (cold) live->Cool();
          continue;
        }
        ++count;
        if (named.size() < kOlderShown && (says_yes || core_.who_may.MayView(by, *live))) {
          const task::TaskRecord& record = live->record();
          named.push_back(json::Object{
              {"task", record.id}, {"type", record.name}, {"actor", record.actor.ToString()}, {"state", task::StateName(live->state())}});
        }
        if (cold) live->Cool();
      }
    });
  }
  return json::Object{{"count", count}, {"tasks", std::move(named)}};
}

void CatalogChange::EndOlder(std::shared_ptr<const task::Catalog> next, std::shared_ptr<CatalogAnswer> answer, std::function<void()> done) {
  ForEachTask(
      [this, next, answer](LiveTask& live) {
        if (!IsOlder(live, next->hash())) return;
        answer->ended.push_back(live.id());
        core_.ends.EndByPolicy(live, "it was asked for under an older catalog", {"Remit::Policy", "current"}, Duration(0), nullptr);
      },
      std::move(done));
}

// --- what is too wide ----------------------------------------------------------------------------------------------------------------------

bool CatalogChange::HoldsTooMuch(LiveTask& live, const task::Catalog& next, const FactSet& next_facts) {
  if (live.state() != task::State::kActive || live.latched || live.live_credentials.empty()) return false;
  const task::PermissionSet now_allowed = core_.trees.AllowedUnder(next, next_facts, live);
  for (const std::string& id : live.live_credentials) {
    LiveCredential* credential = core_.credentials.Find(id);
    if (credential == nullptr) continue;
    const task::PermissionSet& held = credential->record.permissions;
    task::PermissionSet both = task::Intersect(held, now_allowed);
    // What is asked of Remit at each use is answered by both catalogs; what is enforced elsewhere is as wide as it was made.
    const bool asked = credential->record.kind == kIntrospectKind;
    if (both.permissions.size() < held.permissions.size() || (!asked && Bare(std::move(both)) != Bare(held))) return true;
  }
  return false;
}

void CatalogChange::EndNarrowed(LiveTask& live) {
  if (live.latched) return;
  core_.ends.End(
      live,
      [](const task::TaskRecord& record, Time now) {
        return task::Revoke(record, {"Remit::Policy", "current"}, "the catalog and the facts in force give less than it holds", now);
      },
      Duration(0), nullptr);
}

std::vector<std::string> CatalogChange::EndTooWide(const task::Catalog& next, const FactSet& next_facts) {
  std::vector<std::string> narrowed;
  for (auto& [id, live] : core_.tasks)
    if (HoldsTooMuch(*live, next, next_facts)) narrowed.push_back(id);
  for (const std::string& id : narrowed)
    if (LiveTask* live = core_.Find(id)) EndNarrowed(*live);
  return narrowed;
}

}  // namespace remit::broker
