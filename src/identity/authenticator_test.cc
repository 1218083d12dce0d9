// Who a request is from: handles of tasks, peers of unix sockets, and what must never be mistaken for something else.
#include "identity/authenticator.h"

#include <gtest/gtest.h>

#include "identity/test_parts.h"

namespace remit::identity {
namespace {

using Kind = Caller::Kind;

const cedar::EntityUid kBuilder{"Pipeline", "builder"};

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() {
    directory_.actors[kBuilder] = {kBuilder, "builder", nullptr, false};
    directory_.unix_uids[1001] = kBuilder;
    sessions_ = Sessions::Open(store_, clock_, rng_, directory_).value();
    authenticator_ = std::make_unique<Authenticator>(directory_, *sessions_, 999);
  }
  Result<Caller> Who(std::optional<std::string_view> bearer, std::optional<std::uint32_t> uid) {
    return authenticator_->Authenticate({bearer, uid, clock_.Now()});
  }

  FakeStore store_;
  FakeClock clock_;
  SeededRng rng_{7};
  FakeDirectory directory_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Authenticator> authenticator_;
  const std::string token_ = "rmt_" + std::string(43, 'A'), holder_ = "rmh_" + std::string(43, 'A');
};

TEST_F(AuthenticatorTest, NobodyIsAnAnswer) {
  auto who = Who(std::nullopt, std::nullopt);
  ASSERT_TRUE(who.has_value());
  EXPECT_EQ(who->kind, Kind::kNobody);
}

TEST_F(AuthenticatorTest, RootAndTheServersOwnUidAreTheOperator) {
  EXPECT_EQ(Who(std::nullopt, 0)->kind, Kind::kOperator);
  EXPECT_EQ(Who(std::nullopt, 999)->kind, Kind::kOperator);
  EXPECT_EQ(Who(std::nullopt, 999)->uid.ToString(), "Remit::Operator::\"uid:999\"");
}

TEST_F(AuthenticatorTest, APeerIsTheActorOfItsUidOrNobodyAndNeverAPerson) {
  EXPECT_EQ(Who(std::nullopt, 1001)->kind, Kind::kActor);
  EXPECT_EQ(Who(std::nullopt, 1001)->uid, kBuilder);
  EXPECT_EQ(Who(std::nullopt, 1002)->kind, Kind::kNobody);
  EXPECT_EQ(Who(std::nullopt, static_cast<std::uint32_t>(-1))->kind, Kind::kNobody);
  directory_.actors[kBuilder].barred = true;
  EXPECT_EQ(Who(std::nullopt, 1001)->kind, Kind::kNobody);
}

TEST_F(AuthenticatorTest, ATaskTokenIsATaskAndAHolderKeyAHolder) {
  directory_.handles[token_] = {.kind = Kind::kTask, .task = "tsk_1"};
  directory_.handles[holder_] = {.kind = Kind::kHolder, .task = "tsk_1"};
  EXPECT_EQ(Who(token_, std::nullopt)->kind, Kind::kTask);
  EXPECT_EQ(Who(token_, std::nullopt)->task, "tsk_1");
  EXPECT_EQ(Who(holder_, std::nullopt)->kind, Kind::kHolder);
}

TEST_F(AuthenticatorTest, ABearerWinsOverThePeerAlsoForRoot) {
  directory_.handles[token_] = {.kind = Kind::kTask, .task = "tsk_1"};
  EXPECT_EQ(Who(token_, 0)->kind, Kind::kTask);
  directory_.handles.clear();  // the task has ended
  EXPECT_EQ(Who(token_, 0).error().code, Code::kUnauthenticated);
  EXPECT_EQ(Who("", 0).error().code, Code::kUnauthenticated);
}

TEST_F(AuthenticatorTest, AHandleIsGoodForWhatItsPrefixSaysOnly) {
  directory_.handles[token_] = {.kind = Kind::kHolder, .task = "tsk_1"};
  directory_.handles[holder_] = {.kind = Kind::kTask, .task = "tsk_1"};
  EXPECT_FALSE(Who(token_, std::nullopt).has_value());
  EXPECT_FALSE(Who(holder_, std::nullopt).has_value());
  directory_.handles[token_] = {.kind = Kind::kPerson, .uid = kBuilder};
  EXPECT_FALSE(Who(token_, std::nullopt).has_value());
  directory_.handles["rmt_short"] = {.kind = Kind::kTask, .task = "tsk_1"};
  EXPECT_FALSE(Who("rmt_short", std::nullopt).has_value());
}

}  // namespace
}  // namespace remit::identity
