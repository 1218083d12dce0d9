// Sub-tasks: what they may do, how long they live, and that they never stand without their parent.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "broker/life_bench.h"
#include "json/write.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

using DelegateTest = LifeBenchTest;

TEST_F(DelegateTest, ASubTaskMayWhatItAndItsParentMay) {
  StartAnswer lead = Lead();
  StartAnswer part = Part(lead);
  EXPECT_EQ(part.task.parent, lead.task.id);
  EXPECT_EQ(part.task.actor, (cedar::EntityUid{"Agent", "bot"}));
  EXPECT_TRUE(bench.Allowed(part.task.id, "ticket.read", "T-1"));
  EXPECT_FALSE(bench.Allowed(part.task.id, "ticket.read", "T-2"));
  auto close = bench.Use(part.task.id, "ticket.close", "T-1");
  EXPECT_FALSE(close->allowed);  // it applies to no task of its parent's type
  EXPECT_EQ(close->reason, "not-applicable");
  EXPECT_EQ(*bench.Shown(part.task.id).FindString("parent"), lead.task.id);

  StartAnswer other = Delegated(lead, "part", {{"ticket", "T-2"}});  // wider than its parent
  EXPECT_FALSE(bench.Allowed(other.task.id, "ticket.read", "T-2"));
  EXPECT_FALSE(bench.Allowed(other.task.id, "ticket.read", "T-1"));
}

TEST_F(DelegateTest, NativeGrantsAndTokensAreCutByEveryTaskAbove) {
  StartAnswer lead = Lead();
  const std::size_t of_lead = bench.box->exists.size();
  StartAnswer same = Delegated(lead, "box", {{"box", "b1"}});
  EXPECT_EQ(bench.box->exists.size(), of_lead + 1);
  StartAnswer wider = Delegated(lead, "box", {{"box", "b2"}});
  EXPECT_TRUE(wider.credentials.empty());
  EXPECT_EQ(bench.box->exists.size(), of_lead + 1);
  const json::Value seen = bench.broker().Introspect(Bench::Operator(), wider.token.Reveal());
  EXPECT_TRUE(seen.Find("authorization_details")->AsArray()[0].Find("permissions")->AsArray().empty());
}

TEST_F(DelegateTest, OnlyTheHolderAndTheActorHandOnAndOnlyWhatIsMarked) {
  StartAnswer lead = Lead();
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  auto by = [&](const Caller& who) {
    auto answer = bench.Ask<StartAnswer>([&](auto a) { bench.broker().Delegate(who, lead.task.id, request, a); });
    return answer ? std::string("started") : answer.error().reason;
  };
  EXPECT_EQ(by(bench.Token(lead)), "holder-key-needed");
  EXPECT_EQ(by(Bench::Agent("helpdesk")), "unknown-task");
  EXPECT_EQ(by(bench.Person("ann")), "delegate-denied");
  EXPECT_EQ(by(Bench::Agent()), "started");
  EXPECT_EQ(bench.Delegate(lead, "alone", {{"ticket", "T-1"}}).error().reason, "not-delegable");
  EXPECT_EQ(bench.Delegate(lead, "lead", {{"ticket", "T-1"}}).error().reason, "not-delegable");
  EXPECT_EQ(bench.Delegate(lead, "part", {{"ticket", "T-9"}}).error().reason, "unknown-entity");
  StartAnswer alone = Start("alone", {{"ticket", "T-1"}});
  EXPECT_EQ(bench.Delegate(alone, "part", {{"ticket", "T-1"}}).error().reason, "delegate-denied");
}

TEST_F(DelegateTest, TheDeadlineIsNeverLaterThanTheParents) {
  StartAnswer lead = Lead();
  bench.Pass(minutes(25));
  StartAnswer part = Part(lead);
  EXPECT_EQ(part.task.deadline, lead.task.deadline);
  EXPECT_EQ(bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "", minutes(6)).error().reason, "too-long");
  EXPECT_TRUE(bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "", minutes(4)).has_value());
  bench.Pass(minutes(5));
  EXPECT_FALSE(bench.Active(part));
  EXPECT_EQ(bench.StateOf(lead.task.id), "expired");
}

TEST_F(DelegateTest, AUseIsChargedToTheWholeTreeInOneCommit) {
  StartAnswer lead = Lead(), one = Part(lead), two = Part(lead);
  EXPECT_TRUE(bench.Allowed(one.task.id, "ticket.comment", "T-1"));
  EXPECT_TRUE(bench.Allowed(one.task.id, "ticket.comment", "T-1"));
  EXPECT_FALSE(bench.Allowed(one.task.id, "ticket.comment", "T-1"));  // two are its own
  EXPECT_TRUE(bench.Allowed(two.task.id, "ticket.comment", "T-1"));
  EXPECT_FALSE(bench.Allowed(two.task.id, "ticket.comment", "T-1"));  // three are its parent's
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.comment", "T-1"));
  bench.Restart();
  EXPECT_FALSE(bench.Allowed(two.task.id, "ticket.comment", "T-1"));
  EXPECT_EQ(bench.Shown(lead.task.id).Find("uses")->Find("lead-comments")->AsInt(), 3);
  EXPECT_EQ(bench.Shown(two.task.id).Find("uses")->Find("part-comments")->AsInt(), 1);
}

TEST_F(DelegateTest, SiblingsThatRaceDoNotExceedTheirParentsBudget) {
  StartAnswer lead = Lead();
  std::vector<StartAnswer> parts;
  for (int i = 0; i < 5; ++i) parts.push_back(Part(lead));
  bench.store().HoldCommits();
  int allowed = 0;
  for (const StartAnswer& part : parts)
    bench.broker().Evaluate(Bench::Agent("helpdesk"), Bench::Question(part.task.id, "ticket.comment", "Ticket", "T-1"),
                            [&](auto answer) { allowed += answer && answer->allowed; });
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(allowed, 3);
}

TEST_F(DelegateTest, TheWholeTreeEndsInOneCommit) {
  StartAnswer lead = Lead(), part = Part(lead), below = Part(part), box = Delegated(lead, "box", {{"box", "b1"}});
  auto waiting = bench.Delegate(lead, "box", {{"box", "vault"}});
  ASSERT_TRUE(waiting.has_value()) << waiting.error().ToString();
  EXPECT_EQ(waiting->task.state, task::State::kRequested);
  const std::uint64_t before = bench.store().Head().size;
  bench.store().HoldCommits();
  bench.broker().Complete(bench.Holder(lead), lead.task.id, Duration(0), [](auto) {});  // and nothing else runs
  EXPECT_EQ(bench.store().HeldCommits(), 1u);
  for (const StartAnswer* one : {&lead, &part, &below, &box}) {
    EXPECT_FALSE(bench.Active(*one));
    EXPECT_TRUE(bench.Holder(*one).Is(Caller::Kind::kNobody));
  }
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_GE(bench.store().Head().size, before + 5);
  EXPECT_EQ(bench.StateOf(lead.task.id), "completed");
  for (const StartAnswer* one : {&part, &below, &box}) {
    EXPECT_EQ(bench.StateOf(one->task.id), "revoked");
    EXPECT_EQ(*bench.Shown(one->task.id).FindString("end_reason"), "parent-ended");
  }
  EXPECT_EQ(bench.StateOf(waiting->task.id), "withdrawn");
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(DelegateTest, ASubTasksEndLeavesItsParentAlone) {
  StartAnswer lead = Lead(), part = Part(lead), below = Part(part);
  ASSERT_TRUE(bench.Complete(part).has_value());
  EXPECT_EQ(bench.StateOf(below.task.id), "revoked");
  EXPECT_TRUE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  StartAnswer another = Part(lead);
  auto ended = bench.Ask<EndAnswer>([&](auto answer) { bench.broker().Complete(bench.Holder(lead), another.task.id, Duration(0), answer); });
  EXPECT_TRUE(ended.has_value());  // whoever holds the parent may end its parts
}

TEST_F(DelegateTest, TheTreeStopsAndGoesOnTogetherAndWhatWasStoppedAloneStaysSo) {
  StartAnswer lead = Lead(), part = Part(lead), below = Part(part), alone = Part(lead);
  ASSERT_TRUE(bench.Suspend(alone.task.id).has_value());
  bench.store().HoldCommits();
  bench.broker().Suspend(Bench::Operator(), lead.task.id, "", Duration(0), [](auto) {});
  EXPECT_EQ(bench.store().HeldCommits(), 1u);
  EXPECT_FALSE(bench.Active(below));
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(bench.StateOf(below.task.id), "suspended");
  EXPECT_EQ(bench.Resume(below.task.id).error().reason, "parent-not-active");
  EXPECT_EQ(bench.Resume(alone.task.id).error().reason, "parent-not-active");
  bench.Restart();
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  for (const StartAnswer* one : {&lead, &part, &below}) EXPECT_TRUE(bench.Active(*one));
  EXPECT_EQ(bench.StateOf(alone.task.id), "suspended");
  EXPECT_TRUE(bench.Resume(alone.task.id).has_value());
}

TEST_F(DelegateTest, AParentThatEndsWhileASubTaskIsBeingMadeTakesItAlong) {
  StartAnswer lead = Lead();
  bench.store().HoldCommits();
  EXPECT_EQ(bench.Delegate(lead, "box", {{"box", "b1"}}).error().reason, "no-answer");
  EXPECT_EQ(bench.Complete(lead).error().reason, "no-answer");
  bench.store().ReleaseCommits();
  bench.Pass(seconds(5));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
}

TEST_F(DelegateTest, AParentThatStopsWhileASubTaskIsBeingMadeStopsIt) {
  StartAnswer lead = Lead();
  bench.store().HoldCommits();
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  std::string part;
  bench.broker().Delegate(bench.Holder(lead), lead.task.id, request, [&](auto answer) { part = answer ? answer->task.id : answer.error().reason; });
  (void)bench.Suspend(lead.task.id);
  bench.store().ReleaseCommits();
  bench.Settle();
  ASSERT_TRUE(part.starts_with("tsk_")) << part;
  EXPECT_EQ(bench.StateOf(part), "suspended");
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_EQ(bench.StateOf(part), "active");
}

TEST_F(DelegateTest, ACrashWhileASubTaskIsBeingMadeLeavesNoOrphan) {
  StartAnswer lead = Lead();
  bench.store().HoldCommits();
  (void)bench.Delegate(lead, "part", {{"ticket", "T-1"}});
  (void)bench.Complete(lead);
  bench.store().ReleaseCommits();  // inline: what follows is committed at once, so the crash is made by hand below
  bench.Settle();
  StartAnswer again = Lead(), part = Part(again);
  // The parent's row is gone and the sub-task's is not: what a crash between two commits leaves.
  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, again.task.id, std::nullopt});
  bench.store().Commit(std::move(batch), [](auto) {});
  bench.Restart();
  bench.Settle();
  EXPECT_FALSE(bench.Active(part));
  EXPECT_EQ(bench.StateOf(part.task.id), "revoked");
}

TEST_F(DelegateTest, NobodyOfTheChainApproves) {
  // ann starts the parent herself, as a person.
  std::string schema(kLifeSchema);
  for (std::string_view entity : {"entity Lead = { actor: Agent,", "entity OpenBox = { actor: Agent,"})
    schema.replace(schema.find(entity), entity.size(), std::string(entity.substr(0, entity.find('{'))) + "{");
  std::string policies =
      std::string(kLifePolicies) + R"(@id("people") permit (principal in Team::"leads", action == Remit::Action::"start", resource);)";
  bench.LoadCatalog(policies, schema);
  auto lead = bench.Start("lead", {{"ticket", "T-1"}}, bench.Person("ann"));
  ASSERT_TRUE(lead.has_value()) << lead.error().ToString();
  auto waiting = bench.Delegate(*lead, "box", {{"box", "vault"}}, "sub");
  ASSERT_TRUE(waiting.has_value()) << waiting.error().ToString();
  EXPECT_EQ(bench.Approve(bench.Person("ann"), waiting->approval).error().reason, "own-request");
  EXPECT_TRUE(bench.Approve(bench.Person("bob"), waiting->approval).has_value());
  EXPECT_EQ(bench.StateOf(waiting->task.id), "active");
}

TEST_F(DelegateTest, AYesCountsForNothingWhileTheParentIsStopped) {
  StartAnswer lead = Lead();
  auto waiting = bench.Delegate(lead, "box", {{"box", "vault"}});
  ASSERT_TRUE(waiting.has_value());
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_EQ(bench.Approve(bench.Person("ann"), waiting->approval).error().reason, "parent-not-active");
  EXPECT_EQ(bench.StateOf(waiting->task.id), "requested");
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_TRUE(bench.Approve(bench.Person("ann"), waiting->approval).has_value());
}

TEST_F(DelegateTest, HandingOnIsCountedAtTheParent) {
  StartAnswer lead = Lead(), part = Part(lead);
  StartAnswer below = Part(part);
  const Error used_up = bench.Delegate(part, "part", {{"ticket", "T-1"}}).error();
  EXPECT_EQ(used_up.reason, "delegate-denied");
  EXPECT_EQ(used_up.hint.find("needs a permit"), std::string::npos) << "it has one";
  EXPECT_NE(used_up.hint.find("`remit explain part --under " + part.task.id + "`"), std::string::npos) << used_up.hint;
  ASSERT_TRUE(bench.Complete(below).has_value());
  bench.Restart();
  EXPECT_EQ(bench.Delegate(part, "part", {{"ticket", "T-1"}}).error().reason, "delegate-denied");
}

TEST_F(DelegateTest, DepthAndCountHaveLimits) {
  StartAnswer lead = Lead();
  StartAnswer above = lead;
  for (std::size_t i = 0; i < limits::kDelegationDepth; ++i) above = Part(above);
  EXPECT_EQ(bench.Delegate(above, "part", {{"ticket", "T-1"}}).error().reason, "too-deep");
  for (std::size_t i = limits::kDelegationDepth; i < limits::kTreeTasks; ++i) (void)Part(lead);
  EXPECT_EQ(bench.Delegate(lead, "part", {{"ticket", "T-1"}}).error().reason, "too-many-sub-tasks");
  ASSERT_TRUE(bench.Complete(lead).has_value());
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
}

TEST_F(DelegateTest, WhoActsForWhomIsInTokensAndTheLedger) {
  StartAnswer lead = Lead();
  auto part = bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "sub");
  ASSERT_TRUE(part.has_value()) << part.error().ToString();
  EXPECT_EQ(part->task.chain, (std::vector<cedar::EntityUid>{{"Agent", "bot"}, {"Agent", "sub"}}));
  StartAnswer below = Part(*part);
  bench.Restart();
  const json::Value seen = bench.broker().Introspect(Bench::Operator(), below.token.Reveal());
  EXPECT_EQ(*seen.FindString("sub"), "Agent::\"bot\"");
  const json::Value* act = seen.Find("act");
  ASSERT_NE(act, nullptr);
  EXPECT_EQ(*act->FindString("sub"), "Agent::\"sub\"");
  EXPECT_EQ(*act->FindString("remit_task"), below.task.id);
  EXPECT_EQ(*act->Find("act")->FindString("remit_task"), part->task.id);
  EXPECT_EQ(act->Find("act")->Find("act"), nullptr);
  auto token =
      bench.Ask<TokenAnswer>([&](auto answer) { bench.broker().IssueToken(bench.Token(below), {below.task.id, "https://rs", false}, answer); });
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(*bench.broker().Introspect(Bench::Agent("helpdesk"), token->token.Reveal()).Find("act"), *act);
  for (const json::Value& event : bench.Events())
    if (*event.FindString("type") == "task.started" && *event.FindString("task") == below.task.id) {
      EXPECT_EQ(*event.FindString("parent"), part->task.id);
      EXPECT_EQ(event.Find("chain")->AsArray().size(), 2u);
    }
}

TEST_F(DelegateTest, ACatalogThatGivesTheParentLessEndsWhatASubTaskHolds) {
  StartAnswer lead = Lead();
  StartAnswer box = Delegated(lead, "box", {{"box", "b1"}});
  std::string without(kLifePolicies);
  without.erase(without.find("@id(\"lead-box\")"), without.find("@id(\"lead-comments\")") - without.find("@id(\"lead-box\")"));
  bench.LoadCatalog(without, kLifeSchema);
  bench.Settle();
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_FALSE(bench.Active(box));
}

}  // namespace
}  // namespace remit::broker
