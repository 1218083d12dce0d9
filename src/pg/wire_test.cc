// The login that is spoken directly, and its SCRAM.
#include "pg/wire_login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/scram.h"
#include "pg/scram_client.h"
#include "pg/test_server.h"

namespace remit::pg {
namespace {

// RFC 7677 §3, with the difference that PostgreSQL's clients send an empty name: the server's messages are checked, the proof against a server below.
TEST(ScramClientTest, RefusesWhatAServerMayNotSay) {
  const auto final = [](std::string_view server) { return ScramClient(Secret("pencil"), "rOprNGfwEbeRWgbNEkqO").Final(server); };
  EXPECT_TRUE(final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
  for (const std::string_view bad :
       {"", "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=another0000000000000000,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=!,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999", "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x",
        "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"})
    EXPECT_FALSE(final(bad)) << bad;
  EXPECT_FALSE(ScramClient(Secret("x"), "rOprNGfwEbeRWgbNEkqO").Verify("v="));
}

TEST(ScramKeysTest, TheVerifierIsThatOfCrypto) {
  const Bytes salt = ToBytes("0123456789abcdef");
  EXPECT_EQ(ScramKeys::Derive(Secret("pencil"), salt, 4096).Verifier(), crypto::ScramSha256Verifier(Secret("pencil"), salt, 4096).value());
}

TEST(WireTest, ErrorResponses) {
  using namespace std::string_literals;
  const LoginAttempt attempt = ParseErrorResponse("SFATAL\0VFATAL\0C28P01\0Mno\0Fauth.c\0\0"s);
  EXPECT_EQ(attempt.sqlstate, "28P01");
  EXPECT_EQ(attempt.message, "no");
  EXPECT_EQ(ParseErrorResponse("C28P01").sqlstate, "28P01");
  EXPECT_EQ(ParseErrorResponse("C1"s).sqlstate, "");
  EXPECT_EQ(ParseErrorResponse("").sqlstate, "");
}

class WireLoginTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<TestServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override { ASSERT_TRUE(server_->Connect()->Run("DROP ROLE IF EXISTS wired; CREATE ROLE wired LOGIN PASSWORD 'right'")); }
  LoginAttempt Try(const char* password) const { return WireLogin(server_->Options("postgres", "wired", Secret(password))); }
  static std::unique_ptr<TestServer> server_;
};
std::unique_ptr<TestServer> WireLoginTest::server_;

TEST_F(WireLoginTest, AnswersLikeLibpq) {
  const LoginAttempt good = Try("right");
  EXPECT_TRUE(good.accepted) << good.message;
  EXPECT_TRUE(good.used_password);
  EXPECT_EQ(Try("wrong").sqlstate, "28P01");
  EXPECT_FALSE(Try("wrong").accepted);
  const LoginAttempt trusted = WireLogin(server_->Options());
  EXPECT_TRUE(trusted.accepted);
  EXPECT_FALSE(trusted.used_password);
  EXPECT_EQ(WireLogin(server_->Options("nowhere", "wired", Secret("right"))).sqlstate, "3D000");
  auto admin = server_->Connect();
  ASSERT_TRUE(admin->Run("ALTER ROLE wired NOLOGIN"));
  EXPECT_EQ(Try("right").sqlstate, "28000");
  EXPECT_THAT(Try("right").message, testing::HasSubstr("not permitted to log in"));
  ASSERT_TRUE(admin->Run("DROP ROLE wired"));
  EXPECT_EQ(Try("right").sqlstate, "28P01");
}

TEST_F(WireLoginTest, NobodyThereAndNobodyWhoSpeaksIt) {
  ConnectOptions options = server_->Options("postgres", "wired", Secret("right"));
  options.port = 1;
  EXPECT_EQ(WireLogin(options).sqlstate, "");
  options.host = "no-such-host.invalid";
  EXPECT_EQ(WireLogin(options).sqlstate, "");
  EXPECT_FALSE(WireLogin(options).accepted);
}

}  // namespace
}  // namespace remit::pg
