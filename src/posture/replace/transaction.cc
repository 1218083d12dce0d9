#include "posture/replace/transaction.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "posture/grants/sql.h"
#include "posture/replace/check.h"

namespace remit::posture {
namespace {

constexpr auto kStatementLimit = std::chrono::minutes(3);  // more than the server's own statement_timeout, which rolls back and says so

std::set<std::string> Ids(const std::vector<Grant>& grants) {
  std::set<std::string> ids;
  for (const Grant& grant : grants) ids.insert(grant.Id());
  return ids;
}

}  // namespace

Result<std::unique_ptr<ReplaceTransaction>> ReplaceTransaction::Begin(ReplaceServer& server, const std::string& database) {
  auto transaction = std::make_unique<ReplaceTransaction>();
  transaction->database_ = database;
  if (database == server.base_database()) transaction->reading_ = Reading::kDatabaseAndShared;
  REMIT_ASSIGN(transaction->connection_, server.Connect(database));
  REMIT_TRY(CheckEventTriggers(*transaction->connection_, database));
  REMIT_TRY(transaction->connection_->Run("BEGIN"));
  REMIT_ASSIGN(transaction->before_, ReadGrants(*transaction->connection_, database, transaction->reading_));
  REMIT_ASSIGN(transaction->roles_, ReadRoleGraph(*transaction->connection_));
  return transaction;
}

Status ReplaceTransaction::Send(const Grant& grant, const std::string& role, const std::string& statement) {
  if (role != role_) REMIT_TRY(connection_->Run(BecomeSql(role)));
  role_ = role;
  auto done = connection_->Run(statement, kStatementLimit);
  if (!done) return Fail(std::move(done).error().Within(grant.ToString()));
  return {};
}

// What an event trigger put off to the commit happens now, before anything is read.
Status ReplaceTransaction::Compare(const std::vector<Grant>& gone, const std::vector<Grant>& come, std::string_view reason) {
  REMIT_TRY(connection_->Run(BecomeSql("")));
  role_.clear();
  REMIT_TRY(connection_->Run("SET CONSTRAINTS ALL IMMEDIATE"));
  REMIT_ASSIGN(const std::vector<Grant> after, ReadGrants(*connection_, database_, reading_));
  const std::vector<std::string> differences = CompareGrants(before_, gone, come, after);
  if (differences.empty()) return {};
  Error error(Code::kFailedPrecondition, reason,
              fmt::format("in database `{}` the server did not do what was planned, so all of it was rolled back: {}", EscapeControl(database_),
                          Some(differences)));
  error.hint = "somebody or something (an event trigger?) granted or revoked at the same time; `remit replace status` shows how it stands";
  return Fail(std::move(error));
}

Status ReplaceTransaction::Remove(const ReplacePlan& plan) {
  const auto changed = [&](std::string line) {
    return Fail(Code::kConflict, "changed-since-plan", fmt::format("in database `{}`: {}", EscapeControl(database_), line), "plan again");
  };
  const std::set<std::string> planned = Ids(plan.removed), cascades = Ids(plan.cascades);
  std::set<std::string> kept;
  for (const Kept& one : plan.kept) kept.insert(one.grant.Id());
  std::vector<Grant> removable = Removable(before_, plan.account.oid);
  std::erase_if(removable, [&](const Grant& g) { return kept.contains(g.Id()); });
  for (const Grant& grant : removable)
    if (!planned.contains(grant.Id())) return changed("a grant, not in the plan: " + grant.ToString());
  for (const Grant& grant : plan.removed) {
    const bool here = grant.database() == database_ || (grant.database().empty() && has_shared());
    if (here && !Ids(removable).contains(grant.Id())) return changed("not there any more: " + grant.ToString());
  }
  Acls acls(before_, connection_->server_version());
  std::vector<Grant> gone;
  for (const RevokeStep& step : PlaySteps(removable, acls, roles_, [](const Grant&) { return std::string(); }, nullptr)) {
    for (const Grant& fallen : step.fallen)
      if (!cascades.contains(fallen.Id()) && !planned.contains(fallen.Id())) return changed("it would take with it: " + fallen.ToString());
    REMIT_ASSIGN(const GrantSql sql, RevokeSql(step.grant, connection_->server_version(), !step.fallen.empty()));
    REMIT_TRY(Send(step.grant, sql.role, sql.statement));
    gone.push_back(step.grant);
    gone.insert(gone.end(), step.fallen.begin(), step.fallen.end());
  }
  for (const Grant& grant : gone) ++(grant.grantee == plan.account ? changed_ : fallen_);
  return Compare(gone, {}, "more-left-than-planned");
}

// What is of this transaction, still has an object and roles, and is not there.
Result<std::vector<Grant>> ReplaceTransaction::Missing(std::vector<Grant> grants, std::vector<std::string>& lost) {
  std::erase_if(grants, [&](const Grant& g) { return g.database() != database_ && !(g.database().empty() && has_shared()); });
  REMIT_TRY(NameGrants(*connection_, grants));
  std::set<std::string> slots;
  for (const Grant& grant : before_)
    if (grant.grantable) slots.insert(grant.Slot());
  const std::set<std::string> there = Ids(before_);
  std::erase_if(grants, [&](const Grant& g) {
    if (there.contains(g.Id()) || slots.contains(g.Slot())) return true;  // or with more than it was
    if (g.on.empty()) lost.push_back(g.ToString() + ": its object or a role is gone");
    return g.on.empty();
  });
  return grants;
}

// One rank of grants after the other, the other way round than they went: who acts for a table must be able to reach its schema again. Within a
// rank a grantor must have the option again before it can grant, so as many rounds as a chain is long.
Status ReplaceTransaction::Restore(std::vector<Grant> grants, const std::string& account_oid, std::vector<std::string>& lost) {
  REMIT_ASSIGN(std::vector<Grant> missing, Missing(std::move(grants), lost));
  std::map<int, std::vector<Grant>, std::greater<>> ranks;
  for (Grant& grant : missing) ranks[RemovalRank(grant, account_oid)].push_back(std::move(grant));
  Acls acls(before_, connection_->server_version());
  Restoring restoring;
  for (auto& [rank, waiting] : ranks) {
    waiting.insert(waiting.end(), restoring.waiting.begin(), restoring.waiting.end());
    restoring.waiting = std::move(waiting);
    for (std::size_t before = 0; before != restoring.waiting.size();) {
      before = restoring.waiting.size();
      REMIT_TRY(RestoreRound(acls, restoring));
    }
  }
  for (const Grant& grant : restoring.waiting) lost.push_back(grant.ToString() + ": its grantor has no grant option any more");
  changed_ = restoring.come.size();
  return Compare(restoring.gone, restoring.come, "not-as-it-was");
}

Status ReplaceTransaction::RestoreRound(Acls& acls, Restoring& restoring) {
  std::vector<Grant> later;
  for (const Grant& grant : restoring.waiting) {
    if (!acls.GrantorCanAct(grant, roles_)) {
      later.push_back(grant);
      continue;
    }
    REMIT_ASSIGN(const GrantSql sql, RegrantSql(grant, connection_->server_version()));
    REMIT_TRY(Send(grant, sql.role, sql.statement));
    acls.Of(grant).Add(grant);
    restoring.come.push_back(grant);
    for (const Grant& other : before_)
      if (other.Slot() == grant.Slot()) restoring.gone.push_back(other);  // one without grant option gives way to one with it
  }
  restoring.waiting = std::move(later);
  return {};
}

Status ReplaceTransaction::AskWhatStays(const ReplacePlan& plan) { return CheckStaying(*connection_, database_, reading_, plan); }

Status ReplaceTransaction::Commit() {
  REMIT_TRY(connection_->Run("COMMIT", kStatementLimit));
  return {};
}

}  // namespace remit::posture
