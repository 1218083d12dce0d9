// Claims and their checks. Each refusal has a reason of its own.
#include "jose/jwt.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::jose {
namespace {

constexpr double kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z: NumericDates beyond are errors of who wrote them
constexpr std::string_view kRegistered[] = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"};

std::unexpected<Error> Refuse(std::string_view reason, std::string message) { return Fail(Code::kUnauthenticated, reason, std::move(message)); }
std::unexpected<Error> Malformed(std::string message) { return Refuse("malformed-claims", std::move(message)); }

std::int64_t Seconds(Time t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

Status TakeText(const json::Object& object, std::string_view name, std::optional<std::string>& out) {
  const json::Value* value = object.Find(name);
  if (value == nullptr) return {};
  if (!value->IsString()) return Malformed(fmt::format("`{}` is not a string", name));
  out = value->AsString();
  return {};
}

// RFC 7519 §2, NumericDate: seconds since 1970, perhaps with a fraction.
Status TakeTime(const json::Object& object, std::string_view name, std::optional<Time>& out) {
  const json::Value* value = object.Find(name);
  if (value == nullptr) return {};
  if (!value->IsNumber()) return Malformed(fmt::format("`{}` is not a number", name));
  const double seconds = value->AsDouble();
  if (!(seconds >= 0 && seconds <= kLastSecond)) return Malformed(fmt::format("`{}` is not a time in seconds since 1970", name));
  out = value->IsInt() ? Time(std::chrono::seconds(value->AsInt())) : FromMicros(static_cast<std::int64_t>(std::floor(seconds * 1e6)));
  return {};
}

// RFC 7519 §4.1.3: one string, or an array of strings.
Status TakeAudience(const json::Object& object, std::vector<std::string>& out) {
  const json::Value* value = object.Find("aud");
  if (value == nullptr) return {};
  if (value->IsString()) {
    out.push_back(value->AsString());
    return {};
  }
  if (!value->IsArray()) return Malformed("`aud` is neither a string nor an array");
  for (const json::Value& element : value->AsArray()) {
    if (!element.IsString()) return Malformed("`aud` holds something other than strings");
    out.push_back(element.AsString());
  }
  return {};
}

// Whether what a claim must be and what it is agree; `what` is "issuer" or "subject".
Status CheckParty(std::string_view what, bool ignore, const std::optional<std::string>& expected, const std::optional<std::string>& actual) {
  if (ignore) return {};
  if (!actual) return Refuse(fmt::format("missing-{}", what), fmt::format("the token names no {}", what));
  if (*actual != *expected)
    return Refuse(fmt::format("wrong-{}", what), fmt::format("the {} is `{}`, not `{}`", what, EscapeControl(*actual), *expected));
  return {};
}

}  // namespace

json::Object ClaimsToJson(const Claims& claims) {
  json::Object out;
  if (claims.issuer) out.Append("iss", *claims.issuer);
  if (claims.subject) out.Append("sub", *claims.subject);
  if (claims.audience.size() == 1) out.Append("aud", claims.audience[0]);
  if (claims.audience.size() > 1) out.Append("aud", json::StringArray(claims.audience));
  if (claims.expires) out.Append("exp", Seconds(*claims.expires));
  if (claims.not_before) out.Append("nbf", Seconds(*claims.not_before));
  if (claims.issued_at) out.Append("iat", Seconds(*claims.issued_at));
  if (claims.id) out.Append("jti", *claims.id);
  for (const auto& [name, value] : claims.extra) {
    REMIT_CHECK(std::find(std::begin(kRegistered), std::end(kRegistered), name) == std::end(kRegistered));
    out.Append(name, value);
  }
  return out;
}

Result<Claims> ClaimsFromJson(const json::Value& value) {
  if (!value.IsObject()) return Malformed("the claims are not a JSON object");
  const json::Object& object = value.AsObject();
  Claims claims;
  REMIT_TRY(TakeText(object, "iss", claims.issuer));
  REMIT_TRY(TakeText(object, "sub", claims.subject));
  REMIT_TRY(TakeAudience(object, claims.audience));
  REMIT_TRY(TakeTime(object, "exp", claims.expires));
  REMIT_TRY(TakeTime(object, "nbf", claims.not_before));
  REMIT_TRY(TakeTime(object, "iat", claims.issued_at));
  REMIT_TRY(TakeText(object, "jti", claims.id));
  for (const auto& [name, member] : object)
    if (std::find(std::begin(kRegistered), std::end(kRegistered), name) == std::end(kRegistered)) claims.extra.Append(name, member);
  return claims;
}

std::string SignJwt(const crypto::SigningKey& key, std::string_view kid, std::string_view typ, const Claims& claims) {
  return SignCompact(key, kid, typ, AsBytes(json::Write(ClaimsToJson(claims))));
}

Result<Claims> JwtValidator::Validate(std::string_view token, const JwkSet& trusted, Time now) const {
  REMIT_ASSIGN(const Jws jws, VerifyCompact(token, trusted, *typ_));
  const auto payload = json::Parse(AsText(jws.payload), {.depth = limits::kTokenJsonDepth, .bytes = limits::kTokenBytes});
  if (!payload) return Malformed(fmt::format("the claims are not JSON: {}", payload.error().message));
  REMIT_ASSIGN(Claims claims, ClaimsFromJson(*payload));
  REMIT_TRY(Check(claims, now));
  return claims;
}

Status JwtValidator::Check(const Claims& claims, Time now) const {
  REMIT_TRY(CheckParties(claims));
  REMIT_TRY(CheckTimes(claims, now));
  if (require_id_ && (!claims.id || claims.id->empty())) return Refuse("missing-id", "the token has no `jti`");
  return {};
}

Status JwtValidator::CheckParties(const Claims& claims) const {
  REMIT_TRY(CheckParty("issuer", ignore_issuer_, issuer_, claims.issuer));
  REMIT_TRY(CheckParty("subject", ignore_subject_, subject_, claims.subject));
  if (one_audience_ && claims.audience.size() > 1) return Refuse("several-audiences", "the token has several audiences, and exactly one is allowed");
  if (ignore_audience_) return {};
  if (claims.audience.empty()) return Refuse("missing-audience", "the token names no audience");
  const bool meant = std::any_of(claims.audience.begin(), claims.audience.end(), [this](const std::string& audience) {
    return std::find(audiences_.begin(), audiences_.end(), audience) != audiences_.end();
  });
  if (!meant)
    return Refuse("wrong-audience",
                  fmt::format("the token is for `{}`, not for `{}`", EscapeControl(claims.audience[0]), Join(audiences_, "` or `")));
  return {};
}

Status JwtValidator::CheckTimes(const Claims& claims, Time now) const {
  if (!claims.expires && !allow_missing_expiration_) return Refuse("missing-expiration", "the token has no `exp`");
  if (claims.expires && now >= *claims.expires + skew_)
    return Refuse("token-expired", fmt::format("the token expired at {}", FormatTime(*claims.expires)));
  if (claims.not_before && now < *claims.not_before - skew_)
    return Refuse("token-not-yet-valid", fmt::format("the token is valid from {}", FormatTime(*claims.not_before)));
  if (claims.issued_at && now < *claims.issued_at - skew_)
    return Refuse("issued-in-future", fmt::format("the token was issued at {}, which is yet to come", FormatTime(*claims.issued_at)));
  if (!claims.issued_at && require_issued_at_) return Refuse("missing-issued-at", "the token has no `iat`");
  if (longest_life_ && claims.expires && *claims.expires - claims.issued_at.value_or(now) > *longest_life_ + (claims.issued_at ? Duration{} : skew_))
    return Refuse("token-lives-too-long", fmt::format("the token lives longer than {}", FormatDuration(*longest_life_)));
  return {};
}

JwtValidatorBuilder& JwtValidatorBuilder::ExpectTyp(std::string_view typ) { return ExpectAnyTyp({std::string(typ)}); }
JwtValidatorBuilder& JwtValidatorBuilder::ExpectAnyTyp(std::vector<std::string> types) {
  REMIT_CHECK(!validator_.typ_);
  validator_.typ_ = TypPolicy::AnyOf(std::move(types));
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::IgnoreTyp() {
  REMIT_CHECK(!validator_.typ_);
  validator_.typ_ = TypPolicy::Ignore();
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::ExpectIssuer(std::string_view issuer) {
  validator_.issuer_ = issuer;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::IgnoreIssuer() {
  validator_.ignore_issuer_ = true;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::ExpectSubject(std::string_view subject) {
  validator_.subject_ = subject;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::IgnoreSubject() {
  validator_.ignore_subject_ = true;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::ExpectAudience(std::string_view audience) { return ExpectAnyAudience({std::string(audience)}); }
JwtValidatorBuilder& JwtValidatorBuilder::ExpectAnyAudience(std::vector<std::string> audiences) {
  validator_.audiences_ = std::move(audiences);
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::IgnoreAudience() {
  validator_.ignore_audience_ = true;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::OneAudienceOnly() {
  validator_.one_audience_ = true;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::AllowMissingExpiration() {
  validator_.allow_missing_expiration_ = true;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::RequireIssuedAt() {
  validator_.require_issued_at_ = true;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::RequireId() {
  validator_.require_id_ = true;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::ClockSkew(Duration skew) {
  REMIT_CHECK(skew >= Duration{} && skew <= std::chrono::minutes(10));
  validator_.skew_ = skew;
  return *this;
}
JwtValidatorBuilder& JwtValidatorBuilder::LongestLife(Duration life) {
  REMIT_CHECK(life > Duration{});
  validator_.longest_life_ = life;
  return *this;
}

JwtValidator JwtValidatorBuilder::Build() const {
  REMIT_CHECK(validator_.typ_.has_value());
  REMIT_CHECK(validator_.issuer_.has_value() != validator_.ignore_issuer_);
  REMIT_CHECK(validator_.subject_.has_value() != validator_.ignore_subject_);
  REMIT_CHECK(validator_.audiences_.empty() == validator_.ignore_audience_);
  return validator_;
}

}  // namespace remit::jose
