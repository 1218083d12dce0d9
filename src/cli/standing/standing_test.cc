// What an offboarding does with accounts at a real PostgreSQL target: shared ones, servers that are down, and targets where nobody may take away.
#include "cli/standing/standing.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "cli/targets.h"
#include "io/files.h"
#include "json/write.h"
#include "pg/quote.h"
#include "pg/test_server.h"

namespace remit::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StandingEnderTest : public testing::Test {
 protected:
  StandingEnderTest() {
    Sql("CREATE ROLE remit LOGIN PASSWORD 'remit'");
    Sql("CREATE ROLE offboarder SUPERUSER LOGIN PASSWORD 'offboarder'");
    Sql("CREATE ROLE app LOGIN PASSWORD 'app'");
    Sql("CREATE TABLE public.t (id int)");
    Sql("GRANT SELECT ON t TO app");
    EXPECT_TRUE(io::WriteNewFile(server_.dir() + "/remit.password", "remit\n", 0600));
    EXPECT_TRUE(io::WriteNewFile(server_.dir() + "/superuser.password", "offboarder\n", 0600));
    parts_.targets = {Target("orders", true)};
    parts_.folder = server_.dir() + "/standing";
    EXPECT_EQ(chmod(server_.dir().c_str(), 0777), 0);
    parts_.record = [this](std::string_view type, const json::Object& fields, const std::vector<store::Write>& writes,
                           const std::optional<broker::Declared>& still) -> Status {
      if (still && still->number != declaration_) return Fail(Code::kConflict, "account-changed", "it was declared anew or taken off meanwhile");
      if (disk_full_) return Fail(Code::kResourceExhausted, "store-full", "the disk is full");
      for (const store::Write& write : writes) rows_[write.key] = *write.value;
      events_.push_back(std::string(type));
      last_ = fields;
      return {};
    };
    parts_.read = [this](const std::string& key) -> Result<std::optional<std::string>> {
      const auto row = rows_.find(key);
      return row == rows_.end() ? std::nullopt : std::optional(row->second);
    };
    parts_.declared = [this](const std::string&) { return std::optional(declaration_); };
    request_ = {{"Agent", "bot"}, R"(Employee::"ann")", {"orders/app"}, {}, {}};
  }

  config::TargetSettings Target(const std::string& name, bool superuser) {
    config::TargetSettings target{name, "postgres", {}, "remit.toml:1:1", ""};
    const auto set = [&](const char* key, auto value) { target.settings[key] = config::Setting{value, "remit.toml:2:1"}; };
    set("host", server_.Get("host"));
    set("port", static_cast<std::int64_t>(server_.port()));
    set("database", std::string("postgres"));
    set("user", std::string("remit"));
    set("password_file", server_.dir() + "/remit.password");
    if (superuser) {
      set("superuser", std::string("offboarder"));
      set("superuser_password_file", server_.dir() + "/superuser.password");
    }
    return target;
  }
  void Sql(const std::string& statement) {
    auto done = server_.Connect()->Run(statement);
    EXPECT_TRUE(done) << statement << "\n" << done.error().ToString();
  }
  bool MaySelect(const std::string& role = "app") {
    return server_.Connect()->Exec("SELECT has_table_privilege($1::text, 't', 'SELECT')", {role})->Bool(0, 0);
  }
  bool CanLogIn(const std::string& role = "app") {
    return server_.Connect()->Exec("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", {role})->Bool(0, 0);
  }
  json::Array End() {
    for (const std::string& account : request_.accounts) request_.declarations.try_emplace(account, declaration_);
    return StandingEnder(parts_).End(request_);
  }
  json::Array Look(bool all = true) { return StandingEnder(parts_).notes().Look(request_.accounts, all); }
  std::string Oid(const std::string& role) {
    return std::string(server_.Connect()->Exec("SELECT oid FROM pg_roles WHERE rolname = $1", {role})->Text(0, 0));
  }
  std::string System() { return std::string(server_.Connect()->Exec("SELECT system_identifier FROM pg_control_system()")->Text(0, 0)); }
  // The only line, which is open; its reason.
  std::string ReasonOf(const json::Array& lines) {
    if (lines.size() != 1 || lines[0].Find("ended")->AsBool()) return "not one open line: " + json::Write(json::Value(lines));
    return *lines[0].FindString("reason");
  }

  pg::TestServer server_;
  SystemClock clock_;
  StandingEnder::Parts parts_{{}, "", clock_, {}, {}, {}, [](const config::TargetSettings&, std::string_view, const Secret&) { return Status(); }};
  std::map<std::string, std::string> rows_;
  broker::StandingRequest request_;
  std::vector<std::string> events_;
  json::Object last_;
  bool disk_full_ = false;
  std::uint64_t declaration_ = 7;  // of every account, as the broker counts them
};

TEST_F(StandingEnderTest, APasswordThatWasGivenForAnotherServerIsNotSent) {
  std::string asked;
  parts_.may_send = [&](const config::TargetSettings& target, std::string_view file, const Secret& password) -> Status {
    asked = fmt::format("{} {} {}", target.name, file, password.Reveal());
    return Fail(Code::kFailedPrecondition, "target-moved", "it was given for another server");
  };
  EXPECT_EQ(ReasonOf(End()), "it was given for another server");
  EXPECT_EQ(asked, "orders superuser_password_file offboarder");
  EXPECT_TRUE(MaySelect());
  EXPECT_TRUE(CanLogIn());
  EXPECT_THAT(events_, ElementsAre());
}

// It is read from its file at each look, and may be another by then.
TEST_F(StandingEnderTest, NorIsRemitsOwn) {
  const std::string moved = "it was given for another server";
  std::string not_to = "orders";
  std::vector<std::string> asked;
  parts_.may_send = [&](const config::TargetSettings& target, std::string_view file, const Secret& password) -> Status {
    if (file != "password_file") return {};
    EXPECT_EQ(password.Reveal(), "remit");
    asked.push_back(target.name);
    return target.name == not_to ? Fail(Code::kFailedPrecondition, "target-moved", moved) : Status();
  };
  parts_.targets = {Target("orders", false)};
  EXPECT_EQ(ReasonOf(End()), moved);
  const json::Array seen = Look();
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_NE(seen[0].FindString("reason"), nullptr) << json::Write(json::Value(seen));
  EXPECT_EQ(*seen[0].FindString("reason"), moved);
  EXPECT_THAT(asked, ElementsAre("orders", "orders"));
  asked.clear();
  parts_.targets = {Target("orders", true), Target("twin", false)};
  request_.others = {{"twin/app", R"(Agent::"other")"}};
  for (const char* refused : {"orders", "twin"}) {
    not_to = refused;
    EXPECT_EQ(ReasonOf(End()), "whether somebody else works with it cannot be seen: " + moved);
  }
  EXPECT_THAT(asked, ElementsAre("orders", "orders", "twin"));
  EXPECT_TRUE(MaySelect());
  EXPECT_TRUE(CanLogIn());
  EXPECT_THAT(events_, ElementsAre());
}

TEST_F(StandingEnderTest, TakesAwaySaysSoBeforeAndAfterAndIsDone) {
  const json::Array lines = End();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].Find("ended")->AsBool()) << ReasonOf(lines);
  EXPECT_EQ(*lines[0].FindString("id"), "app");
  EXPECT_EQ(*lines[0].FindString("target"), "orders");
  EXPECT_FALSE(MaySelect());
  EXPECT_FALSE(CanLogIn());
  EXPECT_THAT(events_, ElementsAre("standing.ending", "standing.ending", "standing.ended"));
  const json::Value last(last_);
  EXPECT_EQ(*last.FindString("actor"), R"(Agent::"bot")");
  EXPECT_EQ(*last.FindString("by"), R"(Employee::"ann")");
  EXPECT_EQ(last.Find("removed")->AsInt(), 1);
  EXPECT_EQ(last.FindString("plan")->size(), 64u);
}

TEST_F(StandingEnderTest, AnAccountThatSomebodyElseWorksWithIsNotTouched) {
  request_.others = {{"orders/app", R"(Agent::"other")"}};
  EXPECT_THAT(ReasonOf(End()), HasSubstr(R"(it is Agent::"other"'s too)"));
  // Nor under the name of another target, which is the same server.
  parts_.targets.push_back(Target("reports", false));
  request_.others = {{"reports/app", R"(Agent::"other")"}};
  EXPECT_THAT(ReasonOf(End()), HasSubstr(R"(it is Agent::"other"'s too)"));
  EXPECT_TRUE(MaySelect());
  EXPECT_TRUE(CanLogIn());
  // A role of the same name at another server is another one.
  {
    pg::TestServer elsewhere;
    EXPECT_TRUE(elsewhere.Connect()->Run("CREATE ROLE remit LOGIN PASSWORD 'remit'"));
    parts_.targets.back().settings["port"].value = static_cast<std::int64_t>(elsewhere.port());
    EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
    EXPECT_FALSE(MaySelect());
  }
  // And where that server does not answer, nobody knows.
  Sql("GRANT SELECT ON t TO app");
  EXPECT_THAT(ReasonOf(End()), HasSubstr("whether somebody else works with it"));
  EXPECT_TRUE(MaySelect());
}

// By whatever name either knows it: what is noted as another's is another's.
TEST_F(StandingEnderTest, ARoleThatIsNotedAsSomebodyElsesIsNotTouchedByAnyName) {
  Sql("CREATE ROLE theirs LOGIN");
  Sql("GRANT SELECT ON t TO theirs");
  const std::string oid = Oid("theirs"), system = System();
  const auto note = [&](const std::string& account, const std::string& at) {
    rows_["account/" + account] = json::Canonical(json::Object{{"oid", oid}, {"system", at}});
  };
  note("orders/theirs", system);
  request_.others = {{"orders/theirs", R"(Agent::"other")"}};
  const auto refused = [&](const std::string& role) {
    for (const bool superuser : {true, false}) {
      parts_.targets = {Target("orders", superuser)};
      request_.accounts = {"orders/" + role};
      EXPECT_THAT(ReasonOf(End()), HasSubstr(R"(it is Agent::"other"'s too)")) << role;
      EXPECT_TRUE(CanLogIn(role));
      EXPECT_TRUE(MaySelect(role));
      EXPECT_TRUE(events_.empty()) << "nor is it noted as this one's";
    }
  };
  // Renamed, and declared by the new name as the one's who goes.
  Sql("ALTER ROLE theirs RENAME TO theirs2");
  refused("theirs2");
  // Or it gets the name of a role that was dropped, and that was the one's who goes.
  rows_["account/orders/app"] = json::Canonical(json::Object{{"oid", Oid("app")}, {"system", system}});
  Sql("DROP OWNED BY app");
  Sql("DROP ROLE app");
  Sql("ALTER ROLE theirs2 RENAME TO app");
  refused("app");
  // Also where it is theirs by another target's name, and nobody can ask there.
  rows_.erase("account/orders/theirs");
  note("reports/theirs", system);
  request_.others = {{"reports/theirs", R"(Agent::"other")"}};
  refused("app");
  // What cannot be read may be it.
  rows_["account/reports/theirs"] = "{";
  EXPECT_THAT(ReasonOf(End()), HasSubstr("whether somebody else works with it cannot be seen"));
  EXPECT_TRUE(CanLogIn("app"));
  // The same number at another cluster is another role.
  note("reports/theirs", "7300000000000000001");
  parts_.targets = {Target("orders", true)};
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  EXPECT_FALSE(CanLogIn("app"));
}

TEST_F(StandingEnderTest, AServerThatIsDownIsOpenAndTheNextCallGoesOn) {
  server_.Stop();
  EXPECT_NE(ReasonOf(End()), "");
  EXPECT_TRUE(events_.empty());
  server_.Start();
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  EXPECT_FALSE(MaySelect());
}

TEST_F(StandingEnderTest, WithoutASuperuserItIsReadAndNamed) {
  parts_.targets = {Target("orders", false)};
  EXPECT_THAT(ReasonOf(End()), testing::AllOf(HasSubstr("LOGIN"), HasSubstr("grants in database `postgres`"), HasSubstr("no `superuser` is set")));
  EXPECT_TRUE(MaySelect());
  // By hand, and asked again.
  Sql("REVOKE SELECT ON t FROM app");
  Sql("ALTER ROLE app NOLOGIN");
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  EXPECT_THAT(events_, ElementsAre("standing.noted"));
  request_.accounts = {"orders/gone"};
  EXPECT_THAT(ReasonOf(End()), HasSubstr("it may have been renamed"));
  EXPECT_THAT(events_, ElementsAre("standing.noted"));
}

// A name that nobody has is no proof: the role may go by another one.
TEST_F(StandingEnderTest, ARoleThatWasRenamedBeforeIsOpen) {
  Sql("ALTER ROLE app RENAME TO application");
  EXPECT_THAT(ReasonOf(End()), testing::AllOf(HasSubstr("there is no role of this name"), HasSubstr("it may have been renamed")));
  EXPECT_TRUE(MaySelect("application"));
  EXPECT_TRUE(events_.empty());
  // Declared by the name that it has, it ends.
  request_.accounts = {"orders/application"};
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  EXPECT_FALSE(MaySelect("application"));
  EXPECT_FALSE(CanLogIn("application"));
}

TEST_F(StandingEnderTest, WhatWasSeenOnceIsKnownByItsOid) {
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  Sql("ALTER ROLE app RENAME TO application");
  Sql("ALTER ROLE application LOGIN");
  EXPECT_THAT(ReasonOf(End()), HasSubstr("is called `application` now"));
  // Another one takes its name: it is not the one, and the first one is not forgotten for it.
  Sql("CREATE ROLE app LOGIN");
  for (int again = 0; again < 2; ++again) {
    EXPECT_THAT(ReasonOf(End()), testing::AllOf(HasSubstr("is called `application` now"), HasSubstr("is another role")));
    EXPECT_TRUE(CanLogIn("app"));
  }
  // Dropped: then it is gone, and what shows it is its oid.
  Sql("DROP ROLE application");
  Sql("DROP ROLE app");
  const json::Array lines = End();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].Find("ended")->AsBool());
  EXPECT_THAT(json::Write(lines[0]), HasSubstr("there is none with its OID"));
}

// Whoever decides which server answers could let another one say that nothing is there, or have another's role ended.
TEST_F(StandingEnderTest, AnotherServerBehindTheAddressIsOpenAndNotTouched) {
  ASSERT_TRUE(Look().at(0).Find("noted")->AsBool());
  const std::string noted = rows_.at("account/orders/app");
  pg::TestServer elsewhere;
  for (const char* sql : {"CREATE ROLE remit LOGIN PASSWORD 'remit'", "CREATE ROLE offboarder SUPERUSER LOGIN PASSWORD 'offboarder'"})
    EXPECT_TRUE(elsewhere.Connect()->Run(sql));
  for (const bool superuser : {true, false}) {
    parts_.targets = {Target("orders", superuser)};
    parts_.targets[0].settings["port"].value = static_cast<std::int64_t>(elsewhere.port());
    parts_.targets[0].settings["host"].value = elsewhere.Get("host");
    EXPECT_THAT(ReasonOf(End()), HasSubstr("answers now: nothing was done there"));
    EXPECT_TRUE(elsewhere.Connect()->Run("CREATE ROLE app LOGIN"));
    EXPECT_THAT(ReasonOf(End()), HasSubstr("answers now: nothing was done there"));
    EXPECT_TRUE(elsewhere.Connect()->Exec("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app'")->Bool(0, 0));
    // Nor is it noted as what is there.
    const json::Array seen = Look();
    EXPECT_THAT(*seen.at(0).FindString("reason"), HasSubstr("answers now"));
    EXPECT_EQ(rows_.at("account/orders/app"), noted);
    EXPECT_TRUE(elsewhere.Connect()->Run("DROP ROLE app"));
  }
  // Where somebody says that it took over the roles, it is seen anew, by its name.
  EXPECT_TRUE(elsewhere.Connect()->Run("CREATE ROLE app LOGIN"));
  parts_.targets = {Target("orders", true)};
  parts_.targets[0].settings["port"].value = static_cast<std::int64_t>(elsewhere.port());
  parts_.targets[0].settings["host"].value = elsewhere.Get("host");
  parts_.targets[0].settings["former_systems"].value = std::vector<std::string>{System()};
  EXPECT_EQ(Look(false).size(), 1u);
  EXPECT_NE(rows_.at("account/orders/app"), noted);
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
}

// --- what is declared is known from then on ------------------------------------------------------------------------------------------------

TEST_F(StandingEnderTest, WhatIsSeenWhenItIsDeclaredIsWrittenDown) {
  const json::Array seen = Look();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0], json::Value(json::Object{{"account", "orders/app"}, {"noted", true}, {"oid", Oid("app")}, {"system", System()}}));
  EXPECT_THAT(events_, ElementsAre("standing.noted"));
  EXPECT_EQ(json::Canonical(last_),
            json::Canonical(json::Object{{"target", "orders"}, {"account", "app"}, {"account_oid", Oid("app")}, {"system", System()}}));
  // Once; and whoever only wants what is not known is told nothing.
  EXPECT_EQ(Look(), seen);
  EXPECT_TRUE(Look(false).empty());
  EXPECT_THAT(events_, ElementsAre("standing.noted"));
  EXPECT_TRUE(MaySelect());
  EXPECT_TRUE(CanLogIn());
}

TEST_F(StandingEnderTest, ADecoyThatCameAfterTheDeclarationIsNamedAndNotTouched) {
  for (const bool superuser : {true, false}) {
    parts_.targets = {Target("orders", superuser)};
    (void)Look();
    const std::string oid = Oid("app");
    Sql("ALTER ROLE app RENAME TO application");
    Sql("CREATE ROLE app LOGIN");
    EXPECT_THAT(ReasonOf(End()), testing::AllOf(HasSubstr("(OID " + oid + ") is called `application` now"),
                                                HasSubstr("(OID " + Oid("app") + ") that nobody declared"), HasSubstr("nothing was done to either")));
    EXPECT_TRUE(CanLogIn("app"));
    EXPECT_TRUE(MaySelect("application"));
    // Asked again, also in between by whoever looks, it is no other.
    EXPECT_TRUE(Look(false).empty());
    EXPECT_THAT(*Look().at(0).FindString("reason"), HasSubstr("is called `application` now"));
    EXPECT_THAT(ReasonOf(End()), HasSubstr("is called `application` now"));
    EXPECT_THAT(events_, ElementsAre("standing.noted"));
    Sql("DROP ROLE app");
    Sql("ALTER ROLE application RENAME TO app");
  }
  parts_.targets = {Target("orders", true)};
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  EXPECT_FALSE(MaySelect());
}

// Somebody else's role gets the name: nobody's access ends because of another's.
TEST_F(StandingEnderTest, ARoleOfSomebodyElsesThatGotTheNameIsNotEnded) {
  Sql("CREATE ROLE victim LOGIN");
  Sql("GRANT SELECT ON t TO victim");
  (void)Look();
  Sql("ALTER ROLE app RENAME TO hidden");
  Sql("ALTER ROLE victim RENAME TO app");
  EXPECT_THAT(ReasonOf(End()), HasSubstr("is called `hidden` now"));
  EXPECT_TRUE(MaySelect("app"));
  EXPECT_TRUE(CanLogIn("app"));
}

TEST_F(StandingEnderTest, ARoleThatWasRenamedAfterTheDeclarationIsCalledByItsName) {
  (void)Look();
  Sql("ALTER ROLE app RENAME TO application");
  EXPECT_THAT(ReasonOf(End()), HasSubstr("is called `application` now: nothing was done to it"));
  EXPECT_TRUE(MaySelect("application"));
  // Dropped, and known to be: that is an end.
  Sql("DROP OWNED BY application");
  Sql("DROP ROLE application");
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
}

TEST_F(StandingEnderTest, ATargetThatIsDownIsSeenLaterAndADecoyAfterThatIsNone) {
  server_.Stop();
  json::Array seen = Look();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_FALSE(seen[0].Find("noted")->AsBool());
  EXPECT_NE(*seen[0].FindString("reason"), "");
  EXPECT_TRUE(rows_.empty());
  server_.Start();
  seen = Look(false);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].Find("noted")->AsBool());
  Sql("ALTER ROLE app RENAME TO application");
  Sql("CREATE ROLE app LOGIN");
  EXPECT_THAT(ReasonOf(End()), HasSubstr("is called `application` now"));
  EXPECT_TRUE(CanLogIn("app"));
}

TEST_F(StandingEnderTest, AnOffboardingThatOnlyReadsNotesItToo) {
  parts_.targets = {Target("orders", false)};
  EXPECT_THAT(ReasonOf(End()), HasSubstr("no `superuser` is set"));
  EXPECT_THAT(events_, ElementsAre("standing.noted"));
  Sql("ALTER ROLE app RENAME TO application");
  Sql("CREATE ROLE app NOLOGIN");  // that holds nothing: as if all were over
  EXPECT_THAT(ReasonOf(End()), HasSubstr("is called `application` now"));
}

TEST_F(StandingEnderTest, WhatIsNotThereOrCannotBeNotedIsNotNoted) {
  request_.accounts = {"orders/nobody", "gone/app", "orders/app"};
  disk_full_ = true;
  json::Array seen = Look();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_THAT(*seen[0].FindString("reason"), HasSubstr("there is no role of this name"));
  EXPECT_THAT(*seen[1].FindString("reason"), HasSubstr("no target of this name"));
  EXPECT_EQ(*seen[2].FindString("reason"), "the disk is full");
  for (const json::Value& one : seen) EXPECT_FALSE(one.Find("noted")->AsBool());
  EXPECT_TRUE(rows_.empty());
  // What cannot be read is not written over.
  disk_full_ = false;
  rows_["account/orders/app"] = "{";
  seen = Look(false);
  EXPECT_THAT(*seen.at(2).FindString("reason"), HasSubstr("cannot be read"));
  EXPECT_EQ(rows_["account/orders/app"], "{");
}

// A role that was dropped is nobody's any more; declared once more, it is what has the name now.
TEST_F(StandingEnderTest, ARoleThatWasMadeAnewIsNotedWhenItIsDeclaredAgain) {
  (void)Look();
  Sql("DROP OWNED BY app");
  Sql("DROP ROLE app");
  EXPECT_THAT(*Look().at(0).FindString("reason"), HasSubstr("is gone"));
  Sql("CREATE ROLE app LOGIN");
  EXPECT_EQ(*Look().at(0).FindString("oid"), Oid("app"));
  EXPECT_EQ(Look().at(0).Find("reason"), nullptr);
}

// What is noted while an offboarding is under way is not overtaken by what it saw before.
TEST_F(StandingEnderTest, AnotherRoleThatIsNotedMeanwhileStopsAnEnd) {
  const auto read = parts_.read;
  int reads = 0;
  parts_.read = [&](const std::string& key) -> Result<std::optional<std::string>> {
    if (++reads == 2) rows_[key] = json::Canonical(json::Object{{"oid", "4711"}, {"system", System()}});
    return read(key);
  };
  EXPECT_THAT(ReasonOf(End()), HasSubstr("was noted anew meanwhile"));
  EXPECT_TRUE(CanLogIn());
  EXPECT_TRUE(MaySelect());
  EXPECT_TRUE(events_.empty());
}

// A look, or an offboarding that waited its turn, may be older than the declaration: the name may be another role's since.
TEST_F(StandingEnderTest, WhatWasSeenForAnEarlierDeclarationIsNeitherNotedNorEnded) {
  const auto read = parts_.read;
  int reads = 0;
  parts_.read = [&](const std::string& key) -> Result<std::optional<std::string>> {
    if (++reads == 2) ++declaration_;  // it was taken off, with its note, and declared again, after this look saw the server
    return read(key);
  };
  const json::Array seen = Look();
  EXPECT_EQ(reads, 2);
  EXPECT_FALSE(seen.at(0).Find("noted")->AsBool());
  EXPECT_THAT(*seen.at(0).FindString("reason"), HasSubstr("declared anew or taken off"));
  EXPECT_TRUE(rows_.empty());
  EXPECT_TRUE(events_.empty());
  parts_.read = read;
  for (const bool superuser : {true, false}) {
    parts_.targets = {Target("orders", superuser)};
    request_.declarations["orders/app"] = declaration_ - 1;
    EXPECT_THAT(ReasonOf(End()), HasSubstr("declared anew or taken off"));
    EXPECT_TRUE(CanLogIn());
    EXPECT_TRUE(MaySelect());
    EXPECT_TRUE(rows_.empty());
    EXPECT_TRUE(events_.empty());
  }
  // Nor where nobody declares it any more.
  parts_.declared = [](const std::string&) { return std::nullopt; };
  EXPECT_THAT(*Look().at(0).FindString("reason"), HasSubstr("nobody declares"));
  EXPECT_TRUE(rows_.empty());
}

// Whoever may alter Remit's own role cannot have its session answer otherwise.
TEST_F(StandingEnderTest, SettingsOfRemitsOwnRoleDoNotDecideWhatIsSeen) {
  Sql("CREATE SCHEMA evil");
  Sql("CREATE FUNCTION evil.lie(text, text) RETURNS bool LANGUAGE sql AS 'SELECT pg_catalog.texteq($1, ''offboarder'')'");
  Sql("CREATE OPERATOR evil.= (FUNCTION = evil.lie, LEFTARG = text, RIGHTARG = text)");
  Sql("GRANT USAGE ON SCHEMA evil TO PUBLIC");
  Sql("ALTER ROLE remit SET search_path = evil, pg_catalog");
  EXPECT_EQ(*Look().at(0).FindString("oid"), Oid("app"));
}

TEST_F(StandingEnderTest, WithoutASuperuserARenamedRoleIsOpenToo) {
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  parts_.targets = {Target("orders", false)};
  Sql("ALTER ROLE app RENAME TO application");
  EXPECT_THAT(ReasonOf(End()), HasSubstr("is called `application` now"));
  Sql("DROP ROLE application");
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
}

TEST_F(StandingEnderTest, WhatIsKnownAndCannotBeReadIsOpen) {
  rows_["account/orders/app"] = "{";
  EXPECT_THAT(ReasonOf(End()), HasSubstr("which role it was cannot be read"));
  EXPECT_TRUE(CanLogIn());
}

TEST_F(StandingEnderTest, RemitsOwnRolesAndUnknownTargetsAreOpen) {
  Sql("CREATE ROLE remit_scope_abc");
  Sql("GRANT SELECT ON t TO remit_scope_abc");
  request_.accounts = {"orders/remit", "orders/remit_scope_abc", "gone/app"};
  const json::Array lines = End();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(*lines[0].FindString("reason"), HasSubstr("Remit's own"));
  EXPECT_THAT(*lines[1].FindString("reason"), HasSubstr("Remit's own"));
  EXPECT_THAT(*lines[2].FindString("reason"), HasSubstr("no target of this name"));
  EXPECT_TRUE(MaySelect("remit_scope_abc"));
  EXPECT_TRUE(CanLogIn("remit"));
}

TEST_F(StandingEnderTest, WhatRemitWorksAsByAnotherTargetsNameIsItsOwn) {
  Sql("CREATE ROLE broker LOGIN PASSWORD 'remit'");
  Sql("CREATE ROLE undertaker SUPERUSER LOGIN PASSWORD 'offboarder'");
  parts_.targets.push_back(Target("reports", true));
  parts_.targets.back().settings["user"].value = std::string("broker");
  parts_.targets.back().settings["superuser"].value = std::string("undertaker");
  request_.accounts = {"orders/broker", "orders/undertaker"};
  for (const json::Value& line : End()) EXPECT_THAT(*line.FindString("reason"), HasSubstr("Remit's own"));
  EXPECT_TRUE(CanLogIn("broker"));
  EXPECT_TRUE(CanLogIn("undertaker"));
  // Also while nobody can look; a role of that name at another server is another one.
  parts_.targets.back().settings["port"].value = std::int64_t{1};
  request_.accounts = {"orders/broker"};
  EXPECT_THAT(ReasonOf(End()), HasSubstr("Remit's own"));
  pg::TestServer elsewhere;
  EXPECT_TRUE(elsewhere.Connect()->Run("CREATE ROLE broker LOGIN PASSWORD 'remit'"));
  parts_.targets.back().settings["port"].value = static_cast<std::int64_t>(elsewhere.port());
  parts_.targets.back().settings["host"].value = elsewhere.Get("host");
  EXPECT_TRUE(End().at(0).Find("ended")->AsBool());
  EXPECT_FALSE(CanLogIn("broker"));
}

TEST_F(StandingEnderTest, WhatCannotBeWrittenDownIsNotDone) {
  disk_full_ = true;
  EXPECT_EQ(ReasonOf(End()), "the disk is full");
  EXPECT_TRUE(MaySelect());
  EXPECT_TRUE(CanLogIn());
}

TEST_F(StandingEnderTest, APlaceForPlansThatOthersCanWriteIsNone) {
  std::filesystem::create_directory(parts_.folder);
  EXPECT_EQ(chmod(parts_.folder.c_str(), 0777), 0);
  EXPECT_THAT(ReasonOf(End()), HasSubstr("not a folder of this user's alone"));
  EXPECT_TRUE(MaySelect());
}

TEST_F(StandingEnderTest, NamesAreNamesAndTheFirstSlashEndsTheTarget) {
  const std::string role = R"(a/b "c" 'd'; --)";
  Sql("CREATE ROLE " + pg::QuoteIdentifier(role).value() + " LOGIN");
  request_.accounts = {"orders/" + role};
  const json::Array lines = End();
  EXPECT_TRUE(lines.at(0).Find("ended")->AsBool());
  EXPECT_EQ(*lines[0].FindString("id"), role);
  EXPECT_FALSE(CanLogIn(role));
  EXPECT_TRUE(CanLogIn());
}

TEST_F(StandingEnderTest, SettingsOfASuperuserAreReadAtTheStart) {
  EXPECT_TRUE(CheckTargets(parts_.targets));
  std::vector<config::TargetSettings> wrong = parts_.targets;
  wrong[0].settings.erase("superuser");
  EXPECT_EQ(CheckTargets(wrong).error().reason, "bad-setting");
  wrong = parts_.targets;
  wrong[0].settings["superuser_password_file"].value = server_.dir() + "/nowhere";
  EXPECT_EQ(CheckTargets(wrong).error().reason, "no-such-file");
  EXPECT_EQ(chmod((server_.dir() + "/superuser.password").c_str(), 0644), 0);
  EXPECT_EQ(CheckTargets(parts_.targets).error().reason, "file-not-private");
}

}  // namespace
}  // namespace remit::cli
