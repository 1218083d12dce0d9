#include "posture/replace/probe.h"

#include <functional>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "pg/quote.h"
#include "posture/grants/read.h"
#include "posture/replace/probe_sql.h"

namespace remit::posture {
namespace {

constexpr std::string_view kRefusedState = "42501";
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

  Result<std::vector<Probe>> Run() {
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
  Status InDatabase(const std::string& database, std::vector<Grant>& grants) {
    auto admin = server_.Connect(database);
    if (!admin) return admin.error().reason == "pg-55000" ? Status() : Fail(std::move(admin).error());  // takes no connections
    REMIT_TRY(NameGrants(**admin, grants));
    REMIT_ASSIGN(const ProbeFacts facts, ReadProbeFacts(**admin, grants));
    if (!password_.empty()) {
      REMIT_ASSIGN(const bool over, AsItself(database, grants, facts));
      if (over) return {};
    }
    REMIT_ASSIGN(const auto plain, server_.Connect(database));
    REMIT_TRY(Guard(**admin));
    REMIT_ASSIGN(const std::string account, pg::QuoteIdentifier(plan_.account.name));
    REMIT_TRY(plain->Run("SET SESSION AUTHORIZATION " + account));
    REMIT_TRY(plain->Run("BEGIN"));
    for (const Grant& grant : grants) {
      // These two change who somebody is, which the guard forbids with the same SQLSTATE; neither runs anybody's code.
      const bool unguarded = grant.form == GrantForm::kMembership || grant.object.kind == ObjectKind::kParameter;
      REMIT_TRY(
          Try(grant, facts, [&](const std::string& statement) { return unguarded ? Plainly(*plain, statement) : Guarded(**admin, statement); }));
    }
    return {};
  }

  Status Try(const Grant& grant, const ProbeFacts& facts, const std::function<Result<Answer>(const std::string&)>& ask) {
    if (grant.on.empty()) return {};  // gone since
    REMIT_ASSIGN(const auto statement, ProbeStatement(grant, facts));
    if (!statement) return {};
    REMIT_ASSIGN(const Answer answer, ask(*statement));
    probes_.push_back({grant.ToString(), *statement, Judge(answer.state), answer.state.empty() ? answer.text : answer.state + " " + answer.text});
    return {};
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
    const auto connect =
        std::ranges::find_if(grants, [](const Grant& g) { return g.object.kind == ObjectKind::kDatabase && g.privilege == "CONNECT"; });
    if (connect != grants.end()) {
      const std::string state = connection ? "" : std::string(pg::SqlState(connection.error()));
      probes_.push_back({connect->ToString(), "a login with the account's password",
                         connection || !state.empty() ? Judge(state) : ProbeVerdict::kUndecided, connection ? "" : connection.error().message});
    }
    if (!connection) return pg::SqlState(connection.error()) == kRefusedState;  // who cannot connect can do nothing there
    REMIT_TRY((*connection)->Run("BEGIN"));
    for (const Grant& grant : grants) REMIT_TRY(Try(grant, facts, [&](const std::string& statement) { return Plainly(**connection, statement); }));
    return true;
  }

  ReplaceServer& server_;
  const ReplacePlan& plan_;
  const Secret& password_;
  std::vector<Probe> probes_;
};

}  // namespace

Result<std::vector<Probe>> ProbeAll(ReplaceServer& server, const ReplacePlan& plan, const Secret& account_password) {
  return Probing(server, plan, account_password).Run();
}

json::Value ProbeToJson(const Probe& probe) {
  const std::string_view verdict = probe.verdict == ProbeVerdict::kRefused   ? "refused"
                                   : probe.verdict == ProbeVerdict::kAllowed ? "allowed"
                                                                             : "undecided";
  return json::Object{{"what", probe.what}, {"statement", probe.statement}, {"verdict", verdict}, {"answer", probe.answer}};
}

}  // namespace remit::posture
