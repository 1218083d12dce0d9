// The life of a task: how it starts, what ends it, and ends that meet trouble.
#include <gtest/gtest.h>

#include "broker/test_bench.h"
#include "json/write.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

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
  EXPECT_EQ(bench.store().Head().size, before + 1);                                                                 // the refusals wrote nothing
}

TEST_F(BrokerTest, ExplainsAsFarAsTheParametersAreKnown) {
  auto explain = [&](const std::string& type, json::Object parameters, const Caller& by = Bench::Agent()) {
    return bench.broker().Explain(by, {type, json::Value(std::move(parameters)), true, "", {}});
  };
  EXPECT_EQ(explain("triag", {}).error().hint, "did you mean `triage`?");
  EXPECT_EQ(explain("triage", {{"tiket", "T-1"}}).error().reason, "unknown-parameter");
  const json::Value type = *explain("triage", {});
  EXPECT_EQ(*type.Find("missing"), json::StringArray({"ticket"}));
  EXPECT_EQ(type.Find("you"), nullptr) << "nothing is said of a task that is not named";
  const json::Value exact = *explain("triage", {{"ticket", "T-1"}});
  EXPECT_TRUE(exact.Find("missing")->AsArray().empty());
  EXPECT_TRUE(exact.Find("you")->Find("allowed")->AsBool());
  EXPECT_EQ(exact.Find("you")->Find("approvals")->AsInt(), 0);
  const json::Value refused = *explain("triage", {{"ticket", "T-1"}}, Bench::Agent("helpdesk"));
  EXPECT_FALSE(refused.Find("you")->Find("allowed")->AsBool());
  EXPECT_EQ(explain("triage", {{"ticket", "T-1"}}, Bench::Operator())->Find("you"), nullptr) << "the operator starts nothing";
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

// Whoever ended it: the connection that held it hears what died and how, also where its actor may not ask any more.
TEST_F(BrokerTest, WhoHoldsATaskIsToldWhatDiedWithIt) {
  const auto box = bench.Start("box", {{"box", "a"}});
  ASSERT_TRUE(box.has_value());
  std::vector<json::Value> told;
  ASSERT_TRUE(
      bench.broker().Hold(bench.broker().FindHandle(box->holder.Reveal()), box->task.id, [&](const json::Value& line) { told.push_back(line); }));
  bench.broker().Offboard(Bench::Operator(), {"Agent", "bot"}, "", Duration(0), [](auto a) { Bench::Expect(a); });
  bench.Settle();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(*told[0].FindString("event"), "state");
  EXPECT_EQ(*told[1].FindString("event"), "end");
  EXPECT_EQ(*told[1].FindString("state"), "revoked");
  const json::Array& credentials = told[1].Find("credentials")->AsArray();
  ASSERT_EQ(credentials.size(), 1u);
  EXPECT_EQ(*credentials[0].FindString("state"), "dead");
  EXPECT_FALSE(credentials[0].Find("evidence")->AsArray().empty());
}

TEST_F(BrokerTest, WhoHoldsATaskIsToldWhatIsNotDeadYet) {
  const auto box = bench.Start("box", {{"box", "a"}});
  ASSERT_TRUE(box.has_value());
  std::vector<json::Value> told;
  ASSERT_TRUE(
      bench.broker().Hold(bench.broker().FindHandle(box->holder.Reveal()), box->task.id, [&](const json::Value& line) { told.push_back(line); }));
  bench.box->down = true;
  bench.broker().Revoke(Bench::Operator(), box->task.id, "seen in a log", Duration(0), [](auto a) { Bench::Expect(a); });
  bench.Settle();
  EXPECT_EQ(told.size(), 1u) << "it is waited for";
  bench.Pass(seconds(5));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(*told[1].Find("credentials")->AsArray().at(0).FindString("state"), "ending");
}

TEST_F(BrokerTest, TheHolderKeyMayEndAndMayNotUse) {
  StartAnswer started = Triage();
  auto use = [&](const Secret& handle) {
    UseRequest request = Bench::Question("", "ticket.read", "Ticket", "T-1");
    request.token = std::string(handle.Reveal());
    std::string reason;
    bench.broker().Evaluate(Bench::Agent("helpdesk"), request, [&](auto answer) { reason = answer->reason; });
    return reason;
  };
  EXPECT_EQ(use(started.token), "allowed");
  EXPECT_EQ(use(started.holder), "unknown-task");
}

TEST_F(BrokerTest, ACommitThatFailedIsInDoubtUntilOneHolds) {
  auto ready = [&] { return bench.broker().Health().Find("ready")->AsBool(); };
  EXPECT_TRUE(ready());
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "disk gone"));
  EXPECT_FALSE(bench.Start("triage", {{"ticket", "T-1"}}).has_value());
  EXPECT_FALSE(ready());
  Triage();
  EXPECT_TRUE(ready());
}

TEST_F(BrokerTest, TheTokenMayUseAndMayNotEnd) {
  StartAnswer started = Triage();
  std::string reason;
  bench.broker().Complete(bench.broker().FindHandle(started.token.Reveal()), started.task.id, Duration(0),
                          [&](auto answer) { reason = answer.error().reason; });
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

}  // namespace
}  // namespace remit::broker
