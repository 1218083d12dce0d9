// A credential from planned to dead, over a target that refuses, breaks and goes down.
#include <gtest/gtest.h>

#include "broker/test_bench.h"
#include "json/write.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(BrokerTest, ACredentialIsPlannedLiveEndingDead) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  EXPECT_EQ(bench.box->exists.size(), 1u);
  EXPECT_EQ(started->environment.at("BOX_PASSWORD").Reveal(), bench.box->passwords.begin()->second);
  ASSERT_TRUE(bench.Complete(*started).has_value());
  bench.Settle();
  EXPECT_TRUE(bench.box->exists.empty());
  std::vector<std::string> life;
  for (const json::Value& event : bench.Events())
    if (event.Find("credential") != nullptr) life.push_back(*event.FindString("type"));
  EXPECT_EQ(life, (std::vector<std::string>{"credential.planned", "credential.live", "credential.ending", "credential.dead"}));
  auto receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_TRUE(receipt->Find("all_dead")->AsBool());
  // The password is erased, and was never readable in the store.
  std::string password = bench.box->passwords.begin()->second;
  for (auto table : {store::Table::kCredential, store::Table::kEndedCredential, store::Table::kTask, store::Table::kEndedTask})
    ASSERT_TRUE(bench.store()
                    .Scan(table, "",
                          [&](auto, std::string_view row) {
                            EXPECT_EQ(row.find(password), std::string_view::npos);
                            return true;
                          })
                    .has_value());
}

TEST_F(BrokerTest, ARefusalFailsTheTask) {
  bench.box->refuse = true;
  EXPECT_EQ(bench.Start("box", {{"box", "b1"}}).error().reason, "target-refused");
  bench.Pass(minutes(1));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().counters().live_tasks, 0u);
}

TEST_F(BrokerTest, WhatWasMadeBeforeTheConnectionBrokeIsEnded) {
  bench.box->vanish_after_make = true;
  EXPECT_FALSE(bench.Start("box", {{"box", "b1"}}).has_value());
  bench.Pass(minutes(1));
  EXPECT_EQ(bench.box->ever.size(), 1u);
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(BrokerTest, TheHolderGetsTheVariablesAgainAfterARestart) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  ASSERT_FALSE(started->environment.at("BOX_PASSWORD").empty());
  bench.Restart();
  auto again = bench.broker().Environment(bench.broker().FindHandle(started->holder.Reveal()), started->task.id);
  ASSERT_TRUE(again.has_value()) << again.error().ToString();
  EXPECT_EQ(again->at("BOX_PASSWORD").Reveal(), started->environment.at("BOX_PASSWORD").Reveal());
}

TEST_F(BrokerTest, TheReceiptSaysWhatWasAcceptedWhenTheTaskStarted) {
  bench.box->accepted = {"temporary:orders", "connect:other"};
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  bench.box->accepted = {};
  ASSERT_TRUE(bench.Complete(*started).has_value());
  auto receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_EQ(json::Write(*receipt->Find("accepted")), R"(["box: connect:other","box: temporary:orders"])");
}

TEST_F(BrokerTest, ATargetThatIsDownDelaysTheEndAndCancelsNothing) {
  auto started = bench.Start("box", {{"box", "b1"}});
  EXPECT_FALSE(bench.broker().IsOver(started->task.id));
  bench.box->down = true;
  auto ended = bench.Complete(*started);
  ASSERT_TRUE(ended.has_value());
  EXPECT_FALSE(ended->all_dead);
  EXPECT_FALSE(bench.broker().IsOver(started->task.id)) << "its credential is still to die";
  bench.Pass(std::chrono::hours(1));
  EXPECT_GT(bench.box->ends, 60);  // never longer than half a minute between two tries
  EXPECT_EQ(bench.box->exists.size(), 1u);
  bench.Restart();
  bench.box->down = false;
  bench.Pass(seconds(40));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.broker().counters().ending_credentials, 0u);
  EXPECT_TRUE(bench.broker().IsOver(started->task.id));
  EXPECT_FALSE(bench.broker().IsOver("tsk_00000000000000000000000000"));
}

TEST_F(BrokerTest, ACrashWhileMakingLeavesNothing) {
  StartRequest request;
  request.type = "box";
  request.parameters = json::Object{{"box", "b1"}};
  bench.broker().Start(Bench::Agent(), request, [](auto) {});  // planned is committed; the worker has not run, or its answer was lost
  auto planned = bench.store().Head().size;
  EXPECT_GT(planned, 0u);
  std::string name;
  ASSERT_TRUE(bench.store()
                  .Scan(store::Table::kCredential, "",
                        [&](std::string_view key, std::string_view) {
                          name = "box_" + std::string(key);
                          return true;
                        })
                  .has_value());
  bench.box->exists.insert(name);
  bench.Restart();
  bench.Pass(seconds(1));
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(BrokerTest, TheSweepEndsWhatIsOursAndTouchesNothingElse) {
  bench.box->exists = {"box_crd_01hzzzzzzzzzzzzzzzzzzzzzzz", "theirs"};
  json::Value report;
  bench.broker().Sweep([&](auto answer) { report = *answer; });
  bench.Pass(seconds(1));
  EXPECT_EQ(bench.box->exists, std::set<std::string>{"theirs"});
  EXPECT_EQ(report.Find("targets")->Find("box")->Find("others")->AsArray().size(), 1u);
  EXPECT_EQ(report.Find("targets")->Find("box")->Find("ended")->AsArray().size(), 1u);
}

}  // namespace
}  // namespace remit::broker
