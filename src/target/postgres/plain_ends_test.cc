// Ends that share their statements: one that resists, or fails, is nobody else's trouble.
#include "target/postgres/plain_ends.h"

#include <thread>

#include "target/postgres/fixture.h"

namespace remit::target::postgres {
namespace {

using testing::HasSubstr;

template <class Condition>
void Until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

class PlainEndsTest : public testing::Test {
 protected:
  PlainEndsTest() {
    Config config = TargetConfig(SharedServer());
    config.pool_size = 1;
    auto server = Server::Create(std::move(config));
    REMIT_CHECK(server.has_value());
    server_ = std::move(*server);
    ends_ = std::make_unique<PlainEnds>(*server_, bench_.clock());
  }
  ~PlainEndsTest() override {
    Credential first = first_;
    EXPECT_TRUE(bench_.End(first).dead);
  }
  // Ends all of them in one batch: another one is under way until all of them wait, since it waits for the only connection.
  std::vector<PlainEnds::Outcome> EndTogether(const std::vector<Credential>& credentials) {
    std::vector<PlainEnds::Outcome> outcomes(credentials.size());
    REMIT_CHECK(first_.record.notes.contains("oid"));
    std::optional<pg::Pool::Lease> only(server_->Admin().value());
    std::vector<std::jthread> enders;
    enders.emplace_back([&] { EXPECT_TRUE(ends_->End(first_.record).gone); });
    Until([&] { return ends_->load().under_way == 1; });
    for (std::size_t i = 0; i < credentials.size(); ++i) enders.emplace_back([&, i] { outcomes[i] = ends_->End(credentials[i].record); });
    Until([&] { return ends_->load().waiting == credentials.size(); });
    log_from_ = SharedServer().Log().size();
    only.reset();
    enders.clear();
    return outcomes;
  }
  std::vector<Credential> Live(int count) {
    std::vector<Credential> credentials;
    for (int i = 0; i < count; ++i) credentials.push_back(bench_.Live());
    return credentials;
  }
  // How often the server ran a statement with these words since all of a batch waited.
  int Ran(const std::string& words) {
    const std::string log = SharedServer().Log().substr(log_from_);
    int count = 0;
    for (std::size_t at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++count;
    return count;
  }

  Bench bench_{SharedServer()};
  std::unique_ptr<Server> server_;
  std::unique_ptr<PlainEnds> ends_;
  const Credential first_ = bench_.Live();
  std::size_t log_from_ = 0;
};

TEST_F(PlainEndsTest, OneThatNobodyUsesIsGoneWithItsEvidence) {
  Credential c = bench_.Live();
  const PlainEnds::Outcome outcome = ends_->End(c.record);
  EXPECT_TRUE(outcome.gone);
  ASSERT_EQ(outcome.evidence.size(), 2u);
  EXPECT_EQ(outcome.evidence[0].step, "disarmed");
  EXPECT_THAT(outcome.evidence[1].detail, HasSubstr(c.record.notes.at("oid")));
  EXPECT_FALSE(bench_.Exists(c));
  EXPECT_FALSE(pg::TryLogin(bench_.Login(c)).accepted);
}

TEST_F(PlainEndsTest, ThoseThatWaitShareTheirCommits) {
  const std::vector<Credential> credentials = Live(8);
  const std::vector<PlainEnds::Outcome> outcomes = EndTogether(credentials);
  for (std::size_t i = 0; i < credentials.size(); ++i) {
    EXPECT_TRUE(outcomes[i].gone);
    EXPECT_FALSE(bench_.Exists(credentials[i]));
    EXPECT_FALSE(pg::TryLogin(bench_.Login(credentials[i])).accepted);
  }
  // The first one's, and one for the eight.
  EXPECT_EQ(Ran("SELECT rolname, remit.disarm(oid)"), 2);
  EXPECT_EQ(Ran("SELECT rolname, remit.drop(oid)"), 2);
}

TEST_F(PlainEndsTest, WhatResistsIsLeftAndHoldsUpNobody) {
  std::vector<Credential> credentials = Live(7);
  auto idle = bench_.Session(credentials[0]);
  ASSERT_EQ(StateOf(*bench_.Session(credentials[1]), "BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'; PREPARE TRANSACTION 'kept'"), "");
  bench_.Admin()->Run("ALTER ROLE " + credentials[2].record.name + " RENAME TO somebody_else").value();
  credentials[3].record.notes["oid"] = credentials[4].record.notes["oid"];  // another's
  credentials[5].record.notes["system"] = "1";                              // another cluster's
  const std::vector<PlainEnds::Outcome> outcomes = EndTogether(credentials);
  for (const std::size_t left : {0, 1, 3, 5}) {
    EXPECT_FALSE(outcomes[left].gone) << left;
    EXPECT_TRUE(outcomes[left].evidence.empty()) << left;
    EXPECT_TRUE(bench_.Exists(credentials[left])) << left;
  }
  EXPECT_EQ(StateOf(*idle, "SELECT count(*) FROM public.invoices"), "");  // cutting off is not done here
  EXPECT_FALSE(outcomes[2].gone);
  EXPECT_TRUE(outcomes[4].gone);
  EXPECT_TRUE(outcomes[6].gone);

  bench_.Admin()->Run("ALTER ROLE somebody_else RENAME TO " + credentials[2].record.name).value();
  credentials[5].record.notes["system"] = credentials[6].record.notes["system"];
  for (const std::size_t left : {0, 1, 2, 5}) bench_.ExpectDies(credentials[left]);
  credentials[3].record.notes.erase("oid");
  bench_.ExpectDies(credentials[3]);
}

// A statement that fails for one is undone for all of its batch, and each is ended by itself then.
TEST_F(PlainEndsTest, ALockOfSomebodyElsesDelaysOnlyTheOneThatItHolds) {
  std::vector<Credential> credentials = Live(3);
  auto admin = bench_.Admin();
  admin->Run("BEGIN; ALTER ROLE " + credentials[1].record.name + " CONNECTION LIMIT 7").value();
  for (const PlainEnds::Outcome& outcome : EndTogether(credentials)) {
    EXPECT_FALSE(outcome.gone);
    EXPECT_TRUE(outcome.evidence.empty());
  }
  bench_.ExpectDies(credentials[0]);
  bench_.ExpectDies(credentials[2]);
  EXPECT_TRUE(bench_.Exists(credentials[1]));
  admin->Run("COMMIT").value();
  bench_.ExpectDies(credentials[1]);
}

// What was tried before has met something, and what has no OID may still be in the making: both are ended step by step.
TEST_F(PlainEndsTest, OnlyAFirstAttemptIsPlain) {
  std::vector<Credential> credentials = Live(2);
  credentials[0].record.evidence.push_back({"disarmed", "before", bench_.clock().Now()});
  credentials[1].record.notes.erase("oid");
  for (Credential& c : credentials) {
    const PlainEnds::Outcome outcome = ends_->End(c.record);
    EXPECT_FALSE(outcome.gone);
    EXPECT_TRUE(bench_.Exists(c));
    bench_.ExpectDies(c);
  }
}

// A server that can be broken, and one credential that lives there.
class PlainEndsOwnServerTest : public testing::Test {
 protected:
  PlainEndsOwnServerTest() : bench_(Prepared(postgres_)) {
    auto server = Server::Create(TargetConfig(postgres_));
    REMIT_CHECK(server.has_value());
    server_ = std::move(*server);
    ends_ = std::make_unique<PlainEnds>(*server_, bench_.clock());
    credential_ = bench_.Live();
  }
  static pg::TestServer& Prepared(pg::TestServer& postgres) {
    Populate(postgres);
    postgres.Psql(InitSql(Init()).value());
    return postgres;
  }

  pg::TestServer postgres_;
  Bench bench_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<PlainEnds> ends_;
  Credential credential_;
};

// A server that pretends to disarm is not believed: the next statement looks.
TEST_F(PlainEndsOwnServerTest, WhatWasNotDisarmedIsNotDropped) {
  postgres_.Psql("CREATE OR REPLACE FUNCTION remit.disarm(the_role oid) RETURNS void LANGUAGE sql SECURITY DEFINER AS ''", "orders");
  const PlainEnds::Outcome outcome = ends_->End(credential_.record);
  EXPECT_FALSE(outcome.gone);
  EXPECT_TRUE(outcome.evidence.empty());
  EXPECT_TRUE(bench_.Exists(credential_));
  postgres_.Psql(InitSql(Init()).value());
  bench_.ExpectDies(credential_);
}

TEST_F(PlainEndsOwnServerTest, AServerThatDoesNotAnswerIsAskedOnceForAll) {
  postgres_.Stop();
  const PlainEnds::Outcome outcome = ends_->End(credential_.record);
  EXPECT_FALSE(outcome.gone);
  ASSERT_TRUE(outcome.unreachable);
  EXPECT_EQ(outcome.unreachable->code, Code::kUnavailable);
  postgres_.Start();
  bench_.ExpectDies(credential_);
}

}  // namespace
}  // namespace remit::target::postgres
