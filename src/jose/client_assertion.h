// Client authentication by a signed assertion: private_key_jwt (RFC 7523 §3, OpenID Connect Core §9).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "jose/jwt.h"

namespace remit::jose {

struct ClientAssertion {
  std::string client_id;
  std::string id;  // jti: the caller remembers it until `expires` and refuses it the second time
  Time expires{};
  std::optional<Time> issued{};  // iat, where it has one
};

std::string SignClientAssertion(const crypto::SigningKey& key, std::string_view kid, std::string_view client_id, std::string_view audience,
                                std::string_view id, Time now, Duration life);

// Who an assertion says it is from, before anything is verified: to look up the client's keys, and for nothing else.
// Errors, of Code::kUnauthenticated: `token-too-large`, `malformed-token`, `malformed-claims`, `missing-issuer`, `missing-subject`,
// `wrong-subject` where iss and sub differ.
Result<std::string> PeekClientId(std::string_view assertion);

// Verifies that the assertion is from `client_id`, whose keys are `keys`, for one of `audiences` (token endpoint or issuer), that it
// lives at most `longest_life`, and has a jti of at most limits::kTokenIdBytes. Typ: absent, "JWT" or "client-authentication+jwt".
// Errors: those of JwtValidator.
Result<ClientAssertion> ValidateClientAssertion(std::string_view assertion, std::string_view client_id, const JwkSet& keys,
                                                const std::vector<std::string>& audiences, Time now, Duration skew, Duration longest_life);

}  // namespace remit::jose
