// TLS contexts: they talk to each other, and to nobody below TLS 1.2 or without a trusted certificate.
#include "crypto/tls.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/openssl_ptr.h"
#include "crypto/self_signed.h"

namespace remit::crypto {
namespace {

using Connection = Owned<SSL, SSL_free>;

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/remit-tls-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    MakePair("server");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, std::string_view text) { std::ofstream(File(name), std::ios::binary) << text; }
  void MakePair(const std::string& name) {
    const SigningKey key = SigningKey::Generate(KeyType::kEs256);
    const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    Write(name + ".crt",
          SelfSignedCertificate(key, {"localhost", "127.0.0.1", "::1"}, now - std::chrono::hours(1), now + std::chrono::hours(1)).value());
    Write(name + ".key", key.ToPem().Reveal());
  }

  // Both ends in memory; returns whether the handshake ended well on both.
  bool Shake(SSL* server, SSL* client, const std::string& name) {
    BIO *a = nullptr, *b = nullptr;
    EXPECT_EQ(BIO_new_bio_pair(&a, 0, &b, 0), 1);
    SSL_set_bio(server, a, a);
    SSL_set_bio(client, b, b);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    EXPECT_EQ(SSL_set1_host(client, name.c_str()), 1);
    int c = 0, s = 0;
    for (int round = 0; round < 20 && (c != 1 || s != 1); ++round) {
      c = SSL_do_handshake(client);
      s = SSL_do_handshake(server);
    }
    ERR_clear_error();
    return c == 1 && s == 1;
  }

  TlsServerContext Server() { return TlsServerContext::FromPemFiles(File("server.crt"), File("server.key")).value(); }

  std::string folder_;
};

TEST_F(Tls, TalksTls13ToAClientThatTrustsIt) {
  const TlsServerContext server = Server();
  const TlsClientContext client = TlsClientContext::FromCaFile(File("server.crt")).value();
  const Connection s(SSL_new(server.native())), c(SSL_new(client.native()));
  ASSERT_TRUE(Shake(s.get(), c.get(), "localhost"));
  EXPECT_STREQ(SSL_get_version(c.get()), "TLSv1.3");
  EXPECT_EQ(SSL_session_reused(c.get()), 0);
}

TEST_F(Tls, OffersHttp11Alone) {
  const TlsServerContext server = Server();
  const TlsClientContext client = TlsClientContext::FromCaFile(File("server.crt")).value();
  const Connection s(SSL_new(server.native())), c(SSL_new(client.native()));
  constexpr unsigned char kOffer[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  ASSERT_EQ(SSL_set_alpn_protos(c.get(), kOffer, sizeof kOffer), 0);
  ASSERT_TRUE(Shake(s.get(), c.get(), "localhost"));
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(c.get(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
}

TEST_F(Tls, RefusesOldVersionsAndOtherNames) {
  const TlsServerContext server = Server();
  const TlsClientContext client = TlsClientContext::FromCaFile(File("server.crt")).value();
  {
    const Connection s(SSL_new(server.native())), c(SSL_new(client.native()));
    ASSERT_EQ(SSL_set_min_proto_version(c.get(), TLS1_VERSION), 1);
    ASSERT_EQ(SSL_set_max_proto_version(c.get(), TLS1_1_VERSION), 1);
    EXPECT_FALSE(Shake(s.get(), c.get(), "localhost"));
  }
  const Connection s(SSL_new(server.native())), c(SSL_new(client.native()));
  EXPECT_FALSE(Shake(s.get(), c.get(), "elsewhere.example"));
}

TEST_F(Tls, RefusesACertificateThatNobodyVouchesFor) {
  MakePair("stranger");
  const TlsServerContext server = TlsServerContext::FromPemFiles(File("stranger.crt"), File("stranger.key")).value();
  const TlsClientContext client = TlsClientContext::FromCaFile(File("server.crt")).value();
  const Connection s(SSL_new(server.native())), c(SSL_new(client.native()));
  EXPECT_FALSE(Shake(s.get(), c.get(), "localhost"));
  EXPECT_TRUE(TlsClientContext::FromCaFile("").has_value());
}

TEST_F(Tls, SaysWhichFileIsWrong) {
  MakePair("other");
  Write("empty", "");
  const Error missing = TlsServerContext::FromPemFiles(File("none"), File("server.key")).error();
  EXPECT_EQ(missing.reason, "tls-certificate");
  EXPECT_EQ(missing.place, File("none"));
  EXPECT_EQ(TlsServerContext::FromPemFiles(File("empty"), File("server.key")).error().reason, "tls-certificate");
  EXPECT_EQ(TlsServerContext::FromPemFiles(File("server.crt"), File("empty")).error().reason, "tls-key");
  EXPECT_EQ(TlsServerContext::FromPemFiles(File("server.crt"), File("other.key")).error().reason, "tls-key");
  EXPECT_EQ(TlsClientContext::FromCaFile(File("none")).error().reason, "tls-certificate");
}

TEST_F(Tls, GivesOutReferencesThatMustBeFreed) {
  ssl_ctx_st* reference = nullptr;
  {
    const TlsServerContext server = Server();
    reference = server.NewReference();
  }
  const Connection s(SSL_new(reference));  // alive, though the context's owner is gone
  EXPECT_NE(s, nullptr);
  SSL_CTX_free(reference);
}

TEST(SelfSigned, RefusesNamesThatAreNone) {
  const SigningKey key = SigningKey::Generate(KeyType::kEs256);
  for (const char* name : {"", "a b", "x,DNS:evil", "a\nb"})
    EXPECT_EQ(SelfSignedCertificate(key, {name}, FromMicros(0), FromMicros(1)).error().reason, "bad-name") << name;
  EXPECT_EQ(SelfSignedCertificate(key, {}, FromMicros(0), FromMicros(1)).error().reason, "bad-name");
}

}  // namespace
}  // namespace remit::crypto
