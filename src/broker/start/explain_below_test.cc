// What is said of a sub-task before it is started is what becomes of it: whether it may, what is left of it, and why not.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/life_bench.h"
#include "json/write.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;

class ExplainBelowTest : public LifeBenchTest {
 protected:
  Result<json::Value> Ask(const std::string& under, const std::string& type, json::Object parameters, const std::string& to = "",
                          const Caller& by = Bench::Agent()) {
    ExplainRequest request{type, json::Value(std::move(parameters)), false, under, {}};
    if (!to.empty()) request.actor = {"Agent", to};
    return bench.broker().Explain(by, request);
  }
  json::Value Told(const StartAnswer& under, const std::string& type = "part", json::Object parameters = {{"ticket", "T-1"}},
                   const std::string& to = "") {
    auto told = Ask(under.task.id, type, std::move(parameters), to);
    EXPECT_TRUE(told.has_value()) << told.error().ToString();
    return told ? *told : json::Value();
  }
  // The same catalog, with one more annotation on a type of task.
  void Annotate(const std::string& type, std::string_view annotation) {
    std::string schema(kLifeSchema);
    const std::string mark = "@name(\"" + type + "\")";
    schema.insert(schema.find(mark) + mark.size(), " " + std::string(annotation));
    bench.LoadCatalog(kLifePolicies, schema);
  }
  static std::string Reason(const json::Value& told) {
    const json::Value* under = told.Find("under");
    if (under->Find("allowed")->AsBool()) return "allowed";
    EXPECT_NE(under->FindString("message"), nullptr) << json::Write(told);
    return *under->FindString("reason");
  }
  // "policy: left of count", with the task's place in the tree.
  static std::vector<std::string> Uses(const json::Value& told) {
    std::vector<std::string> lines;
    for (const json::Value& one : told.Find("under")->Find("uses")->AsArray())
      lines.push_back(*one.FindString("policy") + ": " + std::to_string(one.Find("left")->AsInt()) + " of " +
                      std::to_string(one.Find("of")->AsInt()));
    return lines;
  }
};

using Lines = std::vector<std::string>;

TEST_F(ExplainBelowTest, WhatIsLeftIsWhatTheSubTaskThenHas) {
  const StartAnswer lead = Lead();
  const std::size_t events = bench.Events().size();
  const json::Value told = Told(lead);
  EXPECT_EQ(bench.Events().size(), events) << "asking spends nothing";
  EXPECT_EQ(Reason(told), "allowed");
  EXPECT_EQ(told.Find("under")->Find("approvals")->AsInt(), 0);
  EXPECT_EQ(told.Find("you"), nullptr) << "the child's start is not asked";
  const StartAnswer part = Part(lead);
  const json::Value seen = bench.broker().Introspect(Bench::Operator(), part.token.Reveal());
  EXPECT_EQ(json::Canonical(*told.Find("permissions")), json::Canonical(*seen.Find("authorization_details")->AsArray()[0].Find("permissions")));
  EXPECT_EQ(*told.Find("under")->FindString("ends"), FormatTime(part.task.deadline));
  // What its own type may, and not its parent's.
  const json::Array& lost = told.Find("under")->Find("lost")->AsArray();
  ASSERT_EQ(lost.size(), 1u) << json::Write(told);
  EXPECT_EQ(*lost[0].Find("permission")->FindString("action"), "Action::\"ticket.close\"");
  EXPECT_EQ(*lost[0].FindString("task"), lead.task.id);
  EXPECT_EQ(*lost[0].FindString("type"), "lead");
}

TEST_F(ExplainBelowTest, NothingIsLeftOfWhatIsBesideItsParent) {
  const StartAnswer lead = Lead();
  const json::Value told = Told(lead, "part", {{"ticket", "T-2"}});
  EXPECT_EQ(Reason(told), "allowed");  // and worth nothing, as the start would be
  EXPECT_TRUE(told.Find("permissions")->AsArray().empty());
  EXPECT_EQ(told.Find("under")->Find("lost")->AsArray().size(), 3u);
  EXPECT_TRUE(Uses(told).empty()) << "there is nothing to use";
}

TEST_F(ExplainBelowTest, UsesAreCountedForEveryTaskAbove) {
  const StartAnswer lead = Lead(), part = Part(lead);
  EXPECT_EQ(Uses(Told(lead)), (Lines{"part-comments: 2 of 2", "lead-comments: 3 of 3"}));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(bench.Allowed(part.task.id, "ticket.comment", "T-1"));
  EXPECT_EQ(Uses(Told(lead)), (Lines{"part-comments: 2 of 2", "lead-comments: 1 of 3"}));
  const json::Value below = Told(part);  // handing on costs its parent a use; what is used up above is used up below
  EXPECT_EQ(Uses(below), (Lines{"hand-on-once: 1 of 1", "part-comments: 2 of 2", "part-comments: 0 of 2", "lead-comments: 1 of 3"}));
  const json::Array& uses = below.Find("under")->Find("uses")->AsArray();
  ASSERT_EQ(uses.size(), 4u);
  EXPECT_EQ(*uses[0].FindString("verb"), "delegate");
  EXPECT_EQ(uses[1].Find("task"), nullptr) << "its own";
  EXPECT_EQ(*uses[2].FindString("task"), part.task.id);
  EXPECT_EQ(*uses[3].FindString("task"), lead.task.id);
  Part(part);
  const json::Value again = Told(part);
  EXPECT_EQ(Reason(again), "used-up");
  EXPECT_EQ(Uses(again).front(), "hand-on-once: 0 of 1");
  EXPECT_EQ(bench.Delegate(part, "part", {{"ticket", "T-1"}}).error().reason, "delegate-denied");
}

TEST_F(ExplainBelowTest, WhyNotIsWhatDelegatingWouldSay) {
  const StartAnswer lead = Lead(), alone = Start("alone", {{"ticket", "T-1"}});
  EXPECT_EQ(Reason(Told(lead, "alone")), "not-delegable");
  EXPECT_EQ(Reason(Told(alone)), "no-permit");
  EXPECT_EQ(Reason(Told(lead, "part", {{"ticket", "T-1"}}, "nobody")), "start-denied");
  EXPECT_EQ(Reason(Told(lead, "part", {{"ticket", "T-1"}}, "sub")), "allowed");
  EXPECT_EQ(*Told(lead, "part", {{"ticket", "T-1"}}, "sub").Find("under")->FindString("actor"), "Agent::\"sub\"");
  EXPECT_EQ(Told(lead, "box", {{"box", "vault"}}).Find("under")->Find("approvals")->AsInt(), 1);
  EXPECT_EQ(Told(lead, "box", {{"box", "b1"}}).Find("under")->Find("approvals")->AsInt(), 0);
  EXPECT_EQ(Ask(lead.task.id, "part", {{"ticket", "T-9"}}).error().reason, "unknown-entity");
}

TEST_F(ExplainBelowTest, NobodyGetsAnythingThroughOneWhoIsBarred) {
  const StartAnswer lead = Lead();
  auto part = bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "sub");
  ASSERT_TRUE(part.has_value());
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "sub"}, "", nullptr, std::nullopt, true}, [](auto a) { Bench::Expect(a); });
  bench.Settle();
  EXPECT_EQ(Reason(Told(*part, "part", {{"ticket", "T-1"}}, "bot")), "start-denied");
  EXPECT_EQ(Reason(Told(lead, "part", {{"ticket", "T-1"}}, "sub")), "start-denied");
}

TEST_F(ExplainBelowTest, UnderATaskThatIsStoppedOrOverNothingBegins) {
  const StartAnswer lead = Lead();
  bench.Suspend(lead.task.id);
  EXPECT_EQ(Reason(Told(lead)), "parent-not-active");
  bench.Resume(lead.task.id, bench.Person("ann"));
  EXPECT_EQ(Reason(Told(lead)), "allowed");
  EXPECT_TRUE(bench.Complete(lead).has_value());
  const json::Value over = Told(lead);
  EXPECT_EQ(Reason(over), "parent-not-active");
  EXPECT_TRUE(over.Find("permissions")->AsArray().empty());
  EXPECT_FALSE(Told(lead, "part", {}).Find("under")->Find("allowed")->AsBool());
}

TEST_F(ExplainBelowTest, ItEndsNoLaterThanItsParent) {
  const StartAnswer lead = Lead();
  bench.Pass(minutes(25));
  EXPECT_EQ(*Told(lead).Find("under")->FindString("ends"), FormatTime(lead.task.deadline));
}

TEST_F(ExplainBelowTest, WithoutParametersItSaysWhatDoesNotDependOnThem) {
  const StartAnswer lead = Lead();
  const json::Value part = Told(lead, "part", {});
  EXPECT_EQ(part.Find("under")->Find("allowed"), nullptr) << "it depends on them";
  EXPECT_EQ(*part.Find("missing"), json::StringArray({"ticket"}));
  EXPECT_EQ(Reason(Told(lead, "alone", {})), "not-delegable");
}

// Who may see the task may ask; to others it is not there, and neither is what it may.
TEST_F(ExplainBelowTest, IsForWhomTheTaskIsVisible) {
  const StartAnswer lead = Lead(), part = Part(lead);
  auto asked = [&](const Caller& by, const StartAnswer& under) {
    auto told = Ask(under.task.id, "part", {{"ticket", "T-1"}}, "", by);
    return told ? std::string("told") : told.error().reason;
  };
  EXPECT_EQ(asked(Bench::Agent(), lead), "told");
  EXPECT_EQ(asked(bench.Holder(lead), lead), "told");
  EXPECT_EQ(asked(bench.Token(lead), lead), "told");
  EXPECT_EQ(asked(bench.Token(lead), part), "told");
  EXPECT_EQ(asked(Bench::Operator(), lead), "told");
  EXPECT_EQ(asked(bench.Person("ann"), lead), "told");
  EXPECT_EQ(asked(bench.Token(part), lead), "unknown-task");
  EXPECT_EQ(asked(bench.Person("eve"), lead), "unknown-task");
  EXPECT_EQ(asked(Bench::Agent("helpdesk"), lead), "unknown-task");
  EXPECT_EQ(asked({}, lead), "unauthenticated");
  EXPECT_EQ(Ask("tsk_00000000000000000000000000", "part", {{"ticket", "T-1"}}).error().reason, "unknown-task");
}

// Whoever was handed a part sees that part, and of what is above it that it is there: neither its type, nor its uses, nor its id beside `lost`.
TEST_F(ExplainBelowTest, OfTasksAboveThatAreNotToBeSeenNothingIsTold) {
  const StartAnswer lead = Lead();
  const auto part = bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "sub");
  ASSERT_TRUE(part.has_value());
  ASSERT_TRUE(bench.Allowed(part->task.id, "ticket.comment", "T-1"));
  const Caller below[] = {Bench::Agent("sub"), bench.Holder(*part), bench.Token(*part)};
  for (const Caller& by : below) {
    ASSERT_EQ(Ask(lead.task.id, "part", {{"ticket", "T-1"}}, "", by).error().reason, "unknown-task");
    const auto told = Ask(part->task.id, "part", {{"ticket", "T-1"}}, "", by);
    ASSERT_TRUE(told.has_value()) << told.error().ToString();
    const json::Value& under = *told->Find("under");
    EXPECT_EQ(Uses(*told), (Lines{"hand-on-once: 1 of 1", "part-comments: 2 of 2", "part-comments: 1 of 2"}));
    EXPECT_TRUE(under.Find("limited_above")->AsBool()) << "that there is more is told";
    const json::Array& lost = under.Find("lost")->AsArray();
    ASSERT_EQ(lost.size(), 1u) << json::Write(*told);
    EXPECT_EQ(lost[0].Find("type"), nullptr);
    EXPECT_EQ(lost[0].Find("task"), nullptr);
    const std::string all = json::Write(under);
    for (const std::string& secret : {lead.task.id, std::string("lead")}) EXPECT_EQ(all.find(secret), std::string::npos) << secret << " in " << all;
  }
  // Who may see it reads everything.
  const json::Value whole = Told(*part);
  EXPECT_EQ(whole.Find("under")->Find("limited_above"), nullptr);
  EXPECT_EQ(Uses(whole).back(), "lead-comments: 2 of 3");
  EXPECT_EQ(*whole.Find("under")->Find("lost")->AsArray()[0].FindString("type"), "lead");
}

// How much another has started is for whoever could start more for it, and for that one itself; not for everybody who may look at a task.
TEST_F(ExplainBelowTest, BudgetsOfOthersAreNotForWhoeverMayLook) {
  Annotate("part", "@max_active(\"1 by ticket\")");
  const StartAnswer lead = Lead();
  const auto part = bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "sub");
  ASSERT_TRUE(part.has_value());
  const auto under = [&](const Caller& by) { return *Ask(lead.task.id, "part", {{"ticket", "T-1"}}, "sub", by)->Find("under"); };
  const json::Value looks = under(bench.Person("ann"));
  EXPECT_EQ(*looks.FindString("reason"), "budget-used-up");
  for (const char* member : {"budgets", "until", "held_by", "hint"}) EXPECT_EQ(looks.Find(member), nullptr) << member;
  EXPECT_EQ(looks.FindString("message")->find("sub"), std::string::npos);
  for (const Caller& by : {Bench::Agent(), bench.Holder(lead), bench.Token(lead), Bench::Operator()}) {
    EXPECT_EQ(*under(by).FindString("until"), FormatTime(part->task.deadline));
    EXPECT_EQ(*under(by).Find("held_by"), json::Value(json::Array{part->task.id}));
  }
}

// Else any task would do to read how often somebody starts what.
TEST_F(ExplainBelowTest, BudgetsOfOthersAreNotForWhoeverCouldNotStartIt) {
  Annotate("alone", "@max_starts(\"2 per 1h by ticket\")");
  const StartAnswer lead = Lead();
  const json::Value of_another = *Told(lead, "alone", {{"ticket", "T-1"}}, "sub").Find("under");
  EXPECT_EQ(*of_another.FindString("reason"), "not-delegable");
  EXPECT_EQ(of_another.Find("budgets"), nullptr);
  EXPECT_NE(Told(lead, "alone", {{"ticket", "T-1"}}, "bot").Find("under")->Find("budgets"), nullptr) << "its own";
}

TEST_F(ExplainBelowTest, BudgetsOfTheTypeCountHereToo) {
  Annotate("part", "@max_starts(\"2 per 1h by ticket\")");
  const StartAnswer lead = Lead();
  auto left = [&] { return json::Write(*Told(lead).Find("under")->Find("budgets")); };
  EXPECT_EQ(left(), R"([{"budget":"2 per 1h by ticket","left":2}])");
  Part(lead);
  EXPECT_EQ(left(), R"([{"budget":"2 per 1h by ticket","left":1}])");
  Part(lead);
  EXPECT_EQ(left(), R"([{"budget":"2 per 1h by ticket","left":0}])");
  EXPECT_EQ(Reason(Told(lead)), "budget-used-up");
}

// Whatever the catalog has become since a task started: what is told is cut by both, as what it holds is.
TEST_F(ExplainBelowTest, ANarrowerCatalogIsToldAtOnce) {
  const StartAnswer lead = Lead();
  std::string without(kLifePolicies);
  without.erase(without.find("Action::\"ticket.read\", "), std::string("Action::\"ticket.read\", ").size());  // of the lead
  bench.LoadCatalog(without, kLifeSchema);
  const json::Value told = Told(lead);
  EXPECT_EQ(told.Find("permissions")->AsArray().size(), 1u);
  for (const json::Value& permission : told.Find("permissions")->AsArray()) EXPECT_NE(*permission.FindString("action"), "Action::\"ticket.read\"");
}

}  // namespace
}  // namespace remit::broker
