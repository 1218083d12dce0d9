// Connections, the pool and the login probe, against a real server.
#include "pg/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <cstdlib>
#include <thread>

#include "pg/connect.h"
#include "pg/pool.h"
#include "pg/quote.h"
#include "pg/test_server.h"

namespace remit::pg {
namespace {

TestServer& Server() {
  static TestServer server("--tls --set log_statement=all");
  return server;
}

TEST(ConnectionTest, StatementsWithParameters) {
  auto c = Server().Connect();
  const auto rows = c->Exec("SELECT $1::text || '!', $2::int + 1, NULL::text, $1 = 'a'", {"a", "41"});
  ASSERT_TRUE(rows) << rows.error().ToString();
  EXPECT_EQ(rows->Text(0, 0), "a!");
  EXPECT_EQ(rows->Int(0, 1), 42);
  EXPECT_TRUE(rows->IsNull(0, 2));
  EXPECT_TRUE(rows->Bool(0, 3));
  EXPECT_EQ(c->Exec("SELECT $1::text", {std::nullopt})->IsNull(0, 0), true);
  EXPECT_GE(c->server_version(), 130000);
  EXPECT_TRUE(c->usable());
}

TEST(ConnectionTest, ErrorsCarryTheSqlState) {
  auto c = Server().Connect();
  const auto rows = c->Exec("SELECT * FROM nothing_here");
  ASSERT_FALSE(rows);
  EXPECT_EQ(SqlState(rows.error()), "42P01");
  EXPECT_EQ(rows.error().reason, "pg-42P01");
  EXPECT_EQ(rows.error().code, Code::kInvalidArgument);
  EXPECT_TRUE(c->usable());
}

TEST(ConnectionTest, TextsArriveAsTheyWereQuoted) {
  auto c = Server().Connect();
  for (const std::string setting : {"on", "off"}) {
    ASSERT_TRUE(c->Run("SET standard_conforming_strings = " + setting + "; SET escape_string_warning = off"));
    for (const std::string text : {"it's", "a\\b", "\\'; DROP TABLE x; --", "Grüße", "", "\n\t\""}) {
      const auto rows = c->Run("SELECT " + QuoteLiteral(text).value());
      ASSERT_TRUE(rows) << text;
      EXPECT_EQ(rows->Text(0, 0), text);
    }
  }
  const std::vector<std::string> elements{"a", "b,c", "\"", "\\", "", "NULL", "{}"};
  const auto rows = c->Exec("SELECT x FROM unnest($1::text[]) WITH ORDINALITY AS t(x, n) ORDER BY n", {TextArray(elements)});
  ASSERT_EQ(rows->size(), elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) EXPECT_EQ(rows->Text(i, 0), elements[i]);
}

TEST(ConnectionTest, ATransactionIsAllOrNothing) {
  auto c = Server().Connect();
  ASSERT_TRUE(c->Run("CREATE TABLE IF NOT EXISTS tx (n int)"));
  EXPECT_FALSE(InTransaction(*c, [&]() -> Status {
    REMIT_TRY(c->Exec("INSERT INTO tx VALUES (1)"));
    REMIT_TRY(c->Exec("SELECT 1/0"));
    return {};
  }));
  EXPECT_EQ(c->Exec("SELECT count(*) FROM tx")->Int(0, 0), 0);
  EXPECT_TRUE(InTransaction(*c, [&]() -> Status {
    REMIT_TRY(c->Exec("INSERT INTO tx VALUES (1)"));
    return {};
  }));
  EXPECT_EQ(c->Exec("SELECT count(*) FROM tx")->Int(0, 0), 1);
}

TEST(ConnectionTest, ASilentStatementIsGivenUp) {
  auto c = Server().Connect();
  const auto rows = c->Exec("SELECT pg_sleep(600)", {}, std::chrono::milliseconds(20));
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().reason, kNoAnswer);
  EXPECT_FALSE(c->usable());
}

TEST(ConnectionTest, CancelEndsAStatement) {
  auto c = Server().Connect();
  auto other = Server().Connect();
  std::jthread canceller([&] {
    while (other->Exec("SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int AND state = 'active'", {std::to_string(c->backend_pid())})
               ->Int(0, 0) == 0)
      std::this_thread::yield();
    EXPECT_TRUE(c->Cancel());
  });
  const auto rows = c->Exec("SELECT pg_sleep(600)", {}, std::chrono::minutes(2));
  ASSERT_FALSE(rows);
  EXPECT_EQ(SqlState(rows.error()), "57014");
  canceller.join();
  EXPECT_TRUE(c->usable());
}

TEST(ConnectionTest, ApplicationNameAndSettings) {
  ConnectOptions options = Server().Options();
  options.application_name = "remit/x/crd_1";
  options.settings = {{"lock_timeout", "1234"}, {"search_path", "pg_catalog, \"a b\""}};
  auto c = Connection::Open(options);
  ASSERT_TRUE(c) << c.error().ToString();
  EXPECT_EQ((*c)->Exec("SHOW application_name")->Text(0, 0), "remit/x/crd_1");
  EXPECT_EQ((*c)->Exec("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")->Text(0, 0), "1234");
  EXPECT_EQ((*c)->Exec("SHOW search_path")->Text(0, 0), "pg_catalog, \"a b\"");
  options.application_name = "";
  EXPECT_EQ(Connection::Open(options).error().reason, "bad-connect-options");
  options.application_name = "x";
  options.sslmode = "prefer";
  EXPECT_EQ(Connection::Open(options).error().reason, "bad-connect-options");
}

// A libpq that knows the option sends the password to no server that asks for it as it is.
TEST(ConnectionTest, APasswordIsForScramAlone) {
  const auto required = [](const char* password, Authentication authentication) {
    ConnectOptions options = Server().Options();
    options.password = Secret(password);
    const std::string text = ConnectionString(options, authentication, true);
    EXPECT_THAT(ConnectionString(options, authentication, false), testing::Not(testing::HasSubstr("require_auth")));
    return text.find("require_auth='scram-sha-256' ") != std::string::npos ? "scram"
           : text.find("require_auth='' ") != std::string::npos            ? "any"
                                                                           : "";
  };
  EXPECT_STREQ(required("x", Authentication::kScramWherePassword), "scram");
  EXPECT_STREQ(required("", Authentication::kScramWherePassword), "any");  // and the environment has no say
  EXPECT_STREQ(required("x", Authentication::kAny), "any");
  EXPECT_EQ(KnowsRequireAuth(), PQlibVersion() >= 160000);
}

TEST(ConnectionTest, TheEnvironmentHasNoSay) {
  setenv("PGHOSTADDR", "192.0.2.1", 1);
  setenv("PGOPTIONS", "-c work_mem=1MB", 1);
  setenv("PGPASSWORD", "from-the-environment", 1);
  auto c = Server().Connect();
  EXPECT_NE(c->Exec("SHOW work_mem")->Text(0, 0), "1MB");
  ASSERT_TRUE(c->Run("DROP ROLE IF EXISTS env_user; CREATE ROLE env_user LOGIN PASSWORD 'from-the-environment'"));
  EXPECT_FALSE(TryLogin(Server().Options("postgres", "env_user")).accepted);
  unsetenv("PGHOSTADDR");
  unsetenv("PGOPTIONS");
  unsetenv("PGPASSWORD");
}

TEST(ConnectionTest, NobodyThere) {
  ConnectOptions options = Server().Options();
  options.port = 1;
  const auto c = Connection::Open(options);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().reason, kNoAnswer);
  EXPECT_EQ(c.error().code, Code::kUnavailable);
}

class LoginTest : public testing::Test {
 protected:
  void SetUp() override {
    admin_ = Server().Connect();
    ASSERT_TRUE(admin_->Run("DROP ROLE IF EXISTS probe_user; CREATE ROLE probe_user LOGIN PASSWORD 'right'"));
  }
  LoginAttempt Try(const char* password) const { return TryLogin(Server().Options("postgres", "probe_user", Secret(password))); }
  std::unique_ptr<Connection> admin_;
};

TEST_F(LoginTest, TellsHowTheServerAnswers) {
  const LoginAttempt good = Try("right");
  EXPECT_TRUE(good.accepted) << good.message;
  EXPECT_TRUE(good.used_password);
  EXPECT_EQ(Try("wrong").sqlstate, "28P01");
  ASSERT_TRUE(admin_->Run("ALTER ROLE probe_user NOLOGIN"));
  const LoginAttempt nologin = Try("right");
  EXPECT_EQ(nologin.sqlstate, "28000");
  EXPECT_THAT(nologin.message, testing::HasSubstr("not permitted to log in"));
  ASSERT_TRUE(admin_->Run("DROP ROLE probe_user"));
  EXPECT_EQ(Try("right").sqlstate, "28P01");
}

TEST_F(LoginTest, WithoutTlsTheServerRefusesByItsRules) {
  ConnectOptions options = Server().Options("postgres", "probe_user", Secret("right"));
  options.sslmode = "disable";
  const LoginAttempt attempt = TryLogin(options);
  EXPECT_FALSE(attempt.accepted);
  EXPECT_EQ(attempt.sqlstate, "28000");
  EXPECT_THAT(attempt.message, testing::HasSubstr("pg_hba.conf"));
}

TEST_F(LoginTest, AServerWithAnotherNameOrCaIsNotTalkedTo) {
  ConnectOptions options = Server().Options("postgres", "probe_user", Secret("right"));
  options.sslrootcert = Server().dir() + "/data/no-such-file";
  EXPECT_EQ(TryLogin(options).sqlstate, "");
  EXPECT_FALSE(TryLogin(options).accepted);
}

TEST_F(LoginTest, ALoginThatAsksForNoPasswordIsSeen) {
  EXPECT_TRUE(TryLogin(Server().Options()).accepted);
  EXPECT_FALSE(TryLogin(Server().Options()).used_password);
}

TEST(RefusalTest, TheSeverityMayBeTranslated) {
  const Refusal r = ParseRefusal("connection to server at \"h\", port 1 failed: SCHWERWIEGEND:  28P01: Passwort falsch\nLOCATION:  auth_failed\n");
  EXPECT_EQ(r.sqlstate, "28P01");
  EXPECT_EQ(r.message, "Passwort falsch");
  EXPECT_EQ(ParseRefusal("could not translate host name \"x\" to address: 28P01\n").sqlstate, "");
}

TEST(PoolTest, IsBoundedAndGivesBack) {
  Pool pool(Server().Options(), 1);
  int pid = 0;
  {
    auto lease = pool.Take();
    ASSERT_TRUE(lease);
    pid = (*lease)->backend_pid();
    EXPECT_EQ(pool.Take(std::chrono::milliseconds(1)).error().reason, "pool-exhausted");
  }
  auto again = pool.Take();
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->backend_pid(), pid);
}

TEST(PoolTest, ABrokenConnectionIsReplaced) {
  Pool pool(Server().Options(), 2);
  int pid = 0;
  {
    auto lease = pool.Take();
    pid = (*lease)->backend_pid();
  }
  auto admin = Server().Connect();
  ASSERT_TRUE(admin->Exec("SELECT pg_terminate_backend($1::int, 30000)", {std::to_string(pid)}));
  auto lease = pool.Take();
  ASSERT_TRUE(lease);
  EXPECT_NE((*lease)->backend_pid(), pid);
  EXPECT_TRUE((*lease)->Exec("SELECT 1"));
}

TEST(PoolTest, WhatComesBackInATransactionIsClosed) {
  Pool pool(Server().Options(), 1);
  int pid = 0;
  {
    auto lease = pool.Take();
    pid = (*lease)->backend_pid();
    ASSERT_TRUE((*lease)->Run("BEGIN"));
  }
  EXPECT_NE((*pool.Take())->backend_pid(), pid);
}

TEST(PoolTest, OnOpenMayRefuse) {
  Pool pool(Server().Options(), 1, [](Connection&) { return Fail(Code::kFailedPrecondition, "no", "not this one"); });
  EXPECT_EQ(pool.Take().error().reason, "no");
  EXPECT_EQ(pool.Take().error().reason, "no");  // and the place is free again
}

}  // namespace
}  // namespace remit::pg
