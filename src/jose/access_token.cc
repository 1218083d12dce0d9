// RFC 9068 on top of JWT.
#include "jose/access_token.h"

#include "json/object_reader.h"

namespace remit::jose {

std::string SignAccessToken(const crypto::SigningKey& key, std::string_view kid, const AccessToken& token) {
  Claims claims;
  claims.issuer = token.issuer;
  claims.subject = token.subject;
  claims.audience = {token.audience};
  claims.id = token.id;
  claims.issued_at = token.issued_at;
  claims.expires = token.expires;
  claims.extra = token.extra;
  claims.extra.Set("client_id", token.client_id);
  if (token.scope) claims.extra.Set("scope", *token.scope);
  if (!token.authorization_details.empty()) claims.extra.Set("authorization_details", token.authorization_details);
  return SignJwt(key, kid, kAccessTokenTyp, claims);
}

Result<AccessToken> ValidateAccessToken(std::string_view token, const JwkSet& trusted, std::string_view issuer, std::string_view audience, Time now,
                                        Duration skew) {
  // RFC 9068 §2.2 requires iss, exp, aud, sub, client_id, iat and jti; §4 the typ.
  const JwtValidator validator = JwtValidatorBuilder()
                                     .ExpectTyp(kAccessTokenTyp)
                                     .ExpectIssuer(issuer)
                                     .ExpectAudience(audience)
                                     .OneAudienceOnly()
                                     .IgnoreSubject()
                                     .RequireIssuedAt()
                                     .RequireId()
                                     .ClockSkew(skew)
                                     .Build();
  REMIT_ASSIGN(Claims claims, validator.Validate(token, trusted, now));
  if (!claims.subject) return Fail(Code::kUnauthenticated, "missing-subject", "the token names no subject");
  AccessToken out;
  json::ObjectReader r(claims.extra, "claims");
  out.client_id = r.RequiredString("client_id");
  out.scope = r.OptionalString("scope");
  if (const json::Array* details = r.OptionalArray("authorization_details")) {
    for (const json::Value& detail : *details)
      if (!detail.IsObject()) r.Refuse("authorization_details", "must be an array of objects");
    out.authorization_details = *details;
  }
  if (auto read = r.FinishIgnoringUnknown(); !read) return Fail(Code::kUnauthenticated, "malformed-claims", read.error().message);
  out.issuer = *claims.issuer;
  out.subject = *claims.subject;
  out.audience = claims.audience[0];
  out.id = *claims.id;
  out.issued_at = *claims.issued_at;
  out.expires = *claims.expires;
  out.extra = std::move(claims.extra);
  for (const char* name : {"client_id", "scope", "authorization_details"}) out.extra.Erase(name);
  return out;
}

}  // namespace remit::jose
