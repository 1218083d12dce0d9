// A generated server with 50 roles, where the server itself is the oracle before and after: has_*_privilege for every role, object and privilege, and
// every ACL entry. REMIT_SEED replays one world.
#include <gmock/gmock.h>

#include "base/text.h"
#include "posture/replace/fixture.h"
#include "posture/replace/world.h"

namespace remit::posture {
namespace {

struct OracleRow {
  std::string database, role, kind, key, column, privilege;
  explicit OracleRow(const std::string& line) {
    const std::vector<std::string> part = Split(line, '|');
    database = part[0], role = part[1], kind = part[2], key = part[3], column = part[4], privilege = part[5];
  }
  std::string id() const { return fmt::format("{}/{}/{} {}", kind, key, column, privilege); }
  std::string base_privilege() const { return privilege.substr(0, privilege.find(" WITH")); }
};

class GeneratedTest : public ReplaceTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::set<std::string> Query(const std::string& database, const std::string& sql) {
    auto rows = server_.Connect(database)->Run(sql).value();
    std::set<std::string> all;
    for (std::size_t i = 0; i < rows.size(); ++i) all.emplace(rows.Text(i, 0));
    return all;
  }

  // Roles that have the rights of `role`, however far.
  std::set<std::string> MembersOf(const std::string& role) {
    return Query("postgres",
                 fmt::format("WITH RECURSIVE m(oid) AS (SELECT {}::oid UNION SELECT a.member FROM pg_auth_members a JOIN m ON a.roleid = m.oid) "
                             "SELECT oid FROM m",
                             role));
  }

  // "database|kind/key/column privilege" of what the account owns, so that whatever the server says about these is by ownership.
  bool Owns(const OracleRow& row, const std::string& account) {
    static const std::map<std::string, std::pair<std::string, std::string>> catalogs{
        {"table", {"pg_class", "relowner"}},
        {"view", {"pg_class", "relowner"}},
        {"foreign table", {"pg_class", "relowner"}},
        {"column", {"pg_class", "relowner"}},
        {"sequence", {"pg_class", "relowner"}},
        {"function", {"pg_proc", "proowner"}},
        {"schema", {"pg_namespace", "nspowner"}},
        {"type", {"pg_type", "typowner"}},
        {"language", {"pg_language", "lanowner"}},
        {"foreign-data wrapper", {"pg_foreign_data_wrapper", "fdwowner"}},
        {"foreign server", {"pg_foreign_server", "srvowner"}},
        {"database", {"pg_database", "datdba"}},
        {"tablespace", {"pg_tablespace", "spcowner"}}};
    const auto found = catalogs.find(row.kind);
    if (found == catalogs.end()) return false;
    const std::string key = row.database + "/" + row.kind;
    if (!owned_.contains(key))
      owned_[key] = Query(row.database, fmt::format("SELECT oid FROM {} WHERE {} = {}", found->second.first, found->second.second, account));
    return owned_[key].contains(row.key);
  }

  // A right of PUBLIC's on a column was hidden behind the account's own on the whole table; what PostgreSQL itself gives to PUBLIC is not listed.
  bool PublicsOwn(const OracleRow& row) {
    if (row.kind == "column")
      return Query(row.database, fmt::format("SELECT has_column_privilege('public', {}::oid, {}::int2, '{}')", row.key, row.column, row.privilege))
          .contains("t");
    return row.kind == "language" &&
           Query(row.database, fmt::format("SELECT has_language_privilege('public', {}::oid, 'USAGE')", row.key)).contains("t");
  }

  std::map<std::string, std::set<std::string>> owned_;
};

TEST_P(GeneratedTest, TheServerIsTheOracleBeforeAndAfter) {
  const char* given = std::getenv("REMIT_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : GetParam();
  SCOPED_TRACE(fmt::format("REMIT_SEED={}", seed));
  World world(server_, seed);
  world.Make();
  ASSERT_GT(world.done(), 600);

  PlanFile file = Plan(world.account());
  const ReplacePlan& plan = file.plan;
  EXPECT_GT(plan.removed.size(), 60u);
  const std::string account = plan.account.oid;
  const std::set<std::string> acls_before = Acls(), rights_before = world.Rights();
  const std::set<std::string> members = MembersOf(account);
  std::vector<std::pair<const Grant*, std::set<std::string>>> cascades;
  for (const Grant& grant : plan.cascades)
    cascades.emplace_back(&grant, grant.grantee.oid == "0" ? std::set<std::string>() : MembersOf(grant.grantee.oid));

  fmt::print("{} statements made this world ({} were refused); {} grants go, {} fall with them, {} are kept, {} rights stay\n", world.done(),
             world.refused(), plan.removed.size(), plan.cascades.size(), plan.kept.size(), plan.left.size());

  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_EQ(applied->removed, plan.removed.size());
  EXPECT_EQ(applied->cascades, plan.cascades.size());
  for (const Probe& probe : applied->probes.tried) EXPECT_NE(probe.verdict, ProbeVerdict::kAllowed) << probe.statement;

  // The account has exactly what the plan says that it keeps.
  const std::set<std::string> rights_after = world.Rights();
  std::set<std::string> left, has;
  for (const Left& one : plan.left) left.insert(one.id + " " + one.privilege);
  for (const Kept& kept : plan.kept)
    left.insert(fmt::format("{}/{}/{} {}", KindName(kept.grant.object.kind), kept.grant.key, kept.grant.column, kept.grant.privilege));
  for (const std::string& line : rights_after) {
    const OracleRow row(line);
    if (row.role != account) continue;
    has.insert(row.id());
    if (Owns(row, account) || row.privilege.find(" WITH") != std::string::npos) continue;
    if (!left.contains(row.id()) && !PublicsOwn(row)) ADD_FAILURE() << "still has " << line;
  }
  for (const std::string& one : left) {
    const bool asked = std::ranges::any_of(rights_before, [&](const std::string& line) { return OracleRow(line).id() == one; });
    EXPECT_TRUE(!asked || has.contains(one)) << "the plan leaves it, and it is gone: " << one;
  }

  // Nobody else got anything, and lost only what was named.
  for (const std::string& line : rights_after)
    if (!rights_before.contains(line) && OracleRow(line).kind != "column") ADD_FAILURE() << "new: " << line;
  for (const std::string& line : rights_before) {
    const OracleRow row(line);
    if (rights_after.contains(line) || members.contains(row.role)) continue;
    const bool named = std::ranges::any_of(cascades, [&](const auto& cascade) {
      const auto& [grant, who] = cascade;
      if (grant->form == GrantForm::kMembership) return who.contains(row.role);
      return grant->key == row.key && grant->privilege == row.base_privilege() && (grant->grantee.oid == "0" || who.contains(row.role));
    });
    EXPECT_TRUE(named) << "another lost " << line;
  }

  const auto back = RollBack(file);
  ASSERT_TRUE(back) << back.error().ToString();
  EXPECT_THAT(back->lost, testing::IsEmpty());
  EXPECT_EQ(Acls(), acls_before);
  EXPECT_EQ(world.Rights(), rights_before);
}

INSTANTIATE_TEST_SUITE_P(Seeds, GeneratedTest, testing::Values(1u, 2u));

}  // namespace
}  // namespace remit::posture
