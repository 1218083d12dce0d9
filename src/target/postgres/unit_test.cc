// What needs no server: names, forms, verdicts, the script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pg/error.h"
#include "target/postgres/evidence.h"
#include "target/postgres/init_sql.h"
#include "target/postgres/refusal.h"
#include "target/postgres/role_name.h"
#include "target/postgres/server.h"
#include "target/postgres/tables.h"

namespace remit::target::postgres {
namespace {

using testing::HasSubstr;

TEST(RoleNameTest, FitsAndReadsBack) {
  const std::string longest = RoleName(std::string(26, 'z'), "crd_01kabcdefghjkmnpqrstvwxyz0");
  EXPECT_EQ(longest.size(), 63u);
  const auto parts = ParseRoleName(longest);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->installation, std::string(26, 'z'));
  EXPECT_EQ(parts->credential, "crd_01kabcdefghjkmnpqrstvwxyz0");
  EXPECT_LE(Mark(std::string(26, 'z'), "crd_01kabcdefghjkmnpqrstvwxyz0").size(), 63u);
  for (const char* other : {"", "remit", "remit_", "remit_x_y", "remit__crd_01kabcdefghjkmnpqrstvwxyz0", "remit_A_crd_01kabcdefghjkmnpqrstvwxyz0",
                            "remit_a_crd_01kabcdefghjkmnpqrstvwxyz00", "xremit_a_crd_01kabcdefghjkmnpqrstvwxyz0", "remit_scope_0123"})
    EXPECT_FALSE(ParseRoleName(other)) << other;
}

TEST(EvidenceTest, OnlyTheTwoRightRefusalsProve) {
  const auto judge = [](const char* state, const char* message) { return Judge({false, false, state, message}); };
  EXPECT_TRUE(judge("28P01", "password authentication failed for user \"x\"").proves);
  EXPECT_TRUE(judge("28000", "role \"x\" is not permitted to log in").proves);
  EXPECT_FALSE(judge("28000", "no pg_hba.conf entry for host").proves);
  EXPECT_FALSE(judge("28000", "pg_hba.conf rejects connection").proves);
  EXPECT_FALSE(judge("28000", "role \"x\" does not exist").proves);
  EXPECT_FALSE(judge("53300", "too many connections for role \"x\"").proves);
  EXPECT_FALSE(judge("53300", "sorry, too many clients already").proves);
  EXPECT_FALSE(judge("57P03", "the database system is shutting down").proves);
  EXPECT_FALSE(judge("57P03", "the database system is starting up").proves);
  EXPECT_FALSE(judge("3D000", "database \"x\" does not exist").proves);
  EXPECT_FALSE(judge("42501", "permission denied for database").proves);
  EXPECT_FALSE(judge("", "Connection refused").proves);
  EXPECT_FALSE(Judge({true, true, "", ""}).proves);
}

PermissionPattern Pattern(const std::string& verb, const std::string& table) {
  return {{"Postgres::Action", verb}, task::Permission::Scope::kEqual, "Postgres::Table", cedar::EntityUid{"Postgres::Table", table}, "a.cedar:1:1"};
}

TEST(FormTest, OneTableAndOneOfFourVerbs) {
  EXPECT_TRUE(CheckForm("orders", Pattern("select", "orders/public.invoices")));
  EXPECT_FALSE(CheckForm("orders", Pattern("truncate", "orders/public.invoices")));
  EXPECT_FALSE(CheckForm("orders", Pattern("select", "billing/public.invoices")));
  EXPECT_EQ(CheckForm("orders", Pattern("select", "orders/public")).error().reason, "bad-table-name");
  PermissionPattern pattern = Pattern("select", "orders/public.invoices");
  pattern.resource.reset();
  EXPECT_TRUE(CheckForm("orders", pattern));
  pattern.scope = task::Permission::Scope::kIn;
  const Status in = CheckForm("orders", pattern);
  EXPECT_EQ(in.error().reason, "not-enforceable");
  EXPECT_EQ(in.error().place, "a.cedar:1:1");
  EXPECT_THAT(in.error().message, HasSubstr("container"));
  pattern.scope = task::Permission::Scope::kIs;
  EXPECT_EQ(CheckForm("orders", pattern).error().reason, "not-enforceable");
}

TEST(FormTest, WhatIsNotPlainIsNotPlanned) {
  task::Permission p;
  p.action = {"Postgres::Action", "select"};
  p.resource = {"Postgres::Table", "orders/public.invoices"};
  EXPECT_TRUE(PrivilegesOf("orders", {{p}}));
  EXPECT_EQ(PrivilegesOf("orders", {{p, p}})->size(), 1u);
  task::Permission conditional = p, obliged = p;
  conditional.conditions = {"context.x"};
  obliged.obligations.push_back({});
  EXPECT_EQ(PrivilegesOf("orders", {{conditional}}).error().reason, "not-enforceable");
  EXPECT_EQ(PrivilegesOf("orders", {{obliged}}).error().reason, "not-enforceable");
}

TEST(InitSqlTest, NothingGetsOutOfItsQuotes) {
  InitOptions options;
  options.installation = "abc";
  options.database = "or\"ders";
  options.tables = {{"pub'lic", "t'; DROP TABLE x; --", "select"}, {"back\\slash", "t", "select"}};
  const auto sql = InitSql(options);
  ASSERT_TRUE(sql) << sql.error().ToString();
  EXPECT_THAT(*sql, HasSubstr("'t''; DROP TABLE x; --'"));
  EXPECT_THAT(*sql, HasSubstr("E'back\\\\slash'"));
  EXPECT_THAT(*sql, HasSubstr("\\connect \"or\"\"ders\"\n"));
  options.tables = {{"public", "t", "truncate"}};
  EXPECT_EQ(InitSql(options).error().reason, "bad-privilege");
  options.tables = {{"public", "", "select"}};
  EXPECT_EQ(InitSql(options).error().reason, "bad-identifier");
  options.tables.clear();
  options.database = "host=evil";
  EXPECT_FALSE(InitSql(options));
  options.database = "a\n\\! id";
  EXPECT_FALSE(InitSql(options));
  options.database = "orders";
  options.installation = "a'b";
  EXPECT_EQ(InitSql(options).error().reason, "bad-installation");
}

TEST(InitSqlTest, ScopeRolesDifferInEveryPart) {
  const TablePrivilege t{"public", "t", "select"};
  const std::string name = ScopeRoleName("a", "d", t);
  EXPECT_EQ(name, ScopeRoleName("a", "d", t));
  EXPECT_NE(name, ScopeRoleName("b", "d", t));
  EXPECT_NE(name, ScopeRoleName("a", "e", t));
  EXPECT_NE(name, ScopeRoleName("a", "d", {"public", "t", "insert"}));
  EXPECT_NE(ScopeRoleName("a", "d", {"ab", "c", "select"}), ScopeRoleName("a", "d", {"a", "bc", "select"}));
}

TEST(ConfigTest, IsLookedAtBeforeAnythingIsTouched) {
  Config config;
  config.name = "orders";
  config.installation = "abc";
  config.host = "localhost";
  config.database = "orders";
  EXPECT_TRUE(Server::Create(config));
  const auto refused = [&](auto change) {
    Config changed = config;
    change(changed);
    return !Server::Create(changed).has_value();
  };
  EXPECT_TRUE(refused([](Config& c) { c.name = "Orders"; }));
  EXPECT_TRUE(refused([](Config& c) { c.installation = ""; }));
  EXPECT_TRUE(refused([](Config& c) { c.installation = std::string(27, 'a'); }));
  EXPECT_TRUE(refused([](Config& c) { c.host = ""; }));
  EXPECT_TRUE(refused([](Config& c) { c.sslmode = "prefer"; }));
  EXPECT_TRUE(refused([](Config& c) { c.sslmode = "verify-full"; }));
  EXPECT_TRUE(refused([](Config& c) { c.connection_limit = 0; }));
  EXPECT_TRUE(refused([](Config& c) { c.pool_size = 0; }));
  EXPECT_TRUE(refused([](Config& c) { c.scram_iterations = 0; }));
}

TEST(RefusalTest, DefiniteAndPassing) {
  EXPECT_EQ(FromServer(pg::ServerError("RM002", "x"), "orders").reason, "scope-tampered");
  EXPECT_EQ(FromServer(pg::ServerError("RM001", "x"), "orders").code, Code::kPermissionDenied);
  EXPECT_EQ(FromServer(pg::ServerError("42883", "no function"), "orders").reason, "target-not-initialised");
  EXPECT_EQ(FromServer(pg::ServerError("55P03", "lock"), "orders").code, Code::kUnavailable);
  EXPECT_EQ(FromServer(pg::ServerError("XX000", "tuple concurrently updated"), "orders").code, Code::kUnavailable);
}

}  // namespace
}  // namespace remit::target::postgres
