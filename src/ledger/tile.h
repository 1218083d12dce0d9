// Tiles: the tree cut into pieces of 256 hashes (c2sp.org/tlog-tiles), so that a proof reads a few tiles instead of the whole ledger.
//
// Tile (L, N) holds the hashes of the complete subtrees of 2^(8·L) leaves numbered N·256 … N·256+255. A tile of level 0 holds leaf
// hashes; an entry of level L+1 is the root of a complete tile of level L. Only the last tile of a level may be narrower.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace remit::ledger {

inline constexpr unsigned kTileHeight = 8;
inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr unsigned kTileLevels = 8;  // 2^64 leaves

struct TileId {
  unsigned level = 0;       // 0 … 7
  std::uint64_t index = 0;  // counted from the left
  friend auto operator<=>(const TileId&, const TileId&) = default;
};

struct Tile {
  TileId id;
  std::vector<Hash> hashes;  // 1 … 256
};

// Hands out the hashes of a tile, at least `width` of them. Errors are the source's own.
using TileSource = std::function<Result<std::vector<Hash>>(TileId id, std::uint64_t width)>;

// How many hashes tile `id` has in a tree of `size` leaves: 0 … 256.
std::uint64_t TileWidthAt(TileId id, std::uint64_t size);

// The root of a complete subtree: `hashes` holds a power of two of them, not none.
Hash SubtreeRoot(std::span<const Hash> hashes);

// "tile/0/x001/x234/067", with ".p/5" behind it for a tile of width 5.
std::string TilePath(TileId id, std::uint64_t width);

struct TileRequest {
  TileId id;
  std::uint64_t width = kTileWidth;
};

// Reads such a path, and no other form of it. Errors: `bad-tile-path`.
Result<TileRequest> ParseTilePath(std::string_view path);

}  // namespace remit::ledger
