#include "posture/replace/apply.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "posture/replace/check.h"
#include "posture/replace/make.h"
#include "posture/replace/rollback.h"
#include "posture/replace/sessions.h"
#include "posture/replace/transaction.h"

namespace remit::posture {
namespace {

json::Object EvidenceOf(const Probes& probes, json::Value sessions, Time now) {
  json::Array tried, unproven;
  for (const Probe& probe : probes.tried) tried.push_back(ProbeToJson(probe));
  for (const Unproven& one : probes.unproven) unproven.push_back(UnprovenToJson(one));
  return {{"asked", FormatTime(now)}, {"sessions_ended", std::move(sessions)}, {"probes", std::move(tried)}, {"unproven", std::move(unproven)}};
}

Status NoneAllowed(const Probes& probes) {
  for (const Probe& probe : probes.tried)
    if (probe.verdict == ProbeVerdict::kAllowed)
      return Fail(Code::kInternal, "probe-allowed",
                  fmt::format("`{}` is still allowed as the account, though the server says that it has no right to: {}",
                              EscapeControl(probe.statement), probe.what));
  return {};
}

class Applying {
 public:
  Applying(ReplaceServer& server, PlanFile& file, const ApplyOptions& options, const Clock& clock)
      : server_(server), file_(file), options_(options), clock_(clock), begun_(file.phase == Phase::kApplying) {}

  Result<ApplyResult> Run() {
    REMIT_TRY(MayBegin());
    REMIT_TRY(AsPlanned());
    REMIT_TRY(file_.Enter(Phase::kApplying, clock_.Now()));
    if (Status removed = Remove(); !removed) return GoBack(std::move(removed).error());
    REMIT_TRY(WithHint(SeeItOver(),
                       "the grants are gone; `remit replace status` shows how it stands, `remit replace apply` goes on, "
                       "`remit replace rollback` goes back"));
    return std::move(result_);
  }

 private:
  Status MayBegin() {
    if (file_.phase != Phase::kPlanned && !begun_)
      return Fail(Code::kFailedPrecondition, "wrong-phase", fmt::format("this plan is {}", PhaseName(file_.phase)),
                  file_.phase == Phase::kApplied       ? "remit replace status, or rollback"
                  : file_.phase == Phase::kRollingBack ? "`remit replace rollback` goes on"
                                                       : "make a new plan");
    if (file_.plan.superuser)
      return Fail(Code::kFailedPrecondition, "account-is-superuser",
                  fmt::format("`{}` is a superuser: without a single grant it can do everything", EscapeControl(file_.plan.account.name)),
                  "ALTER ROLE … NOSUPERUSER, see that its work goes on, and plan again");
    if (file_.plan.removed.empty() && !begun_)
      return Fail(Code::kFailedPrecondition, "nothing-to-remove", "the plan takes nothing away", "what is left there is not removable by a REVOKE");
    return CheckNothingPrepared(server_, file_.plan.account);
  }

  Status AsPlanned() {
    REMIT_ASSIGN(now_, MakePlan(server_, file_.plan.account.name));
    const std::vector<std::string> differences = Differences(file_.plan, now_, begun_);
    if (differences.empty()) return {};
    return Fail(Code::kConflict, "changed-since-plan", "the server is not as it was when this was planned: " + Some(differences),
                begun_ ? "`remit replace rollback` goes back" : "plan again, read it, and apply that");
  }

  // Until the first commit an error leaves everything as it was.
  Status Remove() {
    std::vector<std::unique_ptr<ReplaceTransaction>> open;
    for (const RoleRef& database : now_.databases) {
      REMIT_ASSIGN(auto transaction, ReplaceTransaction::Begin(server_, database.name));
      open.push_back(std::move(transaction));
    }
    for (auto& transaction : open) REMIT_TRY(transaction->Remove(now_));
    std::ranges::stable_partition(open, [](const auto& t) { return t->has_shared(); });
    for (auto& transaction : open) {
      REMIT_TRY(transaction->AskWhatStays(now_));
      At("checked:" + transaction->database());
      committed_ = true;  // also where the answer to COMMIT does not come: it may have been carried out
      REMIT_TRY(transaction->Commit());
      result_.removed += transaction->changed();
      result_.cascades += transaction->fallen();
      At("committed:" + transaction->database());
    }
    return {};
  }

  // A database refused after others were committed: these are brought back.
  std::unexpected<Error> GoBack(Error error) {
    if (!committed_) {
      const Status back = begun_ ? Status() : file_.Enter(Phase::kPlanned, clock_.Now());
      if (!back) error.hint = "nothing is gone, but the plan's file still says `applying`: " + back.error().message;
      return Fail(std::move(error));
    }
    const auto back = RollBackPlan(server_, file_, clock_);
    if (back && back->lost.empty()) {
      if (Status planned = file_.Enter(Phase::kPlanned, clock_.Now()); !planned) return Fail(std::move(planned).error());
      return Fail(std::move(error).Within("one database refused after others were committed, and everything was brought back"));
    }
    error.hint = "one database refused after others were committed, and not all of it could be brought back: remit replace status, rollback";
    return Fail(std::move(error));
  }

  Status SeeItOver() {
    REMIT_ASSIGN(result_.sessions, EndSessions(server_.base(), file_.plan.account.oid, options_.sessions_limit));
    At("ended");
    REMIT_TRY(AskAgain());
    REMIT_ASSIGN(result_.probes, ProbeAll(server_, file_.plan, options_.account_password));
    file_.evidence = EvidenceOf(result_.probes, result_.sessions, clock_.Now());
    if (Status allowed = NoneAllowed(result_.probes); !allowed) {
      REMIT_TRY(file_.Enter(Phase::kApplying, clock_.Now()));
      return allowed;
    }
    return file_.Enter(Phase::kApplied, clock_.Now());
  }

  // In new transactions: what somebody granted meanwhile, or a session of the account committed at its last moment, is seen now.
  Status AskAgain() {
    for (const RoleRef& database : now_.databases) {
      REMIT_ASSIGN(const auto connection, server_.Connect(database.name));
      const Reading reading = database.name == server_.base_database() ? Reading::kDatabaseAndShared : Reading::kDatabase;
      REMIT_ASSIGN(const std::vector<Grant> grants, ReadGrants(*connection, database.name, reading));
      for (const Grant& grant : Removable(grants, file_.plan.account.oid)) {
        const auto same = [&](const Kept& kept) { return kept.grant.Id() == grant.Id(); };
        if (std::ranges::none_of(file_.plan.kept, same))
          return Fail(Code::kFailedPrecondition, "more-left-than-planned", "it was granted again meanwhile: " + grant.ToString());
      }
      REMIT_TRY(CheckStaying(*connection, database.name, reading, file_.plan));
    }
    return {};
  }

  static Status WithHint(Status status, std::string_view hint) {
    if (!status && status.error().hint.empty()) status.error().hint = hint;
    return status;
  }

  void At(const std::string& step) {
    if (options_.at) options_.at(step);
  }

  ReplaceServer& server_;
  PlanFile& file_;
  const ApplyOptions& options_;
  const Clock& clock_;
  const bool begun_;  // by a call that did not come to its end
  bool committed_ = false;
  ReplacePlan now_;
  ApplyResult result_;
};

}  // namespace

Result<Probes> ProbePlanAgain(ReplaceServer& server, PlanFile& file, const Secret& account_password, const Clock& clock) {
  if (file.phase != Phase::kApplied)
    return Fail(Code::kFailedPrecondition, "wrong-phase", fmt::format("this plan is {}: there is nothing to try", PhaseName(file.phase)),
                "apply it first");
  REMIT_ASSIGN(Probes probes, ProbeAll(server, file.plan, account_password));
  const json::Value* sessions = file.evidence.Find("sessions_ended");
  file.evidence = EvidenceOf(probes, sessions == nullptr ? json::Value(0) : *sessions, clock.Now());
  REMIT_TRY(file.Enter(file.phase, file.changed));
  REMIT_TRY(NoneAllowed(probes));
  return probes;
}

Result<ApplyResult> ApplyPlan(ReplaceServer& server, PlanFile& file, const ApplyOptions& options, const Clock& clock) {
  return Applying(server, file, options, clock).Run();
}

}  // namespace remit::posture
