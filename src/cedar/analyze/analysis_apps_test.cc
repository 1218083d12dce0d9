// Analysis over policies as they are in life: three applications of Cedar's examples, and this project's catalogs, narrowed and widened.
// None of these questions may stay open.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cedar/analysis.h"
#include "cedar/parser.h"

namespace remit::cedar {
namespace {

struct App {
  const char* name;
  const char* schema;
  const char* policies;
  std::vector<const char*> conditions;  // to narrow by
};

const std::vector<App>& Apps() {
  static const std::vector<App> apps = {
      {"drive",
       R"(entity Group;
          entity User in Group = { views: Set<View>, documents: Set<Document>, folders: Set<Folder> };
          entity View in View;
          entity Folder in [Folder, View];
          entity Document in [Folder, View] = { public: Bool };
          action create appliesTo { principal: User, resource: Folder };
          action read, write, share, give appliesTo { principal: User, resource: Document };)",
       R"(permit (principal, action == Action::"read", resource) when { resource in principal.views };
          permit (principal, action == Action::"read", resource) when { resource.public };
          permit (principal, action in [Action::"read", Action::"write", Action::"share"], resource)
            when { resource in principal.documents || resource in principal.folders };
          permit (principal, action == Action::"give", resource) when { principal.documents.contains(resource) };
          permit (principal, action == Action::"create", resource) when { principal.folders.contains(resource) };)",
       {"principal in Group::\"staff\"", "resource in Folder::\"projects\"", "resource in View::\"shared\"", "principal == User::\"ann\"",
        "!principal.folders.isEmpty()", "resource has public && !resource.public", "!(principal in Group::\"staff\")"}},
      {"code",
       R"(entity OrgPermission, RepoPermission;
          entity Team in [Team, RepoPermission];
          entity Organization in [OrgPermission] = { readers: OrgPermission, writers: OrgPermission, admins: OrgPermission };
          entity User in [Organization, Team, OrgPermission, RepoPermission];
          entity Repository = { owner: Organization, readers: RepoPermission, triagers: RepoPermission, writers: RepoPermission,
                                maintainers: RepoPermission, admins: RepoPermission };
          action admin appliesTo { principal: User, resource: Repository };
          action maintain in admin appliesTo { principal: User, resource: Repository };
          action write in maintain appliesTo { principal: User, resource: Repository };
          action triage in write appliesTo { principal: User, resource: Repository };
          action read in triage appliesTo { principal: User, resource: Repository };)",
       R"(permit (principal, action == Action::"read", resource) when { principal in resource.readers };
          permit (principal, action in Action::"triage", resource) when { principal in resource.triagers };
          permit (principal, action in Action::"write", resource) when { principal in resource.writers };
          permit (principal, action in Action::"maintain", resource) when { principal in resource.maintainers };
          permit (principal, action in Action::"admin", resource) when { principal in resource.admins };
          permit (principal, action == Action::"read", resource) when { principal in resource.owner.readers };
          permit (principal, action in Action::"write", resource) when { principal in resource.owner.writers };
          permit (principal, action in Action::"admin", resource) when { principal in resource.owner.admins };)",
       {"principal in Team::\"core\"", "resource == Repository::\"site\"", "principal in resource.owner", "principal in resource.writers",
        "resource.readers == resource.writers", "principal == User::\"ann\" || principal in Team::\"core\"",
        "resource.owner == Organization::\"acme\""}},
      {"lists",
       R"(entity Application;
          entity Team in [Team, Application];
          entity User in [Team, Application];
          entity List in [Application] = { owner: User, name: String, readers: Team, editors: Team, tasks: Set<{name: String, id: Long, state: String}> };
          action create, all appliesTo { principal: User, resource: Application };
          action get, update, delete, add, change, remove, share appliesTo { principal: User, resource: List };)",
       R"(permit (principal, action in [Action::"create", Action::"all"], resource == Application::"app");
          permit (principal, action, resource) when { resource has owner && resource.owner == principal };
          permit (principal, action == Action::"get", resource) when { principal in resource.readers || principal in resource.editors };
          permit (principal, action in [Action::"update", Action::"add", Action::"change", Action::"remove"], resource)
            when { principal in resource.editors };
          permit (principal in Team::"admin", action, resource in Application::"app");
          forbid (principal in Team::"interns", action == Action::"create", resource == Application::"app");)",
       {"principal in Team::\"interns\"", "resource has name && resource.name like \"private*\"", "resource has tasks && resource.tasks.isEmpty()",
        "resource in Application::\"app\"", "principal == User::\"ann\"", "resource has owner && resource.owner in Team::\"admin\"",
        "resource has name && resource.name != \"x\""}},
  };
  return apps;
}

struct Tally {
  int yes = 0, no = 0, unknown = 0;
  std::size_t work = 0, most = 0;

  Verdict Count(const AnalysisAnswer& answer, const std::string& what) {
    ++(answer.verdict == Verdict::kYes ? yes : answer.verdict == Verdict::kNo ? no : unknown);
    work += answer.work;
    most = std::max(most, answer.work);
    if (answer.verdict == Verdict::kUnknown) ADD_FAILURE() << what << ": " << answer.open.at(0).why;
    return answer.verdict;
  }
};

PolicyPtr Narrowed(const PolicyPtr& policy, const std::string& condition) {
  auto narrowed = std::make_shared<Policy>(*policy);
  narrowed->conditions.push_back({true, *ParseExpr(condition)});
  return narrowed;
}

TEST(AnalysisAppsTest, TellsOfApplications) {
  Tally tally;
  for (const App& app : Apps()) {
    const auto schema = Schema::Parse({{"s", app.schema}});
    ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
    const auto parsed = ParsePolicies(app.policies, "p");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().ToString();
    const BoundPolicies all{*parsed};
    const auto implies = [&](const BoundPolicies& a, const BoundPolicies& b, const std::string& what) {
      return tally.Count(Implies(a, b, *schema), std::string(app.name) + " " + what);
    };
    for (std::size_t i = 0; i < parsed->size(); ++i) {
      const std::string id = (*parsed)[i]->id;
      const bool is_permit = (*parsed)[i]->effect == Effect::kPermit;
      BoundPolicies without = all;
      without.policies.erase(without.policies.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_EQ(is_permit ? implies(without, all, "without " + id) : implies(all, without, "without " + id), Verdict::kYes);
      is_permit ? implies(all, without, "with " + id) : implies(without, all, "with " + id);
      if (!is_permit) continue;
      const BoundPolicies one{{(*parsed)[i]}};
      implies(one, all, id);
      for (const PolicyPtr& other : *parsed) implies(one, BoundPolicies{{other}}, id + " and " + other->id);
      for (const char* condition : app.conditions) {
        const BoundPolicies narrow{{Narrowed((*parsed)[i], condition)}};
        EXPECT_EQ(implies(narrow, one, id + " when " + condition), Verdict::kYes);
        implies(one, narrow, id + " back from " + condition);
        implies(narrow, all, id + " when " + condition + " and all");
        tally.Count(Disjoint(narrow, without, *schema), id + " when " + condition + " apart from the rest");
        tally.Count(NeverAllows(narrow, *schema), id + " when " + condition + " at all");
      }
    }
  }
  std::printf("applications: yes %d, no %d, unknown %d; questions to the theories: %zu, at most %zu\n", tally.yes, tally.no, tally.unknown,
              tally.work, tally.most);
}

// ---- Catalogs: what a task may do against what stood before it.

std::string ReadFile(const std::string& path) {
  std::ifstream in(std::string(REMIT_SOURCE_DIR) + "/catalogs/" + path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

class CatalogTest : public testing::Test {
 protected:
  void Load(const std::string& name, const std::string& builtin) {
    std::vector<SchemaSource> sources{{"builtin", builtin}, {name, ReadFile(name + "/" + name + ".cedarschema")}};
    if (const std::string people = ReadFile(name + "/people.cedarschema"); !people.empty()) sources.push_back({"people", people});
    auto schema = Schema::Parse(sources);
    ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
    schema_ = *schema;
    auto policies = ParsePolicies(ReadFile(name + "/" + name + ".cedar"), name);
    ASSERT_TRUE(policies.has_value());
    catalog_.policies = *policies;
  }

  static BoundPolicies Text(const std::string& text) { return {*ParsePolicies(text, "t")}; }

  Schema schema_;
  BoundPolicies catalog_;
};

constexpr const char* kRemit = R"(namespace Remit { entity Server; action start, approve, deny, view, revoke, enforce appliesTo { principal: [)";

TEST_F(CatalogTest, AVendorsTaskIsPartOfItsStandingAccess) {
  Load("vendor", std::string(kRemit) + R"(Engineer, Employee], resource: [VendorMaintenance] }; }
    namespace Postgres { entity Server; entity Database in [Server]; entity Schema in [Database]; entity Table in [Schema];
      action select, update appliesTo { principal: [VendorMaintenance, Engineer], resource: [Table] }; })");
  Entity task{{"VendorMaintenance", "t"}, {}, {}, {}};
  task.attributes["actor"] = Value(EntityUid{"Engineer", "eve"});
  task.attributes["tables"] = Value::Set({Value(EntityUid{"Postgres::Table", "erp/a"}), Value(EntityUid{"Postgres::Table", "erp/b"})});
  Entity schema{{"Postgres::Schema", "erp"}, {}, {}, {}};
  Entity a{{"Postgres::Table", "erp/a"}, {}, {}, {schema.uid}}, b{{"Postgres::Table", "erp/b"}, {}, {}, {schema.uid}};
  const Entities known = *Entities::Build({task, schema, a, b});
  const AnalysisOptions options{.known = &known};
  BoundPolicies of_task = catalog_;
  of_task.principal = task.uid;
  BoundPolicies standing = Text(R"(permit (principal == Engineer::"eve", action, resource in Postgres::Schema::"erp");)");
  standing.principal = EntityUid{"Engineer", "eve"};
  EXPECT_EQ(Implies(of_task, standing, schema_, options).verdict, Verdict::kYes);
  EXPECT_EQ(Implies(standing, of_task, schema_, options).verdict, Verdict::kNo);
  BoundPolicies less = Text(R"(permit (principal == Engineer::"eve", action, resource == Postgres::Table::"erp/a");)");
  less.principal = standing.principal;
  const AnalysisAnswer more = Implies(of_task, less, schema_, options);
  ASSERT_EQ(more.verdict, Verdict::kNo);
  EXPECT_EQ(more.counterexample->resource, (EntityUid{"Postgres::Table", "erp/b"}));
  // The same before the parameters are known: whatever the tables, only these are read, and never written.
  EXPECT_EQ(Implies(catalog_, Text("permit (principal, action, resource) unless { action == Postgres::Action::\"update\" };"), schema_).verdict,
            Verdict::kYes);
  // Who may start a task is never allowed more tables than the vendor has.
  EXPECT_EQ(Implies(Text("permit (principal is Engineer, action == Remit::Action::\"start\", resource is VendorMaintenance)"
                         "when { principal.vendor == Vendor::\"v\" && [Postgres::Table::\"erp/a\"].containsAll(resource.tables) &&"
                         "       principal.vendor.tables.contains(Postgres::Table::\"erp/a\") && !resource.tables.isEmpty() };"),
                    Text("permit (principal is Engineer, action == Remit::Action::\"start\", resource is VendorMaintenance)"
                         "when { principal.vendor.tables.containsAll(resource.tables) && !resource.tables.isEmpty() };"),
                    schema_)
                .verdict,
            Verdict::kYes);
}

TEST_F(CatalogTest, OtherCatalogsAreNarrowedAndWidened) {
  Load("rotate", std::string(kRemit) + R"(Automation], resource: [RotateSecret] }; }
    namespace Secret { entity Folder in [Folder]; entity Path in [Folder]; action read, write, "list" appliesTo { principal: [RotateSecret], resource: [Path] }; })");
  const std::string start = R"(permit (principal == Automation::"rotator", action == Remit::Action::"start", resource is RotateSecret) when { )";
  const std::string use = R"(permit (principal is RotateSecret, action in [Secret::Action::"read", Secret::Action::"write"], resource) when { )";
  const auto implies = [&](const std::string& a, const std::string& b) { return Implies(Text(a), Text(b), schema_).verdict; };
  EXPECT_EQ(
      Implies(Text(start + "resource.secret == Secret::Path::\"x\" && Secret::Path::\"x\" in Secret::Folder::\"prod/db\" };"), catalog_, schema_)
          .verdict,
      Verdict::kYes);
  EXPECT_EQ(Implies(catalog_, Text(start + "resource.secret in Secret::Folder::\"prod/db\" };"), schema_).verdict, Verdict::kNo);
  EXPECT_EQ(implies(use + "resource == principal.secret && principal.secret in Secret::Folder::\"prod\" };",
                    use + "resource in Secret::Folder::\"prod\" };"),
            Verdict::kYes);
  EXPECT_EQ(implies(use + "resource in principal.secret };", use + "resource == principal.secret };"), Verdict::kYes);  // nothing is in a secret
  EXPECT_EQ(implies(use + "resource == principal.secret };", use + "resource in Secret::Folder::\"prod\" };"), Verdict::kNo);
}

}  // namespace
}  // namespace remit::cedar
