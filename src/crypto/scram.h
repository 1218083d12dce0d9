// SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677) in the form that PostgreSQL keeps in pg_authid.rolpassword: with one, a role can be made
// without the server, its log or its statements ever seeing the password.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace remit::crypto {

inline constexpr std::uint32_t kScramIterations = 4096;  // PostgreSQL's and RFC 7677's; passwords of 256 random bits need no more
inline constexpr std::size_t kScramSaltBytes = 16;

// "SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>", base64. The password must be printable ASCII, which SASLprep (RFC 4013) leaves
// as it is. Errors: `bad-password`.
Result<std::string> ScramSha256Verifier(const Secret& password, ByteView salt, std::uint32_t iterations = kScramIterations);

// Whether the password belongs to the verifier. Errors: `bad-verifier`.
Result<bool> ScramSha256Matches(std::string_view verifier, const Secret& password);

}  // namespace remit::crypto
