// Who rotates signing keys, how often, and what a crash, a copy or a store of before makes of it.
#include <future>

#include "base/limits.h"
#include "broker/administer/key_bench.h"
#include "broker/epoch.h"

namespace remit::broker {
namespace {

using std::chrono::seconds;

class KeyChangeTest : public KeyRotationBenchTest {};

// --- who may, and how often
// -------------------------------------------------------------------------------------------------------------------------

TEST_F(KeyChangeTest, WhoMayIsDecidedByTheCatalogInForce) {
  const StartAnswer task = Triage();
  const std::string old = KidOf("access");
  for (const bool leaked : {false, true}) {
    const RotateRequest request{.key = "access", .leaked = leaked};
    for (const Caller& by : {bench.Person("eve"), Bench::Agent("bot"), bench.Token(task), bench.Holder(task), Caller{}})
      EXPECT_EQ(ReasonOf(Rotate(by, request)), "administration-denied") << by.uid.ToString();
    Caller stale = bench.Person("ann");
    stale.signed_in = bench.clock.Now() - limits::kApprovalSession - seconds(1);
    EXPECT_EQ(ReasonOf(Rotate(stale, request)), "session-too-old");
  }
  RotateRequest dry{.key = "access", .dry_run = true};
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("eve"), dry)), "administration-denied");
  EXPECT_EQ(ReasonOf(bench.broker().ListKeys(Bench::Agent("bot"))), "administration-denied");
  EXPECT_EQ(ReasonOf(bench.broker().ListKeys(bench.Token(task))), "administration-denied");
  EXPECT_EQ(ReasonOf(Rotate(Bench::Operator(), {.key = "access"})), "set-up-is-over");
  EXPECT_EQ(KidOf("access"), old);
  // Not to trust a key gives nobody anything: that is the operator's, always.
  EXPECT_EQ(ReasonOf(Rotate(Bench::Operator(), {.key = "access", .leaked = true})), "done");
}

TEST_F(KeyChangeTest, WhereACatalogSaysNothingOfItNobodyMay) {
  Load(R"(@id("l") permit (principal in Team::"leads", action == Remit::Action::"catalog.load", resource);)");
  EXPECT_EQ(ReasonOf(Rotate()), "administration-denied");
  EXPECT_EQ(ReasonOf(Rotate("access", true)), "administration-denied");
}

TEST_F(KeyChangeTest, ASecondPersonSaysYesToTheKeyThatGoes) {
  Load(std::string(kMayRotate) + std::string(kWithFourEyes));
  const std::string old = KidOf("access");
  RotateRequest request{.key = "access", .idempotency_key = "monday"};
  const auto asked = Rotate(bench.Person("ann"), request), again = Rotate(bench.Person("ann"), request);
  ASSERT_TRUE(asked.has_value() && again.has_value());
  const std::string approval = *asked->FindString("approval");
  EXPECT_EQ(*again->FindString("approval"), approval) << "who asks again waits for the same";
  EXPECT_EQ(KidOf("access"), old);
  EXPECT_EQ(Rotate(bench.Person("ann"), {.key = "access", .dry_run = true})->Find("approvals_needed")->AsInt(), 1);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("ann"), approval)), "own-request");
  const auto yes = bench.Approve(bench.Person("bob"), approval);
  ASSERT_TRUE(yes.has_value()) << yes.error().ToString();
  EXPECT_EQ(*yes->Find("result")->FindString("old"), old);
  EXPECT_NE(KidOf("access"), old);
  EXPECT_EQ(*bench.EventOf("key.rotated").FindString("by"), R"(Employee::"ann")");
  EXPECT_EQ(Count("change.made"), 1u);
  // Whoever asked did not hear of it: asked again, the same answer and no second rotation.
  EXPECT_EQ(*Rotate(bench.Person("ann"), request)->FindString("new"), KidOf("access"));
  EXPECT_EQ(Count("key.rotated"), 1u);
  // Also where the key was named.
  RotateRequest named{.key = "access", .kid = KidOf("access"), .idempotency_key = "tuesday"};
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), *Rotate(bench.Person("ann"), named)->FindString("approval"))), "done");
  EXPECT_EQ(*Rotate(bench.Person("ann"), named)->FindString("new"), KidOf("access"));
  named.kid.clear();
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), named)), "idempotency-key-reused");
  EXPECT_EQ(Count("key.rotated"), 2u);
  // What has leaked waits for nobody.
  EXPECT_TRUE(Rotate("access", true)->Find("new") != nullptr);
}

TEST_F(KeyChangeTest, AYesIsVoidWhereAnotherKeySignsByThen) {
  Load(std::string(kMayRotate) + std::string(kWithFourEyes));
  const std::string approval = *Rotate()->FindString("approval");
  ASSERT_TRUE(Rotate("access", true).has_value());
  const std::string signs = KidOf("access");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), approval)), "request-changed");
  EXPECT_EQ(KidOf("access"), signs);
}

TEST_F(KeyChangeTest, OfTwoAtOnceOneIsMade) {
  const std::string old = KidOf("access");
  bench.store().HoldCommits();
  std::vector<std::string> heard;
  for (const char* who : {"ann", "bob"})
    bench.broker().RotateKey(bench.Person(who), {.key = "access", .kid = old}, [&](auto a) { heard.push_back(ReasonOf(a)); });
  bench.store().ReleaseCommits();
  EXPECT_EQ(heard, (std::vector<std::string>{"rotation-under-way", "done"}));
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("bob"), {.key = "access", .kid = old})), "request-changed");
  EXPECT_EQ(Count("key.rotated"), 1u);
  EXPECT_EQ(ReasonOf(Rotate("receipt")), "done");
}

TEST_F(KeyChangeTest, WhoAsksAgainWithTheSameKeyGetsTheSameAnswer) {
  const RotateRequest request{.key = "access", .idempotency_key = "k"};
  const auto first = Rotate(bench.Person("ann"), request);
  ASSERT_TRUE(first.has_value());
  bench.Restart();
  EXPECT_EQ(Rotate(bench.Person("ann"), request).value(), *first);
  EXPECT_EQ(Count("key.rotated"), 1u);
  for (const RotateRequest& other : {RotateRequest{.key = "access", .leaked = true, .idempotency_key = "k"},
                                     RotateRequest{.key = "access", .kid = KidOf("access"), .idempotency_key = "k"},
                                     RotateRequest{.key = "access", .dry_run = true, .idempotency_key = "k"}})
    EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), other)), "idempotency-key-reused");
  EXPECT_EQ(Count("key.rotated"), 1u);
  // What was asked of the other key is another question: a script that says of both that they have leaked is heard of both.
  EXPECT_EQ(*Rotate(bench.Person("ann"), {.key = "receipt", .idempotency_key = "k"})->FindString("key"), "receipt");
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("eve"), request)), "administration-denied") << "it tells nobody else what was answered";
  EXPECT_NE(*Rotate(bench.Person("bob"), request)->FindString("new"), *first->FindString("new"));
}

TEST_F(KeyChangeTest, ADryRunChangesNothing) {
  const TokenAnswer token = Token(Triage()).value();
  const std::size_t events = bench.Events().size();
  for (const bool leaked : {false, true}) {
    const auto would = Rotate(bench.Person("ann"), {.key = "access", .leaked = leaked, .dry_run = true});
    ASSERT_TRUE(would.has_value());
    EXPECT_EQ(*would->FindString("old"), KidOf("access"));
    EXPECT_EQ(would->Find("published_until") == nullptr, leaked);
    EXPECT_EQ(would->Find("tokens")->AsInt(), 1);
  }
  EXPECT_TRUE(Active(token));
  EXPECT_EQ(bench.Events().size(), events);
}

TEST_F(KeyChangeTest, WhatIsNotRotatedIsRefusedByName) {
  EXPECT_EQ(ReasonOf(Rotate("checkpoint")), "key-not-rotatable");
  EXPECT_EQ(ReasonOf(Rotate("checkpoint", true)), "key-not-rotatable");
  for (const char* key : {"", "old/access", "since/access", "ACCESS"}) EXPECT_EQ(ReasonOf(Rotate(key)), "no-such-key");
}

// Whoever fetches keys waits for nobody: a server that is busy, or whose store hangs, is verified all the same.
TEST_F(KeyChangeTest, KeysAreFetchedWhileTheBrokerIsBusy) {
  // Somebody who holds the broker's mutex looks at the clock.
  class BusyClock final : public Clock {
   public:
    explicit BusyClock(const Clock& clock) : clock_(clock) {}
    Time Now() const override {
      if (const auto meanwhile = std::exchange(meanwhile_, nullptr)) meanwhile();
      return clock_.Now();
    }
    Time Wall() const override { return clock_.Wall(); }
    mutable std::function<void()> meanwhile_;

   private:
    const Clock& clock_;
  } clock(bench.clock);
  const std::unique_ptr<store::MemoryStore> store = bench.store().Snapshot();
  const auto broker = Broker::Open({*store, clock, bench.rng, *bench.timers, *bench.workers, bench.master, {bench.box}, "http://remit.test"}).value();
  std::future<json::Value> keys;
  std::future_status status{};
  clock.meanwhile_ = [&] {
    keys = std::async(std::launch::async, [&] { return json::Value(json::Object{{"tokens", broker->Jwks()}, {"receipts", broker->ReceiptJwks()}}); });
    status = keys.wait_for(std::chrono::seconds(20));
  };
  ASSERT_TRUE(broker->ListKeys(Bench::Operator()).has_value());
  EXPECT_EQ(status, std::future_status::ready);
  EXPECT_EQ(keys.get(), json::Value(json::Object{{"tokens", bench.broker().Jwks()}, {"receipts", bench.broker().ReceiptJwks()}}));
}

TEST_F(KeyChangeTest, SetsOfKeysNeverBecomeLargerThanVerifiersRead) {
  for (const char* key : {"access", "receipt"}) {
    std::string last;
    for (std::size_t i = 0; i <= limits::kJwkSetKeys && last != "too-many-keys"; ++i) last = ReasonOf(Rotate(key));
    EXPECT_EQ(last, "too-many-keys");
  }
  EXPECT_LE(Published().size(), limits::kJwkSetKeys);
  EXPECT_EQ(ReasonOf(Rotate("access", true)), "done");
  EXPECT_EQ(ReasonOf(Rotate("access")), "done");
}

// --- crashes, copies, and stores of before
// --------------------------------------------------------------------------------------------------------------

TEST_F(KeyChangeTest, WhereTheCommitFailsTheOldKeyGoesOn) {
  const StartAnswer task = Triage();
  const TokenAnswer before = Token(task).value();
  const std::string signs = KidOf("access");
  const json::Value published = bench.broker().Jwks();
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(ReasonOf(Rotate()), "store-failed");
  EXPECT_EQ(KidOf("access"), signs);
  EXPECT_EQ(bench.broker().Jwks(), published);
  EXPECT_EQ(KidIn(Token(task).value()), signs);
  EXPECT_TRUE(Active(before));
  EXPECT_EQ(ReasonOf(Rotate()), "done") << "and it may be asked again";
}

// Where the store has another key than memory, nothing is put over it.
TEST_F(KeyChangeTest, AYesThatCouldNotBeMadeStaysAndIsTriedAgain) {
  Load(std::string(kMayRotate) + std::string(kWithFourEyes));
  const std::string old = KidOf("access"), row = *Row("access"), approval = *Rotate()->FindString("approval");
  const auto put = [&](const std::string& value) {
    store::Batch batch;
    batch.writes.push_back({store::Table::kKey, "access", value});
    ASSERT_TRUE(bench.store().CommitNow(std::move(batch)).has_value());
  };
  put("another");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), approval)), "conflict");
  EXPECT_EQ(*Row("access"), "another");
  EXPECT_EQ(KidOf("access"), old);
  put(row);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), approval)), "done");
  EXPECT_NE(KidOf("access"), old);
  EXPECT_TRUE(bench.broker().ListApprovals(Bench::Operator())->Find("approvals")->AsArray().empty());
}

TEST_F(KeyChangeTest, ACrashLeavesTheOldKeyOrTheNewOne) {
  const StartAnswer task = Triage();
  const TokenAnswer before = Token(task).value();
  const std::string old = KidOf("access");
  bench.store().HoldCommits();
  std::optional<Result<json::Value>> heard;
  bench.broker().RotateKey(bench.Person("ann"), {.key = "access"}, [&](auto a) { heard = std::move(a); });
  bench.Restart();
  EXPECT_FALSE(heard.has_value());
  EXPECT_EQ(KidOf("access"), old);
  EXPECT_TRUE(Active(before));
  EXPECT_EQ(Count("key.rotated"), 0u);
  const std::string next = *Rotate()->FindString("new");
  bench.Restart();
  EXPECT_EQ(KidOf("access"), next);
  EXPECT_TRUE(Active(before));
  EXPECT_EQ(KidIn(Token(task).value()), next);
}

TEST_F(KeyChangeTest, AStoreOfBeforeIsReadAndRotated) {
  const StartAnswer task = Triage();
  const TokenAnswer before = Token(task).value();
  store::Batch batch;
  for (const char* name : {"since/access", "since/receipt", "since/checkpoint"}) {
    ASSERT_TRUE(Row(name).has_value());
    batch.writes.push_back({store::Table::kKey, name, std::nullopt});
  }
  ASSERT_TRUE(bench.store().CommitNow(std::move(batch)).has_value());
  const json::Value keys = bench.broker().Jwks();
  bench.Restart();
  EXPECT_EQ(bench.broker().Jwks(), keys);
  const json::Value before_list = bench.broker().ListKeys(Bench::Operator()).value();
  for (const json::Value& line : before_list.Find("keys")->AsArray()) EXPECT_EQ(line.Find("since"), nullptr);
  ASSERT_TRUE(Rotate().has_value());
  bench.Restart();
  EXPECT_TRUE(Active(before));
  const json::Value list = bench.broker().ListKeys(Bench::Operator()).value();
  EXPECT_NE(list.Find("keys")->AsArray()[0].Find("since"), nullptr);
  EXPECT_EQ(list.Find("keys")->AsArray()[1].Find("since"), nullptr);
}

TEST_F(KeyChangeTest, ANewEpochForgetsEveryKeyOfTokensAndNoneOfReceipts) {
  const StartAnswer task = Triage();
  const TokenAnswer before = Token(task).value();
  const std::string first = KidOf("access"), receipt = KidOf("receipt");
  ASSERT_TRUE(Rotate().has_value());
  ASSERT_TRUE(Rotate("receipt").has_value());
  const std::string second = KidOf("access");
  std::unique_ptr<store::MemoryStore> copy = bench.store().Snapshot();
  ASSERT_TRUE(OpenEpoch(*copy, bench.master, bench.rng, 2, bench.clock.Now()).has_value());
  bench.RestartFrom(std::move(copy));
  bench.Settle();
  EXPECT_FALSE(IsPublished(first));
  EXPECT_FALSE(IsPublished(second));
  EXPECT_TRUE(IsPublished(receipt));
  EXPECT_TRUE(IsPublished(KidOf("receipt")));
  EXPECT_FALSE(Active(before));
  EXPECT_EQ(Offline(before), "unknown-key");
}

}  // namespace
}  // namespace remit::broker
