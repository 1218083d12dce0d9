// The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677, without channel binding), pure: messages in, messages out.
//
// Why it is here although libpq has one: libpq derives the key with one allocation of a hash context an iteration, about five times the cost of
// OpenSSL's own derivation, and each credential is probed twice.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace remit::pg {

class ScramClient {
 public:
  // `nonce`: at least 18 random bytes as printable text without comma.
  ScramClient(Secret password, std::string nonce);

  std::string First() const;  // client-first-message
  // client-final-message, for server-first-message. Errors: `bad-scram` where the server's message is malformed, its nonce does not
  // begin with ours, or it asks for fewer than 1 or more than 10,000,000 iterations.
  Result<std::string> Final(std::string_view server_first);
  // Whether server-final-message proves that the server knows the verifier.
  bool Verify(std::string_view server_final) const;

 private:
  Secret password_;
  std::string nonce_;
  std::string expected_signature_;  // base64
};

}  // namespace remit::pg
