// For this room's tests of replacement: a real server, cleaned between tests, and questions to it that share nothing with the code under test.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <fmt/format.h>

#include "base/clock.h"
#include "pg/quote.h"
#include "pg/test_server.h"
#include "posture/replace/apply.h"
#include "posture/replace/make.h"
#include "posture/replace/rollback.h"

namespace remit::posture {

inline pg::TestServer& ReplaceTestServer() {
  static pg::TestServer* server = [] {
    auto* made = new pg::TestServer();
    std::atexit([] { delete &ReplaceTestServer(); });
    return made;
  }();
  return *server;
}

// A busy machine may take long over CREATE DATABASE.
inline constexpr auto kPatience = std::chrono::minutes(5);

inline std::string SqlName(std::string_view name) { return pg::QuoteIdentifier(name).value(); }

class ReplaceTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = fmt::format("{}/plan-{}.json", server_.dir(), ++counter_);
    options_.account_password = Secret();
  }
  void TearDown() override { Clean(); }

  // Runs the statements one by one, each of which must succeed.
  void Sql(const std::string& database, const std::vector<std::string>& statements) {
    auto connection = server_.Connect(database);
    for (const std::string& statement : statements) {
      auto done = connection->Run(statement, kPatience);
      ASSERT_TRUE(done) << statement << "\n" << done.error().ToString();
    }
  }

  // The SQLSTATE of a statement as a role, after SET SESSION AUTHORIZATION; "" where it runs.
  std::string StateAs(const std::string& role, const std::string& database, const std::string& statement) {
    auto connection = server_.Connect(database);
    EXPECT_TRUE(connection->Run("SET SESSION AUTHORIZATION " + SqlName(role)));
    auto done = connection->Run(statement, kPatience);
    return done ? "" : std::string(pg::SqlState(done.error()));
  }

  ReplaceServer Open(const std::string& database = "postgres") {
    auto server = ReplaceServer::Open(server_.Options(database));
    if (!server) ADD_FAILURE() << server.error().ToString();
    return std::move(*server);
  }

  PlanFile Plan(const std::string& account) {
    ReplaceServer server = Open();
    auto plan = MakePlan(server, account);
    EXPECT_TRUE(plan) << plan.error().ToString();
    PlanFile file;
    file.path = file_;
    file.plan = plan ? *plan : ReplacePlan();
    file.planned = file.changed = clock_.Now();
    std::filesystem::remove(file_);
    EXPECT_TRUE(file.Create());
    return file;
  }

  Result<ApplyResult> Apply(PlanFile& file) {
    ReplaceServer server = Open();
    return ApplyPlan(server, file, options_, clock_);
  }
  Result<RollbackResult> RollBack(PlanFile& file) {
    ReplaceServer server = Open();
    return RollBackPlan(server, file, clock_);
  }
  ReplaceStatus StatusOf(const PlanFile& file) {
    ReplaceServer server = Open();
    auto status = ReadStatus(server, file);
    EXPECT_TRUE(status) << status.error().ToString();
    return status ? *status : ReplaceStatus();
  }

  std::vector<std::string> Databases() {
    auto connection = server_.Connect();
    auto rows = connection->Exec("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname").value();
    std::vector<std::string> names;
    for (std::size_t i = 0; i < rows.size(); ++i) names.emplace_back(rows.Text(i, 0));
    return names;
  }

  // Every ACL entry of every catalog, every membership, in every database.
  std::set<std::string> Acls() {
    std::set<std::string> all;
    for (const std::string& database : Databases()) {
      auto connection = server_.Connect(database);
      std::string sql =
          "SELECT 'membership', roleid::text || '/' || member::text, to_jsonb(m) - 'oid' FROM pg_auth_members m "
          "UNION ALL SELECT 'default', defaclrole::text || '/' || defaclnamespace::text || '/' || defaclobjtype::text, to_jsonb(a) "
          "FROM pg_default_acl, aclexplode(defaclacl) a "
          "UNION ALL SELECT 'column', attrelid::text || '/' || attnum::text, to_jsonb(a) FROM pg_attribute, aclexplode(attacl) a ";
      if (connection->server_version() >= 150000)
        sql += "UNION ALL SELECT 'parameter', parname, to_jsonb(a) FROM pg_parameter_acl, aclexplode(paracl) a ";
      for (const auto& [catalog, acl] : std::vector<std::pair<std::string, std::string>>{{"pg_class", "relacl"},
                                                                                         {"pg_proc", "proacl"},
                                                                                         {"pg_namespace", "nspacl"},
                                                                                         {"pg_type", "typacl"},
                                                                                         {"pg_language", "lanacl"},
                                                                                         {"pg_foreign_data_wrapper", "fdwacl"},
                                                                                         {"pg_foreign_server", "srvacl"},
                                                                                         {"pg_largeobject_metadata", "lomacl"},
                                                                                         {"pg_database", "datacl"},
                                                                                         {"pg_tablespace", "spcacl"}})
        sql += fmt::format("UNION ALL SELECT '{0}', oid::text, to_jsonb(a) FROM {0}, aclexplode({1}) a ", catalog, acl);
      auto rows = connection->Run(sql, kPatience).value();
      for (std::size_t i = 0; i < rows.size(); ++i)
        all.insert(fmt::format("{} {} {} {}", database, rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2)));
    }
    return all;
  }

  void Clean() {
    auto connection = server_.Connect();
    for (const std::string& database : Databases())
      if (database != "postgres" && database != "template1") (void)connection->Run("DROP DATABASE " + SqlName(database) + " WITH (FORCE)", kPatience);
    // DROP OWNED leaves what a grantor who is a superuser since had granted, and no statement takes that back.
    if (connection->server_version() >= 150000) {
      EXPECT_TRUE(connection->Run("DELETE FROM pg_parameter_acl; DELETE FROM pg_shdepend WHERE classid = 'pg_parameter_acl'::regclass"));
    }
    auto roles = connection->Run("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'").value();
    for (std::size_t i = 0; i < roles.size(); ++i) EXPECT_TRUE(connection->Run("DROP OWNED BY " + SqlName(roles.Text(i, 0)) + " CASCADE", kPatience));
    auto tablespaces = connection->Run("SELECT spcname FROM pg_tablespace WHERE oid >= 16384").value();
    for (std::size_t i = 0; i < tablespaces.size(); ++i) EXPECT_TRUE(connection->Run("DROP TABLESPACE " + SqlName(tablespaces.Text(i, 0))));
    for (std::size_t i = 0; i < roles.size(); ++i) {
      auto dropped = connection->Run("DROP ROLE " + SqlName(roles.Text(i, 0)));
      EXPECT_TRUE(dropped) << dropped.error().ToString();
    }
  }

  pg::TestServer& server_ = ReplaceTestServer();
  FakeClock clock_;
  ApplyOptions options_;
  std::string file_;

 private:
  static inline int counter_ = 0;
};

}  // namespace remit::posture
