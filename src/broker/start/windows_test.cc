// Starts that lie ahead: approved now, asked again when their time has come, alive from then on.
#include "broker/test_bench.h"
#include "task/decision.h"

namespace remit::broker {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class Windows : public BrokerTest {
 protected:
  Result<StartAnswer> Ask(const std::string& type, Time at, json::Object parameters = {{"ticket", "T-1"}}) {
    StartRequest request;
    request.type = type;
    request.parameters = std::move(parameters);
    request.at = at;
    return bench.Start(std::move(request));
  }
  StartAnswer Scheduled(const std::string& type, Time at, json::Object parameters = {{"ticket", "T-1"}}) {
    auto asked = Ask(type, at, std::move(parameters));
    EXPECT_TRUE(asked) << asked.error().ToString();
    if (!asked) return {};
    EXPECT_EQ(bench.StateOf(asked->task.id), "scheduled");
    return *std::move(asked);
  }
  StartAnswer Approved(Time at) {
    auto asked = Ask("change", at);
    EXPECT_TRUE(asked) << asked.error().ToString();
    for (const char* who : {"ann", "bob"}) EXPECT_TRUE(bench.Approve(bench.Person(who), asked->approval));
    EXPECT_EQ(bench.StateOf(asked->task.id), "scheduled");
    return *std::move(asked);
  }
  Time In(Duration d) { return bench.clock.Now() + d; }
  void Until(Time t) {
    bench.timers->RunUntil(t);
    bench.Settle();
  }
  json::Value Shown(const StartAnswer& asked) { return *bench.broker().ShowTask(Bench::Operator(), asked.task.id); }
};

TEST_F(Windows, ItsLifeBeginsWhenItsTimeHasCome) {
  const Time at = In(hours(5));
  StartAnswer asked = Scheduled("box", at, {{"box", "B-1"}});
  EXPECT_EQ(*bench.EventOf("task.scheduled").FindString("at"), FormatTime(at));
  EXPECT_EQ(*bench.EventOf("task.scheduled").FindString("purpose"), "Open one box");
  Until(at - seconds(1));
  EXPECT_EQ(bench.StateOf(asked.task.id), "scheduled");
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_TRUE(bench.broker().FindHandle(asked.token.Reveal()).Is(Caller::Kind::kNobody));
  Until(at);
  EXPECT_EQ(bench.StateOf(asked.task.id), "active");
  EXPECT_EQ(bench.box->exists.size(), 1u);
  EXPECT_EQ(*Shown(asked).FindString("started"), FormatTime(at));
  EXPECT_EQ(*Shown(asked).FindString("deadline"), FormatTime(at + minutes(10)));
  EXPECT_TRUE(bench.broker().FindHandle(asked.token.Reveal()).Is(Caller::Kind::kTask));
  EXPECT_FALSE(bench.broker().Environment(bench.broker().FindHandle(asked.holder.Reveal()), asked.task.id)->empty());
  Until(at + minutes(10));
  EXPECT_EQ(bench.StateOf(asked.task.id), "expired");
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(Windows, IsApprovedBeforeAndStartsByItself) {
  const Time at = In(hours(30));
  StartAnswer asked = Approved(at);
  EXPECT_FALSE(bench.Allowed(asked.task.id, "ticket.close", "T-1"));
  Until(at);
  EXPECT_EQ(bench.StateOf(asked.task.id), "active");
  EXPECT_TRUE(bench.Allowed(asked.task.id, "ticket.close", "T-1"));
}

TEST_F(Windows, WhoeverApprovesSaysYesToTheTimeToo) {
  auto one = Ask("change", In(hours(2)));
  ASSERT_TRUE(one);
  auto list = bench.broker().ListApprovals(Bench::Operator());
  const json::Value shown = list->Find("approvals")->AsArray()[0];
  EXPECT_EQ(*shown.FindString("at"), FormatTime(*one->task.not_before));
  task::TaskRecord moved = one->task;
  const task::PermissionSet none;
  const Hash before = task::RequestHash(moved, none);
  moved.not_before = *moved.not_before + hours(24);
  EXPECT_NE(task::RequestHash(moved, none), before);
  moved.not_before.reset();
  EXPECT_NE(task::RequestHash(moved, none), before);
}

TEST_F(Windows, OneThatNobodyApprovedInTimeIsOver) {
  auto asked = Ask("change", In(hours(2)));
  ASSERT_TRUE(asked);
  Until(In(hours(2)));
  EXPECT_EQ(bench.StateOf(asked->task.id), "expired");
}

TEST_F(Windows, HaveLimits) {
  EXPECT_EQ(Ask("triage", In(Duration(0))).error().reason, "bad-start-time");
  EXPECT_EQ(Ask("triage", In(seconds(-1))).error().reason, "bad-start-time");
  EXPECT_EQ(Ask("triage", In(hours(30 * 24) + seconds(1))).error().reason, "bad-start-time");
  Scheduled("triage", In(hours(30 * 24)));
}

TEST_F(Windows, CanBeWithdrawnAndDenied) {
  StartAnswer one = Scheduled("triage", In(hours(2))), other = Approved(In(hours(2)));
  bool withdrawn = false;
  bench.broker().Withdraw(bench.broker().FindHandle(one.holder.Reveal()), one.task.id, [&](auto a) { withdrawn = a.has_value(); });
  EXPECT_TRUE(withdrawn);
  EXPECT_EQ(bench.StateOf(one.task.id), "withdrawn");
  bool denied = false;
  bench.broker().Deny(bench.Person("ann"), other.approval, "not tonight", [&](auto a) { denied = a.has_value(); });
  EXPECT_TRUE(denied);
  Until(In(hours(3)));
  EXPECT_EQ(bench.StateOf(one.task.id), "withdrawn");
  EXPECT_EQ(bench.StateOf(other.task.id), "denied");
}

TEST_F(Windows, CannotBeCompletedOrApprovedWhileItWaits) {
  StartAnswer asked = Approved(In(hours(2)));
  EXPECT_FALSE(bench.Complete(asked));
  EXPECT_EQ(bench.Approve(bench.Person("ann"), asked.approval, std::string(64, '0')).error().reason, "unknown-approval");
  EXPECT_EQ(bench.StateOf(asked.task.id), "scheduled");
}

// --- asked again when it starts --------------------------------------------------------------------------------------------------------

TEST_F(Windows, AnotherCatalogMakesItWaitForPeopleAgain) {
  const Time at = In(hours(2));
  StartAnswer asked = Approved(at);
  std::string wider(kPolicies);
  wider += R"(@id("more") permit (principal is Change, action == Action::"ticket.read", resource);)";
  bench.LoadCatalog(wider);
  Until(at);  // what they said yes to is within both catalogs, and that is still the same
  EXPECT_EQ(bench.StateOf(asked.task.id), "active");

  StartAnswer other = Approved(In(hours(2)));
  std::string narrower = wider;
  narrower.replace(narrower.find("when { resource == principal.ticket };\n@id(\"box\")"), 38,
                   "when { resource == principal.ticket && resource.project == \"web\" };");
  bench.LoadCatalog(narrower);
  Until(In(hours(2)));
  EXPECT_EQ(bench.StateOf(other.task.id), "requested");
  EXPECT_TRUE(Shown(other).Find("approvals")->AsArray().empty());
  EXPECT_FALSE(bench.Allowed(other.task.id, "ticket.close", "T-1"));
  for (const char* who : {"ann", "bob"}) ASSERT_TRUE(bench.Approve(bench.Person(who), other.approval)) << who;
  EXPECT_EQ(bench.StateOf(other.task.id), "active");
}

TEST_F(Windows, MoreApprovalsThanWereGivenAreAskedFor) {
  StartAnswer asked = Approved(In(hours(2)));
  std::string three(kPolicies);
  three.replace(three.find("@unless_approved(\"2\")"), 21, "@unless_approved(\"3\")");
  bench.LoadCatalog(three);
  Until(In(hours(2)));
  EXPECT_EQ(bench.StateOf(asked.task.id), "requested");
  EXPECT_EQ(Shown(asked).Find("approvals_needed")->AsInt(), 3);
}

TEST_F(Windows, AYesOfSomebodyWhoMayNotAnyMoreIsNone) {
  StartAnswer asked = Approved(In(hours(2)));
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "bob"}, "", true}, [](auto a) { Bench::Expect(a); });
  Until(In(hours(2)));
  EXPECT_EQ(bench.StateOf(asked.task.id), "requested");
}

TEST_F(Windows, WhatIsNotPermittedAnyMoreIsDenied) {
  StartAnswer one = Scheduled("triage", In(hours(2)));
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "", nullptr, std::nullopt, true}, [](auto a) { Bench::Expect(a); });
  Until(In(hours(2)));
  EXPECT_EQ(bench.StateOf(one.task.id), "denied");
  EXPECT_NE(Shown(one).FindString("end_reason")->find("barred"), std::string::npos);
}

TEST_F(Windows, BudgetsAreCountedWhenItStarts) {
  bench.LoadCatalog(kPolicies, Bench::Annotated("triage", "@max_starts(\"1 per 24h by ticket\")"));
  StartAnswer one = Scheduled("triage", In(hours(2))), other = Scheduled("triage", In(hours(3)));
  Triage("T-2");
  Until(In(hours(4)));
  EXPECT_EQ(bench.StateOf(one.task.id), "expired");
  EXPECT_EQ(bench.StateOf(other.task.id), "denied");
  EXPECT_EQ(Ask("triage", In(hours(20))).error().reason, "budget-used-up");
  Scheduled("triage", In(hours(23)));
}

// --- local time ------------------------------------------------------------------------------------------------------------------------

// No changes after Friday, three o'clock, in Berlin: plain Cedar, for the moment in which it is to start.
TEST_F(Windows, NothingAfterFridayAtThree) {
  std::string policies(kPolicies);
  policies += R"(@id("no-friday") forbid (principal, action == Remit::Action::"start", resource is Triage)
      when { context.local.weekday == 5 && context.local.minute >= 15 * 60 };)";
  bench.LoadCatalog(policies, Bench::Annotated("triage", "@timezone(\"Europe/Berlin\")"));
  bench.clock.Restart(*ParseTime("2026-10-21T12:00:00Z"));  // a Wednesday; clocks go back on Sunday
  bench.Restart();
  auto reason = [&](const char* at) {
    auto asked = Ask("triage", *ParseTime(at));
    return asked ? std::string() : asked.error().reason;
  };
  EXPECT_EQ(reason("2026-10-23T14:59:59+02:00"), "");
  EXPECT_EQ(reason("2026-10-23T15:00:00+02:00"), "start-denied");
  EXPECT_EQ(reason("2026-10-23T23:59:00+02:00"), "start-denied");
  EXPECT_EQ(reason("2026-10-24T00:00:00+02:00"), "");
  EXPECT_EQ(reason("2026-10-30T13:30:00Z"), "");  // half past two, an hour later than in summer
  EXPECT_EQ(reason("2026-10-30T14:00:00Z"), "start-denied");
  // Asked again when it starts, by the clock as it then is.
  StartAnswer late = Scheduled("triage", *ParseTime("2026-10-23T14:30:00+02:00"));
  bench.clock.Restart(*ParseTime("2026-10-23T15:10:00+02:00"));
  bench.Restart();
  Until(In(seconds(1)));
  EXPECT_EQ(bench.StateOf(late.task.id), "denied");
}

// --- restarts, clocks, disks -----------------------------------------------------------------------------------------------------------

TEST_F(Windows, ARestartForgetsNothing) {
  const Time at = In(hours(2));
  StartAnswer one = Scheduled("triage", at), other = Approved(at);
  bench.Restart();
  EXPECT_EQ(bench.StateOf(one.task.id), "scheduled");
  Until(at);
  EXPECT_EQ(bench.StateOf(one.task.id), "active");
  EXPECT_EQ(bench.StateOf(other.task.id), "active");
}

TEST_F(Windows, WhatCameDueWhileTheServerWasDownStartsLateOrNever) {
  const Time at = In(hours(2));
  StartAnswer one = Scheduled("triage", at);
  bench.clock.Restart(at + minutes(59));
  bench.Restart();
  Until(In(seconds(1)));
  EXPECT_EQ(bench.StateOf(one.task.id), "active");
  EXPECT_EQ(*Shown(one).FindString("started"), FormatTime(at + minutes(59)));

  const Time later = In(hours(2));
  StartAnswer other = Scheduled("triage", later);
  bench.clock.Restart(later + minutes(60));
  bench.Restart();
  Until(In(seconds(1)));
  EXPECT_EQ(bench.StateOf(other.task.id), "expired");
}

TEST_F(Windows, WithAClockInDoubtNothingStarts) {
  const Time at = In(minutes(20));
  StartAnswer one = Scheduled("triage", at);
  StartRequest request;
  request.type = "triage";
  request.parameters = json::Object{{"ticket", "T-2"}};
  request.ttl = hours(1);
  auto other = bench.Start(std::move(request));
  ASSERT_TRUE(other);
  bench.store().FillDisk(true);  // so that it does not start, while ends are still written down
  Until(at + minutes(15));
  ASSERT_TRUE(bench.Complete(*other));
  bench.clock.Restart(at + minutes(5));  // behind the end that was just written
  bench.Restart();
  EXPECT_EQ(bench.Start("triage", {{"ticket", "T-1"}}).error().reason, "clock-in-doubt");
  Until(at + minutes(14));
  EXPECT_EQ(bench.StateOf(one.task.id), "scheduled");
  Until(at + minutes(15) + seconds(10));
  EXPECT_EQ(bench.StateOf(one.task.id), "active");
}

TEST_F(Windows, AStartThatCannotBeWrittenDownIsTriedAgain) {
  const Time at = In(hours(1));
  StartAnswer one = Scheduled("box", at, {{"box", "B-1"}});
  bench.store().FillDisk(true);
  Until(at + seconds(25));
  EXPECT_EQ(bench.StateOf(one.task.id), "scheduled");
  EXPECT_TRUE(bench.box->ever.empty());
  bench.store().FillDisk(false);
  Until(at + seconds(31));
  EXPECT_EQ(bench.StateOf(one.task.id), "active");
  EXPECT_EQ(bench.box->exists.size(), 1u);
}

TEST_F(Windows, WithdrawnWhileItsStartIsWrittenDownItHoldsNothing) {
  const Time at = In(hours(1));
  StartAnswer one = Scheduled("box", at, {{"box", "B-1"}});
  bench.store().HoldCommits();
  Until(at);
  bool answered = false;
  bench.broker().Withdraw(bench.broker().FindHandle(one.holder.Reveal()), one.task.id, [&](auto) { answered = true; });
  bench.store().ReleaseCommits();
  Until(at + minutes(1));
  EXPECT_TRUE(answered);
  EXPECT_EQ(bench.StateOf(one.task.id), "withdrawn");
  EXPECT_TRUE(bench.box->exists.empty());
}

}  // namespace
}  // namespace remit::broker
