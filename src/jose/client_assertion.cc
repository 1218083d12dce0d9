// private_key_jwt on top of JWT.
#include "jose/client_assertion.h"

#include "base/limits.h"
#include "json/read.h"

namespace remit::jose {
namespace {

std::unexpected<Error> Refuse(std::string_view reason, std::string message) { return Fail(Code::kUnauthenticated, reason, std::move(message)); }

}  // namespace

std::string SignClientAssertion(const crypto::SigningKey& key, std::string_view kid, std::string_view client_id, std::string_view audience,
                                std::string_view id, Time now, Duration life) {
  Claims claims;
  claims.issuer = client_id;
  claims.subject = client_id;
  claims.audience = {std::string(audience)};
  claims.id = id;
  claims.issued_at = now;
  claims.expires = now + life;
  return SignJwt(key, kid, "client-authentication+jwt", claims);
}

Result<std::string> PeekClientId(std::string_view assertion) {
  if (assertion.size() > limits::kTokenBytes) return Refuse("token-too-large", "the assertion is too large");
  const std::size_t first = assertion.find('.'), last = assertion.rfind('.');
  if (first == std::string_view::npos || first == last) return Refuse("malformed-token", "not three parts with a dot between them");
  const auto payload = Base64UrlDecode(assertion.substr(first + 1, last - first - 1));
  if (!payload) return Refuse("malformed-token", "the payload is not base64url");
  const auto value = json::Parse(AsText(*payload), {.depth = limits::kTokenJsonDepth, .bytes = limits::kTokenBytes});
  if (!value) return Refuse("malformed-claims", "the claims are not JSON");
  REMIT_ASSIGN(const Claims claims, ClaimsFromJson(*value));
  if (!claims.issuer || claims.issuer->empty()) return Refuse("missing-issuer", "the assertion names no issuer");
  if (!claims.subject) return Refuse("missing-subject", "the assertion names no subject");
  if (*claims.subject != *claims.issuer) return Refuse("wrong-subject", "issuer and subject of the assertion differ: both are the client's id");
  return *claims.issuer;
}

Result<ClientAssertion> ValidateClientAssertion(std::string_view assertion, std::string_view client_id, const JwkSet& keys,
                                                const std::vector<std::string>& audiences, Time now, Duration skew, Duration longest_life) {
  const JwtValidator validator = JwtValidatorBuilder()
                                     .ExpectAnyTyp({"", "JWT", "client-authentication+jwt"})
                                     .ExpectIssuer(client_id)
                                     .ExpectSubject(client_id)
                                     .ExpectAnyAudience(audiences)
                                     .RequireId()
                                     .ClockSkew(skew)
                                     .LongestLife(longest_life)
                                     .Build();
  REMIT_ASSIGN(const Claims claims, validator.Validate(assertion, keys, now));
  if (claims.id->size() > limits::kTokenIdBytes) return Refuse("malformed-claims", "the `jti` is too long");
  return ClientAssertion{std::string(client_id), *claims.id, *claims.expires, claims.issued_at};
}

}  // namespace remit::jose
