// Whoever wants the account to keep its access, or to use the administrator's while it is taken away.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "posture/replace/fixture.h"

namespace remit::posture {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ReplaceAttack : public ReplaceTest {
 protected:
  void SetUp() override {
    ReplaceTest::SetUp();
    Sql("postgres", {"CREATE ROLE boss", "CREATE ROLE owners", "CREATE ROLE accomplice LOGIN", "CREATE ROLE svc LOGIN PASSWORD 'svc-password'",
                     "CREATE DATABASE shop", "CREATE DATABASE zoo", "GRANT owners TO svc"});
    Sql("shop", {"CREATE TABLE invoices (id int)", "ALTER TABLE invoices OWNER TO boss", "CREATE TABLE orders (id int)",
                 "CREATE TABLE theirs (id int)", "ALTER TABLE theirs OWNER TO owners", "GRANT SELECT ON invoices TO svc"});
    Sql("zoo", {"CREATE TABLE animals (id int)", "GRANT SELECT ON animals TO svc"});
  }

  // Nothing was done, and the file says so.
  void ExpectUntouched(const PlanFile& file, const std::set<std::string>& before) {
    EXPECT_EQ(file.phase, Phase::kPlanned);
    const auto loaded = PlanFile::Load(file.path);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->phase, Phase::kPlanned);
    EXPECT_EQ(Acls(), before);
  }

  // Nothing is applied, for that reason; what is said about it.
  std::string ExpectRefused(PlanFile& file, std::string_view reason) {
    const std::set<std::string> before = Acls();
    const auto applied = Apply(file);
    if (applied) {
      ADD_FAILURE() << "it was applied, and not refused as " << reason;
      return "";
    }
    EXPECT_EQ(applied.error().reason, reason);
    ExpectUntouched(file, before);
    return applied.error().message;
  }

  // Another process applies, and is gone without a word at that step.
  void ApplyAndDieAt(const std::string& step) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      options_.at = [&](std::string_view at) {
        if (at == step) _exit(42);
      };
      auto file = PlanFile::Load(file_);
      if (file) (void)Apply(*file);
      _exit(1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 42) << "it never came to " << step;
  }
};

TEST_F(ReplaceAttack, AnObjectThatWasRenamedOrMadeAnewIsNotTheOneThatWasPlanned) {
  for (const std::vector<std::string>& changes : std::vector<std::vector<std::string>>{
           {"ALTER TABLE invoices RENAME TO bills", "CREATE TABLE invoices (id int)"},
           {"DROP TABLE invoices", "CREATE TABLE invoices (id int)", "ALTER TABLE invoices OWNER TO boss", "GRANT SELECT ON invoices TO svc"}}) {
    PlanFile file = Plan("svc");
    Sql("shop", changes);
    EXPECT_THAT(ExpectRefused(file, "changed-since-plan"), HasSubstr("table public."));
  }
}

TEST_F(ReplaceAttack, AGrantThatWasAddedOrTakenSinceThePlan) {
  for (const char* change : {"GRANT DELETE ON orders TO svc", "REVOKE SELECT ON invoices FROM svc", "GRANT SELECT ON orders TO PUBLIC",
                             "GRANT SELECT ON invoices TO svc WITH GRANT OPTION", "ALTER TABLE orders OWNER TO svc",
                             "CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'", "ALTER ROLE svc CREATEROLE", "GRANT boss TO svc"}) {
    PlanFile file = Plan("svc");
    SCOPED_TRACE(change);
    Sql("shop", {change});
    ExpectRefused(file, "changed-since-plan");
  }
}

TEST_F(ReplaceAttack, AGrantThatComesWhileItIsAppliedIsSeenAndSaid) {
  PlanFile file = Plan("svc");
  options_.at = [&](std::string_view step) {
    if (step == "checked:shop") Sql("shop", {"GRANT DELETE ON orders TO svc"});
  };
  const auto applied = Apply(file);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().reason, "more-left-than-planned");
  EXPECT_THAT(applied.error().message, HasSubstr("DELETE on table public.orders"));
  EXPECT_EQ(file.phase, Phase::kApplying);
  EXPECT_THAT(StatusOf(file).new_here, SizeIs(1));
  ASSERT_TRUE(RollBack(file));
}

TEST_F(ReplaceAttack, AnotherDatabaseThatRefusesAfterOneWasCommittedBringsEverythingBack) {
  std::set<std::string> before;
  PlanFile file = Plan("svc");
  options_.at = [&](std::string_view step) {
    if (step != "committed:postgres") return;
    Sql("shop", {"GRANT SELECT ON orders TO PUBLIC"});
  };
  const auto applied = Apply(file);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().reason, "more-left-than-planned");
  EXPECT_THAT(applied.error().message,
              AllOf(HasSubstr("everything was brought back"), HasSubstr("SELECT on table public.orders"), HasSubstr("by public")));
  Sql("shop", {"REVOKE SELECT ON orders FROM PUBLIC"});
  EXPECT_THAT(StatusOf(file).gone, IsEmpty());
  EXPECT_EQ(file.phase, Phase::kPlanned);
  options_.at = nullptr;
  ASSERT_TRUE(Apply(file));
}

TEST_F(ReplaceAttack, AnEventTriggerOfAFunctionThatIsNotASuperusersIsNotRun) {
  Sql("shop", {"CREATE FUNCTION regrant() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN ALTER ROLE accomplice SUPERUSER; END'",
               "CREATE EVENT TRIGGER keep ON ddl_command_end WHEN TAG IN ('REVOKE') EXECUTE FUNCTION regrant()",
               "ALTER FUNCTION regrant() OWNER TO accomplice"});
  PlanFile file = Plan("svc");
  ExpectRefused(file, "unsafe-event-trigger");
  EXPECT_EQ(StateAs("accomplice", "shop", "CREATE ROLE x"), "42501");
}

TEST_F(ReplaceAttack, AnEventTriggerThatGrantsAgainRollsEverythingBack) {
  Sql("shop", {"CREATE FUNCTION regrant() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN GRANT SELECT ON public.invoices TO svc; END'",
               "CREATE EVENT TRIGGER keep ON ddl_command_end WHEN TAG IN ('REVOKE') EXECUTE FUNCTION regrant()"});
  PlanFile file = Plan("svc");
  EXPECT_THAT(ExpectRefused(file, "more-left-than-planned"), HasSubstr("SELECT on table public.invoices in database `shop` to `svc` by `boss`"));
}

TEST_F(ReplaceAttack, AnEventTriggerThatGrantsToAnotherRollsEverythingBack) {
  Sql("shop", {"CREATE FUNCTION regrant() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN GRANT SELECT ON public.orders TO accomplice; END'",
               "CREATE EVENT TRIGGER keep ON ddl_command_end WHEN TAG IN ('REVOKE') EXECUTE FUNCTION regrant()"});
  PlanFile file = Plan("svc");
  EXPECT_THAT(ExpectRefused(file, "more-left-than-planned"), HasSubstr("there, against the plan: SELECT on table public.orders"));
}

TEST_F(ReplaceAttack, WhatIsPutOffToTheCommitHappensBeforeTheQuestion) {
  Sql("shop", {"CREATE TABLE later (n int)",
               "CREATE FUNCTION grant_later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN GRANT SELECT ON public.invoices TO svc; RETURN NULL; END'",
               "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grant_later()",
               "CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.later VALUES (1); END'",
               "CREATE EVENT TRIGGER keep ON ddl_command_end WHEN TAG IN ('REVOKE') EXECUTE FUNCTION note()"});
  PlanFile file = Plan("svc");
  ExpectRefused(file, "more-left-than-planned");
}

// The planner runs an immutable function, here of a column's default, before any permission is looked at; one that writes a file as the server's user
// would have had a superuser's rights.
TEST_F(ReplaceAttack, AProbeLendsNobodyTheAdministratorsRights) {
  const std::string loot = server_.Get("data") + "/loot";
  Sql("shop", {"CREATE FUNCTION inner_evil() RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN "
               "BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXCEPTION WHEN OTHERS THEN NULL; END; "
               "BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END; "
               "EXECUTE 'COPY (SELECT current_user) TO ''" +
                   loot + "'''; RETURN 1; END$$",
               "CREATE FUNCTION evil(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.inner_evil(); END'",
               "ALTER FUNCTION inner_evil() OWNER TO accomplice", "ALTER FUNCTION evil(int) OWNER TO accomplice",
               "CREATE TABLE trap (n int DEFAULT evil(1))", "ALTER TABLE trap OWNER TO accomplice", "GRANT INSERT ON trap TO svc"});
  PlanFile file = Plan("svc");
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_FALSE(std::filesystem::exists(loot));
  // It was tried, and the trap went off: what it wanted was refused.
  EXPECT_THAT(applied->probes.tried,
              Contains(AllOf(Field(&Probe::what, HasSubstr("table public.trap")), Field(&Probe::verdict, ProbeVerdict::kRefused))));
}

TEST_F(ReplaceAttack, AMemberOfARoleThatOwnsThingsLosesThem) {
  ASSERT_EQ(StateAs("svc", "shop", "ALTER TABLE theirs ADD COLUMN mine int"), "");
  PlanFile file = Plan("svc");
  ASSERT_TRUE(Apply(file));
  for (const char* statement :
       {"ALTER TABLE theirs ADD COLUMN more int", "SELECT FROM theirs", "GRANT SELECT ON theirs TO svc", "DROP TABLE theirs", "SET ROLE owners"})
    EXPECT_EQ(StateAs("svc", "shop", statement), "42501") << statement;
  ASSERT_TRUE(RollBack(file));
  EXPECT_EQ(StateAs("svc", "shop", "SELECT FROM theirs"), "");
}

TEST_F(ReplaceAttack, ASessionThatBecameAnotherRoleEnds) {
  auto session = server_.Connect("shop", "svc", Secret("svc-password"));
  ASSERT_TRUE(session->Run("SET ROLE owners"));
  ASSERT_TRUE(session->Run("BEGIN"));
  ASSERT_TRUE(session->Run("DECLARE c CURSOR FOR SELECT * FROM theirs"));
  PlanFile file = Plan("svc");
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_EQ(applied->sessions, 1);
  EXPECT_FALSE(session->Run("FETCH c"));
}

TEST_F(ReplaceAttack, AClientThatReconnectsAgainAndAgainChangesNothing) {
  std::atomic<bool> stop = false;
  std::atomic<int> allowed_after = 0, connections = 0;
  std::atomic<bool> gone = false;
  std::thread client([&] {
    while (!stop) {
      auto session = pg::Connection::Open(server_.Options("shop", "svc", Secret("svc-password")));
      if (!session) continue;
      ++connections;
      const bool was_gone = gone;
      if ((*session)->Run("SELECT FROM invoices") && was_gone) ++allowed_after;
    }
  });
  PlanFile file = Plan("svc");
  options_.at = [&](std::string_view step) {
    if (step == "committed:shop") gone = true;
  };
  const auto applied = Apply(file);
  stop = true;
  client.join();
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_GT(connections, 0);
  EXPECT_EQ(allowed_after, 0);
}

TEST_F(ReplaceAttack, APreparedTransactionThatWouldGiveItBack) {
  Sql("shop", {"SET SESSION AUTHORIZATION svc", "SET ROLE owners", "BEGIN", "GRANT SELECT ON theirs TO svc", "PREPARE TRANSACTION 'later'"});
  PlanFile file = Plan("svc");
  EXPECT_THAT(ExpectRefused(file, "prepared-transaction"), AllOf(HasSubstr("later"), HasSubstr("owners"), HasSubstr("shop")));
  Sql("shop", {"ROLLBACK PREPARED 'later'"});
  EXPECT_TRUE(Apply(file));
}

TEST_F(ReplaceAttack, ALockThatSomebodyHoldsRefusesAndLeavesEverything) {
  PlanFile file = Plan("svc");
  const std::set<std::string> before = Acls();
  auto other = server_.Connect("zoo");
  ASSERT_TRUE(other->Run("BEGIN"));
  ASSERT_TRUE(other->Run("GRANT UPDATE ON animals TO accomplice"));
  const auto applied = Apply(file);
  ASSERT_FALSE(applied);
  EXPECT_TRUE(pg::IsTimeout(applied.error())) << applied.error().ToString();
  EXPECT_THAT(applied.error().message, HasSubstr("animals"));
  ASSERT_TRUE(other->Run("ROLLBACK"));
  ExpectUntouched(file, before);
}

TEST_F(ReplaceAttack, AFunctionOfTheOwnersThatGrantsAgainIsNamedAndItsWorkIsSeen) {
  Sql("shop", {"CREATE FUNCTION help() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'GRANT SELECT ON public.invoices TO svc'",
               "ALTER FUNCTION help() OWNER TO boss"});
  PlanFile file = Plan("svc");
  EXPECT_THAT(file.plan.left, Contains(AllOf(Field(&Left::what, "function public.help()"), Field(&Left::note, "runs with the rights of boss"))));
  ASSERT_TRUE(Apply(file));
  EXPECT_EQ(StateAs("svc", "shop", "SELECT help()"), "");
  EXPECT_THAT(StatusOf(file).there, Contains(HasSubstr("SELECT on table public.invoices")));
}

TEST_F(ReplaceAttack, AnotherRoleOfTheSameNameIsNotTheAccount) {
  PlanFile file = Plan("svc");
  Sql("shop", {"DROP OWNED BY svc"});
  Sql("zoo", {"DROP OWNED BY svc"});
  Sql("postgres", {"DROP ROLE svc", "CREATE ROLE svc"});
  const auto applied = Apply(file);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().reason, "changed-since-plan");
  file.phase = Phase::kApplied;
  const auto back = RollBack(file);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().reason, "account-changed");
}

TEST_F(ReplaceAttack, ACrashBetweenDatabasesIsFinishedOrTakenBack) {
  const std::set<std::string> before = Acls();
  for (const auto& [step, forward] : std::vector<std::pair<std::string, bool>>{
           {"checked:postgres", false}, {"committed:postgres", true}, {"committed:shop", false}, {"ended", true}}) {
    SCOPED_TRACE(fmt::format("{}, {}", step, forward ? "apply" : "rollback"));
    (void)Plan("svc");
    ASSERT_NO_FATAL_FAILURE(ApplyAndDieAt(step));
    auto file = PlanFile::Load(file_);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->phase, Phase::kApplying);
    const ReplaceStatus status = StatusOf(*file);
    EXPECT_EQ(status.gone.size() + status.there.size(), 3u);
    EXPECT_EQ(status.gone.empty(), step == "checked:postgres");
    if (forward) {
      const auto applied = Apply(*file);
      ASSERT_TRUE(applied) << applied.error().ToString();
      EXPECT_EQ(file->phase, Phase::kApplied);
      EXPECT_THAT(StatusOf(*file).there, IsEmpty());
    }
    const auto back = RollBack(*file);
    ASSERT_TRUE(back) << back.error().ToString();
    EXPECT_EQ(Acls(), before);
  }
}

TEST_F(ReplaceAttack, AFileThatOthersCanWriteIsNoPlan) {
  PlanFile file = Plan("svc");
  ASSERT_TRUE(Apply(file));
  // Somebody adds a grant that never was, with the hash that fits.
  Grant grant = file.plan.removed.front();
  grant.privilege = "DELETE";
  file.plan.removed.push_back(grant);
  std::filesystem::remove(file_);
  ASSERT_TRUE(file.Create());
  for (const auto others : {std::filesystem::perms::others_write, std::filesystem::perms::group_write}) {
    std::filesystem::permissions(file_, std::filesystem::perms(0600) | others);
    const auto loaded = PlanFile::Load(file_);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().reason, "file-not-private");
  }
}

TEST_F(ReplaceAttack, ADatabaseThatIsClosedGetsItsGrantsBackOnceItIsOpen) {
  const std::set<std::string> before = Acls();
  PlanFile file = Plan("svc");
  ASSERT_TRUE(Apply(file));
  Sql("postgres", {"ALTER DATABASE zoo ALLOW_CONNECTIONS false"});
  const auto part = RollBack(file);
  Sql("postgres", {"ALTER DATABASE zoo ALLOW_CONNECTIONS true"});
  ASSERT_TRUE(part) << part.error().ToString();
  EXPECT_THAT(part->lost, testing::ElementsAre(AllOf(HasSubstr("animals"), HasSubstr("takes no connections"))));
  EXPECT_EQ(file.phase, Phase::kRollingBack);
  EXPECT_THAT(Apply(file).error().hint, HasSubstr("rollback"));
  const auto rest = RollBack(file);
  ASSERT_TRUE(rest) << rest.error().ToString();
  EXPECT_THAT(rest->lost, IsEmpty());
  EXPECT_EQ(file.phase, Phase::kRolledBack);
  EXPECT_EQ(Acls(), before);
}

TEST_F(ReplaceAttack, WhatIsGoneIsNotGivenToAnother) {
  PlanFile file = Plan("svc");
  ASSERT_TRUE(Apply(file));
  Sql("shop", {"DROP TABLE invoices", "CREATE TABLE invoices (secret text)"});
  const auto back = RollBack(file);
  ASSERT_TRUE(back) << back.error().ToString();
  EXPECT_THAT(back->lost, testing::ElementsAre(AllOf(HasSubstr("invoices"), HasSubstr("is gone"))));
  EXPECT_EQ(StateAs("svc", "shop", "SELECT FROM invoices"), "42501");
  EXPECT_EQ(StateAs("svc", "zoo", "SELECT FROM animals"), "");
}

TEST_F(ReplaceAttack, NamesAreNamesWhateverTheySay) {
  const std::string table = "t\"; GRANT boss TO svc; --\n' \\";
  Sql("shop",
      {fmt::format("CREATE TABLE {} (id int)", SqlName(table)), fmt::format("GRANT SELECT ON {} TO svc", SqlName(table)),
       fmt::format("CREATE ROLE {}", SqlName("a\nb\"; DROP ROLE boss; --")), fmt::format("GRANT {} TO svc", SqlName("a\nb\"; DROP ROLE boss; --"))});
  const std::set<std::string> before = Acls();
  PlanFile file = Plan("svc");
  for (const Grant& grant : file.plan.removed) EXPECT_EQ(grant.ToString().find('\n'), std::string::npos);
  const auto applied = Apply(file);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_EQ(StateAs("svc", "shop", "SELECT FROM " + SqlName(table)), "42501");
  ASSERT_TRUE(RollBack(file));
  EXPECT_EQ(Acls(), before);
}

}  // namespace
}  // namespace remit::posture
