// Uses that are charged, idempotency, and who may ask.
#include <gtest/gtest.h>

#include "broker/test_bench.h"
#include "json/write.h"

namespace remit::broker {
namespace {

using std::chrono::seconds;

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
  auto start = [&] {
    bench.broker().Start(Bench::Agent(), request, [&](auto answer) { reasons.push_back(answer ? "started" : answer.error().reason); });
  };
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
    auto answer =
        bench.broker().Check(bench.broker().FindHandle(started.token.Reveal()), Bench::Question(started.task.id, "ticket.comment", "Ticket", "T-1"));
    EXPECT_TRUE(answer->allowed);
  }
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.comment", "T-1"));
  EXPECT_EQ(bench.broker().Check(Bench::Agent("bot2"), Bench::Question(started.task.id, "ticket.read", "Ticket", "T-1")).error().reason,
            "unknown-task");
}

TEST_F(BrokerTest, OnlyAPepIsAnswered) {
  StartAnswer started = Triage();
  std::string reason;
  bench.broker().Evaluate(Bench::Agent("bot"), Bench::Question(started.task.id, "ticket.read", "Ticket", "T-1"),
                          [&](auto answer) { reason = answer->reason; });
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

}  // namespace
}  // namespace remit::broker
