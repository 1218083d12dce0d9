// What every target keeps, whatever it is: included by the test of each implementation, which says how to reach a real one.
//
//   class MyHarness final : public ContractHarness { … };
//   INSTANTIATE_TEST_SUITE_P(My, TargetContract, testing::Values(+[]() -> std::unique_ptr<ContractHarness> { return … }));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/ids.h"
#include "target/target.h"

namespace remit::target {

class ContractHarness {
 public:
  virtual ~ContractHarness() = default;
  virtual Target& target() = 0;
  virtual task::PermissionSet Permissions() = 0;                   // owned by the target, plain
  virtual task::Permission Foreign() = 0;                          // one that it does not own
  virtual bool Works(const Made& made, const Secret& secret) = 0;  // whether the target takes the credential at this moment
  virtual bool Sweeps() const { return true; }                     // whether Sweep lists what this target made
  virtual Time Now() const { return FromMicros(1'780'000'000'000'000); }
  virtual void ForgetInMemory() {}  // as after a crash: a new Target over the same system

  // A record as the broker writes it down before it calls Make.
  task::CredentialRecord Record(const Plan& plan, const std::string& id) {
    task::CredentialRecord record;
    record.id = id;
    record.task = NewId(kTaskPrefix, Now(), rng);
    record.target = target().name();
    record.kind = plan.kind;
    record.permissions = Permissions();
    record.planned = Now();
    record.not_after = Now() + std::chrono::hours(24 * 365);
    record.name = plan.name;
    record.notes = plan.notes;
    return record;
  }

  SystemRng rng;
};

// One credential on its way.
struct ContractCredential {
  Plan plan;
  task::CredentialRecord record;
};

class TargetContract : public testing::TestWithParam<std::unique_ptr<ContractHarness> (*)()> {
 protected:
  void SetUp() override { harness_ = GetParam()(); }
  Target& target() { return harness_->target(); }

  ContractCredential Planned() {
    const std::string id = NewId(kCredentialPrefix, harness_->Now(), harness_->rng);
    auto plan = target().MakePlan(id, harness_->Permissions(), harness_->rng);
    EXPECT_TRUE(plan) << plan.error().ToString();
    return {*plan, harness_->Record(*plan, id)};
  }
  Made MakeIt(ContractCredential& c) {
    auto made = target().Make(c.record, c.plan.secret);
    EXPECT_TRUE(made) << made.error().ToString();
    if (!made) return {};
    c.record.notes = made->notes;
    c.record.state = task::CredentialState::kLive;
    return std::move(*made);
  }
  // Attempts until it is dead, as the broker does; each attempt's evidence is written down.
  EndResult EndIt(ContractCredential& c) {
    EndResult result;
    for (int i = 0; i < 100 && !result.dead; ++i) {
      result = target().End(c.record, c.plan.secret);
      c.record.notes = result.notes;
      c.record.evidence.insert(c.record.evidence.end(), result.evidence.begin(), result.evidence.end());
      EXPECT_TRUE(result.dead || !result.reason.empty());
    }
    EXPECT_TRUE(result.dead) << result.reason;
    EXPECT_FALSE(c.record.evidence.empty());
    return result;
  }
  bool Swept(const ContractCredential& c) {
    auto found = target().Sweep();
    EXPECT_TRUE(found) << found.error().ToString();
    return found && std::any_of(found->begin(), found->end(), [&](const Found& f) { return f.credential == c.record.id && f.name == c.record.name; });
  }

  std::unique_ptr<ContractHarness> harness_;
};

TEST_P(TargetContract, AnswersAndHasAName) {
  EXPECT_TRUE(target().Ping());
  EXPECT_FALSE(target().type().empty());
  EXPECT_FALSE(target().name().empty());
}

TEST_P(TargetContract, OwnsItsOwnAndNothingElse) {
  for (const task::Permission& p : harness_->Permissions().permissions) EXPECT_TRUE(target().Owns(p.action, p.resource)) << p.resource.ToString();
  const task::Permission foreign = harness_->Foreign();
  EXPECT_FALSE(target().Owns(foreign.action, foreign.resource));
}

TEST_P(TargetContract, APlanTouchesNothingAndEndsAsNothing) {
  ContractCredential c = Planned();
  EXPECT_FALSE(Swept(c));
  EndIt(c);
  EXPECT_FALSE(Swept(c));
}

TEST_P(TargetContract, APlanWithAConditionIsRefused) {
  task::PermissionSet permissions = harness_->Permissions();
  permissions.permissions.front().conditions = {"context.mfa"};
  EXPECT_FALSE(target().MakePlan(NewId(kCredentialPrefix, harness_->Now(), harness_->rng), permissions, harness_->rng));
}

TEST_P(TargetContract, WhatIsMadeWorksAndWhatIsEndedDoesNot) {
  ContractCredential c = Planned();
  const Made made = MakeIt(c);
  EXPECT_TRUE(harness_->Works(made, c.plan.secret));
  EXPECT_EQ(Swept(c), harness_->Sweeps());
  EndIt(c);
  EXPECT_FALSE(harness_->Works(made, c.plan.secret));
  EXPECT_FALSE(Swept(c));
}

TEST_P(TargetContract, EndingAgainIsDeadAgain) {
  ContractCredential c = Planned();
  MakeIt(c);
  EndIt(c);
  EndIt(c);
}

TEST_P(TargetContract, ACrashAfterMakingLeavesNothing) {
  ContractCredential c = Planned();
  const task::CredentialRecord written_down = c.record;  // without what Make noted
  const Made made = MakeIt(c);
  harness_->ForgetInMemory();
  ContractCredential after{c.plan, written_down};
  EndIt(after);
  EXPECT_FALSE(harness_->Works(made, c.plan.secret));
  EXPECT_FALSE(Swept(c));
}

TEST_P(TargetContract, OneEndLeavesTheOthersAlone) {
  ContractCredential a = Planned(), b = Planned();
  EXPECT_NE(a.record.name, b.record.name);
  const Made made_a = MakeIt(a), made_b = MakeIt(b);
  EndIt(a);
  EXPECT_FALSE(harness_->Works(made_a, a.plan.secret));
  EXPECT_TRUE(harness_->Works(made_b, b.plan.secret));
  EndIt(b);
  EXPECT_FALSE(harness_->Works(made_b, b.plan.secret));
}

TEST_P(TargetContract, NoSecretInWhatIsWrittenDown) {
  ContractCredential c = Planned();
  const Made made = MakeIt(c);
  EndIt(c);
  if (c.plan.secret.empty()) return;
  const std::string secret(c.plan.secret.Reveal());
  for (const auto& [key, value] : c.record.notes) EXPECT_EQ(value.find(secret), std::string::npos) << key;
  for (const auto& [key, value] : made.notes) EXPECT_EQ(value.find(secret), std::string::npos) << key;
  for (const task::Evidence& e : c.record.evidence) EXPECT_EQ(e.detail.find(secret), std::string::npos) << e.step;
}

}  // namespace remit::target
