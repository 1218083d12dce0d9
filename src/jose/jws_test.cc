// Signatures in compact form: the RFCs' examples, and the attacks that JWT libraries have fallen to.
#include "jose/jws.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::jose {
namespace {

using crypto::KeyType;
using crypto::SigningKey;

JwkSet SetOf(std::string_view jwk) { return JwkSet({ParsePublicJwk(json::Parse(jwk).value()).value()}); }

// RFC 7515 A.3.
TEST(Jws, Rfc7515Es256Example) {
  const JwkSet trusted =
      SetOf(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  const Jws jws = VerifyCompact(token, trusted, TypPolicy::Ignore()).value();
  EXPECT_EQ(ToText(jws.payload), "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
}

// RFC 8037 A.4.
TEST(Jws, Rfc8037Ed25519Example) {
  const SigningKey key =
      SigningKey::FromPrivateBytes(KeyType::kEd25519, Base64UrlDecode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").value()).value();
  const std::string token =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_EQ(SignCompact(key, "", "", AsBytes("Example of Ed25519 signing")), token);
  JwkSet trusted;
  trusted.Add(key.public_key());
  EXPECT_EQ(ToText(VerifyCompact(token, trusted, TypPolicy::Ignore())->payload), "Example of Ed25519 signing");
}

class Attack : public testing::Test {
 protected:
  Attack() { trusted_.Add(key_.public_key(), "k1"); }

  std::string Reason(const std::string& token, const TypPolicy& typ = TypPolicy::Expect("at+jwt")) const {
    const auto jws = VerifyCompact(token, trusted_, typ);
    if (jws) return "accepted";
    EXPECT_EQ(jws.error().code, Code::kUnauthenticated);
    return jws.error().reason;
  }

  // A token with any header, well signed.
  std::string Signed(std::string_view header) const {
    std::string token = Base64UrlEncode(AsBytes(header)) + "." + Base64UrlEncode(AsBytes("{}"));
    return token + "." + Base64UrlEncode(key_.Sign(AsBytes(token)));
  }

  const SigningKey key_ = SigningKey::Generate(KeyType::kEs256);
  const std::string good_ = SignCompact(key_, "k1", "at+jwt", AsBytes("{}"));
  JwkSet trusted_;
};

TEST_F(Attack, TheHonestTokenPasses) {
  EXPECT_EQ(Reason(good_), "accepted");
  EXPECT_EQ(VerifyCompact(good_, trusted_, TypPolicy::Expect("at+jwt"))->kid, "k1");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt"})")), "accepted");                         // no kid: the trusted keys are tried
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"application/AT+JWT","kid":"k1"})")), "accepted");  // RFC 7515 §4.1.9
}

TEST_F(Attack, AlgNone) {
  for (const char* alg : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string header = Base64UrlEncode(AsBytes(json::Write(json::Object{{"alg", alg}, {"typ", "at+jwt"}})));
    EXPECT_EQ(Reason(header + "." + Base64UrlEncode(AsBytes("{}")) + "."), "wrong-algorithm") << alg;
  }
  EXPECT_EQ(Reason(Base64UrlEncode(AsBytes(R"({"typ":"at+jwt"})")) + ".e30."), "wrong-algorithm");
}

TEST_F(Attack, HmacWithThePublicKeyAsSecret) {
  const std::string pem = key_.public_key().ToPem();
  std::string token = Base64UrlEncode(AsBytes(R"({"alg":"HS256","typ":"at+jwt","kid":"k1"})")) + ".e30";
  token += "." + Base64UrlEncode(crypto::HmacSha256(AsBytes(pem), AsBytes(token)));
  EXPECT_EQ(Reason(token), "wrong-algorithm");
}

TEST_F(Attack, AnotherKeysAlgorithm) { EXPECT_EQ(Reason(Signed(R"({"alg":"EdDSA","typ":"at+jwt","kid":"k1"})")), "wrong-algorithm"); }

TEST_F(Attack, AKeyInTheToken) {
  const SigningKey mine = SigningKey::Generate(KeyType::kEs256);
  const json::Object header{{"alg", "ES256"}, {"typ", "at+jwt"}, {"kid", "k1"}, {"jwk", PublicJwk(mine.public_key())}};
  std::string token = Base64UrlEncode(AsBytes(json::Write(header))) + ".e30";
  token += "." + Base64UrlEncode(mine.Sign(AsBytes(token)));
  EXPECT_EQ(Reason(token), "bad-signature");
}

TEST_F(Attack, AKidThatNobodyTrusts) {
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt","kid":"../../dev/null"})")), "unknown-key");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt","kid":""})")), "unknown-key");
  EXPECT_EQ(VerifyCompact(good_, JwkSet(), TypPolicy::Ignore()).error().reason, "unknown-key");
}

TEST_F(Attack, AnotherKindOfToken) {
  EXPECT_EQ(Reason(good_, TypPolicy::Expect("JWT")), "wrong-typ");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","kid":"k1"})")), "wrong-typ");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","kid":"k1"})"), TypPolicy::AnyOf({"", "JWT"})), "accepted");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"x/at+jwt"})")), "wrong-typ");
  EXPECT_EQ(Reason(good_, TypPolicy::Ignore()), "accepted");
}

TEST_F(Attack, ExtensionsThatMustBeUnderstood) {
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt","crit":["exp"],"exp":1})")), "unsupported-critical");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt","crit":[]})")), "unsupported-critical");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt","b64":false})")), "unsupported-critical");
}

TEST_F(Attack, PartsThatAreTooManyOrTooFew) {
  for (const std::string& token : {std::string(), std::string("."), std::string(".."), std::string("..."), good_ + ".", good_ + ".e30", "." + good_,
                                   good_.substr(0, good_.rfind('.')), std::string("a"), std::string("a.b"), std::string("a.b.c.d.e")})
    EXPECT_EQ(Reason(token), "malformed-token") << token;
}

TEST_F(Attack, Base64ThatIsNotCanonical) {
  const std::size_t dot = good_.rfind('.');
  for (const std::string& token :
       {good_ + "=", good_ + "==", good_ + " ", good_ + "\n", " " + good_, good_.substr(0, dot + 1) + "\n" + good_.substr(dot + 1)})
    EXPECT_EQ(Reason(token), "malformed-token") << token;
  // The last letter of 64 bytes in base64url carries 4 bits that must be zero.
  std::string stray = good_;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  stray.back() = alphabet[alphabet.find(stray.back()) + 1];
  EXPECT_EQ(Reason(stray), "malformed-token");
}

TEST_F(Attack, HeadersThatTwoReadersReadDifferently) {
  EXPECT_EQ(Reason(Signed(R"({"alg":"none","alg":"ES256","typ":"at+jwt"})")), "malformed-token");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt"}x)")), "malformed-token");
  EXPECT_EQ(Reason(Signed(R"(["ES256"])")), "malformed-token");
  EXPECT_EQ(Reason(Signed(R"({"alg":1,"typ":"at+jwt"})")), "malformed-token");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":["at+jwt"]})")), "malformed-token");
  EXPECT_EQ(Reason(Signed(R"({"alg":"ES256","typ":"at+jwt","kid":null})")), "malformed-token");
}

TEST_F(Attack, Size) {
  EXPECT_EQ(Reason(std::string(limits::kTokenBytes + 1, 'a')), "token-too-large");
  EXPECT_EQ(Reason(Signed("{\"alg\":\"ES256\",\"x\":\"" + std::string(limits::kTokenHeaderBytes, 'x') + "\"}")), "malformed-token");
  EXPECT_EQ(Reason(Signed("{\"alg\":\"ES256\",\"x\":" + std::string(1000, '[') + std::string(1000, ']') + "}")), "malformed-token");
}

TEST_F(Attack, EveryChangedByte) {
  for (std::size_t i = 0; i < good_.size(); ++i) {
    std::string changed = good_;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(Reason(changed), "accepted") << i;
  }
}

TEST_F(Attack, DerSignature) {
  // Some libraries write ECDSA's DER form. RFC 7518 §3.4 allows r‖s only.
  const std::string token = good_.substr(0, good_.rfind('.'));
  EXPECT_EQ(Reason(token + "." + Base64UrlEncode(Bytes(70, 0x30))), "bad-signature");
  EXPECT_EQ(Reason(token + "."), "bad-signature");
}

}  // namespace
}  // namespace remit::jose
