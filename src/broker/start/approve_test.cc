// Approvals: of a start and of a use, by whom, and of what exactly.
#include <gtest/gtest.h>

#include "broker/test_bench.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(BrokerTest, TwoPeopleApproveAStart) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(started.has_value());
  const std::string& id = started->task.id;
  EXPECT_EQ(bench.StateOf(id), "requested");
  EXPECT_FALSE(bench.Allowed(id, "ticket.close", "T-1"));
  EXPECT_FALSE(bench.broker().Introspect(Bench::Operator(), started->token.Reveal()).Find("active")->AsBool());
  EXPECT_EQ(bench.Approve(bench.Person("eve"), started->approval).error().code, Code::kNotFound);
  EXPECT_EQ(bench.Approve(Bench::Agent(), started->approval).error().reason, "not-a-person");
  EXPECT_EQ(bench.Approve(Bench::Operator(), started->approval).error().reason, "not-a-person");
  EXPECT_EQ(bench.Approve(bench.Person("ann"), started->approval, std::string(64, '0')).error().reason, "request-changed");
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(id), "requested");
  EXPECT_EQ(bench.Approve(bench.Person("ann"), started->approval).error().reason, "already-approved");
  auto second = bench.Approve(bench.Person("bob"), started->approval);
  ASSERT_TRUE(second.has_value()) << second.error().ToString();
  EXPECT_EQ(bench.StateOf(id), "active");
  EXPECT_TRUE(bench.Allowed(id, "ticket.close", "T-1"));
}

TEST_F(BrokerTest, AnOldSessionDoesNotApprove) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  Caller ann = bench.Person("ann");
  bench.clock.Advance(minutes(61));
  EXPECT_EQ(bench.Approve(ann, started->approval).error().reason, "session-too-old");
}

TEST_F(BrokerTest, AYesOfSomebodyWhoLostTheRightDoesNotCount) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "ann"}, "", true}, [](auto answer) { Bench::Expect(answer); });
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(started->task.id), "requested");
}

TEST_F(BrokerTest, AYesOfSomebodyWhoLeftTheTeamDoesNotCount) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  json::Value left = *json::Parse(R"([{"uid": {"type": "Employee", "id": "ann"}, "attrs": {}, "parents": []}])");
  bench.broker().PutFacts(Bench::Operator(), left, false, [](auto answer) { Bench::Expect(answer); });
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(started->task.id), "requested");
}

TEST_F(BrokerTest, WhatChangedMeanwhileMustBeApprovedAgain) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  bench.LoadCatalog(std::string(kPolicies) +
                    R"(@id("more") permit (principal is Change, action == Action::"ticket.read", resource) when { resource == principal.ticket };)");
  // Wider for new starts; this request is still what it was: pinned and current, whichever is narrower.
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(started->task.id), "active");
  EXPECT_FALSE(bench.Allowed(started->task.id, "ticket.read", "T-1"));

  auto narrowed = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), narrowed->approval).has_value());
  std::string without(kPolicies);
  without.erase(without.find("@id(\"change\")"), without.find("@id(\"box\")") - without.find("@id(\"change\")"));
  bench.LoadCatalog(without);
  EXPECT_EQ(bench.Approve(bench.Person("bob"), narrowed->approval).error().reason, "request-changed");
  EXPECT_EQ(bench.StateOf(narrowed->task.id), "requested");
  EXPECT_TRUE(bench.broker().ShowTask(Bench::Operator(), narrowed->task.id)->Find("approvals")->AsArray().empty());
}

TEST_F(BrokerTest, ARequestIsDeniedWithdrawnOrForgotten) {
  auto denied = bench.Start("change", {{"ticket", "T-1"}});
  bench.broker().Deny(bench.Person("ann"), denied->approval, "not today", [](auto answer) { Bench::Expect(answer); });
  EXPECT_EQ(bench.StateOf(denied->task.id), "denied");
  auto withdrawn = bench.Start("change", {{"ticket", "T-1"}});
  bench.broker().Withdraw(bench.broker().FindHandle(withdrawn->holder.Reveal()), withdrawn->task.id, [](auto answer) { Bench::Expect(answer); });
  EXPECT_EQ(bench.StateOf(withdrawn->task.id), "withdrawn");
  auto forgotten = bench.Start("change", {{"ticket", "T-1"}});
  bench.Pass(std::chrono::hours(1));
  EXPECT_EQ(bench.StateOf(forgotten->task.id), "expired");
}

TEST_F(BrokerTest, AnEndThatMeetsAnActivationEndsWhatBecameOfIt) {
  std::string without(kPolicies);
  without += R"(@id("box-yes") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is OpenBox);)";
  bench.LoadCatalog(without);
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  auto list = bench.broker().ListApprovals(Bench::Operator());
  std::string hash = *list->Find("approvals")->AsArray()[0].FindString("hash");
  bench.store().HoldCommits();
  bench.broker().Approve(bench.Person("ann"), started->approval, hash, [](auto) {});
  std::string ended;
  bench.broker().Revoke(bench.Person("ann"), started->task.id, "on second thought", Duration(0),
                        [&](auto answer) { ended = answer ? "ended" : answer.error().reason; });
  bench.store().ReleaseCommits();
  bench.Pass(seconds(1));
  EXPECT_EQ(ended, "ended");
  EXPECT_EQ(bench.StateOf(started->task.id), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
  auto receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_EQ(receipt->Find("credentials")->AsArray().size(), 1u);  // what was planned in that moment is in it
  EXPECT_TRUE(receipt->Find("all_dead")->AsBool());
}

TEST_F(BrokerTest, AUseWaitsForAPersonOnce) {
  StartAnswer started = Triage("T-2");
  auto waits = bench.Use(started.task.id, "ticket.comment", "T-2");
  ASSERT_TRUE(waits.has_value());
  EXPECT_FALSE(waits->allowed);
  EXPECT_EQ(waits->reason, "needs-approval");
  EXPECT_EQ(bench.Use(started.task.id, "ticket.comment", "T-2")->approval, waits->approval);
  bench.Restart();
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), waits->approval).has_value());
  EXPECT_TRUE(bench.Allowed(started.task.id, "ticket.comment", "T-2"));
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.comment", "T-2"));
  bench.Restart();
  EXPECT_FALSE(bench.Allowed(started.task.id, "ticket.comment", "T-2"));
}

}  // namespace
}  // namespace remit::broker
