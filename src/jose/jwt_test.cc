// Tokens: each way to be wrong has its own reason.
#include "jose/jwt.h"

#include <gtest/gtest.h>

#include "jose/access_token.h"
#include "jose/client_assertion.h"
#include "json/read.h"

namespace remit::jose {
namespace {

using crypto::KeyType;
using crypto::SigningKey;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Time kNow = FromMicros(1'780'000'000'000'000);

struct Keys {
  Keys() { trusted.Add(key.public_key()); }
  SigningKey key = SigningKey::Generate(KeyType::kEs256);
  std::string kid = Thumbprint(key.public_key());
  JwkSet trusted;
};

const Keys& K() {
  static const Keys keys;
  return keys;
}

Claims GoodClaims() {
  Claims c;
  c.issuer = "https://remit.example";
  c.subject = "agent-7";
  c.audience = {"https://api.example"};
  c.issued_at = kNow;
  c.expires = kNow + minutes(5);
  c.id = "j1";
  return c;
}

JwtValidatorBuilder GoodBuilder() {
  JwtValidatorBuilder b;
  b.ExpectTyp("JWT").ExpectIssuer("https://remit.example").ExpectSubject("agent-7").ExpectAudience("https://api.example").ClockSkew(seconds(5));
  return b;
}

std::string Reason(const Claims& claims, const JwtValidator& validator, Time now = kNow) {
  const auto checked = validator.Validate(SignJwt(K().key, K().kid, "JWT", claims), K().trusted, now);
  if (checked) return "accepted";
  EXPECT_EQ(checked.error().code, Code::kUnauthenticated);
  return checked.error().reason;
}

TEST(Claims, SurviveTheirWriting) {
  Claims c = GoodClaims();
  c.not_before = kNow - seconds(1);
  c.extra = {{"scope", "a b"}, {"nested", json::Object{{"x", 1}}}};
  EXPECT_EQ(GoodBuilder().Build().Validate(SignJwt(K().key, K().kid, "JWT", c), K().trusted, kNow).value(), c);
  c.audience = {"https://api.example", "other"};
  EXPECT_EQ(GoodBuilder().Build().Validate(SignJwt(K().key, K().kid, "JWT", c), K().trusted, kNow).value(), c);
}

TEST(Claims, RefusesWrongTypes) {
  for (const char* text :
       {"[]", "1", "\"x\"", R"({"iss":1})", R"({"sub":null})", R"({"aud":1})", R"({"aud":["a",1]})", R"({"aud":{}})", R"({"exp":"1780000000"})",
        R"({"exp":-1})", R"({"exp":1e300})", R"({"exp":9223372036854775807})", R"({"nbf":true})", R"({"iat":[]})", R"({"jti":7})"})
    EXPECT_EQ(ClaimsFromJson(json::Parse(text).value()).error().reason, "malformed-claims") << text;
  EXPECT_EQ(Micros(*ClaimsFromJson(json::Parse(R"({"exp":1.5})").value())->expires), 1'500'000);  // RFC 7519 §2 allows fractions
}

TEST(Claims, RefusesPayloadsThatAreNotStrictJson) {
  const JwtValidator validator = GoodBuilder().Build();
  for (const char* payload : {"", "{", R"({"exp":1,"exp":99999999999})", "{\"sub\":\"\xff\"}", "{} {}"}) {
    const auto checked = validator.Validate(SignCompact(K().key, K().kid, "JWT", AsBytes(payload)), K().trusted, kNow);
    EXPECT_EQ(checked.error().reason, "malformed-claims") << payload;
  }
}

TEST(Validator, ChecksParties) {
  const JwtValidator v = GoodBuilder().Build();
  Claims c = GoodClaims();
  EXPECT_EQ(Reason(c, v), "accepted");
  c.issuer = "https://remit.example/";
  EXPECT_EQ(Reason(c, v), "wrong-issuer");
  c.issuer.reset();
  EXPECT_EQ(Reason(c, v), "missing-issuer");
  c = GoodClaims();
  c.subject = "agent-8";
  EXPECT_EQ(Reason(c, v), "wrong-subject");
  c.subject.reset();
  EXPECT_EQ(Reason(c, v), "missing-subject");
  c = GoodClaims();
  c.audience = {"https://api.example.evil"};
  EXPECT_EQ(Reason(c, v), "wrong-audience");
  c.audience.clear();
  EXPECT_EQ(Reason(c, v), "missing-audience");
  c.audience = {"x", "https://api.example"};
  EXPECT_EQ(Reason(c, v), "accepted");
  EXPECT_EQ(Reason(c, GoodBuilder().OneAudienceOnly().Build()), "several-audiences");
}

TEST(Validator, ChecksTimesToTheSecond) {
  const JwtValidator v = GoodBuilder().Build();
  Claims c = GoodClaims();
  EXPECT_EQ(Reason(c, v, *c.expires + seconds(5) - Duration(1)), "accepted");
  EXPECT_EQ(Reason(c, v, *c.expires + seconds(5)), "token-expired");
  EXPECT_EQ(Reason(c, v, *c.issued_at - seconds(5)), "accepted");
  EXPECT_EQ(Reason(c, v, *c.issued_at - seconds(6)), "issued-in-future");
  c.not_before = kNow + minutes(1);
  EXPECT_EQ(Reason(c, v, kNow + seconds(55)), "accepted");
  EXPECT_EQ(Reason(c, v, kNow + seconds(54)), "token-not-yet-valid");
  c = GoodClaims();
  c.expires.reset();
  EXPECT_EQ(Reason(c, v), "missing-expiration");
  EXPECT_EQ(Reason(c, GoodBuilder().AllowMissingExpiration().Build()), "accepted");
}

TEST(Validator, ChecksWhatIsRequired) {
  Claims c = GoodClaims();
  const JwtValidator strict = GoodBuilder().RequireId().RequireIssuedAt().LongestLife(minutes(5)).Build();
  EXPECT_EQ(Reason(c, strict), "accepted");
  c.expires = kNow + minutes(5) + seconds(1);
  EXPECT_EQ(Reason(c, strict), "token-lives-too-long");
  c = GoodClaims();
  c.id.reset();
  EXPECT_EQ(Reason(c, strict), "missing-id");
  c.id = "";
  EXPECT_EQ(Reason(c, strict), "missing-id");
  c = GoodClaims();
  c.issued_at.reset();
  EXPECT_EQ(Reason(c, strict), "missing-issued-at");
  const JwtValidator bounded = GoodBuilder().LongestLife(minutes(5)).Build();
  EXPECT_EQ(Reason(c, bounded), "accepted");
  c.expires = kNow + hours(1);
  EXPECT_EQ(Reason(c, bounded), "token-lives-too-long");  // without iat, from now on
}

TEST(ValidatorDeathTest, WhatIsLeftOpenCannotBeBuilt) {
  EXPECT_DEATH(JwtValidatorBuilder().Build(), "check failed");
  EXPECT_DEATH(JwtValidatorBuilder().ExpectTyp("JWT").ExpectIssuer("i").ExpectSubject("s").Build(), "check failed");
  EXPECT_DEATH(GoodBuilder().IgnoreIssuer().Build(), "check failed");
  EXPECT_DEATH(GoodBuilder().IgnoreTyp(), "check failed");
}

TEST(Validator, MayIgnoreByName) {
  const JwtValidator v = JwtValidatorBuilder().IgnoreTyp().IgnoreIssuer().IgnoreSubject().IgnoreAudience().AllowMissingExpiration().Build();
  EXPECT_EQ(Reason(Claims(), v), "accepted");
}

AccessToken GoodAccessToken() {
  AccessToken t;
  t.issuer = "https://remit.example";
  t.subject = "tsk_1";
  t.audience = "https://api.example";
  t.client_id = "pipeline";
  t.id = "j1";
  t.issued_at = kNow;
  t.expires = kNow + minutes(1);
  t.authorization_details = {json::Object{{"type", "remit_task"}, {"actions", json::Array{"deploy"}}}};
  t.extra = {{"act", json::Object{{"sub", "x"}}}};
  return t;
}

Result<AccessToken> Validate(std::string_view token, std::string_view audience = "https://api.example", Time now = kNow) {
  return ValidateAccessToken(token, K().trusted, "https://remit.example", audience, now, seconds(5));
}

TEST(AccessToken, SurvivesItsWriting) { EXPECT_EQ(Validate(SignAccessToken(K().key, K().kid, GoodAccessToken())).value(), GoodAccessToken()); }

TEST(AccessToken, IsForOneAudienceOfOneIssuerForOneTime) {
  const std::string token = SignAccessToken(K().key, K().kid, GoodAccessToken());
  EXPECT_EQ(Validate(token, "https://other.example").error().reason, "wrong-audience");
  EXPECT_EQ(Validate(token, "https://api.example", kNow + minutes(2)).error().reason, "token-expired");
  EXPECT_EQ(ValidateAccessToken(token, K().trusted, "https://elsewhere.example", "https://api.example", kNow, seconds(5)).error().reason,
            "wrong-issuer");
}

TEST(AccessToken, IsNoOtherTokenAndNoOtherTokenIsOne) {
  Claims c = GoodClaims();
  c.extra = {{"client_id", "pipeline"}};
  EXPECT_EQ(Validate(SignJwt(K().key, K().kid, "JWT", c)).error().reason, "wrong-typ");
  EXPECT_EQ(Validate(SignJwt(K().key, K().kid, "at+jwt", GoodClaims())).error().reason, "malformed-claims");  // no client_id
  c.subject.reset();
  EXPECT_EQ(Validate(SignJwt(K().key, K().kid, "at+jwt", c)).error().reason, "missing-subject");
  c = GoodClaims();
  c.extra = {{"client_id", "pipeline"}, {"authorization_details", json::Array{1}}};
  EXPECT_EQ(Validate(SignJwt(K().key, K().kid, "at+jwt", c)).error().reason, "malformed-claims");
}

const std::vector<std::string> kAudiences = {"https://remit.example", "https://remit.example/token"};

Result<ClientAssertion> Check(std::string_view assertion, std::string_view client = "pipeline", Time now = kNow) {
  return ValidateClientAssertion(assertion, client, K().trusted, kAudiences, now, seconds(5), minutes(5));
}

TEST(ClientAssertion, IsFromTheClientItSays) {
  const std::string assertion = SignClientAssertion(K().key, K().kid, "pipeline", kAudiences[1], "j1", kNow, minutes(1));
  EXPECT_EQ(PeekClientId(assertion).value(), "pipeline");
  const ClientAssertion checked = Check(assertion).value();
  EXPECT_EQ(checked.client_id, "pipeline");
  EXPECT_EQ(checked.id, "j1");
  EXPECT_EQ(checked.expires, kNow + minutes(1));
  EXPECT_EQ(Check(assertion, "another").error().reason, "wrong-issuer");
  EXPECT_EQ(Check(assertion, "pipeline", kNow + minutes(2)).error().reason, "token-expired");
}

TEST(ClientAssertion, RefusesEachThingThatRfc7523Section3Requires) {
  Claims good;
  good.issuer = good.subject = "pipeline";
  good.audience = {kAudiences[0]};
  good.expires = kNow + minutes(1);
  good.id = "j1";
  const auto reason = [](const Claims& claims, std::string_view typ = "JWT") {
    const auto checked = Check(SignJwt(K().key, K().kid, typ, claims));
    return checked ? std::string("accepted") : checked.error().reason;
  };
  EXPECT_EQ(reason(good), "accepted");
  EXPECT_EQ(reason(good, ""), "accepted");
  EXPECT_EQ(reason(good, "at+jwt"), "wrong-typ");
  Claims c = good;
  c.subject = "somebody";
  EXPECT_EQ(reason(c), "wrong-subject");
  c = good;
  c.audience = {"https://another.server/token"};
  EXPECT_EQ(reason(c), "wrong-audience");
  c = good;
  c.expires.reset();
  EXPECT_EQ(reason(c), "missing-expiration");
  c = good;
  c.expires = kNow + hours(24);
  EXPECT_EQ(reason(c), "token-lives-too-long");
  c = good;
  c.id.reset();
  EXPECT_EQ(reason(c), "missing-id");
  c.id = std::string(257, 'j');
  EXPECT_EQ(reason(c), "malformed-claims");
}

TEST(ClientAssertion, APeekRefusesWhatNamesNobody) {
  const auto peek = [](const char* payload) { return PeekClientId("e30." + Base64UrlEncode(AsBytes(payload)) + ".x").error().reason; };
  EXPECT_EQ(peek("{}"), "missing-issuer");
  EXPECT_EQ(peek(R"({"iss":""})"), "missing-issuer");
  EXPECT_EQ(peek(R"({"iss":"a"})"), "missing-subject");
  EXPECT_EQ(peek(R"({"iss":"a","sub":"b"})"), "wrong-subject");
  EXPECT_EQ(peek("nonsense"), "malformed-claims");
  EXPECT_EQ(PeekClientId("nonsense").error().reason, "malformed-token");
  EXPECT_EQ(PeekClientId("a.b").error().reason, "malformed-token");
  EXPECT_EQ(PeekClientId("a.=.b").error().reason, "malformed-token");
}

}  // namespace
}  // namespace remit::jose
