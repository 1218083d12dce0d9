// A list of attacks on a stored ledger, and what is said of each.
#include "ledger/audit.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "ledger/hash.h"

namespace remit::ledger {
namespace {

// A ledger as a store would hold it: commits of one, two and three events in turn.
struct Stored {
  std::vector<AuditRow> rows;
  std::map<TileId, std::vector<Hash>> tiles;
  Tree tree;
  std::vector<TreeHead> heads{{0, EmptyRoot()}};

  explicit Stored(std::uint64_t size) {
    for (std::uint64_t i = 0; i < size; ++i) {
      AuditRow row{i, "{\"n\":" + std::to_string(i) + "}", std::string(16, static_cast<char>('a' + i % 20)), {}, {}};
      row.leaf = EventLeaf(i, AsBytes(row.salt), AsBytes(*row.body));
      std::vector<Tile> full;
      tree.Append(row.leaf, &full);
      for (Tile& tile : full) tiles[tile.id] = std::move(tile.hashes);
      if (i % 6 == 0 || i % 6 == 2 || i % 6 == 5 || i + 1 == size) row.root = tree.Root();
      rows.push_back(std::move(row));
      heads.push_back({i + 1, tree.Root()});
    }
  }
  void Renumber() {
    for (std::uint64_t i = 0; i < rows.size(); ++i) rows[i].index = i;
  }
  // The attacker who knows the format: makes leaf and body fit again.
  void Recompute(std::uint64_t i) { rows[i].leaf = EventLeaf(i, AsBytes(rows[i].salt), AsBytes(*rows[i].body)); }
  AuditReport Check(std::optional<TreeHead> against = {}) const {
    Audit audit(
        [this](TileId id, std::uint64_t) -> Result<std::vector<Hash>> {
          if (auto tile = tiles.find(id); tile != tiles.end()) return tile->second;
          return Fail(Code::kNotFound, "no-such-tile", "none");
        },
        against, true);
    for (const AuditRow& row : rows) audit.Add(row);
    return audit.Finish();
  }
};

void ExpectOnly(const AuditReport& report, Flaw flaw, std::vector<std::uint64_t> indices) {
  std::vector<std::uint64_t> found;
  for (const Finding& finding : report.findings) {
    EXPECT_EQ(FlawName(finding.flaw), FlawName(flaw)) << finding.text;
    found.push_back(finding.index);
  }
  EXPECT_EQ(found, indices);
}

struct AttackTest : testing::TestWithParam<std::uint64_t> {};  // the place of the attack: in a tile, at its edge, in the tail

TEST(AuditTest, ASoundLedgerHolds) {
  for (const std::uint64_t size : {0u, 1u, 2u, 255u, 256u, 257u, 600u}) {
    Stored ledger(size);
    const AuditReport report = ledger.Check();
    EXPECT_TRUE(report.ok()) << report.Summary();
    EXPECT_FALSE(report.complete());
    EXPECT_EQ(report.head, (TreeHead{size, ledger.tree.Root()}));
    EXPECT_NE(report.Summary().find("a cut tail cannot be seen"), std::string::npos);
    for (std::uint64_t old = 0; old <= size; old += 37) EXPECT_TRUE(ledger.Check(ledger.heads[old]).complete());
  }
}

TEST(AuditTest, ErasedBodiesHold) {
  Stored ledger(600);
  ledger.rows[7].body.reset();
  ledger.rows[599].body.reset();
  EXPECT_TRUE(ledger.Check(ledger.heads[600]).complete());
  EXPECT_EQ(ledger.Check().erased, 2u);
  ledger.rows[7].leaf[0] ^= 1;
  ExpectOnly(ledger.Check(), Flaw::kEdited, {7});
}

INSTANTIATE_TEST_SUITE_P(Places, AttackTest, testing::Values(0, 17, 255, 256, 400, 513, 590));

TEST_P(AttackTest, AnEditedEventIsNamed) {
  const std::uint64_t at = GetParam();
  Stored ledger(600);
  ledger.rows[at].body = "{\"n\":666}";
  ExpectOnly(ledger.Check(), Flaw::kEdited, {at});
  EXPECT_NE(ledger.Check().Summary().find("event " + std::to_string(at) + " was edited"), std::string::npos);
  Stored salt(600);
  salt.rows[at].salt[0] ^= 1;
  ExpectOnly(salt.Check(), Flaw::kEdited, {at});
  Stored leaf(600);
  leaf.rows[at].leaf[0] ^= 1;
  ExpectOnly(leaf.Check(), Flaw::kEdited, {at});
}

TEST_P(AttackTest, AnEditWithARecomputedLeafIsSeenByTileOrRoot) {
  const std::uint64_t at = GetParam();
  Stored ledger(600);
  ledger.rows[at].body = "{\"n\":666}";
  ledger.Recompute(at);
  const AuditReport report = ledger.Check();
  ASSERT_FALSE(report.ok());
  EXPECT_GE(report.findings[0].index, at);
  EXPECT_LE(report.findings[0].index, at + 2);  // within its commit
}

TEST_P(AttackTest, ADeletedEventIsNamed) {
  const std::uint64_t at = GetParam();
  Stored gap(600);
  gap.rows.erase(gap.rows.begin() + static_cast<std::ptrdiff_t>(at));
  ExpectOnly(gap.Check(), Flaw::kDeleted, {at});
  Stored renumbered = gap;
  renumbered.Renumber();
  ExpectOnly(renumbered.Check(), Flaw::kDeleted, {at});
}

TEST_P(AttackTest, AnInsertedEventIsNamed) {
  const std::uint64_t at = GetParam();
  Stored ledger(600);
  AuditRow row{at, "{\"n\":666}", std::string(16, 'z'), {}, {}};
  row.leaf = EventLeaf(at + 7'000, AsBytes(row.salt), AsBytes(*row.body));
  ledger.rows.insert(ledger.rows.begin() + static_cast<std::ptrdiff_t>(at), row);
  ledger.Renumber();
  ExpectOnly(ledger.Check(), Flaw::kInserted, {at});
  ledger.Recompute(at);
  const AuditReport report = ledger.Check();
  ASSERT_FALSE(report.ok());
  EXPECT_TRUE(std::ranges::any_of(report.findings, [&](const Finding& f) { return f.flaw == Flaw::kInserted && f.index == at; })) << report.Summary();
  EXPECT_LE(report.findings.size(), 2u);  // in the tail, the recorded root says so too
}

TEST_P(AttackTest, MovedEventsAreNamed) {
  const std::uint64_t at = GetParam();
  Stored ledger(600);
  std::swap(ledger.rows[at], ledger.rows[at + 5]);
  ledger.Renumber();
  ExpectOnly(ledger.Check(), Flaw::kReordered, {at, at + 5});
}

TEST(AuditTest, ACutTailIsSeenAgainstACheckpointOnly) {
  Stored ledger(600);
  const TreeHead head = ledger.heads[600];
  while (ledger.rows.size() > 580 || !ledger.rows.back().root) ledger.rows.pop_back();
  EXPECT_TRUE(ledger.Check().ok());
  ExpectOnly(ledger.Check(head), Flaw::kCut, {ledger.rows.size()});
  EXPECT_TRUE(ledger.Check(ledger.heads[500]).complete());
  // In the middle of a commit it is seen anyway.
  while (ledger.rows.back().root) ledger.rows.pop_back();
  ExpectOnly(ledger.Check(), Flaw::kCut, {ledger.rows.size()});
}

TEST(AuditTest, AForkIsSeenAgainstACheckpoint) {
  // The root is of another history, as if events had been made up anew.
  Stored ledger(600);
  TreeHead head = ledger.heads[590];
  head.root[0] ^= 1;
  EXPECT_TRUE(ledger.Check().ok());
  ExpectOnly(ledger.Check(head), Flaw::kFork, {589});
  head = {0, {}};
  ExpectOnly(ledger.Check(head), Flaw::kFork, {0});
}

TEST(AuditTest, TilesAreChecked) {
  Stored ledger(70'000);
  EXPECT_TRUE(ledger.Check().ok());
  Stored missing = ledger;
  missing.tiles.erase(TileId{0, 1});
  ExpectOnly(missing.Check(), Flaw::kTile, {256});
  Stored higher = ledger;
  higher.tiles[TileId{1, 0}][3][0] ^= 1;
  ExpectOnly(higher.Check(), Flaw::kTile, {0});
  Stored lower = ledger;
  lower.tiles[TileId{0, 1}][3][0] ^= 1;
  ExpectOnly(lower.Check(), Flaw::kEdited, {259});
}

TEST(AuditTest, ALedgerOfRubbishIsReportedWithinBounds) {
  Stored ledger(2000);
  for (AuditRow& row : ledger.rows) row.body = "{}";
  const AuditReport report = ledger.Check();
  EXPECT_EQ(report.findings.size(), 100u);
  EXPECT_EQ(report.findings.size() + report.more_findings, 2000u);
}

}  // namespace
}  // namespace remit::ledger
