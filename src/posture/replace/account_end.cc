#include "posture/replace/account_end.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "pg/quote.h"
#include "posture/replace/check.h"
#include "posture/replace/make.h"
#include "posture/replace/sessions.h"

namespace remit::posture {
namespace {

constexpr std::string_view kFirstSuperuser = "10";  // BOOTSTRAP_SUPERUSERID
constexpr std::size_t kNamed = 20;                  // of one kind of what is open; the rest is counted
constexpr std::string_view kPatience = "250ms";     // with whoever holds the account's row

struct RoleState {
  bool superuser = false, login = false;
  std::vector<std::string> attributes;
  std::int64_t sessions = 0;
};

Result<RoleState> ReadRole(pg::Connection& connection, const std::string& oid) {
  REMIT_ASSIGN(const Account account, FindAccount(connection, "", oid));
  REMIT_ASSIGN(const pg::Rows rows, connection.Exec("SELECT rolcanlogin, (SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE usesysid = r.oid) "
                                                    "FROM pg_roles r WHERE oid = $1::oid",
                                                    {oid}));
  if (rows.size() != 1) return Fail(Code::kNotFound, "unknown-account", "the account's role is gone");
  return RoleState{account.superuser, rows.Bool(0, 0), account.attributes, rows.Int(0, 1)};
}

class Ending {
 public:
  Ending(ReplaceServer& server, const AccountEndOptions& options, const Clock& clock) : server_(server), options_(options), clock_(clock) {}

  Result<AccountEnd> Run(const std::string& name) {
    end_.system = server_.system();
    Result<Account> account = FindAccount(server_.base(), name);
    if (!account && account.error().reason != "unknown-account") return Fail(std::move(account).error());
    REMIT_ASSIGN(const AccountFate fate, ReadAccountFate(server_.base(), name, {account ? account->role.oid : "", end_.system}, options_.known));
    if (fate.gone) Seen("role", fate.seen);
    if (!fate.why_open.empty()) {
      Open("account", name, fate.why_open);
      return std::move(end_);
    }
    end_.ended = fate.gone && !account;
    if (!account) return std::move(end_);
    end_.account = account->role;
    REMIT_ASSIGN(const std::string untouchable, WhyUntouchable());
    if (!untouchable.empty()) {
      Open("account", name, untouchable);
      return std::move(end_);
    }
    REMIT_TRY(options_.intent({end_.account, end_.system, "", ""}));
    Disarm();
    At("disarmed");
    EndAllSessions();
    GoOn();
    REMIT_TRY(Take(account->superuser));
    REMIT_TRY(Look());
    return std::move(end_);
  }

 private:
  Result<std::string> WhyUntouchable() {
    const RoleRef& role = end_.account;
    REMIT_ASSIGN(const pg::Rows self, server_.base().Exec("SELECT oid FROM pg_roles WHERE rolname = session_user"));
    if (self.Text(0, 0) == role.oid) return std::string("it is the superuser that takes away here, and does not take from itself");
    if (role.oid == kFirstSuperuser) return std::string("it is the server's first superuser, the last way in: nothing was done to it");
    if (role.name.starts_with("pg_")) return std::string("it is one of PostgreSQL's own roles: nothing was done to it");
    if (options_.reserved && options_.reserved(role.name)) return std::string("it is one of Remit's own roles: nothing was done to it");
    return std::string();
  }

  // A role that owns things, or is a superuser, cannot be used from outside either, once nobody logs in as it. A role may change its own password, so
  // whoever is in as it can hold its row in an open transaction, or change it at the same moment as this, again and again: what holds it is ended.
  void Disarm() {
    const auto deadline = std::chrono::steady_clock::now() + options_.sessions_limit;
    (void)server_.base().Run(fmt::format("SET lock_timeout TO '{}'", kPatience));
    Status done = TryToDisarm();
    while (!done && (pg::IsTimeout(done.error()) || pg::IsTransient(done.error())) && std::chrono::steady_clock::now() < deadline) {
      EndAllSessions();
      if (Status free = RollBackHolders(); !free) {
        done = std::move(free);
        break;
      }
      done = TryToDisarm();
    }
    (void)server_.base().Run(fmt::format("SET lock_timeout TO '{}'", kLockTimeout));
    if (!done) Open("login", end_.account.name, done.error().message);
  }

  Status TryToDisarm() {
    REMIT_ASSIGN(const RoleState before, ReadRole(server_.base(), end_.account.oid));
    if (!before.login && before.attributes.empty()) return Seen("login", "NOLOGIN already, before it was asked this time"), Status();
    REMIT_ASSIGN(const std::string role, pg::QuoteIdentifier(end_.account.name));
    At("disarming");
    const Status altered = pg::InTransaction(server_.base(), [&]() -> Status {
      REMIT_TRY(server_.base().Run(fmt::format("ALTER ROLE {} NOLOGIN NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS", role)));
      return ItWasThisOne();
    });
    if (!altered) return altered;
    Seen("login", fmt::format("NOLOGIN{}", before.attributes.empty() ? "" : "; it had " + Join(before.attributes, ", ")));
    return {};
  }

  // In the transaction that altered the role of that name: is it the one that was meant? No statement takes an OID, and whoever may rename roles can
  // give the name to another one in between. From the change to the end of the transaction the name cannot go to any other.
  Status ItWasThisOne() {
    REMIT_ASSIGN(const pg::Rows rows, server_.base().Exec("SELECT rolname FROM pg_authid WHERE oid = $1::oid", {end_.account.oid}));
    if (rows.size() == 1 && rows.Text(0, 0) == end_.account.name) return {};
    const std::string now = rows.size() == 0 ? "gone" : fmt::format("called `{}`", EscapeControl(rows.Text(0, 0)));
    return Fail(Code::kConflict, "account-changed",
                fmt::format("the role with OID {} is {} now: what has its name was left as it is", end_.account.oid, now), "offboard again");
  }

  // Transactions that it prepared, itself or as a role that it could become, and that changed the very row: no session has to be left for these.
  // Others that it prepared are its work, and stay.
  Status RollBackHolders() {
    REMIT_ASSIGN(
        const pg::Rows rows,
        server_.base().Exec("WITH RECURSIVE m(oid) AS (SELECT $1::oid UNION SELECT a.roleid FROM pg_auth_members a JOIN m ON a.member = m.oid) "
                            "SELECT p.gid, p.database, p.owner FROM pg_authid r JOIN pg_prepared_xacts p ON p.transaction = r.xmax "
                            "JOIN pg_roles o ON o.rolname = p.owner JOIN m ON m.oid = o.oid WHERE r.oid = $1::oid",
                            {end_.account.oid}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      REMIT_ASSIGN(const std::string gid, pg::QuoteLiteral(rows.Text(i, 0)));
      REMIT_ASSIGN(const auto there, server_.Connect(std::string(rows.Text(i, 1))));
      REMIT_TRY(there->Run("ROLLBACK PREPARED " + gid));
      Seen("prepared", fmt::format("the transaction `{}` in database `{}`, prepared by `{}`, had changed the role, and kept its login: rolled back",
                                   EscapeControl(rows.Text(i, 0)), EscapeControl(rows.Text(i, 1)), EscapeControl(rows.Text(i, 2))));
    }
    return {};
  }

  void EndAllSessions() {
    const auto ended = EndSessions(server_.base(), end_.account.oid, options_.sessions_limit);
    if (ended) end_.sessions += *ended;
  }

  std::string FilePrefix() const { return fmt::format("{}-{}-", options_.prefix, end_.account.oid); }

  // Plans of calls before: those that were done are the way back still, and those that were cut short go on. What does not fit any more stays as it
  // is, for a rollback; the new plan has the rest.
  void GoOn() {
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder, error))
      if (entry.path().filename().string().starts_with(FilePrefix()) && entry.path().extension() == ".json") files.push_back(entry.path());
    std::ranges::sort(files);
    for (const std::string& path : files) {
      Result<PlanFile> file = PlanFile::Load(path);
      // By what it says: a name begins with another target's where that one is `shop-16400`.
      if (!file || file->plan.system != end_.system || file->plan.account.oid != end_.account.oid) continue;
      if (file->phase == Phase::kPlanned) std::filesystem::remove(path, error);  // nothing of it was done
      if (file->phase == Phase::kApplying) {
        (void)Apply(*file);
      } else if (file->phase == Phase::kApplied) {
        before_.push_back(*std::move(file));
      }
    }
  }

  Status Apply(PlanFile& file) {
    ApplyOptions options;
    options.sessions_limit = options_.sessions_limit;
    options.at = options_.at;
    REMIT_ASSIGN(const ApplyResult result, ApplyPlan(server_, file, options, clock_));
    end_.removed += result.removed;
    end_.cascades += result.cascades;
    end_.sessions += result.sessions;
    end_.plan = PlanHash(file.plan);
    end_.file = file.path;
    end_.refused += result.probes.refused();
    std::vector<std::string> unproven;
    for (const Unproven& one : result.probes.unproven) unproven.push_back(one.what + (one.denied ? " (the server says no)" : ""));
    Seen("grants", fmt::format("{} taken away, {} of others fell with them; plan {}", result.removed, result.cascades, end_.plan));
    Seen("probe", fmt::format("{} of {} statements as the account were refused with SQLSTATE 42501{}", result.probes.refused(),
                              result.probes.tried.size(), unproven.empty() ? "" : "; shown by none: " + Some(unproven)));
    return {};
  }

  Status Take(bool superuser) {
    Result<ReplacePlan> plan = MakePlan(server_, "", end_.account.oid);
    if (!plan) return why_left_ = plan.error().message, Status();
    if (superuser || plan->removed.empty()) return {};
    PlanFile file;
    file.plan = *std::move(plan);
    file.planned = file.changed = clock_.Now();
    file.path = fmt::format("{}/{}{}.replace.json", options_.folder, FilePrefix(), Micros(file.planned));
    REMIT_TRY(file.Create());
    REMIT_TRY(options_.intent({end_.account, end_.system, PlanHash(file.plan), file.path}));
    if (Status done = Apply(file); !done) why_left_ = done.error().message;
    return {};
  }

  // What is true at the end, whatever came before.
  Status Look() {
    EndAllSessions();
    REMIT_ASSIGN(const RoleState now, ReadRole(server_.base(), end_.account.oid));
    Result<ReplacePlan> read = MakePlan(server_, "", end_.account.oid);
    if (!read) return Open("account", end_.account.name, "what it still holds cannot be read: " + read.error().message), Status();
    const ReplacePlan& plan = *read;
    if (now.superuser) Open("superuser", end_.account.name, "without a single grant it can do everything; ALTER ROLE … NOSUPERUSER, and ask again");
    if (now.login) Open("login", end_.account.name, "it can still log in");
    for (const std::string& attribute : now.attributes) Open("attribute", attribute, "it still has it");
    if (now.sessions > 0) Open("sessions", end_.account.name, fmt::format("{} of its sessions were told to end and are still there", now.sessions));
    std::vector<AccountEnd::Open> grants, owned, unread, of_public;
    for (const Grant& grant : plan.removed) grants.push_back({"grant", grant.ToString(), why_left_.empty() ? "it is there again" : why_left_});
    for (const Kept& kept : plan.kept) grants.push_back({"grant", kept.grant.ToString(), kept.reason});
    for (const Left& left : plan.left) {
      if (left.via == Via::kOwner) owned.push_back({"ownership", left.ToString(), "no REVOKE takes it; give it to another owner, or drop it"});
      if (left.via == Via::kGrant) unread.push_back({"unread", left.what, left.note});
      if (left.via == Via::kPublic) of_public.push_back({"public", left.ToString(), "everybody has it, and it can still log in"});
    }
    const bool usable = now.login || now.superuser || now.sessions > 0;
    for (const auto& kind : {grants, owned, unread}) OpenSome(kind);
    if (usable) OpenSome(of_public);
    if (usable || !plan.removed.empty()) return {};
    end_.ended = true;
    Seen("sessions", fmt::format("{} ended, none is left", end_.sessions));
    SayWhatWentBefore();
    if (!plan.members.empty()) {
      std::vector<std::string> members;
      for (const RoleRef& role : plan.members) members.push_back("`" + EscapeControl(role.name) + "`");
      Seen("members", Join(members, ", ") + " lost what they had through it");
    }
    if (!of_public.empty()) Seen("public", fmt::format("{} rights of everybody stay, and nobody can use them as this account", of_public.size()));
    return {};
  }

  // Asked again, what a call before took away is said again, with its way back: nobody else keeps it.
  void SayWhatWentBefore() {
    for (const PlanFile& file : before_)
      Seen("grants", fmt::format("{} taken away at {}, by a call before; plan {} in {}", file.plan.removed.size(), FormatTime(file.changed),
                                 PlanHash(file.plan), EscapeControl(file.path)));
    if (!end_.plan.empty()) return;
    if (!before_.empty()) end_.file = before_.back().path;
    Seen("grants", before_.empty() ? "it had none that can be taken away" : "it has no other that can be taken away");
  }

  void OpenSome(const std::vector<AccountEnd::Open>& all) {
    for (std::size_t i = 0; i < all.size() && i < kNamed; ++i) end_.open.push_back(all[i]);
    if (all.size() > kNamed) Open(all.front().what, fmt::format("{} more", all.size() - kNamed), "`remit replace plan` names all of them");
  }
  void Open(std::string what, std::string id, std::string reason) { end_.open.push_back({std::move(what), std::move(id), std::move(reason)}); }
  void Seen(std::string step, std::string detail) { end_.evidence.push_back({std::move(step), std::move(detail)}); }
  void At(std::string_view step) {
    if (options_.at) options_.at(step);
  }

  ReplaceServer& server_;
  const AccountEndOptions& options_;
  const Clock& clock_;
  AccountEnd end_;
  std::string why_left_;          // why the grants could not be taken
  std::vector<PlanFile> before_;  // that were applied by calls before, and not taken back; the oldest first
};

}  // namespace

Result<AccountEnd> EndAccount(ReplaceServer& server, const std::string& name, const AccountEndOptions& options, const Clock& clock) {
  return Ending(server, options, clock).Run(name);
}

Result<AccountHeld> ReadAccountHeld(pg::Connection& connection, const std::string& name) {
  REMIT_ASSIGN(const Account account, FindAccount(connection, name));
  REMIT_ASSIGN(const RoleState now, ReadRole(connection, account.role.oid));
  AccountHeld held{account.role, now.login, now.attributes};
  if (now.superuser) held.holds.insert(held.holds.begin(), "SUPERUSER");
  if (now.login) held.holds.emplace_back("LOGIN");
  if (now.sessions > 0) held.holds.push_back(fmt::format("{} sessions", now.sessions));
  REMIT_ASSIGN(const pg::Rows groups, connection.Exec("SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
                                                      "WHERE m.member = $1::oid GROUP BY 1 ORDER BY 1",
                                                      {account.role.oid}));
  for (std::size_t i = 0; i < groups.size(); ++i) held.holds.push_back(fmt::format("membership in `{}`", EscapeControl(groups.Text(i, 0))));
  REMIT_ASSIGN(const pg::Rows rows,
               connection.Exec("SELECT coalesce(d.datname, ''), s.deptype, count(*) FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid "
                               "WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1::oid GROUP BY 1, 2 ORDER BY 1, 2",
                               {account.role.oid}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string where = rows.Text(i, 0).empty() ? "what all databases share" : fmt::format("database `{}`", EscapeControl(rows.Text(i, 0)));
    const std::string_view type = rows.Text(i, 1);
    const std::string_view what = type == "a" ? "grants in" : type == "o" ? "objects of its own in" : "other entries in";
    held.holds.push_back(fmt::format("{} {} {}", rows.Text(i, 2), what, where));
  }
  return held;
}

}  // namespace remit::posture
