// Budgets hold: whatever is started, ended, restarted, raced or reloaded, no more starts than the catalog gives.
#include <random>

#include "broker/test_bench.h"
#include "json/read.h"
#include "task/budget.h"

namespace remit::broker {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class Budgets : public BrokerTest {
 protected:
  void Load(const std::string& annotations, const std::string& type = "triage", std::string_view policies = kPolicies) {
    bench.LoadCatalog(policies, Bench::Annotated(type, annotations));
  }
  std::string Refused(const std::string& ticket = "T-1", const std::string& type = "triage", const Caller& by = Bench::Agent()) {
    auto started = bench.Start(type, {{"ticket", ticket}}, by);
    return started ? "" : started.error().reason;
  }
  StartAnswer Started(const std::string& ticket = "T-1") {
    auto started = bench.Start("triage", {{"ticket", ticket}});
    EXPECT_TRUE(started) << started.error().ToString();
    return started ? *std::move(started) : StartAnswer{};
  }
  void SecondBot() {
    bench.broker().PutFacts(
        Bench::Operator(), *json::Parse(R"([{"uid": {"type": "Agent", "id": "bot2"}, "attrs": {}, "parents": [{"type": "Team", "id": "support"}]}])"),
        false, [](auto a) { Bench::Expect(a); });
    bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot2"}, "", nullptr, std::nullopt, false}, [](auto a) { Bench::Expect(a); });
    bench.Settle();
  }
  std::size_t Rows() {
    std::size_t rows = 0;
    EXPECT_TRUE(bench.store().Scan(store::Table::kBudget, "", [&](auto, auto) { return ++rows > 0; }));
    return rows;
  }
};

TEST_F(Budgets, ASecondStartForTheSameTicketOnTheSameDayIsRefused) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  StartAnswer first = Started();
  EXPECT_EQ(Refused(), "budget-used-up");
  ASSERT_TRUE(bench.Complete(first));
  auto again = bench.Start("triage", {{"ticket", "T-1"}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kResourceExhausted);
  EXPECT_NE(again.error().message.find("until " + FormatTime(*first.task.started + hours(24))), std::string::npos) << again.error().message;
  Started("T-2");
  bench.timers->RunUntil(*first.task.started + hours(24) - seconds(1));
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.timers->RunFor(seconds(1));
  Started();
}

TEST_F(Budgets, ARestartGivesNothingBack) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  ASSERT_TRUE(bench.Complete(Started()));
  bench.Restart();
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.timers->RunFor(hours(23));
  bench.Restart();
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.timers->RunFor(hours(1));
  bench.Restart();
  Started();
}

TEST_F(Budgets, OnlySoManyRunAtOnce) {
  Load("@max_active(\"1 by ticket; 2\")");
  StartAnswer first = Started("T-1");
  auto second = bench.Start("triage", {{"ticket", "T-1"}});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "budget-used-up");
  EXPECT_NE(second.error().hint.find(FormatTime(first.task.deadline)), std::string::npos) << second.error().hint;
  bench.Restart();
  EXPECT_EQ(Refused(), "budget-used-up");
  auto ended = bench.Complete(first);
  ASSERT_TRUE(ended) << ended.error().ToString();
  Started("T-1");
  bench.Pass(minutes(16));  // expired
  Started("T-1");
  Started("T-2");
  EXPECT_EQ(Refused("T-1"), "budget-used-up");
}

TEST_F(Budgets, AnEndThatIsNotWrittenDownYetStillRuns) {
  Load("@max_active(\"1\")");
  StartAnswer first = Started();
  bench.store().HoldCommits();
  bench.broker().Complete(bench.broker().FindHandle(first.holder.Reveal()), first.task.id, Duration(0), [](auto) {});
  EXPECT_EQ(Refused("T-2"), "budget-used-up");
  bench.store().ReleaseCommits();
  Started("T-2");
}

TEST_F(Budgets, AreCountedForEachActor) {
  Load("@max_starts(\"1 per 24h\")");
  SecondBot();
  Started("T-1");
  EXPECT_EQ(Refused("T-2"), "budget-used-up");
  EXPECT_EQ(Refused("T-2", "triage", Bench::Agent("bot2")), "");
  EXPECT_EQ(Refused("T-1", "triage", Bench::Agent("bot2")), "budget-used-up");
  // Who may not start it at all learns nothing of budgets.
  EXPECT_EQ(Refused("T-1", "triage", Bench::Agent("helpdesk")), "start-denied");
}

TEST_F(Budgets, WhatWaitsWasRefusedOrWithdrawnDoesNotCount) {
  Load("@max_starts(\"1 per 24h by ticket\")", "change");
  auto first = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(first);
  bool withdrawn = false;
  bench.broker().Withdraw(bench.broker().FindHandle(first->holder.Reveal()), first->task.id, [&](auto a) { withdrawn = a.has_value(); });
  ASSERT_TRUE(withdrawn);
  auto second = bench.Start("change", {{"ticket", "T-1"}}), third = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(second && third);
  // Of two that wait, one becomes active; the other one's last yes is refused, and it goes on waiting.
  for (const StartAnswer* asked : {&*second, &*third}) ASSERT_TRUE(bench.Approve(bench.Person("ann"), asked->approval));
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), second->approval));
  EXPECT_EQ(bench.Approve(bench.Person("bob"), third->approval).error().reason, "budget-used-up");
  EXPECT_EQ(bench.StateOf(second->task.id), "active");
  EXPECT_EQ(bench.StateOf(third->task.id), "requested");
  EXPECT_EQ(Refused("T-1", "change"), "budget-used-up");
}

TEST_F(Budgets, OfManyAtOnceOnePasses) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  bench.store().HoldCommits();
  int started = 0, refused = 0;
  for (int i = 0; i < 20; ++i) {
    StartRequest request;
    request.type = "triage";
    request.parameters = json::Object{{"ticket", "T-1"}};
    bench.broker().Start(Bench::Agent(), std::move(request), [&](auto a) {
      a ? ++started : ++refused;
      EXPECT_EQ(a ? "budget-used-up" : a.error().reason, "budget-used-up");
    });
  }
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(started, 1);
  EXPECT_EQ(refused, 19);
}

TEST_F(Budgets, AStartThatWasNotWrittenDownIsNotCounted) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  bench.store().FailNext(1, Error(Code::kResourceExhausted, "store-full", "full"));
  EXPECT_EQ(Refused(), "store-full");
  Started();
  EXPECT_EQ(Refused(), "budget-used-up");
}

// Another server counted a start that this one does not know: the row that both expect to be as it was tells.
TEST_F(Budgets, ServersThatRaceDoNotCountTwice) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  task::CountedStart other;
  other.task = "tsk_00000000000000000000000001";
  other.type = "Triage";
  other.actor = "Agent::\"bot\"";
  other.bound = *json::Parse(R"({"ticket": {"__entity": {"type": "Ticket", "id": "T-1"}}})");
  other.at = bench.clock.Now();
  other.until = other.at + hours(24);
  task::StartBook book;
  book.SetBudgets({{"Triage", *task::ParseBudgets(task::Budget::Kind::kStarts, "1 per 24h by ticket")}});
  store::Batch batch;
  for (const std::string& bucket : book.BucketsOf(other)) batch.writes.push_back({store::Table::kBudget, task::GuardRowKey(bucket), other.task});
  batch.writes.push_back({store::Table::kBudget, task::StartRowKey(other), other.ToRow()});
  ASSERT_TRUE(bench.store().CommitNow(std::move(batch)));
  EXPECT_EQ(Refused(), "start-raced");
  EXPECT_EQ(Refused(), "budget-used-up");
  Started("T-2");
  bench.Restart();
  EXPECT_EQ(Refused(), "budget-used-up");
}

TEST_F(Budgets, NoOtherSpellingIsAnotherBucket) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  Started();
  for (const char* spelled : {"T-1", "Ticket::\"T-1\"", "Ticket::\"T\\u{2d}1\"", "Ticket::\"\\x54-1\""}) {
    for (const bool from_text : {false, true}) {
      StartRequest request;
      request.type = from_text ? "Triage" : "triage";
      request.parameters = json::Object{{"ticket", spelled}};
      request.parameters_from_text = from_text;
      auto again = bench.Start(std::move(request));
      ASSERT_FALSE(again) << spelled;
      EXPECT_EQ(again.error().reason, "budget-used-up") << spelled;
    }
  }
}

TEST_F(Budgets, LoadingFactsOrCatalogsAnewGivesNothingBack) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  ASSERT_TRUE(bench.Complete(Started()));
  bench.broker().PutFacts(Bench::Operator(), *json::Parse(kFacts), true, [](auto a) { Bench::Expect(a); });
  bench.Settle();
  EXPECT_EQ(Refused(), "budget-used-up");
  for (const char* next : {"@max_starts(\"1 per 23h by ticket\")", "@max_starts(\"1 per 24h\")", "@max_starts(\"2 per 12h; 1 per 24h by ticket\")",
                           "@doc(\"another catalog\") @max_starts(\"1 per 24h by ticket\")"}) {
    Load(next);
    EXPECT_EQ(Refused(), "budget-used-up") << next;
  }
  // Under another name, or for a while without a budget: it is the same type.
  Load("@doc(\"no budget\")");
  bench.Pass(minutes(5));
  bench.Restart();
  std::string renamed = Bench::Annotated("triage", "@max_starts(\"1 per 24h by ticket\")");
  renamed.replace(renamed.find("@name(\"triage\")"), 15, "@name(\"look-at\")");
  bench.LoadCatalog(kPolicies, renamed);
  EXPECT_EQ(Refused("T-1", "look-at"), "budget-used-up");
}

TEST_F(Budgets, WhatRanBeforeTheFirstBudgetCounts) {
  StartAnswer first = Started();
  Load("@max_active(\"1 by ticket\") @max_starts(\"1 per 1h by ticket\")");
  EXPECT_EQ(Refused(), "budget-used-up");
  ASSERT_TRUE(bench.Complete(first));
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.Restart();
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.timers->RunFor(hours(1));
  Started();
}

TEST_F(Budgets, AClockThatWasSetBackGivesNothingBack) {
  Load("@max_starts(\"1 per 1h by ticket\")");
  ASSERT_TRUE(bench.Complete(Started()));
  const Time before = bench.clock.Now();
  bench.clock.Restart(before - seconds(4));
  bench.Restart();
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.clock.Restart(before - hours(5));
  bench.Restart();
  EXPECT_EQ(Refused(), "clock-in-doubt");
  bench.accept_clock = true;
  bench.Restart();
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.timers->RunFor(hours(5));
  EXPECT_EQ(Refused(), "budget-used-up");
  bench.timers->RunFor(hours(1));
  Started();
}

TEST_F(Budgets, WhatCountsNoMoreIsForgotten) {
  Load("@max_starts(\"2 per 1h by ticket\") @max_active(\"5\")");
  Started("T-1"), Started("T-2"), Started("T-1");
  EXPECT_GT(Rows(), 3u);
  bench.Pass(minutes(59));
  EXPECT_GT(Rows(), 3u);
  bench.Pass(minutes(3));
  EXPECT_EQ(Rows(), 0u);
  Started("T-1");
  EXPECT_GT(Rows(), 0u);
}

TEST_F(Budgets, TheErrorSaysWhenTheNextStartIsPossible) {
  Load("@max_starts(\"1 per 1h by ticket; 2 per 24h\")");
  const StartAnswer first = Started("T-1");
  auto again = bench.Start("triage", {{"ticket", "T-1"}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().hint, fmt::format("the next start is possible from {} on; ending a task does not give its start back",
                                            FormatTime(*first.task.started + hours(1))));
  // Of two that are used up, the one that counts is the last that frees: whoever comes back at that time is let in.
  bench.timers->RunFor(minutes(10));
  Started("T-2");
  auto both = bench.Start("triage", {{"ticket", "T-1"}});
  ASSERT_FALSE(both);
  EXPECT_NE(both.error().hint.find("from " + FormatTime(*first.task.started + hours(24)) + " on"), std::string::npos) << both.error().hint;
  EXPECT_NE(both.error().message.find("2 per 1d"), std::string::npos) << both.error().message;
  bench.timers->RunUntil(*first.task.started + hours(24) - seconds(1));
  EXPECT_EQ(Refused("T-1"), "budget-used-up");
  bench.timers->RunFor(seconds(1));
  Started("T-1");
}

TEST_F(Budgets, ATimeThatIsReadToTheSecondIsLateEnough) {
  Load("@max_starts(\"1 per 1h by ticket\")");
  bench.timers->RunFor(std::chrono::microseconds(300'000));
  const StartAnswer first = Started();
  auto again = bench.Start("triage", {{"ticket", "T-1"}});
  ASSERT_FALSE(again);
  const std::string& hint = again.error().hint;
  const auto at = hint.find("from ") + 5;
  const Result<Time> said = ParseTime(hint.substr(at, hint.find(' ', at) - at));
  ASSERT_TRUE(said) << hint;
  EXPECT_EQ(*said, std::chrono::ceil<seconds>(*first.task.started + hours(1)));
  bench.timers->RunUntil(*said);
  Started();
}

TEST_F(Budgets, TheErrorNamesTheTasksThatHoldThePlaces) {
  Load("@max_active(\"1 by ticket; 2\")");
  const StartAnswer first = Started("T-1");
  auto again = bench.Start("triage", {{"ticket", "T-1"}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().hint,
            fmt::format("its place is held by {}: end that one; or wait: until {} at the latest", first.task.id, FormatTime(first.task.deadline)));
  Started("T-2");
  auto both = bench.Start("triage", {{"ticket", "T-1"}});  // both are full; ending the one of the ticket frees both
  EXPECT_NE(both.error().hint.find("held by " + first.task.id + ": end that one"), std::string::npos) << both.error().hint;
  Load("@max_active(\"1\")");
  auto over = bench.Start("triage", {{"ticket", "T-1"}});
  EXPECT_NE(over.error().hint.find("end 2 of them"), std::string::npos) << over.error().hint;
  Load("@max_active(\"1 by ticket\") @max_starts(\"1 per 24h by ticket\")");
  auto neither = bench.Start("triage", {{"ticket", "T-1"}});
  EXPECT_NE(neither.error().hint.find("none begins before " + FormatTime(*first.task.started + hours(24))), std::string::npos)
      << neither.error().hint;
}

TEST_F(Budgets, ExplainSaysSinceWhenAndByWhom) {
  Load("@max_active(\"1 by ticket\")");
  const StartAnswer first = Started();
  auto explained = bench.broker().Explain(Bench::Agent(), {"triage", json::Object{{"ticket", "T-1"}}, true, "", {}});
  ASSERT_TRUE(explained);
  const json::Value& you = *explained->Find("you");
  EXPECT_EQ(*you.FindString("until"), FormatTime(first.task.deadline));
  EXPECT_EQ(*you.Find("held_by"), json::Value(json::Array{first.task.id}));
  EXPECT_NE(you.FindString("hint"), nullptr);
  ASSERT_TRUE(bench.Complete(first));
  explained = bench.broker().Explain(Bench::Agent(), {"triage", json::Object{{"ticket", "T-1"}}, true, "", {}});
  EXPECT_EQ(explained->Find("you")->Find("until"), nullptr);
}

TEST_F(Budgets, ExplainSaysSo) {
  Load("@max_starts(\"1 per 24h by ticket\")");
  Started();
  auto explained = bench.broker().Explain(Bench::Agent(), {"triage", json::Object{{"ticket", "T-1"}}, true, "", {}});
  ASSERT_TRUE(explained);
  EXPECT_EQ(*explained->Find("you")->FindString("reason"), "budget-used-up");
  EXPECT_EQ(*explained->Find("max_starts"), *json::Parse(R"(["1 per 1d by ticket"])"));
}

// No sequence of starts, ends, restarts, moved clocks, failures and crashes gives more starts than the budget: read from the ledger.
TEST_F(Budgets, NoSequenceGivesMore) {
  constexpr Duration kHour = hours(1);
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Bench world;
    world.LoadCatalog(kPolicies, Bench::Annotated("triage", "@max_starts(\"2 per 1h by ticket; 3 per 1h\") @max_active(\"2\")"));
    std::vector<StartAnswer> running;
    std::size_t gave = 0;
    for (int step = 0; step < 200; ++step) {
      const auto dice = random() % 100;
      if (dice < 55) {
        auto started = world.Start("triage", {{"ticket", random() % 2 == 0 ? "T-1" : "T-2"}});
        if (started) running.push_back(*std::move(started)), ++gave;
      } else if (dice < 75 && !running.empty()) {
        (void)world.Complete(running[random() % running.size()]);
      } else if (dice < 88) {
        world.timers->RunFor(minutes(random() % 40));
      } else if (dice < 90) {
        world.store().FailNext(1, Error(Code::kResourceExhausted, "store-full", "full"));
      } else if (dice < 93) {  // a crash with a start on its way
        world.store().HoldCommits();
        StartRequest lost;
        lost.type = "triage";
        lost.parameters = json::Object{{"ticket", "T-1"}};
        world.broker().Start(Bench::Agent(), std::move(lost), [](auto) {});
        world.Restart();
      } else {
        world.accept_clock = random() % 2 == 0;
        const std::int64_t moved = static_cast<std::int64_t>(random() % 9000) - (world.accept_clock ? 7200 : 4);
        world.clock.Restart(world.clock.Now() + seconds(moved));
        world.Restart();
      }
    }
    std::vector<std::pair<Time, std::string>> starts;
    for (const json::Value& event : world.Events())
      if (*event.FindString("type") == "task.started")
        starts.emplace_back(*ParseTime(*event.FindString("time")), *event.Find("parameters")->Find("ticket")->Find("__entity")->FindString("id"));
    EXPECT_GE(starts.size(), gave);
    EXPECT_GT(gave, 5u);  // it was about something
    for (std::size_t i = 0; i < starts.size(); ++i) {
      std::size_t same = 0, all = 0;
      for (std::size_t j = 0; j < i; ++j) {
        if (starts[j].first + kHour <= starts[i].first) continue;
        ++all;
        same += starts[j].second == starts[i].second;
      }
      EXPECT_LT(same, 2u);
      EXPECT_LT(all, 3u);
    }
  }
}

}  // namespace
}  // namespace remit::broker
