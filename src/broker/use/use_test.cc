// Nothing after the task, also for who asks in a roundabout way.
#include <gtest/gtest.h>

#include <optional>

#include "broker/test_bench.h"

namespace remit::broker {
namespace {

class UseAfterEnd : public ::testing::Test {
 protected:
  UseAfterEnd() {
    StartRequest request;
    request.type = "triage";
    request.parameters = json::Object{{"ticket", "T-1"}};
    bench.broker().Start(Bench::Agent(), std::move(request), [&](auto answer) { started = *std::move(answer); });
    bench.Settle();
  }

  UseAnswer Comment(std::string key) {
    UseRequest request = Bench::Question(started.task.id, "ticket.comment", "Ticket", "T-1");
    request.idempotency_key = std::move(key);
    std::optional<UseAnswer> got;
    bench.broker().Evaluate(Bench::Agent("helpdesk"), request, [&](auto answer) { got = *std::move(answer); });
    bench.Settle();
    return *got;
  }

  void Complete() {
    bench.broker().Complete(bench.broker().FindHandle(started.holder.Reveal()), started.task.id, Duration::zero(),
                            [](auto answer) { Bench::Expect(answer); });
    bench.Settle();
  }

  Bench bench;
  StartAnswer started;
};

TEST_F(UseAfterEnd, AnAnswerThatIsAskedForAgainIsNoLongerAnAllow) {
  EXPECT_TRUE(Comment("k").allowed);
  EXPECT_TRUE(Comment("k").allowed);
  Complete();
  EXPECT_FALSE(Comment("k").allowed);
  EXPECT_EQ(Comment("k").reason, "ended");
  bench.Restart();
  EXPECT_FALSE(Comment("k").allowed);
}

TEST_F(UseAfterEnd, ACheckSaysThatItIsOverToWhoMaySeeIt) {
  const UseRequest question = Bench::Question(started.task.id, "ticket.read", "Ticket", "T-1");
  Complete();
  for (const Caller& viewer : {Bench::Operator(), Bench::Agent()}) {
    const auto answer = bench.broker().Check(viewer, question);
    ASSERT_TRUE(answer.has_value()) << answer.error().ToString();
    EXPECT_FALSE(answer->allowed);
    EXPECT_EQ(answer->reason, "ended");
  }
  EXPECT_EQ(bench.broker().Check(Bench::Agent("stranger"), question).error().code, Code::kNotFound);
}

// Asked again while the first answer is still on its way to the disk.
TEST_F(UseAfterEnd, TheSameKeyAtTheSameTimeIsOneUseAndOneAnswer) {
  std::vector<std::string> heard;
  auto ask = [&](const char* action) {
    UseRequest request = Bench::Question(started.task.id, action, "Ticket", "T-1");
    request.idempotency_key = "k";
    bench.broker().Evaluate(Bench::Agent("helpdesk"), request, [&](auto answer) {
      heard.push_back(!answer ? answer.error().reason : answer->allowed ? "allow" : answer->reason);
    });
  };
  bench.store().HoldCommits();
  ask("ticket.comment");
  ask("ticket.comment");
  ask("ticket.read");
  EXPECT_TRUE(heard.empty());
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(heard, (std::vector<std::string>{"allow", "allow", "idempotency-key-reused"}));
  EXPECT_EQ(Comment("another").reason, "used-up");
  EXPECT_TRUE(Comment("k").allowed);
}

}  // namespace
}  // namespace remit::broker
