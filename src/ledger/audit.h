// Checking a whole ledger: every leaf from salt and body, the whole tree from the leaves, against the tiles and roots that were stored
// and against an older checkpoint. It says which event was edited, deleted, inserted or moved.
//
// What it cannot see: whoever can write the store can cut its tail, or make up a whole ledger, and leave it consistent. Only a checkpoint
// that was kept elsewhere shows that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ledger/tile.h"
#include "ledger/tree.h"

namespace remit::ledger {

// One event as it is stored.
struct AuditRow {
  std::uint64_t index = 0;
  std::optional<std::string> body;  // absent: erased, only its leaf can be checked
  std::string salt;
  Hash leaf{};
  std::optional<Hash> root;  // of the tree up to here, recorded with the last event of each commit
};

enum class Flaw {
  kEdited,     // body, salt or leaf is not what was committed
  kDeleted,    // an event is missing
  kInserted,   // an event was not there
  kReordered,  // an event stands at another place
  kTile,       // a stored tile is missing, or does not follow from the events
  kRoot,       // the events do not give the root that was recorded with them
  kCut,        // there are fewer events than there were
  kFork,       // the ledger is not an extension of the checkpoint
};

// "edited", "deleted", …
std::string_view FlawName(Flaw flaw);

struct Finding {
  Flaw flaw;
  std::uint64_t index;  // of the event (kTile: the first that the tile covers)
  std::string text;     // for people, e.g. "event 17 was edited: its body does not match its leaf"
};

struct AuditReport {
  TreeHead head;                    // as computed
  std::uint64_t erased = 0;         // events whose bodies were erased
  std::optional<TreeHead> against;  // the checkpoint, where one was given
  std::vector<Finding> findings;    // the first hundred
  std::uint64_t more_findings = 0;  // those that were left out

  bool ok() const { return findings.empty(); }
  // Whether nothing can be missing: the ledger is sound and extends the checkpoint.
  bool complete() const { return ok() && against.has_value(); }
  // One line, e.g. "1200 events hold; without a checkpoint a cut tail cannot be seen".
  std::string Summary() const;
};

// Fed once with all rows, in order of their indices. One thread at a time. Memory does not grow with the ledger.
class Audit {
 public:
  // `tiles` gives the stored complete tiles, and an error where there is none. `recorded_roots`: whether the rows carry roots.
  Audit(TileSource tiles, std::optional<TreeHead> against, bool recorded_roots);

  void Add(const AuditRow& row);
  AuditReport Finish();

 private:
  struct Moved {  // rows first … first+count-1 hold the events first+shift …
    std::uint64_t first, count;
    std::int64_t shift;
  };

  void Report(Flaw flaw, std::uint64_t index, std::string text);
  void CheckPlace(const AuditRow& row);
  bool CheckLeaf(const AuditRow& row, Hash& leaf);
  void CheckTiles(std::uint64_t index, const Hash& leaf, const std::vector<Tile>& full);
  void CheckAgainst(std::uint64_t size);
  std::optional<std::uint64_t> FindOrigin(const AuditRow& row);
  void ClassifyMoves();
  bool IsOrigin(std::uint64_t index) const;

  TileSource tiles_;
  const bool recorded_roots_;
  AuditReport report_;
  Tree tree_;
  std::uint64_t next_ = 0;  // the index that comes next
  bool whole_ = true;       // tree_ still stands for the rows as they should be
  bool last_has_root_ = true;
  std::uint64_t search_budget_;
  std::int64_t last_shift_ = 0;
  std::vector<Moved> moved_;
  std::vector<std::uint64_t> foreign_;  // rows that hold no event that was ever at a place nearby
  std::optional<Tile> tile_;            // the stored tile of level 0 around next_
};

}  // namespace remit::ledger
