// PostgreSQL's verifiers: RFC 7677's example computes with what we write.
#include "crypto/scram.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "crypto/hash.h"

namespace remit::crypto {
namespace {

const Bytes kSalt = Base64Decode("W22ZaJ0SNY7soEsUEjb6gQ==").value();

// RFC 7677 §3: a whole exchange for the user `user` with the password `pencil`.
TEST(Scram, Rfc7677Exchange) {
  const std::string verifier = ScramSha256Verifier(Secret("pencil"), kSalt).value();
  const auto parts = Split(verifier, '$');
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[1], "4096:W22ZaJ0SNY7soEsUEjb6gQ==");
  const auto keys = Split(parts[2], ':');
  const Bytes stored_key = Base64Decode(keys[0]).value(), server_key = Base64Decode(keys[1]).value();

  const std::string nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const std::string messages = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=" + nonce;
  EXPECT_EQ(Base64Encode(HmacSha256(server_key, AsBytes(messages))), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");

  Bytes client_key = Base64Decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").value();  // the client's proof …
  const Hash client_signature = HmacSha256(stored_key, AsBytes(messages));
  for (std::size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= client_signature[i];
  EXPECT_EQ(Base64Encode(Sha256(client_key)), keys[0]);  // … is one for this stored key
}

TEST(Scram, AVerifierMatchesItsPasswordOnly) {
  const std::string verifier = ScramSha256Verifier(Secret("pencil"), kSalt, 64).value();
  EXPECT_TRUE(ScramSha256Matches(verifier, Secret("pencil")).value());
  EXPECT_FALSE(ScramSha256Matches(verifier, Secret("pencils")).value());
  EXPECT_EQ(verifier.find("pencil"), std::string::npos);
}

TEST(Scram, RefusesPasswordsThatSaslprepWouldChange) {
  for (const char* password : {"", "p\xc3\xa9ncil", "a\tb", "a\x7f"})
    EXPECT_EQ(ScramSha256Verifier(Secret(password), kSalt).error().reason, "bad-password") << password;
}

TEST(Scram, RefusesWhatIsNoVerifier) {
  for (const char* verifier :
       {"", "md5abc", "SCRAM-SHA-256$4096$a:b", "SCRAM-SHA-256$x:AAAA$a:b", "SCRAM-SHA-256$0:AAAA$a:b", "SCRAM-SHA-256$4000000000:AAAA$a:b",
        "SCRAM-SHA-256$4096:$a:b", "SCRAM-SHA-1$4096:AAAA$a:b", "SCRAM-SHA-256$4096:AAAA"})
    EXPECT_EQ(ScramSha256Matches(verifier, Secret("x")).error().reason, "bad-verifier") << verifier;
}

}  // namespace
}  // namespace remit::crypto
