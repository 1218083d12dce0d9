// Attacks on tasks that stop, live longer and hand parts of themselves to others, each as a test.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/limits.h"
#include "broker/life_bench.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class TreeAttack : public LifeBenchTest {
 protected:
  void Load(std::string_view more_policies, std::string_view more_schema = "") {
    bench.LoadCatalog(std::string(kLifePolicies) + std::string(more_policies), std::string(kLifeSchema) + std::string(more_schema));
    bench.Settle();
  }
  // Use with a key, as a help desk asks that lost an answer.
  bool AllowedAgain(const std::string& task, const std::string& action, const std::string& key) {
    UseRequest request = Bench::Question(task, action, "Ticket", "T-1");
    request.idempotency_key = key;
    auto answer = bench.Ask<UseAnswer>([&](auto a) { bench.broker().Evaluate(Bench::Agent("helpdesk"), request, a); });
    return answer && answer->allowed;
  }
};

constexpr std::string_view kRotate = R"(
@task("Rotate one secret") @name("rotate") @ttl("10m") @delegable
entity Rotate = { actor: Agent, path: Secret::Path };
)";
constexpr std::string_view kRotatePolicy = R"(
@id("rotate") permit (principal is Rotate, action in [Secret::Action::"read", Secret::Action::"write"], resource) when { resource == principal.path };
)";

TEST_F(TreeAttack, ASuspendedTaskReadsNoSecretAndGetsNoToken) {
  Load(kRotatePolicy, kRotate);
  bench.broker().WriteSecret(Bench::Operator(), "ci/token", Secret("geheim"), [](auto a) { Bench::Expect(a); });
  StartAnswer rotate = Start("rotate", {{"path", "ci/token"}});
  const Caller token = bench.Token(rotate);  // as a door that asked before, and acts now
  auto read = [&] { return bench.Ask<SecretAnswer>([&](auto a) { bench.broker().ReadSecret(token, "ci/token", std::nullopt, a); }); };
  ASSERT_TRUE(read().has_value());
  ASSERT_TRUE(bench.Suspend(rotate.task.id).has_value());
  EXPECT_EQ(read().error().reason, "no-such-secret");
  auto jwt = bench.Ask<TokenAnswer>([&](auto a) { bench.broker().IssueToken(token, {rotate.task.id, "https://rs", true}, a); });
  EXPECT_EQ(jwt.error().reason, "wrong-state");
}

TEST_F(TreeAttack, AnAnswerThatWasGivenIsNotGivenAgainWhileItIsSuspended) {
  StartAnswer lead = Lead(), part = Part(lead);
  ASSERT_TRUE(AllowedAgain(part.task.id, "ticket.comment", "k1"));
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_FALSE(AllowedAgain(part.task.id, "ticket.comment", "k1"));
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_TRUE(AllowedAgain(part.task.id, "ticket.comment", "k1"));
  EXPECT_EQ(bench.Shown(lead.task.id).Find("uses")->Find("lead-comments")->AsInt(), 1);  // charged once
}

// A server stopped just after a sub-task's deadline, before it had ended it, and comes back on a machine whose clock is a little behind. By that
// clock there is time left, by the ledger's there is none. What is not given is charged to nobody, whoever asks how often.
TEST_F(TreeAttack, AUseThatIsRefusedLateCostsTheTasksAboveNothing) {
  StartAnswer lead = Lead(), part = Part(lead);
  const Time deadline = bench.clock.Now() + minutes(10);
  bench.clock.Advance(minutes(10));
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", false}, [](auto a) { Bench::Expect(a); });
  bench.clock.Restart(deadline - limits::kClockSkew);
  bench.Restart();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bench.Use(part.task.id, "ticket.comment", "T-1").error().reason, "wrong-state");
  EXPECT_TRUE(bench.Shown(lead.task.id).Find("uses")->AsObject().empty());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bench.Allowed(lead.task.id, "ticket.comment", "T-1"));
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.comment", "T-1"));
}

TEST_F(TreeAttack, WhoHoldsASubTaskHoldsNothingOfItsParent) {
  StartAnswer lead = Lead(), part = Part(lead);
  const Caller holder = bench.Holder(part);
  auto end = bench.Ask<EndAnswer>([&](auto a) { bench.broker().Complete(holder, lead.task.id, Duration(0), a); });
  EXPECT_EQ(end.error().reason, "unknown-task");
  EXPECT_EQ(bench.Extend(holder, lead.task.id, minutes(1)).error().reason, "unknown-task");
  EXPECT_EQ(bench.broker().ShowTask(holder, lead.task.id).error().reason, "unknown-task");
  EXPECT_EQ(bench.broker().Environment(holder, lead.task.id).error().reason, "unknown-task");
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  auto more = bench.Ask<StartAnswer>([&](auto a) { bench.broker().Delegate(holder, lead.task.id, request, a); });
  EXPECT_EQ(more.error().reason, "unknown-task");
  // And the parent's holder gets no credentials of a part: those are its own holder's.
  EXPECT_EQ(bench.broker().Environment(bench.Holder(lead), part.task.id).error().reason, "unknown-task");
}

TEST_F(TreeAttack, ATaskDoesNotWidenItselfByGoingRoundThroughASubTask) {
  // The part may close tickets, its parent may not; a part of a part is no way round, nor is another ticket.
  StartAnswer lead = Lead(), part = Part(lead), below = Part(part);
  EXPECT_FALSE(bench.Allowed(below.task.id, "ticket.close", "T-1"));
  StartAnswer other = Delegated(lead, "part", {{"ticket", "T-2"}});
  auto wide = bench.Delegate(other, "part", {{"ticket", "T-1"}});
  ASSERT_TRUE(wide.has_value());
  EXPECT_FALSE(bench.Allowed(wide->task.id, "ticket.read", "T-1"));  // T-1 is its root's, and not its parent's
}

TEST_F(TreeAttack, AYesWithinASubTaskIsAskedOfNobodyInTheChain) {
  std::string schema(kLifeSchema);
  for (std::string_view entity : {"entity Lead = { actor: Agent,"}) schema.replace(schema.find(entity), entity.size(), "entity Lead = {");
  bench.LoadCatalog(std::string(kLifePolicies) +
                        R"(@id("ask") @unless_approved("1") forbid (principal is Lead, action == Action::"ticket.comment", resource);
                           @id("people") permit (principal in Team::"leads", action == Remit::Action::"start", resource);)",
                    schema);
  auto lead = bench.Start("lead", {{"ticket", "T-1"}}, bench.Person("ann"));
  ASSERT_TRUE(lead.has_value()) << lead.error().ToString();
  auto part = bench.Delegate(*lead, "part", {{"ticket", "T-1"}}, "sub");
  ASSERT_TRUE(part.has_value()) << part.error().ToString();
  auto asked = bench.Use(part->task.id, "ticket.comment", "T-1");
  ASSERT_EQ(asked->reason, "needs-approval");  // its parent's type asks
  EXPECT_EQ(bench.Approve(bench.Person("ann"), asked->approval).error().reason, "own-request");
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), asked->approval).has_value());
  EXPECT_TRUE(bench.Allowed(part->task.id, "ticket.comment", "T-1"));
  EXPECT_FALSE(bench.Allowed(part->task.id, "ticket.comment", "T-1"));  // a yes counts once
}

TEST_F(TreeAttack, AnEndOvertakesAnExtensionAndStays) {
  StartAnswer lead = Lead();
  bench.store().HoldCommits();
  (void)bench.Extend(bench.Holder(lead), lead.task.id, minutes(15));
  (void)bench.Complete(lead);
  bench.store().ReleaseCommits();
  bench.Pass(seconds(5));
  EXPECT_EQ(bench.StateOf(lead.task.id), "completed");
  bench.Restart();
  EXPECT_EQ(bench.StateOf(lead.task.id), "completed");
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
}

TEST_F(TreeAttack, AnExtensionThatCannotBeWrittenDownGivesNoTime) {
  StartAnswer lead = Lead();
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(bench.Extend(bench.Holder(lead), lead.task.id, minutes(15)).error().reason, "store-failed");
  EXPECT_TRUE(bench.box->until.empty());
  bench.Pass(minutes(31));
  EXPECT_EQ(bench.StateOf(lead.task.id), "expired");
}

TEST_F(TreeAttack, ASubTaskIsNotHandedToWhoIsBarredOrOfAnotherType) {
  StartAnswer lead = Lead();
  EXPECT_EQ(bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "nobody").error().reason, "start-denied");
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "sub"}, "", nullptr, std::nullopt, true}, [](auto a) { Bench::Expect(a); });
  EXPECT_EQ(bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "sub").error().reason, "start-denied");
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  request.actor = {"Employee", "eve"};
  auto person = bench.Ask<StartAnswer>([&](auto a) { bench.broker().Delegate(bench.Holder(lead), lead.task.id, request, a); });
  EXPECT_EQ(person.error().reason, "wrong-actor-type");
}

TEST_F(TreeAttack, WhatDiedAndIsFoundAgainKeepsWhatIsKnownOfIt) {
  StartAnswer box = Start("box", {{"box", "b1"}});
  const std::string name = *bench.box->exists.begin(), credential = name.substr(4);
  ASSERT_TRUE(bench.Complete(box).has_value());
  bench.Settle();
  bench.Pass(seconds(1));
  bench.box->exists.insert(name);  // somebody put it back
  bench.Pass(minutes(2));
  EXPECT_TRUE(bench.box->exists.empty());
  auto row = bench.store().Get(store::Table::kEndedCredential, credential);
  ASSERT_TRUE(row && *row);
  const auto record = task::CredentialRecord::Decode(**row).value();
  EXPECT_EQ(record.task, box.task.id);
  EXPECT_EQ(record.kind, "box-key");
  EXPECT_EQ(record.evidence.size(), 2u);  // of both its ends
  EXPECT_FALSE(record.permissions.permissions.empty());
  EXPECT_TRUE(bench.broker().Receipt(Bench::Operator(), box.task.id)->Find("all_dead")->AsBool());
}

// Facts that were on their way before it was drafted under the old ones.
TEST_F(TreeAttack, FactsThatOvertakeAStartOrAResumptionLeaveNoCredentialThatIsTooWide) {
  std::string policies(kLifePolicies);
  const std::string_view when = "{ resource == principal.box }";
  policies.replace(policies.find(when), when.size(), R"({ resource == principal.box && principal.actor in Team::"support" })");
  bench.LoadCatalog(policies, kLifeSchema);
  StartAnswer box = Start("box", {{"box", "b1"}});
  ASSERT_TRUE(bench.Suspend(box.task.id).has_value());
  ASSERT_TRUE(bench.box->exists.empty());
  const std::size_t ever = bench.box->ever.size();
  bench.store().HoldCommits();
  bench.broker().PutFacts(Bench::Operator(), *json::Parse(R"([{"uid": {"type": "Agent", "id": "bot"}, "attrs": {}, "parents": []}])"), false,
                          [](auto a) { Bench::Expect(a); });
  std::string started;
  StartRequest request;
  request.type = "box";
  request.parameters = json::Object{{"box", "b2"}};
  bench.broker().Start(Bench::Agent(), request, [&](auto a) { started = a ? a->task.id : a.error().reason; });
  (void)bench.Resume(box.task.id);
  bench.store().ReleaseCommits();
  bench.Pass(seconds(5));
  EXPECT_EQ(started, "task-ended");
  EXPECT_EQ(bench.StateOf(box.task.id), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.box->ever.size(), ever);  // nothing was made
}

TEST_F(TreeAttack, OfManySubTasksAtOnceOnlyAsManyBeginAsFit) {
  StartAnswer lead = Lead();
  const Caller holder = bench.Holder(lead);
  std::map<std::string, std::size_t> answers;
  auto delegate = [&] {
    DelegateRequest request;
    request.start.type = "part";
    request.start.parameters = json::Object{{"ticket", "T-1"}};
    bench.broker().Delegate(holder, lead.task.id, request, [&](auto a) { ++answers[a ? "started" : a.error().reason]; });
  };
  bench.store().HoldCommits();
  for (std::size_t i = 0; i < limits::kTreeTasks + 3; ++i) delegate();
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(answers["started"], limits::kTreeTasks);
  EXPECT_EQ(answers["too-many-sub-tasks"], 3u);
}

TEST_F(TreeAttack, ASubTaskThatCouldNotBeWrittenDownTakesNoRoom) {
  StartAnswer lead = Lead();
  for (std::size_t i = 0; i + 1 < limits::kTreeTasks; ++i) (void)Part(lead);
  bench.store().FailNext(1, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  EXPECT_EQ(bench.Delegate(lead, "part", {{"ticket", "T-1"}}).error().reason, "store-failed");
  EXPECT_TRUE(bench.Delegate(lead, "part", {{"ticket", "T-1"}}).has_value());
  EXPECT_EQ(bench.Delegate(lead, "part", {{"ticket", "T-1"}}).error().reason, "too-many-sub-tasks");
}

TEST_F(TreeAttack, AnIdempotencyKeyTellsNobodyElseWhatWasStarted) {
  StartAnswer lead = Lead();
  DelegateRequest request;
  request.start.type = "part";
  request.start.parameters = json::Object{{"ticket", "T-1"}};
  request.start.idempotency_key = "k1";
  auto by = [&](const Caller& who) {
    auto answer = bench.Ask<StartAnswer>([&](auto a) { bench.broker().Delegate(who, lead.task.id, request, a); });
    return answer ? std::string("started") : answer.error().reason;
  };
  EXPECT_EQ(by(bench.Holder(lead)), "started");
  EXPECT_EQ(by(bench.Holder(lead)), "already-started");
  EXPECT_EQ(by(Bench::Agent("helpdesk")), "unknown-task");
  EXPECT_EQ(by(bench.Person("ann")), "delegate-denied");
}

TEST_F(TreeAttack, AnApprovedStartCostsWhatEveryStartCosts) {
  Load(R"(@id("ask") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is Alone);
          @id("once") @after_uses("1") forbid (principal, action in [Remit::Action::"start", Remit::Action::"extend"], resource is Alone);)");
  auto alone = bench.Start("alone", {{"ticket", "T-1"}});
  ASSERT_TRUE(alone.has_value()) << alone.error().ToString();
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), alone->approval).has_value());
  EXPECT_EQ(bench.Shown(alone->task.id).Find("uses")->Find("once")->AsInt(), 1);
  EXPECT_EQ(bench.Extend(bench.Holder(*alone), alone->task.id, minutes(1)).error().reason, "extend-denied");
}

// A sub-task that was resumed while its parent was stopped follows it; until that is written down, neither goes on.
TEST_F(TreeAttack, ATreeIsNotResumedBeforeEveryPartOfItsStopIsWrittenDown) {
  StartAnswer lead = Lead(), part = Part(lead);
  ASSERT_TRUE(bench.Suspend(part.task.id).has_value());
  bool failed = false;
  auto hold = bench.broker().Hold(bench.Holder(lead), lead.task.id, [&](const json::Value&) {
    // That the lead's own credential is dead, and that the part stopped with it.
    if (!std::exchange(failed, true)) bench.store().FailNext(2, Error(Code::kUnavailable, "store-failed", "the disk is gone"));
  });
  ASSERT_TRUE(hold.has_value());
  bench.store().HoldCommits();
  (void)bench.Resume(part.task.id);
  (void)bench.Suspend(lead.task.id);
  bench.store().ReleaseCommits();
  bench.Settle();
  ASSERT_TRUE(failed);
  const auto early = bench.Resume(lead.task.id);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().reason, "suspend-not-recorded");
  bench.Pass(seconds(5));
  ASSERT_TRUE(bench.Resume(lead.task.id).has_value());
  EXPECT_EQ(bench.StateOf(part.task.id), "active");
  EXPECT_EQ(bench.EventsOf(part.task.id).back(), "task.resumed");
}

}  // namespace
}  // namespace remit::broker
