#include "ledger/hash.h"

#include <cstring>
#include <string_view>
#include <vector>

#include "crypto/hash.h"

namespace remit::ledger {
namespace {

constexpr std::string_view kDomain{"remit event v1\0", 15};

}  // namespace

Hash EmptyRoot() { return crypto::Sha256(ByteView{}); }

Hash LeafHash(ByteView data) {
  // Leaves of the ledger are 32 bytes; anything longer takes the slow way.
  if (data.size() > 64) {
    Bytes input;
    input.reserve(data.size() + 1);
    input.push_back(0);
    input.insert(input.end(), data.begin(), data.end());
    return crypto::Sha256(input);
  }
  std::array<std::uint8_t, 65> input;
  input[0] = 0;
  if (!data.empty()) std::memcpy(input.data() + 1, data.data(), data.size());
  return crypto::Sha256(ByteView(input.data(), data.size() + 1));
}

Hash NodeHash(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 65> input;
  input[0] = 1;
  std::memcpy(input.data() + 1, left.data(), 32);
  std::memcpy(input.data() + 33, right.data(), 32);
  return crypto::Sha256(input);
}

Hash Commitment(std::uint64_t index, ByteView salt, ByteView body) {
  REMIT_CHECK(salt.size() >= kSaltBytes && salt.size() <= kMaxSaltBytes);
  Bytes input;
  input.reserve(kDomain.size() + 9 + salt.size() + body.size());
  input.insert(input.end(), kDomain.begin(), kDomain.end());
  for (int shift = 56; shift >= 0; shift -= 8) input.push_back(static_cast<std::uint8_t>(index >> shift));
  input.push_back(static_cast<std::uint8_t>(salt.size()));
  input.insert(input.end(), salt.begin(), salt.end());
  input.insert(input.end(), body.begin(), body.end());
  return crypto::Sha256(input);
}

Hash EventLeaf(std::uint64_t index, ByteView salt, ByteView body) { return LeafHash(Commitment(index, salt, body)); }

}  // namespace remit::ledger
