// The end, attacked: whatever a session holds, whoever it was helped by, whenever the other side dies.
#include <thread>

#include "target/postgres/ender.h"
#include "target/postgres/fixture.h"

namespace remit::target::postgres {
namespace {

using testing::HasSubstr;

// Until `condition` holds; the test's own time limit is the limit.
template <class Condition>
void Until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

class EndingTest : public testing::Test {
 protected:
  // Does something as the task, ends the task, and expects that the session is cut off and the role gone.
  void EndsWhile(const std::string& sql) {
    Credential c = bench_.Live();
    auto session = bench_.Session(c);
    ASSERT_EQ(StateOf(*session, sql), "") << sql;
    bench_.ExpectDies(c);
    EXPECT_NE(StateOf(*session, "SELECT 1"), "");
  }
  // What was made in a database by a role and is there still.
  std::int64_t Count(const std::string& sql, const std::string& database = "orders") { return bench_.Admin(database)->Exec(sql)->Int(0, 0); }

  Bench bench_{SharedServer()};
};

TEST_F(EndingTest, AnIdleSession) { EndsWhile("SELECT 1"); }
TEST_F(EndingTest, AnOpenCursor) { EndsWhile("BEGIN; DECLARE c CURSOR FOR SELECT * FROM public.invoices; FETCH 1 FROM c"); }
TEST_F(EndingTest, ACursorThatOutlivesItsTransaction) { EndsWhile("DECLARE c CURSOR WITH HOLD FOR SELECT * FROM public.invoices"); }
TEST_F(EndingTest, ALockOnATable) { EndsWhile("BEGIN; LOCK TABLE public.invoices IN ACCESS SHARE MODE"); }
TEST_F(EndingTest, AnAdvisoryLock) { EndsWhile("SELECT pg_advisory_lock(1)"); }
TEST_F(EndingTest, ATemporaryTable) { EndsWhile("CREATE TEMP TABLE t AS SELECT * FROM public.invoices; BEGIN; LOCK TABLE t"); }
TEST_F(EndingTest, ItsOwnRowOfPgAuthid) { EndsWhile("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'"); }
TEST_F(EndingTest, AChangedPassword) { EndsWhile("ALTER ROLE CURRENT_USER PASSWORD 'mine'"); }
TEST_F(EndingTest, AnAbortedTransaction) { EndsWhile("BEGIN; SAVEPOINT a; SELECT * FROM public.invoices"); }
TEST_F(EndingTest, DefaultPrivileges) { EndsWhile("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO accomplice"); }
TEST_F(EndingTest, SettingsOfItsOwn) { EndsWhile("ALTER ROLE CURRENT_USER SET search_path = pg_temp"); }

TEST_F(EndingTest, ALargeObject) {
  EndsWhile("SELECT lo_create(4711)");
  EXPECT_EQ(Count("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711"), 0);
}

TEST_F(EndingTest, AStatementThatRuns) {
  Credential c = bench_.Live();
  auto session = bench_.Session(c);
  std::jthread runs([&] { EXPECT_NE(StateOf(*session, "SELECT pg_sleep(3600)"), ""); });
  Until([&] { return Count("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = '" + c.record.name + "'") == 1; });
  bench_.ExpectDies(c);
}

TEST_F(EndingTest, PreparedTransactionsInTwoDatabases) {
  Credential c = bench_.Live();
  ASSERT_EQ(StateOf(*bench_.Session(c), "BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'; PREPARE TRANSACTION 'left''behind'"), "");
  ASSERT_EQ(StateOf(*bench_.Session(c, "other"), "BEGIN; SELECT lo_create(4712); PREPARE TRANSACTION 'left\\behind'"), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(Count("SELECT count(*) FROM pg_prepared_xacts"), 0);
  EXPECT_THAT(c.record.evidence.front().detail, HasSubstr("2 prepared transactions rolled back"));
}

// Before PostgreSQL 16 a member may become the role: then the transaction that holds the task's own row belongs to the scope role.
TEST_F(EndingTest, ATransactionPreparedAsTheScopeRole) {
  Credential c = bench_.Live();
  const std::string scope = ScopeRoleName(kInstallation, "orders", {"public", "invoices", "select"});
  auto session = bench_.Session(c);
  const bool modern = session->server_version() >= 160000;
  ASSERT_EQ(StateOf(*session, "BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'"), "");
  EXPECT_EQ(StateOf(*session, "SET ROLE " + scope), modern ? "42501" : "");
  EXPECT_EQ(StateOf(*session, "PREPARE TRANSACTION 'as the scope'"), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(Count("SELECT count(*) FROM pg_prepared_xacts"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = 'remit'"), 0);
  Credential again = bench_.Live();
  bench_.ExpectDies(again);
}

// …and what it makes as that stays with the scope role: found, refused, and repaired by the administrator's script.
TEST_F(EndingTest, AnObjectMadeAsTheScopeRole) {
  Credential c = bench_.Live({"orders/public.customers"});
  auto session = bench_.Session(c);
  if (session->server_version() >= 160000) return bench_.ExpectDies(c);
  ASSERT_EQ(StateOf(*session, "SET ROLE " + ScopeRoleName(kInstallation, "orders", {"public", "customers", "select"}) + "; SELECT lo_create(4717)"),
            "");
  bench_.ExpectDies(c);
  Credential next = bench_.PlannedFor({"orders/public.customers"});
  EXPECT_EQ(bench_.TryMake(next).error().reason, "scope-tampered");
  SharedServer().Psql(InitSql(Init()).value());
  EXPECT_TRUE(bench_.TryMake(next));
  bench_.ExpectDies(next);
  EXPECT_EQ(Count("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4717"), 0);
}

TEST_F(EndingTest, AnotherRolesPreparedTransactionStays) {
  Credential c = bench_.Live();
  auto admin = bench_.Admin();
  ASSERT_EQ(StateOf(*admin, "BEGIN; SELECT lo_create(4713); PREPARE TRANSACTION 'of an administrator'"), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(Count("SELECT count(*) FROM pg_prepared_xacts"), 1);
  ASSERT_EQ(StateOf(*admin, "ROLLBACK PREPARED 'of an administrator'"), "");
}

// Things in databases that PUBLIC may enter, prepared by init and not.
TEST_F(EndingTest, ObjectsInOtherDatabases) {
  Credential c = bench_.Live();
  ASSERT_EQ(StateOf(*bench_.Session(c, "other"), "SELECT lo_create(4714)"), "");
  ASSERT_EQ(StateOf(*bench_.Session(c, "postgres"), "SELECT lo_create(4715)"), "");
  ASSERT_TRUE(bench_.Admin("other")->Run("GRANT SELECT ON public.elsewhere TO " + c.record.name));  // by its owner, behind Remit's back
  ASSERT_TRUE(bench_.Admin()->Run("GRANT SELECT ON hr.people TO " + c.record.name));
  bench_.ExpectDies(c);
  EXPECT_EQ(Count("SELECT count(*) FROM pg_largeobject_metadata", "other"), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM pg_largeobject_metadata", "postgres"), 0);
}

TEST_F(EndingTest, APlantedFunctionIsNotCalled) {
  ASSERT_TRUE(bench_.Admin("postgres")->Run("CREATE DATABASE hostile OWNER somebody"));
  auto owner = SharedServer().Connect("hostile", "somebody", Secret("somebody"));
  ASSERT_EQ(
      StateOf(
          *owner,
          "CREATE SCHEMA remit; GRANT USAGE ON SCHEMA remit TO PUBLIC; CREATE TABLE remit.caught (who name); GRANT ALL ON remit.caught TO PUBLIC; "
          "CREATE FUNCTION remit.drop_owned(oid) RETURNS void LANGUAGE sql AS 'INSERT INTO remit.caught VALUES (current_user)'"),
      "");
  Credential c = bench_.Live();
  ASSERT_EQ(StateOf(*bench_.Session(c, "hostile"), "SELECT lo_create(4716)"), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(owner->Exec("SELECT count(*) FROM remit.caught")->Int(0, 0), 0);
  owner.reset();
  SharedServer().Psql("DROP DATABASE hostile WITH (FORCE)");
}

// Before PostgreSQL 15 a role could make others members of itself; an administrator still can.
TEST_F(EndingTest, AnAccompliceWhoWasMadeAMember) {
  Credential c = bench_.Live();
  EXPECT_EQ(StateOf(*bench_.Session(c), "GRANT " + c.record.name + " TO accomplice"), "42501");
  ASSERT_EQ(StateOf(*bench_.Admin(), "GRANT " + c.record.name + " TO accomplice"), "");
  auto accomplice = SharedServer().Connect("orders", "accomplice", Secret("accomplice"));
  ASSERT_EQ(StateOf(*accomplice, "SELECT * FROM public.invoices"), "");
  ASSERT_EQ(StateOf(*accomplice, "SET ROLE " + c.record.name), "");
  bench_.ExpectDies(c);
  EXPECT_NE(StateOf(*accomplice, "SELECT * FROM public.invoices"), "");
  EXPECT_EQ(StateOf(*accomplice, "RESET ROLE"), "");
  EXPECT_EQ(StateOf(*accomplice, "SELECT * FROM public.invoices"), "42501");
}

// The same with a scope role as the member, which would widen other tasks: found, refused, and gone with the task.
TEST_F(EndingTest, AScopeRoleThatWasMadeAMemberOfATask) {
  Credential c = bench_.Live();
  ASSERT_EQ(StateOf(*bench_.Admin(), "GRANT " + c.record.name + " TO " + ScopeRoleName(kInstallation, "orders", {"public", "customers", "select"})),
            "");
  Credential other = bench_.PlannedFor({"orders/public.customers"});
  const Status status = bench_.TryMake(other);
  EXPECT_EQ(status.error().reason, "scope-tampered");
  EXPECT_THAT(status.error().message, HasSubstr(c.record.name));
  bench_.ExpectDies(c);
  EXPECT_TRUE(bench_.TryMake(other));
  bench_.ExpectDies(other);
}

TEST_F(EndingTest, LoginsThatRaceTheEnd) {
  Credential c = bench_.Live();
  std::atomic<bool> stop = false;
  std::atomic<int> logins = 0;
  std::vector<std::jthread> racers;
  for (int i = 0; i < 3; ++i)
    racers.emplace_back([&] {
      while (!stop) {
        auto connection = pg::Connection::Open(bench_.Login(c));
        if (connection) {
          ++logins;
          (void)(*connection)->Run("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'");
        }
      }
    });
  Until([&] { return logins > 3; });
  EndResult result;
  for (int i = 0; i < 20 && !result.dead; ++i) result = bench_.End(c);
  EXPECT_TRUE(result.dead) << result.reason;
  stop = true;
  racers.clear();
  EXPECT_EQ(bench_.Sessions(c), 0);
  EXPECT_FALSE(bench_.Exists(c));
}

// Somebody else holds the role's row: the credential is harmless at once, and the attempt says what it waits for.
TEST_F(EndingTest, ARowThatAnAdministratorHoldsDelaysButDoesNotBlockTheRevoking) {
  Config config = TargetConfig(SharedServer());
  config.attempt_limit = std::chrono::milliseconds(500);
  Bench bench(SharedServer(), config);
  Credential c = bench.Live();
  auto session = bench.Session(c);
  auto admin = bench.Admin();
  ASSERT_TRUE(admin->Run("BEGIN; ALTER ROLE " + c.record.name + " CONNECTION LIMIT 7"));
  const EndResult result = bench.End(c);
  EXPECT_FALSE(result.dead);
  EXPECT_THAT(result.reason, HasSubstr("locked"));
  EXPECT_NE(StateOf(*session, "SELECT 1"), "");
  auto again = pg::Connection::Open(bench.Login(c));  // it can still log in, and do nothing
  ASSERT_TRUE(again);
  EXPECT_EQ(StateOf(**again, "SELECT * FROM public.invoices"), "42501");
  ASSERT_TRUE(admin->Run("COMMIT"));
  EXPECT_TRUE(bench_.End(c).dead);
}

// A maker that was killed: its session at the server waits for a lock, and would create the role when it gets it.
TEST_F(EndingTest, ACreationThatIsBlockedCannotLandAfterTheEnd) {
  Credential c = bench_.PlannedFor({"orders/public.invoices"});
  auto admin = bench_.Admin();
  ASSERT_TRUE(admin->Run("BEGIN; SELECT FROM pg_authid WHERE rolname = '" + ScopeRoleName(kInstallation, "orders", {"public", "invoices", "select"}) +
                         "' FOR UPDATE"));
  pg::ConnectOptions options = SharedServer().Options("orders", "remit", Secret(kRemitPassword));
  options.application_name = Mark(kInstallation, c.record.id);
  auto maker = pg::Connection::Open(options);
  ASSERT_TRUE(maker);
  std::jthread blocked([&] {
    EXPECT_NE(StateOf(**maker, "SELECT remit.make('" + c.record.name + "', '" + Verifier(c.plan.secret.Reveal()) +
                                   "', now() + interval '1 day', 1, '{public}', '{invoices}', '{select}')"),
              "");
  });
  Until([&] {
    return Count("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = '" + options.application_name + "'") ==
           1;
  });
  const EndResult result = bench_.End(c);
  EXPECT_TRUE(result.dead) << result.reason;
  blocked.join();
  ASSERT_TRUE(admin->Run("COMMIT"));
  EXPECT_EQ(Count("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + options.application_name + "'"), 0);
  EXPECT_FALSE(bench_.Exists(c));
}

// The same with one that did not even commit yet.
TEST_F(EndingTest, ACreationThatIsNotCommittedIsUndone) {
  Credential c = bench_.PlannedFor({"orders/public.invoices"});
  pg::ConnectOptions options = SharedServer().Options("orders", "remit", Secret(kRemitPassword));
  options.application_name = Mark(kInstallation, c.record.id);
  auto maker = pg::Connection::Open(options);
  ASSERT_TRUE(maker);
  ASSERT_EQ(StateOf(**maker, "BEGIN; SELECT remit.make('" + c.record.name + "', '" + Verifier(c.plan.secret.Reveal()) +
                                 "', now() + interval '1 day', 1, '{public}', '{invoices}', '{select}')"),
            "");
  bench_.ExpectDies(c);
  EXPECT_NE(StateOf(**maker, "COMMIT"), "");
  EXPECT_FALSE(bench_.Exists(c));
}

TEST_F(EndingTest, AnotherInstallationIsNotTouched) {
  Config config = TargetConfig(SharedServer(), "test2", "remit2");
  Bench other(SharedServer(), config);
  Credential theirs = other.Live(), ours = bench_.Live();
  auto their_session = other.Session(theirs);
  const auto found = bench_.target().Sweep();
  ASSERT_TRUE(found);
  EXPECT_TRUE(
      std::any_of(found->begin(), found->end(), [&](const Found& f) { return f.installation == "test2" && f.credential == theirs.record.id; }));
  EXPECT_TRUE(
      std::any_of(found->begin(), found->end(), [&](const Found& f) { return f.installation == kInstallation && f.name == ours.record.name; }));
  bench_.ExpectDies(ours);
  // A record with another's name is not followed.
  Credential forged = theirs;
  EXPECT_FALSE(bench_.End(forged).dead);
  EXPECT_EQ(StateOf(*their_session, "SELECT * FROM public.invoices"), "");
  other.ExpectDies(theirs);
}

TEST_F(EndingTest, ARoleThatOnlyLooksLikeOursIsNotSwept) {
  SharedServer().Psql("CREATE ROLE remit_test1_crd_01kabcdefghjkmnpqrstvwxyz9; CREATE ROLE remit_test1_crd_nonsense");
  EXPECT_TRUE(bench_.target().Sweep()->empty());
  SharedServer().Psql("DROP ROLE remit_test1_crd_01kabcdefghjkmnpqrstvwxyz9; DROP ROLE remit_test1_crd_nonsense");
}

TEST_F(EndingTest, ARenamedRoleIsReported) {
  Credential c = bench_.Live();
  ASSERT_TRUE(bench_.Admin()->Run("ALTER ROLE " + c.record.name + " RENAME TO hidden"));
  const EndResult result = bench_.End(c);
  EXPECT_FALSE(result.dead);
  EXPECT_THAT(result.reason, HasSubstr("`hidden`"));
  ASSERT_TRUE(bench_.Admin()->Run("ALTER ROLE hidden RENAME TO " + c.record.name));
  bench_.ExpectDies(c);
}

TEST_F(EndingTest, ARoleThatSomebodyElseDroppedLeavesNoSession) {
  Credential c = bench_.Live();
  auto session = bench_.Session(c);
  ASSERT_TRUE(bench_.Admin()->Run("DROP ROLE " + c.record.name));
  bench_.ExpectDies(c);
  EXPECT_NE(StateOf(*session, "SELECT 1"), "");
}

// A login that had shown its password before the end, and turns up as a session after it.
TEST_F(EndingTest, ALateSessionIsEndedWhenItsTimeIsOver) {
  Credential c = bench_.Live();
  auto late = bench_.Session(c);
  // The end as it looks to a session that is not seen yet: role gone, noted as dropped.
  ASSERT_TRUE(bench_.Admin()->Run("INSERT INTO remit.dropped (role) SELECT oid FROM pg_roles WHERE rolname = '" + c.record.name + "'; DROP ROLE " +
                                  c.record.name));
  ASSERT_EQ(StateOf(*late, "SELECT 1"), "");
  ASSERT_TRUE(bench_.target().Sweep());
  Until([&] { return bench_.Sessions(c) == 0; });
  EXPECT_NE(StateOf(*late, "SELECT 1"), "");
  bench_.ExpectDies(c);
}

TEST_F(EndingTest, WithoutThePasswordTheEndIsSaidToBeOne) {
  Credential c = bench_.Live();
  c.plan.secret = Secret();
  const EndResult result = bench_.End(c);
  EXPECT_TRUE(result.dead) << result.reason;
  EXPECT_THAT(result.evidence.back().detail, HasSubstr("not known"));
}

// --- With a server of its own, to stop, start and misconfigure.

class OwnServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<pg::TestServer>();
    Populate(*server_);
    server_->Psql(InitSql(Init()).value());
  }
  static void TearDownTestSuite() { server_.reset(); }
  OwnServerTest() {
    Config config = TargetConfig(*server_);
    config.attempt_limit = std::chrono::seconds(5);
    bench_ = std::make_unique<Bench>(*server_, config);
  }
  // The server's rules for logins, from now on.
  void Hba(const std::vector<std::string>& lines) {
    std::string values;
    for (const std::string& line : lines) values += (values.empty() ? "('" : ", ('") + line + "')";
    const std::string file = server_->Get("data") + "/own_hba.conf";
    server_->Psql("COPY (VALUES " + values + ") TO '" + file + "'; ALTER SYSTEM SET hba_file = '" + file + "'");
    server_->Stop();
    server_->Start();
  }
  static std::unique_ptr<pg::TestServer> server_;
  std::unique_ptr<Bench> bench_;
};
std::unique_ptr<pg::TestServer> OwnServerTest::server_;

TEST_F(OwnServerTest, AServerThatIsDownDelaysTheEnd) {
  Credential c = bench_->Live();
  server_->Stop();
  for (int i = 0; i < 3; ++i) {
    const EndResult result = bench_->End(c);
    EXPECT_FALSE(result.dead);
    EXPECT_FALSE(result.reason.empty());
    EXPECT_TRUE(result.evidence.empty());
    EXPECT_TRUE(result.unreachable);
  }
  server_->Start();
  bench_->ExpectDies(c);
}

TEST_F(OwnServerTest, AMakingThatTheServerDidNotSurviveLeavesNothing) {
  Credential c = bench_->Live();
  server_->Stop();
  Credential down = bench_->PlannedFor({"orders/public.invoices"});
  const Status status = bench_->TryMake(down);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  server_->Start();
  bench_->ExpectDies(down);
  bench_->ExpectDies(c);
}

TEST_F(OwnServerTest, ARefusalByPgHbaIsNoEvidence) {
  Credential c = bench_->Live();
  const std::string superuser = "host all postgres 127.0.0.1/32 trust";
  Hba({superuser, "host all remit 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 reject"});
  const EndResult result = bench_->End(c);
  EXPECT_FALSE(result.dead);
  EXPECT_THAT(result.reason, HasSubstr("proves nothing"));
  EXPECT_FALSE(bench_->Exists(c));
  Hba({superuser, "host all all 127.0.0.1/32 scram-sha-256"});
  bench_->ExpectDies(c);
}

TEST_F(OwnServerTest, AClusterThatIsNotTheOneIsNotBelieved) {
  Credential c = bench_->Live();
  pg::TestServer twin;
  Populate(twin);
  twin.Psql(InitSql(Init()).value());
  Config config = TargetConfig(twin);
  Bench there(twin, config);
  const EndResult result = there.End(c);
  EXPECT_FALSE(result.dead);
  EXPECT_THAT(result.reason, HasSubstr("another cluster"));
  config.former_systems = {c.record.notes.at("system")};
  Bench told(twin, config);
  Credential copy = c;
  EXPECT_TRUE(told.End(copy).dead);
  bench_->ExpectDies(c);
}

TEST_F(OwnServerTest, AFullServerIsNoEvidence) {
  Credential c = bench_->Live();
  // Every place is taken, the superusers' too; Remit's own role holds one already, so that only the probe finds none.
  ASSERT_TRUE(bench_->target().Ping());
  auto watcher = bench_->Admin();
  std::vector<std::unique_ptr<pg::Connection>> crowd;
  Until([&] {
    if (auto connection = pg::Connection::Open(server_->Options())) crowd.push_back(std::move(*connection));
    return watcher->Exec("SELECT count(*) >= current_setting('max_connections')::int FROM pg_stat_activity WHERE backend_type = 'client backend'")
        ->Bool(0, 0);
  });
  const EndResult result = bench_->End(c);
  EXPECT_FALSE(result.dead);
  EXPECT_THAT(result.reason, HasSubstr("53300"));
  crowd.clear();
  Until([&] { return bench_->End(c).dead; });
  EXPECT_FALSE(bench_->Exists(c));
}

}  // namespace
}  // namespace remit::target::postgres
