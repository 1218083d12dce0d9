#include "ledger/proof.h"

#include <bit>

#include <fmt/format.h>

#include "ledger/hash.h"

namespace remit::ledger {
namespace {

// The hashes of subtrees, read from tiles; each tile once a proof.
class Nodes {
 public:
  explicit Nodes(const TileSource& source) : source_(source) {}

  // MTH of the leaves [first, end). `first` is a multiple of the smallest power of two that is not below end - first, so that the
  // range falls into complete subtrees from the left, largest first.
  Result<Hash> Range(std::uint64_t first, std::uint64_t end) {
    std::vector<Hash> peaks;
    while (first < end) {
      const unsigned height = static_cast<unsigned>(std::bit_width(end - first)) - 1;
      REMIT_ASSIGN(Hash peak, Complete(height, first >> height));
      peaks.push_back(peak);
      first += std::uint64_t{1} << height;
    }
    Hash root = peaks.back();
    for (std::size_t i = peaks.size() - 1; i-- > 0;) root = NodeHash(peaks[i], root);
    return root;
  }

 private:
  // The root of the complete subtree of 2^height leaves with number `number`.
  Result<Hash> Complete(unsigned height, std::uint64_t number) {
    const unsigned bit = height % kTileHeight;
    const std::uint64_t first = number << bit;  // as an entry of its tile level
    const std::uint64_t count = std::uint64_t{1} << bit;
    const TileId id{height / kTileHeight, first / kTileWidth};
    REMIT_ASSIGN(const std::vector<Hash>* hashes, Read(id, first % kTileWidth + count));
    return SubtreeRoot(std::span(*hashes).subspan(first % kTileWidth, count));
  }

  Result<const std::vector<Hash>*> Read(TileId id, std::uint64_t width) {
    for (const Tile& tile : tiles_) {
      if (tile.id == id && tile.hashes.size() >= width) return &tile.hashes;
    }
    REMIT_ASSIGN(std::vector<Hash> hashes, source_(id, width));
    REMIT_CHECK(hashes.size() >= width);
    tiles_.push_back(Tile{id, std::move(hashes)});
    return &tiles_.back().hashes;
  }

  const TileSource& source_;
  std::vector<Tile> tiles_;
};

// The largest power of two smaller than n (RFC 9162 §2.1.1), for n > 1.
std::uint64_t Split(std::uint64_t n) { return std::bit_floor(n - 1); }

std::unexpected<Error> NoSuchEntry(std::string what) { return Fail(Code::kNotFound, "no-such-entry", std::move(what)); }
std::unexpected<Error> BadProof(std::string_view why) { return Fail(Code::kCorrupt, "bad-proof", fmt::format("the proof does not hold: {}", why)); }

bool IsOdd(std::uint64_t n) { return (n & 1) != 0; }

}  // namespace

Result<std::vector<Hash>> ProveInclusion(std::uint64_t index, std::uint64_t size, const TileSource& source) {
  if (index >= size) return NoSuchEntry(fmt::format("no event {} in a ledger of {} events", index, size));
  Nodes nodes(source);
  std::vector<Hash> path;  // from the root down; turned round at the end
  for (std::uint64_t first = 0, end = size; end - first > 1;) {
    const std::uint64_t middle = first + Split(end - first);
    const bool left = index < middle;
    REMIT_ASSIGN(Hash sibling, left ? nodes.Range(middle, end) : nodes.Range(first, middle));
    path.push_back(sibling);
    (left ? end : first) = middle;
  }
  return std::vector<Hash>(path.rbegin(), path.rend());
}

Result<std::vector<Hash>> ProveConsistency(std::uint64_t old_size, std::uint64_t size, const TileSource& source) {
  if (old_size > size) return NoSuchEntry(fmt::format("a ledger of {} events has no state of {} events", size, old_size));
  std::vector<Hash> path;
  if (old_size == 0 || old_size == size) return path;
  Nodes nodes(source);
  // SUBPROOF(m, D, b): `whole` is b, true while the old tree is a subtree that the verifier knows already.
  bool whole = true;
  std::uint64_t first = 0, end = size;
  while (old_size != end) {
    const std::uint64_t middle = first + Split(end - first);
    if (old_size <= middle) {
      REMIT_ASSIGN(Hash right, nodes.Range(middle, end));
      path.push_back(right);
      end = middle;
    } else {
      REMIT_ASSIGN(Hash left, nodes.Range(first, middle));
      path.push_back(left);
      first = middle;
      whole = false;
    }
  }
  if (!whole) {
    REMIT_ASSIGN(Hash known, nodes.Range(first, end));
    path.push_back(known);
  }
  return std::vector<Hash>(path.rbegin(), path.rend());
}

Result<Hash> RootOf(std::uint64_t size, const TileSource& source) {
  if (size == 0) return EmptyRoot();
  return Nodes(source).Range(0, size);
}

Status VerifyInclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return BadProof("the index lies outside the tree");
  std::uint64_t fn = index, sn = size - 1;
  Hash r = leaf;
  for (const Hash& p : proof) {
    if (sn == 0) return BadProof("it is too long");
    if (IsOdd(fn) || fn == sn) {
      r = NodeHash(p, r);
      while (!IsOdd(fn) && fn != 0) fn >>= 1, sn >>= 1;
    } else {
      r = NodeHash(r, p);
    }
    fn >>= 1, sn >>= 1;
  }
  if (sn != 0) return BadProof("it is too short");
  if (r != root) return BadProof("it leads to another root");
  return {};
}

Status VerifyConsistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root, std::span<const Hash> proof) {
  if (old_size > size) return BadProof("the older tree is larger");
  if (old_size == 0 || old_size == size) {
    if (!proof.empty()) return BadProof("it is too long");
    if (old_size == size && old_root != root) return BadProof("one size has two roots");
    if (old_size == 0 && old_root != EmptyRoot()) return BadProof("the empty tree has another root");
    return {};
  }
  if (proof.empty()) return BadProof("it is too short");
  // An old tree of a power of two leaves is itself the first node of the path.
  const bool complete = std::has_single_bit(old_size);
  std::uint64_t fn = old_size - 1, sn = size - 1;
  while (IsOdd(fn)) fn >>= 1, sn >>= 1;
  Hash fr = complete ? old_root : proof[0];
  Hash sr = fr;
  for (const Hash& c : proof.subspan(complete ? 0 : 1)) {
    if (sn == 0) return BadProof("it is too long");
    if (IsOdd(fn) || fn == sn) {
      fr = NodeHash(c, fr);
      sr = NodeHash(c, sr);
      while (!IsOdd(fn) && fn != 0) fn >>= 1, sn >>= 1;
    } else {
      sr = NodeHash(sr, c);
    }
    fn >>= 1, sn >>= 1;
  }
  if (sn != 0) return BadProof("it is too short");
  if (fr != old_root) return BadProof("it does not lead to the older root");
  if (sr != root) return BadProof("it leads to another root");
  return {};
}

}  // namespace remit::ledger
