#include "posture/replace/make.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "pg/quote.h"

namespace remit::posture {
namespace {

std::string RightId(const Right& right) { return fmt::format("{}/{}/{}", KindName(right.object.kind), right.key, right.column); }

}  // namespace

// When its turn comes. What the account granted to itself goes first: only then can it still act as its grantor.
int RemovalRank(const Grant& grant, const std::string& account_oid) {
  if (grant.form == GrantForm::kMembership) return 9;
  if (grant.database().empty()) return 8;
  if (grant.form == GrantForm::kDefault) return 7;
  const int self = grant.grantor.oid == account_oid ? 0 : 3;
  if (grant.object.kind == ObjectKind::kColumn) return self;
  return grant.object.kind == ObjectKind::kSchema ? self + 2 : self + 1;
}

std::string DescribeRight(const Right& right) {
  const std::string at = right.object.database.empty() ? "" : fmt::format(" in database `{}`", EscapeControl(right.object.database));
  if (right.privilege == "MEMBER") return fmt::format("membership in `{}`", EscapeControl(right.object.name));
  return fmt::format("{} on {}{}", right.privilege, EscapeControl(right.object.ToString()), at);
}

std::vector<Grant> Removable(const std::vector<Grant>& all, const std::string& account_oid) {
  std::vector<Grant> mine;
  for (const Grant& grant : all)
    if (grant.grantee.oid == account_oid && grant.owner != account_oid) mine.push_back(grant);
  std::ranges::sort(mine, {}, [&](const Grant& g) { return std::make_tuple(RemovalRank(g, account_oid), g.Id()); });
  return mine;
}

std::vector<RevokeStep> PlaySteps(const std::vector<Grant>& removable, Acls& acls, const RoleGraph& roles,
                                  const std::function<std::string(const Grant&)>& why_not, std::vector<Kept>* kept) {
  std::vector<RevokeStep> steps;
  for (const Grant& grant : removable) {
    if (!acls.Of(grant).Holds(grant)) continue;
    const std::string reason = why_not(grant);
    if (!reason.empty()) {
      if (kept != nullptr) kept->push_back({grant, reason});
      continue;
    }
    std::vector<Grant> gone = acls.Of(grant).Revoke(grant, roles);
    steps.push_back({gone.front(), {gone.begin() + 1, gone.end()}});
  }
  return steps;
}

namespace {

class Making {
 public:
  Making(ReplaceServer& server, const std::string& name, const std::string& oid) : server_(server), name_(name), oid_(oid) {}

  Result<ReplacePlan> Run() {
    REMIT_ASSIGN(Account account, FindAccount(server_.base(), name_, oid_));
    plan_.account = account.role;
    plan_.superuser = account.superuser;
    plan_.system = server_.system();
    plan_.version = server_.version();
    REMIT_TRY(NotTheAdministrator());
    if (account.superuser) AddLeft(Via::kSuperuser, "server", "SUPERUSER", "nothing that is taken away here would be missed");
    for (const std::string& attribute : account.attributes) AddLeft(Via::kAttribute, "server", attribute, NoteOf(attribute));
    REMIT_TRY(ReadMembers());
    REMIT_ASSIGN(const auto databases, server_.Databases());
    for (const ReplaceServer::Database& database : databases) REMIT_TRY(database.connects ? Read(database.id) : CannotRead(database.id));
    Order();
    return std::move(plan_);
  }

 private:
  Status NotTheAdministrator() {
    REMIT_ASSIGN(const pg::Rows rows, server_.base().Exec("SELECT oid FROM pg_roles WHERE rolname = session_user"));
    if (rows.Text(0, 0) != plan_.account.oid) return {};
    return Fail(Code::kFailedPrecondition, "own-account", fmt::format("`{}` cannot replace itself", EscapeControl(plan_.account.name)),
                "connect as another superuser");
  }

  Status ReadMembers() {
    REMIT_ASSIGN(const pg::Rows rows, server_.base().Exec("WITH RECURSIVE m(oid) AS (SELECT member FROM pg_auth_members WHERE roleid = $1::oid UNION "
                                                          "SELECT a.member FROM pg_auth_members a JOIN m ON a.roleid = m.oid) "
                                                          "SELECT r.oid, r.rolname FROM pg_roles r JOIN m ON m.oid = r.oid ORDER BY r.oid",
                                                          {plan_.account.oid}));
    for (std::size_t i = 0; i < rows.size(); ++i) plan_.members.push_back({std::string(rows.Text(i, 0)), std::string(rows.Text(i, 1))});
    return {};
  }

  std::string NoteOf(const std::string& attribute) const {
    if (attribute == "CREATEROLE") return "it can make itself a member of roles again: ALTER ROLE … NOCREATEROLE";
    return "";
  }

  void AddLeft(Via via, std::string what, std::string privilege, std::string note) {
    Left left;
    left.via = via;
    left.id = what;
    left.what = std::move(what);
    left.privilege = std::move(privilege);
    left.note = std::move(note);
    plan_.left.push_back(std::move(left));
  }

  // Nobody can connect there, so nothing there can be used; it is said, not overlooked, where the account has something in it.
  Status CannotRead(const RoleRef& database) {
    REMIT_ASSIGN(const pg::Rows rows, server_.base().Exec("SELECT EXISTS (SELECT FROM pg_shdepend WHERE dbid = $1::oid AND refobjid = $2::oid "
                                                          "AND refclassid = 'pg_authid'::regclass)",
                                                          {database.oid, plan_.account.oid}));
    if (rows.Bool(0, 0))
      AddLeft(Via::kGrant, fmt::format("database {}", database.name), "UNREAD", "it takes no connections; what the account holds there was not read");
    return {};
  }

  Status Read(const RoleRef& database) {
    plan_.databases.push_back(database);
    const bool first = database.name == server_.base_database();
    const Reading reading = first ? Reading::kDatabaseAndShared : Reading::kDatabase;
    REMIT_ASSIGN(auto connection, server_.Connect(database.name));
    REMIT_TRY(connection->Run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    REMIT_ASSIGN(const std::vector<Grant> all, ReadGrants(*connection, database.name, reading));
    REMIT_TRY(NothingMissed(*connection, database, all));
    REMIT_ASSIGN(const RoleGraph roles, ReadRoleGraph(*connection));
    const std::vector<Grant> removable = Removable(all, plan_.account.oid);
    REMIT_ASSIGN(const auto unreachable, OutOfReach(*connection, removable));
    REMIT_ASSIGN(Staying staying, ReadStaying(*connection, database.name, reading, plan_.account.oid));
    REMIT_TRY(connection->Run("COMMIT"));

    Acls acls(all, server_.version());
    const auto why_not = [&](const Grant& grant) -> std::string {
      if (!acls.GrantorCanAct(grant, roles))
        return roles.IsSuperuser(grant.grantor.oid) ? "its grantor is a superuser since, and acts as the owner"
                                                    : "its grantor has no grant option any more, so nobody can take it back";
      if (unreachable.contains(grant.Id())) return "its grantor may not use the schema any more";
      return "";
    };
    std::vector<Kept> kept;
    for (const RevokeStep& step : PlaySteps(removable, acls, roles, why_not, &kept)) {
      plan_.removed.push_back(step.grant);
      for (const Grant& fallen : step.fallen) Falls(fallen, acls, staying);
    }
    plan_.kept.insert(plan_.kept.end(), kept.begin(), kept.end());
    plan_.left.insert(plan_.left.end(), staying.left.begin(), staying.left.end());
    return {};
  }

  void Falls(const Grant& fallen, Acls& acls, Staying& staying) {
    (fallen.grantee.oid == plan_.account.oid ? plan_.removed : plan_.cascades).push_back(fallen);
    if (fallen.grantee.oid != kPublicRole) return;
    // What PUBLIC had by the account's grant alone, the account loses as well.
    const auto still = [&](const Grant& g) { return g.grantee.oid == kPublicRole && g.privilege == fallen.privilege; };
    if (std::ranges::any_of(acls.Of(fallen).grants(), still)) return;
    Right right;
    right.object = fallen.object;
    right.key = fallen.key;
    right.column = fallen.column;
    std::erase_if(staying.left,
                  [&](const Left& left) { return left.via == Via::kPublic && left.id == RightId(right) && left.privilege == fallen.privilege; });
  }

  // INVARIANT: every ACL that names the account is among what was read. pg_shdepend is the server's own list of them.
  Status NothingMissed(pg::Connection& connection, const RoleRef& database, const std::vector<Grant>& all) {
    std::set<std::string> read;
    for (const Grant& grant : all)
      if (grant.form == GrantForm::kPrivilege && (grant.grantee == plan_.account || grant.grantor == plan_.account))
        read.insert(fmt::format("{}/{}", grant.key, grant.column));
    REMIT_ASSIGN(const pg::Rows rows,
                 connection.Exec("SELECT objid, objsubid, pg_describe_object(classid, objid, objsubid) FROM pg_shdepend "
                                 "WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1::oid AND deptype = 'a' AND dbid = $2::oid "
                                 "AND classid NOT IN ('pg_default_acl'::regclass, 'pg_auth_members'::regclass)",
                                 {plan_.account.oid, database.oid}));
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!read.contains(fmt::format("{}/{}", rows.Text(i, 0), rows.Text(i, 1))))
        return Fail(Code::kUnsupported, "unreadable-grant",
                    fmt::format("the server notes a grant on {} in database `{}` that was not found", EscapeControl(rows.Text(i, 2)),
                                EscapeControl(database.name)));
    return {};
  }

  // Ids of grants in schemas that their grantor, who must name the object, may not use.
  Result<std::set<std::string>> OutOfReach(pg::Connection& connection, const std::vector<Grant>& removable) {
    std::vector<const Grant*> asked;
    std::vector<std::string> roles, schemas;
    for (const Grant& grant : removable) {
      if (grant.object.schema.empty() || grant.grantor.oid == grant.owner) continue;
      asked.push_back(&grant);
      roles.push_back(grant.grantor.oid);
      schemas.push_back(grant.object.schema);
    }
    REMIT_ASSIGN(const pg::Rows rows, connection.Exec("SELECT has_schema_privilege(r.oid, n.oid, 'USAGE') FROM unnest($1::text[], $2::text[]) "
                                                      "WITH ORDINALITY w(role, schema, at) JOIN pg_roles r ON r.oid::text = w.role "
                                                      "JOIN pg_namespace n ON n.nspname = w.schema ORDER BY w.at",
                                                      {pg::TextArray(roles), pg::TextArray(schemas)}));
    std::set<std::string> unreachable;
    if (rows.size() != asked.size()) return Fail(Code::kInternal, "unreadable-grant", "a grantor or a schema went away while it was read");
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!rows.Bool(i, 0)) unreachable.insert(asked[i]->Id());
    return unreachable;
  }

  // The order of going, over all databases: those first that each database keeps for itself.
  void Order() {
    std::ranges::sort(plan_.removed, {}, [&](const Grant& g) { return std::make_tuple(RemovalRank(g, plan_.account.oid), g.Id()); });
    std::ranges::sort(plan_.cascades, {}, &Grant::Id);
    std::ranges::sort(plan_.kept, {}, [](const Kept& k) { return k.grant.Id(); });
    std::ranges::sort(plan_.left, {}, [](const Left& l) { return std::tie(l.via, l.database, l.what, l.privilege, l.id); });
  }

  ReplaceServer& server_;
  const std::string& name_;
  const std::string& oid_;
  ReplacePlan plan_;
};

}  // namespace

Result<ReplacePlan> MakePlan(ReplaceServer& server, const std::string& account, const std::string& account_oid) {
  return Making(server, account, account_oid).Run();
}

namespace {

Result<std::vector<Left>> ReadOwned(pg::Connection& connection, const std::string& database, const std::string& account_oid, bool shared) {
  REMIT_ASSIGN(
      const pg::Rows rows,
      connection.Exec("SELECT s.dbid = 0, s.classid || '/' || s.objid || '/' || s.objsubid, i.type, coalesce(i.identity, '') FROM pg_shdepend s "
                      "CROSS JOIN LATERAL pg_identify_object(s.classid, s.objid, s.objsubid) i WHERE s.refclassid = 'pg_authid'::regclass "
                      "AND s.refobjid = $1::oid AND s.deptype = 'o' AND (s.dbid = (SELECT d.oid FROM pg_database d "
                      "WHERE d.datname = current_database()) OR $2 AND s.dbid = 0)",
                      {account_oid, shared ? "t" : "f"}));
  std::vector<Left> owned;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Left left;
    left.via = Via::kOwner;
    left.database = rows.Bool(i, 0) ? "" : database;
    left.id = rows.Text(i, 1);
    left.what = fmt::format("{} {}", rows.Text(i, 2), rows.Text(i, 3));
    left.privilege = "OWNER";
    owned.push_back(std::move(left));
  }
  return owned;
}

}  // namespace

Result<Staying> ReadStaying(pg::Connection& connection, const std::string& database, Reading reading, const std::string& account_oid) {
  Staying staying;
  REMIT_ASSIGN(const pg::Rows super, connection.Exec("SELECT rolsuper FROM pg_roles WHERE oid = $1::oid", {account_oid}));
  if (super.size() != 1) return Fail(Code::kNotFound, "unknown-account", "the account's role is gone");
  if (super.Bool(0, 0)) return staying;
  REMIT_ASSIGN(staying.left, ReadOwned(connection, database, account_oid, reading == Reading::kDatabaseAndShared));
  REMIT_ASSIGN(std::vector<Right> rights, ReadRights(connection, database, reading, account_oid));
  for (Right& right : rights) {
    if (right.owner == account_oid) continue;  // said once, as OWNER
    if (!right.by_public && !right.by_owner) {
      staying.unexplained.push_back(std::move(right));
      continue;
    }
    Left left;
    left.via = right.by_public ? Via::kPublic : Via::kOwner;
    left.database = right.object.database;
    left.id = RightId(right);
    left.what = right.object.kind == ObjectKind::kServer ? fmt::format("role {}", right.object.name) : right.object.ToString();
    left.privilege = right.privilege;
    if (!right.by_public) left.note = "as owner of the database, through pg_database_owner";
    if (!right.runs_as.empty()) left.note = fmt::format("runs with the rights of {}", right.runs_as);
    staying.left.push_back(std::move(left));
  }
  return staying;
}

}  // namespace remit::posture
