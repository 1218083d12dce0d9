// Nothing is told less than once, nothing blocks, and what came of a message stands in the ledger.
#include "notify/deliverer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "json/read.h"
#include "json/write.h"
#include "store/memory/memory_store.h"

namespace remit::notify {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class DelivererTest : public ::testing::Test {
 protected:
  DelivererTest() : store_(std::make_unique<store::MemoryStore>(rng_, store::MemoryStore::Mode::kInline)) {
    Commit("task.started", "before");  // what was before the webhook is told to nobody
    Open();
  }
  ~DelivererTest() override {
    if (deliverer_) deliverer_->Stop();
  }

  void Commit(const std::string& type, const std::string& what = "") {
    store::Batch batch;
    batch.events.push_back(json::Canonical(json::Object{{"type", type}, {"time", FormatTime(clock_.Now())}, {"what", what}}));
    ASSERT_TRUE(store_->CommitNow(std::move(batch)).has_value());
  }

  void Open(EventTypes events = {}) {
    DelivererParts parts{*store_, clock_, rng_, *timers_, *workers_, "ins", "http://remit.test", {}, {}};
    parts.record = [this](std::string_view type, const json::Object& fields, std::vector<store::Write> rows, std::function<void(Status)> done) {
      json::Object event{{"type", type}, {"time", FormatTime(clock_.Now())}};
      for (const auto& [name, value] : fields) event.Set(name, value);
      store::Batch batch;
      batch.writes = std::move(rows);
      batch.events.push_back(json::Canonical(event));
      store_->Commit(std::move(batch), [done](const Result<store::Committed>& r) { done(r ? Status() : Status(std::unexpected(r.error()))); });
    };
    parts.post = [this](const Message& message) -> Status {
      posted_.push_back(message.id);
      bodies_.push_back(message.body);
      if (down_) return Fail(Code::kUnavailable, "cannot-connect", "nobody answers");
      return {};
    };
    auto opened = Deliverer::Open(std::move(parts), {"duty", Template::kEvents, std::move(events)});
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    deliverer_ = *std::move(opened);
    deliverer_->Start();
    Settle();
  }

  // kill -9 and a start.
  void Restart() {
    deliverer_->Stop();
    auto left = store_->Snapshot();
    timers_ = std::make_unique<io::FakeTimers>(clock_);
    workers_ = std::make_unique<io::InlineWorkers>();
    deliverer_.reset();
    store_ = std::move(left);
    Open();
  }

  void Settle() {
    for (int i = 0; i < 100 && workers_->RunAll() > 0; ++i) timers_->RunFor(0s);
  }
  void Pass(Duration span) {
    for (Duration step = 1s; span > 0s; span -= step) {
      timers_->RunFor(std::min(step, span));
      Settle();
    }
  }
  // The types of all events, without those before the webhook.
  std::vector<std::string> Ledger() {
    std::vector<std::string> types;
    EXPECT_TRUE(store_->ScanEvents(1, [&](const store::StoredEvent& event) {
      types.push_back(*json::Parse(*event.body)->FindString("type"));
      return true;
    }));
    return types;
  }
  std::string LastEvent() {
    std::string last;
    EXPECT_TRUE(store_->ScanEvents(store_->Head().size - 1, [&](const store::StoredEvent& event) { return last = *event.body, true; }));
    return last;
  }

  SeededRng rng_{3};
  FakeClock clock_;
  std::unique_ptr<io::FakeTimers> timers_ = std::make_unique<io::FakeTimers>(clock_);
  std::unique_ptr<io::InlineWorkers> workers_ = std::make_unique<io::InlineWorkers>();
  std::unique_ptr<store::MemoryStore> store_;
  std::shared_ptr<Deliverer> deliverer_;
  std::vector<std::string> posted_, bodies_;
  bool down_ = false;
};

TEST_F(DelivererTest, WhatHappensInARestoredStoreIsNotTakenForWhatWasLost) {
  const auto copy = store_->Snapshot();
  Commit("task.started");
  Settle();
  ASSERT_THAT(posted_, ElementsAre("msg_ins_1"));
  store::Batch epoch;
  epoch.writes.push_back({store::Table::kMeta, "epoch", "2"});
  ASSERT_TRUE(copy->CommitNow(std::move(epoch)).has_value());
  store_ = copy->Snapshot();
  Restart();
  Commit("task.completed");  // at the same place
  Settle();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1", "msg_ins_2_1"));
}

TEST_F(DelivererTest, TellsEachOnceInOrderAndWritesItDown) {
  EXPECT_THAT(posted_, IsEmpty()) << "what was before is not told";
  Commit("task.started");
  Commit("task.spent");  // no change of state
  Commit("task.completed");
  Settle();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1", "msg_ins_3"));
  EXPECT_THAT(Ledger(), ElementsAre("task.started", "task.spent", "task.completed", "webhook.delivered", "webhook.delivered"));
  Pass(1min);
  EXPECT_EQ(posted_.size(), 2u) << "what it writes itself is told to nobody";
  EXPECT_EQ(deliverer_->status().behind, 0u);
  const json::Value last = *json::Parse(LastEvent());
  EXPECT_EQ(*last.FindString("message"), "msg_ins_3");
  EXPECT_EQ(*last.FindString("webhook"), "duty");
}

TEST_F(DelivererTest, AReceiverThatFailsIsAskedAgainWithGrowingPauses) {
  down_ = true;
  Commit("task.started");
  Commit("task.completed");
  Settle();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1"));
  EXPECT_EQ(deliverer_->status().last_error, "nobody answers");
  EXPECT_EQ(deliverer_->status().behind, 2u);
  std::vector<Duration> pauses;
  for (int i = 0; i < 12; ++i) {
    const Time before = clock_.Now();
    ASSERT_EQ(timers_->waiting(), 1u);
    timers_->RunUntil(timers_->next());
    Settle();
    pauses.push_back(clock_.Now() - before);
  }
  EXPECT_EQ(posted_.size(), 13u);
  for (std::size_t i = 0; i < pauses.size(); ++i) {
    const Duration whole = std::min<Duration>(limits::kWebhookFirstBackoff * (1 << i), limits::kWebhookMaxBackoff);
    EXPECT_GE(pauses[i], whole / 2) << i;
    EXPECT_LE(pauses[i], whole) << i;
  }
  EXPECT_NE(pauses[10], pauses[11]) << "spread";
  down_ = false;
  Pass(limits::kWebhookMaxBackoff);
  EXPECT_EQ(posted_.back(), "msg_ins_2");
  EXPECT_THAT(Ledger(), ElementsAre("task.started", "task.completed", "webhook.delivered", "webhook.delivered"));
  EXPECT_FALSE(deliverer_->status().failing_since.has_value());
}

TEST_F(DelivererTest, EventsThatComeMeanwhileDoNotHurryIt) {
  down_ = true;
  Commit("task.started");
  Settle();
  for (int i = 0; i < 50; ++i) {
    Commit("task.completed");
    Settle();
  }
  EXPECT_EQ(posted_.size(), 1u);
}

TEST_F(DelivererTest, ACrashLosesNothing) {
  down_ = true;
  Commit("task.started");
  Settle();
  Restart();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1", "msg_ins_1"));
  down_ = false;
  Restart();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1", "msg_ins_1", "msg_ins_1"));
  EXPECT_THAT(Ledger(), ElementsAre("task.started", "webhook.delivered"));
  Restart();
  EXPECT_EQ(posted_.size(), 3u) << "what was taken and written down is not told again";
}

TEST_F(DelivererTest, WhatHappensWhileNobodyServesIsTold) {
  deliverer_->Stop();
  Commit("task.completed");
  Settle();
  EXPECT_THAT(posted_, IsEmpty());
  Restart();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1"));
}

TEST_F(DelivererTest, TakenButNotWrittenDownIsToldAgainUnderTheSameId) {
  store_->HoldCommits();
  store::Batch batch;
  batch.events.push_back(R"({"time":"2026-01-01T00:00:00.000000Z","type":"task.started"})");
  store_->Commit(std::move(batch), [](auto) {});
  store_->ReleaseCommits();
  store_->HoldCommits();
  Settle();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1"));
  Restart();  // the commit that was held is lost
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1", "msg_ins_1"));
}

TEST_F(DelivererTest, AStoreThatFailsToWriteItDownIsAskedAgainAndNobodyIsToldTwice) {
  Commit("task.started");
  store_->FailNext(3, Error(Code::kUnavailable, "store-failed", "no"));
  Settle();
  EXPECT_THAT(Ledger(), ElementsAre("task.started"));
  Pass(20s);
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1"));
  EXPECT_THAT(Ledger(), ElementsAre("task.started", "webhook.delivered"));
  Commit("task.completed");
  Settle();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_1", "msg_ins_3"));
}

TEST_F(DelivererTest, AnOldMessageThatIsRefusedIsGivenUpAndSaysSo) {
  down_ = true;
  Commit("task.started");
  Settle();
  clock_.Advance(limits::kWebhookGiveUp);
  Pass(limits::kWebhookMaxBackoff);
  const json::Value last = *json::Parse(LastEvent());
  EXPECT_EQ(*last.FindString("type"), "webhook.failed");
  EXPECT_EQ(*last.FindString("message"), "msg_ins_1");
  EXPECT_EQ(*last.FindString("why"), "nobody answers");
  down_ = false;
  Commit("task.completed");
  Pass(limits::kWebhookMaxBackoff);
  EXPECT_EQ(posted_.back(), "msg_ins_3") << "and it goes on with the next";
}

TEST_F(DelivererTest, ALongPastThatNobodyWantsIsNotReadAgain) {
  for (std::size_t i = 0; i < 3 * limits::kWebhookSkip; ++i) Commit("decision.count");
  Settle();
  EXPECT_THAT(posted_, IsEmpty());
  const auto row = store_->Get(store::Table::kMeta, "webhook/duty");
  EXPECT_GE(std::stoull(**row), 2 * limits::kWebhookSkip);
  EXPECT_EQ(deliverer_->status().behind, 0u);
}

TEST_F(DelivererTest, AnErasedEventIsPassedBy) {
  deliverer_->Stop();
  Commit("task.started");
  Commit("task.completed");
  ASSERT_TRUE(store_->EraseEventBodies({1}));
  Restart();
  EXPECT_THAT(posted_, ElementsAre("msg_ins_2"));
}

TEST_F(DelivererTest, SaysOfWhichTaskItIs) {
  task::TaskRecord record;
  record.id = "tsk_01h00000000000000000000000";
  record.name = "triage";
  record.purpose = "Triage one ticket";
  record.actor = {"Agent", "bot"};
  record.parameters = json::Object{};
  store::Batch batch;
  batch.writes.push_back({store::Table::kEndedTask, record.id, record.Encode()});
  batch.events.push_back(json::Canonical(json::Object{{"type", "task.completed"}, {"time", FormatTime(clock_.Now())}, {"task", record.id}}));
  ASSERT_TRUE(store_->CommitNow(std::move(batch)).has_value());
  Settle();
  ASSERT_EQ(bodies_.size(), 1u);
  const json::Value body = *json::Parse(bodies_[0]);
  EXPECT_EQ(*body.FindString("type"), "task.completed");
  EXPECT_EQ(*body.Find("data")->Find("task")->FindString("purpose"), "Triage one ticket");
  EXPECT_EQ(*body.Find("data")->FindString("link"), "http://remit.test/tasks/" + record.id);
  EXPECT_EQ(bodies_[0].find(HexEncode(record.token_hash)), std::string::npos);
}

TEST_F(DelivererTest, APlaceThatIsNotOfThisLedgerIsRefused) {
  deliverer_->Stop();
  for (const char* place : {"99", "x", "", "-1"}) {
    store::Batch batch;
    batch.writes.push_back({store::Table::kMeta, "webhook/duty", place});
    ASSERT_TRUE(store_->CommitNow(std::move(batch)).has_value());
    DelivererParts parts{*store_, clock_, rng_, *timers_, *workers_, "ins", "http://remit.test", {}, {}};
    EXPECT_EQ(Deliverer::Open(std::move(parts), {"duty", Template::kEvents, {}}).error().reason, "store-corrupt") << place;
  }
}

}  // namespace
}  // namespace remit::notify
