// Opaque handles: a prefix that says what it is, and 256 random bits in base64url. Whoever shows one has it; Remit keeps only its SHA-256,
// so neither a stolen store nor the time that a look-up takes gives one away.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace remit::identity {

inline constexpr std::string_view kTaskTokenPrefix = "rmt_";  // REMIT_TOKEN
inline constexpr std::string_view kHolderKeyPrefix = "rmh_";
inline constexpr std::string_view kActorSessionPrefix = "rma_";
inline constexpr std::string_view kPersonSessionPrefix = "rmp_";
inline constexpr std::string_view kSignInCodePrefix = "rml_";

// Whether `text` has exactly the form of a handle of this kind: the prefix and 43 letters of base64url without stray bits.
bool IsHandle(std::string_view text, std::string_view prefix);

// What is kept of a handle, prefix included: a handle of one kind never passes for one of another.
Hash HandleHash(std::string_view handle);

// As the key of a row.
std::string HandleKey(const Hash& hash);

// For hash tables. The input is a SHA-256 already, so its first bytes are as good as any.
struct HandleHashHasher {
  std::size_t operator()(const Hash& hash) const;
};

}  // namespace remit::identity
