// An agent that tries doors is stopped.
#include "broker/test_bench.h"

namespace remit::broker {
namespace {

using std::chrono::seconds;

class Trips : public BrokerTest {
 protected:
  void SetUp() override { bench.LoadCatalog(kPolicies, Bench::Annotated("triage", "@trip(\"3 refusals per 1m, revoke\")")); }
  std::string TryDoor(const std::string& task) {
    auto answer = bench.Use(task, "ticket.read", "T-2");
    return answer ? answer->reason : answer.error().reason;
  }
};

TEST_F(Trips, TheThirdDoorEndsTheTask) {
  StartAnswer started = Triage();
  EXPECT_EQ(TryDoor(started.task.id), "no-permit");
  EXPECT_EQ(TryDoor(started.task.id), "no-permit");
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.read", "T-1"));
  EXPECT_EQ(TryDoor(started.task.id), "no-permit");
  EXPECT_EQ(bench.StateOf(started.task.id), "revoked");
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.read", "T-1"));
  EXPECT_TRUE(bench.broker().FindHandle(started.token.Reveal()).Is(Caller::Kind::kNobody));
  const json::Value tripped = bench.EventOf("task.tripped");
  EXPECT_EQ(*tripped.FindString("task"), started.task.id);
  EXPECT_EQ(*tripped.FindString("refused"), started.task.id);
  EXPECT_EQ(*tripped.FindString("trip"), "3 refusals per 1m, revoke");
  EXPECT_EQ(*bench.EventOf("task.revoked").FindString("reason"), "tripped: 3 refusals per 1m, revoke");
}

TEST_F(Trips, OldRefusalsDoNotCount) {
  StartAnswer started = Triage();
  for (int i = 0; i < 10; ++i) {
    TryDoor(started.task.id);
    bench.Pass(seconds(30));
  }
  EXPECT_EQ(bench.StateOf(started.task.id), "active");
}

TEST_F(Trips, AQuestionThatIsOnlyACheckDoesNotCount) {
  StartAnswer started = Triage();
  for (int i = 0; i < 10; ++i) {
    auto asked = bench.broker().Check(Bench::Agent("helpdesk"), Bench::Question(started.task.id, "ticket.read", "Ticket", "T-2"));
    ASSERT_TRUE(asked && !asked->allowed);
  }
  EXPECT_EQ(bench.StateOf(started.task.id), "active");
}

TEST_F(Trips, WhatWaitsForPeopleOrIsOverIsNoDoor) {
  StartAnswer started = Triage("T-2");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bench.Use(started.task.id, "ticket.comment", "T-2")->reason, "needs-approval");
  EXPECT_EQ(bench.StateOf(started.task.id), "active");
}

TEST_F(Trips, WhatIsUsedUpOrDoesNotApplyIsADoor) {
  StartAnswer started = Triage();
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.comment", "T-1"));
  EXPECT_EQ(bench.Use(started.task.id, "ticket.comment", "T-1")->reason, "used-up");
  EXPECT_EQ(bench.Use(started.task.id, "box.open", "T-1")->reason, "not-applicable");
  EXPECT_EQ(bench.Use(started.task.id, "ticket.close", "T-1")->reason, "no-permit");
  EXPECT_EQ(bench.StateOf(started.task.id), "revoked");
}

TEST_F(Trips, EachTaskHasItsOwnCount) {
  StartAnswer one = Triage(), other = Triage();
  TryDoor(one.task.id), TryDoor(one.task.id), TryDoor(other.task.id);
  EXPECT_EQ(bench.StateOf(one.task.id), "active");
  EXPECT_EQ(bench.StateOf(other.task.id), "active");
}

TEST_F(Trips, OfAHundredRefusalsAtOnceOneEndsIt) {
  StartAnswer started = Triage();
  for (int i = 0; i < 100; ++i) TryDoor(started.task.id);
  int tripped = 0;
  for (const json::Value& event : bench.Events()) tripped += *event.FindString("type") == "task.tripped";
  EXPECT_EQ(tripped, 1);
}

TEST_F(Trips, OrItIsSuspendedUntilSomebodyLooked) {
  bench.LoadCatalog(kPolicies, Bench::Annotated("triage", "@trip(\"2 refusals per 1m, suspend\")"));
  StartAnswer started = Triage();
  TryDoor(started.task.id), TryDoor(started.task.id);
  EXPECT_EQ(bench.StateOf(started.task.id), "suspended");
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.read", "T-1"));
  EXPECT_EQ(*bench.EventOf("task.tripped").FindString("task"), started.task.id);
}

TEST_F(Trips, ATypeWithoutOneIsNotStopped) {
  bench.LoadCatalog(kPolicies);
  StartAnswer started = Triage();
  for (int i = 0; i < 20; ++i) TryDoor(started.task.id);
  EXPECT_EQ(bench.StateOf(started.task.id), "active");
}

}  // namespace
}  // namespace remit::broker
