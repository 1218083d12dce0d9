// Offboarding: nothing that the actor holds is left, what cannot end is named, and a receipt says so.
#include "broker/test_bench.h"
#include "crypto/hash.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "json/write.h"

namespace remit::broker {
namespace {

class OffboardTest : public BrokerTest {
 protected:
  OffboardTest() {
    Hooks hooks;
    hooks.end_sessions = [this](const cedar::EntityUid& who, const std::string&, std::function<void(Result<std::size_t>)> done) {
      ended_sessions.push_back(who.ToString());
      if (sessions_fail) return done(Fail(Code::kUnavailable, "store-failed", "the disk is on fire"));
      done(2u);
    };
    hooks.standing = [this](const StandingRequest&, std::function<void(Result<json::Array>)> done) { done(standing); };
    bench.broker().SetHooks(std::move(hooks));
  }

  Result<json::Value> Offboard(const std::string& id = "bot", const Caller& by = Bench::Operator(), Duration wait = Duration(0),
                               const std::string& why = "the vendor was replaced") {
    std::optional<Result<json::Value>> answer;
    bench.broker().Offboard(by, {"Agent", id}, why, wait, [&](Result<json::Value> a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  static const json::Value* Line(const json::Value& report, const char* list, const std::string& what, const std::string& id = "") {
    for (const json::Value& one : report.Find(list)->AsArray())
      if (*one.FindString("what") == what && (id.empty() || *one.FindString("id") == id)) return &one;
    return nullptr;
  }

  // As the server does when it starts.
  void SetHooksAgain() {
    Hooks hooks;
    hooks.end_sessions = [this](const cedar::EntityUid& who, const std::string&, std::function<void(Result<std::size_t>)> done) {
      ended_sessions.push_back(who.ToString());
      done(0u);
    };
    bench.broker().SetHooks(std::move(hooks));
    bench.Settle();
  }

  std::vector<std::string> ended_sessions;
  bool sessions_fail = false;
  json::Array standing;
};

TEST_F(OffboardTest, EverythingThatItHoldsEndsWithEvidence) {
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "bot", nullptr, 1234, false}, [](auto a) { Bench::Expect(a); });
  const StartAnswer triage = Triage();
  const auto box = bench.Start("box", {{"box", "a"}});
  const auto asked = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(box.has_value() && asked.has_value());
  const std::string role = box->credentials.at(0).name;
  ASSERT_TRUE(bench.box->exists.contains(role));

  const Result<json::Value> report = Offboard("bot", Bench::Operator(), std::chrono::seconds(5));
  ASSERT_TRUE(report.has_value()) << report.error().ToString();
  EXPECT_TRUE(report->Find("complete")->AsBool());
  EXPECT_TRUE(report->Find("open")->AsArray().empty());
  EXPECT_EQ(*Line(*report, "ended", "task", triage.task.id)->FindString("state"), "revoked");
  EXPECT_EQ(*Line(*report, "ended", "task", asked->task.id)->FindString("state"), "denied");
  EXPECT_EQ(*Line(*report, "ended", "credential")->FindString("name"), role);
  EXPECT_NE(Line(*report, "ended", "registration"), nullptr);
  EXPECT_NE(Line(*report, "ended", "sessions"), nullptr);
  EXPECT_EQ(ended_sessions, (std::vector<std::string>{R"(Agent::"bot")"}));
  // And it is so.
  EXPECT_FALSE(bench.box->exists.contains(role));
  EXPECT_FALSE(bench.Allowed(triage.task.id, "ticket.read", "T-1"));
  EXPECT_TRUE(bench.broker().FindHandle(triage.token.Reveal()).Is(Caller::Kind::kNobody));
  EXPECT_FALSE(bench.broker().FindActorByUnixUid(1234).has_value());
  EXPECT_EQ(bench.Start("triage", {{"ticket", "T-1"}}).error().reason, "start-denied");
  bench.Restart();
  EXPECT_TRUE(bench.broker().FindActor({"Agent", "bot"})->barred);
  EXPECT_EQ(bench.StateOf(triage.task.id), "revoked");
}

TEST_F(OffboardTest, WhatDoesNotEndIsNamedAndGoesOnEnding) {
  ActorRecord bot{{"Agent", "bot"}, "bot", nullptr, std::nullopt, false};
  bot.accounts = {"box/bot"};
  bench.broker().PutActor(Bench::Operator(), bot, [](auto a) { Bench::Expect(a); });
  const auto box = bench.Start("box", {{"box", "a"}});
  bench.box->down = true;
  sessions_fail = true;
  standing = {json::Object{{"what", "grant"}, {"id", "orders"}, {"ended", false}, {"reason", "it owns tables"}}};
  const Result<json::Value> report = Offboard();
  ASSERT_TRUE(report.has_value()) << report.error().ToString();
  EXPECT_FALSE(report->Find("complete")->AsBool());
  EXPECT_EQ(*Line(*report, "open", "credential")->FindString("id"), box->credentials.at(0).id);
  EXPECT_NE(Line(*report, "open", "sessions"), nullptr);
  EXPECT_NE(Line(*report, "open", "grant"), nullptr);
  // Its task is over all the same.
  EXPECT_NE(Line(*report, "ended", "task", box->task.id), nullptr);

  // Asked again while it still does not answer: the same credential, although its task ended long ago.
  sessions_fail = false;
  standing.clear();
  const Result<json::Value> again = Offboard();
  ASSERT_TRUE(again.has_value()) << again.error().ToString();
  EXPECT_EQ(*Line(*again, "open", "credential")->FindString("id"), box->credentials.at(0).id);
  bench.box->down = false;
  bench.Pass(std::chrono::minutes(2));
  // It goes on for the reason that it began with, where no other is given.
  const Result<json::Value> last = Offboard("bot", Bench::Operator(), Duration(0), "");
  EXPECT_EQ(*last->FindString("why"), "the vendor was replaced");
  EXPECT_TRUE(last->Find("complete")->AsBool());
  EXPECT_FALSE(bench.box->exists.contains(box->credentials.at(0).name));
}

TEST_F(OffboardTest, AStartThatIsOnItsWayComesTooLate) {
  std::optional<Result<StartAnswer>> started;
  StartRequest request;
  request.type = "box";
  request.parameters = json::Object{{"box", "a"}};
  bench.store().HoldCommits();
  bench.broker().Start(Bench::Agent(), request, [&](Result<StartAnswer> a) { started = std::move(a); });
  std::optional<Result<json::Value>> report;
  bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [&](Result<json::Value> a) { report = std::move(a); });
  bench.store().ReleaseCommits();
  bench.Settle();
  bench.Pass(std::chrono::seconds(30));
  EXPECT_FALSE(started->has_value());
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().ListTasks(Bench::Operator(), {})->Find("tasks")->AsArray().size(), 0u);
}

TEST_F(OffboardTest, ACrashBehindTheBarForgetsNothing) {
  const StartAnswer triage = Triage();
  const auto box = bench.Start("box", {{"box", "a"}});
  const auto asked = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(box.has_value() && asked.has_value());
  std::unique_ptr<store::MemoryStore> left;  // what is written down when the power goes
  Hooks hooks;
  hooks.end_sessions = [&](const cedar::EntityUid&, const std::string&, std::function<void(Result<std::size_t>)> done) {
    left = bench.store().Snapshot();
    done(0u);
  };
  bench.broker().SetHooks(std::move(hooks));
  (void)Offboard();
  ASSERT_TRUE(left != nullptr && (*left->Get(store::Table::kTask, triage.task.id)).has_value()) << "the crash came too late to show anything";
  bench.box->exists.insert(box->credentials.at(0).name);
  bench.RestartFrom(std::move(left));
  // Whatever else happens, it may do nothing.
  EXPECT_EQ(bench.StateOf(triage.task.id), "revoked");
  EXPECT_TRUE(bench.broker().FindHandle(triage.token.Reveal()).Is(Caller::Kind::kNobody));
  bench.Pass(std::chrono::seconds(10));
  EXPECT_EQ(bench.StateOf(box->task.id), "revoked");
  EXPECT_EQ(bench.StateOf(asked->task.id), "denied");
  EXPECT_FALSE(bench.box->exists.contains(box->credentials.at(0).name));
  SetHooksAgain();
  EXPECT_EQ(ended_sessions, (std::vector<std::string>{R"(Agent::"bot")"}));
  EXPECT_EQ(*bench.EventOf("offboard.done").FindString("actor"), R"(Agent::"bot")");
  // And that was it.
  bench.Restart();
  SetHooksAgain();
  EXPECT_EQ(ended_sessions.size(), 1u);
}

TEST_F(OffboardTest, WhoIsRegisteredAgainIsNotOffboardedByTheNextStart) {
  sessions_fail = true;
  ASSERT_FALSE(Offboard()->Find("complete")->AsBool());
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "", nullptr, std::nullopt, false}, [](auto a) { Bench::Expect(a); });
  const StartAnswer triage = Triage();
  bench.Restart();
  SetHooksAgain();
  EXPECT_EQ(bench.StateOf(triage.task.id), "active");
  EXPECT_TRUE(ended_sessions.size() == 1u);  // by Offboard
}

// Offboarded, registered again, offboarded again: the report on the first says nothing of the second.
TEST_F(OffboardTest, ALateReportOfAnEarlierOneForgetsNothing) {
  std::vector<std::function<void(Result<std::size_t>)>> waiting;
  Hooks hooks;
  hooks.end_sessions = [&](const cedar::EntityUid&, const std::string&, std::function<void(Result<std::size_t>)> done) {
    waiting.push_back(std::move(done));
  };
  bench.broker().SetHooks(std::move(hooks));
  std::optional<Result<json::Value>> first;
  bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [&](auto a) { first = std::move(a); });
  bench.Settle();
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "", nullptr, std::nullopt, false}, [](auto a) { Bench::Expect(a); });
  bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [](auto) {});
  bench.Settle();
  ASSERT_EQ(waiting.size(), 2u);
  waiting[0](0u);
  bench.Settle();
  ASSERT_TRUE(first && (*first)->Find("complete")->AsBool());
  bench.Restart();
  SetHooksAgain();
  EXPECT_EQ(ended_sessions, (std::vector<std::string>{R"(Agent::"bot")"}));
}

TEST_F(OffboardTest, ARegistrationThatIsOnItsWayComesTooLate) {
  ActorRecord again{{"Agent", "bot"}, "bot", nullptr, 1234, false};
  bench.store().HoldCommits();
  bench.broker().PutActor(Bench::Operator(), again, [](auto) {});
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", false}, [](auto) {});
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "helpdesk"}, "", nullptr, std::nullopt, false}, [](auto) {});
  bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [](auto) {});
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", true}, [](auto) {});
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "helpdesk"}, "", nullptr, std::nullopt, true}, [](auto) {});
  bench.store().ReleaseCommits();
  bench.Settle();
  for (int start = 0; start < 2; ++start) {
    EXPECT_TRUE(bench.broker().FindActor({"Agent", "bot"})->barred);
    EXPECT_FALSE(bench.broker().FindActorByUnixUid(1234).has_value());
    EXPECT_TRUE(bench.broker().FindActor({"Agent", "helpdesk"})->barred);
    EXPECT_TRUE(bench.broker().FindPerson({"Employee", "eve"})->barred);
    bench.Restart();
  }
  // What comes after it is a registration like any other.
  bench.broker().PutActor(Bench::Operator(), again, [](auto a) { Bench::Expect(a); });
  EXPECT_EQ(bench.broker().FindActorByUnixUid(1234)->uid.id, "bot");
}

TEST_F(OffboardTest, AStartThatLiesAheadAndIsOnItsWayComesTooLateToo) {
  std::string started;
  StartRequest request;
  request.type = "box";
  request.parameters = json::Object{{"box", "a"}};
  request.at = bench.clock.Now() + std::chrono::hours(1);
  bench.store().HoldCommits();
  bench.broker().Start(Bench::Agent(), request, [&](Result<StartAnswer> a) { started = a ? "started" : a.error().reason; });
  bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [](const Result<json::Value>&) {});
  bench.store().ReleaseCommits();
  bench.Pass(std::chrono::seconds(30));
  EXPECT_EQ(started, "task-ended");
  EXPECT_EQ(bench.broker().ListTasks(Bench::Operator(), {})->Find("tasks")->AsArray().size(), 0u);
  bench.Restart();
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
}

TEST_F(OffboardTest, OnlyTheOneWhoIsNamed) {
  const StartAnswer triage = Triage();
  ASSERT_TRUE(Offboard("helpdesk").has_value());
  EXPECT_EQ(bench.StateOf(triage.task.id), "active");
  EXPECT_EQ(Offboard("nobody").error().reason, "unknown-actor");
  EXPECT_EQ(Offboard("bot", Bench::Agent()).error().reason, "administration-denied");
  EXPECT_EQ(Offboard("bot", bench.Person("eve")).error().reason, "administration-denied");
  EXPECT_EQ(bench.StateOf(triage.task.id), "active");
}

TEST_F(OffboardTest, TheReceiptIsSignedAndItsEventIsInTheLedger) {
  Triage();
  const Result<json::Value> report = Offboard();
  ASSERT_TRUE(report.has_value());
  const json::Value& proof = *report->Find("proof");
  const std::vector<json::Value> events = bench.Events();
  const json::Value event = *json::Parse(*proof.FindString("event"));
  EXPECT_EQ(event, events.at(static_cast<std::size_t>(proof.Find("index")->AsInt())));
  EXPECT_EQ(*event.FindString("type"), "offboard.done");
  EXPECT_EQ(*event.FindString("actor"), R"(Agent::"bot")");
  // By the key of receipts, and not as the receipt of a task.
  const auto keys = jose::JwkSet::Parse(bench.broker().ReceiptJwks());
  ASSERT_TRUE(keys.has_value());
  EXPECT_TRUE(jose::VerifyCompact(*report->FindString("jws"), *keys, jose::TypPolicy::Expect("remit-offboarding+jwt")).has_value());
  EXPECT_FALSE(jose::VerifyCompact(*report->FindString("jws"), *keys, jose::TypPolicy::Expect("remit-receipt+jwt")).has_value());
}

// The key of receipts is not trusted any more, and the next one is not there yet: what ended is told all the same, for nobody could ask for it again.
TEST_F(OffboardTest, AReportWhoseKeyIsNotTrustedMeanwhileIsNotLost) {
  for (const bool in_time : {true, false}) {
    bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "", nullptr, std::nullopt, false}, [](auto a) { Bench::Expect(a); });
    const StartAnswer triage = Triage();
    const Error gone(Code::kUnavailable, "store-failed", "the disk is gone");
    bench.store().FailNext(1, gone);
    std::string rotated;
    bench.broker().RotateKey(Bench::Operator(), {.key = "receipt", .leaked = true}, [&](auto a) { rotated = a ? "done" : a.error().reason; });
    EXPECT_EQ(rotated, "distrust-not-recorded");
    std::optional<Result<json::Value>> report;
    bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [&](auto a) { report = std::move(a); });
    bench.Settle();
    EXPECT_FALSE(report.has_value()) << "there is nothing to sign it with";
    if (!in_time) bench.store().FailNext(1000, gone);
    bench.Pass(std::chrono::seconds(in_time ? 2 : 11));
    bench.store().FailNext(0, gone);
    ASSERT_TRUE(report && report->has_value());
    const json::Value told = **report;
    EXPECT_TRUE(Line(told, "ended", "task", triage.task.id));
    EXPECT_EQ(told.Find("not_signed") == nullptr, in_time);
    if (const std::string* jws = told.FindString("jws")) {
      EXPECT_TRUE(jose::VerifyCompact(*jws, *jose::JwkSet::Parse(bench.broker().ReceiptJwks()), jose::TypPolicy::Expect("remit-offboarding+jwt")));
    } else {
      EXPECT_FALSE(in_time);
    }
    // What is in the ledger is this very report.
    json::Object bare = told.AsObject();
    for (const char* name : {"proof", "jws", "not_signed"}) bare.Erase(name);
    EXPECT_EQ(*json::Parse(*told.Find("proof")->FindString("event"))->FindString("report"), HexEncode(crypto::Sha256(json::Canonical(bare))));
    bench.Pass(std::chrono::seconds(60));
  }
}

TEST_F(OffboardTest, OnAFullDiskItIsBarredAndEverythingEnds) {
  const StartAnswer triage = Triage();
  bench.store().FillDisk(true);
  const Result<json::Value> report = Offboard();
  ASSERT_TRUE(report.has_value()) << report.error().ToString();
  EXPECT_TRUE(report->Find("complete")->AsBool());
  EXPECT_FALSE(bench.Allowed(triage.task.id, "ticket.read", "T-1"));
}

}  // namespace
}  // namespace remit::broker
