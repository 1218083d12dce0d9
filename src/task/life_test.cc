// The life of a task, step by step and under random sequences: ends absorb, only active spends, the deadline stands, the ledger hears.
#include "task/life.h"

#include <rapidcheck.h>

#include <algorithm>

#include "base/limits.h"

namespace remit::task {
namespace {

using std::chrono::minutes;

const Time kNow = FromMicros(1'780'000'000'000'000);
const cedar::EntityUid kActor{"Agent", "a1"};
const cedar::EntityUid kAda{"Employee", "ada"}, kBob{"Employee", "bob"}, kOwner{"Employee", "owner"};

TaskRecord Draft(std::uint32_t approvals) {
  TaskRecord r;
  r.id = "tsk_1";
  r.type = "TriageTicket";
  r.name = "triage";
  r.actor = kActor;
  r.chain = {kActor, kOwner};
  r.parameters = json::Object{{"ticket", "T-1"}};
  r.ttl = minutes(15);
  r.approvals_needed = approvals;
  return r;
}

TaskRecord Active() { return Activate(Request(Draft(0), kNow).next, {}, kNow)->next; }

std::string TypeOf(const Transition& t) { return t.events.empty() ? "" : *t.events.back().FindString("type"); }

TEST(Life, AStartThatWaitsForNothingIsOneEventThatSaysEverything) {
  const Transition asked = Request(Draft(0), kNow);
  EXPECT_TRUE(asked.events.empty());
  const auto active = Activate(asked.next, {"crd_1"}, kNow);
  ASSERT_TRUE(active);
  EXPECT_EQ(active->next.state, State::kActive);
  EXPECT_EQ(active->next.deadline, kNow + minutes(15));
  ASSERT_EQ(active->events.size(), 1u);
  EXPECT_EQ(TypeOf(*active), "task.started");
  EXPECT_EQ(*active->events[0].FindString("task_type"), "TriageTicket");
  EXPECT_EQ(*active->events[0].FindString("deadline"), "2026-05-28T20:41:40Z");
}

TEST(Life, AStartThatLiesAheadWaitsForItsTime) {
  TaskRecord draft = Draft(1);
  draft.not_before = kNow + minutes(90);
  const TaskRecord asked = Request(draft, kNow).next;
  EXPECT_EQ(asked.deadline, kNow + minutes(90));
  EXPECT_EQ(Schedule(asked, kNow).error().reason, "not-approved");
  const TaskRecord yes = Approve(asked, kAda, kNow)->next;
  EXPECT_EQ(Activate(yes, {}, kNow + minutes(89)).error().reason, "wrong-state");
  const auto scheduled = Schedule(yes, kNow + minutes(1));
  ASSERT_TRUE(scheduled);
  EXPECT_EQ(scheduled->next.state, State::kScheduled);
  EXPECT_EQ(TypeOf(*scheduled), "task.scheduled");
  EXPECT_EQ(scheduled->next.deadline, kNow + minutes(90) + limits::kScheduleLate);
  EXPECT_EQ(Activate(scheduled->next, {}, kNow + minutes(89)).error().reason, "wrong-state");
  EXPECT_EQ(Approve(scheduled->next, kBob, kNow).error().reason, "wrong-state");
  EXPECT_EQ(Spend(scheduled->next, {"f"}, {"Action", "a"}, {"R", "r"}, kNow).error().reason, "wrong-state");
  const auto active = Activate(scheduled->next, {}, kNow + minutes(95));
  ASSERT_TRUE(active);
  EXPECT_EQ(active->next.deadline, kNow + minutes(110));
  EXPECT_EQ(Activate(scheduled->next, {}, scheduled->next.deadline).error().reason, "wrong-state");
  EXPECT_EQ(Deny(scheduled->next, kBob, "no", kNow)->next.state, State::kDenied);
  EXPECT_EQ(Withdraw(scheduled->next, kActor, kNow)->next.state, State::kWithdrawn);
  EXPECT_EQ(AskAgain(scheduled->next, {}, 2, kNow)->next.state, State::kRequested);
  EXPECT_EQ(Schedule(Request(Draft(0), kNow).next, kNow).error().reason, "wrong-state");  // it has no time to wait for
}

TEST(Life, AStartByBreakGlassIsSignedForOnce) {
  TaskRecord draft = Draft(0);
  draft.break_glass = true;
  const TaskRecord active = Activate(Request(draft, kNow).next, {}, kNow)->next;
  EXPECT_EQ(Review(active, kAda, "", kNow).error().reason, "wrong-state");
  const TaskRecord ended = Complete(active, kActor, "completed", kNow)->next;
  EXPECT_EQ(Review(ended, kOwner, "", kNow).error().reason, "own-request");
  const auto done = Review(ended, kAda, "fine", kNow + minutes(1));
  ASSERT_TRUE(done);
  EXPECT_EQ(*done->next.review, (Yes{kAda, kNow + minutes(1)}));
  EXPECT_EQ(done->next.state, State::kCompleted);
  EXPECT_EQ(*done->events[0].FindString("note"), "fine");
  EXPECT_EQ(Review(done->next, kBob, "", kNow).error().reason, "already-reviewed");
  EXPECT_EQ(Review(Complete(Active(), kActor, "completed", kNow)->next, kAda, "", kNow).error().reason, "no-review");
}

TEST(Life, ARequestNeedsEveryYesBeforeItIsActive) {
  const TaskRecord asked = Request(Draft(2), kNow).next;
  EXPECT_EQ(Activate(asked, {}, kNow).error().reason, "not-approved");
  const TaskRecord one = Approve(asked, kAda, kNow)->next;
  EXPECT_EQ(Activate(one, {}, kNow).error().reason, "not-approved");
  EXPECT_EQ(Approve(one, kAda, kNow).error().reason, "already-approved");
  const TaskRecord two = Approve(one, kBob, kNow)->next;
  const auto active = Activate(two, {}, kNow + minutes(5));
  ASSERT_TRUE(active);
  EXPECT_EQ(active->next.deadline, kNow + minutes(20));  // life counts from the start, not from the request
}

TEST(Life, NobodyApprovesWhatTheyAskedFor) {
  const TaskRecord asked = Request(Draft(1), kNow).next;
  EXPECT_EQ(Approve(asked, kActor, kNow).error().reason, "own-request");
  EXPECT_EQ(Approve(asked, kOwner, kNow).error().reason, "own-request");
}

TEST(Life, AYesAfterTheRequestsDeadlineIsTooLate) {
  const TaskRecord asked = Request(Draft(1), kNow).next;
  const Time late = kNow + limits::kRequestLife;
  EXPECT_EQ(Approve(asked, kAda, late).error().reason, "wrong-state");
  const TaskRecord approved = Approve(asked, kAda, kNow)->next;
  EXPECT_EQ(Activate(approved, {}, late).error().reason, "wrong-state");
  EXPECT_EQ(Expire(approved, "deadline", late)->next.state, State::kExpired);
}

TEST(Life, AskingAgainVoidsEveryYes) {
  const TaskRecord approved = Approve(Request(Draft(1), kNow).next, kAda, kNow)->next;
  const auto again = AskAgain(approved, Hash{1}, 1, kNow);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->next.approvals.empty());
  EXPECT_EQ(again->next.state, State::kRequested);
  EXPECT_EQ(Activate(again->next, {}, kNow).error().reason, "not-approved");
}

TEST(Life, ADeadlineDoesNotComeEarly) {
  EXPECT_EQ(Expire(Active(), "deadline", kNow + minutes(14)).error().reason, "wrong-state");
  EXPECT_EQ(Expire(Active(), "deadline", kNow + minutes(15))->next.end_reason, "deadline");
  EXPECT_EQ(Expire(Active(), "heartbeat", kNow + minutes(1))->next.state, State::kExpired);
}

TEST(Life, NothingIsSpentAtTheDeadline) {
  EXPECT_TRUE(Spend(Active(), {"f"}, kActor, kAda, kNow + minutes(14)));
  EXPECT_EQ(Spend(Active(), {"f"}, kActor, kAda, kNow + minutes(15)).error().reason, "wrong-state");
}

TEST(Life, TheEndSaysWhyByWhomAndHowOften) {
  TaskRecord r = Active();
  r.allowed = 3, r.denied = 1;
  r = Spend(r, {"f", "g"}, {"Action", "comment"}, {"Ticket", "T-1"}, kNow)->next;
  const auto end = Complete(r, kActor, "completed", kNow + minutes(1));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->next.ended_by, "Agent::\"a1\"");
  EXPECT_EQ(*end->events[0].FindString("allowed"), "3");
  EXPECT_EQ(*end->events[0].FindString("denied"), "1");
  EXPECT_EQ(end->next.uses, (std::map<std::string, std::uint32_t>{{"f", 1}, {"g", 1}}));
}

TEST(Life, TheErrorNamesTheState) {
  const TaskRecord done = Complete(Active(), kActor, "completed", kNow)->next;
  EXPECT_EQ(Complete(done, kActor, "completed", kNow).error().message, "task `tsk_1` is completed");
}

// Any operation, on any record, at any later time.
Result<Transition> AnyStep(const TaskRecord& r, Time now) {
  const auto people = std::vector<cedar::EntityUid>{kActor, kOwner, kAda, kBob};
  const cedar::EntityUid who = *rc::gen::elementOf(people);
  switch (*rc::gen::inRange(0, 11)) {
    case 0: return Approve(r, who, now);
    case 1: return Deny(r, who, "no", now);
    case 2: return DenyByPolicy(r, "changed", now);
    case 3: return AskAgain(r, Hash{7}, *rc::gen::inRange(0u, 3u), now);
    case 4: return Withdraw(r, who, now);
    case 5: return Activate(r, {"crd_1"}, now);
    case 6: return Complete(r, who, "completed", now);
    case 7: return Revoke(r, who, "because", now);
    case 8: return Expire(r, *rc::gen::element<std::string>("deadline", "heartbeat", "connection-closed"), now);
    case 9: return task::Fail(r, "refused", now);
    default: return Spend(r, {"f"}, {"Action", "x"}, {"Ticket", "1"}, now);
  }
}

TEST(LifeProperty, RandomSequencesKeepThePromises) {
  EXPECT_TRUE(rc::check("whatever happens to a task, in whatever order", [] {
    Time now = kNow;
    TaskRecord r = Request(Draft(*rc::gen::inRange(0u, 3u)), now).next;
    for (int step = *rc::gen::inRange(1, 40); step > 0; --step) {
      now += minutes(*rc::gen::inRange(0, 20));
      const auto t = AnyStep(r, now);
      if (!t) {
        RC_ASSERT(!t.error().reason.empty());
        continue;
      }
      RC_ASSERT(!IsEnd(r.state));     // ends absorb
      RC_ASSERT(!t->events.empty());  // nothing unrecorded
      for (const json::Value& e : t->events) RC_ASSERT(*e.FindString("task") == r.id && e.FindString("type") && e.FindString("time"));
      if (t->next.uses != r.uses) RC_ASSERT(r.state == State::kActive && now < r.deadline);
      if (r.started) RC_ASSERT(t->next.deadline == r.deadline && t->next.started == r.started);  // fixed at activation
      if (t->next.state == State::kActive && r.state != State::kActive) {
        RC_ASSERT(r.approvals.size() >= r.approvals_needed);
        RC_ASSERT(t->next.deadline == now + r.ttl);
      }
      if (IsEnd(t->next.state)) RC_ASSERT(t->next.ended == now);
      for (const Yes& yes : t->next.approvals) {
        RC_ASSERT(yes.person != kActor && yes.person != kOwner);
        RC_ASSERT(std::ranges::count(t->next.approvals, yes.person, &Yes::person) == 1);
      }
      r = t->next;
      RC_ASSERT(TaskRecord::Decode(r.Encode()).value() == r);
    }
  }));
}

TEST(Life, WhatIsSuspendedGoesOnOrEnds) {
  const TaskRecord active = Active();
  EXPECT_EQ(Resume(active, "x", {}, kNow).error().reason, "wrong-state");
  const auto stopped = Suspend(active, "Employee::\"ada\"", "odd", kNow + minutes(1));
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->next.state, State::kSuspended);
  EXPECT_EQ(stopped->next.suspended, kNow + minutes(1));
  EXPECT_EQ(stopped->next.deadline, active.deadline);  // it runs on
  EXPECT_EQ(TypeOf(*stopped), "task.suspended");
  EXPECT_EQ(Suspend(stopped->next, "", "", kNow).error().reason, "wrong-state");
  EXPECT_EQ(Spend(stopped->next, {"f"}, kActor, kActor, kNow).error().reason, "wrong-state");
  const auto again = Resume(stopped->next, "Employee::\"ada\"", {"crd_2"}, kNow + minutes(2));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->next.state, State::kActive);
  EXPECT_EQ(again->next.suspended, std::nullopt);
  EXPECT_EQ(again->next.credentials, (std::vector<std::string>{"crd_2"}));
  EXPECT_EQ(TypeOf(*again), "task.resumed");
  EXPECT_EQ(Resume(stopped->next, "", {}, active.deadline).error().reason, "wrong-state");
  EXPECT_TRUE(Complete(stopped->next, kActor, "completed", kNow));
  EXPECT_TRUE(Revoke(stopped->next, kAda, "", kNow));
  EXPECT_TRUE(Expire(stopped->next, "deadline", active.deadline));
  EXPECT_TRUE(Fail(stopped->next, "x", kNow));
  EXPECT_EQ(Complete(stopped->next, kActor, "completed", kNow)->next.suspended, std::nullopt);
}

TEST(Life, APartEndsWithItsParentAsWhatItIs) {
  EXPECT_EQ(EndWithParent(Active(), kNow)->next.state, State::kRevoked);
  EXPECT_EQ(EndWithParent(Suspend(Active(), "", "", kNow)->next, kNow)->next.state, State::kRevoked);
  EXPECT_EQ(EndWithParent(Request(Draft(1), kNow).next, kNow)->next.state, State::kWithdrawn);
  EXPECT_EQ(EndWithParent(Active(), kNow)->next.end_reason, "parent-ended");
  EXPECT_EQ(EndWithParent(EndWithParent(Active(), kNow)->next, kNow).error().reason, "wrong-state");
  EXPECT_EQ(Activate(Request(Draft(0), kNow).next, {}, kNow, kNow + minutes(3))->next.deadline, kNow + minutes(3));
}

TaskRecord Longer() {
  TaskRecord draft = Draft(0);
  draft.max_ttl = minutes(60);
  return Activate(Request(draft, kNow).next, {}, kNow)->next;
}

TEST(Life, MoreTimeUpToTheLongestLife) {
  const TaskRecord active = Longer();
  const auto more = Extend(active, minutes(30), "Agent::\"a1\"", "slow", kNow);
  ASSERT_TRUE(more);
  EXPECT_EQ(more->next.deadline, active.deadline + minutes(30));
  EXPECT_EQ(TypeOf(*more), "task.extended");
  EXPECT_EQ(Extend(more->next, minutes(16), "", "", kNow).error().reason, "too-long");
  EXPECT_TRUE(Extend(more->next, minutes(15), "", "", kNow));
  EXPECT_EQ(Extend(active, minutes(10), "", "", kNow, active.deadline + minutes(9)).error().reason, "too-long");
  EXPECT_EQ(Extend(active, Duration::max(), "", "", kNow).error().reason, "too-long");
  EXPECT_EQ(Extend(active, Duration(0), "", "", kNow).error().reason, "bad-duration");
  EXPECT_EQ(Extend(active, minutes(1), "", "", active.deadline).error().reason, "wrong-state");
  EXPECT_EQ(Extend(Active(), minutes(1), "", "", kNow).error().reason, "too-long");  // of a row from before: it says no longest life
}

TEST(Life, MoreTimeMayNeedAYes) {
  Extension asked;
  asked.by = minutes(10);
  asked.approvals_needed = 2;
  const TaskRecord waits = AskExtension(Longer(), asked, "Agent::\"a1\"", kNow)->next;
  ASSERT_TRUE(waits.extension);
  EXPECT_EQ(waits.state, State::kActive);
  EXPECT_EQ(waits.extension->expires, waits.deadline);  // sooner than an hour
  EXPECT_EQ(ApproveExtension(waits, kOwner, kNow).error().reason, "own-request");
  const TaskRecord one = ApproveExtension(waits, kAda, kNow)->next;
  EXPECT_EQ(ApproveExtension(one, kAda, kNow).error().reason, "already-approved");
  EXPECT_EQ(ApproveExtension(one, kBob, kNow)->next.extension->approvals.size(), 2u);
  EXPECT_EQ(ApproveExtension(one, kBob, waits.deadline).error().reason, "wrong-state");
  EXPECT_EQ(AskExtension(one, asked, "", kNow)->next.extension->approvals.size(), 0u);  // asked anew: every yes is void
  EXPECT_EQ(DenyExtension(one, kBob, "no", kNow)->next.extension, std::nullopt);
  EXPECT_EQ(ApproveExtension(Longer(), kAda, kNow).error().reason, "unknown-approval");
  EXPECT_EQ(DenyExtension(Longer(), kAda, "", kNow).error().reason, "unknown-approval");
  EXPECT_EQ(Extend(one, minutes(10), "", "", kNow)->next.extension, std::nullopt);
}

}  // namespace
}  // namespace remit::task
