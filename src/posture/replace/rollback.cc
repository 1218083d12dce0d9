#include "posture/replace/rollback.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "posture/replace/make.h"
#include "posture/replace/transaction.h"

namespace remit::posture {
namespace {

// The OID is the account; a name may have been given to somebody else.
Status SameAccount(ReplaceServer& server, const ReplacePlan& plan) {
  if (server.system() != plan.system)
    return Fail(Code::kFailedPrecondition, "account-changed",
                fmt::format("this is cluster {}; the plan was made at {}", server.system(), plan.system),
                "connect to the server that the plan was made at");
  if (FindAccount(server.base(), plan.account.name, plan.account.oid)) return {};
  return Fail(Code::kFailedPrecondition, "account-changed",
              fmt::format("the role `{}` that this plan is about (OID {}) is gone", EscapeControl(plan.account.name), plan.account.oid),
              "a role of the same name is another one: grant it what it needs by hand, or nothing");
}

std::vector<Grant> Taken(const ReplacePlan& plan) {
  std::vector<Grant> all = plan.removed;
  all.insert(all.end(), plan.cascades.begin(), plan.cascades.end());
  return all;
}

}  // namespace

Result<RollbackResult> RollBackPlan(ReplaceServer& server, PlanFile& file, const Clock& clock) {
  if (file.phase == Phase::kPlanned || file.phase == Phase::kRolledBack)
    return Fail(Code::kFailedPrecondition, "wrong-phase", fmt::format("this plan is {}: there is nothing to bring back", PhaseName(file.phase)));
  REMIT_TRY(SameAccount(server, file.plan));
  REMIT_TRY(file.Enter(Phase::kRollingBack, clock.Now()));
  REMIT_ASSIGN(std::vector<ReplaceServer::Database> databases, server.Databases());
  std::ranges::stable_partition(databases, [&](const auto& d) { return d.id.name == server.base_database(); });
  // A database goes by its OID; it may have another name now.
  std::vector<Grant> taken = Taken(file.plan);
  RollbackResult result;
  for (Grant& grant : taken) {
    if (grant.database().empty()) continue;
    const auto same_name = [&](const RoleRef& d) { return d.name == grant.database(); };
    const auto planned = std::ranges::find_if(file.plan.databases, same_name);
    const auto now = std::ranges::find_if(databases, [&](const auto& d) { return planned != file.plan.databases.end() && d.id == *planned; });
    if (now == databases.end())
      result.lost.push_back(grant.ToString() + ": its database is gone");
    else
      grant.object.database = now->id.name;
  }
  bool closed = false;
  for (const ReplaceServer::Database& database : databases) {
    if (!database.connects) {
      for (const Grant& grant : taken) {
        if (grant.database() != database.id.name) continue;
        result.lost.push_back(grant.ToString() + ": its database takes no connections");
        closed = true;
      }
      continue;
    }
    REMIT_ASSIGN(const auto transaction, ReplaceTransaction::Begin(server, database.id.name));
    REMIT_TRY(transaction->Restore(taken, file.plan.account.oid, result.lost));
    REMIT_TRY(transaction->Commit());
    result.restored += transaction->changed();
  }
  // Where a database was closed, the phase stays, so that the same call goes on once it is open.
  if (!closed) REMIT_TRY(file.Enter(Phase::kRolledBack, clock.Now()));
  return result;
}

namespace {

// From the file: what was tried once is not tried here. Nothing of a plan that is on its way back, or is there.
std::vector<std::string> AllowedWhenTried(const PlanFile& file) {
  std::vector<std::string> allowed;
  if (file.phase != Phase::kApplied && file.phase != Phase::kApplying) return allowed;
  const json::Value* probes = file.evidence.Find("probes");
  if (probes == nullptr || !probes->IsArray()) return allowed;
  for (const json::Value& probe : probes->AsArray()) {
    const std::string *verdict = probe.FindString("verdict"), *what = probe.FindString("what");
    if (verdict != nullptr && *verdict == "allowed") allowed.push_back(what == nullptr ? "?" : *what);
  }
  return allowed;
}

}  // namespace

Result<ReplaceStatus> ReadStatus(ReplaceServer& server, const PlanFile& file) {
  REMIT_TRY(SameAccount(server, file.plan));
  REMIT_ASSIGN(const ReplacePlan now, MakePlan(server, "", file.plan.account.oid));
  ReplaceStatus status;
  std::set<std::string> there, planned;
  for (const Grant& grant : now.removed) there.insert(grant.Id());
  for (const Grant& grant : now.cascades) there.insert(grant.Id());
  for (const RoleRef& database : now.databases) {
    REMIT_ASSIGN(const auto connection, server.Connect(database.name));
    const Reading reading = database.name == server.base_database() ? Reading::kDatabaseAndShared : Reading::kDatabase;
    REMIT_ASSIGN(const std::vector<Grant> grants, ReadGrants(*connection, database.name, reading));
    for (const Grant& grant : grants) there.insert(grant.Id());
  }
  for (const Grant& grant : Taken(file.plan)) {
    planned.insert(grant.Id());
    (there.contains(grant.Id()) ? status.there : status.gone).push_back(grant.ToString());
  }
  for (const Grant& grant : now.removed)
    if (!planned.contains(grant.Id())) status.new_here.push_back(grant.ToString());
  std::set<std::string> left;
  for (const Left& one : file.plan.left) left.insert(one.ToString());
  for (const Left& one : now.left)
    if (!left.contains(one.ToString())) status.more.push_back(one.ToString());
  status.allowed = AllowedWhenTried(file);
  return status;
}

}  // namespace remit::posture
