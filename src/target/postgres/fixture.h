// For this room's tests: a real server with databases, tables and Remit's functions in it, and credentials on their way.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "crypto/scram.h"
#include "pg/test_server.h"
#include "target/postgres/postgres_target.h"
#include "target/postgres/role_name.h"
#include "target/postgres/tables.h"

namespace remit::target::postgres {

inline constexpr const char* kInstallation = "test1";
inline constexpr const char* kRemitPassword = "remits-own-password";

inline std::string Verifier(std::string_view password) { return crypto::ScramSha256Verifier(Secret(password), AsBytes("0123456789abcdef")).value(); }

inline InitOptions Init(const std::string& installation = kInstallation, const std::string& login = "remit") {
  InitOptions options;
  options.installation = installation;
  options.login = login;
  options.login_verifier = Verifier(kRemitPassword);
  options.database = "orders";
  options.tables = {{"public", "invoices", "select"},
                    {"public", "customers", "select"},
                    {"Weird.Schema", "T\"x", "select"},
                    {"public", "invoices", "insert"},
                    {"public", "payments", "insert"}};
  options.databases = {"other"};
  return options;
}

inline Config TargetConfig(const pg::TestServer& server, const std::string& installation = kInstallation, const std::string& login = "remit") {
  Config config;
  config.name = "orders";
  config.installation = installation;
  config.host = server.Get("host");
  config.port = server.port();
  config.database = "orders";
  config.user = login;
  config.password = Secret(kRemitPassword);
  config.attempt_limit = std::chrono::seconds(20);
  return config;
}

// Tables, other people's things, and what PUBLIC may do by default.
inline void Populate(const pg::TestServer& server) {
  server.Psql(R"(
    CREATE DATABASE orders; CREATE DATABASE other; CREATE ROLE somebody LOGIN PASSWORD 'somebody'; CREATE ROLE accomplice LOGIN PASSWORD 'accomplice';
    \connect other
    CREATE TABLE public.elsewhere (n int);
    \connect orders
    CREATE TABLE public.invoices (id int PRIMARY KEY, amount int); INSERT INTO public.invoices SELECT n, n * 10 FROM generate_series(1, 1000) n;
    CREATE TABLE public.customers (id int PRIMARY KEY, name text); INSERT INTO public.customers VALUES (1, 'Ada');
    CREATE TABLE public.payments (id serial PRIMARY KEY, amount int);
    CREATE TABLE public.salaries (id int, amount int); INSERT INTO public.salaries VALUES (1, 1);
    CREATE SCHEMA "Weird.Schema"; CREATE TABLE "Weird.Schema"."T""x" (n int); INSERT INTO "Weird.Schema"."T""x" VALUES (7);
    CREATE SCHEMA hr; CREATE TABLE hr.people (n int);
    CREATE VIEW public.overview AS SELECT * FROM public.salaries;
    CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.salaries';
  )");
}

inline pg::TestServer& SharedServer() {
  static pg::TestServer* server = [] {
    auto* made = new pg::TestServer("--set log_statement=all --set log_min_error_statement=error --set log_connections=on");
    std::atexit([] { delete &SharedServer(); });
    Populate(*made);
    made->Psql(InitSql(Init()).value());
    made->Psql(InitSql(Init("test2", "remit2")).value());
    return made;
  }();
  return *server;
}

inline task::Permission On(const std::string& table, const std::string& verb = "select") {
  task::Permission p;
  p.action = {"Postgres::Action", verb};
  p.resource = {"Postgres::Table", table};
  return p;
}

struct Credential {
  Plan plan;
  task::CredentialRecord record;
  Made made;
};

// One target on one server.
class Bench {
 public:
  explicit Bench(pg::TestServer& server, Config config) : server_(server) {
    auto target = PostgresTarget::Create(std::move(config), clock_, rng_);
    REMIT_CHECK(target.has_value());
    target_ = std::move(*target);
  }
  explicit Bench(pg::TestServer& server) : Bench(server, TargetConfig(server)) {}

  PostgresTarget& target() { return *target_; }
  FakeClock& clock() { return clock_; }

  Credential Planned(std::vector<task::Permission> permissions) {
    const std::string id = NewId(kCredentialPrefix, clock_.Now(), rng_);
    Credential c;
    auto plan = target_->MakePlan(id, {std::move(permissions)}, rng_);
    EXPECT_TRUE(plan) << plan.error().ToString();
    c.plan = std::move(*plan);
    c.record.id = id;
    c.record.target = "orders";
    c.record.name = c.plan.name;
    c.record.notes = c.plan.notes;
    c.record.not_after = clock_.Now() + std::chrono::hours(24 * 3650);
    return c;
  }
  // As Planned, for permissions that are looked at only at the server.
  Credential PlannedFor(const std::vector<std::string>& tables) {
    std::vector<task::Permission> permissions;
    for (const std::string& table : tables) permissions.push_back(On(table));
    Credential c = Planned(permissions);
    c.record.permissions.permissions = permissions;
    return c;
  }
  Status TryMake(Credential& c) {
    REMIT_ASSIGN(c.made, target_->Make(c.record, c.plan.secret));
    c.record.notes = c.made.notes;
    return {};
  }
  Credential Live(const std::vector<std::string>& tables = {"orders/public.invoices"}) {
    Credential c = PlannedFor(tables);
    const Status status = TryMake(c);
    EXPECT_TRUE(status) << status.error().ToString();
    return c;
  }
  EndResult End(Credential& c) {
    EndResult result = target_->End(c.record, c.plan.secret);
    c.record.notes = result.notes;
    c.record.evidence.insert(c.record.evidence.end(), result.evidence.begin(), result.evidence.end());
    return result;
  }
  void ExpectDies(Credential& c) {
    const EndResult result = End(c);
    EXPECT_TRUE(result.dead) << result.reason;
    EXPECT_FALSE(Exists(c));
    EXPECT_EQ(Sessions(c), 0);
    EXPECT_FALSE(pg::TryLogin(Login(c)).accepted);
    ASSERT_FALSE(c.record.evidence.empty());
    EXPECT_EQ(c.record.evidence.back().step, "refused");
  }

  pg::ConnectOptions Login(const Credential& c, const std::string& database = "orders") const {
    return server_.Options(database, c.record.name, c.plan.secret);
  }
  std::unique_ptr<pg::Connection> Session(const Credential& c, const std::string& database = "orders") const {
    return server_.Connect(database, c.record.name, c.plan.secret);
  }
  std::unique_ptr<pg::Connection> Admin(const std::string& database = "orders") const { return server_.Connect(database); }
  bool Exists(const Credential& c) const {
    return Admin()->Exec("SELECT count(*) FROM pg_authid WHERE rolname = $1", {c.record.name})->Int(0, 0) > 0;
  }
  // How often it has logged in so far, by the log of a server that was started with log_connections.
  int Logins(const Credential& c) const {
    const std::string line = "connection authorized: user=" + c.record.name + " ";
    const std::string log = server_.Log();
    int count = 0;
    for (std::size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++count;
    return count;
  }
  std::int64_t Sessions(const Credential& c) const {
    const auto oid = c.record.notes.find("oid");
    return Admin()
        ->Exec("SELECT count(*) FROM pg_stat_activity WHERE usesysid = $1::oid", {oid == c.record.notes.end() ? "0" : oid->second})
        ->Int(0, 0);
  }

 private:
  pg::TestServer& server_;
  FakeClock clock_;
  SystemRng rng_;
  std::unique_ptr<PostgresTarget> target_;
};

// The SQLSTATE of a statement; "" where it succeeded.
inline std::string StateOf(pg::Connection& connection, const std::string& sql) {
  const auto rows = connection.Run(sql, std::chrono::seconds(60));
  if (rows) return "";
  const std::string state(pg::SqlState(rows.error()));
  return state.empty() ? "broken" : state;
}

}  // namespace remit::target::postgres
