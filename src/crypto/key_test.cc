// Signatures: what the standards' keys sign verifies, and nothing else does.
#include "crypto/key.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace remit::crypto {
namespace {

Bytes Hex(std::string_view text) { return HexDecode(text).value(); }
Bytes Join(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Ed25519Vector {
  const char *seed, *key, *message, *signature;
};
// RFC 8032 §7.1.
constexpr Ed25519Vector kEd25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, Rfc8032Vectors) {
  for (const auto& v : kEd25519) {
    const SigningKey key = SigningKey::FromPrivateBytes(KeyType::kEd25519, Hex(v.seed)).value();
    EXPECT_EQ(HexEncode(key.public_key().x()), v.key);
    EXPECT_EQ(HexEncode(key.Sign(Hex(v.message))), v.signature);
    EXPECT_TRUE(VerifyKey::FromEd25519(Hex(v.key))->Verify(Hex(v.message), Hex(v.signature)));
  }
}

// RFC 6979 A.2.5, P-256 with SHA-256.
const char kScalar[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const char kX[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
const char kY[] = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

TEST(Es256, Rfc6979Vectors) {
  const SigningKey key = SigningKey::FromPrivateBytes(KeyType::kEs256, Hex(kScalar)).value();
  EXPECT_EQ(HexEncode(key.public_key().x()), kX);
  EXPECT_EQ(HexEncode(key.public_key().y()), kY);
  const VerifyKey verify = VerifyKey::FromEs256(Hex(kX), Hex(kY)).value();
  EXPECT_EQ(verify, key.public_key());
  EXPECT_TRUE(verify.Verify(AsBytes("sample"), Hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                                   "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")));
  EXPECT_TRUE(verify.Verify(AsBytes("test"), Hex("f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                                                 "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083")));
  EXPECT_FALSE(verify.Verify(AsBytes("test"), Hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                                  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")));
}

class EachType : public testing::TestWithParam<KeyType> {};
INSTANTIATE_TEST_SUITE_P(Keys, EachType, testing::Values(KeyType::kEs256, KeyType::kEd25519),
                         [](const auto& info) { return info.param == KeyType::kEs256 ? "Es256" : "Ed25519"; });

TEST_P(EachType, VerifiesWhatItSignedAndNothingElse) {
  const SigningKey key = SigningKey::Generate(GetParam()), other = SigningKey::Generate(GetParam());
  EXPECT_TRUE(rc::check("sign and verify", [&](const std::string& message) {
    const Bytes signature = key.Sign(AsBytes(message));
    RC_ASSERT(signature.size() == 64u);
    RC_ASSERT(key.public_key().Verify(AsBytes(message), signature));
    RC_ASSERT(!key.public_key().Verify(AsBytes(message + "x"), signature));
    RC_ASSERT(!other.public_key().Verify(AsBytes(message), signature));
    Bytes flipped = signature;
    const auto bit = *rc::gen::inRange<std::size_t>(0, 512);
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    RC_ASSERT(!key.public_key().Verify(AsBytes(message), flipped));
  }));
}

TEST_P(EachType, RefusesSignaturesThatAreNone) {
  const SigningKey key = SigningKey::Generate(GetParam());
  const Bytes good = key.Sign(AsBytes("m"));
  for (const std::size_t size : {0u, 1u, 63u, 65u, 72u, 128u}) {
    Bytes bad = good;
    bad.resize(size);
    EXPECT_FALSE(key.public_key().Verify(AsBytes("m"), bad)) << size;
  }
  // CVE-2022-21449: r = s = 0 verified for every message.
  EXPECT_FALSE(key.public_key().Verify(AsBytes("m"), Bytes(64, 0)));
  EXPECT_FALSE(key.public_key().Verify(AsBytes("m"), Bytes(64, 0xff)));
}

TEST_P(EachType, SurvivesPemAndRawBytes) {
  const SigningKey key = SigningKey::Generate(GetParam());
  const SigningKey from_pem = SigningKey::FromPem(key.ToPem().Reveal()).value();
  const SigningKey from_raw = SigningKey::FromPrivateBytes(GetParam(), key.PrivateBytes().RevealBytes()).value();
  EXPECT_EQ(from_pem.public_key(), key.public_key());
  EXPECT_EQ(from_raw.public_key(), key.public_key());
  EXPECT_EQ(from_pem.PrivateBytes(), key.PrivateBytes());
  EXPECT_TRUE(key.public_key().Verify(AsBytes("m"), from_raw.Sign(AsBytes("m"))));
  EXPECT_EQ(VerifyKey::FromPem(key.public_key().ToPem()).value(), key.public_key());
  EXPECT_NE(SigningKey::Generate(GetParam()).public_key(), key.public_key());
}

TEST(VerifyKey, RefusesPointsThatAreNotOnTheCurve) {
  Bytes y = Hex(kY);
  y[31] ^= 1;
  EXPECT_EQ(VerifyKey::FromEs256(Hex(kX), y).error().reason, "bad-key");
  EXPECT_FALSE(VerifyKey::FromEs256(Bytes(32, 0), Bytes(32, 0)).has_value());
  EXPECT_FALSE(VerifyKey::FromEs256(Bytes(32, 0xff), Hex(kY)).has_value());
  EXPECT_FALSE(VerifyKey::FromEs256(Hex(kX), {}).has_value());
  EXPECT_FALSE(VerifyKey::FromEs256(Bytes(31, 1), Hex(kY)).has_value());
  EXPECT_FALSE(VerifyKey::FromEs256(Join({0}, Hex(kX)), Hex(kY)).has_value());
}

// Under the identity as key, S = 0 and R = the identity verify for every message.
TEST(VerifyKey, RefusesEd25519PointsOfSmallOrder) {
  for (const char* point :
       {"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"})
    EXPECT_EQ(VerifyKey::FromEd25519(Hex(point)).error().reason, "bad-key") << point;
  EXPECT_FALSE(VerifyKey::FromEd25519(Bytes(31, 7)).has_value());
}

TEST(SigningKey, RefusesScalarsOutOfRange) {
  EXPECT_FALSE(SigningKey::FromPrivateBytes(KeyType::kEs256, Bytes(32, 0)).has_value());
  EXPECT_FALSE(SigningKey::FromPrivateBytes(KeyType::kEs256, Bytes(32, 0xff)).has_value());
  // The order of P-256 itself (SP 800-186 §3.2.1.3), and one less.
  EXPECT_FALSE(SigningKey::FromPrivateBytes(KeyType::kEs256, Hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")).has_value());
  EXPECT_TRUE(SigningKey::FromPrivateBytes(KeyType::kEs256, Hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550")).has_value());
  EXPECT_FALSE(SigningKey::FromPrivateBytes(KeyType::kEs256, Bytes(31, 1)).has_value());
  EXPECT_FALSE(SigningKey::FromPrivateBytes(KeyType::kEd25519, Bytes(33, 1)).has_value());
}

// A key of another curve, and one behind a password (`openssl genpkey -aes256`).
constexpr char kP384[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEtdnRUuT540Bvrej7SkhLut/JfFc6vgYd\n"
    "UfkwK738/lOGUenHTryqdEhJ0iAJmcetWeOLrH4B5Agf1P3Waa2ancSDMWDdE1IC\n"
    "vETYSwWTKtLwVNTFoJEvceJTxCmypl32\n"
    "-----END PUBLIC KEY-----\n";
constexpr char kEncrypted[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjQgPUL8APQwwICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEKu8ia8qn8r1JQuBJdNl+vYEQGKF\n"
    "6tk7B9ODtbTfPLl58E3dHSjwywMJ61P4yZCPVp48IZ7EsdWtmKZ1U40AS4xwspV7\n"
    "QIfT6BAied3bRzkPk2M=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

TEST(Pem, RefusesOtherKindsOfKeys) {
  EXPECT_EQ(VerifyKey::FromPem(kP384).error().reason, "unsupported-key");
  EXPECT_EQ(VerifyKey::FromPem("").error().reason, "bad-key");
  EXPECT_EQ(VerifyKey::FromPem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").error().reason, "bad-key");
  EXPECT_EQ(SigningKey::FromPem("nonsense").error().reason, "bad-key");
  EXPECT_EQ(SigningKey::FromPem(SigningKey::Generate(KeyType::kEs256).public_key().ToPem()).error().reason, "bad-key");
}

TEST(Pem, NeverAsksForAPassword) { EXPECT_EQ(SigningKey::FromPem(kEncrypted).error().reason, "encrypted-key"); }

TEST(KeyDeathTest, AnEmptyKeyEndsTheProcess) {
  EXPECT_DEATH(SigningKey().Sign(AsBytes("m")), "check failed");
  EXPECT_DEATH(VerifyKey().Verify(AsBytes("m"), Bytes(64)), "check failed");
}

}  // namespace
}  // namespace remit::crypto
