// The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677, without channel binding), pure: messages in, messages out.
//
// Why it is here although libpq has one: libpq derives the key with one allocation of a hash context an iteration, about five times the cost of
// OpenSSL's own derivation, and each credential is probed twice.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace remit::pg {

// What a password becomes with a salt. Deriving it is the costly part (4096 hashes), so whoever makes a verifier and then logs in with the
// same password does it once.
class ScramKeys {
 public:
  static ScramKeys Derive(const Secret& password, ByteView salt, std::uint32_t iterations);

  // As PostgreSQL keeps it; the same as crypto::ScramSha256Verifier's. The password must be printable ASCII.
  std::string Verifier() const;

  bool IsFor(ByteView salt, std::uint32_t iterations) const;
  ByteView salted() const { return salted_.RevealBytes(); }

 private:
  Bytes salt_;
  std::uint32_t iterations_ = 0;
  Secret salted_;
};

class ScramClient {
 public:
  // `nonce`: at least 18 random bytes as printable text without comma.
  // `keys`: derived from that password before, or null; used where the server's salt is theirs.
  ScramClient(Secret password, std::string nonce, const ScramKeys* keys = nullptr);

  std::string First() const;  // client-first-message
  // client-final-message, for server-first-message. Errors: `bad-scram` where the server's message is malformed, its nonce does not
  // begin with ours, or it asks for fewer than 1 or more than 10,000,000 iterations.
  Result<std::string> Final(std::string_view server_first);
  // Whether server-final-message proves that the server knows the verifier.
  bool Verify(std::string_view server_final) const;

 private:
  Secret password_;
  std::string nonce_;
  const ScramKeys* keys_;
  std::string expected_signature_;  // base64
};

}  // namespace remit::pg
