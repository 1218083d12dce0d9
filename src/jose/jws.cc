// Compact signatures: one function that signs, one that verifies, and the order of its refusals.
#include "jose/jws.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::jose {
namespace {

std::unexpected<Error> Refuse(std::string_view reason, std::string message) { return Fail(Code::kUnauthenticated, reason, std::move(message)); }

// RFC 7515 §4.1.9: without case, and as if "application/" stood before a type without a slash.
std::string MediaType(std::string_view typ) {
  std::string out(typ);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (out.starts_with("application/") && out.find('/', 12) == std::string::npos) out.erase(0, 12);
  return out;
}

// header, payload, signature, as they are written.
Result<std::array<std::string_view, 3>> SplitCompact(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return Refuse("malformed-token", "not three parts with a dot between them");
  return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

Result<json::Object> ReadHeader(std::string_view part) {
  const auto bytes = Base64UrlDecode(part);
  if (!bytes) return Refuse("malformed-token", "the header is not base64url");
  auto header = json::Parse(AsText(*bytes), {.depth = limits::kTokenJsonDepth, .bytes = limits::kTokenHeaderBytes});
  if (!header) return Refuse("malformed-token", fmt::format("the header is not JSON: {}", header.error().message));
  if (!header->IsObject()) return Refuse("malformed-token", "the header is not a JSON object");
  for (const char* name : {"alg", "kid", "typ"})
    if (const json::Value* value = header->Find(name); value != nullptr && !value->IsString())
      return Refuse("malformed-token", fmt::format("the header's `{}` is not a string", name));
  return std::move(header->AsObject());
}

std::string_view Text(const json::Object& header, std::string_view name) {
  const json::Value* value = header.Find(name);
  return value == nullptr ? std::string_view() : std::string_view(value->AsString());
}

// The trusted keys that the header may mean. INVARIANT: the header only narrows this list; it never adds to it.
Result<std::vector<const NamedKey*>> Candidates(const json::Object& header, const JwkSet& trusted) {
  const std::string_view algorithm = Text(header, "alg");
  const bool named = header.Contains("kid");
  std::vector<const NamedKey*> keys;
  bool kid_known = false;
  for (const NamedKey& key : trusted.keys()) {
    if (named && key.kid != Text(header, "kid")) continue;
    kid_known = true;
    if (AlgorithmOf(key.key) == algorithm) keys.push_back(&key);
  }
  if (!kid_known) return Refuse("unknown-key", named ? "no trusted key has the token's `kid`" : "there is no trusted key");
  if (keys.empty()) return Refuse("wrong-algorithm", fmt::format("`alg` is `{}`, which is not that of the trusted key", EscapeControl(algorithm)));
  return keys;
}

}  // namespace

std::string SignCompact(const crypto::SigningKey& key, std::string_view kid, std::string_view typ, ByteView payload) {
  json::Object header{{"alg", AlgorithmOf(key.public_key())}};
  if (!typ.empty()) header.Set("typ", typ);
  if (!kid.empty()) header.Set("kid", kid);
  std::string out = Base64UrlEncode(AsBytes(json::Write(header)));
  out += '.';
  out += Base64UrlEncode(payload);
  const Bytes signature = key.Sign(AsBytes(out));
  out += '.';
  out += Base64UrlEncode(signature);
  return out;
}

TypPolicy TypPolicy::AnyOf(std::vector<std::string> types) {
  TypPolicy policy;
  for (std::string& type : types) type = MediaType(type);
  policy.types_ = std::move(types);
  return policy;
}

bool TypPolicy::Accepts(std::string_view typ) const { return !types_ || std::find(types_->begin(), types_->end(), MediaType(typ)) != types_->end(); }

Result<Jws> VerifyCompact(std::string_view token, const JwkSet& trusted, const TypPolicy& typ) {
  if (token.size() > limits::kTokenBytes)
    return Refuse("token-too-large", fmt::format("the token has {} bytes, more than {}", token.size(), limits::kTokenBytes));
  REMIT_ASSIGN(const auto parts, SplitCompact(token));
  REMIT_ASSIGN(json::Object header, ReadHeader(parts[0]));
  if (header.Contains("crit") || header.Contains("b64"))
    return Refuse("unsupported-critical", "the header asks for extensions (`crit`), and none is supported");
  if (!typ.Accepts(Text(header, "typ")))
    return Refuse("wrong-typ", fmt::format("`typ` is `{}`: another kind of token", EscapeControl(Text(header, "typ"))));
  REMIT_ASSIGN(const std::vector<const NamedKey*> keys, Candidates(header, trusted));
  auto payload = Base64UrlDecode(parts[1]);
  const auto signature = Base64UrlDecode(parts[2]);
  if (!payload || !signature) return Refuse("malformed-token", "payload or signature is not base64url");
  const ByteView signed_part = AsBytes(token.substr(0, parts[0].size() + 1 + parts[1].size()));
  for (const NamedKey* named : keys)
    if (named->key.Verify(signed_part, *signature)) return Jws{std::move(header), std::move(payload).value(), named->kid};
  return Refuse("bad-signature", "the signature is not that of a trusted key over this token");
}

}  // namespace remit::jose
