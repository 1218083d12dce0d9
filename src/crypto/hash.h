// Hashes and what is made of them: SHA-256 (FIPS 180-4), HMAC (RFC 2104), PBKDF2 (RFC 8018), HKDF (RFC 5869).
//
// All functions are thread-safe and cannot fail: OpenSSL without memory or without SHA-256 ends the process.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "base/bytes.h"

struct evp_md_ctx_st;

namespace remit::crypto {

Hash Sha256(ByteView data);
inline Hash Sha256(std::string_view text) { return Sha256(AsBytes(text)); }

// Of the parts one after the other, without joining them first: Sha256Concat({prefix, left, right}).
Hash Sha256Concat(std::initializer_list<ByteView> parts);

// Piece by piece. One thread at a time.
class Sha256Hasher {
 public:
  Sha256Hasher();
  void Update(ByteView data);
  void Update(std::string_view text) { Update(AsBytes(text)); }
  // The hash of everything since the start or the last Finish(); the hasher starts again.
  Hash Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Hash HmacSha256(ByteView key, ByteView data);

// `size` bytes from a password, ≥ 1. `iterations`: 1 to 2^31.
Bytes Pbkdf2HmacSha256(ByteView password, ByteView salt, std::uint32_t iterations, std::size_t size);

// Extract and expand; `size` ≤ 8160 (255 hashes). An empty salt is a hash of zeros, as RFC 5869 §2.2 says.
Bytes HkdfSha256(ByteView key, ByteView salt, ByteView info, std::size_t size);

}  // namespace remit::crypto
