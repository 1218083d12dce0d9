// From an inventory and a log to a catalog that loads, says just what was used and held, and keeps its own tests. All pure: the server is
// scan_server_test.cc's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json/read.h"
#include "posture/log/test_log.h"
#include "posture/propose/replay.h"

namespace remit::posture {
namespace {

// billing reads invoices as a member of readers, writes them itself, holds customers and never uses it; "odd user" has odd tables.
struct World {
  World() {
    inventory.server_version = 150000;
    inventory.settings = {{"pgaudit.log", "read, write"}, {"pgaudit.log_relation", "on"}};
    inventory.roles = {{10, "postgres", true, true, true, true, true, true, true},
                       {20, "billing", false, true, false, false, true},
                       {21, "readers", false, true, false, false, false},
                       {22, "odd \"user\"", false, true, false, false, true},
                       {23, "manual", false, false, false, false, true}};
    inventory.memberships = {{21, 20, 10, true, true}, {21, 23, 10, false, true}};
    Database("orders");
    Table("invoices", {{21, "SELECT"}, {20, "INSERT"}, {20, "UPDATE"}});
    Table("customers", {{20, "SELECT"}, {20, "DELETE"}});
    Table("o'dd\"t", {{22, "SELECT"}});
    Table("salaries", {});
    Object view{ObjectKind::kView, "orders", "public", "v", "", 900};
    inventory.objects.push_back({view, "v", 10});
    inventory.acl.push_back({static_cast<std::uint32_t>(inventory.objects.size() - 1), "", 20, 10, "SELECT"});
  }

  void Database(const std::string& name) { inventory.objects.push_back({{ObjectKind::kDatabase, "", "", name, "", 1}, name, 10}); }
  void Table(const std::string& name, const std::vector<std::pair<std::uint32_t, std::string>>& grants) {
    const auto at = static_cast<std::uint32_t>(inventory.objects.size());
    inventory.objects.push_back({{ObjectKind::kTable, "orders", "public", name, "", 100 + at}, name, 10});
    for (const auto& [grantee, privilege] : grants) inventory.acl.push_back({at, "", grantee, 10, privilege});
  }

  // A sequence, and a column that takes its default from it; without a name, one that nobody knows.
  Object Sequence(const std::string& name, const std::string& table, bool own,
                  const std::vector<std::pair<std::uint32_t, std::string>>& grants = {}) {
    const auto at = static_cast<std::uint32_t>(inventory.objects.size());
    const Object sequence{ObjectKind::kSequence, "orders", "public", name, "", 100 + at};
    if (!name.empty()) inventory.objects.push_back({sequence, name, 10});
    for (const auto& [grantee, privilege] : grants) inventory.acl.push_back({at, "", grantee, 10, privilege});
    inventory.drawn.push_back({{ObjectKind::kTable, "orders", "public", table, "", 0}, "id", name.empty() ? Object() : sequence, own});
    return sequence;
  }

  void Uses(const std::string& account, const std::string& command, const std::string& type, const std::string& name,
            const std::string& session = "6b09d56e.339d") {
    LogRecord record =
        Line(fmt::format("AUDIT: SESSION,1,1,{},{},{},{},x,<not logged>", command == "SELECT" ? "READ" : "WRITE", command, type, name));
    record.user = account;
    record.session_id = session;
    record.session_line = ++lines[session];
    records.push_back(record);
  }

  UsageReport Usages(const std::function<void(const SessionSeen&)>& closed = {}) {
    Usage usage(closed);
    for (const LogRecord& record : records) usage.Add(record, "a.csv");
    return usage.Finish();
  }

  ScanReport Report(const std::vector<std::string>& accounts = {}) { return Scan(inventory, Usages(), accounts).value(); }

  Inventory inventory;
  std::vector<LogRecord> records;
  std::map<std::string, std::uint64_t> lines;
};

World Typical() {
  World world;
  world.Uses("billing", "SELECT", "TABLE", "public.invoices");
  world.Uses("billing", "SELECT", "TABLE", "public.invoices");
  world.Uses("billing", "INSERT", "TABLE", "public.invoices");
  world.Uses("billing", "SELECT", "VIEW", "public.v");
  world.Uses("billing", "SELECT", "TABLE", "public.salaries");  // below the view
  world.Uses("odd \"user\"", "SELECT", "TABLE", R"("public.""o'dd""""t""")", "6b09d56e.77");
  return world;
}

const AccountReport& Of(const ScanReport& report, const std::string& name) {
  for (const AccountReport& account : report.accounts)
    if (account.name == name) return account;
  ADD_FAILURE() << "no account " << name;
  return report.accounts.front();
}

std::string Evidences(const AccountReport& account) {
  std::vector<std::string> lines;
  for (const Held& held : account.held)
    lines.push_back(fmt::format("{} {} {}", held.holding.privilege, held.holding.object.name, EvidenceName(held.evidence)));
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line + "; ";
  return text;
}

bool Found(const std::vector<Finding>& findings, const std::string& reason, const std::string& account) {
  return std::ranges::any_of(findings, [&](const Finding& one) { return one.reason == reason && one.account == account; });
}

TEST(Scan, SaysWhatIsUsedWhatNeverAndWhatCannotBeTold) {
  const ScanReport report = Typical().Report();
  // UPDATE and SELECT may stand behind an INSERT; but SELECT was seen. DELETE on customers cannot: nothing else was done to it.
  EXPECT_EQ(Evidences(Of(report, "billing")),
            "DELETE customers never; INSERT invoices used; SELECT customers never; SELECT invoices used; SELECT v used; UPDATE invoices unknown; ");
  EXPECT_TRUE(Found(report.findings, "used-not-held", "billing"));
  EXPECT_EQ(Evidences(Of(report, "postgres")), "SUPERUSER  unknown; ");
}

TEST(Scan, WithoutALogNothingIsCalledNeverUsed) {
  EXPECT_EQ(Evidences(Of(World().Report(), "billing")),
            "DELETE customers unknown; INSERT invoices unknown; SELECT customers unknown; SELECT invoices unknown; SELECT v unknown; UPDATE invoices "
            "unknown; ");
}

TEST(Scan, WhatPgauditWasNotToldToWriteIsNotCalledNeverUsed) {
  World world = Typical();
  world.inventory.role_settings.push_back({"orders", "billing", "pgaudit.log", "all, -read"});
  const ScanReport report = world.Report();
  EXPECT_NE(Evidences(Of(report, "billing")).find("SELECT customers unknown"), std::string::npos);
  EXPECT_NE(Evidences(Of(report, "billing")).find("DELETE customers never"), std::string::npos);
  EXPECT_TRUE(Found(report.findings, "blind", "billing"));
  world.inventory.settings.clear();
  EXPECT_EQ(Evidences(Of(world.Report(), "billing")).find("never"), std::string::npos);
  EXPECT_TRUE(Found(world.Report().findings, "no-pgaudit", ""));
}

TEST(Scan, AMemberThatDoesNotInheritHoldsAfterSetRole) {
  const ScanReport report = World().Report();
  const AccountReport& manual = Of(report, "manual");
  ASSERT_EQ(manual.held.size(), 1u);
  EXPECT_FALSE(manual.held[0].holding.path.inherited);
  EXPECT_EQ(manual.held[0].holding.path.ToString(), "granted to readers by postgres; manual > readers; only after SET ROLE");
}

TEST(Scan, AnAmbiguousNameListsItsCandidatesAndIsNoUse) {
  World world;
  const auto at = static_cast<std::uint32_t>(world.inventory.objects.size());
  world.inventory.objects.push_back({{ObjectKind::kTable, "orders", "archive", "salaries", "", 777}, "salaries", 10});
  world.inventory.objects.push_back({{ObjectKind::kFunction, "orders", "public", "f(integer)", "", 778}, "f", 10});
  world.inventory.objects.push_back({{ObjectKind::kFunction, "orders", "public", "f(text)", "", 779}, "f", 10});
  world.inventory.acl.push_back({at + 1, "", 20, 10, "EXECUTE"});
  LogRecord refused = Line("permission denied for table salaries");
  refused.severity = "ERROR";
  refused.sqlstate = "42501";
  world.records.push_back(refused);
  LogRecord call = Line("AUDIT: SESSION,9,2,FUNCTION,EXECUTE,FUNCTION,public.f,select f(1);,<not logged>");
  call.session_line = 2;
  world.records.push_back(call);
  const ScanReport report = world.Report();
  ASSERT_EQ(Of(report, "billing").refused.size(), 1u);
  EXPECT_EQ(Of(report, "billing").refused[0].candidates.size(), 2u);
  EXPECT_TRUE(Of(report, "billing").uses.empty());
  EXPECT_TRUE(Found(report.findings, "ambiguous-use", "billing"));
}

TEST(Scan, AnUnknownAccountIsRefused) {
  World world;
  EXPECT_EQ(Scan(world.inventory, world.Usages(), {"biling"}).error().reason, "unknown-account");
}

std::string TextOf(const std::vector<task::CatalogFile>& files, const std::string& name) {
  for (const task::CatalogFile& file : files)
    if (file.name == name) return file.text;
  return "";
}

TEST(Propose, JustWhatWasUsedAndHeld) {
  const Proposal proposal = Propose(Typical().Report(), {}).value();
  ASSERT_EQ(proposal.types.size(), 2u);
  EXPECT_EQ(proposal.types[0].name, "billing-orders");
  EXPECT_EQ(proposal.types[1].name, "odd-user-orders");
  std::vector<std::string> permissions;
  for (const ProposedPermission& one : proposal.types[0].permissions) permissions.push_back(one.privilege + " " + one.resource);
  EXPECT_THAT(permissions, testing::ElementsAre("SELECT orders/public.invoices", "INSERT orders/public.invoices"));
  EXPECT_TRUE(Found(proposal.findings, "not-expressible", "billing")) << "the view";
  EXPECT_TRUE(Found(proposal.findings, "hidden-use", "billing")) << "the UPDATE of an upsert";
  EXPECT_NE(TextOf(proposal.files, "billing-orders.cedar")
                .find("used 2 times in 1 session, first 2026-11-27T19:09:34Z, last 2026-11-27T19:09:34Z; held: granted to readers by postgres; "
                      "billing > readers"),
            std::string::npos);
}

// Whatever `scan` shows as `?`, `propose` leaves out and says so, each privilege by name.
TEST(Propose, AllThatMayBeHiddenIsSaid) {
  World world;
  world.Table("orders", {{20, "INSERT"}, {20, "UPDATE"}, {20, "DELETE"}, {20, "SELECT"}});
  world.Uses("billing", "INSERT", "TABLE", "public.orders");
  const auto said = [&] {
    std::vector<std::string> privileges;
    const Proposal proposal = Propose(world.Report(), {}).value();
    for (const Finding& finding : proposal.findings)
      if (finding.reason == "hidden-use") privileges.push_back(finding.message.substr(0, finding.message.find(' ')));
    return privileges;
  };
  EXPECT_THAT(said(), testing::UnorderedElementsAre("SELECT", "UPDATE", "DELETE"));
  world.inventory.server_version = 140000;  // without MERGE
  EXPECT_THAT(said(), testing::UnorderedElementsAre("SELECT", "UPDATE"));
}

TEST(Propose, TheCatalogLoadsWithoutWarnings) {
  ProposeOptions options;
  options.hidden = {"UPDATE"};
  const Proposal proposal = Propose(Typical().Report(), options).value();
  const task::Catalog::Loaded loaded = task::Catalog::Load(proposal.files);
  for (const auto& d : loaded.errors) ADD_FAILURE() << d.ToError().ToString();
  for (const auto& d : loaded.warnings) ADD_FAILURE() << d.ToError().ToString();
  ASSERT_NE(loaded.catalog, nullptr);
  for (const task::StatedPermission& stated : loaded.catalog->stated()) {
    EXPECT_TRUE(stated.plain) << stated.why_not_plain;
    EXPECT_TRUE(stated.by_parameters);
  }
  EXPECT_EQ(proposal.types[0].permissions.size(), 3u);
  EXPECT_TRUE(proposal.types[0].permissions[2].is_hidden);
}

// A name that tries to get out of its comment, its string or its policy.
TEST(ProposeAttack, NamesCannotWritePolicy) {
  World world;
  const std::string evil = "x\"); permit(principal,action,resource); //";
  world.inventory.roles.push_back({30, evil, false, true, false, false, true});
  world.inventory.roles.push_back({31, "a\nb", false, true, false, false, true});
  world.Table("evil\"]}\npermit(principal,action,resource);//", {{30, "SELECT"}});
  world.Table("t\"); permit(principal,action,resource);//", {{30, "SELECT"}});
  world.Uses(evil, "SELECT", "TABLE", R"("public.""t""""); permit(principal,action,resource);//""")");
  world.Uses(evil, "SELECT", "TABLE", "\"public.\"\"evil\"\"\"\"]}\npermit(principal,action,resource);//\"\"\"");
  const Proposal proposal = Propose(world.Report(), {}).value();
  ASSERT_EQ(proposal.types.size(), 1u);
  EXPECT_EQ(proposal.types[0].permissions.size(), 1u);
  EXPECT_TRUE(Found(proposal.findings, "unnameable", evil)) << "a table with a line break in its name";
  const task::Catalog::Loaded loaded = task::Catalog::Load(proposal.files);
  ASSERT_NE(loaded.catalog, nullptr);
  EXPECT_EQ(loaded.catalog->policies().policies().size(), 2u);
}

TEST(Propose, SuperusersOnlyWhereTheyAreNamed) {
  World world;
  world.Uses("postgres", "DELETE", "TABLE", "public.salaries");
  EXPECT_EQ(Propose(world.Report(), {}).error().reason, "nothing-to-propose");
  ProposeOptions options;
  options.superusers = true;
  EXPECT_EQ(Propose(world.Report(), options).value().types.size(), 1u);
}

TEST(Propose, ADatabaseThatCannotBeATargetsNameIsAskedFor) {
  World world;
  world.Database("Orders DB");
  world.inventory.objects.push_back({{ObjectKind::kTable, "Orders DB", "public", "t", "", 500}, "t", 10});
  world.inventory.acl.push_back({static_cast<std::uint32_t>(world.inventory.objects.size() - 1), "", 20, 10, "SELECT"});
  world.Uses("billing", "SELECT", "TABLE", "public.t");
  world.records.back().database = "Orders DB";
  EXPECT_EQ(Propose(world.Report(), {}).error().reason, "bad-target-name");
  ProposeOptions options;
  options.targets = {{"Orders DB", "orders"}};
  EXPECT_EQ(Propose(world.Report(), options).value().types[0].permissions[0].resource, "orders/public.t");
}

TEST(Propose, LikeNamesAreKeptApart) {
  World world;
  world.inventory.roles.push_back({40, "Billing", false, true, false, false, true});
  world.inventory.acl.push_back({1, "", 40, 10, "SELECT"});
  world.Uses("billing", "SELECT", "TABLE", "public.invoices");
  world.Uses("Billing", "SELECT", "TABLE", "public.invoices", "6b09d56e.99");
  const Proposal proposal = Propose(world.Report(), {}).value();
  ASSERT_EQ(proposal.types.size(), 2u);
  EXPECT_NE(proposal.types[0].name, proposal.types[1].name);
  EXPECT_NE(task::Catalog::Load(proposal.files).catalog, nullptr);
}

// What came of replaying a world's log: the verdict of billing's INSERT, the findings about sequences, and what comes with the INSERT.
struct Drawing {
  explicit Drawing(World& world) {
    const ScanReport report = world.Report({"billing"});
    proposal = Propose(report, {}).value();
    const auto catalog = task::Catalog::Load(proposal.files).catalog;
    const cedar::Entities facts = cedar::Entities::FromJson(json::Parse(proposal.facts).value(), &catalog->schema()).value();
    Replay replay(world.inventory, report, proposal, *catalog, facts);
    const UsageReport usage = world.Usages([&](const SessionSeen& session) { replay.Session(session); });
    const ReplayReport replayed = replay.Finish(usage);
    for (const ReplayedUse& one : replayed.uses)
      if (one.privilege == "INSERT") verdict = one.verdict;
    whole = replayed.types.at(0).whole;
    for (const Finding& finding : proposal.findings)
      if (finding.message.find("sequence") != std::string::npos) said.push_back(finding.reason + ": " + finding.message);
    for (const ProposedPermission& one : proposal.types.at(0).permissions)
      if (one.privilege == "INSERT") brings = one.sequences;
  }
  Proposal proposal;
  Verdict verdict = Verdict::kPublic;
  std::uint64_t whole = 0;
  std::vector<std::string> said, brings;
};

World Inserting() {
  World world;
  world.Uses("billing", "INSERT", "TABLE", "public.invoices");
  return world;
}

TEST(Sequences, TheTablesOwnComesWithItsInsert) {
  World world = Inserting();
  world.Sequence("invoices_id_seq", "invoices", true, {{20, "USAGE"}});
  const Drawing drawing(world);
  EXPECT_EQ(drawing.verdict, Verdict::kAllowed);
  EXPECT_EQ(drawing.whole, 1u);
  EXPECT_THAT(drawing.said, testing::IsEmpty());
  EXPECT_THAT(drawing.brings, testing::ElementsAre("public.invoices_id_seq"));
  EXPECT_NE(TextOf(drawing.proposal.files, "billing-orders.cedar").find("; brings USAGE on sequence public.invoices_id_seq"), std::string::npos);
}

TEST(Sequences, AnotherIsSaidToMakeTheInsertFail) {
  World world = Inserting();
  world.Sequence("shared", "invoices", false, {{20, "USAGE"}});
  const Drawing drawing(world);
  EXPECT_EQ(drawing.verdict, Verdict::kRefused);
  EXPECT_EQ(drawing.whole, 0u);
  EXPECT_THAT(drawing.brings, testing::IsEmpty());
  EXPECT_THAT(drawing.said, testing::Contains(testing::StartsWith("not-expressible: INSERT on table public.invoices in orders: column id takes its "
                                                                  "default from sequence public.shared, which is not its own")));
  // By UPDATE it is drawn on as well, and by whoever is a member.
  World member = Inserting();
  member.Sequence("shared", "invoices", false, {{21, "UPDATE"}});
  EXPECT_EQ(Drawing(member).verdict, Verdict::kRefused);
}

TEST(Sequences, WhatTheAccountCannotDrawOnItDidNotNeedAndWhatEverybodyCanATaskCan) {
  World nobody = Inserting();
  nobody.Sequence("shared", "invoices", false);
  EXPECT_EQ(Drawing(nobody).verdict, Verdict::kAllowed);
  EXPECT_THAT(Drawing(nobody).said, testing::IsEmpty());
  World everybody = Inserting();
  everybody.Sequence("shared", "invoices", false, {{kPublicOid, "USAGE"}});
  EXPECT_EQ(Drawing(everybody).verdict, Verdict::kAllowed);
  World another = Inserting();  // another table's default is no matter of this one
  another.Sequence("shared", "customers", false, {{20, "SELECT"}});
  EXPECT_EQ(Drawing(another).verdict, Verdict::kAllowed);
}

TEST(Sequences, OneThatNobodyKnowsIsNotCalledAllowed) {
  World world = Inserting();
  world.Sequence("", "invoices", false);
  EXPECT_EQ(Drawing(world).verdict, Verdict::kUnclear);
  EXPECT_EQ(Drawing(world).whole, 0u);
}

TEST(Sequences, WhatIsHeldBeyondThatAndNotInTheLogIsSaid) {
  World world = Inserting();
  world.Sequence("invoices_id_seq", "invoices", true, {{20, "USAGE"}, {20, "UPDATE"}});
  world.Sequence("elsewhere", "customers", true, {{20, "USAGE"}});
  EXPECT_THAT(Drawing(world).said, testing::UnorderedElementsAre(testing::StartsWith("hidden-use: UPDATE on sequence public.invoices_id_seq"),
                                                                 testing::StartsWith("hidden-use: USAGE on sequence public.elsewhere")));
}

TEST(Replay, SaysWhatWouldHaveBeenAllowedAndWhatRefused) {
  World world = Typical();
  world.Uses("billing", "SELECT", "TABLE", "public.invoices", "6b09d56e.500");  // a second session, with nothing else
  const ScanReport report = world.Report();
  const Proposal proposal = Propose(report, {}).value();
  const auto catalog = task::Catalog::Load(proposal.files).catalog;
  ASSERT_NE(catalog, nullptr);
  const cedar::Entities facts = cedar::Entities::FromJson(json::Parse(proposal.facts).value(), &catalog->schema()).value();
  Replay replay(world.inventory, report, proposal, *catalog, facts);
  const UsageReport usage = world.Usages([&](const SessionSeen& session) { replay.Session(session); });
  const ReplayReport replayed = replay.Finish(usage);
  std::vector<std::string> verdicts;
  for (const ReplayedUse& one : replayed.uses)
    if (one.account == "billing") verdicts.push_back(fmt::format("{} {} {} {}", one.privilege, one.object, VerdictName(one.verdict), one.count));
  EXPECT_THAT(verdicts, testing::ElementsAre("INSERT public.invoices allowed 1", "SELECT public.invoices allowed 3",
                                             "SELECT public.salaries others-rights 1", "SELECT public.v refused 1"));
  ASSERT_EQ(replayed.types.size(), 2u);
  EXPECT_EQ(replayed.types[0].name, "billing-orders");
  EXPECT_EQ(replayed.types[0].cut, 1u);
  EXPECT_EQ(replayed.types[0].whole, 1u);
  EXPECT_EQ(replayed.types[0].tasks, 2u);
  EXPECT_EQ(replayed.types[0].most_a_day, 2u);
}

// Were a policy missing, the replay would say so: it asks the catalog, not the proposal.
TEST(Replay, AsksTheCatalogItself) {
  World world = Typical();
  const ScanReport report = world.Report();
  const Proposal proposal = Propose(report, {}).value();
  std::vector<task::CatalogFile> files = proposal.files;
  for (task::CatalogFile& file : files)
    if (const std::size_t at = file.text.find("Postgres::Action::\"insert\""); at != std::string::npos)
      file.text.replace(at, 26, "Postgres::Action::\"delete\"");
  const auto catalog = task::Catalog::Load(files).catalog;
  ASSERT_NE(catalog, nullptr);
  const cedar::Entities facts = cedar::Entities::FromJson(json::Parse(proposal.facts).value(), &catalog->schema()).value();
  Replay replay(world.inventory, report, proposal, *catalog, facts);
  const ReplayReport replayed = replay.Finish(world.Usages());
  EXPECT_EQ(replayed.uses[0].privilege, "INSERT");
  EXPECT_EQ(replayed.uses[0].verdict, Verdict::kRefused);
}

}  // namespace
}  // namespace remit::posture
