#include "ledger/audit.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ledger/hash.h"

namespace remit::ledger {
namespace {

constexpr std::size_t kMaxFindings = 100;           // more of them tell nobody more
constexpr std::size_t kMaxRuns = 10'000;            // of moved rows that are remembered
constexpr std::uint64_t kSearchDistance = 1024;     // how far an event is looked for from where it stands
constexpr std::uint64_t kSearchBudget = 4'000'000;  // hashes spent on looking, in all

}  // namespace

std::string_view FlawName(Flaw flaw) {
  switch (flaw) {
    case Flaw::kEdited: return "edited";
    case Flaw::kDeleted: return "deleted";
    case Flaw::kInserted: return "inserted";
    case Flaw::kReordered: return "reordered";
    case Flaw::kTile: return "tile";
    case Flaw::kRoot: return "root";
    case Flaw::kCut: return "cut";
    case Flaw::kFork: return "fork";
  }
  return "unknown";
}

std::string AuditReport::Summary() const {
  if (!ok()) return fmt::format("{} events do not hold: {}", head.size, findings.front().text);
  if (against) return fmt::format("{} events hold, and extend the checkpoint of {} events: nothing before it is missing", head.size, against->size);
  return fmt::format("{} events hold; without a checkpoint a cut tail cannot be seen", head.size);
}

Audit::Audit(TileSource tiles, std::optional<TreeHead> against, bool recorded_roots)
    : tiles_(std::move(tiles)), recorded_roots_(recorded_roots), search_budget_(kSearchBudget) {
  report_.against = against;
  CheckAgainst(0);
}

void Audit::Report(Flaw flaw, std::uint64_t index, std::string text) {
  if (report_.findings.size() < kMaxFindings) {
    report_.findings.push_back(Finding{flaw, index, std::move(text)});
  } else {
    ++report_.more_findings;
  }
}

void Audit::Add(const AuditRow& row) {
  CheckPlace(row);
  Hash leaf = row.leaf;
  if (!CheckLeaf(row, leaf)) whole_ = false;
  std::vector<Tile> full;
  tree_.Append(leaf, &full);
  if (whole_) CheckTiles(row.index, leaf, full);
  if (whole_ && row.root && *row.root != tree_.Root()) {
    Report(Flaw::kRoot, row.index,
           fmt::format("the events up to {} do not give the root that was recorded with it: one of its commit was replaced", row.index));
    whole_ = false;
  }
  last_has_root_ = row.root.has_value();
  next_ = row.index + 1;
  CheckAgainst(next_);
}

void Audit::CheckPlace(const AuditRow& row) {
  if (row.index == next_) return;
  whole_ = false;
  if (row.index == next_ + 1) {
    Report(Flaw::kDeleted, next_, fmt::format("event {} was deleted", next_));
  } else {
    Report(Flaw::kDeleted, next_, fmt::format("events {} to {} were deleted", next_, row.index - 1));
  }
}

// Whether the row is what was committed at its place; `leaf` becomes what its content gives.
bool Audit::CheckLeaf(const AuditRow& row, Hash& leaf) {
  if (!row.body) {
    ++report_.erased;
    return true;
  }
  if (row.salt.size() < kSaltBytes || row.salt.size() > kMaxSaltBytes) {
    Report(Flaw::kEdited, row.index, fmt::format("event {} was edited: its salt has {} bytes", row.index, row.salt.size()));
    return false;
  }
  leaf = EventLeaf(row.index, AsBytes(row.salt), AsBytes(*row.body));
  if (leaf == row.leaf) return true;
  const auto origin = FindOrigin(row);
  if (!origin) {
    foreign_.push_back(row.index);
    if (foreign_.size() > kMaxRuns) foreign_.pop_back();
    return false;
  }
  last_shift_ = static_cast<std::int64_t>(*origin - row.index);
  if (!moved_.empty() && moved_.back().shift == last_shift_ && moved_.back().first + moved_.back().count == row.index) {
    ++moved_.back().count;
  } else if (moved_.size() < kMaxRuns) {
    moved_.push_back(Moved{row.index, 1, last_shift_});
  }
  return false;
}

// An event's commitment holds its index: where a row's content fits its leaf under another index, that is where it came from.
std::optional<std::uint64_t> Audit::FindOrigin(const AuditRow& row) {
  const auto fits = [&](std::uint64_t index) { return EventLeaf(index, AsBytes(row.salt), AsBytes(*row.body)) == row.leaf; };
  if (last_shift_ != 0 && fits(row.index + static_cast<std::uint64_t>(last_shift_))) return row.index + static_cast<std::uint64_t>(last_shift_);
  for (std::uint64_t distance = 1; distance <= kSearchDistance && search_budget_ >= 2; ++distance) {
    search_budget_ -= 2;
    if (fits(row.index + distance)) return row.index + distance;
    if (row.index >= distance && fits(row.index - distance)) return row.index - distance;
  }
  return std::nullopt;
}

void Audit::CheckTiles(std::uint64_t index, const Hash& leaf, const std::vector<Tile>& full) {
  const TileId id{0, index / kTileWidth};
  if (!tile_ || tile_->id != id) {
    auto hashes = tiles_(id, kTileWidth);
    tile_ = Tile{id, hashes && hashes->size() >= kTileWidth ? std::move(*hashes) : std::vector<Hash>{}};
  }
  if (!tile_->hashes.empty() && tile_->hashes[index % kTileWidth] != leaf) {
    whole_ = false;
    Report(Flaw::kEdited, index, fmt::format("event {} was replaced: the tile that was made when it was committed holds another leaf", index));
    return;
  }
  for (const Tile& tile : full) {
    auto stored = tiles_(tile.id, kTileWidth);
    if (stored && *stored == tile.hashes) continue;
    const std::uint64_t covered = tile.id.index << (kTileHeight * (tile.id.level + 1));
    Report(Flaw::kTile, covered,
           fmt::format("tile {}/{} {}", tile.id.level, tile.id.index, stored ? "does not follow from the events" : "is missing"));
  }
}

void Audit::CheckAgainst(std::uint64_t size) {
  if (!report_.against || report_.against->size != size || !whole_) return;
  if (tree_.Root() == report_.against->root) return;
  Report(Flaw::kFork, size == 0 ? 0 : size - 1,
         fmt::format("the ledger does not extend the checkpoint: its first {} events have another root", size));
}

bool Audit::IsOrigin(std::uint64_t index) const {
  return std::ranges::any_of(moved_, [&](const Moved& run) {
    const std::uint64_t first = run.first + static_cast<std::uint64_t>(run.shift);
    return index >= first && index < first + run.count;
  });
}

// A row that is out of place is explained by what was deleted and inserted before it, or else was moved.
void Audit::ClassifyMoves() {
  std::vector<std::uint64_t> inserted, deleted;
  for (const std::uint64_t index : foreign_) {
    if (IsOrigin(index)) {
      inserted.push_back(index);
      Report(Flaw::kInserted, index, fmt::format("event {} was inserted", index));
    } else {
      Report(Flaw::kEdited, index, fmt::format("event {} was edited: its body does not match its leaf", index));
    }
  }
  const auto row_moved = [&](std::uint64_t row) {
    return std::ranges::any_of(moved_, [&](const Moved& run) { return row >= run.first && row < run.first + run.count; });
  };
  // A row that fits its place, while the event of that place stands elsewhere: inserted by somebody who knows the format.
  for (const Moved& run : moved_) {
    for (std::uint64_t steps = static_cast<std::uint64_t>(-std::min<std::int64_t>(run.shift, 0)); steps > 0; --steps) {
      const std::uint64_t row = run.first - steps;
      if (!IsOrigin(row) || row_moved(row) || std::ranges::find(inserted, row) != inserted.end()) continue;
      inserted.push_back(row);
      std::erase_if(report_.findings, [&](const Finding& finding) { return finding.index == row; });
      Report(Flaw::kInserted, row, fmt::format("event {} was inserted", row));
    }
  }
  // A place from which a run came away, whose own event is nowhere: the event was deleted and the rest moved up.
  for (const Moved& run : moved_) {
    for (std::uint64_t index = run.first, steps = 0; run.shift > 0 && steps < static_cast<std::uint64_t>(run.shift); ++index, ++steps) {
      if (IsOrigin(index) || !row_moved(index) || std::ranges::find(deleted, index) != deleted.end()) continue;
      deleted.push_back(index);
      Report(Flaw::kDeleted, index, fmt::format("event {} was deleted, and those after it moved up", index));
    }
  }
  for (const Moved& run : moved_) {
    const std::uint64_t origin = run.first + static_cast<std::uint64_t>(run.shift);
    const auto up = std::ranges::count_if(deleted, [&](std::uint64_t d) { return d < origin; });
    const auto down = std::ranges::count_if(inserted, [&](std::uint64_t i) { return i <= run.first; });
    if (run.shift == up - down) continue;
    for (std::uint64_t i = 0; i < run.count && report_.more_findings == 0; ++i) {
      Report(Flaw::kReordered, run.first + i, fmt::format("event {} was moved to the place of event {}", origin + i, run.first + i));
    }
  }
  if (report_.findings.empty() && !moved_.empty()) {
    Report(Flaw::kReordered, moved_.front().first, fmt::format("events from {} on are out of place", moved_.front().first));
  }
}

AuditReport Audit::Finish() {
  ClassifyMoves();
  std::ranges::sort(report_.findings, {}, [](const Finding& finding) { return std::pair(finding.index, finding.flaw); });
  report_.head = TreeHead{next_, tree_.Root()};
  if (recorded_roots_ && whole_ && next_ > 0 && !last_has_root_) {
    Report(Flaw::kCut, next_, fmt::format("the tail was cut: event {} was not the last of its commit", next_ - 1));
  }
  if (report_.against && report_.against->size > next_) {
    Report(Flaw::kCut, next_, fmt::format("the tail was cut: the checkpoint covers {} events, the ledger holds {}", report_.against->size, next_));
  }
  return std::move(report_);
}

}  // namespace remit::ledger
