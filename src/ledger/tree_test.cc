// The tree against RFC 6962's own definition, the published vectors, and its laws.
#include "ledger/tree.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ledger/hash.h"
#include "ledger/proof.h"

namespace remit::ledger {
namespace {

Hash FromHex(std::string_view hex) {
  Hash hash{};
  const Bytes bytes = HexDecode(hex).value();
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

// MTH(D[n]) as RFC 9162 §2.1.1 writes it down.
Hash NaiveRoot(std::span<const Hash> leaves) {
  if (leaves.empty()) return EmptyRoot();
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return NodeHash(NaiveRoot(leaves.first(k)), NaiveRoot(leaves.subspan(k)));
}

Hash TestLeaf(std::uint64_t i) { return LeafHash(AsBytes(std::to_string(i))); }

// A ledger in memory: its leaves, its tree, its complete tiles.
struct Log {
  std::vector<Hash> leaves;
  Tree tree;
  std::map<TileId, std::vector<Hash>> tiles;

  explicit Log(std::uint64_t size) { Grow(size); }
  void Grow(std::uint64_t size) {
    for (std::uint64_t i = leaves.size(); i < size; ++i) {
      leaves.push_back(TestLeaf(i));
      std::vector<Tile> full;
      tree.Append(leaves.back(), &full);
      for (Tile& tile : full) tiles[tile.id] = std::move(tile.hashes);
    }
  }
  TileSource Source() {
    return [this](TileId id, std::uint64_t width) -> Result<std::vector<Hash>> {
      ++reads;
      if (auto tile = tiles.find(id); tile != tiles.end()) return tile->second;
      EXPECT_EQ(id.index, tree.size() >> (8 * id.level) >> 8) << "a tile that is not there";
      EXPECT_LE(width, tree.OpenTile(id.level).size());
      return tree.OpenTile(id.level);
    };
  }
  int reads = 0;
};

TEST(TreeTest, PublishedVectors) {
  // The test data of Certificate Transparency (RFC 6962).
  const char* const leaves[] = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* const roots[] = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Tree tree;
  EXPECT_EQ(tree.Root(), FromHex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  for (int i = 0; i < 8; ++i) {
    tree.Append(LeafHash(HexDecode(leaves[i]).value()));
    EXPECT_EQ(tree.Root(), FromHex(roots[i])) << i;
  }
}

TEST(TreeTest, TheFrontierEqualsTheDefinition) {
  Log log(0);
  for (std::uint64_t size = 0; size <= 1100; ++size) {
    log.Grow(size);
    if (size < 70 || size % 127 < 3 || size % 256 < 2) {
      ASSERT_EQ(log.tree.Root(), NaiveRoot(log.leaves)) << size;
    }
  }
}

TEST(TreeTest, ATreeRestoredFromItsTilesIsTheSameTree) {
  Log log(0);
  for (const std::uint64_t size : {0u, 1u, 255u, 256u, 257u, 512u, 65535u, 65536u, 65537u, 66000u}) {
    log.Grow(size);
    Tree restored = Tree::Restore(size, log.Source()).value();
    ASSERT_EQ(restored.Root(), log.tree.Root()) << size;
    Tree copy = log.tree;
    for (int i = 0; i < 300; ++i) {
      std::vector<Tile> a, b;
      restored.Append(TestLeaf(i), &a);
      copy.Append(TestLeaf(i), &b);
      ASSERT_EQ(restored.Root(), copy.Root());
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t t = 0; t < a.size(); ++t) ASSERT_TRUE(a[t].id == b[t].id && a[t].hashes == b[t].hashes);
    }
  }
}

TEST(ProofTest, EveryProofHoldsAndIsTheShortestOne) {
  Log log(300);
  for (std::uint64_t size = 1; size <= 300; size += size < 40 ? 1 : 37) {
    const Hash root = NaiveRoot(std::span(log.leaves).first(size));
    ASSERT_EQ(RootOf(size, log.Source()).value(), root);
    for (std::uint64_t i = 0; i < size; ++i) {
      const auto proof = ProveInclusion(i, size, log.Source()).value();
      ASSERT_TRUE(VerifyInclusion(i, size, log.leaves[i], proof, root)) << i << "/" << size;
    }
    for (std::uint64_t old = 0; old <= size; ++old) {
      const auto proof = ProveConsistency(old, size, log.Source()).value();
      ASSERT_TRUE(VerifyConsistency(old, NaiveRoot(std::span(log.leaves).first(old)), size, root, proof)) << old << "/" << size;
    }
  }
}

TEST(ProofTest, ReadsFewTiles) {
  Log log(70'000);
  log.reads = 0;
  const auto proof = ProveInclusion(12'345, 70'000, log.Source()).value();
  EXPECT_LE(log.reads, 6);
  EXPECT_TRUE(VerifyInclusion(12'345, 70'000, log.leaves[12'345], proof, log.tree.Root()));
  log.reads = 0;
  EXPECT_TRUE(ProveConsistency(65'537, 70'000, log.Source()));
  EXPECT_LE(log.reads, 6);
}

TEST(ProofTest, AnyFlippedBitOrOtherSizeIsRefused) {
  Log log(1200);
  rc::check("inclusion", [&] {
    const auto size = *rc::gen::inRange<std::uint64_t>(1, 1201);
    const auto index = *rc::gen::inRange<std::uint64_t>(0, size);
    auto proof = ProveInclusion(index, size, log.Source()).value();
    Hash leaf = log.leaves[index];
    Hash root = RootOf(size, log.Source()).value();
    RC_ASSERT(VerifyInclusion(index, size, leaf, proof, root).has_value());
    const auto other = *rc::gen::inRange<std::uint64_t>(0, 1201);
    if (other != index) RC_ASSERT(!VerifyInclusion(other, size, leaf, proof, root).has_value());
    const auto hash = *rc::gen::inRange<std::size_t>(0, proof.size() + 2);
    const auto bit = *rc::gen::inRange<unsigned>(0, 256);
    (hash < proof.size() ? proof[hash] : hash == proof.size() ? leaf : root)[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    RC_ASSERT(!VerifyInclusion(index, size, leaf, proof, root).has_value());
  });
  rc::check("consistency", [&] {
    const auto size = *rc::gen::inRange<std::uint64_t>(2, 1201);
    const auto old = *rc::gen::inRange<std::uint64_t>(1, size);
    auto proof = ProveConsistency(old, size, log.Source()).value();
    Hash old_root = RootOf(old, log.Source()).value();
    Hash root = RootOf(size, log.Source()).value();
    RC_ASSERT(VerifyConsistency(old, old_root, size, root, proof).has_value());
    const auto hash = *rc::gen::inRange<std::size_t>(0, proof.size() + 2);
    const auto bit = *rc::gen::inRange<unsigned>(0, 256);
    (hash < proof.size() ? proof[hash] : hash == proof.size() ? old_root : root)[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    RC_ASSERT(!VerifyConsistency(old, old_root, size, root, proof).has_value());
  });
}

TEST(ProofTest, ATooLongOrTooShortProofIsRefused) {
  Log log(100);
  auto proof = ProveInclusion(37, 100, log.Source()).value();
  const Hash root = log.tree.Root();
  proof.push_back(root);
  EXPECT_FALSE(VerifyInclusion(37, 100, log.leaves[37], proof, root));
  proof.resize(proof.size() - 2);
  EXPECT_FALSE(VerifyInclusion(37, 100, log.leaves[37], proof, root));
  EXPECT_FALSE(VerifyInclusion(100, 100, log.leaves[37], proof, root));
  auto consistency = ProveConsistency(37, 100, log.Source()).value();
  const Hash old_root = RootOf(37, log.Source()).value();
  consistency.push_back(root);
  EXPECT_FALSE(VerifyConsistency(37, old_root, 100, root, consistency));
  consistency.resize(consistency.size() - 2);
  EXPECT_FALSE(VerifyConsistency(37, old_root, 100, root, consistency));
  EXPECT_FALSE(VerifyConsistency(37, old_root, 100, root, {}));
  EXPECT_FALSE(VerifyConsistency(101, old_root, 100, root, consistency));
  EXPECT_FALSE(VerifyConsistency(100, old_root, 100, root, {}));
  EXPECT_EQ(ProveInclusion(100, 100, log.Source()).error().reason, "no-such-entry");
  EXPECT_EQ(ProveConsistency(101, 100, log.Source()).error().reason, "no-such-entry");
}

TEST(HashTest, ACommitmentBindsPlaceSaltAndBody) {
  const Bytes salt(16, 7), other(16, 8), longer(17, 7);
  const Hash hash = Commitment(5, salt, AsBytes("body"));
  EXPECT_EQ(hash, Commitment(5, salt, AsBytes("body")));
  EXPECT_NE(hash, Commitment(6, salt, AsBytes("body")));
  EXPECT_NE(hash, Commitment(5, other, AsBytes("body")));
  EXPECT_NE(hash, Commitment(5, salt, AsBytes("bodY")));
  // The salt's length is part of it: no byte can wander from body to salt.
  EXPECT_NE(Commitment(5, longer, AsBytes("x")), Commitment(5, salt, AsBytes("\7x")));
  EXPECT_EQ(EventLeaf(5, salt, AsBytes("body")), LeafHash(hash));
}

TEST(HashTest, TheCommitmentIsWhatTheFormatSays) {
  // SHA-256 of: 72656d6974206576656e74207631 00 0000000000000001 10 000102…0f 7b7d, computed with another implementation.
  Bytes salt;
  for (std::uint8_t i = 0; i < 16; ++i) salt.push_back(i);
  EXPECT_EQ(HexEncode(Commitment(1, salt, AsBytes("{}"))), "10de8e2641878d14e6add44dd37ec54e4701504bd8a3bb3281754345e1b07228");
  EXPECT_EQ(HexEncode(EventLeaf(1, salt, AsBytes("{}"))), "5f76400554ee4f6b86e1d7c95b68cd2dc5081e42b77bbf12f3a9322f02a5b55b");
}

TEST(TileTest, PathsAreTheSpecificationsAndNoOthers) {
  EXPECT_EQ(TilePath({0, 0}, 256), "tile/0/000");
  EXPECT_EQ(TilePath({0, 1234067}, 256), "tile/0/x001/x234/067");
  EXPECT_EQ(TilePath({3, 5}, 17), "tile/3/005.p/17");
  rc::check("a path reads back", [] {
    const TileId id{*rc::gen::inRange(0u, 8u), *rc::gen::inRange<std::uint64_t>(0, 1'000'000'000'000)};
    const auto width = *rc::gen::inRange<std::uint64_t>(1, 257);
    const auto request = ParseTilePath(TilePath(id, width));
    RC_ASSERT(request.has_value() && request->id == id && request->width == width);
  });
  for (const char* path : {"tile/0/0", "tile/8/000", "tile/00/000", "tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
                           "tile/0/-01", "tile/0/001/002", "tile/0", "tile/0/x001", "tile/0/../000", "/tile/0/000", "tile/0/000/", ""}) {
    EXPECT_FALSE(ParseTilePath(path)) << path;
  }
}

}  // namespace
}  // namespace remit::ledger
