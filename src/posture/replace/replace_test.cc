// What apply, rollback and status promise, on small worlds that can be read.
#include <gmock/gmock.h>

#include "base/text.h"
#include "io/files.h"
#include "posture/replace/fixture.h"

namespace remit::posture {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> Lines(const std::vector<Grant>& grants) {
  std::vector<std::string> lines;
  for (const Grant& grant : grants) lines.push_back(grant.ToString());
  return lines;
}

// A shop with one service account that has too much.
class ShopTest : public ReplaceTest {
 protected:
  void SetUp() override {
    ReplaceTest::SetUp();
    Sql("postgres",
        {"CREATE ROLE boss", "CREATE ROLE readers", "CREATE ROLE other", "CREATE ROLE svc LOGIN PASSWORD 'svc-password'", "CREATE DATABASE shop",
         "CREATE DATABASE store", "GRANT readers TO svc WITH ADMIN OPTION", "GRANT CREATE ON DATABASE shop TO svc"});
    Sql("shop",
        {"CREATE SCHEMA app AUTHORIZATION boss", "CREATE TABLE app.invoices (id int, amount int)", "ALTER TABLE app.invoices OWNER TO boss",
         "CREATE TABLE app.orders (id int)", "CREATE TABLE app.mine (id int)", "ALTER TABLE app.mine OWNER TO svc", "CREATE SEQUENCE app.numbers",
         "CREATE FUNCTION app.total(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "REVOKE ALL ON FUNCTION app.total FROM PUBLIC",
         "GRANT USAGE ON SCHEMA app TO svc, readers, other", "GRANT SELECT ON app.invoices TO svc WITH GRANT OPTION",
         "GRANT UPDATE (amount) ON app.invoices TO svc", "GRANT SELECT ON app.orders TO readers", "GRANT USAGE ON SEQUENCE app.numbers TO svc",
         "GRANT EXECUTE ON FUNCTION app.total TO svc", "SET ROLE svc", "GRANT SELECT ON app.invoices TO other", "RESET ROLE",
         "ALTER DEFAULT PRIVILEGES FOR ROLE boss IN SCHEMA app GRANT SELECT ON TABLES TO svc"});
    Sql("store", {"CREATE TABLE public.stock (id int)", "GRANT SELECT, INSERT ON public.stock TO svc"});
  }
};

TEST_F(ShopTest, APlanNamesWhatGoesWhatFallsWithItAndWhatStays) {
  const PlanFile file = Plan("svc");
  EXPECT_THAT(Lines(file.plan.removed),
              testing::UnorderedElementsAre("UPDATE on column app.invoices(amount) in database `shop` to `svc` by `boss`",
                                            "SELECT on table app.invoices in database `shop` to `svc` by `boss`, with grant option",
                                            "USAGE on sequence app.numbers in database `shop` to `svc` by `postgres`",
                                            "EXECUTE on function app.total(integer) in database `shop` to `svc` by `postgres`",
                                            "SELECT on table public.stock in database `store` to `svc` by `postgres`",
                                            "INSERT on table public.stock in database `store` to `svc` by `postgres`",
                                            "USAGE on schema app in database `shop` to `svc` by `boss`",
                                            "SELECT on future objects of `boss` in schema app in database `shop` to `svc`",
                                            "CREATE on database shop to `svc` by `postgres`",
                                            "membership in `readers` of `svc` by `postgres`, with admin option"));
  EXPECT_THAT(Lines(file.plan.cascades), ElementsAre("SELECT on table app.invoices in database `shop` to `other` by `svc`"));
  EXPECT_THAT(file.plan.left, Contains(AllOf(Field(&Left::via, Via::kOwner), Field(&Left::what, "table app.mine"))));
  EXPECT_THAT(file.plan.left,
              Contains(AllOf(Field(&Left::via, Via::kPublic), Field(&Left::what, "database shop"), Field(&Left::privilege, "CONNECT"))));
  EXPECT_THAT(file.plan.kept, IsEmpty());
}

TEST_F(ShopTest, ApplyTakesItAndRollbackGivesItBackAsItWas) {
  const std::set<std::string> before = Acls();
  PlanFile file = Plan("svc");
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_EQ(applied->removed, 10u);
  EXPECT_EQ(applied->cascades, 1u);
  EXPECT_EQ(file.phase, Phase::kApplied);
  for (const char* statement : {"SELECT FROM app.invoices", "UPDATE app.invoices SET amount = 1", "SELECT FROM app.orders",
                                "SELECT nextval('app.numbers')", "SELECT app.total(1)", "SET ROLE readers", "CREATE SCHEMA more"})
    EXPECT_EQ(StateAs("svc", "shop", statement), "42501") << statement;
  EXPECT_EQ(StateAs("svc", "store", "SELECT FROM public.stock"), "42501");
  EXPECT_EQ(StateAs("other", "shop", "SELECT FROM app.invoices"), "42501");
  // It works as a task would: the account is there, and can log in.
  EXPECT_TRUE(pg::TryLogin(server_.Options("shop", "svc", Secret("svc-password"))).accepted);

  const auto back = RollBack(file);
  ASSERT_TRUE(back) << back.error().ToString();
  EXPECT_EQ(back->restored, 11u);
  EXPECT_THAT(back->lost, IsEmpty());
  EXPECT_EQ(Acls(), before);
  EXPECT_EQ(file.phase, Phase::kRolledBack);
}

TEST_F(ShopTest, EveryKindThatCanBeTriedIsRefusedByStatement) {
  PlanFile file = Plan("svc");
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_THAT(applied->probes.tried, SizeIs(9));  // all but the default privileges
  EXPECT_THAT(applied->probes.tried, testing::Each(Field(&Probe::verdict, ProbeVerdict::kRefused)));
  EXPECT_THAT(applied->probes.tried, testing::Each(Field(&Probe::answer, testing::StartsWith("42501 permission denied"))));
  EXPECT_THAT(applied->probes.unproven, ElementsAre(AllOf(Field(&Unproven::what, HasSubstr("future objects")), Field(&Unproven::denied, false))));
}

// What no statement was refused for is not called proven: not in the result, and not in the file.
TEST_F(ShopTest, WhatCannotBeTriedIsSaidAndNotClaimed) {
  Sql("postgres", {"CREATE ROLE quiet LOGIN PASSWORD 'quiet-password'", "REVOKE CONNECT ON DATABASE store FROM PUBLIC",
                   "GRANT CONNECT ON DATABASE store TO quiet"});
  Sql("shop", {"GRANT REFERENCES, TRIGGER ON app.orders TO quiet"});
  PlanFile file = Plan("quiet");
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_THAT(applied->probes.tried, IsEmpty());
  EXPECT_EQ(applied->probes.refused(), 0u);
  const auto unproven = [](const char* what, bool hinted) {
    return AllOf(Field(&Unproven::what, HasSubstr(what)), Field(&Unproven::denied, true), Field(&Unproven::why, testing::Not(IsEmpty())),
                 Field(&Unproven::hint, hinted ? HasSubstr("--account-password-file") : HasSubstr("")));
  };
  EXPECT_THAT(applied->probes.unproven,
              testing::UnorderedElementsAre(unproven("REFERENCES on table app.orders", false), unproven("TRIGGER on table app.orders", false),
                                            unproven("CONNECT on database store", true)));
  const auto said = [&] { return PlanFile::Load(file.path)->evidence.Find("unproven")->AsArray().size(); };
  EXPECT_EQ(said(), 3u);
  // With the account's own password the login is tried, and the file says so; the phase and its time stay.
  const Time since = file.changed;
  ReplaceServer server = Open();
  const auto again = ProbePlanAgain(server, file, Secret("quiet-password"), clock_);
  ASSERT_TRUE(again) << again.error().ToString();
  EXPECT_THAT(again->tried, ElementsAre(AllOf(Field(&Probe::what, HasSubstr("CONNECT")), Field(&Probe::verdict, ProbeVerdict::kRefused))));
  EXPECT_EQ(said(), 2u);
  EXPECT_EQ(PlanFile::Load(file.path)->phase, Phase::kApplied);
  EXPECT_EQ(PlanFile::Load(file.path)->changed, since);
  // A wrong password decides nothing.
  const auto wrong = ProbePlanAgain(server, file, Secret("another"), clock_);
  ASSERT_TRUE(wrong) << wrong.error().ToString();
  EXPECT_EQ(wrong->refused(), 0u);
  EXPECT_EQ(wrong->unproven.size(), 3u);
  // What came back is told by the server's own word, where no statement could.
  Sql("shop", {"GRANT TRIGGER ON app.orders TO quiet"});
  EXPECT_EQ(ProbePlanAgain(server, file, Secret(), clock_).error().reason, "probe-allowed");
}

// Found once, it is not forgotten by whoever looks next: only a refusal takes it back.
TEST_F(ShopTest, WhatWasAllowedWhenItWasTriedStaysUntilItIsRefused) {
  Sql("postgres", {"CREATE ROLE quiet LOGIN PASSWORD 'quiet-password'"});
  Sql("shop", {"GRANT TRIGGER ON app.orders TO quiet"});
  PlanFile file = Plan("quiet");
  ASSERT_TRUE(Apply(file));
  EXPECT_THAT(StatusOf(file).allowed, IsEmpty());
  Sql("shop", {"GRANT TRIGGER ON app.orders TO quiet"});
  ReplaceServer server = Open();
  EXPECT_EQ(ProbePlanAgain(server, file, Secret("quiet-password"), clock_).error().reason, "probe-allowed");
  Sql("shop", {"REVOKE TRIGGER ON app.orders FROM quiet"});
  PlanFile kept = *PlanFile::Load(file.path);
  EXPECT_EQ(kept.phase, Phase::kApplied);
  EXPECT_THAT(StatusOf(kept).there, IsEmpty());
  EXPECT_THAT(StatusOf(kept).allowed, ElementsAre(HasSubstr("TRIGGER on table app.orders")));
  ASSERT_TRUE(ProbePlanAgain(server, kept, Secret("quiet-password"), clock_));
  EXPECT_THAT(StatusOf(*PlanFile::Load(file.path)).allowed, IsEmpty());
  // Of a plan that was rolled back it says nothing: there it may.
  Sql("shop", {"GRANT TRIGGER ON app.orders TO quiet"});
  EXPECT_FALSE(ProbePlanAgain(server, kept, Secret("quiet-password"), clock_));
  ASSERT_TRUE(RollBack(kept));
  EXPECT_THAT(StatusOf(kept).allowed, IsEmpty());
}

TEST_F(ShopTest, WhoCannotConnectAnyMoreIsTriedInItsNameAsWell) {
  Sql("postgres", {"REVOKE CONNECT ON DATABASE store FROM PUBLIC", "GRANT CONNECT ON DATABASE store TO svc"});
  PlanFile file = Plan("svc");
  options_.account_password = Secret("svc-password");
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_THAT(applied->probes.tried,
              Contains(AllOf(Field(&Probe::what, HasSubstr("SELECT on table public.stock")), Field(&Probe::verdict, ProbeVerdict::kRefused))));
}

TEST_F(ShopTest, WithItsOwnPasswordItIsTheAccountItselfThatIsRefused) {
  Sql("postgres", {"REVOKE CONNECT ON DATABASE store FROM PUBLIC", "GRANT CONNECT ON DATABASE store TO svc"});
  PlanFile file = Plan("svc");
  options_.account_password = Secret("svc-password");
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_THAT(applied->probes.tried, testing::Each(Field(&Probe::verdict, ProbeVerdict::kRefused)));
  EXPECT_THAT(applied->probes.tried,
              Contains(AllOf(Field(&Probe::statement, "a login with the account's password"), Field(&Probe::what, HasSubstr("CONNECT")))));
}

TEST_F(ShopTest, StatusSaysWhatIsGoneAndWhatCameBack) {
  PlanFile file = Plan("svc");
  EXPECT_THAT(StatusOf(file).there, SizeIs(11));
  ASSERT_TRUE(Apply(file));
  EXPECT_THAT(StatusOf(file).gone, SizeIs(11));
  Sql("shop",
      {"GRANT SELECT ON app.invoices TO svc WITH GRANT OPTION", "GRANT DELETE ON app.invoices TO svc", "GRANT SELECT ON app.orders TO PUBLIC"});
  const ReplaceStatus status = StatusOf(file);
  EXPECT_THAT(status.there, ElementsAre("SELECT on table app.invoices in database `shop` to `svc` by `boss`, with grant option"));
  EXPECT_THAT(status.gone, SizeIs(10));
  EXPECT_THAT(status.new_here, ElementsAre("DELETE on table app.invoices in database `shop` to `svc` by `boss`"));
  EXPECT_THAT(status.more, ElementsAre("SELECT on table app.orders in database `shop` by public"));
  // What came back by itself is not given twice.
  const auto back = RollBack(file);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->restored, 10u);
}

TEST_F(ShopTest, TheFileSaysHowFarItCameAndIsHeldToItsHash) {
  PlanFile file = Plan("svc");
  ASSERT_TRUE(Apply(file));
  const auto loaded = PlanFile::Load(file.path);
  ASSERT_TRUE(loaded) << loaded.error().ToString();
  EXPECT_EQ(loaded->phase, Phase::kApplied);
  EXPECT_EQ(PlanHash(loaded->plan), PlanHash(file.plan));
  std::string text = io::ReadFile(file.path, 1u << 20).value();
  EXPECT_EQ(text.find("svc-password"), std::string::npos);
  text.replace(text.find("\"INSERT\""), 8, "\"DELETE\"");
  ASSERT_TRUE(io::WriteFileAtomic(file.path, text, 0600));
  const auto changed = PlanFile::Load(file.path);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().reason, "plan-damaged");
}

TEST_F(ShopTest, APhaseIsGoneThroughOnce) {
  PlanFile file = Plan("svc");
  EXPECT_EQ(RollBack(file).error().reason, "wrong-phase");
  ASSERT_TRUE(Apply(file));
  EXPECT_EQ(Apply(file).error().reason, "wrong-phase");
  ASSERT_TRUE(RollBack(file));
  EXPECT_EQ(RollBack(file).error().reason, "wrong-phase");
  EXPECT_EQ(Apply(file).error().reason, "wrong-phase");
}

TEST_F(ShopTest, WhoeverIsAMemberOfTheAccountIsNamed) {
  Sql("postgres", {"CREATE ROLE batch", "CREATE ROLE \"night batch\"", "GRANT svc TO batch", "GRANT batch TO \"night batch\""});
  const PlanFile file = Plan("svc");
  EXPECT_THAT(file.plan.members, ElementsAre(Field(&RoleRef::name, "batch"), Field(&RoleRef::name, "night batch")));
}

TEST_F(ShopTest, ASuperuserIsNotReplacedAndNobodyReplacesHimself) {
  Sql("postgres", {"ALTER ROLE svc SUPERUSER"});
  PlanFile file = Plan("svc");
  EXPECT_THAT(file.plan.left, Contains(Field(&Left::privilege, "SUPERUSER")));
  EXPECT_EQ(Apply(file).error().reason, "account-is-superuser");
  EXPECT_EQ(file.phase, Phase::kPlanned);
  ReplaceServer server = Open();
  EXPECT_EQ(MakePlan(server, "postgres").error().reason, "own-account");
  EXPECT_EQ(MakePlan(server, "nobody").error().reason, "unknown-account");
  Sql("postgres", {"ALTER ROLE svc NOSUPERUSER"});
  const auto without = ReplaceServer::Open(server_.Options("shop", "svc", Secret("svc-password")));
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().reason, "admin-not-superuser");
}

TEST_F(ShopTest, AttributesAreSaid) {
  Sql("postgres", {"ALTER ROLE svc CREATEROLE CREATEDB BYPASSRLS"});
  const PlanFile file = Plan("svc");
  for (const char* attribute : {"CREATEROLE", "CREATEDB", "BYPASSRLS"})
    EXPECT_THAT(file.plan.left, Contains(AllOf(Field(&Left::via, Via::kAttribute), Field(&Left::privilege, attribute))));
}

TEST_F(ShopTest, WhatIsGrantedToPublicByTheAccountFallsAndComesBack) {
  Sql("shop", {"SET ROLE svc", "GRANT SELECT ON app.invoices TO PUBLIC"});
  const std::set<std::string> before = Acls();
  PlanFile file = Plan("svc");
  EXPECT_THAT(Lines(file.plan.cascades), Contains("SELECT on table app.invoices in database `shop` to PUBLIC by `svc`"));
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_EQ(StateAs("svc", "shop", "SELECT FROM app.invoices"), "42501");
  ASSERT_TRUE(RollBack(file));
  EXPECT_EQ(Acls(), before);
}

TEST_F(ShopTest, AGrantThatNobodyCanTakeBackIsKeptAndSaid) {
  // The grantor has become a superuser, who acts as the owner now: PostgreSQL has no statement for his old grants.
  Sql("postgres", {"CREATE ROLE dba", "GRANT dba TO svc"});
  Sql("shop", {"GRANT USAGE ON SCHEMA app TO dba", "GRANT DELETE ON app.invoices TO dba WITH GRANT OPTION", "SET ROLE dba",
               "GRANT DELETE ON app.invoices TO svc"});
  Sql("postgres", {"REVOKE dba FROM svc", "ALTER ROLE dba SUPERUSER"});
  PlanFile file = Plan("svc");
  ASSERT_THAT(file.plan.kept, SizeIs(1));
  EXPECT_THAT(file.plan.kept[0].grant.ToString(), HasSubstr("DELETE on table app.invoices"));
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_THAT(applied->probes.tried, testing::Not(Contains(Field(&Probe::what, HasSubstr("DELETE")))));
}

}  // namespace
}  // namespace remit::posture
