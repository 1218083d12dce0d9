// "Everyone in the request's chain (starter, owner, parents' starters) is excluded": whoever answers for an agent says no yes to what it asks for.
#include "broker/life_bench.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;

class OwnerTest : public BrokerTest {
 protected:
  std::string Refused(const std::string& person, const std::string& approval) {
    auto answer = bench.Approve(bench.Person(person), approval);
    return answer ? "" : answer.error().reason;
  }
  Result<json::Value> PutActor(ActorRecord actor, const Caller& by = Bench::Operator()) {
    std::optional<Result<json::Value>> answer;
    bench.broker().PutActor(by, std::move(actor), [&](Result<json::Value> a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  json::Value Bot() {
    const auto listed = bench.broker().ListActors(Bench::Operator());
    for (const json::Value& one : listed->Find("actors")->AsArray())
      if (*one.FindString("uid") == "Agent::\"bot\"") return one;
    return {};
  }
  std::string Owner() {
    const json::Value bot = Bot();
    const std::string* owner = bot.FindString("owner");
    return owner == nullptr ? "" : *owner;
  }
  static ActorRecord Record() { return {{"Agent", "bot"}, "", nullptr, std::nullopt, false}; }
};

TEST_F(OwnerTest, DoesNotApproveAStartOfTheirOwnAgent) {
  bench.PutOwner("bot", "ann");
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(started.has_value());
  auto own = bench.Approve(bench.Person("ann"), started->approval);
  ASSERT_FALSE(own.has_value());
  EXPECT_EQ(own.error().reason, "own-request");
  EXPECT_EQ(own.error().message, "Employee::\"ann\" owns Agent::\"bot\", which is in the request's chain, and does not approve it");
  EXPECT_EQ(Refused("bob", started->approval), "");
  EXPECT_EQ(bench.StateOf(started->task.id), "requested");  // of two, one
}

// "Who was owner at the request, or is now": a change in between frees nobody.
TEST_F(OwnerTest, IsNotFreedByAChangeBetweenTheRequestAndTheYes) {
  bench.PutOwner("bot", "ann");
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(started.has_value());
  bench.Pass(minutes(1));
  bench.PutOwner("bot", "bob");
  EXPECT_EQ(Refused("ann", started->approval), "own-request");
  EXPECT_EQ(Refused("bob", started->approval), "own-request");
  bench.PutOwner("bot", "");
  EXPECT_EQ(Refused("ann", started->approval), "own-request");
  EXPECT_EQ(Refused("bob", started->approval), "own-request");
  bench.Restart();
  EXPECT_EQ(Refused("ann", started->approval), "own-request");
  EXPECT_EQ(Refused("bob", started->approval), "own-request");
  // What is asked for from now on is none of theirs.
  bench.Pass(minutes(1));
  auto later = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(later.has_value());
  EXPECT_EQ(Refused("ann", later->approval), "");
  EXPECT_EQ(Refused("bob", later->approval), "");
  EXPECT_EQ(bench.StateOf(later->task.id), "active");
}

TEST_F(OwnerTest, AYesThatStandsNoLongerCountsOnceItIsTheOwners) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_EQ(Refused("ann", started->approval), "");
  bench.PutOwner("bot", "ann");
  ASSERT_EQ(Refused("bob", started->approval), "");
  EXPECT_EQ(bench.StateOf(started->task.id), "requested");
}

TEST_F(OwnerTest, DoesNotApproveAUse) {
  bench.PutOwner("bot", "ann");
  StartAnswer started = Triage("T-2");
  const auto asked = bench.Use(started.task.id, "ticket.comment", "T-2");
  ASSERT_EQ(asked->reason, "needs-approval");
  EXPECT_EQ(Refused("ann", asked->approval), "own-request");
  EXPECT_EQ(Refused("bob", asked->approval), "");
  // Nor does a yes that was given count for whoever is the owner when it is spent.
  bench.PutOwner("bot", "bob");
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.comment", "T-2"));
}

TEST_F(OwnerTest, IsAPersonWhoIsThereAndStaysWhereNobodySaysOtherwise) {
  ActorRecord actor = Record();
  for (const cedar::EntityUid& nobody :
       {cedar::EntityUid{"Agent", "helpdesk"}, cedar::EntityUid{"Employee", "nobody"}, cedar::EntityUid{"Team", "leads"}}) {
    actor.owner = nobody;
    auto put = PutActor(actor);
    EXPECT_EQ(put ? "" : put.error().reason, "bad-owner") << nobody.ToString();
  }
  bench.PutOwner("bot", "ann");
  EXPECT_EQ(*bench.Events().back().FindString("owner"), "Employee::\"ann\"");
  actor.owner.reset();
  ASSERT_TRUE(PutActor(actor));  // another key, say
  EXPECT_EQ(Owner(), "Employee::\"ann\"");
  bench.Restart();
  EXPECT_EQ(Owner(), "Employee::\"ann\"");
  actor.owner.emplace();
  ASSERT_TRUE(PutActor(actor));
  EXPECT_EQ(Owner(), "");
  ASSERT_EQ(Bot().Find("was_owned_by")->AsArray().size(), 1u);
  EXPECT_EQ(*Bot().Find("was_owned_by")->AsArray()[0].FindString("person"), "Employee::\"ann\"");
}

// Rows of before have no owner.
TEST_F(OwnerTest, ARowOfBeforeIsRead) {
  store::Batch batch;
  batch.writes.push_back({store::Table::kActor, "Agent::\"bot\"", R"({"barred":false,"client_id":"bot","uid":"Agent::\"bot\""})"});
  ASSERT_TRUE(bench.store().CommitNow(std::move(batch)));
  bench.Restart();
  EXPECT_EQ(*Bot().FindString("client_id"), "bot");
  EXPECT_EQ(Owner(), "");
}

class OwnedLifeTest : public LifeBenchTest {};

TEST_F(OwnedLifeTest, DoNotApproveMoreTime) {
  const StartAnswer box = bench.Start("box", {{"box", "b1"}}).value();
  auto asked = bench.Extend(bench.Holder(box), box.task.id, minutes(5));
  ASSERT_TRUE(asked.has_value()) << asked.error().ToString();
  ASSERT_FALSE(asked->approval.empty());
  bench.PutOwner("bot", "ann");
  auto yes = bench.Approve(bench.Person("ann"), asked->approval);
  ASSERT_FALSE(yes.has_value());
  EXPECT_EQ(yes.error().reason, "own-request");
  EXPECT_TRUE(bench.Approve(bench.Person("bob"), asked->approval));
}

}  // namespace
}  // namespace remit::broker
