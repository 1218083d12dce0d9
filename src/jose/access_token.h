// OAuth 2 access tokens as JWTs (RFC 9068), with authorization details (RFC 9396 §9.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "jose/jwt.h"

namespace remit::jose {

inline constexpr std::string_view kAccessTokenTyp = "at+jwt";

struct AccessToken {
  std::string issuer;
  std::string subject;
  std::string audience;  // exactly one
  std::string client_id;
  std::string id;  // jti
  Time issued_at{};
  Time expires{};
  std::optional<std::string> scope;
  json::Array authorization_details;  // left out where empty
  json::Object extra;                 // further claims

  friend bool operator==(const AccessToken&, const AccessToken&) = default;
};

std::string SignAccessToken(const crypto::SigningKey& key, std::string_view kid, const AccessToken& token);

// RFC 9068 §4, for a resource server that is `audience` and trusts `issuer`. Errors: those of JwtValidator; `malformed-claims` also for a
// missing or ill-typed `client_id`, `scope` or `authorization_details`.
Result<AccessToken> ValidateAccessToken(std::string_view token, const JwkSet& trusted, std::string_view issuer, std::string_view audience, Time now,
                                        Duration skew);

}  // namespace remit::jose
