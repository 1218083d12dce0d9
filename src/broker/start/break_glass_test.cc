// A start without approval: for whom the catalog permits it, short, with a reason, told to everybody who was not asked, and signed for.
#include "broker/test_bench.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;

class BreakGlassTest : public BrokerTest {
 protected:
  void SetUp() override {
    Load(R"(@id("emergency") permit (principal == Agent::"bot", action == Remit::Action::"break_glass", resource is Change);)");
  }
  void Load(const std::string& more, const std::string& annotations = "@break_glass(\"5m\")") {
    bench.LoadCatalog(std::string(kPolicies) + more, Bench::Annotated("change", annotations));
  }
  Result<StartAnswer> Break(const std::string& reason = "the site is down", std::optional<Duration> ttl = std::nullopt,
                            const Caller& by = Bench::Agent(), const std::string& type = "change") {
    StartRequest request;
    request.type = type;
    request.parameters = json::Object{{"ticket", "T-1"}};
    request.reason = reason;
    request.ttl = ttl;
    request.break_glass = true;
    return bench.Start(std::move(request), by);
  }
  std::string Refused(const std::string& reason = "the site is down", std::optional<Duration> ttl = std::nullopt) {
    auto started = Break(reason, ttl);
    return started ? "" : started.error().reason;
  }
  Result<json::Value> Review(const Caller& by, const std::string& task, const std::string& note = "") {
    std::optional<Result<json::Value>> answer;
    bench.broker().Review(by, task, note, [&](auto a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "review did not answer");
  }
  std::size_t Open(const Caller& by = Bench::Operator()) { return bench.broker().ListReviews(by)->Find("reviews")->AsArray().size(); }
};

TEST_F(BreakGlassTest, StartsAtOnceForAShortTimeAndTellsWhoWasNotAsked) {
  auto started = Break();
  ASSERT_TRUE(started) << started.error().ToString();
  EXPECT_EQ(bench.StateOf(started->task.id), "active");
  EXPECT_EQ(started->task.deadline - *started->task.started, minutes(5));
  EXPECT_EQ(started->task.max_ttl, minutes(5));
  EXPECT_TRUE(bench.Allowed(started->task.id, "ticket.close", "T-1"));
  const json::Value event = bench.EventOf("task.break-glass");
  EXPECT_EQ(*event.FindString("task"), started->task.id);
  EXPECT_EQ(*event.FindString("reason"), "the site is down");
  EXPECT_EQ(event.Find("approvals_skipped")->AsInt(), 2);
  EXPECT_EQ(*event.Find("not_asked"), *json::Parse(R"(["Employee::\"ann\"", "Employee::\"bob\""])"));
  EXPECT_EQ(bench.broker().counters().open_reviews, 1u);
  bench.Pass(minutes(5));
  EXPECT_EQ(bench.StateOf(started->task.id), "expired");
}

TEST_F(BreakGlassTest, IsForWhomAPolicySaysSo) {
  Load("");
  EXPECT_EQ(Refused(), "break-glass-denied");  // who may start it may not start it so
  Load(R"(@id("x") permit (principal, action == Remit::Action::"start", resource);)");
  EXPECT_EQ(Refused(), "break-glass-denied");
  Load(R"(@id("y") permit (principal, action == Remit::Action::"break_glass", resource);
          @id("n") forbid (principal, action == Remit::Action::"break_glass", resource) when { principal == Agent::"bot" };)");
  EXPECT_EQ(Refused(), "break-glass-denied");
}

TEST_F(BreakGlassTest, IsForTypesThatSaySo) {
  Load(R"(@id("y") permit (principal, action == Remit::Action::"break_glass", resource);)", "@doc(\"none\")");
  EXPECT_EQ(Refused(), "no-break-glass");
}

TEST_F(BreakGlassTest, LiftsNothingButTheWaitForPeople) {
  Load(R"(@id("y") permit (principal, action == Remit::Action::"break_glass", resource);)");
  // Who may not start it at all may not start it so.
  EXPECT_EQ(Break("x", std::nullopt, Bench::Agent("helpdesk")).error().reason, "start-denied");
  Load(R"(@id("y") permit (principal, action == Remit::Action::"break_glass", resource);
          @id("never") forbid (principal, action == Remit::Action::"start", resource is Change);)");
  EXPECT_EQ(Refused(), "start-denied");
}

TEST_F(BreakGlassTest, NeedsAReasonAndIsShort) {
  EXPECT_EQ(Refused(""), "bad-reason");
  EXPECT_EQ(Refused("  \t"), "bad-reason");
  EXPECT_EQ(Refused("x", minutes(6)), "too-long");
  EXPECT_EQ(Refused("x", minutes(2)), "");
  Load(R"(@id("emergency") permit (principal, action == Remit::Action::"break_glass", resource is Change);)",
       "@break_glass(\"5m\") @reason(\"INC-[0-9]+\")");
  EXPECT_EQ(Refused("the site is down"), "bad-reason");
  EXPECT_EQ(Refused("INC-7"), "");
}

TEST_F(BreakGlassTest, IsNotForWhatNobodyHasToApprove) {
  std::string none(kPolicies);
  none.erase(none.find("@id(\"two\")"), none.find("@id(\"approve\")") - none.find("@id(\"two\")"));
  bench.LoadCatalog(none + R"(@id("y") permit (principal, action == Remit::Action::"break_glass", resource);)",
                    Bench::Annotated("change", "@break_glass(\"5m\")"));
  EXPECT_EQ(Refused(), "break-glass-not-needed");
}

TEST_F(BreakGlassTest, CannotLieAheadAndKeepsBudgets) {
  StartRequest request;
  request.type = "change";
  request.parameters = json::Object{{"ticket", "T-1"}};
  request.reason = "x";
  request.break_glass = true;
  request.at = bench.clock.Now() + minutes(10);
  EXPECT_EQ(bench.Start(std::move(request)).error().reason, "bad-start-time");
  Load(R"(@id("emergency") permit (principal, action == Remit::Action::"break_glass", resource is Change);)",
       "@break_glass(\"5m\") @max_starts(\"1 per 24h by ticket\")");
  EXPECT_EQ(Refused(), "");
  EXPECT_EQ(Refused(), "budget-used-up");
}

TEST_F(BreakGlassTest, ATaskCannotStartOneForItself) {
  auto started = Break();
  ASSERT_TRUE(started);
  for (const Secret* handle : {&started->token, &started->holder})
    EXPECT_EQ(Break("x", std::nullopt, bench.broker().FindHandle(handle->Reveal())).error().reason, "not-an-actor");
}

// Policy sees how many reviews are open: nobody makes a habit of it.
TEST_F(BreakGlassTest, TwiceOnlyAfterTheFirstWasSignedFor) {
  Load(R"(@id("emergency") permit (principal == Agent::"bot", action == Remit::Action::"break_glass", resource is Change);
          @id("once") forbid (principal, action == Remit::Action::"break_glass", resource) when { context.open_reviews >= 1 };)");
  auto started = Break();
  ASSERT_TRUE(started);
  EXPECT_EQ(Refused(), "break-glass-denied");
  bench.Restart();
  EXPECT_EQ(Refused(), "break-glass-denied");
  ASSERT_TRUE(bench.Complete(*started));
  EXPECT_EQ(Refused(), "break-glass-denied");
  ASSERT_TRUE(Review(bench.Person("ann"), started->task.id));
  EXPECT_EQ(Refused(), "");
}

TEST_F(BreakGlassTest, OfTwoAtOnceOnePasses) {
  Load(R"(@id("emergency") permit (principal == Agent::"bot", action == Remit::Action::"break_glass", resource is Change);
          @id("once") forbid (principal, action == Remit::Action::"break_glass", resource) when { context.open_reviews >= 1 };)");
  bench.store().HoldCommits();
  int started = 0;
  for (int i = 0; i < 2; ++i) {
    StartRequest request;
    request.type = "change";
    request.parameters = json::Object{{"ticket", "T-1"}};
    request.reason = "x";
    request.break_glass = true;
    bench.broker().Start(Bench::Agent(), std::move(request), [&](auto a) { started += a.has_value(); });
  }
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(started, 1);
  EXPECT_EQ(bench.broker().counters().open_reviews, 1u);
}

TEST_F(BreakGlassTest, OneThatWasNotWrittenDownLeavesNoReview) {
  bench.store().FailNext(1, Error(Code::kResourceExhausted, "store-full", "full"));
  EXPECT_EQ(Refused(), "store-full");
  EXPECT_EQ(Open(), 0u);
}

// --- the review ------------------------------------------------------------------------------------------------------------------------

TEST_F(BreakGlassTest, TheReviewStaysOpenUntilSomebodySigns) {
  auto started = Break();
  ASSERT_TRUE(started);
  EXPECT_EQ(Review(bench.Person("ann"), started->task.id).error().reason, "wrong-state");  // what will be done cannot be signed for
  ASSERT_TRUE(bench.Complete(*started));
  bench.Pass(std::chrono::hours(30));
  bench.Restart();
  EXPECT_EQ(Open(), 1u);
  EXPECT_EQ(Open(bench.Person("ann")), 1u);
  EXPECT_EQ(Open(bench.Person("eve")), 0u);
  EXPECT_FALSE(bench.broker().IsOver(started->task.id)) << "somebody is still asked";
  auto signed_for = Review(bench.Person("ann"), started->task.id, "as the incident needed");
  EXPECT_TRUE(bench.broker().IsOver(started->task.id));
  ASSERT_TRUE(signed_for) << signed_for.error().ToString();
  EXPECT_EQ(*signed_for->Find("review")->FindString("person"), "Employee::\"ann\"");
  const json::Value event = bench.EventOf("task.reviewed");
  EXPECT_EQ(*event.FindString("by"), "Employee::\"ann\"");
  EXPECT_EQ(*event.FindString("note"), "as the incident needed");
  EXPECT_EQ(Open(), 0u);
  EXPECT_EQ(bench.broker().counters().open_reviews, 0u);
  EXPECT_EQ(Review(bench.Person("bob"), started->task.id).error().reason, "already-reviewed");
  bench.Restart();
  EXPECT_EQ(Open(), 0u);
  EXPECT_EQ(*bench.broker().ShowTask(Bench::Operator(), started->task.id)->Find("review")->FindString("person"), "Employee::\"ann\"");
}

TEST_F(BreakGlassTest, IsSignedByAPersonWhoCouldHaveApproved) {
  auto started = Break();
  ASSERT_TRUE(started);
  ASSERT_TRUE(bench.Complete(*started));
  const std::string& id = started->task.id;
  EXPECT_EQ(Review(Bench::Operator(), id).error().reason, "not-a-person");
  EXPECT_EQ(Review(Bench::Agent(), id).error().reason, "not-a-person");
  EXPECT_EQ(Review(bench.Person("eve"), id).error().reason, "unknown-task");
  EXPECT_EQ(Review(bench.Person("nobody"), id).error().reason, "unknown-task");
  Caller old = bench.Person("ann");
  bench.Pass(std::chrono::hours(2));
  EXPECT_EQ(Review(old, id).error().reason, "session-too-old");
  EXPECT_EQ(Review(bench.Person("ann"), "tsk_00000000000000000000000000").error().reason, "unknown-task");
  EXPECT_EQ(Open(), 1u);
}

TEST_F(BreakGlassTest, NobodySignsForThemselves) {
  // A person who may start, break the glass and approve.
  std::string schema = Bench::Annotated("change", "@break_glass(\"5m\")");
  schema.replace(schema.find("entity Change = { actor: Agent,"), 31, "entity Change = { actor: Employee,");
  bench.LoadCatalog(std::string(kPolicies) + R"(
    @id("lead") permit (principal in Team::"leads", action in [Remit::Action::"start", Remit::Action::"break_glass"], resource is Change);)",
                    schema);
  auto started = Break("x", std::nullopt, bench.Person("ann"));
  ASSERT_TRUE(started) << started.error().ToString();
  EXPECT_EQ(*bench.EventOf("task.break-glass").Find("not_asked"), *json::Parse(R"(["Employee::\"bob\""])"));
  ASSERT_TRUE(bench.Complete(*started));
  EXPECT_EQ(Review(bench.Person("ann"), started->task.id).error().reason, "own-request");
  EXPECT_TRUE(Review(bench.Person("bob"), started->task.id));
}

TEST_F(BreakGlassTest, WhoOwnsTheActorIsNotAskedAndDoesNotSign) {
  bench.PutOwner("bot", "ann");
  auto started = Break();
  ASSERT_TRUE(started) << started.error().ToString();
  EXPECT_EQ(*bench.EventOf("task.break-glass").Find("not_asked"), *json::Parse(R"(["Employee::\"bob\""])"));
  ASSERT_TRUE(bench.Complete(*started));
  bench.PutOwner("bot", "bob");  // afterwards: whoever owned it then is no better placed to sign
  EXPECT_EQ(Review(bench.Person("ann"), started->task.id).error().reason, "own-request");
  EXPECT_EQ(Review(bench.Person("bob"), started->task.id).error().reason, "own-request");
  bench.PutOwner("bot", "eve");
  EXPECT_EQ(Review(bench.Person("bob"), started->task.id).error().reason, "own-request");
  EXPECT_EQ(Open(), 1u);
}

TEST_F(BreakGlassTest, OthersNeedNoReview) {
  StartAnswer started = Triage();
  ASSERT_TRUE(bench.Complete(started));
  EXPECT_EQ(Review(bench.Person("ann"), started.task.id).error().reason, "no-review");
}

TEST_F(BreakGlassTest, OfTwoWhoSignAtOnceOneHas) {
  auto started = Break();
  ASSERT_TRUE(started);
  ASSERT_TRUE(bench.Complete(*started));
  bench.store().HoldCommits();
  std::vector<std::string> reasons;
  for (const char* who : {"ann", "bob"})
    bench.broker().Review(bench.Person(who), started->task.id, "", [&](auto a) { reasons.push_back(a ? "" : a.error().reason); });
  bench.store().ReleaseCommits();
  EXPECT_EQ(reasons, (std::vector<std::string>{"", "already-reviewed"}));
}

}  // namespace
}  // namespace remit::broker
