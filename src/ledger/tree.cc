#include "ledger/tree.h"

#include <bit>

#include "ledger/hash.h"

namespace remit::ledger {

Result<Tree> Tree::Restore(std::uint64_t size, const TileSource& source) {
  Tree tree;
  tree.size_ = size;
  for (unsigned level = 0; level < kTileLevels; ++level) {
    const std::uint64_t entries = size >> (kTileHeight * level);
    const std::uint64_t width = entries % kTileWidth;
    std::vector<Hash>& open = tree.open_[level];
    if (level == 0 && width > 0) {
      REMIT_ASSIGN(open, source(TileId{0, entries / kTileWidth}, width));
      open.resize(width);
    }
    for (std::uint64_t i = entries - width; level > 0 && i < entries; ++i) {
      REMIT_ASSIGN(const std::vector<Hash> below, source(TileId{level - 1, i}, kTileWidth));
      open.push_back(SubtreeRoot(std::span(below).first(kTileWidth)));
    }
    // The peaks of this level, from its open tile: the highest bit covers the leftmost entries.
    std::span<const Hash> rest(open);
    for (unsigned bit = kTileHeight; bit-- > 0;) {
      if ((width >> bit & 1) == 0) continue;
      tree.peaks_[level * kTileHeight + bit] = SubtreeRoot(rest.first(std::size_t{1} << bit));
      rest = rest.subspan(std::size_t{1} << bit);
    }
  }
  return tree;
}

void Tree::Append(const Hash& leaf, std::vector<Tile>* full) {
  // A binary counter: adding one carries over every set bit, and each carry is one node.
  Hash carry = leaf;
  unsigned bit = 0;
  for (; (size_ >> bit & 1) != 0; ++bit) {
    if (bit % kTileHeight == 0) open_[bit / kTileHeight].push_back(carry);
    carry = NodeHash(peaks_[bit], carry);
  }
  if (bit % kTileHeight == 0) open_[bit / kTileHeight].push_back(carry);
  peaks_[bit] = carry;
  ++size_;
  for (unsigned level = 0; level < kTileLevels && open_[level].size() == kTileWidth; ++level) {
    const std::uint64_t index = (size_ >> (kTileHeight * (level + 1))) - 1;
    if (full != nullptr) full->push_back(Tile{TileId{level, index}, std::move(open_[level])});
    open_[level] = {};
  }
}

Hash Tree::Root() const {
  if (size_ == 0) return EmptyRoot();
  unsigned bit = static_cast<unsigned>(std::countr_zero(size_));
  Hash root = peaks_[bit];
  while (++bit < 64) {
    if ((size_ >> bit & 1) != 0) root = NodeHash(peaks_[bit], root);
  }
  return root;
}

}  // namespace remit::ledger
