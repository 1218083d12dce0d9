// What an actor holds outside of tasks is declared, looked at when it is offboarded, and never silently left out; and replacements at servers that
// Remit does not see are asked for and written down.
#include "broker/account_note.h"
#include "broker/test_bench.h"

namespace remit::broker {
namespace {

constexpr std::string_view kAdministration = R"(
@id("admins") permit (principal in Team::"leads", action in [Remit::Action::"catalog.load", Remit::Action::"actor.change",
  Remit::Action::"offboard"], resource);
@id("replacers") permit (principal == Employee::"ann", action == Remit::Action::"replace.apply", resource);
)";

constexpr std::string_view kFourEyes = R"(
@id("say-yes") permit (principal in Team::"leads", action == Remit::Action::"approve", resource == Remit::Server::"remit");
@id("four-eyes") @unless_approved("1") forbid (principal, action == Remit::Action::"actor.change", resource);
)";

using Accounts = std::vector<std::string>;

class StandingTest : public BrokerTest {
 protected:
  StandingTest() { SetHooks(); }

  void SetHooks() {
    Hooks hooks;
    hooks.standing = [this](const StandingRequest& request, std::function<void(Result<json::Array>)> done) {
      asked.push_back(request);
      if (waits) return;  // until the server stops
      done(found);
    };
    hooks.see_accounts = [this](const Accounts& accounts, bool all, std::function<void(json::Array)> done) {
      looks.emplace_back(accounts, all);
      if (target_is_silent) return late.push_back(std::move(done));
      done(seen);
    };
    bench.broker().SetHooks(std::move(hooks));
    bench.Settle();
  }

  Result<json::Value> Declare(const std::string& id, std::optional<std::vector<std::string>> accounts, const Caller& by = Bench::Operator(),
                              bool barred = false) {
    std::optional<Result<json::Value>> answer;
    ActorRecord actor{{"Agent", id}, id, nullptr, std::nullopt, barred};
    actor.accounts = std::move(accounts);
    bench.broker().PutActor(by, actor, [&](Result<json::Value> a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  Result<json::Value> Offboard(const Caller& by = Bench::Operator(), const std::string& id = "bot") {
    std::optional<Result<json::Value>> answer;
    bench.broker().Offboard(by, {"Agent", id}, "it is over", Duration(0), [&](Result<json::Value> a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  Result<json::Value> Record(const Caller& by, Replacement::Step step, Replacement::Phase phase = Replacement::Phase::kBegun) {
    std::optional<Result<json::Value>> answer;
    Replacement one{step, phase, "billing", "16400", "7300000000000000001", std::string(64, 'a'), {}};
    if (phase == Replacement::Phase::kDone) one.result = json::Object{{"removed", 5}};
    bench.broker().RecordReplacement(by, one, [&](Result<json::Value> a) { answer = std::move(a); });
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  void WithAdministrators(std::string_view more = "") {
    bench.LoadCatalog(std::string(kPolicies) + std::string(kAdministration) + std::string(more));
  }
  // What waits for a yes since bob asked for it.
  std::string Ask(std::optional<Accounts> accounts) {
    const Result<json::Value> asked = Declare("bot", std::move(accounts), bench.Person("bob"));
    const std::string* approval = asked ? asked->FindString("approval") : nullptr;
    EXPECT_NE(approval, nullptr);
    return approval == nullptr ? "" : *approval;
  }
  std::string Yes(const std::string& approval) {
    const Result<json::Value> made = bench.Approve(bench.Person("ann"), approval);
    return made ? "done" : made.error().reason;
  }
  std::size_t Count(std::string_view type) {
    return static_cast<std::size_t>(std::ranges::count_if(bench.Events(), [&](const json::Value& e) { return *e.FindString("type") == type; }));
  }

  std::vector<StandingRequest> asked;
  json::Array found = {json::Object{{"what", "account"}, {"id", "bot_rw"}, {"target", "box"}, {"ended", true}, {"evidence", "NOLOGIN"}}};
  bool waits = false;
  std::vector<std::pair<Accounts, bool>> looks;  // and whether at all of them
  json::Array seen = {json::Object{{"account", "box/bot_rw"}, {"noted", true}, {"oid", "16400"}, {"system", "73"}}};
  bool target_is_silent = false;
  std::vector<std::function<void(json::Array)>> late;
};

TEST_F(StandingTest, WhatIsDeclaredIsLookedAtAndStandsInTheReceipt) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw", "box/a \"quoted\" / role"}));
  const Result<json::Value> report = Offboard();
  ASSERT_TRUE(report) << report.error().ToString();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].accounts, (std::vector<std::string>{"box/bot_rw", "box/a \"quoted\" / role"}));
  EXPECT_TRUE(report->Find("complete")->AsBool());
  EXPECT_EQ(*report->FindString("standing_access"), "looked at");
  EXPECT_EQ(report->Find("ended")->AsArray().back(), found[0]);
  EXPECT_EQ(bench.EventOf("offboard.begun").Find("accounts")->AsArray().size(), 2u);  // before anything was done
}

TEST_F(StandingTest, WhereNothingIsDeclaredTheReceiptSaysSo) {
  const Result<json::Value> report = Offboard();
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(*report->FindString("standing_access"), "nothing declared");
}

TEST_F(StandingTest, WhereNobodyCanLookEachAccountIsOpen) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  bench.broker().SetHooks({});
  const Result<json::Value> report = Offboard();
  EXPECT_FALSE(report->Find("complete")->AsBool());
  EXPECT_EQ(*report->FindString("standing_access"), "not looked at");
  EXPECT_EQ(*report->Find("open")->AsArray().at(0).FindString("id"), "box/bot_rw");
}

TEST_F(StandingTest, AccountsStayUntilSomebodySaysOtherwise) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  ASSERT_TRUE(Declare("bot", std::nullopt));  // another key, say
  EXPECT_EQ(*bench.broker().FindActor({"Agent", "bot"})->accounts, (std::vector<std::string>{"box/bot_rw"}));
  bench.Restart();
  EXPECT_EQ(*bench.broker().FindActor({"Agent", "bot"})->accounts, (std::vector<std::string>{"box/bot_rw"}));
  ASSERT_TRUE(Declare("bot", Accounts{}));
  EXPECT_TRUE(bench.broker().FindActor({"Agent", "bot"})->accounts->empty());
}

TEST_F(StandingTest, AnAccountThatWouldBeLookedForNowhereIsRefused) {
  for (const char* wrong : {"", "/", "box", "box/", "/bot", "bx/bot"})
    EXPECT_EQ(Declare("bot", Accounts{wrong}).error().reason, "bad-account") << wrong;
  EXPECT_EQ(Declare("bot", Accounts{"box/bot", "box/bot"}).error().reason, "bad-account");
  EXPECT_EQ(Declare("bot", Accounts{std::string("box/a\0b", 7)}).error().reason, "bad-account");
  EXPECT_EQ(Declare("bot", Accounts(101, "box/x")).error().reason, "bad-account");
}

TEST_F(StandingTest, WhoMayNotTakeAwayTakesNothingAwayByOffboarding) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  WithAdministrators();
  const Result<json::Value> report = Offboard(bench.Person("bob"));  // who may offboard, and not replace
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_TRUE(asked.empty());
  EXPECT_FALSE(report->Find("complete")->AsBool());
  EXPECT_NE(report->Find("open")->AsArray().at(0).FindString("reason")->find("replace.apply"), std::string::npos);
  // Also not by a start after it; then somebody who may.
  bench.Restart();
  SetHooks();
  EXPECT_TRUE(asked.empty());
  EXPECT_TRUE(Offboard(bench.Person("ann"))->Find("complete")->AsBool());
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(StandingTest, AMereBarNamesNoAccount) {
  // Else whoever may only bar could have any account ended, in the operator's name too.
  WithAdministrators();
  EXPECT_EQ(Declare("bot", Accounts{"box/everything"}, Bench::Operator(), true).error().reason, "set-up-is-over");
  EXPECT_EQ(Declare("bot", Accounts{"box/everything"}, bench.Person("eve"), true).error().reason, "administration-denied");
  EXPECT_TRUE(Declare("bot", std::nullopt, Bench::Operator(), true));
}

TEST_F(StandingTest, AnAccountOfAnotherActorIsNamedAsShared) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/both", "box/own"}));
  ASSERT_TRUE(Declare("helpdesk", Accounts{"box/both"}));
  ASSERT_TRUE(Offboard());
  EXPECT_EQ(asked.at(0).others, (std::map<std::string, std::string>{{"box/both", R"(Agent::"helpdesk")"}}));
  // Who is barred has no say any more.
  ASSERT_TRUE(Offboard(Bench::Operator(), "helpdesk"));
  EXPECT_TRUE(asked.at(1).others.empty());
}

TEST_F(StandingTest, AnOffboardingThatIsCutShortGoesOnAtTheNextStart) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  waits = true;
  EXPECT_FALSE(Offboard());
  EXPECT_EQ(Count("offboard.begun"), 1u);
  EXPECT_EQ(Count("offboard.done"), 0u);
  waits = false;
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 2u);
  EXPECT_EQ(Count("offboard.done"), 1u);
  // And then never again.
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 2u);
}

TEST_F(StandingTest, WhatStaysOpenIsTriedAgainAtEachStart) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  found = {json::Object{{"what", "account"}, {"id", "bot_rw"}, {"ended", false}, {"reason", "the server does not answer"}}};
  EXPECT_FALSE(Offboard()->Find("complete")->AsBool());
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 2u);
  EXPECT_EQ(Count("offboard.open"), 2u);
}

TEST_F(StandingTest, WhoWasLetInAgainIsNotOffboardedByTheNextStart) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  waits = true;
  EXPECT_FALSE(Offboard());
  waits = false;
  ASSERT_TRUE(Declare("bot", std::nullopt));  // not barred any more
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_FALSE(bench.broker().FindActor({"Agent", "bot"})->barred);
  // Nor later, when somebody bars it for another reason.
  ASSERT_TRUE(Declare("bot", std::nullopt, Bench::Operator(), true));
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(StandingTest, WhatIsDeclaredAfterAnOffboardingBeganIsNotEndedByTheNextStart) {
  // Naming accounts is not ending them. Who may only name them waits for a start, and an offboarding of somebody's who may both would do the rest.
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw", "box/taken_back"}));
  found = {json::Object{{"what", "ownership"}, {"id", "table t"}, {"ended", false}, {"reason", "it owns it"}}};
  EXPECT_FALSE(Offboard()->Find("complete")->AsBool());
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw", "box/production"}, Bench::Operator(), true));
  found = {};
  bench.Restart();
  SetHooks();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[1].accounts, Accounts{"box/bot_rw"});
  EXPECT_EQ(Count("offboard.done"), 0u);  // the other one is open, and named
  // Who may ends it by asking.
  found = {json::Object{{"what", "account"}, {"id", "x"}, {"ended", true}}};
  EXPECT_TRUE(Offboard()->Find("complete")->AsBool());
  EXPECT_EQ(asked.back().accounts, (Accounts{"box/bot_rw", "box/production"}));
}

TEST_F(StandingTest, WhatIsTakenOffAndDeclaredAgainIsNotEndedByTheNextStart) {
  // What is noted of an account goes with its declaration: declared again, the name is that of whatever role has it now. Whoever may declare, and
  // rename roles at the server, would have another's ended in the name of who asked, or a decoy's end stand for the account's.
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw", "box/other"}));
  found = {json::Object{{"what", "ownership"}, {"id", "table t"}, {"ended", false}, {"reason", "it owns it"}}};
  EXPECT_FALSE(Offboard()->Find("complete")->AsBool());
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_TRUE(Declare("bot", Accounts{"box/other"}, Bench::Operator(), true));
  ASSERT_TRUE(Declare("bot", Accounts{"box/other", "box/bot_rw"}, Bench::Operator(), true));
  found = {};
  for (int starts = 2; starts < 4; ++starts) {
    bench.Restart();
    SetHooks();
    ASSERT_EQ(asked.size(), static_cast<std::size_t>(starts));
    EXPECT_EQ(asked.back().accounts, Accounts{"box/other"});
    EXPECT_EQ(Count("offboard.done"), 0u);  // the other one is open, and named
    EXPECT_EQ(*bench.broker().FindActor({"Agent", "bot"})->accounts, (Accounts{"box/other", "box/bot_rw"}));
  }
  // Also after a start in between, and where the last one is taken off.
  ASSERT_TRUE(Declare("bot", Accounts{}, Bench::Operator(), true));
  ASSERT_TRUE(Declare("bot", Accounts{"box/other", "box/bot_rw"}, Bench::Operator(), true));
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 3u);
  EXPECT_EQ(Count("offboard.done"), 0u);
  // Who may ends them by asking.
  found = {json::Object{{"what", "account"}, {"id", "x"}, {"ended", true}}};
  EXPECT_TRUE(Offboard()->Find("complete")->AsBool());
  EXPECT_EQ(asked.back().accounts, (Accounts{"box/other", "box/bot_rw"}));
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 4u);
}

// An offboarding that is over, or was never written down, does not come back with a row that is written anew.
TEST_F(StandingTest, WhatIsTakenOffBringsNoOffboardingBack) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/a", "box/b"}));
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is on fire"));
  EXPECT_FALSE(Offboard());
  ASSERT_TRUE(Declare("bot", Accounts{"box/a"}, Bench::Operator(), true));
  bench.Restart();
  SetHooks();
  EXPECT_TRUE(asked.empty());
  EXPECT_TRUE(Offboard()->Find("complete")->AsBool());
  ASSERT_TRUE(Declare("bot", Accounts{}, Bench::Operator(), true));
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 1u);
  // Nor one of somebody who was let in meanwhile.
  ASSERT_TRUE(Declare("bot", Accounts{"box/a", "box/b"}));
  found = {json::Object{{"what", "account"}, {"id", "a"}, {"ended", false}, {"reason", "the server does not answer"}}};
  EXPECT_FALSE(Offboard()->Find("complete")->AsBool());
  ASSERT_TRUE(Declare("bot", std::nullopt));
  ASSERT_TRUE(Declare("bot", Accounts{"box/a"}, Bench::Operator(), true));
  bench.Restart();
  SetHooks();
  EXPECT_EQ(asked.size(), 2u);
}

TEST_F(StandingTest, AYesToWhatWasAskedBeforeLetsNobodyInAgain) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  WithAdministrators(kFourEyes);
  std::string older = Ask(std::nullopt);  // another key, say, for somebody who is there
  const Result<json::Value> report = Offboard(bench.Person("ann"));
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(Yes(older), "unknown-approval");
  EXPECT_TRUE(bench.broker().FindActor({"Agent", "bot"})->barred);
  EXPECT_EQ(*bench.EventOf("change.denied").FindString("approval"), older);
  bench.Restart();
  SetHooks();
  EXPECT_EQ(Yes(older), "unknown-approval");
  // What is asked of somebody who is barred says so to whoever answers. A mere bar ends what waits as well.
  EXPECT_EQ(Yes(Ask(std::nullopt)), "done");
  EXPECT_FALSE(bench.broker().FindActor({"Agent", "bot"})->barred);
  older = Ask(std::nullopt);
  ASSERT_TRUE(Declare("bot", std::nullopt, Bench::Operator(), true));
  EXPECT_EQ(Yes(older), "unknown-approval");
  EXPECT_TRUE(bench.broker().FindActor({"Agent", "bot"})->barred);
}

TEST_F(StandingTest, AYesToAnotherKeyForgetsNoAccountThatWasDeclaredMeanwhile) {
  WithAdministrators(kFourEyes);
  const std::string key = Ask(std::nullopt), declared = Ask(Accounts{"box/bot_rw"});
  EXPECT_EQ(Yes(declared), "done");
  EXPECT_EQ(Yes(key), "done");
  EXPECT_EQ(*bench.broker().FindActor({"Agent", "bot"})->accounts, Accounts{"box/bot_rw"});
  EXPECT_EQ(Yes(Ask(Accounts{})), "done");
  EXPECT_TRUE(bench.broker().FindActor({"Agent", "bot"})->accounts->empty());
}

// --- which roles they are is looked at when they are declared --------------------------------------------------------------------------------

TEST_F(StandingTest, WhoDeclaresHearsWhichRolesTheseAre) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  std::optional<Result<json::Array>> answer;
  bench.broker().SeeAccounts({"box/bot_rw"}, [&](Result<json::Array> a) { answer = std::move(a); });
  bench.Settle();
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(**answer, seen);
  EXPECT_EQ(looks.back(), (std::pair(Accounts{"box/bot_rw"}, true)));
}

// A target that is down holds up nobody: what is declared is declared, and whoever asked hears what is not known yet.
TEST_F(StandingTest, ATargetThatIsSilentHoldsUpNoDeclaration) {
  target_is_silent = true;
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw"}));
  EXPECT_EQ(*bench.broker().FindActor({"Agent", "bot"})->accounts, Accounts{"box/bot_rw"});
  int answers = 0;
  json::Array told;
  bench.broker().SeeAccounts({"box/bot_rw"}, [&](Result<json::Array> a) { ++answers, told = *std::move(a); });
  bench.broker().SeeUnknownAccounts([&](const Result<json::Array>& a) {
    ++answers;
    EXPECT_EQ(a ? "seen" : a.error().reason, "accounts-unseen");
  });
  bench.Settle();
  EXPECT_EQ(answers, 0);
  // Nothing else waits for it.
  EXPECT_TRUE(bench.Start("triage", {{"ticket", "T-1"}}));
  bench.Pass(std::chrono::seconds(5));
  EXPECT_EQ(answers, 2);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].Find("noted"), nullptr);
  EXPECT_EQ(*told[0].FindString("reason"), "nobody has seen it after 5 seconds");
  // Of what was noted long ago it is said as which role: no other is taken for it. What cannot be read is not taken for nothing.
  const auto said = [&](const std::string& row) {
    bench.broker().Record("standing.noted", {}, {{store::Table::kMeta, AccountNoteKey("box/bot_rw"), row}}, [](const Status&) {});
    bench.broker().SeeAccounts({"box/bot_rw"}, [&](Result<json::Array> a) { told = *std::move(a); });
    bench.Pass(std::chrono::seconds(5));
    return told.at(0);
  };
  EXPECT_EQ(said(R"({"oid":"16400","system":"73"})"),
            json::Value(json::Object{
                {"account", "box/bot_rw"}, {"reason", "nobody has seen it after 5 seconds"}, {"noted", true}, {"oid", "16400"}, {"system", "73"}}));
  for (const char* wrong : {"{", "{}"}) EXPECT_NE(said(wrong).FindString("reason")->find("cannot be read"), std::string::npos);
  // What comes late is for the note alone.
  for (const auto& done : std::exchange(late, {})) done(seen);
  bench.Settle();
  EXPECT_EQ(answers, 2);
}

TEST_F(StandingTest, WhatIsDeclaredByAYesIsSeenToo) {
  WithAdministrators(kFourEyes);
  const std::string approval = Ask(Accounts{"box/bot_rw"});
  EXPECT_TRUE(looks.empty());
  const Result<json::Value> made = bench.Approve(bench.Person("ann"), approval);
  ASSERT_TRUE(made);
  EXPECT_EQ(looks.back(), (std::pair(Accounts{"box/bot_rw"}, true)));
  EXPECT_EQ(made->Find("result")->Find("accounts_seen")->AsArray(), seen);
  EXPECT_EQ(bench.store().Get(store::Table::kActor, R"(Agent::"bot")")->value().find("accounts_seen"), std::string::npos);
}

TEST_F(StandingTest, WhatIsNotKnownIsLookedAtAtEachStartAndSweep) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/bot_rw", "box/a"}));
  ASSERT_TRUE(Declare("helpdesk", Accounts{"box/a"}));
  ASSERT_TRUE(Declare("helpdesk", std::nullopt, Bench::Operator(), true));  // whoever is barred may be offboarded next
  bench.Restart();
  looks.clear();
  SetHooks();  // an older store knows none of these
  ASSERT_FALSE(looks.empty());
  EXPECT_EQ(looks[0], (std::pair(Accounts{"box/a", "box/bot_rw"}, false)));
  looks.clear();
  target_is_silent = true;
  bench.Pass(limits::kSweepInterval);
  EXPECT_EQ(looks.size(), 1u);
  bench.Pass(limits::kSweepInterval);
  EXPECT_EQ(looks.size(), 1u) << "one at a time";
  for (const auto& done : std::exchange(late, {})) done({});
  bench.Pass(limits::kSweepInterval);
  EXPECT_EQ(looks.size(), 2u);
}

// A note belongs to a declaration: it goes with the last one, and a new one does not inherit it.
TEST_F(StandingTest, TheNoteOfAnAccountGoesWithItsLastDeclaration) {
  const auto note = [&](const std::string& account) {
    std::optional<Status> done;
    bench.broker().Record("standing.noted", {}, {{store::Table::kMeta, AccountNoteKey(account), "{}"}}, [&](Status status) { done = status; });
    bench.Settle();
    ASSERT_TRUE(done && *done);
  };
  const auto noted = [&](const std::string& account) { return bench.store().Get(store::Table::kMeta, AccountNoteKey(account))->has_value(); };
  note("box/a");  // left behind by a look that came too late
  ASSERT_TRUE(Declare("bot", Accounts{"box/a", "box/b"}));
  EXPECT_FALSE(noted("box/a"));
  note("box/a");
  note("box/b");
  ASSERT_TRUE(Declare("helpdesk", Accounts{"box/b"}));
  ASSERT_TRUE(Declare("bot", std::nullopt));  // another key, say
  ASSERT_TRUE(Declare("bot", Accounts{"box/a", "box/b"}));
  EXPECT_TRUE(noted("box/a") && noted("box/b"));
  ASSERT_TRUE(Offboard());
  EXPECT_TRUE(noted("box/a") && noted("box/b"));
  ASSERT_TRUE(Declare("bot", Accounts{}, Bench::Operator(), true));
  EXPECT_FALSE(noted("box/a"));
  EXPECT_TRUE(noted("box/b")) << "it is another's, too";
  ASSERT_TRUE(Declare("helpdesk", Accounts{"box/c"}));
  EXPECT_FALSE(noted("box/b"));
}

// A look takes its time. What it saw belongs to the declaration that it looked for, and is not written down behind what goes with the next.
TEST_F(StandingTest, WhatWasSeenForAnEarlierDeclarationIsNotNoted) {
  const auto note = [&](std::optional<std::uint64_t> declaration) -> std::string {
    const auto done = std::make_shared<std::optional<Status>>();
    bench.broker().Record(
        "standing.noted", {}, {{store::Table::kMeta, AccountNoteKey("box/a"), "{}"}}, [done](Status status) { *done = std::move(status); },
        Declared{"box/a", declaration.value_or(0)});
    bench.Settle();
    if (!*done) return "no answer";
    return **done ? "noted" : (**done).error().reason;
  };
  const auto noted = [&] { return bench.store().Get(store::Table::kMeta, AccountNoteKey("box/a"))->has_value(); };
  const auto now = [&] { return bench.broker().DeclarationOf("box/a"); };
  EXPECT_EQ(now(), std::nullopt);
  EXPECT_EQ(note(now()), "account-changed");
  ASSERT_TRUE(Declare("bot", Accounts{"box/a"}));
  const std::optional<std::uint64_t> first = now();
  ASSERT_TRUE(first);
  EXPECT_EQ(note(first), "noted");
  ASSERT_TRUE(Declare("bot", Accounts{"box/a"}));
  ASSERT_TRUE(Declare("bot", std::nullopt));
  EXPECT_EQ(now(), first) << "it is declared as before";
  ASSERT_TRUE(Declare("bot", Accounts{}));
  EXPECT_EQ(now(), std::nullopt);
  EXPECT_EQ(note(first), "account-changed");
  ASSERT_TRUE(Declare("bot", Accounts{"box/a"}));
  EXPECT_EQ(note(first), "account-changed");
  EXPECT_FALSE(noted());
  // Taken off, and not written down yet: what is noted now would come after that.
  const std::optional<std::uint64_t> second = now();
  EXPECT_EQ(note(second), "noted");
  bench.store().HoldCommits();
  bool taken_off = false;
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "bot", nullptr, std::nullopt, false, Accounts{}},
                          [&](const Result<json::Value>& done) { taken_off = done.has_value(); });
  bench.Settle();
  EXPECT_FALSE(taken_off);
  EXPECT_EQ(bench.broker().FindActor({"Agent", "bot"})->accounts, Accounts{"box/a"}) << "who gives something has it given with the commit";
  EXPECT_EQ(now(), std::nullopt);
  EXPECT_EQ(note(second), "account-changed");
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_TRUE(taken_off);
  EXPECT_FALSE(noted());
  // Where it was not, it stays.
  ASSERT_TRUE(Declare("bot", Accounts{"box/a"}));
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is on fire"));
  EXPECT_FALSE(Declare("bot", Accounts{}));
  EXPECT_EQ(note(now()), "noted");
}

// An offboarding has ended what its asker meant: what changes hands while it waits for its turn is refused by its number.
TEST_F(StandingTest, AnOffboardingSaysWhichDeclarationsItMeans) {
  ASSERT_TRUE(Declare("bot", Accounts{"box/a", "box/b"}));
  waits = true;
  EXPECT_FALSE(Offboard());
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_EQ(asked[0].declarations.size(), 2u);
  const auto as_meant = [&](const std::string& account) { return bench.broker().DeclarationOf(account) == asked[0].declarations.at(account); };
  EXPECT_TRUE(as_meant("box/a") && as_meant("box/b"));
  ASSERT_TRUE(Declare("bot", Accounts{"box/b"}, Bench::Operator(), true));
  ASSERT_TRUE(Declare("bot", Accounts{"box/a", "box/b"}, Bench::Operator(), true));
  EXPECT_FALSE(as_meant("box/a"));
  EXPECT_TRUE(as_meant("box/b"));
  ASSERT_TRUE(Declare("helpdesk", Accounts{"box/b"}));  // somebody else works with it since
  EXPECT_FALSE(as_meant("box/b"));
}

TEST_F(StandingTest, AReplacementIsAskedForAndWrittenDown) {
  WithAdministrators();
  using Step = Replacement::Step;
  using Phase = Replacement::Phase;
  const Result<json::Value> begun = Record(bench.Person("ann"), Step::kApply);
  ASSERT_TRUE(begun) << begun.error().ToString();
  const json::Value event = bench.Events().at(static_cast<std::size_t>(begun->Find("index")->AsInt()));
  EXPECT_EQ(*event.FindString("type"), "replace.begun");
  EXPECT_EQ(*event.FindString("by"), R"(Employee::"ann")");
  EXPECT_EQ(*event.FindString("account"), "billing");
  EXPECT_EQ(*event.FindString("plan"), std::string(64, 'a'));
  ASSERT_TRUE(Record(bench.Person("ann"), Step::kApply, Phase::kDone));
  EXPECT_EQ(bench.EventOf("replace.done").Find("removed")->AsInt(), 5);
  // Nobody else, not even to say that it was done.
  const std::size_t before = bench.Events().size();
  for (const Phase phase : {Phase::kBegun, Phase::kDone, Phase::kFailed}) {
    EXPECT_EQ(Record(bench.Person("bob"), Step::kApply, phase).error().reason, "administration-denied");
    EXPECT_EQ(Record(Bench::Agent(), Step::kApply, phase).error().reason, "administration-denied");
  }
  EXPECT_EQ(bench.Events().size(), before);
  // The operator takes away, and gives nothing back.
  EXPECT_TRUE(Record(Bench::Operator(), Step::kApply));
  EXPECT_EQ(Record(Bench::Operator(), Step::kRollBack).error().reason, "set-up-is-over");
}

TEST_F(StandingTest, AYesIsNeededToGiveBackAndNeverToTakeAway) {
  bench.LeaveCatalog(std::string(kPolicies) + std::string(kAdministration) +
                     R"(@id("four-eyes") @unless_approved("1") forbid (principal, action == Remit::Action::"replace.apply", resource);)");
  EXPECT_TRUE(Record(bench.Person("ann"), Replacement::Step::kApply));
  EXPECT_EQ(Record(bench.Person("ann"), Replacement::Step::kRollBack).error().reason, "needs-approval");
}

TEST_F(StandingTest, OnAFullDiskAccessIsTakenAwayAndNotGivenBack) {
  bench.store().FillDisk(true);
  EXPECT_TRUE(Record(Bench::Operator(), Replacement::Step::kApply));
  EXPECT_EQ(Record(Bench::Operator(), Replacement::Step::kRollBack).error().reason, "store-full");
  // What the end of standing access writes down before it does anything fits, too; what others ask to be written does not.
  const auto written = [&](std::string_view type) {
    std::optional<Status> done;
    bench.broker().Record(type, json::Object{}, {}, [&](Status status) { done = std::move(status); });
    bench.Settle();
    return done && *done ? "written" : done ? done->error().reason : "no answer";
  };
  EXPECT_EQ(written("standing.ending"), "written");
  EXPECT_EQ(written("standing.noted"), "store-full");
  EXPECT_EQ(written("webhook.failed"), "store-full");
}

}  // namespace
}  // namespace remit::broker
