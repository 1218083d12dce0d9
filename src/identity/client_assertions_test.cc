// Client assertions (RFC 7523 §3): what a good one gives, and every way in which one is not good.
#include "identity/client_assertions.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "crypto/hash.h"
#include "identity/test_parts.h"
#include "jose/client_assertion.h"
#include "json/write.h"

namespace remit::identity {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kIssuer = "https://remit.example";
constexpr std::string_view kTokenEndpoint = "https://remit.example/token";
const cedar::EntityUid kCi{"Pipeline", "ci"};

class ClientAssertionsTest : public ::testing::Test {
 protected:
  ClientAssertionsTest() {
    directory_.actors[kCi] = {kCi, "ci", json::Value(jose::PublicJwk(key_.public_key())), false};
    Restart();
  }
  void Restart() {
    auto opened = ClientAssertions::Open(store_, clock_, directory_, std::string(kIssuer), std::string(kTokenEndpoint));
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    assertions_ = std::move(opened).value();
  }
  std::string Sign(std::string_view audience = kIssuer, std::string_view id = "one", Duration life = 1min) {
    return jose::SignClientAssertion(key_, "", "ci", audience, id, clock_.Now(), life);
  }
  Result<RegisteredActor> Redeem(std::string_view assertion, std::string_view client_id = "") {
    return Await<RegisteredActor>([&](auto answer) { assertions_->Redeem(assertion, client_id, answer); });
  }
  std::string WhyNot(std::string_view assertion, std::string_view client_id = "") {
    auto actor = Redeem(assertion, client_id);
    return actor.has_value() ? "accepted" : actor.error().reason;
  }
  static std::string Part(std::string_view json) { return Base64UrlEncode(AsBytes(json)); }
  std::string Payload(std::string_view id) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.Now().time_since_epoch()).count();
    return json::Write(json::Object{{"iss", "ci"}, {"sub", "ci"}, {"aud", kIssuer}, {"exp", now + 60}, {"iat", now}, {"jti", id}});
  }

  crypto::SigningKey key_ = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  FakeStore store_;
  FakeClock clock_;
  FakeDirectory directory_;
  std::unique_ptr<ClientAssertions> assertions_;
};

TEST_F(ClientAssertionsTest, TheKeysOwnerIsTheActor) {
  auto actor = Redeem(Sign());
  ASSERT_TRUE(actor.has_value()) << actor.error().ToString();
  EXPECT_EQ(actor->uid, kCi);
  EXPECT_EQ(WhyNot(Sign(kTokenEndpoint, "two"), "ci"), "accepted");
}

TEST_F(ClientAssertionsTest, AReplayIsRefusedAlsoAfterARestart) {
  const std::string assertion = Sign();
  ASSERT_EQ(WhyNot(assertion), "accepted");
  EXPECT_EQ(WhyNot(assertion), "replayed-assertion");
  Restart();
  EXPECT_EQ(WhyNot(assertion), "replayed-assertion");
  EXPECT_EQ(WhyNot(Sign(kTokenEndpoint, "one")), "replayed-assertion");  // the jti is what counts
}

TEST_F(ClientAssertionsTest, AReplayIsRefusedAlsoByACopyThatDoesNotKnowIt) {
  const auto copy = store_.rows;
  const std::string assertion = Sign();
  const auto expires = std::chrono::duration_cast<std::chrono::seconds>((clock_.Now() + 1min).time_since_epoch()).count();
  const std::string input = Part(R"({"alg":"ES256"})") + "." +
                            Part(json::Write(json::Object{{"iss", "ci"}, {"sub", "ci"}, {"aud", kIssuer}, {"exp", expires}, {"jti", "two"}}));
  const std::string without_iat = input + "." + Base64UrlEncode(key_.Sign(AsBytes(input)));
  ASSERT_EQ(WhyNot(assertion), "accepted");
  ASSERT_EQ(WhyNot(without_iat), "accepted");
  clock_.Advance(1s);
  store_.rows = copy;  // `remit serve --restored`
  store_.rows[{store::Table::kMeta, "epoch-since"}] = std::to_string(Micros(clock_.Now()));
  Restart();
  EXPECT_EQ(WhyNot(assertion), "replayed-assertion");
  EXPECT_EQ(WhyNot(without_iat), "replayed-assertion");
  clock_.Advance(limits::kClockSkew + 1s);
  EXPECT_EQ(WhyNot(Sign(kIssuer, "three")), "accepted");
}

TEST_F(ClientAssertionsTest, AReplayAtAnotherServerOfTheSameStoreIsRefused) {
  auto other = ClientAssertions::Open(store_, clock_, directory_, std::string(kIssuer), std::string(kTokenEndpoint));
  const std::string assertion = Sign();
  ASSERT_EQ(WhyNot(assertion), "accepted");
  auto again = Await<RegisteredActor>([&](auto a) { (*other)->Redeem(assertion, "", a); });
  EXPECT_EQ(again.error().reason, "replayed-assertion");
}

TEST_F(ClientAssertionsTest, TwoAtTheSameTimeGiveOne) {
  const std::string assertion = Sign();
  store_.holding = true;
  int good = 0, bad = 0;
  for (int i = 0; i < 4; ++i) assertions_->Redeem(assertion, "", [&](Result<RegisteredActor> r) { ++(r.has_value() ? good : bad); });
  store_.Release();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(bad, 3);
}

TEST_F(ClientAssertionsTest, NothingIsGivenForOneThatCouldNotBeRemembered) {
  const std::string assertion = Sign();
  store_.failing = true;
  EXPECT_EQ(WhyNot(assertion), "store-failed");
  store_.failing = false;
  EXPECT_EQ(WhyNot(assertion), "replayed-assertion");
  EXPECT_EQ(WhyNot(Sign(kIssuer, "two")), "accepted");
}

TEST_F(ClientAssertionsTest, WhatIsForOthersOrTooOldOrLivesTooLongIsRefused) {
  EXPECT_EQ(WhyNot(Sign("https://other.example")), "wrong-audience");
  EXPECT_EQ(WhyNot(Sign("https://remit.example/")), "wrong-audience");
  EXPECT_EQ(WhyNot(Sign("https://remit.example/introspect")), "wrong-audience");
  EXPECT_EQ(WhyNot(Sign(kIssuer, "long", 6min)), "token-lives-too-long");
  EXPECT_EQ(WhyNot(Sign(kIssuer, "")), "missing-id");
  const std::string old = Sign(kIssuer, "old");
  clock_.Advance(1min + limits::kClockSkew);
  EXPECT_EQ(WhyNot(old), "token-expired");
  EXPECT_EQ(assertions_->remembered(), 0u);
  EXPECT_EQ(WhyNot(Sign(), "someone-else"), "wrong-client");
}

TEST_F(ClientAssertionsTest, StrangersAllGetTheSameAnswer) {
  const auto stranger = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  EXPECT_EQ(WhyNot(jose::SignClientAssertion(stranger, "", "ci", kIssuer, "x", clock_.Now(), 1min)), "bad-client");
  EXPECT_EQ(WhyNot(jose::SignClientAssertion(stranger, "", "nobody", kIssuer, "x", clock_.Now(), 1min)), "bad-client");
  EXPECT_EQ(WhyNot(jose::SignClientAssertion(key_, "another", "ci", kIssuer, "x", clock_.Now(), 1min)), "bad-client");
  directory_.actors[kCi].barred = true;
  EXPECT_EQ(WhyNot(Sign()), "bad-client");
  directory_.actors[kCi] = {kCi, "ci", nullptr, false};
  EXPECT_EQ(WhyNot(Sign()), "bad-client");
}

TEST_F(ClientAssertionsTest, TheAlgorithmIsTheKeysAndNoOther) {
  const std::string none = Part(R"({"alg":"none"})") + "." + Part(Payload("a")) + ".";
  EXPECT_NE(WhyNot(none), "accepted");
  // HS256 with the public key as the secret: the oldest trick there is.
  const std::string input = Part(R"({"alg":"HS256"})") + "." + Part(Payload("b"));
  const std::string pem = key_.public_key().ToPem();
  EXPECT_EQ(WhyNot(input + "." + Base64UrlEncode(crypto::HmacSha256(AsBytes(pem), AsBytes(input)))), "bad-client");
  const auto ed = crypto::SigningKey::Generate(crypto::KeyType::kEd25519);
  EXPECT_EQ(WhyNot(jose::SignClientAssertion(ed, "", "ci", kIssuer, "c", clock_.Now(), 1min)), "bad-client");
  // A key of its own in the header is not looked at.
  const auto mine = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  const std::string header = json::Write(json::Object{{"alg", "ES256"}, {"jwk", jose::PublicJwk(mine.public_key())}});
  const std::string signed_input = Part(header) + "." + Part(Payload("d"));
  EXPECT_EQ(WhyNot(signed_input + "." + Base64UrlEncode(mine.Sign(AsBytes(signed_input)))), "bad-client");
}

TEST_F(ClientAssertionsTest, ATokenOfAnotherKindIsNoAssertion) {
  const std::string input = Part(R"({"alg":"ES256","typ":"at+jwt"})") + "." + Part(Payload("a"));
  EXPECT_EQ(WhyNot(input + "." + Base64UrlEncode(key_.Sign(AsBytes(input)))), "wrong-typ");
  for (std::string_view junk : {"", ".", "..", "a.b.c", "rma_AAAA"}) EXPECT_NE(WhyNot(junk), "accepted");
}

TEST_F(ClientAssertionsTest, WhatCanNoLongerBeValidIsForgotten) {
  for (int i = 0; i < 10; ++i) ASSERT_EQ(WhyNot(Sign(kIssuer, std::to_string(i))), "accepted");
  clock_.Advance(2min);
  Restart();
  ASSERT_EQ(WhyNot(Sign(kIssuer, "new")), "accepted");
  EXPECT_EQ(assertions_->remembered(), 1u);
  EXPECT_EQ(store_.rows.size(), 1u);
}

}  // namespace
}  // namespace remit::identity
