// What is wrong is found, named, and comes with what to do; what is right is said to be so.
#include "api/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/test_server.h"

namespace remit::api {
namespace {

using namespace std::chrono_literals;
using broker::Bench;
using testing::HasSubstr;

class DoctorTest : public ::testing::Test {
 protected:
  json::Value Examine() {
    const Reply reply = server_.Get("/v1/doctor", TestServer::Root());
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json;
  }
  // "status: what" of the findings of one check, joined.
  std::string Said(const json::Value& report, std::string_view check) {
    std::string said;
    for (const json::Value& one : report.Find("findings")->AsArray())
      if (*one.FindString("check") == check) said += *one.FindString("status") + ": " + *one.FindString("what") + "\n";
    return said;
  }
  TestServer server_;
};

TEST_F(DoctorTest, AWholeServerIsWell) {
  const json::Value report = Examine();
  EXPECT_TRUE(report.Find("ok")->AsBool()) << json::Write(report);
  EXPECT_THAT(Said(report, "server"), HasSubstr("ok: ready"));
  EXPECT_THAT(Said(report, "ledger"), HasSubstr("ok: "));
  EXPECT_THAT(Said(report, "ending"), HasSubstr("ok: "));
  EXPECT_THAT(Said(report, "people"), HasSubstr("2 actors and 3 people"));
}

TEST_F(DoctorTest, WhoIsBarredIsCountedAndNobodyWhoWorksIsAWarning) {
  const auto bar = [&](const std::string& id) {
    server_.bench.broker().PutActor(Bench::Operator(), {{"Agent", id}, "", nullptr, std::nullopt, true}, [](auto a) { Bench::Expect(a); });
    server_.bench.Settle();
  };
  bar("helpdesk");
  EXPECT_THAT(Said(Examine(), "people"), HasSubstr("ok: "));
  EXPECT_THAT(Said(Examine(), "people"), HasSubstr("2 actors (1 barred) and 3 people are registered"));
  server_.bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", true}, [](auto a) { Bench::Expect(a); });
  bar("bot");
  EXPECT_THAT(Said(Examine(), "people"), HasSubstr("warning: "));
  EXPECT_THAT(Said(Examine(), "people"), HasSubstr("2 actors (2 barred) and 3 people (1 barred) are registered"));
}

// As in catalogs/vendor: whoever starts tasks there is a person.
TEST_F(DoctorTest, APersonWhoMayStartTasksIsSomebody) {
  std::string schema(broker::kSchema);
  for (std::size_t at = 0; (at = schema.find("actor: Agent", at)) != std::string::npos;) schema.replace(at, 12, "actor: Employee");
  server_.bench.LoadCatalog(broker::kPolicies, schema);
  EXPECT_THAT(Said(Examine(), "people"), HasSubstr("ok: "));
  for (const char* id : {"ann", "bob", "eve"}) {
    server_.bench.broker().PutPerson(Bench::Operator(), {{"Employee", id}, "", true}, [](auto a) { Bench::Expect(a); });
    server_.bench.Settle();
  }
  const json::Value report = Examine();
  EXPECT_THAT(Said(report, "people"), HasSubstr("warning: ")) << "actors are there, and no task is theirs to start";
  for (const json::Value& one : report.Find("findings")->AsArray()) {
    if (*one.FindString("check") == "people") {
      EXPECT_EQ(*one.FindString("hint"), "nobody can start a task: remit person put UID");
    }
  }
}

// What an earlier version of Remit took, which hands administration to the operator when this one opens the store.
TEST_F(DoctorTest, ACatalogThatLocksEverybodyOutIsAnError) {
  const std::string load = R"(@id("load") permit (principal in Team::"leads", action == Remit::Action::"catalog.load", resource);)";
  server_.bench.LoadCatalog(std::string(broker::kPolicies) + load);
  ASSERT_FALSE(server_.bench.broker().SetUpIsOpen());
  EXPECT_EQ(Said(Examine(), "administration"), "");
  TestServer left([&](Bench& bench) {
    bench.LeaveCatalog(std::string(broker::kPolicies) + load +
                       R"(@id("once") @after_uses("1") forbid (principal, action == Remit::Action::"catalog.load", resource);)");
  });
  const json::Value report = left.Get("/v1/doctor", TestServer::Root()).json;
  EXPECT_FALSE(report.Find("ok")->AsBool());
  EXPECT_THAT(Said(report, "administration"), HasSubstr("error: nobody can load a catalog any more"));
  EXPECT_THAT(Said(report, "administration"), HasSubstr("`@after_uses` of `once`"));
}

TEST_F(DoctorTest, IsForTheOperatorAndWhoMayViewTheServer) {
  EXPECT_EQ(server_.Get("/v1/doctor", server_.Actor()).status, 403);
  EXPECT_EQ(server_.Get("/v1/doctor", server_.Person("eve")).status, 403);
  EXPECT_EQ(server_.Get("/v1/webhooks", server_.Actor()).status, 403);
  EXPECT_EQ(server_.Get("/v1/doctor", server_.Person("ann")).status, 200);
}

TEST_F(DoctorTest, NamesABreakGlassThatNobodyIsToldOf) {
  EXPECT_EQ(Said(Examine(), "break-glass"), "");
  server_.bench.LoadCatalog(broker::kPolicies, Bench::Annotated("change", "@break_glass(\"5m\")"));
  EXPECT_EQ(Said(Examine(), "break-glass"), "warning: `change` can be started without its approvals, and nobody would be told\n");
  server_.services->is_told = [](std::string_view type) { return type == "task.break-glass"; };
  EXPECT_EQ(Said(Examine(), "break-glass"), "");
}

TEST_F(DoctorTest, NamesWhatNobodyVouchesFor) {
  EXPECT_EQ(Said(Examine(), "vouching"), "");
  std::string schema(broker::kSchema);
  schema.replace(schema.find("entity Ticket"), 6, "@from_pep entity");
  server_.bench.LoadCatalog(broker::kPolicies, schema);
  EXPECT_THAT(Said(Examine(), "vouching"), HasSubstr("warning: no actor is registered to vouch for `Ticket`"));
  server_.bench.PutVouches("helpdesk", {"Ticket.project"});
  EXPECT_EQ(Said(Examine(), "vouching"), "");
}

TEST_F(DoctorTest, FindsWhatHangsInEnding) {
  const From bot = server_.Actor();
  const Reply started = server_.Post("/v1/tasks", json::Object{{"type", "box"}, {"parameters", json::Object{{"box", "b"}}}}, bot);
  ASSERT_EQ(started.status, 201) << started.body;
  server_.bench.box->down = true;
  server_.Post("/v1/tasks/" + TaskOf(started) + "/complete", json::Object{{"wait", "0s"}}, bot);
  EXPECT_THAT(Said(Examine(), "ending"), HasSubstr("ok: 1 credential is ending"));
  server_.bench.Pass(6min);
  const json::Value report = Examine();
  EXPECT_FALSE(report.Find("ok")->AsBool());
  EXPECT_THAT(Said(report, "ending"), HasSubstr("the box does not answer"));
  EXPECT_THAT(Said(report, "ending"), HasSubstr(TaskOf(started)));
  server_.bench.box->down = false;
  server_.bench.Pass(1min);
  EXPECT_TRUE(Examine().Find("ok")->AsBool());
}

TEST_F(DoctorTest, FindsTargetsThatDoNotAnswerAndThoseThatAreOpen) {
  server_.services->list_targets = [](broker::Answer<json::Value> answer) {
    answer(
        json::Value(json::Object{{"targets", json::Array{json::Object{{"name", "down"}, {"type", "postgres"}, {"ok", false}, {"detail", "refused"}},
                                                         json::Object{{"name", "open"}, {"type", "postgres"}, {"ok", true}},
                                                         json::Object{{"name", "good"}, {"type", "postgres"}, {"ok", true}},
                                                         json::Object{{"name", "older"}, {"type", "postgres"}, {"ok", true}},
                                                         json::Object{{"name", "odd"}, {"type", "postgres"}, {"ok", true}}}}}));
  };
  server_.services->check_target = [](const std::string& name, broker::Answer<json::Value> answer) {
    if (name == "odd") return answer(Fail(Code::kUnavailable, "target-not-initialised", "no functions"));
    const auto lacked = [](const char* table, bool own) { return json::Object{{"table", table}, {"sequence", "public.s"}, {"own", own}}; };
    json::Array sequences;
    if (name == "older") sequences = {lacked("public.payments", true), lacked("public.payments", true), lacked("public.foreign", false)};
    if (name == "good") sequences = {lacked("public.foreign", false)};  // nothing that `target init` would mend
    answer(json::Value(json::Object{
        {"open", name == "open" ? 3 : 0}, {"items", json::Array{}}, {"stale_accepted", json::Array{}}, {"lacked_sequences", sequences}}));
  };
  const json::Value report = Examine();
  EXPECT_FALSE(report.Find("ok")->AsBool());
  const std::string said = Said(report, "target");
  EXPECT_THAT(said, HasSubstr("error: `down` does not answer: refused"));
  EXPECT_THAT(said, HasSubstr("warning: `open`: 3 things are open"));
  EXPECT_THAT(said, HasSubstr("ok: `good` answers"));
  EXPECT_THAT(said, HasSubstr("warning: `older`: tasks may insert into public.payments, and not use the sequence"));
  EXPECT_THAT(said, HasSubstr("warning: `odd` could not be looked into: no functions"));
}

TEST_F(DoctorTest, FindsWebhooksThatAreBehindAndWhatTheMachineSays) {
  server_.services->list_webhooks = [] {
    return json::Value(json::Object{{"webhooks", json::Array{json::Object{{"name", "duty"},
                                                                          {"host", "hooks.example"},
                                                                          {"behind", 7},
                                                                          {"failing_since", "2026-01-01"},
                                                                          {"last_error", "the receiver answered 500"}}}}});
  };
  server_.services->check_machine = [] {
    return json::Value(json::Array{json::Object{{"check", "disk"}, {"status", "error"}, {"what", "full"}, {"hint", "make room"}}});
  };
  const json::Value report = Examine();
  EXPECT_FALSE(report.Find("ok")->AsBool());
  EXPECT_THAT(Said(report, "webhook"),
              HasSubstr("warning: `duty` (hooks.example) has taken nothing since 2026-01-01, 7 events wait: the receiver answered 500"));
  EXPECT_EQ(Said(report, "disk"), "error: full\n");
}

TEST_F(DoctorTest, LooksWhichRolesDeclaredAccountsAre) {
  broker::Hooks hooks;
  hooks.see_accounts = [](const std::vector<std::string>& accounts, bool all, const std::function<void(json::Array)>& done) {
    EXPECT_FALSE(all);
    json::Array seen;
    for (const std::string& account : accounts)
      seen.push_back(account == "box/there" ? json::Object{{"account", account}, {"noted", true}, {"oid", "1"}, {"system", "2"}}
                                            : json::Object{{"account", account}, {"noted", false}, {"reason", "the box does not answer"}});
    done(std::move(seen));
  };
  broker::ActorRecord bot{{"Agent", "bot"}, "", nullptr, std::nullopt, false};
  bot.accounts = {"box/there", "box/1", "box/2", "box/3", "box/4", "box/5", "box/6"};
  server_.bench.broker().PutActor(Bench::Operator(), bot, [](auto a) { Bench::Expect(a); });
  server_.bench.broker().SetHooks(std::move(hooks));
  server_.bench.Settle();
  const json::Value report = Examine();
  EXPECT_TRUE(report.Find("ok")->AsBool());
  const std::string said = Said(report, "account");
  EXPECT_THAT(said, HasSubstr("warning: `box/1` is declared, and its OID is not noted: the box does not answer\n"));
  EXPECT_THAT(said, testing::Not(HasSubstr("box/there")));
  EXPECT_THAT(said, testing::Not(HasSubstr("box/6")));
  EXPECT_THAT(said, HasSubstr("warning: and others\n"));
}

TEST_F(DoctorTest, SaysWhyItIsNotReady) {
  const From bot = server_.Actor();
  server_.bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "no"));
  server_.StartTriage(bot);
  const json::Value report = Examine();
  EXPECT_THAT(Said(report, "server"), HasSubstr("error: the last commit failed"));
  EXPECT_THAT(Said(report, "store"), HasSubstr("1 commit has failed"));
}

TEST(LookAtLedger, FindsAnEventThatWasChanged) {
  SeededRng rng(1);
  store::MemoryStore store(rng, store::MemoryStore::Mode::kInline);
  EXPECT_EQ(LookAtLedger(store).health, Health::kOk);
  for (int i = 0; i < 600; ++i) {
    store::Batch batch;
    batch.events.push_back("{\"n\":" + std::to_string(i) + "}");
    ASSERT_TRUE(store.CommitNow(std::move(batch)).has_value());
  }
  EXPECT_EQ(LookAtLedger(store).health, Health::kOk) << LookAtLedger(store).what;
  ASSERT_TRUE(store.EraseEventBodies({7}));
  EXPECT_EQ(LookAtLedger(store).health, Health::kOk) << "what was erased is no flaw";
  store.FailAll(true);
  EXPECT_EQ(LookAtLedger(store).health, Health::kError);
}

}  // namespace
}  // namespace remit::api
