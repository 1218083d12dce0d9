// One login counts for others of its kind, and for nothing else.
#include "target/postgres/path_proof.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace remit::target::postgres {
namespace {

constexpr Duration kLife = limits::kPathProofLife, kTick{1};

Path Invoices() { return {{{"public", "invoices", "select"}}, "7001", "501", 3}; }

class PathProofsTest : public testing::Test {
 protected:
  void LogIn(const Path& path) { proofs_.Accepted(proofs_.Begin(now_), path, times_); }
  bool Covers(const Path& path) const { return proofs_.Covers(path, times_, now_); }

  PathProofs proofs_;
  Time now_ = FromMicros(1'780'000'000'000'000);
  ServerTimes times_{.configured = FromMicros(1'000'000), .made = FromMicros(5'000'000)};  // the server's clock is another
};

TEST_F(PathProofsTest, NothingIsCoveredFromTheStart) { EXPECT_FALSE(Covers(Invoices())); }

TEST_F(PathProofsTest, ALoginCountsForItsLifeFromWhenItBegan) {
  const PathProofs::Login login = proofs_.Begin(now_);
  EXPECT_FALSE(Covers(Invoices()));  // it only began
  now_ += kLife / 2;
  proofs_.Accepted(login, Invoices(), times_);
  now_ += kLife / 2 - kTick;
  EXPECT_TRUE(Covers(Invoices()));
  now_ += kTick;
  EXPECT_FALSE(Covers(Invoices()));
}

TEST_F(PathProofsTest, NotForATimeBeforeIt) {
  LogIn(Invoices());
  now_ -= kTick;
  EXPECT_FALSE(Covers(Invoices()));
}

TEST_F(PathProofsTest, EachFieldMakesAnotherPath) {
  LogIn(Invoices());
  EXPECT_TRUE(Covers(Invoices()));
  std::vector<Path> others(7, Invoices());
  others[0].privileges.push_back({"public", "payments", "select"});
  others[1].privileges.clear();
  others[2].privileges[0].privilege = "insert";
  others[3].privileges = {{"public.invoices", "", "select"}};  // not by how it would be written
  others[4].system = "7002";
  others[5].maker = "502";
  others[6].connections = 4;
  for (std::size_t i = 0; i < others.size(); ++i) EXPECT_FALSE(Covers(others[i])) << i;
}

TEST_F(PathProofsTest, WhatWasMadeByAnUnknownFunctionCountsForNothing) {
  Path unknown = Invoices();
  unknown.maker.clear();
  LogIn(unknown);
  EXPECT_FALSE(Covers(unknown));
}

TEST_F(PathProofsTest, AConfigurationThatWasReadSinceIsAnother) {
  LogIn(Invoices());
  const auto with = [&](Time configured) { return proofs_.Covers(Invoices(), {.configured = configured, .made = times_.made + kTick}, now_); };
  EXPECT_TRUE(with(times_.made - kTick));
  EXPECT_FALSE(with(times_.made));
  EXPECT_FALSE(with(times_.made + kTick));
}

TEST_F(PathProofsTest, AFailureForgetsAllAndWhatIsUnderWay) {
  LogIn(Invoices());
  const PathProofs::Login under_way = proofs_.Begin(now_);
  proofs_.Forget();
  EXPECT_FALSE(Covers(Invoices()));
  proofs_.Accepted(under_way, Invoices(), times_);
  EXPECT_FALSE(Covers(Invoices()));
  LogIn(Invoices());
  EXPECT_TRUE(Covers(Invoices()));
}

TEST_F(PathProofsTest, OfTwoAtOnceTheOneThatBeganLaterCounts) {
  const PathProofs::Login early = proofs_.Begin(now_);
  now_ += kLife / 2;
  LogIn(Invoices());
  proofs_.Accepted(early, Invoices(), times_);
  now_ += kLife - kTick;
  EXPECT_TRUE(Covers(Invoices()));
}

TEST_F(PathProofsTest, ThereIsAnEndToHowManyAreKept) {
  const auto path = [](std::size_t i) {
    Path p = Invoices();
    p.privileges[0].table = std::to_string(i);
    return p;
  };
  for (std::size_t i = 0; i <= limits::kPathProofs; ++i) LogIn(path(i));
  EXPECT_FALSE(Covers(path(0)));
  for (std::size_t i = 1; i <= limits::kPathProofs; ++i) EXPECT_TRUE(Covers(path(i))) << i;
}

}  // namespace
}  // namespace remit::target::postgres
