// The growing edge of the ledger's tree. Holds what is needed to append and to know the root, whatever the size: the roots of the
// complete subtrees (a compact range) and the tiles that are not yet full.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/tile.h"

namespace remit::ledger {

// How many leaves, and the root over them.
struct TreeHead {
  std::uint64_t size = 0;
  Hash root{};
  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};

// Not thread-safe; a copy is a snapshot (at most 64 KiB, typically 24).
class Tree {
 public:
  Tree() = default;

  // The tree of the first `size` leaves, read from its last tiles. `source` gives complete tiles of each level, and the narrow one of
  // level 0; narrow tiles of higher levels are computed (at most 255 tiles read a level). Errors: the source's.
  static Result<Tree> Restore(std::uint64_t size, const TileSource& source);

  // Appends a leaf hash. Tiles that this made complete are added to `full`, lowest level first (mostly none).
  void Append(const Hash& leaf, std::vector<Tile>* full = nullptr);

  std::uint64_t size() const { return size_; }

  // MTH of all leaves: O(log n) hashes.
  Hash Root() const;

  // The hashes of the tile of `level` that is not yet full: 0 … 255.
  const std::vector<Hash>& OpenTile(unsigned level) const { return open_[level]; }

 private:
  std::uint64_t size_ = 0;
  // INVARIANT: peaks_[b] is the root of a complete subtree of 2^b leaves wherever bit b of size_ is set; elsewhere it means nothing.
  std::array<Hash, 64> peaks_{};
  std::array<std::vector<Hash>, kTileLevels> open_;
};

}  // namespace remit::ledger
