// Signing keys are rotated, and what was signed before is good for exactly as long as it should be. Each way to sign with, or to bring back, a key
// that is gone is a test.
#include "base/limits.h"
#include "broker/administer/key_bench.h"
#include "jose/jws.h"
#include "json/write.h"
#include "ledger/checkpoint.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class KeyRotationTest : public KeyRotationBenchTest {};

// --- tokens --------------------------------------------------------------------------------------------------------------------------------------

TEST_F(KeyRotationTest, TokensAreSignedWithTheNewKeyAndThoseOfTheOldOneAreGoodUntilTheirTime) {
  const StartAnswer task = Triage();
  const std::string old = KidOf("access"), row = *Row("access");
  const TokenAnswer before = Token(task).value();
  EXPECT_EQ(KidIn(before), old);
  const auto rotated = Rotate();
  ASSERT_TRUE(rotated.has_value()) << rotated.error().ToString();
  const std::string next = *rotated->FindString("new");
  EXPECT_EQ(*rotated->FindString("old"), old);
  EXPECT_EQ(rotated->Find("tokens")->AsInt(), 1);
  EXPECT_EQ(*rotated->FindString("published_until"), FormatTime(before.expires + limits::kClockSkew));
  const TokenAnswer after = Token(task).value();
  EXPECT_EQ(KidIn(after), next);
  EXPECT_NE(next, old);
  for (const TokenAnswer* token : {&before, &after}) {
    EXPECT_TRUE(Active(*token));
    EXPECT_EQ(Offline(*token), "done");
  }
  // Its private half is nowhere any more: its row is another's, and what stays of it is public.
  EXPECT_NE(*Row("access"), row);
  const json::Value stays = OldRow("access", old);
  EXPECT_EQ(stays.Find("jwk")->Find("d"), nullptr);
  EXPECT_EQ(jose::Thumbprint(Stolen("access").public_key()), next);
  const json::Value event = bench.EventOf("key.rotated");
  EXPECT_EQ(*event.FindString("key"), "access");
  EXPECT_EQ(*event.FindString("old"), old);
  EXPECT_EQ(*event.FindString("new"), next);
  EXPECT_EQ(*event.FindString("by"), R"(Employee::"ann")");
}

TEST_F(KeyRotationTest, TheOldKeyIsPublishedUntilItsLastTokenIsPastAndThenGoesAlsoAfterARestart) {
  const StartAnswer task = Triage();
  const TokenAnswer before = Token(task).value(), offline = Token(task, true).value();
  const std::string old = KidOf("access");
  ASSERT_TRUE(Rotate().has_value());
  bench.Restart();
  EXPECT_TRUE(IsPublished(old));
  EXPECT_EQ(Offline(offline, "https://offline"), "done");
  EXPECT_TRUE(Active(before));
  bench.clock.Advance(before.expires + limits::kClockSkew - bench.clock.Now() - Duration(1));
  EXPECT_TRUE(IsPublished(old));
  bench.clock.Advance(Duration(1));  // no timer has run: what is asked looks at the clock itself
  EXPECT_FALSE(IsPublished(old));
  EXPECT_EQ(Published().size(), 2u);
  EXPECT_EQ(Offline(before), "unknown-key");
  bench.Pass(limits::kSweepInterval + seconds(1));
  EXPECT_FALSE(Row("old/access/" + old).has_value());
  EXPECT_EQ(*bench.EventOf("key.unpublished").FindString("kid"), old);
  bench.Restart();
  EXPECT_EQ(Count("key.unpublished"), 1u);
  EXPECT_EQ(Published().size(), 2u);
}

TEST_F(KeyRotationTest, WhatIsPastItsTimeWhileTheServerIsDownGoesWhenItStarts) {
  ASSERT_TRUE(Token(Triage()).has_value());
  const std::string old = KidOf("access");
  ASSERT_TRUE(Rotate().has_value());
  bench.clock.Advance(std::chrono::hours(2));
  bench.Restart();
  bench.Settle();
  EXPECT_FALSE(IsPublished(old));
  EXPECT_FALSE(Row("old/access/" + old).has_value());
}

TEST_F(KeyRotationTest, AnOfflineTokenOfATaskThatEndedKeepsItsKeyPublished) {
  const StartAnswer task = Triage();
  const TokenAnswer offline = Token(task, true).value();
  ASSERT_TRUE(bench.Complete(task).has_value());
  const std::string old = KidOf("access");
  ASSERT_TRUE(Rotate().has_value());
  EXPECT_EQ(Offline(offline, "https://offline"), "done");
  bench.Pass(seconds(66));
  EXPECT_FALSE(IsPublished(old));
}

// Which key signs is settled by the order of commits: what was planned before the rotation counts for how long the old one is published.
TEST_F(KeyRotationTest, ATokenOnItsWayWhileTheKeyIsRotatedIsVerifiedByOneThatIsPublished) {
  const StartAnswer first = Triage(), second = Triage();
  std::optional<Result<TokenAnswer>> before, after;
  std::optional<Result<json::Value>> rotated;
  const auto issue = [&](const StartAnswer& task, std::optional<Result<TokenAnswer>>& token) {
    bench.broker().IssueToken(bench.Token(task), {task.task.id, "https://rs", false}, [&token](auto a) { token = std::move(a); });
  };
  bench.store().HoldCommits();
  issue(first, before);
  bench.broker().RotateKey(bench.Person("ann"), {.key = "access"}, [&](auto a) { rotated = std::move(a); });
  issue(second, after);
  EXPECT_FALSE(before || rotated || after);
  bench.store().ReleaseCommits();
  ASSERT_TRUE((*before).has_value() && (*rotated).has_value() && (*after).has_value());
  EXPECT_EQ(KidIn(**before), *(*rotated)->FindString("old"));
  EXPECT_EQ(KidIn(**after), *(*rotated)->FindString("new"));
  EXPECT_EQ(*(*rotated)->FindString("published_until"), FormatTime((*before)->expires + limits::kClockSkew));
  EXPECT_EQ(Offline(**before), "done");
  EXPECT_EQ(Offline(**after), "done");
}

// --- a key that has leaked -----------------------------------------------------------------------------------------------------------------------

TEST_F(KeyRotationTest, NothingThatALeakedKeySignedIsTrustedNorWhatAnEarlierOneDid) {
  const StartAnswer task = Triage();
  const TokenAnswer eldest = Token(task).value();
  ASSERT_TRUE(Rotate().has_value());
  const TokenAnswer before = Token(task).value();
  const crypto::SigningKey stolen = Stolen("access");
  const std::string forged = Forge(stolen, before);
  ASSERT_TRUE(Active(forged)) << "whoever has the key can do that";
  const auto rotated = Rotate("access", true);
  ASSERT_TRUE(rotated.has_value()) << rotated.error().ToString();
  EXPECT_EQ(rotated->Find("published_until"), nullptr);
  EXPECT_EQ(rotated->Find("tokens")->AsInt(), 1);
  EXPECT_TRUE(bench.EventOf("key.rotated").Find("leaked") != nullptr);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Published(), (std::vector<std::string>{KidOf("access"), KidOf("receipt")}));
    EXPECT_FALSE(Active(before));
    EXPECT_FALSE(Active(eldest));
    EXPECT_FALSE(Active(forged));
    EXPECT_EQ(Offline(before), "unknown-key");
    // The task goes on, by its handle, and fetches its tokens anew.
    EXPECT_TRUE(bench.Active(task));
    const TokenAnswer after = Token(task).value();
    EXPECT_TRUE(Active(after));
    EXPECT_EQ(Offline(after), "done");
    bench.Restart();
  }
}

TEST_F(KeyRotationTest, ALeakedKeyIsNotTrustedBeforeItsEndIsWrittenDown) {
  const StartAnswer task = Triage();
  const TokenAnswer before = Token(task).value();
  bench.store().HoldCommits();
  std::optional<Result<TokenAnswer>> on_its_way;
  bench.broker().IssueToken(bench.Token(task), {task.task.id, "https://other", false}, [&](auto a) { on_its_way = std::move(a); });
  std::optional<Result<json::Value>> rotated;
  bench.broker().RotateKey(bench.Person("ann"), {.key = "access", .leaked = true}, [&](auto a) { rotated = std::move(a); });
  EXPECT_FALSE(rotated.has_value());
  EXPECT_FALSE(Active(before));
  EXPECT_EQ(Published(), std::vector<std::string>{KidOf("receipt")});
  EXPECT_EQ(ReasonOf(Token(task)), "key-not-trusted");
  bench.store().ReleaseCommits();
  bench.Settle();
  ASSERT_TRUE(rotated.has_value() && (*rotated).has_value());
  EXPECT_EQ(ReasonOf(*on_its_way), "key-not-trusted") << "it is not signed with a key that nobody trusts";
  EXPECT_TRUE(Active(Token(task).value()));
}

TEST_F(KeyRotationTest, ALeakedKeyStaysRefusedWhereItsEndCannotBeWrittenDown) {
  const StartAnswer task = Triage();
  const TokenAnswer eldest = Token(task).value();
  ASSERT_TRUE(Rotate().has_value());
  const TokenAnswer before = Token(task).value();
  const std::string old = KidOf("access");
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(ReasonOf(Rotate("access", true)), "distrust-not-recorded");
  EXPECT_FALSE(Active(before));
  EXPECT_FALSE(Active(eldest));
  EXPECT_EQ(ReasonOf(Token(task)), "key-not-trusted");
  // Also a rotation that does not say it publishes none of them again.
  const auto rotated = Rotate();
  ASSERT_TRUE(rotated.has_value()) << rotated.error().ToString();
  EXPECT_TRUE(rotated->Find("leaked")->AsBool());
  EXPECT_FALSE(IsPublished(old));
  EXPECT_TRUE(Active(Token(task).value()));
  bench.Restart();
  EXPECT_FALSE(Active(before));
  EXPECT_FALSE(Active(eldest));
  EXPECT_EQ(Published().size(), 2u);
}

// Nobody asks again: it is written down as soon as that can be.
TEST_F(KeyRotationTest, WhatHasLeakedIsWrittenDownAsSoonAsThatCanBe) {
  const auto doubts = [this] { return bench.broker().Health().Find("doubts")->AsArray().size(); };
  for (const std::string key : {"access", "receipt"}) {
    ASSERT_EQ(ReasonOf(Rotate(key)), "done");
    const std::string earlier = OldKid(key), leaked = KidOf(key);
    bench.store().FailNext(3, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
    EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), {.key = key, .leaked = true, .idempotency_key = "once"})), "distrust-not-recorded");
    bench.Pass(seconds(2));  // the second try fails, too
    EXPECT_EQ(KidOf(key), leaked);
    EXPECT_FALSE(IsPublished(leaked));
    EXPECT_EQ(doubts(), 2u);  // the store, and the key
    bench.Pass(seconds(10));
    EXPECT_NE(KidOf(key), leaked);
    EXPECT_EQ(doubts(), 0u);
    // Whoever did not hear of it asks again, and is told of that.
    EXPECT_EQ(*Rotate(bench.Person("ann"), {.key = key, .leaked = true, .idempotency_key = "once"})->FindString("old"), leaked);
    bench.Restart();
    EXPECT_NE(KidOf(key), leaked);
    EXPECT_FALSE(IsPublished(leaked));
    EXPECT_TRUE(IsPublished(KidOf(key)));
    EXPECT_EQ(IsPublished(earlier), key == "receipt");
  }
  EXPECT_EQ(Count("key.rotated"), 4u);
  // And one that had been rotated before.
  ASSERT_EQ(ReasonOf(Rotate("receipt")), "done");
  const std::string old = [this] {
    for (const std::string& kid : Published())
      if (kid != KidOf("access") && kid != KidOf("receipt")) return kid;
    return std::string();
  }();
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), {.key = "receipt", .kid = old, .leaked = true})), "distrust-not-recorded");
  EXPECT_EQ(doubts(), 2u);
  bench.Pass(seconds(2));
  EXPECT_EQ(doubts(), 0u);
  EXPECT_EQ(Count("key.distrusted"), 1u);
  bench.Restart();
  EXPECT_FALSE(IsPublished(old));
}

// Nor does the answer that another question with the same idempotency key gets meanwhile.
TEST_F(KeyRotationTest, AnIdempotencyKeyThatIsUsedMeanwhileKeepsNoLeakedKeyTrusted) {
  const std::string leaked = KidOf("access");
  std::vector<std::string> heard;
  bench.store().HoldCommits();
  for (const bool is_leaked : {false, true})
    bench.broker().RotateKey(bench.Person("ann"), {.key = "access", .leaked = is_leaked, .idempotency_key = "k"},
                             [&](auto answer) { heard.push_back(ReasonOf(answer)); });
  bench.store().ReleaseCommits();
  bench.Pass(seconds(3));
  EXPECT_EQ(heard, (std::vector<std::string>{"done", "done"}));
  EXPECT_FALSE(IsPublished(leaked));
  bench.Restart();
  EXPECT_FALSE(IsPublished(leaked));
}

// That an earlier key of tokens is not trusted is written down, also where another rotation was on its way when it was said.
TEST_F(KeyRotationTest, EarlierKeysOfTokensStayDistrustedAlsoWhereItWasSaidInTheMiddleOfARotation) {
  const StartAnswer task = Triage();
  const TokenAnswer eldest = Token(task).value();
  ASSERT_TRUE(Rotate().has_value());
  const TokenAnswer before = Token(task).value();
  bench.store().HoldCommits();
  std::vector<std::string> heard;
  for (const bool leaked : {false, true})
    bench.broker().RotateKey(bench.Person("ann"), {.key = "access", .leaked = leaked}, [&](auto answer) { heard.push_back(ReasonOf(answer)); });
  EXPECT_FALSE(Active(eldest));
  EXPECT_FALSE(Active(before));
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(heard, (std::vector<std::string>{"done", "done"}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Published(), (std::vector<std::string>{KidOf("access"), KidOf("receipt")}));
    EXPECT_FALSE(Active(eldest));
    EXPECT_FALSE(Active(before));
    bench.Restart();
  }
}

TEST_F(KeyRotationTest, AFullDiskDoesNotKeepALeakedKeyTrusted) {
  bench.store().FillDisk(true);
  EXPECT_EQ(ReasonOf(Rotate()), "store-full");
  EXPECT_EQ(ReasonOf(Rotate("access", true)), "done");
}

// A leaked key of receipts is told of while there is room; whoever forgets it does not trust it.
TEST_F(KeyRotationTest, LeakedKeysDoNotPileUpAndNoneIsTrustedAgain) {
  constexpr std::size_t kKnown = 64;
  const std::string good = KidOf("receipt");
  ASSERT_EQ(ReasonOf(Rotate("receipt")), "done");
  const StartAnswer task = Triage();
  ASSERT_TRUE(bench.Complete(task).has_value());
  const std::string forged = *bench.broker().Receipt(Bench::Operator(), task.task.id)->FindString("jws"), first = KidOf("receipt");
  const auto rows = [this] {
    std::size_t count = 0;
    EXPECT_TRUE(bench.store().Scan(store::Table::kKey, "old/", [&](std::string_view, std::string_view) { return ++count, true; }).has_value());
    return count;
  };
  bench.store().FillDisk(true);
  std::string last;
  for (std::size_t i = 0; i < kKnown + 3; ++i) {
    last = KidOf("receipt");
    ASSERT_EQ(ReasonOf(Rotate("receipt", true)), "done");
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(rows(), kKnown + 1);  // and the good one
    EXPECT_FALSE(Row("old/receipt/" + first).has_value());
    EXPECT_TRUE(Row("old/receipt/" + last).has_value());
    EXPECT_EQ(ReceiptKeys().keys().size(), 2u);
    EXPECT_TRUE(IsPublished(good));
    EXPECT_EQ(ReasonOf(jose::VerifyCompact(forged, ReceiptKeys(), jose::TypPolicy::Ignore())), "unknown-key");
    bench.Restart();
  }
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), {.key = "receipt", .kid = good, .leaked = true})), "done");
  EXPECT_EQ(rows(), kKnown);
  // Of tokens none is kept at all.
  for (int i = 0; i < 3; ++i) ASSERT_EQ(ReasonOf(Rotate("access", true)), "done");
  EXPECT_EQ(rows(), kKnown);
}

// --- forged ----------------------------------------------------------------------------------------------------------------------------------------

TEST_F(KeyRotationTest, AKeyThatWasErasedSignsNothingOnceItIsPastItsTime) {
  const StartAnswer task = Triage();
  ASSERT_TRUE(Token(task).has_value());
  const crypto::SigningKey stolen = Stolen("access");
  ASSERT_TRUE(Rotate().has_value());
  bench.Pass(minutes(15) + limits::kClockSkew + seconds(1));
  const StartAnswer later = Triage();
  const TokenAnswer good = Token(later).value();
  ASSERT_TRUE(Active(good));
  EXPECT_FALSE(Active(Forge(stolen, good)));
}

TEST_F(KeyRotationTest, AnUnknownKidVerifiesNothing) {
  const TokenAnswer good = Token(Triage()).value();
  const auto mine = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  EXPECT_FALSE(Active(Forge(mine, good)));
  ASSERT_TRUE(Rotate().has_value());
  EXPECT_FALSE(Active(Forge(mine, good)));
  // Nor does a key of receipts sign tokens, in use or not.
  const crypto::SigningKey receipt = Stolen("receipt");
  EXPECT_FALSE(Active(Forge(receipt, good)));
  ASSERT_TRUE(Rotate("receipt").has_value());
  EXPECT_FALSE(Active(Forge(receipt, good)));
}

TEST_F(KeyRotationTest, ARowThatCallsAnotherKeyByTheNameOfAnOldOneIsNotRead) {
  const std::string old = KidOf("access");
  ASSERT_TRUE(Rotate().has_value());
  const auto mine = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  for (const std::string& kid : {old, jose::Thumbprint(mine.public_key())}) {
    store::Batch batch;
    const json::Value row = json::Object{{"jwk", jose::PublicJwk(mine.public_key(), kid)}, {"until", Micros(bench.clock.Now())}};
    const auto context = crypto::AssociatedData({"remit old signing key v1", "access", old});
    const std::string text = json::Canonical(row);
    const std::string sealed = ToText(crypto::EncodeEnvelope(crypto::SealEnvelope(bench.master, AsBytes(text), context, bench.rng)));
    batch.writes.push_back({store::Table::kKey, "old/access/" + old, sealed});
    ASSERT_TRUE(bench.store().CommitNow(std::move(batch)).has_value());
    const auto opened = OpenKeys(bench.store(), bench.master, bench.rng, bench.clock.Now());
    EXPECT_EQ(ReasonOf(opened), "store-corrupt");
  }
}

TEST_F(KeyRotationTest, WhoWritesTheStoreWithoutTheMasterKeyAddsNoKeyThatIsTrusted) {
  ASSERT_TRUE(Rotate().has_value());
  ASSERT_TRUE(Rotate("receipt").has_value());
  const auto mine = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  const std::string kid = jose::Thumbprint(mine.public_key());
  const std::string plain = json::Canonical(json::Object{{"jwk", jose::PublicJwk(mine.public_key(), kid)}, {"until", Micros(bench.clock.Now())}});
  const auto other = crypto::MasterKey::Random(bench.rng);
  for (const std::string name : {"access", "receipt"}) {
    const auto context = crypto::AssociatedData({"remit old signing key v1", name, kid});
    // In the clear, under a key of one's own, and what stands there for another key or another use.
    for (const std::string& row :
         {plain, ToText(crypto::EncodeEnvelope(crypto::SealEnvelope(other, AsBytes(plain), context, bench.rng))),
          *Row("old/" + name + "/" + OldKid(name)),
          *Row("old/" + std::string(name == "access" ? "receipt/" : "access/") + OldKid(name == "access" ? "receipt" : "access"))}) {
      store::Batch batch;
      batch.writes.push_back({store::Table::kKey, "old/" + name + "/" + kid, row});
      ASSERT_TRUE(bench.store().CommitNow(std::move(batch)).has_value());
      EXPECT_EQ(ReasonOf(OpenKeys(bench.store(), bench.master, bench.rng, bench.clock.Now())), "store-corrupt");
    }
    store::Batch batch;
    batch.writes.push_back({store::Table::kKey, "old/" + name + "/" + kid, std::nullopt});
    ASSERT_TRUE(bench.store().CommitNow(std::move(batch)).has_value());
  }
}

TEST_F(KeyRotationTest, AStoreThatHangsInTheMiddleOfARotationKeepsNoLeakedKeyAlive) {
  for (const std::string name : {"receipt", "access"}) {
    const std::string old = KidOf(name);
    bench.store().HoldCommits();
    std::string first;
    bench.broker().RotateKey(bench.Person("ann"), {.key = name}, [&](auto answer) { first = ReasonOf(answer); });
    bench.Settle();
    EXPECT_TRUE(IsPublished(old));
    std::optional<Result<json::Value>> asked;
    bench.broker().RotateKey(bench.Person("ann"), {.key = name, .leaked = true}, [&](auto answer) { asked = std::move(answer); });
    EXPECT_FALSE(IsPublished(old));
    // Somebody else who says so is told that it is on its way.
    EXPECT_EQ(ReasonOf(Rotate(bench.Person("bob"), {.key = name, .leaked = true})), "rotation-under-way");
    EXPECT_FALSE(asked.has_value());
    bench.store().ReleaseCommits();
    bench.Settle();
    EXPECT_EQ(first, "done");
    EXPECT_FALSE(IsPublished(old));
    ASSERT_TRUE(asked.has_value() && asked->has_value());
    EXPECT_EQ(*(*asked)->FindString("old"), old);
    EXPECT_EQ((*asked)->Find("new"), nullptr);                                 // the other one had rotated it
    EXPECT_EQ(Row("old/" + name + "/" + old).has_value(), name == "receipt");  // what signed a receipt stays known
    bench.Restart();
    EXPECT_FALSE(IsPublished(old));
  }
}

TEST_F(KeyRotationTest, AKeyThatWasRotatedBeforeItsLeakWasSeenIsDistrustedByItsKid) {
  const std::string first = KidOf("receipt");
  ASSERT_TRUE(Rotate("receipt").has_value());
  const std::string second = KidOf("receipt");
  ASSERT_TRUE(IsPublished(first));
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), {.key = "receipt", .kid = first, .leaked = true, .dry_run = true})), "done");
  EXPECT_TRUE(IsPublished(first));
  // Not trusted from the call on, also where that cannot be written down.
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "no"));
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), {.key = "receipt", .kid = first, .leaked = true})), "distrust-not-recorded");
  EXPECT_FALSE(IsPublished(first));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), {.key = "receipt", .kid = first, .leaked = true})), "done");
  EXPECT_EQ(Count("key.distrusted"), 1u);
  EXPECT_EQ(KidOf("receipt"), second);  // which nobody suspects
  EXPECT_TRUE(IsPublished(second));
  EXPECT_EQ(*bench.EventOf("key.distrusted").FindString("kid"), first);
  bench.Restart();
  EXPECT_FALSE(IsPublished(first));
  EXPECT_TRUE(IsPublished(second));
  EXPECT_EQ(ReasonOf(Rotate(bench.Person("ann"), {.key = "receipt", .kid = "nobody's", .leaked = true})), "request-changed");
}

// What one key signed is offered as what the other signs, by somebody who looks at nothing but the signature.
TEST_F(KeyRotationTest, ASignatureForOnePurposeIsNoneForAnother) {
  const StartAnswer task = Triage(), ended = Triage();
  const TokenAnswer token = Token(task).value();
  const std::string jwt(token.token.Reveal());
  ASSERT_TRUE(bench.Complete(ended).has_value());
  const auto tokens = [this] { return *jose::JwkSet::Parse(bench.broker().Jwks()); };
  const auto verify = [](const std::string& jws, const jose::JwkSet& keys) {
    return ReasonOf(jose::VerifyCompact(jws, keys, jose::TypPolicy::Ignore()));
  };
  for (int i = 0; i < 3; ++i) {
    const std::string receipt = *bench.broker().Receipt(Bench::Operator(), ended.task.id)->FindString("jws");
    EXPECT_EQ(verify(receipt, tokens()), "unknown-key");
    EXPECT_EQ(verify(receipt, ReceiptKeys()), "done");
    EXPECT_EQ(verify(jwt, ReceiptKeys()), "unknown-key");
    EXPECT_EQ(verify(jwt, tokens()), "done");
    EXPECT_FALSE(Active(receipt));
    // Whoever got hold of the key of receipts makes a token that says everything a token should, and the other way round.
    const crypto::SigningKey of_receipts = Stolen("receipt"), of_tokens = Stolen("access");
    const std::string forged = Forge(of_receipts, token);
    EXPECT_EQ(Offline(forged), "unknown-key");
    EXPECT_FALSE(Active(forged));
    const std::string kid = jose::Thumbprint(of_tokens.public_key());
    EXPECT_EQ(verify(jose::SignCompact(of_tokens, kid, "remit-receipt+jwt", AsBytes("{}")), ReceiptKeys()), "unknown-key");
    // Nor when the keys are old ones.
    ASSERT_TRUE(Rotate("receipt").has_value());
    ASSERT_TRUE(Rotate("access").has_value());
    EXPECT_EQ(Offline(forged), "unknown-key");
    EXPECT_EQ(verify(receipt, tokens()), "unknown-key");
    EXPECT_EQ(verify(receipt, ReceiptKeys()), "done");
    EXPECT_EQ(verify(jose::SignCompact(of_tokens, kid, "remit-receipt+jwt", AsBytes("{}")), ReceiptKeys()), "unknown-key");
  }
}

// --- receipts and the ledger -----------------------------------------------------------------------------------------------------------------------

TEST_F(KeyRotationTest, ReceiptsAndCheckpointsOfBeforeAreVerifiedAfterSeveralRotations) {
  std::vector<json::Value> receipts;
  std::vector<std::string> kids;
  const auto receipt = [&] {
    const StartAnswer task = Triage();
    EXPECT_TRUE(bench.Complete(task).has_value());
    receipts.push_back(bench.broker().Receipt(Bench::Operator(), task.task.id).value());
    kids.push_back(KidOf("receipt"));
  };
  receipt();
  for (int i = 0; i < 3; ++i) {
    bench.Pass(minutes(1));
    ASSERT_EQ(ReasonOf(Rotate("receipt")), "done");
    receipt();
  }
  bench.Pass(std::chrono::hours(24) * 2);
  bench.Restart();
  receipt();
  EXPECT_EQ((std::set<std::string>{kids.begin(), kids.end()}).size(), 4u);
  const jose::JwkSet keys = ReceiptKeys();
  const json::Value list = bench.broker().ListKeys(Bench::Operator()).value();
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    const auto jws = jose::VerifyCompact(*receipts[i].FindString("jws"), keys, jose::TypPolicy::Expect("remit-receipt+jwt"));
    ASSERT_TRUE(jws.has_value()) << i << jws.error().ToString();
    EXPECT_EQ(jws->kid, kids[i]);
    const json::Value* proof = receipts[i].Find("proof");
    const auto verifier = ledger::NoteVerifier::Parse(*proof->FindString("checkpoint_key"));
    ASSERT_TRUE(verifier.has_value());
    EXPECT_TRUE(ledger::OpenCheckpoint(*proof->FindString("checkpoint"), *verifier).has_value());
    // It is known when the key signed: the receipt says that it is of that time.
    for (const json::Value& line : list.Find("keys")->AsArray()) {
      if (*line.FindString("kid") != kids[i]) continue;
      const Time issued = *ParseTime(*receipts[i].FindString("issued"));
      EXPECT_LE(*ParseTime(*line.FindString("since")), issued);
      if (const std::string* until = line.FindString("until")) {
        EXPECT_GE(*ParseTime(*until), issued);
      }
      EXPECT_EQ(line.Find("published_until"), nullptr);
    }
  }
}

TEST_F(KeyRotationTest, ALeakedKeyOfReceiptsIsKnownAndNotPublishedAndTheOthersStay) {
  const StartAnswer task = Triage();
  ASSERT_TRUE(bench.Complete(task).has_value());
  const std::string first = KidOf("receipt");
  ASSERT_TRUE(Rotate("receipt").has_value());
  const std::string leaked = KidOf("receipt");
  const json::Value old = bench.broker().Receipt(Bench::Operator(), task.task.id).value();
  ASSERT_TRUE(Rotate("receipt", true).has_value());
  bench.Restart();
  EXPECT_TRUE(IsPublished(first));
  EXPECT_FALSE(IsPublished(leaked));
  bool known = false;
  const json::Value list = bench.broker().ListKeys(Bench::Operator()).value();
  for (const json::Value& line : list.Find("keys")->AsArray()) known |= *line.FindString("kid") == leaked && *line.FindString("state") == "leaked";
  EXPECT_TRUE(known);
  const auto verify = [&](const json::Value& receipt) {
    return ReasonOf(jose::VerifyCompact(*receipt.FindString("jws"), ReceiptKeys(), jose::TypPolicy::Ignore()));
  };
  EXPECT_EQ(verify(old), "unknown-key");
  EXPECT_EQ(verify(bench.broker().Receipt(Bench::Operator(), task.task.id).value()), "done") << "it is made of the ledger, whenever it is asked for";
}

}  // namespace
}  // namespace remit::broker
