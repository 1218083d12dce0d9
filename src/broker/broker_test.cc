#include "broker/broker.h"

#include <gtest/gtest.h>

#include "broker/test_bench.h"
#include "jose/access_token.h"
#include "json/write.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class BrokerTest : public ::testing::Test {
 protected:
  StartAnswer Triage(const std::string& ticket = "T-1") {
    auto started = bench.Start("triage", {{"ticket", ticket}});
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    return started ? *std::move(started) : StartAnswer{};
  }
  Bench bench;
};

// --- the life ----------------------------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, ATaskGetsExactlyWhatItNeedsAndLosesItWhenItEnds) {
  StartAnswer started = Triage();
  const std::string& id = started.task.id;
  EXPECT_EQ(bench.StateOf(id), "active");
  EXPECT_TRUE(bench.Allowed(id, "ticket.read", "T-1"));
  EXPECT_FALSE(bench.Allowed(id, "ticket.read", "T-2"));
  EXPECT_FALSE(bench.Allowed(id, "ticket.close", "T-1"));
  EXPECT_TRUE(bench.broker().Introspect(Bench::Operator(), started.token.Reveal()).Find("active")->AsBool());
  auto ended = bench.Complete(started);
  ASSERT_TRUE(ended.has_value()) << ended.error().ToString();
  EXPECT_TRUE(ended->all_dead);
  EXPECT_FALSE(bench.Allowed(id, "ticket.read", "T-1"));
  EXPECT_FALSE(bench.broker().Introspect(Bench::Operator(), started.token.Reveal()).Find("active")->AsBool());
  EXPECT_TRUE(bench.broker().FindHandle(started.token.Reveal()).Is(Caller::Kind::kNobody));
  EXPECT_EQ(bench.StateOf(id), "completed");
  EXPECT_EQ(bench.Complete(started).error().code, Code::kNotFound);  // its holder key is dead, too
}

TEST_F(BrokerTest, ARestartForgetsNothing) {
  StartAnswer kept = Triage(), ended = Triage();
  ASSERT_TRUE(bench.Allowed(kept.task.id, "ticket.comment", "T-1"));
  ASSERT_TRUE(bench.Complete(ended).has_value());
  bench.Restart();
  EXPECT_TRUE(bench.Allowed(kept.task.id, "ticket.read", "T-1"));
  EXPECT_FALSE(bench.Allowed(kept.task.id, "ticket.comment", "T-1"));  // its one use is spent
  EXPECT_FALSE(bench.Allowed(ended.task.id, "ticket.read", "T-1"));
  EXPECT_FALSE(bench.broker().Introspect(Bench::Operator(), ended.token.Reveal()).Find("active")->AsBool());
}

TEST_F(BrokerTest, RefusesStartsWithOneClearReason) {
  auto reason = [&](const std::string& type, json::Object parameters, const Caller& by = Bench::Agent()) {
    auto started = bench.Start(type, std::move(parameters), by);
    return started ? std::string("started") : started.error().reason;
  };
  std::uint64_t before = bench.store().Head().size;
  EXPECT_EQ(reason("triag", {{"ticket", "T-1"}}), "unknown-type");
  EXPECT_EQ(reason("triage", {}), "missing-parameter");
  EXPECT_EQ(reason("triage", {{"ticket", "T-1"}, {"x", 1}}), "unknown-parameter");
  EXPECT_EQ(reason("triage", {{"ticket", "T-9"}}), "unknown-entity");
  EXPECT_EQ(reason("triage", {{"ticket", 7}}), "ill-typed-parameter");
  EXPECT_EQ(reason("triage", {{"ticket", "T-1"}}, Bench::Agent("helpdesk")), "start-denied");
  EXPECT_EQ(reason("triage", {{"ticket", "T-1"}}, Caller{}), "not-an-actor");
  StartAnswer own = Triage();
  EXPECT_EQ(reason("triage", {{"ticket", "T-1"}}, bench.broker().FindHandle(own.token.Reveal())), "not-an-actor");  // a task starts no task
  EXPECT_EQ(bench.store().Head().size, before + 1);  // the refusals wrote nothing
}

TEST_F(BrokerTest, LivesNoLongerThanItsTypeAllows) {
  StartRequest request;
  request.type = "triage";
  request.parameters = json::Object{{"ticket", "T-1"}};
  request.ttl = std::chrono::hours(2);
  std::string reason;
  bench.broker().Start(Bench::Agent(), request, [&](auto answer) { reason = answer ? "" : answer.error().reason; });
  EXPECT_EQ(reason, "too-long");
}

TEST_F(BrokerTest, TheDeadlineEndsIt) {
  StartAnswer started = Triage();
  ASSERT_TRUE(bench.broker().Hold(bench.broker().FindHandle(started.holder.Reveal()), started.task.id, [](const json::Value&) {}).has_value());
  bench.Pass(minutes(15) - seconds(1));
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.read", "T-1"));
  bench.clock.Advance(seconds(1));  // the timer has not run: the decision looks for itself
  EXPECT_EQ(bench.Use(started.task.id, "ticket.read", "T-1")->reason, "past-deadline");
  bench.Pass(seconds(0));
  EXPECT_EQ(bench.StateOf(started.task.id), "expired");
}

TEST_F(BrokerTest, SilenceEndsItWhereAHeartbeatWasAskedFor) {
  StartAnswer started = bench.Start("triage", {{"ticket", "T-1"}}, Bench::Agent(), /*held=*/true).value();
  StartAnswer silent = Triage();
  Caller holder = bench.broker().FindHandle(started.holder.Reveal());
  bench.Pass(seconds(59));
  ASSERT_TRUE(bench.broker().Heartbeat(holder, started.task.id).has_value());
  bench.Pass(seconds(59));
  EXPECT_EQ(bench.StateOf(started.task.id), "active");
  bench.Pass(seconds(1));
  EXPECT_EQ(bench.StateOf(started.task.id), "expired");
  EXPECT_EQ(bench.StateOf(silent.task.id), "active");
  bench.Restart();
  bench.Pass(minutes(10));
  EXPECT_EQ(bench.StateOf(silent.task.id), "active");
  // REMIT_TOKEN is no sign of life.
  StartAnswer other = Triage();
  EXPECT_FALSE(bench.broker().Heartbeat(bench.broker().FindHandle(other.token.Reveal()), other.task.id).has_value());
}

TEST_F(BrokerTest, AHeldConnectionThatClosesEndsItAfterFifteenSeconds) {
  StartAnswer started = Triage();
  Caller holder = bench.broker().FindHandle(started.holder.Reveal());
  std::vector<json::Value> told;
  auto hold = bench.broker().Hold(holder, started.task.id, [&](const json::Value& line) { told.push_back(line); });
  ASSERT_TRUE(hold.has_value());
  bench.Pass(minutes(12));
  ASSERT_EQ(told.size(), 1u);  // 80 % of 15 minutes
  EXPECT_EQ(*told[0].FindString("event"), "warning");
  bench.broker().Release(started.task.id, *hold);
  bench.Pass(seconds(14));
  hold = bench.broker().Hold(holder, started.task.id, [&](const json::Value& line) { told.push_back(line); });
  ASSERT_TRUE(hold.has_value());
  bench.Pass(seconds(30));
  EXPECT_EQ(bench.StateOf(started.task.id), "active");
  bench.broker().Release(started.task.id, *hold);
  bench.Pass(seconds(15));
  EXPECT_EQ(bench.StateOf(started.task.id), "expired");
  EXPECT_EQ(*bench.broker().ShowTask(Bench::Operator(), started.task.id)->FindString("end_reason"), "connection-closed");
}

TEST_F(BrokerTest, TheTokenMayUseAndMayNotEnd) {
  StartAnswer started = Triage();
  std::string reason;
  bench.broker().Complete(bench.broker().FindHandle(started.token.Reveal()), started.task.id, Duration(0), [&](auto answer) { reason = answer.error().reason; });
  EXPECT_EQ(reason, "holder-key-needed");
  bench.broker().Complete(Bench::Agent("helpdesk"), started.task.id, Duration(0), [&](auto answer) { reason = answer.error().reason; });
  EXPECT_EQ(reason, "unknown-task");
  EXPECT_EQ(bench.StateOf(started.task.id), "active");
}

TEST_F(BrokerTest, LeadsRevokeAndOthersDoNotEvenSeeIt) {
  StartAnswer started = Triage();
  auto revoke = [&](const Caller& by) {
    std::string reason;
    bench.broker().Revoke(by, started.task.id, "leaked", Duration(0), [&](auto answer) { reason = answer ? "" : answer.error().reason; });
    return reason;
  };
  EXPECT_EQ(revoke(bench.Person("eve")), "unknown-task");
  EXPECT_EQ(revoke(Bench::Agent()), "revoke-denied");
  EXPECT_EQ(revoke(bench.Person("ann")), "");
  EXPECT_EQ(bench.StateOf(started.task.id), "revoked");
}

// --- obligations and idempotency ------------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, AfterOneUseItIsForbidden) {
  StartAnswer started = Triage();
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.comment", "T-1"));
  EXPECT_EQ(bench.Use(started.task.id, "ticket.comment", "T-1")->reason, "used-up");
}

TEST_F(BrokerTest, OfManyAtOnceExactlyOnePasses) {
  StartAnswer started = Triage();
  int allowed = 0, answers = 0;
  bench.store().HoldCommits();
  for (int i = 0; i < 100; ++i)
    bench.broker().Evaluate(Bench::Agent("helpdesk"), Bench::Question(started.task.id, "ticket.comment", "Ticket", "T-1"), [&](auto answer) {
      ++answers;
      if (answer && answer->allowed) ++allowed;
    });
  bench.store().ReleaseCommits();
  EXPECT_EQ(answers, 100);
  EXPECT_EQ(allowed, 1);
}

TEST_F(BrokerTest, AUseThatCannotBeWrittenDownIsNotGivenAndStaysSpent) {
  StartAnswer started = Triage();
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "disk gone"));
  EXPECT_FALSE(bench.Use(started.task.id, "ticket.comment", "T-1").has_value());
  EXPECT_EQ(bench.Use(started.task.id, "ticket.comment", "T-1")->reason, "used-up");
}

TEST_F(BrokerTest, TheSameKeyGetsTheSameAnswerAndSpendsOnce) {
  StartAnswer started = Triage();
  auto use = [&](const std::string& action) {
    UseRequest request = Bench::Question(started.task.id, action, "Ticket", "T-1");
    request.idempotency_key = "k1";
    std::optional<Result<UseAnswer>> answer;
    bench.broker().Evaluate(Bench::Agent("helpdesk"), request, [&](auto a) { answer = std::move(a); });
    return *std::move(answer);
  };
  EXPECT_TRUE(use("ticket.comment")->allowed);
  EXPECT_TRUE(use("ticket.comment")->allowed);
  bench.Restart();
  EXPECT_TRUE(use("ticket.comment")->allowed);
  EXPECT_EQ(use("ticket.read").error().reason, "idempotency-key-reused");
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.comment", "T-1"));
}

TEST_F(BrokerTest, TheSameStartKeyStartsOnce) {
  StartRequest request;
  request.type = "triage";
  request.parameters = json::Object{{"ticket", "T-1"}};
  request.idempotency_key = "run-17";
  std::vector<std::string> reasons;
  auto start = [&] { bench.broker().Start(Bench::Agent(), request, [&](auto answer) { reasons.push_back(answer ? "started" : answer.error().reason); }); };
  bench.store().HoldCommits();
  start();
  start();
  bench.store().ReleaseCommits();
  bench.Restart();
  start();
  EXPECT_EQ(reasons, (std::vector<std::string>{"started", "already-started", "already-started"}));
}

TEST_F(BrokerTest, ChecksSpendNothing) {
  StartAnswer started = Triage();
  for (int i = 0; i < 3; ++i) {
    auto answer = bench.broker().Check(bench.broker().FindHandle(started.token.Reveal()), Bench::Question(started.task.id, "ticket.comment", "Ticket", "T-1"));
    EXPECT_TRUE(answer->allowed);
  }
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.comment", "T-1"));
  EXPECT_EQ(bench.broker().Check(Bench::Agent("bot2"), Bench::Question(started.task.id, "ticket.read", "Ticket", "T-1")).error().reason, "unknown-task");
}

TEST_F(BrokerTest, OnlyAPepIsAnswered) {
  StartAnswer started = Triage();
  std::string reason;
  bench.broker().Evaluate(Bench::Agent("bot"), Bench::Question(started.task.id, "ticket.read", "Ticket", "T-1"), [&](auto answer) { reason = answer->reason; });
  EXPECT_EQ(reason, "not-a-pep");
}

TEST_F(BrokerTest, CountsAreCommittedWithinASecond) {
  StartAnswer started = Triage();
  bench.Allowed(started.task.id, "ticket.read", "T-1");
  bench.Allowed(started.task.id, "ticket.read", "T-2");
  bench.Pass(seconds(1));
  bench.Restart();
  auto shown = bench.broker().ShowTask(Bench::Operator(), started.task.id);
  EXPECT_EQ(shown->Find("allowed")->AsInt(), 1);
  EXPECT_EQ(shown->Find("denied")->AsInt(), 1);
}

// --- approvals -------------------------------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, TwoPeopleApproveAStart) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(started.has_value());
  const std::string& id = started->task.id;
  EXPECT_EQ(bench.StateOf(id), "requested");
  EXPECT_FALSE(bench.Allowed(id, "ticket.close", "T-1"));
  EXPECT_FALSE(bench.broker().Introspect(Bench::Operator(), started->token.Reveal()).Find("active")->AsBool());
  EXPECT_EQ(bench.Approve(bench.Person("eve"), started->approval).error().code, Code::kNotFound);
  EXPECT_EQ(bench.Approve(Bench::Agent(), started->approval).error().reason, "not-a-person");
  EXPECT_EQ(bench.Approve(Bench::Operator(), started->approval).error().reason, "not-a-person");
  EXPECT_EQ(bench.Approve(bench.Person("ann"), started->approval, std::string(64, '0')).error().reason, "request-changed");
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(id), "requested");
  EXPECT_EQ(bench.Approve(bench.Person("ann"), started->approval).error().reason, "already-approved");
  auto second = bench.Approve(bench.Person("bob"), started->approval);
  ASSERT_TRUE(second.has_value()) << second.error().ToString();
  EXPECT_EQ(bench.StateOf(id), "active");
  EXPECT_TRUE(bench.Allowed(id, "ticket.close", "T-1"));
}

TEST_F(BrokerTest, AnOldSessionDoesNotApprove) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  Caller ann = bench.Person("ann");
  bench.clock.Advance(minutes(61));
  EXPECT_EQ(bench.Approve(ann, started->approval).error().reason, "session-too-old");
}

TEST_F(BrokerTest, AYesOfSomebodyWhoLostTheRightDoesNotCount) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "ann"}, "", true}, [](auto answer) { Bench::Expect(answer); });
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(started->task.id), "requested");
}

TEST_F(BrokerTest, WhatChangedMeanwhileMustBeApprovedAgain) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  bench.LoadCatalog(std::string(kPolicies) + R"(@id("more") permit (principal is Change, action == Action::"ticket.read", resource) when { resource == principal.ticket };)");
  // Wider for new starts; this request is still what it was: pinned and current, whichever is narrower.
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(started->task.id), "active");
  EXPECT_FALSE(bench.Allowed(started->task.id, "ticket.read", "T-1"));

  auto narrowed = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), narrowed->approval).has_value());
  std::string without(kPolicies);
  without.erase(without.find("@id(\"change\")"), without.find("@id(\"box\")") - without.find("@id(\"change\")"));
  bench.LoadCatalog(without);
  EXPECT_EQ(bench.Approve(bench.Person("bob"), narrowed->approval).error().reason, "request-changed");
  EXPECT_EQ(bench.StateOf(narrowed->task.id), "requested");
  EXPECT_TRUE(bench.broker().ShowTask(Bench::Operator(), narrowed->task.id)->Find("approvals")->AsArray().empty());
}

TEST_F(BrokerTest, ARequestIsDeniedWithdrawnOrForgotten) {
  auto denied = bench.Start("change", {{"ticket", "T-1"}});
  bench.broker().Deny(bench.Person("ann"), denied->approval, "not today", [](auto answer) { Bench::Expect(answer); });
  EXPECT_EQ(bench.StateOf(denied->task.id), "denied");
  auto withdrawn = bench.Start("change", {{"ticket", "T-1"}});
  bench.broker().Withdraw(bench.broker().FindHandle(withdrawn->holder.Reveal()), withdrawn->task.id, [](auto answer) { Bench::Expect(answer); });
  EXPECT_EQ(bench.StateOf(withdrawn->task.id), "withdrawn");
  auto forgotten = bench.Start("change", {{"ticket", "T-1"}});
  bench.Pass(std::chrono::hours(1));
  EXPECT_EQ(bench.StateOf(forgotten->task.id), "expired");
}

TEST_F(BrokerTest, AnEndThatMeetsAnActivationEndsWhatBecameOfIt) {
  std::string without(kPolicies);
  without += R"(@id("box-yes") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is OpenBox);)";
  bench.LoadCatalog(without);
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  auto list = bench.broker().ListApprovals(Bench::Operator());
  std::string hash = *list->Find("approvals")->AsArray()[0].FindString("hash");
  bench.store().HoldCommits();
  bench.broker().Approve(bench.Person("ann"), started->approval, hash, [](auto) {});
  std::string ended;
  bench.broker().Revoke(bench.Person("ann"), started->task.id, "on second thought", Duration(0), [&](auto answer) { ended = answer ? "ended" : answer.error().reason; });
  bench.store().ReleaseCommits();
  bench.Pass(seconds(1));
  EXPECT_EQ(ended, "ended");
  EXPECT_EQ(bench.StateOf(started->task.id), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
  auto receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_EQ(receipt->Find("credentials")->AsArray().size(), 1u);  // what was planned in that moment is in it
  EXPECT_TRUE(receipt->Find("all_dead")->AsBool());
}

TEST_F(BrokerTest, AUseWaitsForAPersonOnce) {
  StartAnswer started = Triage("T-2");
  auto waits = bench.Use(started.task.id, "ticket.comment", "T-2");
  ASSERT_TRUE(waits.has_value());
  EXPECT_FALSE(waits->allowed);
  EXPECT_EQ(waits->reason, "needs-approval");
  EXPECT_EQ(bench.Use(started.task.id, "ticket.comment", "T-2")->approval, waits->approval);
  bench.Restart();
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), waits->approval).has_value());
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.comment", "T-2"));
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.comment", "T-2"));
  bench.Restart();
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.comment", "T-2"));
}

// --- ends that meet trouble -------------------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, AnEndThatCannotBeWrittenDownDeniesAndIsRetried) {
  StartAnswer started = Triage();
  bench.store().FillDisk(false);
  bench.store().FailNext(2, Error(Code::kUnavailable, "store-failed", "disk gone"));
  EXPECT_EQ(bench.Complete(started).error().reason, "end-not-recorded");
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.read", "T-1"));
  EXPECT_FALSE(bench.broker().Introspect(Bench::Operator(), started.token.Reveal()).Find("active")->AsBool());
  bench.Pass(seconds(10));
  EXPECT_EQ(bench.StateOf(started.task.id), "completed");
  bench.Restart();
  EXPECT_EQ(bench.StateOf(started.task.id), "completed");
}

TEST_F(BrokerTest, OnAFullDiskNothingStartsAndEverythingEnds) {
  StartAnswer started = Triage();
  bench.store().FillDisk(true);
  EXPECT_EQ(bench.Start("triage", {{"ticket", "T-1"}}).error().reason, "store-full");
  EXPECT_TRUE(bench.Complete(started).has_value());
  EXPECT_EQ(bench.StateOf(started.task.id), "completed");
}

TEST_F(BrokerTest, AClockThatWasSetBackStartsAndAllowsNothing) {
  StartAnswer started = Triage();
  bench.clock.Restart(bench.clock.Now() - minutes(1));
  bench.Restart();
  EXPECT_EQ(bench.Start("triage", {{"ticket", "T-1"}}).error().reason, "clock-in-doubt");
  EXPECT_EQ(bench.Use(started.task.id, "ticket.read", "T-1")->reason, "clock-in-doubt");
  EXPECT_TRUE(bench.Complete(started).has_value());  // ends go on
  bench.clock.Advance(minutes(2));
  EXPECT_TRUE(bench.Start("triage", {{"ticket", "T-1"}}).has_value());
}

// --- credentials ------------------------------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, ACredentialIsPlannedLiveEndingDead) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  EXPECT_EQ(bench.box->exists.size(), 1u);
  EXPECT_EQ(started->environment.at("BOX_PASSWORD").Reveal(), bench.box->passwords.begin()->second);
  ASSERT_TRUE(bench.Complete(*started).has_value());
  bench.Settle();
  EXPECT_TRUE(bench.box->exists.empty());
  std::vector<std::string> life;
  for (const json::Value& event : bench.Events())
    if (event.Find("credential") != nullptr) life.push_back(*event.FindString("type"));
  EXPECT_EQ(life, (std::vector<std::string>{"credential.planned", "credential.live", "credential.ending", "credential.dead"}));
  auto receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_TRUE(receipt->Find("all_dead")->AsBool());
  // The password is erased, and was never readable in the store.
  std::string password = bench.box->passwords.begin()->second;
  for (auto table : {store::Table::kCredential, store::Table::kEndedCredential, store::Table::kTask, store::Table::kEndedTask})
    ASSERT_TRUE(bench.store().Scan(table, "", [&](auto, std::string_view row) {
      EXPECT_EQ(row.find(password), std::string_view::npos);
      return true;
    }).has_value());
}

TEST_F(BrokerTest, ARefusalFailsTheTask) {
  bench.box->refuse = true;
  EXPECT_EQ(bench.Start("box", {{"box", "b1"}}).error().reason, "target-refused");
  bench.Pass(minutes(1));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
}

TEST_F(BrokerTest, WhatWasMadeBeforeTheConnectionBrokeIsEnded) {
  bench.box->vanish_after_make = true;
  EXPECT_FALSE(bench.Start("box", {{"box", "b1"}}).has_value());
  bench.Pass(minutes(1));
  EXPECT_EQ(bench.box->ever.size(), 1u);
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(BrokerTest, TheHolderGetsTheVariablesAgainAfterARestart) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  ASSERT_FALSE(started->environment.at("BOX_PASSWORD").empty());
  bench.Restart();
  auto again = bench.broker().Environment(bench.broker().FindHandle(started->holder.Reveal()), started->task.id);
  ASSERT_TRUE(again.has_value()) << again.error().ToString();
  EXPECT_EQ(again->at("BOX_PASSWORD").Reveal(), started->environment.at("BOX_PASSWORD").Reveal());
}

TEST_F(BrokerTest, TheReceiptSaysWhatWasAcceptedWhenTheTaskStarted) {
  bench.box->accepted = {"temporary:orders", "connect:other"};
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  bench.box->accepted = {};
  ASSERT_TRUE(bench.Complete(*started).has_value());
  auto receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_EQ(json::Write(*receipt->Find("accepted")), R"(["box: connect:other","box: temporary:orders"])");
}

TEST_F(BrokerTest, ATargetThatIsDownDelaysTheEndAndCancelsNothing) {
  auto started = bench.Start("box", {{"box", "b1"}});
  bench.box->down = true;
  auto ended = bench.Complete(*started);
  ASSERT_TRUE(ended.has_value());
  EXPECT_FALSE(ended->all_dead);
  bench.Pass(std::chrono::hours(1));
  EXPECT_GT(bench.box->ends, 60);  // never longer than half a minute between two tries
  EXPECT_EQ(bench.box->exists.size(), 1u);
  bench.Restart();
  bench.box->down = false;
  bench.Pass(seconds(40));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().counters().ending_credentials, 0u);
}

TEST_F(BrokerTest, ACrashWhileMakingLeavesNothing) {
  StartRequest request;
  request.type = "box";
  request.parameters = json::Object{{"box", "b1"}};
  bench.broker().Start(Bench::Agent(), request, [](auto) {});  // planned is committed; the worker has not run, or its answer was lost
  auto planned = bench.store().Head().size;
  EXPECT_GT(planned, 0u);
  std::string name;
  ASSERT_TRUE(bench.store().Scan(store::Table::kCredential, "", [&](std::string_view key, std::string_view) {
    name = "box_" + std::string(key);
    return true;
  }).has_value());
  bench.box->exists.insert(name);
  bench.Restart();
  bench.Pass(seconds(1));
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(BrokerTest, TheSweepEndsWhatIsOursAndTouchesNothingElse) {
  bench.box->exists = {"box_crd_01hzzzzzzzzzzzzzzzzzzzzzzz", "theirs"};
  json::Value report;
  bench.broker().Sweep([&](auto answer) { report = *answer; });
  bench.Pass(seconds(1));
  EXPECT_EQ(bench.box->exists, std::set<std::string>{"theirs"});
  EXPECT_EQ(report.Find("targets")->Find("box")->Find("others")->AsArray().size(), 1u);
  EXPECT_EQ(report.Find("targets")->Find("box")->Find("ended")->AsArray().size(), 1u);
}

// --- tokens and secrets -------------------------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, TokensDieWithTheTaskOrSayUntilWhen) {
  StartAnswer started = Triage();
  Caller task = bench.broker().FindHandle(started.token.Reveal());
  auto issue = [&](bool offline) {
    std::optional<Result<TokenAnswer>> answer;
    bench.broker().IssueToken(task, {started.task.id, offline ? "https://cd.example" : "https://rs.example", offline}, [&](auto a) { answer = std::move(a); });
    EXPECT_TRUE((*answer).has_value()) << answer->error().ToString();
    return **answer;
  };
  TokenAnswer asked = issue(false), offline = issue(true);
  EXPECT_EQ(offline.expires - bench.clock.Now(), seconds(60));
  jose::JwkSet keys = *jose::JwkSet::Parse(bench.broker().Jwks());
  auto valid = jose::ValidateAccessToken(asked.token.Reveal(), keys, "http://remit.test", "https://rs.example", bench.clock.Now(), seconds(5));
  ASSERT_TRUE(valid.has_value()) << valid.error().ToString();
  EXPECT_EQ(valid->authorization_details.size(), 1u);
  EXPECT_TRUE(bench.broker().Introspect(Bench::Operator(), asked.token.Reveal()).Find("active")->AsBool());
  EXPECT_EQ(bench.broker().Introspect(task, asked.token.Reveal()), json::Value(json::Object{{"active", false}}));  // a task is no resource server
  auto ended = bench.Complete(started);
  ASSERT_TRUE(ended.has_value());
  EXPECT_FALSE(ended->all_dead);
  EXPECT_FALSE(bench.broker().Introspect(Bench::Operator(), asked.token.Reveal()).Find("active")->AsBool());
  auto state = [&](const std::string& id) {
    const auto shown = bench.broker().ShowTask(Bench::Operator(), started.task.id);
    for (const json::Value& credential : shown->Find("credentials")->AsArray())
      if (*credential.FindString("id") == id) return credential;
    return json::Value();
  };
  EXPECT_EQ(*state(asked.credential).FindString("state"), "dead");
  EXPECT_EQ(*state(offline.credential).FindString("state"), "ending");
  EXPECT_TRUE(state(offline.credential).FindString("last_error")->starts_with("offline until "));
  bench.Pass(seconds(64));
  EXPECT_EQ(*state(offline.credential).FindString("state"), "ending");
  bench.Pass(seconds(2));
  EXPECT_EQ(*state(offline.credential).FindString("state"), "dead");
}

TEST_F(BrokerTest, OneSecretAtOnePath) {
  auto started = bench.Start("rotate", {{"path", "ci/deploy/token"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  Caller task = bench.broker().FindHandle(started->token.Reveal());
  auto write = [&](const Caller& by, const std::string& path, const char* value) {
    std::string outcome;
    bench.broker().WriteSecret(by, path, Secret(value), [&](auto answer) { outcome = answer ? "v" + std::to_string(answer->version) : answer.error().reason; });
    return outcome;
  };
  auto read = [&](const Caller& by, const std::string& path) {
    std::string outcome;
    bench.broker().ReadSecret(by, path, std::nullopt, [&](auto answer) { outcome = answer ? std::string(answer->value.Reveal()) : answer.error().reason; });
    return outcome;
  };
  EXPECT_EQ(write(Bench::Operator(), "ci/deploy/token", "old"), "v1");
  EXPECT_EQ(write(Bench::Operator(), "ci/deploy/other", "other"), "v1");
  EXPECT_EQ(read(task, "ci/deploy/token"), "old");
  EXPECT_EQ(write(task, "ci/deploy/token", "new"), "v2");
  EXPECT_EQ(read(task, "ci/deploy/token"), "new");
  for (const char* path : {"ci/deploy/other", "ci/deploy/none", "ci/deploy", "ci/deploy/../deploy/token", ""}) {
    EXPECT_EQ(read(task, path), "no-such-secret") << path;
    EXPECT_EQ(write(task, path, "x"), "no-such-secret") << path;
  }
  std::string listed;
  bench.broker().ListSecrets(task, "ci/deploy", [&](auto answer) { listed = answer ? "listed" : answer.error().reason; });
  EXPECT_EQ(listed, "no-such-secret");
  EXPECT_EQ(read(Bench::Operator(), "ci/deploy/token"), "no-such-secret");  // not even the operator
  ASSERT_TRUE(bench.Complete(*started).has_value());
  EXPECT_EQ(read(task, "ci/deploy/token"), "no-such-secret");
}

// --- receipts -----------------------------------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, AReceiptProvesTheEnd) {
  StartAnswer started = Triage();
  bench.Allowed(started.task.id, "ticket.read", "T-1");
  EXPECT_EQ(bench.broker().Receipt(Bench::Operator(), started.task.id).error().reason, "not-ended");
  bench.Pass(seconds(5));
  ASSERT_TRUE(bench.Complete(started).has_value());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(bench.Complete(Triage()).has_value());
  auto receipt = bench.broker().Receipt(Bench::Operator(), started.task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_EQ(*receipt->Find("task")->FindString("purpose"), "Triage one ticket");
  EXPECT_EQ(receipt->Find("task")->Find("allowed")->AsInt(), 1);
  EXPECT_EQ(receipt->Find("permissions")->AsArray().size(), 2u);
  EXPECT_EQ(receipt->Find("events")->AsArray().size(), 2u);
  EXPECT_EQ(bench.broker().Receipt(bench.Person("eve"), started.task.id).error().reason, "unknown-task");
}

TEST_F(BrokerTest, ACatalogThatGivesLessEndsWhatHoldsMore) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value());
  std::string without(kPolicies);
  without.erase(without.find("@id(\"box\")"), without.find("@id(\"rotate\")") - without.find("@id(\"box\")"));
  bench.LoadCatalog(without);
  bench.Settle();
  EXPECT_EQ(bench.StateOf(started->task.id), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(BrokerTest, ABarredActorStartsNothing) {
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "", nullptr, std::nullopt, true}, [](auto answer) { Bench::Expect(answer); });
  EXPECT_EQ(bench.Start("triage", {{"ticket", "T-1"}}).error().reason, "start-denied");
}

}  // namespace
}  // namespace remit::broker
