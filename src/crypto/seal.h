// Sealing: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. What is sealed opens only with the same key and the same
// associated data, and not when a single bit was changed.
//
// Format, version 1:  0x01 ‖ nonce (12) ‖ ciphertext ‖ tag (16)
// One key seals at most 2^32 texts (SP 800-38D §8.3): envelope.h uses a key of its own for each.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"

namespace remit::crypto {

// 256 secret bits, wiped when they go.
class SymmetricKey {
 public:
  static constexpr std::size_t kBytes = 32;

  static SymmetricKey Random(Rng& rng);
  static Result<SymmetricKey> FromBytes(ByteView bytes);  // errors: `bad-key` unless there are 32
  SymmetricKey(const SymmetricKey&) = default;
  SymmetricKey& operator=(const SymmetricKey&) = default;
  ~SymmetricKey() { WipeMemory(bytes_.data(), bytes_.size()); }

  ByteView Reveal() const { return bytes_; }

 private:
  SymmetricKey() = default;
  std::array<std::uint8_t, kBytes> bytes_{};
};

inline constexpr std::size_t kSealOverhead = 1 + 12 + 16;

Bytes Seal(const SymmetricKey& key, ByteView plaintext, ByteView associated_data, Rng& rng);

// Errors: `sealed-data-corrupt`, whatever was changed, moved or cut, and also for the wrong key: GCM cannot tell them apart.
Result<Secret> Open(const SymmetricKey& key, ByteView sealed, ByteView associated_data);

// Fields as associated data, each with its length before it, so that no two lists of fields give the same bytes.
Bytes AssociatedData(std::initializer_list<std::string_view> fields);

}  // namespace remit::crypto
