// Tasks that stop and go on.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/life_bench.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

using SuspendTest = LifeBenchTest;

TEST_F(SuspendTest, WhatIsSuspendedMayNothingAndItsCredentialsAreDead) {
  StartAnswer box = Start("box", {{"box", "b1"}});
  ASSERT_EQ(bench.box->exists.size(), 1u);
  const std::string first = *bench.box->exists.begin();
  auto suspended = bench.Suspend(box.task.id, bench.Person("ann"));
  ASSERT_TRUE(suspended.has_value()) << suspended.error().ToString();
  EXPECT_EQ(suspended->task.state, task::State::kSuspended);
  EXPECT_EQ(bench.StateOf(box.task.id), "suspended");
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_FALSE(bench.Active(box));
  EXPECT_TRUE(bench.Token(box).Is(Caller::Kind::kNobody));
  EXPECT_EQ(bench.broker().Environment(bench.Holder(box), box.task.id).error().reason, "wrong-state");

  auto resumed = bench.Resume(box.task.id, bench.Person("ann"));
  ASSERT_TRUE(resumed.has_value()) << resumed.error().ToString();
  EXPECT_EQ(resumed->task.state, task::State::kActive);
  EXPECT_TRUE(resumed->token.empty());
  ASSERT_EQ(bench.box->exists.size(), 1u);
  EXPECT_NE(*bench.box->exists.begin(), first);  // anew
  EXPECT_TRUE(bench.Active(box));
  EXPECT_TRUE(bench.broker().Environment(bench.Holder(box), box.task.id).has_value());
  EXPECT_EQ(bench.EventsOf(box.task.id),
            (std::vector<std::string>{"task.started", "credential.planned", "credential.live", "credential.ending", "task.suspended",
                                      "credential.dead", "task.resumed", "credential.planned", "credential.live"}));
  ASSERT_TRUE(bench.Complete(box).has_value());
  bench.Settle();
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().Receipt(Bench::Operator(), box.task.id)->Find("credentials")->AsArray().size(), 2u);
}

TEST_F(SuspendTest, OnlyWhoMayAndOnlyWhatIsActive) {
  StartAnswer lead = Lead();
  EXPECT_EQ(bench.Suspend(lead.task.id, bench.Person("eve")).error().reason, "unknown-task");
  EXPECT_EQ(bench.Suspend(lead.task.id, bench.Holder(lead)).error().reason, "suspend-denied");
  EXPECT_EQ(bench.Suspend(lead.task.id, bench.Token(lead)).error().reason, "suspend-denied");
  EXPECT_EQ(bench.Resume(lead.task.id).error().reason, "wrong-state");
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_EQ(bench.Suspend(lead.task.id).error().reason, "wrong-state");
  EXPECT_EQ(bench.Resume(lead.task.id, bench.Holder(lead)).error().reason, "resume-denied");
  EXPECT_EQ(bench.Resume(lead.task.id, bench.Person("eve")).error().reason, "unknown-task");
}

TEST_F(SuspendTest, TheDeadlineRunsOnAndEveryEndIsReached) {
  StartAnswer first = Lead(), second = Lead(), third = Lead();
  for (const StartAnswer* one : {&first, &second, &third}) ASSERT_TRUE(bench.Suspend(one->task.id).has_value());
  ASSERT_TRUE(bench.Complete(first).has_value());
  ASSERT_TRUE(bench.Revoke(second.task.id).has_value());
  bench.Pass(minutes(31));
  EXPECT_EQ(bench.StateOf(first.task.id), "completed");
  EXPECT_EQ(bench.StateOf(second.task.id), "revoked");
  EXPECT_EQ(bench.StateOf(third.task.id), "expired");
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(SuspendTest, ItStaysSuspendedAcrossARestart) {
  StartAnswer lead = Lead();
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  bench.Restart();
  EXPECT_FALSE(bench.Active(lead));
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  EXPECT_EQ(bench.StateOf(lead.task.id), "suspended");
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_TRUE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
}

TEST_F(SuspendTest, ACrashBetweenTheCommitAndTheTargetForgetsNothing) {
  StartAnswer lead = Lead();
  bench.box->down = true;
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_EQ(bench.box->exists.size(), 1u);
  bench.Restart();
  bench.box->down = false;
  bench.Pass(minutes(1));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.StateOf(lead.task.id), "suspended");
}

TEST_F(SuspendTest, ASuspensionThatCannotBeWrittenDownRefusesAllTheSame) {
  StartAnswer lead = Lead();
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(bench.Suspend(lead.task.id).error().reason, "suspend-not-recorded");
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  EXPECT_EQ(bench.StateOf(lead.task.id), "active");  // as it is written down
  EXPECT_EQ(bench.Resume(lead.task.id).error().reason, "suspend-not-recorded");
  bench.Pass(seconds(5));
  EXPECT_EQ(bench.StateOf(lead.task.id), "suspended");
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_TRUE(bench.Resume(lead.task.id).has_value());
}

TEST_F(SuspendTest, AnEndOvertakesASuspensionThatIsNotWrittenDown) {
  StartAnswer lead = Lead();
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(bench.Suspend(lead.task.id).error().reason, "suspend-not-recorded");
  ASSERT_TRUE(bench.Complete(lead).has_value());
  bench.Pass(seconds(10));
  EXPECT_EQ(bench.StateOf(lead.task.id), "completed");
  const auto events = bench.EventsOf(lead.task.id);
  EXPECT_EQ(std::ranges::count(events, "task.suspended"), 0);
  bench.Restart();
  EXPECT_EQ(bench.StateOf(lead.task.id), "completed");
}

TEST_F(SuspendTest, AnEndWhileItIsResumedEndsWhatThatPlanned) {
  StartAnswer lead = Lead();
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  bench.store().HoldCommits();
  EXPECT_EQ(bench.Resume(lead.task.id).error().reason, "no-answer");
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  EXPECT_EQ(bench.Revoke(lead.task.id).error().reason, "no-answer");
  bench.store().ReleaseCommits();
  bench.Pass(seconds(5));
  EXPECT_EQ(bench.StateOf(lead.task.id), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
  bench.Restart();
  bench.Pass(minutes(2));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().Receipt(Bench::Operator(), lead.task.id)->Find("all_dead")->AsBool(), true);
}

TEST_F(SuspendTest, ItIsSuspendedAgainRightBehindAResumption) {
  StartAnswer lead = Lead();
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  bench.store().HoldCommits();
  (void)bench.Resume(lead.task.id);
  EXPECT_EQ(bench.Suspend(lead.task.id).error().reason, "no-answer");
  bench.store().ReleaseCommits();
  bench.Pass(seconds(5));
  EXPECT_EQ(bench.StateOf(lead.task.id), "suspended");
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(SuspendTest, AResumptionThatCannotBeWrittenDownGivesNothing) {
  StartAnswer lead = Lead();
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(bench.Resume(lead.task.id).error().reason, "store-failed");
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.StateOf(lead.task.id), "suspended");
  EXPECT_TRUE(bench.Resume(lead.task.id).has_value());
}

TEST_F(SuspendTest, ItsTokensForOthersAreDeadForGood) {
  StartAnswer lead = Lead();
  auto token =
      bench.Ask<TokenAnswer>([&](auto answer) { bench.broker().IssueToken(bench.Token(lead), {lead.task.id, "https://rs", false}, answer); });
  ASSERT_TRUE(token.has_value());
  const std::string jwt(token->token.Reveal());
  auto active = [&] { return bench.broker().Introspect(Bench::Agent("helpdesk"), jwt).Find("active")->AsBool(); };
  EXPECT_TRUE(active());
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_FALSE(active());
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_FALSE(active());
}

TEST_F(SuspendTest, ItsHolderIsToldAndHeartbeatsBeginAnew) {
  auto lead = bench.Start("lead", {{"ticket", "T-1"}}, Bench::Agent(), true);
  std::vector<std::string> states;
  auto hold = bench.broker().Hold(bench.Holder(*lead), lead->task.id, [&](const json::Value& line) {
    if (*line.FindString("event") == "state") states.push_back(*line.FindString("state"));
  });
  ASSERT_TRUE(hold.has_value());
  ASSERT_TRUE(bench.Suspend(lead->task.id).has_value());
  ASSERT_TRUE(bench.Resume(lead->task.id).has_value());
  EXPECT_EQ(states, (std::vector<std::string>{"suspended", "active"}));
  ASSERT_TRUE(bench.Suspend(lead->task.id).has_value());
  bench.broker().Release(lead->task.id, *hold);
  bench.Pass(minutes(5));  // nobody is heard, and nothing hangs on it
  EXPECT_EQ(bench.StateOf(lead->task.id), "suspended");
  ASSERT_TRUE(bench.Resume(lead->task.id).has_value());
  EXPECT_EQ(bench.StateOf(lead->task.id), "active");
  bench.Pass(seconds(20));
  EXPECT_EQ(bench.StateOf(lead->task.id), "expired");
}

TEST_F(SuspendTest, WhatTheCatalogGivesMeanwhileIsWhatItGetsBack) {
  StartAnswer box = Start("box", {{"box", "b1"}});
  ASSERT_TRUE(bench.Suspend(box.task.id).has_value());
  std::string without(kLifePolicies);
  without.erase(without.find("@id(\"box\")"), without.find("@id(\"start\")") - without.find("@id(\"box\")"));
  bench.LoadCatalog(without, kLifeSchema);
  ASSERT_TRUE(bench.Resume(box.task.id).has_value());
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(SuspendTest, ABarredActorsTaskIsNotResumed) {
  StartAnswer lead = Lead();
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "", nullptr, std::nullopt, true}, [](auto a) { Bench::Expect(a); });
  EXPECT_EQ(bench.Resume(lead.task.id).error().reason, "resume-denied");
}

TEST_F(SuspendTest, AnEndIsShownWhenItIsWrittenDownAndNotBefore) {
  StartAnswer lead = Lead();
  bench.store().HoldCommits();
  (void)bench.Revoke(lead.task.id);
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  EXPECT_EQ(bench.StateOf(lead.task.id), "active");
  std::string watched;
  bench.broker().WatchTask(Bench::Operator(), lead.task.id, "active", minutes(1), [&](auto shown) { watched = *shown->FindString("state"); });
  EXPECT_EQ(watched, "");
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(watched, "revoked");
  EXPECT_EQ(bench.StateOf(lead.task.id), "revoked");
}

}  // namespace
}  // namespace remit::broker
