// Keys as JSON: the RFCs' keys and thumbprints, and what is refused.
#include "jose/jwk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "json/read.h"
#include "json/write.h"

namespace remit::jose {
namespace {

using crypto::KeyType;
using crypto::SigningKey;

json::Value Json(std::string_view text) { return json::Parse(text).value(); }
std::string Refusal(std::string_view text) {
  auto key = ParsePublicJwk(Json(text));
  return key ? "accepted" : key.error().reason;
}

// RFC 8037 A.1 to A.3.
constexpr char kEd25519Private[] =
    R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr char kEd25519Public[] = R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
// RFC 7517 A.1, the EC key; RFC 7515 A.3, with its private part.
constexpr char kEcPublic[] =
    R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"})";
constexpr char kEcPrivate[] =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";

TEST(Thumbprint, Rfc8037AppendixA3) {
  EXPECT_EQ(Thumbprint(ParsePublicJwk(Json(kEd25519Public))->key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST(Jwk, ReadsTheRfcsKeys) {
  EXPECT_EQ(ParseSigningKey(Secret(kEd25519Private))->key.public_key(), ParsePublicJwk(Json(kEd25519Public))->key);
  const NamedSigningKey ec = ParseSigningKey(Secret(kEcPrivate)).value();
  EXPECT_EQ(ec.kid, Thumbprint(ec.key.public_key()));
  EXPECT_EQ(AlgorithmOf(ec.key.public_key()), "ES256");
  EXPECT_EQ(Refusal(kEcPublic), "unsupported-key");  // "use": "enc"
}

TEST(Jwk, SurvivesItsOwnWriting) {
  for (const KeyType type : {KeyType::kEs256, KeyType::kEd25519}) {
    const SigningKey key = SigningKey::Generate(type);
    const NamedKey read = ParsePublicJwk(PublicJwk(key.public_key(), "k1")).value();
    EXPECT_EQ(read.kid, "k1");
    EXPECT_EQ(read.key, key.public_key());
    EXPECT_EQ(ParsePublicJwk(PublicJwk(key.public_key()))->kid, Thumbprint(key.public_key()));
    const NamedSigningKey again = ParseSigningKey(PrivateJwk(key, "k1")).value();
    EXPECT_EQ(again.kid, "k1");
    EXPECT_EQ(again.key.PrivateBytes(), key.PrivateBytes());
    EXPECT_EQ(ParseSigningKey(key.ToPem())->key.public_key(), key.public_key());
  }
}

TEST(Jwk, RefusesAPrivateKeyWhereAPublicOneBelongs) {
  EXPECT_EQ(Refusal(kEcPrivate), "private-key");
  EXPECT_EQ(ParseSigningKey(Secret(kEd25519Public)).error().reason, "bad-key");
}

TEST(Jwk, RefusesWhatIsNotAKeyForSignatures) {
  const std::string x = R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")", ed = R"({"kty":"OKP","crv":"Ed25519",)" + x;
  EXPECT_EQ(Refusal(ed + "}"), "accepted");
  EXPECT_EQ(Refusal(ed + R"(,"use":"sig","key_ops":["verify"],"alg":"EdDSA","unknown":1})"), "accepted");
  EXPECT_EQ(Refusal(ed + R"(,"use":"enc"})"), "unsupported-key");
  EXPECT_EQ(Refusal(ed + R"(,"key_ops":["encrypt"]})"), "unsupported-key");
  EXPECT_EQ(Refusal(ed + R"(,"alg":"ES256"})"), "unsupported-key");
  EXPECT_EQ(Refusal(ed + R"(,"alg":1})"), "bad-key");
  EXPECT_EQ(Refusal(R"({"kty":"OKP","crv":"X25519",)" + x + "}"), "unsupported-key");
  EXPECT_EQ(Refusal(R"({"kty":"oct","k":"AAAA"})"), "unsupported-key");
  EXPECT_EQ(Refusal(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"), "unsupported-key");
  EXPECT_EQ(Refusal(R"({"crv":"Ed25519",)" + x + "}"), "bad-key");
  EXPECT_EQ(Refusal(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"), "bad-key");
  EXPECT_EQ(Refusal(R"({"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})"), "bad-key");   // small order
  EXPECT_EQ(Refusal(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="})"), "bad-key");  // padded
  EXPECT_EQ(
      Refusal(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})"),
      "bad-key");
  EXPECT_EQ(Refusal("[]"), "bad-key");
}

TEST(Jwk, RefusesAPrivatePartOfAnotherKey) {
  const std::string other = R"("d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE")";
  std::string mixed = kEcPrivate;
  mixed.replace(mixed.find("\"d\""), std::string::npos, other + "}");
  EXPECT_EQ(ParseSigningKey(Secret(mixed)).error().reason, "bad-key");
}

TEST(JwkSet, LeavesOutWhatItDoesNotKnowAndRefusesWhatIsBroken) {
  const std::string ed = kEd25519Public;
  EXPECT_EQ(JwkSet::Parse(Json("{\"keys\":[" + ed + R"(,{"kty":"RSA","n":"AQAB","e":"AQAB"}]})"))->keys().size(), 1u);
  const Error broken = JwkSet::Parse(Json("{\"keys\":[" + ed + R"(,{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]})")).error();
  EXPECT_EQ(broken.reason, "bad-key");
  EXPECT_EQ(broken.place, "keys[1]");
  EXPECT_EQ(JwkSet::Parse(Json("{\"keys\":[" + std::string(kEcPrivate) + "]}")).error().reason, "private-key");
  for (const char* text : {"{}", "[]", R"({"keys":{}})"}) EXPECT_EQ(JwkSet::Parse(Json(text)).error().reason, "bad-jwk-set");
  JwkSet set;
  set.Add(SigningKey::Generate(KeyType::kEs256).public_key());
  set.Add(SigningKey::Generate(KeyType::kEd25519).public_key(), "second");
  const JwkSet again = JwkSet::Parse(set.ToJson()).value();
  ASSERT_EQ(again.keys().size(), 2u);
  EXPECT_EQ(again.keys()[0].key, set.keys()[0].key);
  EXPECT_EQ(again.keys()[1].kid, "second");
}

TEST(KeyFile, IsReadWhereOthersCannot) {
  std::string folder = testing::TempDir() + "/remit-key-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/key.jwk";
  std::ofstream(path) << kEcPrivate << "\n";
  ::chmod(path.c_str(), 0600);
  EXPECT_TRUE(ReadSigningKeyFile(path).has_value());
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(ReadSigningKeyFile(path).error().reason, "key-file-unsafe");
  EXPECT_EQ(ReadSigningKeyFile(folder).error().reason, "key-file-unsafe");
  EXPECT_EQ(ReadSigningKeyFile(folder + "/none").error().reason, "key-file-missing");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace remit::jose
