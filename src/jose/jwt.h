// JSON Web Tokens (RFC 7519): claims, and the validator that everyone uses.
//
// A validator says of each thing that can be checked what it expects, or by name that it ignores it; one that leaves something open
// cannot be built. `now` is an argument.
//
//   const JwtValidator validator = JwtValidatorBuilder().ExpectTyp("at+jwt").ExpectIssuer(iss).ExpectAudience(aud).IgnoreSubject().Build();
//   REMIT_ASSIGN(const Claims claims, validator.Validate(token, trusted, now));
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "jose/jws.h"

namespace remit::jose {

// The registered claims (RFC 7519 §4.1), and all others as they stand. Times have a resolution of one second.
struct Claims {
  std::optional<std::string> issuer;
  std::optional<std::string> subject;
  std::vector<std::string> audience;
  std::optional<Time> expires;
  std::optional<Time> not_before;
  std::optional<Time> issued_at;
  std::optional<std::string> id;  // jti
  json::Object extra;

  friend bool operator==(const Claims&, const Claims&) = default;
};

// As JSON: seconds since 1970 (rounded down), one audience as a string, several as an array. INVARIANT: `extra` has no registered name.
json::Object ClaimsToJson(const Claims& claims);
// Errors: `malformed-claims`. Equal names are refused by the JSON reader before this.
Result<Claims> ClaimsFromJson(const json::Value& value);

std::string SignJwt(const crypto::SigningKey& key, std::string_view kid, std::string_view typ, const Claims& claims);

class JwtValidator {
 public:
  // Verifies signature and claims. Thread-safe. All errors are of Code::kUnauthenticated: those of VerifyCompact, and
  //   `malformed-claims`     the payload is not a JSON object, or a registered claim has the wrong type
  //   `missing-issuer` `wrong-issuer` `missing-subject` `wrong-subject` `missing-audience` `wrong-audience`
  //   `several-audiences`    where exactly one is expected
  //   `missing-expiration`   no exp
  //   `token-expired`        now ≥ exp + skew
  //   `token-not-yet-valid`  now < nbf − skew
  //   `issued-in-future`     now < iat − skew
  //   `missing-issued-at`    where it is required
  //   `token-lives-too-long` exp lies further behind iat (or, without iat, behind now) than the longest life
  //   `missing-id`           no jti where it is required
  Result<Claims> Validate(std::string_view token, const JwkSet& trusted, Time now) const;

  // The claims alone, for who has verified the signature.
  Status Check(const Claims& claims, Time now) const;

 private:
  friend class JwtValidatorBuilder;
  JwtValidator() = default;
  Status CheckParties(const Claims& claims) const;
  Status CheckTimes(const Claims& claims, Time now) const;

  std::optional<TypPolicy> typ_;
  std::optional<std::string> issuer_, subject_;
  std::vector<std::string> audiences_;
  bool ignore_issuer_ = false, ignore_subject_ = false, ignore_audience_ = false;
  bool one_audience_ = false, allow_missing_expiration_ = false, require_issued_at_ = false, require_id_ = false;
  Duration skew_{};
  std::optional<Duration> longest_life_;
};

class JwtValidatorBuilder {
 public:
  // Of each pair exactly one must be called before Build().
  JwtValidatorBuilder& ExpectTyp(std::string_view typ);
  JwtValidatorBuilder& ExpectAnyTyp(std::vector<std::string> types);  // "" stands for an absent typ
  JwtValidatorBuilder& IgnoreTyp();
  JwtValidatorBuilder& ExpectIssuer(std::string_view issuer);
  JwtValidatorBuilder& IgnoreIssuer();
  JwtValidatorBuilder& ExpectSubject(std::string_view subject);
  JwtValidatorBuilder& IgnoreSubject();
  JwtValidatorBuilder& ExpectAudience(std::string_view audience);
  JwtValidatorBuilder& ExpectAnyAudience(std::vector<std::string> audiences);  // the token names at least one of these
  JwtValidatorBuilder& IgnoreAudience();

  // These have defaults: exp is required, no skew, no longest life, iat and jti may be absent, several audiences are allowed.
  JwtValidatorBuilder& OneAudienceOnly();
  JwtValidatorBuilder& AllowMissingExpiration();
  JwtValidatorBuilder& RequireIssuedAt();
  JwtValidatorBuilder& RequireId();
  JwtValidatorBuilder& ClockSkew(Duration skew);    // 0 to 10 minutes
  JwtValidatorBuilder& LongestLife(Duration life);  // between iat (or now) and exp

  // Leaving a pair open, or calling both, is a programmer's error.
  JwtValidator Build() const;

 private:
  JwtValidator validator_;
};

}  // namespace remit::jose
