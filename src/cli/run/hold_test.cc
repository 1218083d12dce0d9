// The held connection comes back in time, and what it says is told once.
#include "cli/run/hold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Action = HoldProtocol::Action;
using Kind = HoldEvent::Kind;

class RunHold : public testing::Test {
 protected:
  void Up() {
    EXPECT_EQ(hold_.Tick(now_), Action::kConnect);
    EXPECT_THAT(hold_.OnHead(200, now_), IsEmpty());
    hold_.OnData("{\"event\":\"held\"}\n", now_);
  }

  HoldProtocol hold_;
  Time now_ = FromMicros(1'000'000'000);
};

TEST_F(RunHold, IsThereWhenTheServerSaysSo) {
  EXPECT_EQ(hold_.Tick(now_), Action::kConnect);
  EXPECT_EQ(hold_.Tick(now_), Action::kNone) << "one connection at a time";
  EXPECT_THAT(hold_.OnHead(200, now_), IsEmpty());
  EXPECT_THAT(hold_.OnData("{\"event\":", now_), IsEmpty()) << "lines come in pieces";
  EXPECT_THAT(hold_.OnData("\"held\"}\n{\"event\":\"tick\"}\n", now_), ElementsAre(HoldEvent{.kind = Kind::kHeld}));
}

TEST_F(RunHold, TellsOfTheEndOnceAndThenNothing) {
  Up();
  EXPECT_THAT(hold_.OnData("{\"event\":\"state\",\"state\":\"active\",\"reason\":\"\"}\n", now_), IsEmpty());
  EXPECT_THAT(
      hold_.OnData("{\"event\":\"state\",\"state\":\"revoked\",\"reason\":\"seen in a log\"}\n{\"event\":\"state\",\"state\":\"expired\"}\n", now_),
      ElementsAre(HoldEvent{.kind = Kind::kEnded, .state = "revoked", .reason = "seen in a log"}));
  EXPECT_THAT(hold_.OnEnd(now_), IsEmpty());
  EXPECT_EQ(hold_.Tick(now_ + 1h), Action::kNone);
  EXPECT_TRUE(hold_.over());
}

TEST_F(RunHold, BehindTheEndComesItsEvidenceOnce) {
  EXPECT_FALSE(hold_.AwaitsEvidence());
  Up();
  hold_.OnData("{\"event\":\"state\",\"state\":\"revoked\",\"reason\":\"\"}\n", now_);
  EXPECT_TRUE(hold_.AwaitsEvidence());
  EXPECT_THAT(hold_.OnData("{\"event\":\"tick\"}\n{\"event\":\"end\"}\n", now_), IsEmpty());
  const std::string end = "{\"event\":\"end\",\"state\":\"revoked\",\"credentials\":[]}\n";
  EXPECT_THAT(hold_.OnData(end, now_), ElementsAre(HoldEvent{.kind = Kind::kEvidence, .credentials = json::Array{}}));
  EXPECT_FALSE(hold_.AwaitsEvidence());
  EXPECT_THAT(hold_.OnData(end, now_), IsEmpty());
}

TEST_F(RunHold, AServerThatClosesBehindTheEndKeepsNobodyWaiting) {
  Up();
  hold_.OnData("{\"event\":\"state\",\"state\":\"expired\",\"reason\":\"deadline\"}\n", now_);
  EXPECT_THAT(hold_.OnEnd(now_), IsEmpty());
  EXPECT_FALSE(hold_.AwaitsEvidence());
}

TEST_F(RunHold, NoEvidenceIsTakenOfATaskThatGoesOn) {
  Up();
  EXPECT_THAT(hold_.OnData("{\"event\":\"end\",\"state\":\"revoked\",\"credentials\":[]}\n", now_), IsEmpty());
  EXPECT_FALSE(hold_.over());
}

TEST_F(RunHold, WarnsWithTheDeadline) {
  Up();
  EXPECT_THAT(hold_.OnData("{\"event\":\"warning\",\"deadline\":\"2026-01-01T00:00:00Z\"}\n", now_),
              ElementsAre(HoldEvent{.kind = Kind::kWarning, .deadline = "2026-01-01T00:00:00Z"}));
}

TEST_F(RunHold, TellsThatItStoppedAndWentOnAndThatItHasMoreTime) {
  Up();
  EXPECT_THAT(hold_.OnData("{\"event\":\"state\",\"state\":\"suspended\",\"reason\":\"to look at it\"}\n", now_),
              ElementsAre(HoldEvent{.kind = Kind::kSuspended, .reason = "to look at it"}));
  EXPECT_THAT(hold_.OnData("{\"event\":\"state\",\"state\":\"suspended\",\"reason\":\"\"}\n", now_), IsEmpty()) << "told again after a break";
  EXPECT_THAT(hold_.OnData("{\"event\":\"state\",\"state\":\"active\",\"reason\":\"\"}\n", now_), ElementsAre(HoldEvent{.kind = Kind::kResumed}));
  EXPECT_THAT(hold_.OnData("{\"event\":\"extended\",\"deadline\":\"2026-01-01T00:00:00Z\"}\n", now_),
              ElementsAre(HoldEvent{.kind = Kind::kExtended, .deadline = "2026-01-01T00:00:00Z"}));
  EXPECT_FALSE(hold_.over());
}

TEST_F(RunHold, ABreakThatIsMendedAtOnceIsNotTold) {
  Up();
  EXPECT_THAT(hold_.OnEnd(now_), IsEmpty());
  EXPECT_FALSE(hold_.TakeHeartbeat());
  EXPECT_EQ(hold_.Tick(now_), Action::kNone);
  EXPECT_EQ(hold_.Tick(hold_.due()), Action::kConnect);
  EXPECT_THAT(hold_.OnData("{\"event\":\"held\"}\n", now_), IsEmpty());
}

TEST_F(RunHold, ABreakThatStaysIsToldOnceAndBridgedByHeartbeats) {
  Up();
  const Time broke = now_;
  EXPECT_THAT(hold_.OnEnd(now_), IsEmpty());
  int tries = 0, told = 0;
  while (now_ < broke + limits::kHeldConnectionGrace) {
    now_ = hold_.due();
    ASSERT_EQ(hold_.Tick(now_), Action::kConnect);
    told += static_cast<int>(hold_.OnEnd(now_).size());
    EXPECT_TRUE(hold_.TakeHeartbeat());
    EXPECT_FALSE(hold_.TakeHeartbeat()) << "one for each failure";
    ++tries;
  }
  EXPECT_EQ(told, 1);
  EXPECT_GE(tries, 7) << "within the server's grace";
  now_ = hold_.due();
  EXPECT_EQ(hold_.Tick(now_), Action::kConnect);
  EXPECT_THAT(hold_.OnData("{\"event\":\"held\"}\n", now_), ElementsAre(HoldEvent{.kind = Kind::kBack}));
}

TEST_F(RunHold, AServerThatIsOnlyBusyIsAskedAgain) {
  Up();
  hold_.OnEnd(now_);
  EXPECT_EQ(hold_.Tick(hold_.due()), Action::kConnect);
  EXPECT_THAT(hold_.OnHead(503, now_), IsEmpty());
  EXPECT_THAT(hold_.OnEnd(now_), ElementsAre(HoldEvent{.kind = Kind::kLost}));
  EXPECT_FALSE(hold_.over());
}

TEST_F(RunHold, AKeyThatIsNotGoodAnyMoreIsATaskThatIsOver) {
  for (const int status : {401, 404, 409}) {
    HoldProtocol hold;
    EXPECT_EQ(hold.Tick(now_), Action::kConnect);
    EXPECT_THAT(hold.OnHead(status, now_), ElementsAre(HoldEvent{.kind = Kind::kEnded})) << status;
  }
}

TEST_F(RunHold, ASilentConnectionIsTakenForDead) {
  Up();
  EXPECT_EQ(hold_.Tick(now_ + limits::kHoldTick * 2), Action::kNone);
  hold_.OnData("{\"event\":\"tick\"}\n", now_ + limits::kHoldTick * 2);
  EXPECT_EQ(hold_.due(), now_ + limits::kHoldTick * 5);
  EXPECT_EQ(hold_.Tick(hold_.due()), Action::kDisconnect);
}

TEST_F(RunHold, NonsenseIsNotKept) {
  Up();
  EXPECT_THAT(hold_.OnData("<html>\n[]\n{\"event\":7}\n{\"event\":\"later\"}\n", now_), IsEmpty());
  for (int i = 0; i < 100; ++i) EXPECT_THAT(hold_.OnData(std::string(10'000, 'x'), now_), IsEmpty());
  EXPECT_THAT(hold_.OnData("\n{\"event\":\"state\",\"state\":\"expired\",\"reason\":\"deadline\"}\n", now_),
              ElementsAre(HoldEvent{.kind = Kind::kEnded, .state = "expired", .reason = "deadline"}));
}

}  // namespace
}  // namespace remit::cli
