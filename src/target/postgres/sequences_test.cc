// An INSERT comes with the sequences that the table's own columns draw their numbers from, with those alone, and with no more than drawing one.
#include "target/postgres/check.h"
#include "target/postgres/fixture.h"

namespace remit::target::postgres {
namespace {

constexpr const char* kInsert = "INSERT INTO public.payments (amount) VALUES (1)";

// A server of its own: what becomes of a sequence is seen by every test of a table that draws on it.
class SequencesTest : public testing::Test {
 protected:
  SequencesTest() {
    Populate(server_);
    server_.Psql(R"(
      \connect orders
      CREATE TABLE public.refunds (id serial PRIMARY KEY, amount int); CREATE SEQUENCE public.shared;
      CREATE TABLE public.tickets (id int DEFAULT nextval('public.shared'), again serial, "Odd" bigserial, who int GENERATED ALWAYS AS IDENTITY, note text);
    )");
    init_.tables.push_back({"public", "tickets", "insert"});
    init_.tables.push_back({"public", "tickets", "update"});
    server_.Psql(InitSql(init_).value());
  }

  Credential Inserting(const std::string& table = "orders/public.payments") {
    Credential c = bench_.Planned({On(table, "insert")});
    c.record.permissions.permissions = {On(table, "insert")};
    return c;
  }
  std::string ReasonOf(const std::string& table = "orders/public.payments") {
    Credential c = Inserting(table);
    const Status made = bench_.TryMake(c);
    bench_.ExpectDies(c);
    return made ? "" : made.error().reason;
  }
  std::vector<std::string> Lacked() {
    std::vector<std::string> lines;
    const Result<CheckReport> report = bench_.target().Check();
    EXPECT_TRUE(report) << report.error().ToString();
    if (!report) return {};
    for (const LackedSequence& one : report->lacked) lines.push_back(one.table + " " + one.sequence + (one.own ? " own" : ""));
    return lines;
  }
  std::string Scope(const std::string& table, const std::string& privilege = "insert") {
    return ScopeRoleName(kInstallation, "orders", {"public", table, privilege});
  }

  pg::TestServer server_;
  Bench bench_{server_};
  InitOptions init_ = Init();
};

TEST_F(SequencesTest, ASerialColumnIsFilledAndNothingElseIsDoneWithItsSequence) {
  Credential c = Inserting();
  const Status made = bench_.TryMake(c);
  ASSERT_TRUE(made) << made.error().ToString();
  auto session = bench_.Session(c);
  EXPECT_EQ(c.record.notes.at("brings"), "USAGE on sequence public.payments_id_seq");  // the receipt says so
  EXPECT_EQ(StateOf(*session, kInsert), "");
  EXPECT_EQ(StateOf(*session, "SELECT currval('public.payments_id_seq')"), "");
  for (const char* sql : {"SELECT setval('public.payments_id_seq', 1)", "SELECT last_value FROM public.payments_id_seq",
                          "ALTER SEQUENCE public.payments_id_seq RESTART", "SELECT nextval('public.refunds_id_seq')",
                          "SELECT nextval('public.shared')", "SELECT * FROM public.payments"})
    EXPECT_EQ(StateOf(*session, sql), "42501") << sql;
  bench_.ExpectDies(c);
}

TEST_F(SequencesTest, OnlyInsertBringsThemAndOnlyThoseThatTheTableOwns) {
  auto admin = bench_.Admin();
  const auto uses = [&](const std::string& role, const std::string& sequence) {
    return admin->Exec("SELECT has_sequence_privilege($1::name, $2::text, 'USAGE')", {role, sequence})->Bool(0, 0);
  };
  EXPECT_TRUE(uses(Scope("tickets"), "public.tickets_again_seq"));
  EXPECT_TRUE(uses(Scope("tickets"), R"(public."tickets_Odd_seq")"));
  EXPECT_FALSE(uses(Scope("tickets"), "public.tickets_who_seq"));  // an identity column's needs none
  EXPECT_FALSE(uses(Scope("tickets"), "public.shared"));
  EXPECT_FALSE(uses(Scope("tickets", "update"), "public.tickets_again_seq"));
  Credential c = Inserting("orders/public.tickets");
  ASSERT_TRUE(bench_.TryMake(c));
  EXPECT_EQ(c.record.notes.at("brings"), "USAGE on sequence public.\"tickets_Odd_seq\"\nUSAGE on sequence public.tickets_again_seq");
  EXPECT_EQ(StateOf(*bench_.Session(c), "INSERT INTO public.tickets (note) VALUES ('x')"), "42501");
  EXPECT_EQ(StateOf(*bench_.Session(c), "INSERT INTO public.tickets (id, note) VALUES (7, 'x')"), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(Lacked(), std::vector<std::string>{"public.tickets public.shared"});  // which no script mends
}

// Whatever is done with sequences after the script: a task gets no other one by it.
TEST_F(SequencesTest, AnotherTablesSequenceThatIsOwnedAnewWidensNothing) {
  auto admin = bench_.Admin();
  ASSERT_TRUE(admin->Run("ALTER SEQUENCE public.refunds_id_seq OWNED BY public.payments.amount"));
  ASSERT_TRUE(admin->Run("ALTER TABLE public.payments ALTER amount SET DEFAULT nextval('public.refunds_id_seq')"));
  Credential c = Inserting();
  ASSERT_TRUE(bench_.TryMake(c));  // it is as it was made: without that sequence
  EXPECT_EQ(StateOf(*bench_.Session(c), "SELECT nextval('public.refunds_id_seq')"), "42501");
  EXPECT_EQ(StateOf(*bench_.Session(c), kInsert), "");
  bench_.ExpectDies(c);
  EXPECT_THAT(Lacked(), testing::Contains("public.payments public.refunds_id_seq own"));
  ASSERT_TRUE(admin->Run("GRANT USAGE ON SEQUENCE public.refunds_id_seq TO " + Scope("payments")));
  EXPECT_EQ(ReasonOf(), "scope-tampered");
}

TEST_F(SequencesTest, AScopeRoleWhoseSequencesAreNotAsTheyWereIsRefused) {
  const std::string scope = Scope("payments");
  const std::vector<std::pair<std::string, std::string>> attacks{
      {"ALTER SEQUENCE public.payments_id_seq OWNED BY public.refunds.id", "ALTER SEQUENCE public.payments_id_seq OWNED BY public.payments.id"},
      {"ALTER SEQUENCE public.payments_id_seq OWNED BY NONE", "ALTER SEQUENCE public.payments_id_seq OWNED BY public.payments.id"},
      {"ALTER SEQUENCE public.payments_id_seq OWNED BY public.payments.amount", "ALTER SEQUENCE public.payments_id_seq OWNED BY public.payments.id"},
      {"ALTER TABLE public.payments ALTER id SET DEFAULT 7", "ALTER TABLE public.payments ALTER id SET DEFAULT nextval('public.payments_id_seq')"},
      {"GRANT UPDATE ON SEQUENCE public.payments_id_seq TO @", "REVOKE UPDATE ON SEQUENCE public.payments_id_seq FROM @"},
      {"GRANT SELECT ON SEQUENCE public.payments_id_seq TO @", "REVOKE SELECT ON SEQUENCE public.payments_id_seq FROM @"},
      {"GRANT USAGE ON SEQUENCE public.payments_id_seq TO @ WITH GRANT OPTION",
       "REVOKE GRANT OPTION FOR USAGE ON SEQUENCE public.payments_id_seq FROM @"},
      {"GRANT USAGE ON SEQUENCE public.shared TO @", "REVOKE USAGE ON SEQUENCE public.shared FROM @"},
      {"REVOKE USAGE ON SEQUENCE public.payments_id_seq FROM @", "GRANT USAGE ON SEQUENCE public.payments_id_seq TO @"},
  };
  auto admin = bench_.Admin();
  for (const auto& [attack, undo] : attacks) {
    const auto with = [&](std::string sql) { return sql.find('@') == std::string::npos ? sql : sql.replace(sql.find('@'), 1, scope); };
    ASSERT_TRUE(admin->Run(with(attack))) << attack;
    EXPECT_EQ(ReasonOf(), "scope-tampered") << attack;
    ASSERT_TRUE(admin->Run(with(undo))) << undo;
    EXPECT_EQ(ReasonOf(), "") << undo;
  }
  // The scope role of another privilege is given none, by nobody.
  ASSERT_TRUE(admin->Run("GRANT USAGE ON SEQUENCE public.payments_id_seq TO " + Scope("invoices")));
  EXPECT_EQ(ReasonOf("orders/public.invoices"), "scope-tampered");
}

TEST_F(SequencesTest, AColumnThatIsDroppedTakesItsSequenceAlong) {
  ASSERT_TRUE(bench_.Admin()->Run("ALTER TABLE public.payments DROP COLUMN id"));
  EXPECT_EQ(ReasonOf(), "");
}

TEST_F(SequencesTest, TheScriptRunAgainFollowsTheTableAndKeepsTheRoleForWhoHoldsIt) {
  Credential c = Inserting();
  ASSERT_TRUE(bench_.TryMake(c));
  auto session = bench_.Session(c);
  ASSERT_TRUE(bench_.Admin()->Run("ALTER TABLE public.payments ADD COLUMN line serial"));
  EXPECT_EQ(StateOf(*session, kInsert), "42501");
  EXPECT_THAT(Lacked(), testing::Contains("public.payments public.payments_line_seq own"));
  server_.Psql(InitSql(init_).value());
  EXPECT_EQ(StateOf(*session, kInsert), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(Lacked(), std::vector<std::string>{"public.tickets public.shared"});
  EXPECT_EQ(ReasonOf(), "");
}

// As a script of before made it: without the column that lists sequences, and without a grant on any.
TEST_F(SequencesTest, AServerThatAnOlderScriptPreparedGoesOnAndIsMendedByThisOne) {
  const std::string scope = Scope("payments");
  auto admin = bench_.Admin();
  ASSERT_TRUE(admin->Run("REVOKE USAGE ON SEQUENCE public.payments_id_seq FROM " + scope));
  ASSERT_TRUE(admin->Run("UPDATE remit.scope SET sequences = '{}'"));
  Credential c = Inserting();
  ASSERT_TRUE(bench_.TryMake(c));
  EXPECT_EQ(StateOf(*bench_.Session(c), kInsert), "42501");
  EXPECT_EQ(StateOf(*bench_.Session(c), "INSERT INTO public.payments VALUES (1001, 1)"), "");
  EXPECT_THAT(Lacked(), testing::Contains("public.payments public.payments_id_seq own"));
  ASSERT_TRUE(admin->Run("ALTER TABLE remit.scope DROP COLUMN sequences"));
  server_.Psql(InitSql(init_).value());
  EXPECT_EQ(StateOf(*bench_.Session(c), kInsert), "");
  bench_.ExpectDies(c);
  EXPECT_EQ(ReasonOf(), "");
}

}  // namespace
}  // namespace remit::target::postgres
