// Where two of these meet: trips and trees, budgets and sub-tasks, starts that lie ahead and suspension, break-glass and what it hands on,
// approvals and ends. Each is tested by itself elsewhere.
#include <algorithm>
#include <map>

#include "broker/life_bench.h"

namespace remit::broker {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Crossing : public LifeBenchTest {
 protected:
  // The life catalog, with annotations for types by their @name and more policies.
  void Load(const std::map<std::string, std::string>& annotations, std::string_view more = "") {
    std::string schema(kLifeSchema);
    for (const auto& [name, said] : annotations) {
      const std::string mark = "@name(\"" + name + "\")";
      schema.insert(schema.find(mark) + mark.size(), " " + said);
    }
    bench.LoadCatalog(std::string(kLifePolicies) + std::string(more), schema);
  }
  void TryDoor(const StartAnswer& task) { (void)bench.Use(task.task.id, "ticket.read", "T-2"); }
  std::string Refused(const StartAnswer& parent, const std::string& type, json::Object parameters, const std::string& to = "") {
    return Reason(bench.Delegate(parent, type, std::move(parameters), to));
  }
  std::string RefusedPart(const StartAnswer& parent, const std::string& to = "") { return Refused(parent, "part", {{"ticket", "T-1"}}, to); }
  // "" where it went well.
  template <class T>
  static std::string Reason(const Result<T>& answer) {
    return answer ? "" : answer.error().reason;
  }
  // How often a policy was lifted for this task.
  std::int64_t Uses(const StartAnswer& task, const std::string& policy) {
    const json::Value shown = bench.Shown(task.task.id);
    const json::Value* uses = shown.Find("uses");
    const json::Value* one = uses == nullptr ? nullptr : uses->Find(policy);
    return one == nullptr ? 0 : one->AsInt();
  }
  std::size_t CountEvents(std::string_view type) {
    return static_cast<std::size_t>(
        std::ranges::count_if(bench.Events(), [&](const json::Value& event) { return *event.FindString("type") == type; }));
  }
  std::string StateOf(const StartAnswer& task) { return bench.StateOf(task.task.id); }
  Time DeadlineOf(const StartAnswer& task) { return *ParseTime(*bench.Shown(task.task.id).FindString("deadline")); }
  void Bar(const std::string& agent) {
    bench.broker().PutActor(Bench::Operator(), {{"Agent", agent}, "", nullptr, std::nullopt, true}, [](auto a) { Bench::Expect(a); });
    bench.Settle();
  }
  static Error DiskIsGone() { return Error(Code::kUnavailable, "store-failed", "the disk is gone"); }
};

// --- trips and trees -------------------------------------------------------------------------------------------------------------------

TEST_F(Crossing, DoorsThatSubTasksTryEndTheWholeTree) {
  Load({{"lead", "@trip(\"3 refusals per 1m, revoke\")"}});
  StartAnswer lead = Lead(), part = Part(lead), other = Part(lead), below = Part(part), waits = Delegated(lead, "box", {{"box", "vault"}});
  StartAnswer box = Delegated(lead, "box", {{"box", "b1"}}), alone = Start("alone", {{"ticket", "T-1"}});
  ASSERT_EQ(bench.box->exists.size(), 2u);  // of the lead, and of its sub-task
  TryDoor(below), TryDoor(other), TryDoor(alone);
  EXPECT_EQ(StateOf(lead), "active");
  TryDoor(part);
  EXPECT_EQ(StateOf(lead), "revoked");
  for (const StartAnswer* one : {&part, &other, &below, &box}) EXPECT_EQ(StateOf(*one), "revoked");
  EXPECT_EQ(StateOf(waits), "withdrawn");
  EXPECT_EQ(StateOf(alone), "active");  // of the same actor, and of no tree
  bench.Pass(seconds(5));
  EXPECT_TRUE(bench.box->exists.empty());
  const json::Value tripped = bench.EventOf("task.tripped");
  ASSERT_TRUE(tripped.IsObject());
  EXPECT_EQ(*tripped.FindString("tripped"), lead.task.id);
  EXPECT_EQ(*tripped.FindString("refused"), part.task.id);
  EXPECT_EQ(CountEvents("task.tripped"), 1u);
  bench.Restart();
  EXPECT_EQ(bench.broker().counters().live_tasks, 1u);
}

TEST_F(Crossing, ATripThatSuspendsStopsTheTreeAndSomebodyLetsAllOfItGoOn) {
  Load({{"part", "@trip(\"2 refusals per 1m, suspend\")"}});
  StartAnswer lead = Lead(), part = Part(lead), stopped = Part(lead), box = Delegated(lead, "box", {{"box", "b1"}});
  StartAnswer waits = Delegated(lead, "box", {{"box", "vault"}});
  ASSERT_TRUE(bench.Suspend(stopped.task.id).has_value());
  TryDoor(part), TryDoor(part);
  for (const StartAnswer* one : {&lead, &part, &stopped, &box}) EXPECT_EQ(StateOf(*one), "suspended");
  EXPECT_EQ(*bench.EventOf("task.tripped").FindString("task"), lead.task.id);
  EXPECT_EQ(*bench.EventOf("task.tripped").FindString("tripped"), part.task.id);
  bench.Pass(seconds(5));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(Reason(bench.Approve(bench.Person("ann"), waits.approval)), "parent-not-active");
  bench.Restart();
  EXPECT_EQ(StateOf(lead), "suspended");
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  for (const StartAnswer* one : {&lead, &part, &box}) EXPECT_EQ(StateOf(*one), "active");
  EXPECT_EQ(StateOf(stopped), "suspended");  // that was somebody else
  EXPECT_EQ(bench.box->exists.size(), 2u);
  EXPECT_TRUE(bench.Approve(bench.Person("ann"), waits.approval).has_value());
}

// The tripped task is the reason why the tree stops: it stands in the ledger wherever the stop does.
TEST_F(Crossing, WhyATreeWasStoppedIsWrittenDownWithTheStopAndNotBesideIt) {
  Load({{"lead", "@trip(\"1 refusal per 1m, suspend\")"}});
  StartAnswer lead = Lead(), part = Part(lead);
  bench.store().FailNext(1, DiskIsGone());
  TryDoor(part);
  EXPECT_FALSE(bench.Allowed(part.task.id, "ticket.read", "T-1"));
  EXPECT_EQ(CountEvents("task.tripped"), 0u);
  bench.Pass(seconds(5));
  EXPECT_EQ(CountEvents("task.tripped"), 1u);
  const std::vector<std::string> events = bench.EventsOf(lead.task.id);
  const auto tripped = std::ranges::find(events, "task.tripped");
  ASSERT_NE(tripped, events.end());
  EXPECT_NE(std::find(tripped, events.end(), "task.suspended"), events.end());  // the cause first
}

TEST_F(Crossing, WhyATreeWasStoppedIsKnownAlsoWhereItsEndIsFaster) {
  Load({{"lead", "@trip(\"1 refusal per 1m, suspend\")"}});
  StartAnswer lead = Lead(), part = Part(lead);
  bench.store().FailNext(1, DiskIsGone());
  TryDoor(part);
  ASSERT_TRUE(bench.Revoke(lead.task.id).has_value());
  bench.Pass(seconds(5));
  EXPECT_EQ(StateOf(part), "revoked");
  EXPECT_EQ(CountEvents("task.tripped"), 1u);
}

TEST_F(Crossing, ATripTakesAlongWhatIsBeingHandedOn) {
  for (const std::string then : {"revoke", "suspend"}) {
    Load({{"lead", "@trip(\"1 refusal per 1m, " + then + "\")"}});
    StartAnswer lead = Lead();
    const std::size_t ever = bench.box->ever.size();
    bench.store().HoldCommits();
    std::string started;
    DelegateRequest request;
    request.start.type = "box";
    request.start.parameters = json::Object{{"box", "b1"}};
    bench.broker().Delegate(bench.Holder(lead), lead.task.id, request, [&](auto a) { started = a ? a->task.id : a.error().reason; });
    TryDoor(lead);
    bench.store().ReleaseCommits();
    bench.Pass(seconds(5));
    EXPECT_TRUE(bench.box->exists.empty()) << then;
    EXPECT_EQ(bench.box->ever.size(), ever) << then;  // nothing was made
    std::vector<std::string> states;
    for (const json::Value& event : bench.Events()) {
      const std::string* parent = event.FindString("parent");
      if (parent != nullptr && *parent == lead.task.id) states.push_back(bench.StateOf(*event.FindString("task")));
    }
    EXPECT_EQ(states, std::vector<std::string>{then == "revoke" ? "revoked" : "suspended"});
    bench.Restart();
    EXPECT_TRUE(bench.box->exists.empty()) << then;
  }
}

TEST_F(Crossing, ATripThatMeetsAnExtensionOfASubTaskStopsItAllTheSame) {
  Load({{"lead", "@trip(\"1 refusal per 1m, suspend\")"}});
  StartAnswer lead = Lead(), part = Part(lead);
  bench.store().HoldCommits();
  (void)bench.Extend(bench.Holder(part), part.task.id, minutes(5));
  TryDoor(part);
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(StateOf(part), "suspended");
  bench.Restart();
  EXPECT_EQ(StateOf(part), "suspended");
  EXPECT_EQ(DeadlineOf(part), part.task.deadline + minutes(5));
  EXPECT_FALSE(bench.Allowed(part.task.id, "ticket.read", "T-1"));
}

// --- budgets and sub-tasks -------------------------------------------------------------------------------------------------------------

TEST_F(Crossing, ASubTaskTakesItsPlaceInABudgetUntilItEndsAlsoWhileTheTreeIsStopped) {
  Load({{"part", "@max_active(\"1\")"}},
       R"(@id("hand-part") @after_uses("2") forbid (principal is Lead, action == Remit::Action::"delegate", resource is Part);)");
  StartAnswer lead = Lead(), other = Lead(), part = Part(lead);
  EXPECT_EQ(RefusedPart(other), "budget-used-up");
  EXPECT_EQ(Uses(other, "hand-part"), 0);    // what was refused costs nothing
  EXPECT_EQ(RefusedPart(other, "sub"), "");  // another actor's budget
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_EQ(RefusedPart(other), "budget-used-up");
  bench.Restart();
  EXPECT_EQ(RefusedPart(other), "budget-used-up");
  ASSERT_TRUE(bench.Revoke(lead.task.id).has_value());  // and so the part
  EXPECT_EQ(RefusedPart(other), "");
  EXPECT_EQ(Uses(other, "hand-part"), 2);
}

TEST_F(Crossing, ASubTaskThatWasNotWrittenDownCountsInNoBudgetAndOneThatEndedAtOnceDoes) {
  Load({{"part", "@max_starts(\"2 per 1d\")"}});
  StartAnswer lead = Lead();
  bench.store().FailNext(1, DiskIsGone());
  EXPECT_EQ(RefusedPart(lead), "store-failed");
  ASSERT_TRUE(bench.Complete(Part(lead)).has_value());
  EXPECT_EQ(RefusedPart(lead), "");
  EXPECT_EQ(RefusedPart(lead), "budget-used-up");
  bench.Restart();
  EXPECT_EQ(RefusedPart(lead), "budget-used-up");
  StartAnswer other = Lead();
  EXPECT_EQ(RefusedPart(other), "budget-used-up");  // another parent is no way round
}

TEST_F(Crossing, ASubTaskThatCannotBeginCostsItsParentNothing) {
  Load({}, R"(@id("hand-once") @after_uses("1") forbid (principal is Lead, action == Remit::Action::"delegate", resource is OpenBox);
              @id("box-once") @after_uses("1") forbid (principal is OpenBox, action == Action::"box.open", resource) when { resource == Box::"b1" };)");
  StartAnswer lead = Lead();
  EXPECT_EQ(Refused(lead, "box", {{"box", "b1"}}), "not-enforceable");  // no target counts uses
  EXPECT_EQ(Uses(lead, "hand-once"), 0);
  EXPECT_EQ(Refused(lead, "box", {{"box", "b2"}}), "");
  EXPECT_EQ(Uses(lead, "hand-once"), 1);
  EXPECT_EQ(Refused(lead, "box", {{"box", "b3"}}), "delegate-denied");
}

TEST_F(Crossing, AYesThatABudgetRefusesCostsTheParentNothingAndIsGivenAgainLater) {
  Load({{"box", "@max_active(\"1\")"}});
  StartAnswer lead = Lead(), waits = Delegated(lead, "box", {{"box", "vault"}}), box = Start("box", {{"box", "b2"}});
  EXPECT_EQ(Reason(bench.Approve(bench.Person("ann"), waits.approval)), "budget-used-up");
  EXPECT_EQ(StateOf(waits), "requested");
  EXPECT_EQ(Uses(lead, "hand-on-box"), 0);
  ASSERT_TRUE(bench.Complete(box).has_value());
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), waits.approval).has_value());
  EXPECT_EQ(StateOf(waits), "active");
  EXPECT_EQ(Uses(lead, "hand-on-box"), 1);
  EXPECT_EQ(Refused(lead, "box", {{"box", "b1"}}), "budget-used-up");
}

TEST_F(Crossing, OfSubTasksAndStartsAtOnceOnlyAsManyBeginAsTheBudgetGives) {
  Load({{"box", "@max_active(\"2\")"}});
  StartAnswer lead = Lead();
  std::map<std::string, int> answers;
  auto count = [&](const Result<StartAnswer>& a) { ++answers[a ? "started" : a.error().reason]; };
  bench.store().HoldCommits();
  for (int i = 0; i < 3; ++i) {
    DelegateRequest request;
    request.start.type = "box";
    request.start.parameters = json::Object{{"box", "b1"}};
    bench.broker().Delegate(bench.Holder(lead), lead.task.id, request, count);
    bench.broker().Start(Bench::Agent(), request.start, count);
  }
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(answers["started"], 2);
  EXPECT_EQ(answers["budget-used-up"], 4);
}

// --- starts that lie ahead -------------------------------------------------------------------------------------------------------------

class CrossingAhead : public Crossing {
 protected:
  void SetUp() override {
    Load({}, R"(@id("ask-lead") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is Lead);)");
  }
  // Approved, for `in` from now.
  StartAnswer Ahead(Duration in) {
    StartRequest request;
    request.type = "lead";
    request.parameters = json::Object{{"ticket", "T-1"}};
    request.at = bench.clock.Now() + in;
    auto asked = bench.Start(std::move(request));
    EXPECT_TRUE(asked.has_value()) << asked.error().ToString();
    EXPECT_TRUE(bench.Approve(bench.Person("ann"), asked->approval).has_value());
    EXPECT_EQ(StateOf(*asked), "scheduled");
    return *std::move(asked);
  }
};

TEST_F(CrossingAhead, WhatIsAheadIsNotStoppedExtendedOrHandedOn) {
  StartAnswer lead = Ahead(hours(5));
  EXPECT_EQ(Reason(bench.Suspend(lead.task.id)), "wrong-state");
  EXPECT_EQ(Reason(bench.Resume(lead.task.id)), "wrong-state");
  const Caller actor = Bench::Agent();
  EXPECT_EQ(Reason(bench.Extend(actor, lead.task.id, minutes(5))), "wrong-state");
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  auto part = bench.Ask<StartAnswer>([&](auto a) { bench.broker().Delegate(actor, lead.task.id, request, a); });
  EXPECT_EQ(Reason(part), "parent-not-active");
  EXPECT_EQ(StateOf(lead), "scheduled");
}

TEST_F(CrossingAhead, ItsLifeIsCountedFromItsStartThroughSuspensionsAndExtensions) {
  StartAnswer lead = Ahead(hours(5));
  const Time at = *lead.task.not_before;
  bench.timers->RunUntil(at);
  bench.Settle();
  ASSERT_EQ(StateOf(lead), "active");
  StartAnswer part = Part(lead);
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  bench.Restart();
  bench.Pass(minutes(1));
  EXPECT_EQ(StateOf(lead), "suspended");                // its time has come once, and does not come again
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());  // what was approved is what it gets
  EXPECT_EQ(StateOf(part), "active");
  EXPECT_EQ(DeadlineOf(lead), at + minutes(30));
  ASSERT_TRUE(bench.Extend(bench.Holder(lead), lead.task.id, minutes(90)).has_value());
  EXPECT_EQ(DeadlineOf(lead), at + hours(2));
  EXPECT_EQ(Reason(bench.Extend(bench.Holder(lead), lead.task.id, microseconds(1))), "too-long");
  bench.timers->RunUntil(at + hours(2));
  bench.Settle();
  EXPECT_EQ(StateOf(lead), "expired");
  EXPECT_EQ(StateOf(part), "expired");
}

TEST_F(CrossingAhead, WhatTheCatalogCountsWhenItStartsIsCounted) {
  Load({});
  StartRequest request;
  request.type = "lead";
  request.parameters = json::Object{{"ticket", "T-1"}};
  request.at = bench.clock.Now() + hours(1);
  auto lead = bench.Start(std::move(request));
  ASSERT_TRUE(lead.has_value()) << lead.error().ToString();
  Load({}, R"(@id("once") @after_uses("1") forbid (principal, action in [Remit::Action::"start", Remit::Action::"extend"], resource is Lead);)");
  bench.timers->RunUntil(*lead->task.not_before);
  bench.Settle();
  ASSERT_EQ(StateOf(*lead), "active");
  EXPECT_EQ(Uses(*lead, "once"), 1);
  EXPECT_EQ(Reason(bench.Extend(bench.Holder(*lead), lead->task.id, minutes(1))), "extend-denied");
}

TEST_F(CrossingAhead, AnEndThatMeetsItsStartWinsAndAStopThatMeetsItStopsIt) {
  for (const bool end : {true, false}) {
    StartAnswer lead = Ahead(hours(1));
    const std::size_t ever = bench.box->ever.size();
    bench.store().HoldCommits();
    bench.timers->RunUntil(*lead.task.not_before);
    if (end)
      bench.broker().Withdraw(Bench::Agent(), lead.task.id, [](auto) {});
    else
      (void)bench.Suspend(lead.task.id);
    bench.store().ReleaseCommits();
    bench.Pass(seconds(5));
    EXPECT_EQ(StateOf(lead), end ? "withdrawn" : "suspended");
    EXPECT_TRUE(bench.box->exists.empty());
    bench.Restart();
    EXPECT_EQ(StateOf(lead), end ? "withdrawn" : "suspended");
    EXPECT_TRUE(bench.box->exists.empty());
    if (end) {
      EXPECT_EQ(bench.box->ever.size(), ever);
    }
  }
}

// --- break-glass and what it hands on --------------------------------------------------------------------------------------------------

class CrossingGlass : public Crossing {
 protected:
  void SetUp() override {
    Load({{"lead", "@break_glass(\"5m\")"}}, R"(
      @id("ask-lead") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is Lead);
      @id("emergency") permit (principal in Team::"support", action == Remit::Action::"break_glass", resource);)");
  }
  StartAnswer Break() {
    StartRequest request;
    request.type = "lead";
    request.parameters = json::Object{{"ticket", "T-1"}};
    request.reason = "the site is down";
    request.break_glass = true;
    auto started = bench.Start(std::move(request));
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    return started ? *std::move(started) : StartAnswer{};
  }
  std::string Review(const std::string& person, const StartAnswer& task) {
    auto signed_for = bench.Ask<json::Value>([&](auto a) { bench.broker().Review(bench.Person(person), task.task.id, "", a); });
    return signed_for ? "signed" : signed_for.error().reason;
  }
};

TEST_F(CrossingGlass, NothingBelowItLivesLongerAndNothingBelowItIsStartedSo) {
  StartAnswer lead = Break(), part = Part(lead);
  EXPECT_EQ(DeadlineOf(part), lead.task.deadline);
  EXPECT_EQ(Reason(bench.Extend(bench.Holder(lead), lead.task.id, minutes(1))), "too-long");
  EXPECT_EQ(Reason(bench.Extend(bench.Holder(part), part.task.id, minutes(1))), "too-long");
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  request.start.reason = "the site is down";
  request.start.break_glass = true;
  auto glass = bench.Ask<StartAnswer>([&](auto a) { bench.broker().Delegate(bench.Holder(lead), lead.task.id, request, a); });
  EXPECT_EQ(Reason(glass), "not-delegable");
  // Its approvals are lifted, and not those of what it hands on.
  StartAnswer vault = Delegated(lead, "box", {{"box", "vault"}});
  EXPECT_EQ(StateOf(vault), "requested");
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  bench.Pass(minutes(2));
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_EQ(DeadlineOf(lead), lead.task.deadline);
  EXPECT_EQ(bench.broker().counters().open_reviews, 1u);
  EXPECT_EQ(Review("ann", lead), "wrong-state");
  bench.Pass(minutes(3));
  EXPECT_EQ(StateOf(lead), "expired");
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
  EXPECT_EQ(Review("ann", lead), "signed");
}

// Who was handed a part of the emergency is no more fit to say that it was one than who called it.
TEST_F(CrossingGlass, WhoDidAPartOfItDoesNotSignForIt) {
  std::string schema(kLifeSchema);
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string, std::string>>{
           {"@name(\"lead\")", "@name(\"lead\") @break_glass(\"5m\")"}, {"entity Part = { actor: Agent,", "entity Part = {"}})
    schema.replace(schema.find(from), from.size(), to);
  bench.LoadCatalog(std::string(kLifePolicies) + R"(
      @id("ask-lead") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is Lead);
      @id("emergency") permit (principal in Team::"support", action == Remit::Action::"break_glass", resource);)",
                    schema);
  StartAnswer lead = Break(), part = Part(lead);
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  request.actor = {"Employee", "ann"};
  auto hers = bench.Ask<StartAnswer>([&](auto a) { bench.broker().Delegate(bench.Holder(part), part.task.id, request, a); });
  ASSERT_TRUE(hers.has_value()) << hers.error().ToString();
  ASSERT_TRUE(bench.Complete(lead).has_value());
  EXPECT_EQ(Review("ann", lead), "own-request");
  bench.Restart();
  EXPECT_EQ(Review("ann", lead), "own-request");
  EXPECT_EQ(Review("bob", lead), "signed");
}

// --- approvals, ends and who is barred -------------------------------------------------------------------------------------------------

TEST_F(Crossing, AYesToMoreTimeOfASubTaskCountsForNothingWhileItsParentIsStoppedOrOver) {
  StartAnswer lead = Lead(), box = Delegated(lead, "box", {{"box", "b1"}});
  auto asked = bench.Extend(bench.Holder(box), box.task.id, minutes(5));
  ASSERT_TRUE(asked.has_value()) << asked.error().ToString();
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_EQ(Reason(bench.Approve(bench.Person("ann"), asked->approval)), "unknown-approval");
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_EQ(DeadlineOf(box), box.task.deadline);
  ASSERT_TRUE(bench.Complete(lead).has_value());
  EXPECT_EQ(Reason(bench.Approve(bench.Person("ann"), asked->approval)), "unknown-approval");
  EXPECT_EQ(StateOf(box), "revoked");
}

TEST_F(Crossing, AYesToMoreTimeThatMeetsTheEndOfTheParentGivesNone) {
  StartAnswer lead = Lead(), box = Delegated(lead, "box", {{"box", "b1"}});
  auto asked = bench.Extend(bench.Holder(box), box.task.id, minutes(5));
  ASSERT_TRUE(asked.has_value());
  const auto list = bench.broker().ListApprovals(Bench::Operator());
  const std::string hash = *list->Find("approvals")->AsArray().at(0).FindString("hash");
  bench.store().HoldCommits();
  std::string yes;
  bench.broker().Approve(bench.Person("ann"), asked->approval, hash, [&](auto a) { yes = a ? "given" : a.error().reason; });
  (void)bench.Complete(lead);
  bench.store().ReleaseCommits();
  bench.Pass(seconds(5));
  EXPECT_EQ(yes, "wrong-state");
  EXPECT_EQ(StateOf(box), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_TRUE(bench.box->until.empty());
  bench.Restart();
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
}

TEST_F(Crossing, WhatABarredActorHandedOnGetsNothingMore) {
  StartAnswer lead = Lead(), part = *bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "sub");
  StartAnswer waits = *bench.Delegate(lead, "box", {{"box", "vault"}}, "sub");
  Bar("bot");
  EXPECT_EQ(StateOf(part), "active");  // what is there stays as it is
  EXPECT_EQ(RefusedPart(lead, "sub"), "start-denied");
  EXPECT_EQ(RefusedPart(part, "sub"), "start-denied");
  EXPECT_EQ(Reason(bench.Extend(bench.Holder(part), part.task.id, minutes(1))), "extend-denied");
  ASSERT_TRUE(bench.Suspend(part.task.id).has_value());
  EXPECT_EQ(Reason(bench.Resume(part.task.id)), "resume-denied");
  EXPECT_EQ(Reason(bench.Approve(bench.Person("ann"), waits.approval)), "start-denied");
  EXPECT_EQ(StateOf(waits), "denied");
}

}  // namespace
}  // namespace remit::broker
