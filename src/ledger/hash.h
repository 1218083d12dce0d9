// The hashes of the ledger: RFC 6962 §2.1 tree hashing over SHA-256, and the commitment that binds an event to its place.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace remit::ledger {

// A salt keeps a leaf from telling what its event says: without it, short bodies could be guessed.
inline constexpr std::size_t kSaltBytes = 16;     // what a store makes; 128 bits cannot be searched
inline constexpr std::size_t kMaxSaltBytes = 32;  // what a reader accepts at most

// MTH({}) = SHA-256().
Hash EmptyRoot();

// SHA-256(0x00 || data).
Hash LeafHash(ByteView data);

// SHA-256(0x01 || left || right).
Hash NodeHash(const Hash& left, const Hash& right);

// SHA-256("remit event v1" || 0x00 || index as 8 bytes, big endian || one byte, the salt's length || salt || body).
// The index is part of it, so that an event that was moved says where it came from. `salt` holds 16 to 32 bytes.
Hash Commitment(std::uint64_t index, ByteView salt, ByteView body);

// The leaf of an event: LeafHash(Commitment(…)). Leaf data are always these 32 bytes.
Hash EventLeaf(std::uint64_t index, ByteView salt, ByteView body);

}  // namespace remit::ledger
