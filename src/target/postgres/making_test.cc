// A task gets exactly what it was given, and PostgreSQL itself refuses the rest.
#include <thread>

#include "base/limits.h"
#include "target/postgres/fixture.h"

namespace remit::target::postgres {
namespace {

using testing::HasSubstr;

class MakingTest : public testing::Test {
 protected:
  Bench bench_{SharedServer()};
};

TEST_F(MakingTest, SelectOnTheTablesThatWereGrantedAndOnNothingElse) {
  Credential c = bench_.Live({"orders/public.invoices", R"(orders/"Weird.Schema"."T""x")"});
  auto session = bench_.Session(c);
  EXPECT_EQ(StateOf(*session, "SELECT * FROM public.invoices"), "");
  EXPECT_EQ(StateOf(*session, R"(SELECT * FROM "Weird.Schema"."T""x")"), "");
  for (const char* sql : {"SELECT * FROM public.customers",
                          "SELECT * FROM public.salaries",
                          "INSERT INTO public.invoices VALUES (-1, 1)",
                          "UPDATE public.invoices SET amount = 0",
                          "DELETE FROM public.invoices",
                          "TRUNCATE public.invoices",
                          "SELECT * FROM hr.people",
                          "CREATE TABLE public.mine (n int)",
                          "CREATE SCHEMA mine",
                          "CREATE DATABASE mine",
                          "CREATE ROLE mine",
                          "SET ROLE postgres",
                          "SET ROLE remit",
                          "SELECT * FROM pg_authid",
                          "SELECT * FROM remit.scope",
                          "SELECT remit.identity()",
                          "SELECT * FROM public.overview",
                          "ALTER TABLE public.invoices ADD COLUMN x int",
                          "SELECT 1 FROM public.invoices FOR UPDATE",
                          "COPY public.invoices TO '/tmp/x'",
                          "COPY public.invoices TO PROGRAM 'cat'",
                          "SELECT pg_read_file('/etc/passwd')"})
    EXPECT_EQ(StateOf(*session, sql), "42501") << sql;
  bench_.ExpectDies(c);
}

TEST_F(MakingTest, OtherVerbsWhereTheyWereGranted) {
  Credential c = bench_.Planned({On("orders/public.invoices", "insert")});
  c.record.permissions.permissions = {On("orders/public.invoices", "insert")};
  ASSERT_TRUE(bench_.TryMake(c));
  auto session = bench_.Session(c);
  EXPECT_EQ(StateOf(*session, "BEGIN; INSERT INTO public.invoices VALUES (-1, 1); ROLLBACK"), "");
  EXPECT_EQ(StateOf(*session, "SELECT * FROM public.invoices"), "42501");
  bench_.ExpectDies(c);
}

TEST_F(MakingTest, TheRoleIsMarkedLimitedAndHasNoAdminOption) {
  Credential c = bench_.Live();
  auto admin = bench_.Admin();
  const auto rows = admin->Exec(
      "SELECT r.oid, r.rolvaliduntil IS NOT NULL, r.rolconnlimit, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication "
      "OR r.rolbypassrls, shobj_description(r.oid, 'pg_authid'), r.rolpassword LIKE 'SCRAM-SHA-256$4096:%', "
      "(SELECT bool_or(admin_option) FROM pg_auth_members m WHERE r.oid IN (m.member, m.roleid)) FROM pg_authid r WHERE rolname = $1",
      {c.record.name});
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->Text(0, 0), c.record.notes.at("oid"));
  EXPECT_TRUE(rows->Bool(0, 1));
  EXPECT_EQ(rows->Int(0, 2), 10);
  EXPECT_FALSE(rows->Bool(0, 3));
  EXPECT_EQ(rows->Text(0, 4), Mark(kInstallation, c.record.id));
  EXPECT_TRUE(rows->Bool(0, 5));
  EXPECT_FALSE(rows->Bool(0, 6));
  EXPECT_LE(c.record.name.size(), 63u);
  EXPECT_EQ(c.made.environment.at("PGUSER").Reveal(), c.record.name);
  EXPECT_EQ(c.made.environment.at("PGPASSWORD").Reveal(), c.plan.secret.Reveal());
  EXPECT_EQ(c.made.environment.at("PGDATABASE").Reveal(), "orders");
  EXPECT_FALSE(c.made.environment.contains("PGSSLMODE"));
  bench_.ExpectDies(c);
}

TEST_F(MakingTest, ItsExpiryMovesAlongWithItsTasksDeadline) {
  Credential c = bench_.Live();
  auto until = [&] {
    return bench_.Admin()->Exec("SELECT extract(epoch FROM rolvaliduntil)::bigint FROM pg_authid WHERE rolname = $1", {c.record.name})->Int(0, 0);
  };
  c.record.not_after += std::chrono::hours(2);
  ASSERT_TRUE(bench_.target().Prolong(c.record, c.plan.secret));
  EXPECT_EQ(until(), Micros(c.record.not_after) / 1'000'000);
  EXPECT_EQ(StateOf(*bench_.Session(c), "SELECT * FROM public.invoices"), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(bench_.target().Prolong(c.record, c.plan.secret).error().reason, "unknown-role");  // and it is not there again
  EXPECT_FALSE(bench_.Exists(c));
}

TEST_F(MakingTest, NobodyMovesTheExpiryOfAnothersRole) {
  Credential c = bench_.Live();
  Credential foreign = c;
  foreign.record.notes["oid"] = bench_.Admin()->Exec("SELECT oid FROM pg_authid WHERE rolname = 'remit2'")->Text(0, 0);
  EXPECT_EQ(bench_.target().Prolong(foreign.record, c.plan.secret).error().reason, "foreign-role");
  foreign.record.notes["system"] = "1";
  EXPECT_EQ(bench_.target().Prolong(foreign.record, c.plan.secret).error().reason, "foreign-role");
  bench_.ExpectDies(c);
}

TEST_F(MakingTest, FewerIterationsWork) {
  Config config = TargetConfig(SharedServer());
  config.scram_iterations = 1;
  Bench bench(SharedServer(), config);
  Credential c = bench.Live();
  EXPECT_EQ(StateOf(*bench.Session(c), "SELECT * FROM public.invoices"), "");
  bench.ExpectDies(c);
}

TEST_F(MakingTest, WhatWasNotListedIsRefusedByName) {
  Credential salaries = bench_.PlannedFor({"orders/public.salaries"});
  EXPECT_EQ(bench_.TryMake(salaries).error().reason, "not-permitted-at-target");
  Credential view = bench_.PlannedFor({"orders/public.overview"});
  EXPECT_EQ(bench_.TryMake(view).error().reason, "not-a-table");
  Credential nothing = bench_.PlannedFor({"orders/public.nothing"});
  EXPECT_EQ(bench_.TryMake(nothing).error().reason, "unknown-table");
  Credential mixed = bench_.PlannedFor({"orders/public.invoices", "orders/public.salaries"});
  EXPECT_EQ(bench_.TryMake(mixed).error().code, Code::kPermissionDenied);
  EXPECT_FALSE(bench_.Exists(mixed));
  for (Credential* c : {&salaries, &view, &nothing, &mixed}) bench_.ExpectDies(*c);
}

TEST_F(MakingTest, ATableThatWasReplacedIsNotTheOneThatWasPermitted) {
  bench_.Admin()->Run("CREATE TABLE public.swapped (n int)");
  InitOptions init = Init();
  init.tables.push_back({"public", "swapped", "select"});
  SharedServer().Psql(InitSql(init).value());
  Credential before = bench_.Live({"orders/public.swapped"});
  bench_.ExpectDies(before);
  bench_.Admin()->Run("DROP TABLE public.swapped; CREATE TABLE public.swapped (secret text)");
  Credential after = bench_.PlannedFor({"orders/public.swapped"});
  EXPECT_EQ(bench_.TryMake(after).error().reason, "not-permitted-at-target");
  SharedServer().Psql(InitSql(init).value());  // the administrator permits the new one
  ASSERT_TRUE(bench_.TryMake(after));
  bench_.ExpectDies(after);
  SharedServer().Psql(InitSql(Init()).value());
  Credential retired = bench_.PlannedFor({"orders/public.swapped"});
  EXPECT_EQ(bench_.TryMake(retired).error().reason, "not-permitted-at-target");
}

// Each way of making the scope role wider than it was is found, refused, and undone by the administrator.
TEST_F(MakingTest, AScopeRoleThatWasTamperedWithIsRefused) {
  const std::string scope = ScopeRoleName(kInstallation, "orders", {"public", "customers", "select"});
  auto admin = bench_.Admin();
  const std::vector<std::pair<std::string, std::string>> attacks{
      {"GRANT SELECT ON public.salaries TO @", "REVOKE SELECT ON public.salaries FROM @"},
      {"GRANT INSERT ON public.customers TO @", "REVOKE INSERT ON public.customers FROM @"},
      {"GRANT SELECT (amount) ON public.salaries TO @", "REVOKE SELECT (amount) ON public.salaries FROM @"},
      {"GRANT SELECT ON public.customers TO @ WITH GRANT OPTION", "REVOKE GRANT OPTION FOR SELECT ON public.customers FROM @"},
      {"GRANT CREATE ON SCHEMA public TO @", "REVOKE CREATE ON SCHEMA public FROM @"},
      {"GRANT TEMPORARY ON DATABASE orders TO @", "REVOKE TEMPORARY ON DATABASE orders FROM @"},
      {"GRANT CONNECT ON DATABASE other TO @", "REVOKE CONNECT ON DATABASE other FROM @"},
      {"GRANT pg_read_all_data TO @", "REVOKE pg_read_all_data FROM @"},
      {"GRANT @ TO somebody", "REVOKE @ FROM somebody"},
      {"ALTER ROLE @ LOGIN", "ALTER ROLE @ NOLOGIN"},
      {"ALTER ROLE @ CREATEROLE", "ALTER ROLE @ NOCREATEROLE"},
      {"ALTER TABLE hr.people OWNER TO @", "ALTER TABLE hr.people OWNER TO postgres"},
      {"REVOKE SELECT ON public.customers FROM @", "GRANT SELECT ON public.customers TO @"},
      {"ALTER ROLE @ RENAME TO another_name", "ALTER ROLE another_name RENAME TO @"},
  };
  for (const auto& [attack, undo] : attacks) {
    const auto with = [&](std::string sql) { return sql.replace(sql.find('@'), 1, scope); };
    ASSERT_TRUE(admin->Run(with(attack))) << attack;
    Credential c = bench_.PlannedFor({"orders/public.customers"});
    const Status status = bench_.TryMake(c);
    ASSERT_FALSE(status) << attack;
    EXPECT_EQ(status.error().reason, "scope-tampered") << attack << status.error().ToString();
    EXPECT_FALSE(bench_.Exists(c));
    ASSERT_TRUE(admin->Run(undo.find('@') == std::string::npos ? undo : with(undo))) << undo;
  }
  Credential c = bench_.Live({"orders/public.customers"});
  bench_.ExpectDies(c);
}

TEST_F(MakingTest, AScopeRoleThatIsBeingChangedIsWaitedForOnlyBriefly) {
  auto admin = bench_.Admin();
  ASSERT_TRUE(admin->Run("BEGIN; ALTER ROLE " + ScopeRoleName(kInstallation, "orders", {"public", "customers", "select"}) + " CREATEDB"));
  Credential c = bench_.PlannedFor({"orders/public.customers"});
  const Status status = bench_.TryMake(c);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable) << status.error().ToString();
  ASSERT_TRUE(admin->Run("ROLLBACK"));
  bench_.ExpectDies(c);
}

TEST_F(MakingTest, RemitsOwnRoleMayDoNothingBesides) {
  auto remit = SharedServer().Connect("orders", "remit", Secret(kRemitPassword));
  for (const char* sql :
       {"CREATE ROLE x", "SELECT * FROM public.invoices", "SELECT * FROM pg_authid", "SELECT * FROM remit.scope",
        "INSERT INTO remit.scope VALUES ('test1',1,1,'select',1,'x')", "SELECT remit.permit('test1', 'public', 'salaries', 'select', 'x')",
        "SELECT remit.admit('test1', 'somebody', NULL)", "SELECT remit.retire('test1', '{}')", "SELECT remit.name_of(10)",
        "SELECT remit.own_sequences(1)", "SELECT remit.grant_sequences('x', '{}')", "DROP ROLE somebody", "ALTER ROLE somebody PASSWORD 'x'",
        "CREATE FUNCTION remit.x() RETURNS int LANGUAGE sql AS 'SELECT 1'"})
    EXPECT_EQ(StateOf(*remit, sql), "42501") << sql;
}

TEST_F(MakingTest, TheFunctionsTouchOnlyRolesOfTheCallersInstallation) {
  auto remit = SharedServer().Connect("orders", "remit", Secret(kRemitPassword));
  const std::string make = ", '" + Verifier("x") + "', now() + interval '1 day', 1, '{public}', '{invoices}', '{select}')";
  for (const std::string name : {"'somebody'", "'remit_test2_crd_01kabcdefghjkmnpqrstvwxyz0'", "'remit_test1_crd_01kabcdefghjkmnpqrstvwxyz'", "NULL",
                                 "'remit_test1_crd_01kabcdefghjkmnpqrstvwxyz0 SUPERUSER'", "E'remit_test1_crd_01kabcdefghjkmnpqrstvwxyz0\\n'",
                                 "E'x\\nremit_test1_crd_01kabcdefghjkmnpqrstvwxyz0'", "'remit_test1_crd_01kabcdefghjkmnpqrstvwxyz0\" SUPERUSER --'",
                                 "'REMIT_test1_crd_01kabcdefghjkmnpqrstvwxyz0'", "'remit_scope_012345678901234567890123'"})
    EXPECT_EQ(StateOf(*remit, "SELECT remit.make(" + name + make), "RM004") << name;
  EXPECT_EQ(
      StateOf(*remit, "SELECT remit.make('remit_test1_crd_01kabcdefghjkmnpqrstvwxyz0', 'plain', now(), 1, '{public}', '{invoices}', '{select}')"),
      "RM006");
  EXPECT_EQ(StateOf(*remit, "SELECT remit.make('remit_test1_crd_01kabcdefghjkmnpqrstvwxyz0'" + make.substr(0, make.find("'{select}'")) +
                                "'{select,insert}')"),
            "RM006");
  EXPECT_EQ(
      StateOf(*remit, "SELECT remit.make('remit_test1_crd_01kabcdefghjkmnpqrstvwxyz0'" + make.substr(0, make.find("'{select}'")) + "'{truncate}')"),
      "RM001");
  for (const char* function : {"revoke", "disarm", "drop_owned", "drop"})
    for (const char* victim : {"postgres", "somebody", "remit", "remit2"})
      EXPECT_EQ(StateOf(*remit, std::string("SELECT remit.") + function + "('" + victim + "'::regrole)"), "RM004") << function << victim;
  // A stranger with a session may not call them at all.
  auto somebody = SharedServer().Connect("orders", "somebody", Secret("somebody"));
  EXPECT_EQ(StateOf(*somebody, "SELECT remit.identity()"), "42501");
}

TEST_F(MakingTest, ASearchPathOfTheCallersDoesNotMatter) {
  Credential c = bench_.PlannedFor({"orders/public.invoices"});
  auto remit = SharedServer().Connect("orders", "remit", Secret(kRemitPassword));
  ASSERT_TRUE(remit->Run(
      "CREATE TEMP TABLE pg_class (oid oid, relkind char, relname text, relnamespace oid); CREATE TEMP TABLE pg_authid (oid oid, rolname text); "
      "SET search_path = pg_temp, pg_catalog"));
  const auto made =
      remit->Exec("SELECT remit.make($1, $2, now() + interval '1 day', 1, '{public}', '{invoices}', '{select}')", {c.record.name, Verifier("x")});
  EXPECT_TRUE(made) << made.error().ToString();
  EXPECT_TRUE(bench_.Exists(c));
  bench_.ExpectDies(c);
}

TEST_F(MakingTest, NoPasswordInTheServersLog) {
  Credential c = bench_.Live();
  Credential refused = bench_.PlannedFor({"orders/public.salaries"});
  EXPECT_FALSE(bench_.TryMake(refused));
  bench_.ExpectDies(c);
  bench_.ExpectDies(refused);
  const std::string log = SharedServer().Log();
  EXPECT_THAT(log, HasSubstr(c.record.name));
  EXPECT_EQ(log.find(c.plan.secret.Reveal()), std::string::npos);
  EXPECT_EQ(log.find(refused.plan.secret.Reveal()), std::string::npos);
  EXPECT_EQ(log.find(kRemitPassword), std::string::npos);
}

TEST_F(MakingTest, ALoginWithoutPasswordIsRefusedAsACredential) {
  pg::TestServer open;  // every role may come in through the socket of this one without a password
  Populate(open);
  open.Psql(InitSql(Init()).value());
  open.Psql("ALTER SYSTEM SET hba_file = '" + open.Get("data") + "/open_hba.conf'; COPY (SELECT 'host all all 127.0.0.1/32 trust') TO '" +
            open.Get("data") + "/open_hba.conf'");
  open.Stop();
  open.Start();
  Bench bench(open);
  Credential c = bench.PlannedFor({"orders/public.invoices"});
  EXPECT_EQ(bench.TryMake(c).error().reason, "password-not-asked");
  const EndResult end = bench.End(c);  // "role does not exist" is not one of the answers that count
  EXPECT_FALSE(end.dead);
  EXPECT_FALSE(bench.Exists(c));
}

TEST_F(MakingTest, OverTlsTheTaskIsToldHow) {
  pg::TestServer tls("--tls");
  Populate(tls);
  tls.Psql(InitSql(Init()).value());
  Config config = TargetConfig(tls);
  config.sslmode = "verify-full";
  config.sslrootcert = tls.Get("sslrootcert");
  Bench bench(tls, config);
  Credential c = bench.Live();
  EXPECT_EQ(c.made.environment.at("PGSSLMODE").Reveal(), "verify-full");
  EXPECT_EQ(c.made.environment.at("PGSSLROOTCERT").Reveal(), tls.Get("sslrootcert"));
  EXPECT_EQ(bench.Session(c)->Exec("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")->Text(0, 0), "t");
  bench.ExpectDies(c);
}

// What one role's login shows counts for others of its kind, for a moment.
class PathTest : public testing::Test {
 protected:
  void SetUp() override {
    first_ = Make();
    ASSERT_EQ(bench_.Logins(first_), 1);
  }
  void TearDown() override {
    for (Credential& c : made_) EXPECT_TRUE(bench_.End(c).dead);
  }
  Credential Make(const std::vector<std::string>& tables = {"orders/public.invoices"}) { return made_.emplace_back(bench_.Live(tables)); }
  std::string Refusal(Credential c) {
    const Status status = bench_.TryMake(made_.emplace_back(std::move(c)));
    return status ? "made" : status.error().reason;
  }
  bool NextLogsIn() {
    const int logins = bench_.Logins(Make());
    EXPECT_LE(logins, 1);
    return logins == 1;
  }

  Bench bench_{SharedServer()};
  std::vector<Credential> made_;
  Credential first_;
};

TEST_F(PathTest, OfTwoWithinASecondOneLogsInAndBothWork) {
  const Credential second = Make();
  EXPECT_EQ(bench_.Logins(second), 0);
  EXPECT_EQ(StateOf(*bench_.Session(second), "SELECT * FROM public.invoices"), "");
  EXPECT_EQ(bench_.Logins(second), 1);
}

TEST_F(PathTest, ASecondLaterTheNextLogsInAgain) {
  bench_.clock().Advance(limits::kPathProofLife - Duration(1));
  EXPECT_FALSE(NextLogsIn());
  bench_.clock().Advance(Duration(1));
  EXPECT_TRUE(NextLogsIn());
  EXPECT_FALSE(NextLogsIn());
}

TEST_F(PathTest, WithOtherMembershipsItIsAnotherPath) {
  EXPECT_EQ(bench_.Logins(Make({"orders/public.customers"})), 1);
  EXPECT_EQ(bench_.Logins(Make({"orders/public.invoices", "orders/public.customers"})), 1);
  EXPECT_EQ(bench_.Logins(Make({"orders/public.customers"})), 0);
}

TEST_F(PathTest, AnotherTargetShowsItsOwn) {
  Bench other(SharedServer());
  Credential c = other.Live();
  EXPECT_EQ(other.Logins(c), 1);
  other.ExpectDies(c);
}

TEST_F(PathTest, ARefusedMakingForgets) {
  EXPECT_EQ(Refusal(bench_.PlannedFor({"orders/public.salaries"})), "not-permitted-at-target");
  EXPECT_TRUE(NextLogsIn());
}

TEST_F(PathTest, AnEndWithEvidenceKeepsItAndOneWithoutForgets) {
  bench_.ExpectDies(made_.front());
  EXPECT_FALSE(NextLogsIn());
  Credential misnamed = made_.front();
  misnamed.record.name = "somebody";
  ASSERT_FALSE(bench_.End(misnamed).dead);
  EXPECT_TRUE(NextLogsIn());
}

TEST_F(PathTest, ANewConnectionOfRemitsRoleForgets) {
  bench_.Admin()->Run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'remit'");
  EXPECT_TRUE(NextLogsIn());
  EXPECT_FALSE(NextLogsIn());
}

TEST_F(PathTest, AnotherVersionOfTheFunctionThatMakesRolesIsSeen) {
  SharedServer().Psql(InitSql(Init()).value());
  EXPECT_TRUE(NextLogsIn());
  EXPECT_FALSE(NextLogsIn());
}

TEST_F(PathTest, ARoleThatHasExpiredByTheServersClockIsNotTakenForOneThatWorks) {
  Credential late = bench_.PlannedFor({"orders/public.invoices"});
  late.record.not_after = FromMicros(1'600'000'000'000'000);
  EXPECT_EQ(Refusal(late), "login-refused");
  EXPECT_TRUE(NextLogsIn());  // what refused one may refuse others
}

// Its pg_hba.conf can be changed.
class OwnPathTest : public testing::Test {
 protected:
  void SetUp() override {
    Populate(server_);
    server_.Psql(InitSql(Init()).value());
  }
  // Until the server works by it.
  void SetHba(const std::string& lines) {
    const auto read = [&] { return std::string(server_.Connect()->Exec("SELECT pg_conf_load_time()")->Text(0, 0)); };
    const std::string before = read();
    server_.Psql("COPY (SELECT unnest(ARRAY['host all postgres 127.0.0.1/32 trust', 'host all remit 127.0.0.1/32 scram-sha-256', '" + lines +
                 "'])) TO '" + server_.Get("data") + "/pg_hba.conf'; SELECT pg_reload_conf()");
    while (read() == before) std::this_thread::yield();
  }

  pg::TestServer server_{"--set log_connections=on"};
};

TEST_F(OwnPathTest, AChangeOfPgHbaIsSeenByTheNextMaking) {
  Bench bench(server_);
  Credential before = bench.Live();
  SetHba("host all all 127.0.0.1/32 reject");
  Credential after = bench.PlannedFor({"orders/public.invoices"});
  const Status refused = bench.TryMake(after);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "login-refused");
  SetHba("host all all 127.0.0.1/32 scram-sha-256");
  Credential between = bench.Live();
  SetHba("host all all 127.0.0.1/32 trust");
  Credential trusted = bench.PlannedFor({"orders/public.invoices"});
  const Status let_in = bench.TryMake(trusted);
  ASSERT_FALSE(let_in);
  EXPECT_EQ(let_in.error().reason, "password-not-asked");
  SetHba("host all all 127.0.0.1/32 scram-sha-256");
  for (Credential* c : {&before, &after, &between, &trusted}) bench.ExpectDies(*c);
}

// Nothing that Remit's own session is told. It is availability that is late by a second: what cannot log in has nothing that it should not.
TEST_F(OwnPathTest, WhatClosesThePathUnseenIsNoticedAfterASecond) {
  Bench bench(server_);
  Credential before = bench.Live();
  bench.Admin()->Run("ALTER DATABASE orders CONNECTION LIMIT 0");
  Credential within = bench.Live();
  EXPECT_FALSE(pg::TryLogin(bench.Login(within)).accepted);
  bench.clock().Advance(limits::kPathProofLife);
  Credential after = bench.PlannedFor({"orders/public.invoices"});
  EXPECT_FALSE(bench.TryMake(after));
  bench.Admin()->Run("ALTER DATABASE orders CONNECTION LIMIT -1");
  for (Credential* c : {&before, &within, &after}) bench.ExpectDies(*c);
}

TEST_F(MakingTest, AServerThatWasNotPreparedSaysSo) {
  Config config = TargetConfig(SharedServer());
  config.database = "postgres";
  Bench bench(SharedServer(), config);
  EXPECT_EQ(bench.target().Ping().error().reason, "target-not-initialised");
}

TEST_F(MakingTest, ManyAtOnce) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        Credential c = bench_.Live({"orders/public.invoices", "orders/public.customers"});
        const EndResult result = bench_.End(c);
        EXPECT_TRUE(result.dead) << result.reason;
      }
    });
  threads.clear();
  EXPECT_TRUE(bench_.target().Sweep()->empty());
}

}  // namespace
}  // namespace remit::target::postgres
