// Making and checking the two proofs of RFC 9162 §2.1: that an event is in a tree, and that a tree is an extension of an older one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ledger/tile.h"

namespace remit::ledger {

// PATH(index, D[size]) (§2.1.3.1): the siblings from the leaf up. Reads O(log size) tiles.
// Errors: `no-such-entry` (index ≥ size), the source's.
Result<std::vector<Hash>> ProveInclusion(std::uint64_t index, std::uint64_t size, const TileSource& source);

// PROOF(old_size, D[size]) (§2.1.4.1); empty where old_size is 0 or equals size. Errors: `no-such-entry` (old_size > size), the source's.
Result<std::vector<Hash>> ProveConsistency(std::uint64_t old_size, std::uint64_t size, const TileSource& source);

// The root of the first `size` leaves. Errors: the source's.
Result<Hash> RootOf(std::uint64_t size, const TileSource& source);

// §2.1.3.2. Errors: `bad-proof`.
Status VerifyInclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, std::span<const Hash> proof, const Hash& root);

// §2.1.4.2, and the two cases that it leaves out: from the empty tree everything is an extension, with an empty proof; equal sizes need
// equal roots and an empty proof. Errors: `bad-proof`.
Status VerifyConsistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root, std::span<const Hash> proof);

}  // namespace remit::ledger
