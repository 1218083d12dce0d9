#include "posture/replace/probe.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "pg/quote.h"
#include "posture/grants/read.h"
#include "posture/replace/probe_sql.h"

namespace remit::posture {
namespace {

constexpr std::string_view kRefusedState = "42501";
constexpr std::string_view kWithPassword = "with --account-password-file FILE a login is tried";
constexpr const char* kApplication = "remit/replace/probe";

// Everything that the plan leaves to the account, as "kind/key/column privilege".
std::set<std::string> LeftTo(const ReplacePlan& plan) {
  std::set<std::string> left;
  for (const Left& one : plan.left) left.insert(one.id + " " + one.privilege);
  for (const Kept& kept : plan.kept)
    left.insert(fmt::format("{}/{}/{} {}", KindName(kept.grant.object.kind), kept.grant.key, kept.grant.column, kept.grant.privilege));
  return left;
}

// Whether the plan says that nothing gives the account this privilege any more; only then is a statement tried.
bool IsLost(const Grant& grant, const std::set<std::string>& left) {
  const auto has = [&](std::string_view kind, int column, std::string_view privilege) {
    return left.contains(fmt::format("{}/{}/{} {}", kind, grant.key, column, privilege));
  };
  if (grant.form == GrantForm::kMembership) return !left.contains(fmt::format("server/{}/0 MEMBER", grant.key));
  if (grant.object.kind == ObjectKind::kSequence && grant.privilege != "SELECT")
    return !has("sequence", 0, "USAGE") && !has("sequence", 0, "UPDATE");  // nextval takes either
  if (grant.object.kind == ObjectKind::kColumn)
    for (const char* table : {"table", "view", "foreign table"})
      if (has(table, 0, grant.privilege)) return false;
  if (grant.object.kind == ObjectKind::kTable || grant.object.kind == ObjectKind::kView || grant.object.kind == ObjectKind::kForeignTable) {
    const std::string column = fmt::format("column/{}/", grant.key);  // a statement about the whole table could be one about this column
    for (auto at = left.lower_bound(column); at != left.end() && at->starts_with(column); ++at)
      if (at->ends_with(" " + grant.privilege)) return false;
  }
  return !has(KindName(grant.object.kind), grant.column, grant.privilege);
}

ProbeVerdict Judge(std::string_view state) {
  if (state == kRefusedState) return ProbeVerdict::kRefused;
  return state.empty() ? ProbeVerdict::kAllowed : ProbeVerdict::kUndecided;
}

// How one statement is answered: SQLSTATE ("" where it ran) and message.
struct Answer {
  std::string state, text;
};

class Probing {
 public:
  Probing(ReplaceServer& server, const ReplacePlan& plan, const Secret& password) : server_(server), plan_(plan), password_(password) {}

  Result<Probes> Run() {
    const std::set<std::string> left = LeftTo(plan_);
    std::map<std::string, std::vector<Grant>> by_database;
    std::set<std::string> seen;
    for (const Grant& grant : plan_.removed) {
      if (!IsLost(grant, left) || !seen.insert(grant.ObjectId() + "\n" + grant.privilege).second) continue;
      const bool in_that_database = grant.object.kind == ObjectKind::kDatabase;
      by_database[in_that_database ? grant.object.name : grant.database().empty() ? server_.base_database() : grant.database()].push_back(grant);
    }
    for (auto& [database, grants] : by_database) REMIT_TRY(InDatabase(database, grants));
    return std::move(probes_);
  }

 private:
  // What is left to the server's own word.
  struct Open {
    const Grant* grant;
    std::string why, hint;
  };

  Status InDatabase(const std::string& database, std::vector<Grant>& grants) {
    auto admin = server_.Connect(database);
    if (!admin && admin.error().reason != "pg-55000") return Fail(std::move(admin).error());
    if (!admin) {
      for (const Grant& grant : grants) open_.push_back({&grant, "the database takes no connections", ""});
      return AskServer(server_.base_database());
    }
    REMIT_TRY(NameGrants(**admin, grants));
    REMIT_ASSIGN(const ProbeFacts facts, ReadProbeFacts(**admin, grants));
    bool tried = false;
    if (!password_.empty()) {
      REMIT_ASSIGN(tried, AsItself(database, grants, facts));
    }
    if (!tried) REMIT_TRY(InItsName(database, **admin, grants, facts));
    return AskServer(database);
  }

  Status InItsName(const std::string& database, pg::Connection& admin, const std::vector<Grant>& grants, const ProbeFacts& facts) {
    REMIT_ASSIGN(const auto plain, server_.Connect(database));
    REMIT_TRY(Guard(admin));
    REMIT_ASSIGN(const std::string account, pg::QuoteIdentifier(plan_.account.name));
    REMIT_TRY(plain->Run("SET SESSION AUTHORIZATION " + account));
    REMIT_TRY(plain->Run("BEGIN"));
    for (const Grant& grant : grants) {
      // These two change who somebody is, which the guard forbids with the same SQLSTATE; neither runs anybody's code.
      const bool unguarded = grant.form == GrantForm::kMembership || grant.object.kind == ObjectKind::kParameter;
      REMIT_TRY(Try(grant, facts, [&](const std::string& statement) { return unguarded ? Plainly(*plain, statement) : Guarded(admin, statement); }));
    }
    return {};
  }

  Status Try(const Grant& grant, const ProbeFacts& facts, const std::function<Result<Answer>(const std::string&)>& ask) {
    if (grant.on.empty()) return {};  // gone since
    if (IsConnect(grant)) {
      if (!login_tried_) open_.push_back({&grant, "no statement shows it, a login alone does", std::string(kWithPassword)});
      return {};
    }
    REMIT_ASSIGN(const auto statement, ProbeStatement(grant, facts));
    if (!statement) return open_.push_back({&grant, WhyNoStatement(grant), ""}), Status();
    REMIT_ASSIGN(const Answer answer, ask(*statement));
    Note(grant, *statement, Judge(answer.state), answer.state.empty() ? answer.text : answer.state + " " + answer.text);
    return {};
  }

  void Note(const Grant& grant, const std::string& statement, ProbeVerdict verdict, const std::string& answer) {
    probes_.tried.push_back({grant.ToString(), statement, verdict, answer});
    if (verdict == ProbeVerdict::kUndecided)
      open_.push_back({&grant, fmt::format("`{}` was answered with something else: {}", statement, answer), ""});
  }

  // In a session that nobody else's statement ran in.
  Status AskServer(const std::string& database) {
    login_tried_ = false;
    std::vector<Open> open = std::move(open_);
    open_.clear();
    if (open.empty()) return {};
    REMIT_ASSIGN(const auto connection, server_.Connect(database));
    for (Open& one : open) {
      REMIT_ASSIGN(const std::optional<bool> has, HasPrivilege(*connection, plan_.account.oid, *one.grant));
      if (has && *has) {
        probes_.tried.push_back({one.grant->ToString(), "has_…_privilege", ProbeVerdict::kAllowed, "the server says that the account has it"});
      } else {
        probes_.unproven.push_back({one.grant->ToString(), std::move(one.why), has.has_value(), std::move(one.hint)});
      }
    }
    return {};
  }

  static bool IsConnect(const Grant& grant) { return grant.object.kind == ObjectKind::kDatabase && grant.privilege == "CONNECT"; }

  static std::string WhyNoStatement(const Grant& grant) {
    if (grant.form == GrantForm::kDefault) return "what will be granted on objects that are yet to be made cannot be tried";
    if (grant.object.kind == ObjectKind::kParameter && grant.privilege == "SET") return "everybody may set it, also without a grant";
    return "no statement tries it without an effect";
  }

  // The function lives in a transaction that is never committed: nobody else sees it, and each probe's effects on it are rolled back with the rest.
  Status Guard(pg::Connection& admin) {
    REMIT_ASSIGN(const std::string account, pg::QuoteIdentifier(plan_.account.name));
    REMIT_TRY(admin.Run("BEGIN"));
    REMIT_TRY(
        admin.Run("CREATE FUNCTION pg_temp.remit_probe(statement pg_catalog.text) RETURNS pg_catalog.text LANGUAGE plpgsql SECURITY DEFINER "
                  "SET search_path TO pg_catalog, pg_temp AS $$BEGIN EXECUTE statement; RETURN ''; "
                  "EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END$$"));
    REMIT_TRY(admin.Run("ALTER FUNCTION pg_temp.remit_probe(pg_catalog.text) OWNER TO " + account));
    return {};
  }

  // As text, never prepared: what a probe prepared or deallocated in this session must not be able to change what is sent next.
  static Result<Answer> Guarded(pg::Connection& admin, const std::string& statement) {
    REMIT_ASSIGN(const std::string literal, pg::QuoteLiteral(statement));
    REMIT_TRY(admin.Run("SAVEPOINT probe"));
    const auto rows = admin.Run(fmt::format("SELECT pg_temp.remit_probe({})", literal));
    Answer answer;
    if (rows) {
      const std::string_view text = rows->Text(0, 0);
      answer = {std::string(text.substr(0, 5)), std::string(text.size() > 6 ? text.substr(6) : "")};
    } else {
      answer = {std::string(pg::SqlState(rows.error())), rows.error().message};
      if (answer.state.empty()) return Fail(Error(rows.error()));
    }
    REMIT_TRY(admin.Run("ROLLBACK TO SAVEPOINT probe"));
    return answer;
  }

  static Result<Answer> Plainly(pg::Connection& connection, const std::string& statement) {
    REMIT_TRY(connection.Run("SAVEPOINT probe"));
    const auto rows = connection.Run(statement);
    Answer answer;
    if (!rows) answer = {std::string(pg::SqlState(rows.error())), rows.error().message};
    if (!rows && answer.state.empty()) return Fail(Error(rows.error()));
    REMIT_TRY(connection.Run("ROLLBACK TO SAVEPOINT probe"));
    return answer;
  }

  // With the account's own password. False where the login came to nothing that proves anything.
  Result<bool> AsItself(const std::string& database, const std::vector<Grant>& grants, const ProbeFacts& facts) {
    pg::ConnectOptions options = server_.options();
    options.database = database;
    options.user = plan_.account.name;
    options.password = password_;
    options.application_name = kApplication;
    const auto connection = pg::Connection::Open(options);
    if (const auto connect = std::ranges::find_if(grants, IsConnect); connect != grants.end()) {
      const std::string state = connection ? "" : std::string(pg::SqlState(connection.error()));
      Note(*connect, "a login with the account's password", connection || !state.empty() ? Judge(state) : ProbeVerdict::kUndecided,
           connection ? "" : connection.error().message);
      login_tried_ = true;
    }
    if (!connection) return false;
    REMIT_TRY((*connection)->Run("BEGIN"));
    for (const Grant& grant : grants) REMIT_TRY(Try(grant, facts, [&](const std::string& statement) { return Plainly(**connection, statement); }));
    return true;
  }

  ReplaceServer& server_;
  const ReplacePlan& plan_;
  const Secret& password_;
  Probes probes_;
  std::vector<Open> open_;    // of the database at hand
  bool login_tried_ = false;  // there, for CONNECT
};

}  // namespace

std::size_t Probes::refused() const { return static_cast<std::size_t>(std::ranges::count(tried, ProbeVerdict::kRefused, &Probe::verdict)); }

Result<Probes> ProbeAll(ReplaceServer& server, const ReplacePlan& plan, const Secret& account_password) {
  return Probing(server, plan, account_password).Run();
}

json::Value ProbeToJson(const Probe& probe) {
  const std::string_view verdict = probe.verdict == ProbeVerdict::kRefused   ? "refused"
                                   : probe.verdict == ProbeVerdict::kAllowed ? "allowed"
                                                                             : "undecided";
  return json::Object{{"what", probe.what}, {"statement", probe.statement}, {"verdict", verdict}, {"answer", probe.answer}};
}

json::Value UnprovenToJson(const Unproven& unproven) {
  json::Object o{{"what", unproven.what}, {"why", unproven.why}, {"server_says_no", unproven.denied}};
  if (!unproven.hint.empty()) o.Set("hint", unproven.hint);
  return o;
}

}  // namespace remit::posture
