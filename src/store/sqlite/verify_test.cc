// Attacks on the database file itself, with SQL, and what VerifyStore says of each.
#include <gtest/gtest.h>

#include "store/sqlite/sqlite.h"
#include "store/sqlite/sqlite_store.h"
#include "store/sqlite/temp_dir.h"

namespace remit::store::sqlite {
namespace {

using ledger::Flaw;

struct VerifyTest : testing::Test {
  SystemRng rng;
  TempDir dir;
  std::string path = dir.File("remit.db");
  TreeHead head, older;

  void SetUp() override {
    auto store = Open(Options{path, 0}, rng).value();
    for (int i = 0; i < 600; i += 2) {
      Batch batch;
      batch.events = {"{\"n\":" + std::to_string(i) + "}", "{\"n\":" + std::to_string(i + 1) + "}"};
      ASSERT_TRUE(store->CommitNow(std::move(batch)));
    }
    head = store->Head();
    older = {500, store->RootAt(500).value()};
  }
  void Attack(const std::string& sql) {
    const Status status = Connection::Open(path, SQLITE_OPEN_READWRITE, nullptr)->Exec("BEGIN; " + sql + "; COMMIT");
    ASSERT_TRUE(status) << status.error().ToString();
  }
  // "flaw index; …"
  std::string Findings(std::optional<TreeHead> against = {}) {
    const auto report = VerifyStore(path, against);
    if (!report) return report.error().reason;
    std::string text;
    for (const auto& finding : report->findings)
      text += std::string(text.empty() ? "" : "; ") + std::string(FlawName(finding.flaw)) + " " + std::to_string(finding.index);
    return text;
  }
};

TEST_F(VerifyTest, ASoundStoreHolds) {
  const auto report = VerifyStore(path);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_TRUE(report->ok()) << report->Summary();
  EXPECT_EQ(report->head, head);
  EXPECT_FALSE(report->complete());
  EXPECT_NE(report->Summary().find("a cut tail cannot be seen"), std::string::npos);
  EXPECT_TRUE(VerifyStore(path, older)->complete());
  EXPECT_EQ(VerifyStore(dir.File("none.db")).error().reason, "store-not-found");
}

TEST_F(VerifyTest, WhileAServerUsesIt) {
  auto store = Open(Options{path, 0}, rng).value();
  std::atomic<bool> stop = false;
  std::thread server([&] {
    for (int i = 0; !stop; ++i) {
      Batch batch;
      batch.writes = {{Table::kTask, std::to_string(i), "x"}};
      batch.events = {"{}", "{}"};
      ASSERT_TRUE(store->CommitNow(std::move(batch)));
    }
  });
  for (int i = 0; i < 5; ++i) {
    const auto report = VerifyStore(path, older);
    ASSERT_TRUE(report) << report.error().ToString();
    EXPECT_TRUE(report->complete()) << report->Summary();
  }
  stop = true;
  server.join();
}

TEST_F(VerifyTest, EditedEvents) {
  Attack("UPDATE event SET body = CAST('{\"n\":666}' AS BLOB) WHERE idx = 17");
  EXPECT_EQ(Findings(), "edited 17");
  EXPECT_EQ(VerifyStore(path)->findings[0].text, "event 17 was edited: its body does not match its leaf");
}

TEST_F(VerifyTest, EditedSalts) {
  Attack("UPDATE event SET salt = randomblob(16) WHERE idx = 555");
  EXPECT_EQ(Findings(), "edited 555");
}

TEST_F(VerifyTest, DeletedEvents) {
  Attack("DELETE FROM event WHERE idx = 17");
  EXPECT_EQ(Findings(), "deleted 17");
}

TEST_F(VerifyTest, DeletedAndRenumberedEvents) {
  Attack("DELETE FROM event WHERE idx = 550; UPDATE event SET idx = -idx WHERE idx > 550; UPDATE event SET idx = -idx - 1 WHERE idx < 0");
  EXPECT_EQ(Findings(), "deleted 550");
}

TEST_F(VerifyTest, InsertedEvents) {
  Attack(
      "UPDATE event SET idx = -idx WHERE idx >= 17; UPDATE event SET idx = -idx + 1 WHERE idx < 0;"
      "INSERT INTO event SELECT 17, randomblob(32), NULL, salt, CAST('{\"n\":666}' AS BLOB) FROM event WHERE idx = 3");
  EXPECT_EQ(Findings(), "inserted 17");
}

TEST_F(VerifyTest, ReorderedEvents) {
  Attack("UPDATE event SET idx = -1 WHERE idx = 17; UPDATE event SET idx = 17 WHERE idx = 300; UPDATE event SET idx = 300 WHERE idx = -1");
  EXPECT_EQ(Findings(), "reordered 17; reordered 300");
}

TEST_F(VerifyTest, ACutTail) {
  Attack("DELETE FROM event WHERE idx >= 550");
  EXPECT_EQ(Findings(), "");
  EXPECT_EQ(Findings(head), "cut 550");
  EXPECT_EQ(Findings(older), "");
  Attack("DELETE FROM event WHERE idx >= 549");
  EXPECT_EQ(Findings(), "cut 549");
}

TEST_F(VerifyTest, AForkedTail) {
  Attack("DELETE FROM event WHERE idx >= 540");
  {
    auto store = Open(Options{path, 0}, rng).value();
    for (int i = 0; i < 40; ++i) {
      Batch batch;
      batch.events = {"{\"another\":1}", "{\"history\":1}"};
      ASSERT_TRUE(store->CommitNow(std::move(batch)));
    }
  }
  EXPECT_EQ(Findings(), "");
  EXPECT_EQ(Findings(older), "");
  EXPECT_EQ(Findings(head), "fork 599");
}

TEST_F(VerifyTest, EditedTiles) {
  Attack("DELETE FROM tile WHERE id = 1");
  EXPECT_EQ(Findings(), "tile 256");
}

}  // namespace
}  // namespace remit::store::sqlite
