// What PUBLIC may do is found, closed by the script, and then refused by PostgreSQL itself.
#include "target/postgres/check.h"

#include "target/postgres/fixture.h"

namespace remit::target::postgres {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

std::vector<std::string> Names(const CheckReport& report) {
  std::vector<std::string> names;
  for (const CheckItem& item : report.items) names.push_back(item.name);
  return names;
}

class CheckTest : public testing::Test {
 protected:
  CheckTest() {
    Populate(server_);
    server_.Psql(R"(
      \connect orders
      CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; GRANT USAGE ON FOREIGN SERVER far TO PUBLIC;
      CREATE TABLE public.board (n int); GRANT SELECT ON public.board TO PUBLIC; CREATE TABLE public.half (a int, b int); GRANT SELECT (a) ON public.half TO PUBLIC;
      CREATE SCHEMA playground; GRANT USAGE, CREATE ON SCHEMA playground TO PUBLIC; GRANT SELECT ON public.overview TO PUBLIC;
      CREATE FUNCTION public."odd name"(int, text[]) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
      GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO PUBLIC; GRANT SELECT ON pg_catalog.pg_authid TO PUBLIC;
      SELECT lo_create(99); GRANT SELECT ON LARGE OBJECT 99 TO PUBLIC;
      CREATE SEQUENCE public.counter; GRANT USAGE ON SEQUENCE public.counter TO PUBLIC;
      GRANT UPDATE ON information_schema.sql_sizing TO PUBLIC;
    )");
    server_.Psql(InitSql(Init()).value());
  }
  CheckReport Check(std::vector<std::string> accepted = {}) {
    Config config = TargetConfig(server_);
    config.accepted = std::move(accepted);
    bench_ = std::make_unique<Bench>(server_, config);
    auto report = bench_->target().Check();
    EXPECT_TRUE(report) << report.error().ToString();
    return std::move(*report);
  }
  pg::TestServer server_;
  std::unique_ptr<Bench> bench_;
};

TEST_F(CheckTest, FindsClosesAndThenPostgresRefuses) {
  const CheckReport before = Check({"temporary:other", "temporary:nowhere"});
  EXPECT_THAT(Names(before),
              IsSupersetOf({"connect:other", "connect:postgres", "connect:template1", "temporary:orders", "temporary:other", "large-objects:orders",
                            "large-objects:other", "definer:orders/public.peek()", "definer:orders/public.\"odd name\"(integer, text[])",
                            "dblink:orders", "foreign-server:orders/far", "table:orders/public.board", "table:orders/public.half",
                            "table:orders/public.counter", "view:orders/public.overview", "create:orders/playground",
                            "catalog:orders/pg_catalog.pg_read_file(text)", "catalog:orders/pg_catalog.pg_authid", "open-large-object:orders/99"}));
  // What PostgreSQL itself gives to PUBLIC is not listed, and is not taken away.
  EXPECT_THAT(Names(before), Contains(HasSubstr("information_schema")).Times(1));
  EXPECT_THAT(Names(before), Contains("catalog:orders/information_schema.sql_sizing"));
  EXPECT_EQ(before.stale_accepted, std::vector<std::string>{"temporary:nowhere"});
  EXPECT_EQ(before.open(), before.items.size() - 1);
  EXPECT_EQ(before.ToJson().Find("open")->AsInt(), static_cast<std::int64_t>(before.open()));
  EXPECT_THAT(before.ClosingScript(), Not(HasSubstr("-- temporary:other")));
  EXPECT_EQ(bench_->target().Accepted().size(), 2u);

  Credential c = bench_->Live();
  auto session = bench_->Session(c);
  EXPECT_EQ(StateOf(*session, "SELECT public.peek()"), "");
  EXPECT_EQ(StateOf(*session, "SELECT * FROM public.overview"), "");

  server_.Psql(before.ClosingScript());
  const CheckReport after = Check({"temporary:other"});
  EXPECT_EQ(after.open(), 0u) << after.ClosingScript();

  for (const char* sql : {"SELECT public.peek()", "SELECT * FROM public.overview", "SELECT * FROM public.board", "SELECT a FROM public.half",
                          "CREATE TABLE playground.x (n int)", "CREATE TEMP TABLE t (n int)", "SELECT lo_create(0)", "SELECT lo_from_bytea(0, '')",
                          "SELECT lo_creat(-1)", "SELECT lo_get(99)", "SELECT pg_read_file('PG_VERSION')", "SELECT * FROM pg_authid",
                          "SELECT dblink_connect('dbname=orders')", "SELECT nextval('public.counter')"})
    EXPECT_EQ(StateOf(*session, sql), "42501") << sql;
  EXPECT_EQ(StateOf(*session, "SELECT * FROM public.invoices"), "");
  for (const char* database : {"other", "postgres", "template1"}) EXPECT_EQ(pg::TryLogin(bench_->Login(c, database)).sqlstate, "42501") << database;
  bench_->ExpectDies(c);
  Credential again = bench_->Live();  // and Remit still works
  bench_->ExpectDies(again);
}

}  // namespace
}  // namespace remit::target::postgres
