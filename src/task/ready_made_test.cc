// The ready-made catalogs: each loads without a warning, passes its own tests, and no policy is left unreached. Together they load too.
#include "task/catalog_test_file.h"
#include "task/decision.h"
#include "task/task.h"
#include "task/test_catalogs.h"

namespace remit::task {
namespace {

class ReadyMadeTest : public testing::TestWithParam<std::string> {};

TEST_P(ReadyMadeTest, LoadsAndPassesItsOwnTestsWithFullCoverage) {
  const std::filesystem::path folder = std::filesystem::path(REMIT_SOURCE_DIR) / "catalogs" / GetParam();
  const Catalog::Loaded loaded = Catalog::Load(ReadyMade(GetParam()));
  ASSERT_NE(loaded.catalog, nullptr) << Describe(loaded.errors);
  EXPECT_EQ(Describe(loaded.warnings), "");
  const cedar::Entities facts = MustRead(*loaded.catalog, ReadFile(folder / "facts.json"));
  const auto report = RunCatalogTests(*loaded.catalog, ReadToml(folder / (GetParam() + ".test.toml")), GetParam() + ".test.toml", facts);
  ASSERT_TRUE(report) << report.error().ToString();
  for (const auto& failure : report->failures) ADD_FAILURE() << failure.place << ": " << failure.message;
  EXPECT_GT(report->passed, 5u);
  for (const cedar::PolicyPtr& policy : Unreached(*loaded.catalog, *report)) ADD_FAILURE() << "not reached: " << policy->id;
}

TEST_P(ReadyMadeTest, HasASchemaThatReadsItselfAgain) {
  const auto catalog = MustLoad(ReadyMade(GetParam()));
  const auto again = cedar::Schema::Parse({{"effective", catalog->schema().ToText().value()}});
  ASSERT_TRUE(again) << again.error().ToString();
  EXPECT_EQ(again->ToText().value(), catalog->schema().ToText().value());
}

INSTANTIATE_TEST_SUITE_P(Catalogs, ReadyMadeTest, testing::Values("deploy", "support", "vendor", "rotate", "administration", "change"));

TEST(ReadyMade, AllLoadAsOneCatalog) {
  std::vector<CatalogFile> files;
  for (const char* name : {"deploy", "support", "vendor", "rotate", "administration", "change"}) {
    for (CatalogFile& file : ReadyMade(name)) files.push_back(std::move(file));
  }
  const auto catalog = MustLoad(std::move(files));
  ASSERT_NE(catalog, nullptr);
  EXPECT_EQ(catalog->task_types().size(), 5u);
  EXPECT_EQ(catalog->FindType("maintenance")->entity_type, "VendorMaintenance");
}

std::vector<std::string> Permissions(const std::string& catalog_name, const std::string& type_name, const json::Value& parameters) {
  const auto catalog = MustLoad(ReadyMade(catalog_name));
  const cedar::Entities facts = MustRead(*catalog, ReadFile(std::filesystem::path(REMIT_SOURCE_DIR) / "catalogs" / catalog_name / "facts.json"));
  const TaskType& type = *catalog->FindType(type_name);
  TaskRecord record;
  record.id = "tsk_1";
  record.actor = {type.actor_type, "x"};
  record.parameters = cedar::Value::FromRecord(BindParameters(*catalog, type, parameters, facts).value()).ToJson();
  std::vector<std::string> lines;
  for (const Permission& p : PermissionsOf(*catalog, TaskEntity(type, record, catalog->schema()), facts).permissions) {
    std::string line = p.action.ToString() + " " + p.resource.ToString();
    for (const std::string& c : p.conditions) line += " when " + c;
    for (const Obligation& o : p.obligations) line += " [" + o.policy + (o.condition.empty() ? "" : ": " + o.condition) + "]";
    lines.push_back(line);
  }
  return lines;
}

TEST(ReadyMade, ADeploymentIsOneServiceAndOneEnvironment) {
  EXPECT_EQ(Permissions("deploy", "deploy", json::Object{{"service", "checkout"}, {"environment", "prod"}}),
            (std::vector<std::string>{R"(Action::"deploy" Application::"checkout")", R"(Action::"deploy.to" Environment::"prod")"}));
}

TEST(ReadyMade, TriageIsOneTicketOneToolAndOneComment) {
  EXPECT_EQ(Permissions("support", "triage", json::Object{{"ticket", "T-1"}}),
            (std::vector<std::string>{R"(Action::"ticket.comment" Ticket::"T-1" [comment-once] [vip-comments-need-a-yes: resource.project == "vip"])",
                                      R"(Action::"ticket.read" Ticket::"T-1")", R"(Action::"tool.call" Tool::"kb.search")"}));
}

TEST(ReadyMade, MaintenanceIsAGrantForEachTable) {
  EXPECT_EQ(Permissions("vendor", "maintenance", json::Object{{"tables", json::Array{"orders/public.invoices", "orders/public.customers"}}}),
            (std::vector<std::string>{R"(Postgres::Action::"select" Postgres::Table::"orders/public.customers")",
                                      R"(Postgres::Action::"select" Postgres::Table::"orders/public.invoices")"}));
}

TEST(ReadyMade, ATicketIsTriagedOnceADay) {
  const auto support = MustLoad(ReadyMade("support")), change = MustLoad(ReadyMade("change"));
  ASSERT_EQ(support->FindType("triage")->budgets.size(), 1u);
  EXPECT_EQ(support->FindType("triage")->budgets[0].Text(), "1 per 1d by ticket");
  EXPECT_EQ(change->FindType("change")->timezone->name(), "Europe/Berlin");
}

TEST(ReadyMade, RotationIsOneSecret) {
  EXPECT_EQ(Permissions("rotate", "rotate", json::Object{{"secret", "prod/db/orders"}}),
            (std::vector<std::string>{R"(Secret::Action::"read" Secret::Path::"prod/db/orders")",
                                      R"(Secret::Action::"write" Secret::Path::"prod/db/orders")"}));
}

}  // namespace
}  // namespace remit::task
