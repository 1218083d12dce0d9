// Ending an account at a real server: nothing that can be taken stays, nobody comes in as it, and what stays is named.
#include "posture/replace/account_end.h"

#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "pg/connection.h"
#include "posture/replace/fixture.h"

namespace remit::posture {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

struct Crash {};

class AccountEndTest : public ReplaceTest {
 protected:
  void SetUp() override {
    ReplaceTest::SetUp();
    folder_ = file_ + ".d";
    std::filesystem::create_directory(folder_);
    end_options_.folder = folder_;
    end_options_.prefix = "shop";
    end_options_.intent = [this](const AccountIntent& intent) -> Status {
      intents_.push_back(intent);
      return {};
    };
    Sql("postgres",
        {"CREATE DATABASE shop", "CREATE DATABASE archive", "CREATE ROLE owner", "CREATE ROLE readers",
         "CREATE ROLE dba SUPERUSER LOGIN PASSWORD 'dba'", "CREATE ROLE app LOGIN PASSWORD 'app' CREATEDB CREATEROLE", "GRANT readers TO app"});
    Sql("shop", {"CREATE TABLE public.t (id int, amount int)", "ALTER TABLE t OWNER TO owner", "GRANT SELECT, INSERT ON t TO app"});
    Sql("archive", {"CREATE TABLE public.old (id int)", "GRANT SELECT ON old TO app"});
  }

  Result<AccountEnd> End(const std::string& account = "app", const std::string& as = "postgres") {
    auto server = ReplaceServer::Open(server_.Options("postgres", as, as == "postgres" ? Secret() : Secret(as)));
    if (!server) return Fail(std::move(server).error());
    clock_.Advance(std::chrono::seconds(1));
    return EndAccount(*server, account, end_options_, clock_);
  }
  AccountEnd MustEnd(const std::string& account = "app") {
    auto end = End(account);
    EXPECT_TRUE(end) << end.error().ToString();
    return end ? *std::move(end) : AccountEnd();
  }
  std::string Ask(const std::string& question) { return std::string(server_.Connect()->Run(question)->Text(0, 0)); }
  bool CanLogIn(const std::string& role) { return Ask("SELECT rolcanlogin FROM pg_roles WHERE rolname = " + pg::QuoteLiteral(role).value()) == "t"; }
  static auto Open(const std::string& what, const std::string& id, const std::string& reason) {
    return AllOf(Field(&AccountEnd::Open::what, what), Field(&AccountEnd::Open::id, HasSubstr(id)),
                 Field(&AccountEnd::Open::reason, HasSubstr(reason)));
  }
  void ExpectAllGone() {
    EXPECT_EQ(StateAs("app", "shop", "SELECT * FROM t"), "42501");
    EXPECT_EQ(StateAs("app", "archive", "SELECT * FROM old"), "42501");
    EXPECT_EQ(StateAs("app", "shop", "SET ROLE readers"), "42501");
    EXPECT_EQ(StateAs("app", "postgres", "CREATE ROLE another"), "42501");
    EXPECT_FALSE(CanLogIn("app"));
  }

  std::string folder_;
  AccountEndOptions end_options_;
  std::vector<AccountIntent> intents_;
};

TEST_F(AccountEndTest, EverythingThatCanBeTakenIsTakenAndNobodyComesInAsIt) {
  const auto session = server_.Connect("shop", "app", Secret("app"));
  ASSERT_TRUE(session->Run("SELECT * FROM t"));
  const AccountEnd end = MustEnd();
  EXPECT_TRUE(end.ended);
  EXPECT_THAT(end.open, IsEmpty());
  EXPECT_EQ(end.removed, 4u);
  EXPECT_EQ(end.sessions, 1);
  EXPECT_GE(end.refused, 4u);
  ExpectAllGone();
  EXPECT_FALSE(session->Run("SELECT 1"));
  EXPECT_EQ(pg::TryLogin(server_.Options("shop", "app", Secret("app"))).sqlstate, "28000");
  EXPECT_THAT(end.evidence, Contains(Field(&AccountEnd::Step::detail, "NOLOGIN; it had CREATEROLE, CREATEDB")));
  // What began was said before, first without a plan, then with it; and its file is the way back.
  ASSERT_EQ(intents_.size(), 2u);
  EXPECT_EQ(intents_[0].plan, "");
  EXPECT_EQ(intents_[1].plan, end.plan);
  struct stat there{};
  ASSERT_EQ(stat(end.file.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777u, 0600u);
  PlanFile file = PlanFile::Load(end.file).value();
  EXPECT_EQ(file.phase, Phase::kApplied);
  EXPECT_EQ(RollBack(file)->restored, 4u);
  EXPECT_EQ(StateAs("app", "shop", "SELECT * FROM t"), "");
}

TEST_F(AccountEndTest, AgainItIsEndedAlreadyAndWhatCameBackGoes) {
  const AccountEnd first = MustEnd();
  AccountEnd again = MustEnd();
  EXPECT_TRUE(again.ended);
  EXPECT_EQ(again.removed, 0u);
  // What the first call took away is said again: how much, when, and by which plan, which is the way back.
  const std::string when = FormatTime(PlanFile::Load(first.file)->changed);
  EXPECT_EQ(again.file, first.file);
  EXPECT_EQ(again.plan, "") << "it is no plan of this call";
  EXPECT_THAT(again.evidence, Contains(Field(&AccountEnd::Step::detail,
                                             fmt::format("4 taken away at {}, by a call before; plan {} in {}", when, first.plan, first.file))));
  EXPECT_THAT(again.evidence, Contains(Field(&AccountEnd::Step::detail, "NOLOGIN already, before it was asked this time")));
  Sql("shop", {"GRANT DELETE ON t TO app", "ALTER ROLE app LOGIN"});
  again = MustEnd();
  EXPECT_TRUE(again.ended);
  EXPECT_EQ(again.removed, 1u);
  EXPECT_FALSE(CanLogIn("app"));
  EXPECT_NE(again.file, first.file) << "the way back for what was taken last";
  EXPECT_THAT(again.evidence, Contains(Field(&AccountEnd::Step::detail, HasSubstr(first.file)))) << "and the other is not forgotten";
  const AccountEnd third = MustEnd();
  EXPECT_EQ(third.file, again.file);
  PlanFile back = PlanFile::Load(again.file).value();
  ASSERT_TRUE(RollBack(back));
  Sql("shop", {"REVOKE DELETE ON t FROM app"});
  EXPECT_EQ(MustEnd().file, first.file) << "what was given back is no way back any more";
}

TEST_F(AccountEndTest, WhatItOwnsIsNamedAndStays) {
  Sql("shop", {"CREATE TABLE public.mine (id int)", "ALTER TABLE mine OWNER TO app"});
  const AccountEnd end = MustEnd();
  EXPECT_TRUE(end.ended);  // nobody comes in as it
  EXPECT_THAT(end.open, ElementsAre(Open("ownership", "table public.mine", "another owner")));
  EXPECT_THAT(end.evidence, Contains(Field(&AccountEnd::Step::detail, HasSubstr("rights of everybody stay"))));
  ExpectAllGone();
}

TEST_F(AccountEndTest, ASuperuserIsLockedOutAndStaysOpen) {
  Sql("postgres", {"ALTER ROLE app SUPERUSER"});
  const auto session = server_.Connect("shop", "app", Secret("app"));
  const AccountEnd end = MustEnd();
  EXPECT_FALSE(end.ended);
  EXPECT_THAT(end.open, Contains(Open("superuser", "app", "NOSUPERUSER")));
  EXPECT_FALSE(CanLogIn("app"));
  EXPECT_FALSE(session->Run("SELECT 1"));
  Sql("postgres", {"ALTER ROLE app NOSUPERUSER"});
  EXPECT_TRUE(MustEnd().ended);
  ExpectAllGone();
}

TEST_F(AccountEndTest, TheWayInAndRemitsOwnAreNotTouched) {
  end_options_.reserved = [](std::string_view role) { return role == "app"; };
  const std::set<std::string> before = Acls();
  for (const auto& [account, as, reason] :
       std::vector<std::tuple<std::string, std::string, std::string>>{{"dba", "dba", "does not take from itself"},
                                                                      {"postgres", "dba", "the last way in"},
                                                                      {"pg_read_all_data", "dba", "PostgreSQL's own"},
                                                                      {"app", "dba", "Remit's own"}}) {
    auto end = End(account, as);
    ASSERT_TRUE(end) << end.error().ToString();
    EXPECT_FALSE(end->ended);
    EXPECT_THAT(end->open, ElementsAre(Open("account", account, reason)));
  }
  EXPECT_TRUE(CanLogIn("dba"));
  EXPECT_TRUE(CanLogIn("postgres"));
  EXPECT_TRUE(CanLogIn("app"));
  EXPECT_EQ(Acls(), before);
  EXPECT_THAT(intents_, IsEmpty());
}

TEST_F(AccountEndTest, ANameWithQuotesIsAName) {
  const std::string name = R"(o'neil "x"; DROP ROLE owner; --)";
  Sql("shop", {"CREATE ROLE " + SqlName(name) + " LOGIN PASSWORD 'x'", "GRANT SELECT ON t TO " + SqlName(name)});
  const AccountEnd end = MustEnd(name);
  EXPECT_TRUE(end.ended);
  EXPECT_FALSE(CanLogIn(name));
  EXPECT_EQ(StateAs(name, "shop", "SELECT * FROM t"), "42501");
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_roles WHERE rolname = 'owner'"), "1");
  EXPECT_TRUE(CanLogIn("app"));
}

TEST_F(AccountEndTest, ARoleThatIsNotThereIsEndedOnlyWhereItsOidIsKnownAndGone) {
  AccountEnd end = MustEnd("nobody");
  EXPECT_FALSE(end.ended);
  EXPECT_THAT(end.open, ElementsAre(Open("account", "nobody", "it may have been renamed")));
  end_options_.known = KnownRole{"4711", end.system};
  end = MustEnd("nobody");
  EXPECT_TRUE(end.ended);
  EXPECT_THAT(end.evidence, ElementsAre(Field(&AccountEnd::Step::detail, HasSubstr("there is none with its OID 4711"))));
  end_options_.known = KnownRole{"4711", "another cluster"};
  EXPECT_FALSE(MustEnd("nobody").ended);
  EXPECT_THAT(intents_, IsEmpty());
}

TEST_F(AccountEndTest, ARoleThatWasRenamedIsNamedAndNotTouched) {
  end_options_.known = KnownRole{Ask("SELECT oid FROM pg_roles WHERE rolname = 'app'"), MustEnd("nobody").system};
  Sql("postgres", {"ALTER ROLE app RENAME TO application", "ALTER ROLE application PASSWORD 'app'"});
  const std::set<std::string> before = Acls();
  AccountEnd end = MustEnd();
  EXPECT_FALSE(end.ended);
  EXPECT_THAT(end.open, ElementsAre(Open("account", "app", "is called `application` now")));
  EXPECT_THAT(intents_, IsEmpty());
  EXPECT_EQ(Acls(), before);
  EXPECT_TRUE(CanLogIn("application"));
  // Who takes its name hides it from nobody, and may be somebody whom nobody meant.
  Sql("postgres", {"CREATE ROLE app LOGIN"});
  end = MustEnd();
  EXPECT_FALSE(end.ended);
  EXPECT_THAT(end.open, ElementsAre(Open("account", "app", "is called `application` now, and what has this name now is another role (OID ")));
  EXPECT_TRUE(CanLogIn("app"));
  EXPECT_THAT(intents_, IsEmpty());
}

TEST_F(AccountEndTest, AnotherClusterBehindTheAddressIsNotTouched) {
  end_options_.known = KnownRole{Ask("SELECT oid FROM pg_roles WHERE rolname = 'app'"), "7300000000000000001"};
  const std::set<std::string> before = Acls();
  const AccountEnd end = MustEnd();
  EXPECT_FALSE(end.ended);
  EXPECT_THAT(end.open, ElementsAre(Open("account", "app", "at cluster 7300000000000000001, and cluster " + end.system + " answers now")));
  EXPECT_EQ(Acls(), before);
  EXPECT_TRUE(CanLogIn("app"));
  EXPECT_THAT(intents_, IsEmpty());
}

TEST_F(AccountEndTest, WhatHasTheNameOfARoleThatIsGoneIsEndedAsDeclared) {
  end_options_.known = KnownRole{"4711", MustEnd("nobody").system};
  const AccountEnd end = MustEnd();
  EXPECT_TRUE(end.ended);
  ExpectAllGone();
}

// Statements take names. Whoever may rename roles waits for the moment between a look at the role and its change, and can make that long: by a
// session that holds the row, so that Disarm tries again.
TEST_F(AccountEndTest, ARoleThatGetsTheNameMeanwhileIsNotHit) {
  Sql("shop", {"CREATE ROLE victim LOGIN CREATEDB", "GRANT SELECT ON t TO victim", "GRANT readers TO victim"});
  for (const std::string step : {"disarming", "disarmed", "checked:shop"}) {
    for (const bool holds_the_row : {false, true}) {
      SCOPED_TRACE(step + (holds_the_row ? ", held" : ""));
      std::unique_ptr<pg::Connection> holder;
      if (holds_the_row) {
        holder = server_.Connect("shop", "app", Secret("app"));
        for (const char* sql : {"BEGIN", "ALTER ROLE app PASSWORD 'app'"}) ASSERT_TRUE(holder->Run(sql)) << sql;
      }
      const std::string oid = Ask("SELECT oid FROM pg_roles WHERE rolname = 'app'");
      int tries = 0;
      bool swapped = false;
      end_options_.at = [&](std::string_view at) {
        if (at != step || swapped || (holds_the_row && step == "disarming" && ++tries < 2)) return;  // while it is held nobody can rename it
        swapped = true;
        Sql("postgres", {"ALTER ROLE app RENAME TO hidden", "ALTER ROLE victim RENAME TO app"});
      };
      const AccountEnd end = MustEnd();
      end_options_.at = nullptr;
      ASSERT_TRUE(swapped);
      EXPECT_EQ(Ask("SELECT rolcanlogin AND rolcreatedb FROM pg_roles WHERE rolname = 'app'"), "t");
      EXPECT_EQ(StateAs("app", "shop", "SELECT * FROM t"), "");
      EXPECT_EQ(StateAs("app", "shop", "SET ROLE readers"), "");
      if (step == "disarming") {
        EXPECT_FALSE(end.ended);
        EXPECT_THAT(end.open, Contains(Open("login", "app", "with OID " + oid + " is called `hidden` now")));
        EXPECT_TRUE(CanLogIn("hidden"));
      }
      Sql("postgres", {"ALTER ROLE app RENAME TO victim", "ALTER ROLE hidden RENAME TO app",
                       "ALTER ROLE app LOGIN PASSWORD 'app' CREATEDB CREATEROLE", "GRANT readers TO app"});
      Sql("shop", {"GRANT SELECT, INSERT ON t TO app"});
      Sql("archive", {"GRANT SELECT ON old TO app"});
    }
  }
}

TEST_F(AccountEndTest, AnIntentThatCannotBeWrittenDownStopsEverything) {
  end_options_.intent = [](const AccountIntent&) { return Fail(Code::kUnavailable, "store-failed", "the disk is on fire"); };
  const std::set<std::string> before = Acls();
  EXPECT_EQ(End().error().reason, "store-failed");
  EXPECT_EQ(Acls(), before);
  EXPECT_TRUE(CanLogIn("app"));
}

TEST_F(AccountEndTest, ACrashAtAnyStepIsGoneOnWithByTheNextCall) {
  std::set<std::string> steps = {"disarming", "disarmed", "ended"};
  for (const char* database : {"postgres", "shop", "archive", "template1"}) {
    steps.insert(std::string("checked:") + database);
    steps.insert(std::string("committed:") + database);
  }
  for (const std::string& step : steps) {
    SCOPED_TRACE(step);
    bool crashed = false;
    end_options_.at = [&](std::string_view at) {
      if (at == step) crashed = true, throw Crash();
    };
    try {
      (void)End();
    } catch (const Crash&) {}
    ASSERT_TRUE(crashed);
    end_options_.at = nullptr;
    const AccountEnd end = MustEnd();
    EXPECT_TRUE(end.ended);
    EXPECT_THAT(end.open, IsEmpty());
    ExpectAllGone();
    Sql("postgres", {"ALTER ROLE app LOGIN CREATEDB CREATEROLE", "GRANT readers TO app"});
    Sql("shop", {"GRANT SELECT, INSERT ON t TO app"});
    Sql("archive", {"GRANT SELECT ON old TO app"});
  }
}

TEST_F(AccountEndTest, APreparedTransactionStaysOpenAndNobodyComesIn) {
  {
    const auto session = server_.Connect("shop", "app", Secret("app"));
    for (const char* sql : {"BEGIN", "INSERT INTO t VALUES (1)", "PREPARE TRANSACTION 'later'"}) ASSERT_TRUE(session->Run(sql));
  }
  const AccountEnd end = MustEnd();
  EXPECT_FALSE(end.ended);
  EXPECT_THAT(end.open, Contains(Open("grant", "SELECT on table public.t", "later")));
  EXPECT_FALSE(CanLogIn("app"));
  Sql("shop", {"ROLLBACK PREPARED 'later'"});
  EXPECT_TRUE(MustEnd().ended);
  ExpectAllGone();
}

TEST_F(AccountEndTest, AnOpenTransactionThatHoldsItsRowKeepsNobodyIn) {
  const auto session = server_.Connect("shop", "app", Secret("app"));
  for (const char* sql : {"BEGIN", "ALTER ROLE app PASSWORD 'mine'"}) ASSERT_TRUE(session->Run(sql)) << sql;
  EXPECT_TRUE(MustEnd().ended);
  ExpectAllGone();
}

TEST_F(AccountEndTest, WhoChangesItsRowAgainAndAgainIsLockedOut) {
  end_options_.sessions_limit = kPatience;
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i)
    clients.emplace_back([&, options = server_.Options("shop", "app", Secret("app"))] {
      while (!stop) {
        const auto session = pg::Connection::Open(options);
        while (session && !stop && (*session)->Run("ALTER ROLE app PASSWORD 'app'")) {}
      }
    });
  const AccountEnd end = MustEnd();
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(end.ended);
  ExpectAllGone();
}

TEST_F(AccountEndTest, APreparedTransactionThatHoldsItsRowKeepsNobodyIn) {
  // No session is left of it, and whoever was it comes in as before: as itself, or as a role that it can become.
  for (const char* as : {"app", "readers"}) {
    SCOPED_TRACE(as);
    {
      const auto session = server_.Connect("shop", "app", Secret("app"));
      for (const std::string sql : {"BEGIN", "ALTER ROLE app PASSWORD 'mine'", "SET LOCAL ROLE x", "PREPARE TRANSACTION 'it''s mine'"})
        ASSERT_TRUE(session->Run(sql.ends_with(" x") ? "SET LOCAL ROLE " + std::string(as) : sql)) << sql;
    }
    const AccountEnd end = MustEnd();
    EXPECT_TRUE(end.ended);
    EXPECT_THAT(end.evidence, Contains(AllOf(Field(&AccountEnd::Step::step, "prepared"), Field(&AccountEnd::Step::detail, HasSubstr("it's mine")))));
    ExpectAllGone();
    Sql("postgres", {"ALTER ROLE app LOGIN CREATEDB CREATEROLE", "GRANT readers TO app"});
  }
}

TEST_F(AccountEndTest, APlanOfAnotherAccountIsNotGoneOnWith) {
  // That of another target, whose name begins as this one's files do.
  Sql("shop", {"CREATE ROLE innocent LOGIN", "GRANT SELECT ON t TO innocent"});
  PlanFile theirs = Plan("innocent");
  theirs.path = fmt::format("{}/shop-{}-16400-1.replace.json", folder_, Ask("SELECT oid FROM pg_roles WHERE rolname = 'app'"));
  theirs.phase = Phase::kApplying;
  ASSERT_TRUE(theirs.Create());
  EXPECT_TRUE(MustEnd().ended);
  ExpectAllGone();
  EXPECT_EQ(StateAs("innocent", "shop", "SELECT * FROM t"), "");
}

TEST_F(AccountEndTest, SettingsOfADatabasesOwnerKeepNobodyOut) {
  Sql("postgres", {"ALTER DATABASE archive OWNER TO app"});
  const auto session = server_.Connect("shop", "app", Secret("app"));
  for (const char* sql : {"ALTER DATABASE archive SET idle_session_timeout TO '1ms'", "ALTER DATABASE archive SET statement_timeout TO '1ms'",
                          "ALTER DATABASE archive SET lock_timeout TO '1ms'", "ALTER DATABASE archive SET search_path TO evil"})
    ASSERT_TRUE(session->Run(sql)) << sql;
  const AccountEnd end = MustEnd();
  EXPECT_TRUE(end.ended);
  EXPECT_THAT(end.open, AllOf(Contains(Open("ownership", "archive", "owner")), Each(Field(&AccountEnd::Open::what, "ownership"))));
  EXPECT_FALSE(CanLogIn("app"));
  Sql("postgres", {"ALTER DATABASE archive RESET ALL", "ALTER DATABASE archive OWNER TO postgres"});
  EXPECT_EQ(StateAs("app", "archive", "SELECT * FROM old"), "42501");
}

TEST_F(AccountEndTest, WhatItGaveToOthersFallsAndWhoLosesByItIsNamed) {
  Sql("shop", {"CREATE ROLE backdoor LOGIN", "CREATE ROLE worker LOGIN", "GRANT app TO worker", "GRANT SELECT ON t TO app WITH GRANT OPTION"});
  auto connection = server_.Connect("shop");
  ASSERT_TRUE(connection->Run("SET ROLE app"));
  ASSERT_TRUE(connection->Run("GRANT SELECT ON t TO backdoor"));
  const AccountEnd end = MustEnd();
  EXPECT_TRUE(end.ended);
  EXPECT_EQ(end.cascades, 1u);
  EXPECT_EQ(StateAs("backdoor", "shop", "SELECT * FROM t"), "42501");
  EXPECT_THAT(end.evidence, Contains(Field(&AccountEnd::Step::detail, HasSubstr("`worker` lost what they had through it"))));
}

TEST_F(AccountEndTest, AMereRoleSeesWhatAnAccountHolds) {
  Sql("postgres", {"CREATE ROLE remit LOGIN PASSWORD 'remit'"});
  Sql("shop", {"CREATE TABLE public.mine (id int)", "ALTER TABLE mine OWNER TO app"});
  const auto connection = server_.Connect("shop", "remit", Secret("remit"));
  const auto held = ReadAccountHeld(*connection, "app");
  ASSERT_TRUE(held) << held.error().ToString();
  EXPECT_THAT(held->holds, AllOf(Contains("LOGIN"), Contains("CREATEROLE"), Contains("membership in `readers`"),
                                 Contains("1 objects of its own in database `shop`"), Contains(HasSubstr("grants in database `archive`"))));
  Sql("shop", {"DROP TABLE mine"});
  ASSERT_TRUE(MustEnd().ended);
  EXPECT_THAT(ReadAccountHeld(*connection, "app")->holds, IsEmpty());
  EXPECT_EQ(ReadAccountHeld(*connection, "nobody").error().reason, "unknown-account");
}

}  // namespace
}  // namespace remit::posture
