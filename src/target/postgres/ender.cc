// The sequence (each step is repeatable, and a later attempt starts from the top):
//
//   plainly    where nothing stands in the way: see plain_ends.cc; what is left then is the last step
//   fence      no session of Remit's that could still create the role is left
//   revoke     memberships, in a commit of their own: nothing that a session holds can block this
//   cut off    its sessions, by OID, and wait until they are gone
//   roll back  the transactions that it prepared, in each database
//   disarm     NOLOGIN PASSWORD NULL; where its row is locked, cut off again
//   drop       what it owns, in each database; the role
//   evidence   the OID is gone, no session has it, and a login with the password is refused for the right reason
#include "target/postgres/ender.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "pg/quote.h"
#include "target/postgres/evidence.h"
#include "target/postgres/refusal.h"
#include "target/postgres/role_name.h"

namespace remit::target::postgres {
namespace {

using Steady = std::chrono::steady_clock;

class Ending {
 public:
  Ending(Server& server, PlainEnds& plain_ends, const task::CredentialRecord& record, const Secret& secret, const Clock& clock)
      : server_(server),
        plain_ends_(plain_ends),
        config_(server.config()),
        record_(record),
        secret_(secret),
        clock_(clock),
        deadline_(Steady::now() + config_.attempt_limit) {}

  EndResult Run() {
    result_.notes = record_.notes;
    if (const Status status = Steps(); status) {
      result_.dead = true;
    } else {
      result_.reason = status.error().message;
      result_.retry_at_once = pg::IsTransient(status.error());
    }
    return std::move(result_);
  }

 private:
  Status Steps() {
    if (record_.name != RoleName(config_.installation, record_.id))
      return NotYet(fmt::format("`{}` is not the name of credential `{}` of this installation", record_.name, record_.id));
    PlainEnds::Outcome plain = plain_ends_.End(record_);
    for (task::Evidence& seen : plain.evidence) Note(std::move(seen));
    if (plain.unreachable) return Unreachable(*std::move(plain.unreachable));
    if (!plain.gone) REMIT_TRY(StepByStep());
    return SeeItRefused();
  }

  Status StepByStep() {
    auto lease = server_.Admin();
    if (!lease) return Unreachable(std::move(lease).error());
    admin_ = &**lease;
    REMIT_TRY(SameServer());
    REMIT_TRY(Fence());
    REMIT_TRY(FindAndRevoke());
    if (exists_) {
      REMIT_TRY(Disarm());
      if (owns_) REMIT_TRY(DropOwnedElsewhere());
      REMIT_TRY(Call("SELECT remit.drop($1::oid)", {oid_}));
    }
    return SeeItGone();
  }

  // --- The steps.

  Status SameServer() {
    const auto noted = record_.notes.find("system");
    if (noted == record_.notes.end() || server_.IsSameSystem(noted->second)) return {};
    log::Fault("alarm: target {}: cluster {} answers, but {} was made on cluster {}", config_.name, server_.system(), record_.name, noted->second);
    return NotYet(
        fmt::format("another cluster answers: it was made on system {}, this is {}; if this one took over its roles, list the old one "
                    "in `former_systems`",
                    noted->second, server_.system()));
  }

  Status Fence() {
    return UntilZero("its creating session", [&] {
      return Ask(
          "SELECT count(*), count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_get_activity(NULL) "
          "WHERE application_name = $1 AND usesysid = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND pid <> pg_backend_pid()",
          {Mark(config_.installation, record_.id)});
    });
  }

  // Finds the role by its name, and by the OID that was noted, and takes its memberships away in the same breath.
  Status FindAndRevoke() {
    const auto noted = record_.notes.find("oid");
    if (noted != record_.notes.end()) oid_ = noted->second;
    REMIT_ASSIGN(const pg::Rows rows, Ask("SELECT oid, rolname, CASE WHEN rolname = $1 THEN remit.revoke(oid) END FROM pg_roles "
                                          "WHERE rolname = $1 OR oid = $2::oid",
                                          {record_.name, oid_}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows.Text(i, 1) != record_.name)
        return NotYet(fmt::format("role OID {} has the name `{}` now: somebody renamed it; give it its name `{}` back", oid_,
                                  EscapeControl(rows.Text(i, 1)), record_.name));
    }
    exists_ = rows.size() > 0;
    if (!exists_) return {};
    if (oid_ != "0" && rows.Text(0, 0) != oid_)
      log::Fault("alarm: target {}: role {} has OID {}, not the OID {} that it was made with", config_.name, record_.name, rows.Text(0, 0), oid_);
    oid_ = rows.Text(0, 0);
    result_.notes["oid"] = oid_;
    return {};
  }

  Status Disarm() {
    for (;;) {
      REMIT_TRY(CutOff());
      if (prepared_ > 0) REMIT_TRY(RollBackPrepared());
      const Status disarmed = Call("SELECT remit.disarm($1::oid)", {oid_});
      if (!disarmed && !pg::IsTimeout(disarmed.error())) return disarmed;
      if (disarmed) {
        REMIT_ASSIGN(const bool done, SeeItDisarmed());
        if (done) return {};
      }
      if (Steady::now() > deadline_)
        return NotYet(disarmed ? "a session of the role was there again after each time it was cut off"
                               : "its row in pg_authid stays locked by somebody else");
    }
  }

  Status CutOff() {
    return UntilZero("a session of the role", [&] {
      auto rows =
          Ask("SELECT count(*), count(*) FILTER (WHERE pg_terminate_backend(pid)), "
              "(SELECT count(*) FROM pg_prepared_xact() p WHERE p.ownerid = $1::oid "
              "OR p.ownerid IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'remit\\_scope\\_%')) "
              "FROM pg_stat_get_activity(NULL) WHERE usesysid = $1::oid",
              {oid_});
      if (rows) {
        cut_off_ = std::max(cut_off_, rows->Int(0, 1));
        prepared_ = rows->Int(0, 2);
      }
      return rows;
    });
  }

  // Its own, and those that it may have prepared as one of its scope roles: nobody else has reason to be one.
  Status RollBackPrepared() {
    REMIT_ASSIGN(const pg::Rows rows, Ask("SELECT p.gid, d.datname, r.rolname FROM pg_prepared_xact() p JOIN pg_database d ON d.oid = p.dbid "
                                          "JOIN pg_roles r ON r.oid = p.ownerid WHERE p.ownerid = $1::oid "
                                          "UNION ALL SELECT gid, database, owner FROM remit.borrow_scopes()",
                                          {oid_}));
    Status status;
    for (std::size_t i = 0; i < rows.size() && status; ++i) {
      status = RollBack(std::string(rows.Text(i, 0)), std::string(rows.Text(i, 1)), std::string(rows.Text(i, 2)));
      if (status) ++rolled_back_;
    }
    REMIT_TRY(Call("SELECT remit.return_scopes()", {}));
    return status;
  }

  // A prepared transaction is ended in its own database, by its owner; Remit's role may become the owner.
  Status RollBack(const std::string& gid, const std::string& database, const std::string& owner) {
    REMIT_ASSIGN(const std::string literal, pg::QuoteLiteral(gid));
    REMIT_ASSIGN(const std::string role, pg::QuoteIdentifier(owner));
    REMIT_ASSIGN(pg::Pool::Lease lease, server_.Other(database));
    lease.Discard();  // whatever happens, nobody else gets a session that is another role
    REMIT_TRY(lease->Run("SET ROLE " + role));
    const auto done = lease->Run("ROLLBACK PREPARED " + literal);
    if (done || pg::SqlState(done.error()) == "42704") return {};  // ended, or ended by somebody else
    return Fail(Error(done.error()).Within(fmt::format("prepared transaction in database `{}`", database)));
  }

  Result<bool> SeeItDisarmed() {
    REMIT_ASSIGN(const pg::Rows rows,
                 Ask("SELECT coalesce(bool_or(r.rolcanlogin), false), "
                     "EXISTS (SELECT FROM pg_auth_members m WHERE m.member = $1::oid), "
                     "(SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.usesysid = $1::oid), "
                     "(SELECT count(*) FROM pg_prepared_xact() p WHERE p.ownerid = $1::oid), "
                     "EXISTS (SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1::oid AND s.dbid <> 0) "
                     "FROM pg_roles r WHERE r.oid = $1::oid",
                     {oid_}));
    owns_ = rows.Bool(0, 4);
    if (rows.Bool(0, 0) || rows.Bool(0, 1) || rows.Int(0, 2) > 0 || rows.Int(0, 3) > 0) return false;
    Note(Disarmed(cut_off_, rolled_back_, clock_.Now()));
    return true;
  }

  Status DropOwnedElsewhere() {
    REMIT_ASSIGN(const pg::Rows rows, Ask("SELECT DISTINCT d.datname FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid "
                                          "WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1::oid AND d.datname <> current_database()",
                                          {oid_}));
    for (std::size_t i = 0; i < rows.size(); ++i) REMIT_TRY(DropOwnedIn(std::string(rows.Text(i, 0))));
    return {};
  }

  // A database that was not prepared has no function for it: there Remit's role drops what it may as a member, which is all that the task's
  // role made, but not what others granted to it.
  Status DropOwnedIn(const std::string& database) {
    REMIT_ASSIGN(const std::string role, pg::QuoteIdentifier(record_.name));
    REMIT_ASSIGN(pg::Pool::Lease lease, server_.Other(database));
    // Only a superuser's function is called: any owner of a database may have put one of that name there.
    const auto prepared = lease->Exec(
        "SELECT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner "
        "WHERE n.nspname = 'remit' AND p.proname = 'drop_owned' AND r.rolsuper AND has_function_privilege(p.oid, 'EXECUTE')) "
        "AND NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner "
        "WHERE n.nspname = 'remit' AND p.proname = 'drop_owned' AND NOT r.rolsuper)");
    if (!prepared) return Fail(prepared.error());
    const auto dropped =
        prepared->Bool(0, 0) ? lease->Exec("SELECT remit.drop_owned($1::oid)", {oid_}) : lease->Run("DROP OWNED BY " + role + " CASCADE");
    if (!dropped) return Fail(Error(dropped.error()).Within(fmt::format("what the role owns in database `{}`", database)));
    return {};
  }

  Status SeeItGone() {
    REMIT_ASSIGN(const pg::Rows rows, Ask("SELECT (SELECT count(*) FROM pg_roles WHERE oid = $1::oid OR rolname = $2), "
                                          "(SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE usesysid = $1::oid)",
                                          {oid_, record_.name}));
    if (rows.Int(0, 0) != 0) return NotYet("the role is still in pg_authid");
    if (rows.Int(0, 1) != 0) {
      REMIT_TRY(UntilZero("a session of the dropped role", [&] {
        if (auto ended = Ask("SELECT remit.end_late_sessions($1::oid)", {oid_}); !ended) return ended;
        return Ask("SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE usesysid = $1::oid", {oid_});
      }));
    }
    Note(Gone(oid_, record_.name, clock_.Now()));
    return {};
  }

  Status SeeItRefused() {
    // Without the password (a store that was restored), any other is as dead: the role itself is gone.
    const bool known = !secret_.empty();
    const pg::LoginAttempt login = pg::TryLogin(
        server_.UserOptions(record_.name, known ? secret_ : Secret("the-password-is-not-known"), Mark(config_.installation, record_.id)));
    const Verdict verdict = Judge(login);
    if (login.accepted) log::Fault("alarm: target {}: a login as {} was accepted after its role was dropped", config_.name, record_.name);
    if (!verdict.proves) return NotYet(verdict.detail);
    Note({"refused", verdict.detail + (known ? "" : " (with another password: its own is not known here)"), clock_.Now()});
    return {};
  }

  // --- What the steps are made of.

  std::unexpected<Error> Unreachable(Error error) {
    result_.unreachable = error.code == Code::kUnavailable && error.reason != "pool-exhausted";
    return Fail(std::move(error));
  }
  std::unexpected<Error> NotYet(std::string reason) const { return Fail(Code::kUnavailable, "not-yet", std::move(reason)); }

  // One statement; a conflict that passes at once is tried again.
  Result<pg::Rows> Ask(std::string_view sql, const std::vector<pg::Parameter>& parameters) {
    auto rows = admin_->Exec(sql, parameters);
    while (!rows && pg::IsTransient(rows.error()) && Steady::now() < deadline_) rows = admin_->Exec(sql, parameters);
    return rows;
  }
  Status Call(std::string_view sql, const std::vector<pg::Parameter>& parameters) {
    REMIT_TRY(Ask(sql, parameters));
    return {};
  }

  // Asks until the first column says zero, in growing pauses.
  template <class Question>
  Status UntilZero(std::string_view what, Question question) {
    for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
      auto rows = question();
      if (!rows) return Fail(std::move(rows).error());
      if (rows->Int(0, 0) == 0) return {};
      if (Steady::now() > deadline_) return NotYet(fmt::format("{} was told to end and is still there", what));
      std::this_thread::sleep_for(pause);
    }
  }

  void Note(task::Evidence seen) {
    const auto same = [&](const task::Evidence& e) { return e.step == seen.step && e.detail == seen.detail; };
    if (std::none_of(record_.evidence.begin(), record_.evidence.end(), same)) result_.evidence.push_back(std::move(seen));
  }

  Server& server_;
  PlainEnds& plain_ends_;
  const Config& config_;
  const task::CredentialRecord& record_;
  const Secret& secret_;
  const Clock& clock_;
  const Steady::time_point deadline_;
  pg::Connection* admin_ = nullptr;
  std::string oid_ = "0";
  bool exists_ = false;
  bool owns_ = false;          // something in some database
  std::int64_t prepared_ = 0;  // transactions
  std::int64_t cut_off_ = 0;
  int rolled_back_ = 0;
  EndResult result_;
};

}  // namespace

EndResult EndCredential(Server& server, PlainEnds& plain_ends, const task::CredentialRecord& record, const Secret& secret, const Clock& clock) {
  return Ending(server, plain_ends, record, secret, clock).Run();
}

}  // namespace remit::target::postgres
