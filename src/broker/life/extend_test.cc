// More time: how far it goes, who may have it, and what people say yes to.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/life_bench.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class ExtendTest : public LifeBenchTest {
 protected:
  Time DeadlineOf(const StartAnswer& started) { return ParseTime(*bench.Shown(started.task.id).FindString("deadline")).value(); }
  std::string ApprovalHash(const std::string& approval) {
    auto list = bench.broker().ListApprovals(Bench::Operator());
    for (const json::Value& one : list->Find("approvals")->AsArray())
      if (*one.FindString("id") == approval) return *one.FindString("hash");
    return "";
  }
  // A box task that asks for so much more, and the request's id.
  std::string Asked(const StartAnswer& box, Duration more) {
    auto asked = bench.Extend(bench.Holder(box), box.task.id, more);
    EXPECT_TRUE(asked.has_value()) << asked.error().ToString();
    return asked ? asked->approval : "";
  }
};

TEST_F(ExtendTest, TheDeadlineMovesUpToTheLongestLife) {
  StartAnswer lead = Lead();
  const Time before = DeadlineOf(lead);
  auto extended = bench.Extend(bench.Holder(lead), lead.task.id, minutes(15));
  ASSERT_TRUE(extended.has_value()) << extended.error().ToString();
  EXPECT_EQ(extended->task.deadline, before + minutes(15));
  EXPECT_EQ(extended->approval, "");
  EXPECT_EQ(DeadlineOf(lead), before + minutes(15));
  EXPECT_EQ(bench.Extend(bench.Holder(lead), lead.task.id, minutes(76)).error().reason, "too-long");
  EXPECT_EQ(bench.Extend(bench.Holder(lead), lead.task.id, minutes(0)).error().reason, "bad-duration");
  EXPECT_EQ(bench.Extend(bench.Holder(lead), lead.task.id, -minutes(1)).error().reason, "bad-duration");
  EXPECT_TRUE(bench.Extend(bench.Holder(lead), lead.task.id, minutes(75)).has_value());  // to the last minute
  bench.Pass(minutes(40));
  EXPECT_TRUE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  bench.Restart();
  EXPECT_TRUE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  bench.Pass(minutes(81));
  EXPECT_EQ(bench.StateOf(lead.task.id), "expired");
}

TEST_F(ExtendTest, TheTargetsOwnExpiryMovesAlong) {
  StartAnswer lead = Lead();
  const std::string name = *bench.box->exists.begin();
  bench.box->down = true;
  ASSERT_TRUE(bench.Extend(bench.Holder(lead), lead.task.id, minutes(15)).has_value());
  EXPECT_FALSE(bench.box->until.contains(name));
  bench.box->down = false;
  bench.Pass(seconds(60));  // asked again
  EXPECT_EQ(bench.box->until[name], DeadlineOf(lead));
  bench.box->until.clear();
  bench.Restart();  // nobody knows how far it came
  bench.Settle();
  EXPECT_EQ(bench.box->until[name], DeadlineOf(lead));
  const auto events = bench.EventsOf(lead.task.id);
  EXPECT_EQ(std::ranges::count(events, "credential.prolonged"), 1);
}

TEST_F(ExtendTest, TheHolderAndWhoMayButNoToken) {
  StartAnswer lead = Lead();
  EXPECT_EQ(bench.Extend(bench.Token(lead), lead.task.id, minutes(1)).error().reason, "holder-key-needed");
  EXPECT_EQ(bench.Extend(bench.Person("eve"), lead.task.id, minutes(1)).error().reason, "unknown-task");
  EXPECT_EQ(bench.Extend(bench.Person("ann"), lead.task.id, minutes(1)).error().reason, "extend-denied");
  EXPECT_EQ(bench.Extend(Bench::Operator(), lead.task.id, minutes(1)).error().reason, "extend-denied");
  EXPECT_TRUE(bench.Extend(Bench::Agent(), lead.task.id, minutes(1)).has_value());
  ASSERT_TRUE(bench.Suspend(lead.task.id).has_value());
  EXPECT_EQ(bench.Extend(Bench::Agent(), lead.task.id, minutes(1)).error().reason, "wrong-state");
}

TEST_F(ExtendTest, PeopleAreAskedOnceAndTheirYesIsForThis) {
  StartAnswer box = Start("box", {{"box", "b1"}});
  const Time before = DeadlineOf(box);
  const std::string approval = Asked(box, minutes(20));
  ASSERT_NE(approval, "");
  EXPECT_EQ(Asked(box, minutes(20)), approval);
  EXPECT_EQ(DeadlineOf(box), before);
  EXPECT_EQ(*bench.Shown(box.task.id).FindString("approval"), approval);
  const std::string small = ApprovalHash(approval);
  (void)Asked(box, minutes(50));  // asks for more, with the yes to less in hand
  EXPECT_EQ(bench.Approve(bench.Person("ann"), approval, small).error().reason, "request-changed");
  EXPECT_EQ(bench.Approve(bench.Person("eve"), approval, ApprovalHash(approval)).error().reason, "unknown-approval");
  bench.Restart();
  auto given = bench.Approve(bench.Person("ann"), approval);
  ASSERT_TRUE(given.has_value()) << given.error().ToString();
  EXPECT_EQ(DeadlineOf(box), before + minutes(50));
  EXPECT_EQ(bench.Approve(bench.Person("bob"), approval, small).error().reason, "unknown-approval");
}

TEST_F(ExtendTest, ADeniedAndAnExpiredRequestGiveNothing) {
  StartAnswer box = Start("box", {{"box", "b1"}});
  const std::string approval = Asked(box, minutes(20));
  const std::string hash = ApprovalHash(approval);
  std::string state;
  bench.broker().Deny(bench.Person("ann"), approval, "no",
                      [&](auto denied) { state = denied ? *denied->FindString("state") : denied.error().reason; });
  EXPECT_EQ(state, "denied");
  EXPECT_EQ(bench.StateOf(box.task.id), "active");  // the task goes on
  EXPECT_EQ(bench.Approve(bench.Person("bob"), approval, hash).error().reason, "unknown-approval");
  (void)Asked(box, minutes(20));
  EXPECT_NE(ApprovalHash(approval), "");
  bench.Pass(minutes(10));
  EXPECT_EQ(bench.StateOf(box.task.id), "expired");
}

TEST_F(ExtendTest, WhatIsDeniedWhileAYesIsWrittenDownStaysDenied) {
  std::string two(kLifePolicies);
  const std::string_view one = R"(@id("extend-box") @unless_approved("1"))";
  bench.LoadCatalog(two.replace(two.find(one), one.size(), R"(@id("extend-box") @unless_approved("2"))"), kLifeSchema);
  StartAnswer box = Start("box", {{"box", "b1"}});
  const std::string approval = Asked(box, minutes(20));
  const std::string hash = ApprovalHash(approval);
  bench.store().HoldCommits();
  std::string yes, no;
  bench.broker().Approve(bench.Person("ann"), approval, hash, [&](auto given) { yes = given ? "given" : given.error().reason; });
  bench.broker().Deny(bench.Person("bob"), approval, "no", [&](auto denied) { no = denied ? *denied->FindString("state") : denied.error().reason; });
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(yes, "given");
  EXPECT_EQ(no, "denied");
  EXPECT_EQ(ApprovalHash(approval), "");
  EXPECT_EQ(bench.Approve(bench.Person("bob"), approval, hash).error().reason, "unknown-approval");
  bench.Restart();
  EXPECT_EQ(ApprovalHash(approval), "");
  EXPECT_EQ(DeadlineOf(box), box.task.deadline);
}

TEST_F(ExtendTest, WhatIsDeniedWhileTheTaskIsResumedLeavesTheResumptionAlone) {
  StartAnswer box = Start("box", {{"box", "b1"}});
  const std::string approval = Asked(box, minutes(20));
  ASSERT_TRUE(bench.Suspend(box.task.id).has_value());
  bench.store().HoldCommits();
  (void)bench.Resume(box.task.id);
  bench.broker().Deny(bench.Person("ann"), approval, "no", [](auto) {});
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(ApprovalHash(approval), "");
  EXPECT_EQ(bench.StateOf(box.task.id), "active");
  EXPECT_EQ(bench.box->exists.size(), 1u);
  bench.Restart();  // what is written down says the same: nothing is live of what is stopped
  EXPECT_EQ(ApprovalHash(approval), "");
  EXPECT_EQ(bench.StateOf(box.task.id), "active");
  EXPECT_EQ(bench.box->exists.size(), 1u);
}

TEST_F(ExtendTest, AYesToWhatIsNotGivenAnyMoreExtendsNothing) {
  StartAnswer box = Start("box", {{"box", "b1"}});
  const Time before = DeadlineOf(box);
  const std::string approval = Asked(box, minutes(20));
  const std::string hash = ApprovalHash(approval);
  std::string more(kLifePolicies);
  more += R"(@id("more") permit (principal is OpenBox, action == Action::"box.open", resource == Box::"other");)";
  more.replace(more.find("{ resource == principal.box }"), std::string_view("{ resource == principal.box }").size(),
               "{ resource == principal.box && principal.actor in Team::\"support\" }");
  bench.LoadCatalog(more, kLifeSchema);
  bench.Settle();
  ASSERT_EQ(bench.StateOf(box.task.id), "active");
  std::string no_extension(kLifePolicies);
  no_extension.erase(no_extension.find("@id(\"extend\")"), no_extension.find("@id(\"extend-box\")") - no_extension.find("@id(\"extend\")"));
  bench.LoadCatalog(no_extension, kLifeSchema);
  EXPECT_EQ(bench.Approve(bench.Person("ann"), approval, hash).error().reason, "extend-denied");
  EXPECT_EQ(DeadlineOf(box), before);
  bench.LoadCatalog(kLifePolicies, kLifeSchema);
  EXPECT_EQ(bench.Approve(bench.Person("ann"), approval, hash).error().reason, "unknown-approval");  // it is void, with every yes
}

TEST_F(ExtendTest, WhatIsCountedPerTaskIsCountedAcrossExtensions) {
  StartAnswer lead = Lead(), part = Part(lead);
  EXPECT_TRUE(bench.Extend(bench.Holder(part), part.task.id, minutes(1)).has_value());
  EXPECT_EQ(bench.Extend(bench.Holder(part), part.task.id, minutes(1)).error().reason, "extend-denied");
  bench.Restart();
  EXPECT_EQ(bench.Extend(bench.Holder(part), part.task.id, minutes(1)).error().reason, "extend-denied");
}

TEST_F(ExtendTest, ASubTaskIsNotExtendedBeyondItsParent) {
  StartAnswer lead = Lead(), part = Part(lead);
  EXPECT_EQ(bench.Extend(bench.Holder(part), part.task.id, minutes(21)).error().reason, "too-long");
  EXPECT_TRUE(bench.Extend(bench.Holder(part), part.task.id, minutes(20)).has_value());
}

TEST_F(ExtendTest, UsesThatAreSpentWhileItIsWrittenDownStaySpent) {
  StartAnswer lead = Lead();
  bench.store().HoldCommits();
  EXPECT_EQ(bench.Extend(bench.Holder(lead), lead.task.id, minutes(15)).error().reason, "no-answer");
  for (int i = 0; i < 3; ++i)
    bench.broker().Evaluate(Bench::Agent("helpdesk"), Bench::Question(lead.task.id, "ticket.comment", "Ticket", "T-1"), [](auto) {});
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.comment", "T-1"));
  const Time deadline = DeadlineOf(lead);
  bench.Restart();
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.comment", "T-1"));
  EXPECT_EQ(DeadlineOf(lead), deadline);
  EXPECT_EQ(deadline, lead.task.deadline + minutes(15));
}

TEST_F(ExtendTest, ASuspensionWhileItIsWrittenDownStays) {
  StartAnswer lead = Lead();
  bench.store().HoldCommits();
  (void)bench.Extend(bench.Holder(lead), lead.task.id, minutes(15));
  (void)bench.Suspend(lead.task.id);
  EXPECT_FALSE(bench.Allowed(lead.task.id, "ticket.read", "T-1"));
  bench.store().ReleaseCommits();
  bench.Pass(seconds(1));
  bench.Restart();
  EXPECT_EQ(bench.StateOf(lead.task.id), "suspended");
  EXPECT_EQ(DeadlineOf(lead), lead.task.deadline + minutes(15));
  EXPECT_TRUE(bench.box->exists.empty());
}

}  // namespace
}  // namespace remit::broker
