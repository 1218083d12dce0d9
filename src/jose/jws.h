// Compact JSON Web Signatures (RFC 7515), as strictly as RFC 8725 advises: the algorithm is the key's and the header must agree; `kid`
// only chooses among keys that are trusted already; `crit` is refused, `jku`, `jwk`, `x5u` and `x5c` are never looked at; the `typ` is
// stated by whoever verifies.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/key.h"
#include "jose/jwk.h"
#include "json/value.h"

namespace remit::jose {

// header.payload.signature with {"alg", "typ", "kid"}. An empty `typ` or `kid` is left out.
std::string SignCompact(const crypto::SigningKey& key, std::string_view kid, std::string_view typ, ByteView payload);

// Which `typ` a token must have (RFC 8725 §3.11: what keeps one kind of token from being used as another).
class TypPolicy {
 public:
  // Compared as media types: without case, and "application/" may be left out (RFC 7515 §4.1.9). "" stands for an absent typ.
  static TypPolicy AnyOf(std::vector<std::string> types);
  static TypPolicy Expect(std::string_view type) { return AnyOf({std::string(type)}); }
  // Skips the check.
  static TypPolicy Ignore() { return TypPolicy(); }

  bool Accepts(std::string_view typ) const;

 private:
  std::optional<std::vector<std::string>> types_;
};

struct Jws {
  json::Object header;
  Bytes payload;
  std::string kid;  // of the trusted key that verified it
};

// Verifies a compact JWS. All errors are of Code::kUnauthenticated:
//   `token-too-large`       more than limits::kTokenBytes
//   `malformed-token`       not three parts of canonical base64url, or a header that is not strict JSON
//   `unsupported-critical`  a `crit` header (RFC 7515 §4.1.11), or `b64` (RFC 7797)
//   `wrong-typ`             not the typ that the caller states
//   `unknown-key`           no trusted key has the token's kid, or there is none of that algorithm
//   `wrong-algorithm`       `alg` is not that of the key (also `none` and `HS256`)
//   `bad-signature`
Result<Jws> VerifyCompact(std::string_view token, const JwkSet& trusted, const TypPolicy& typ);

}  // namespace remit::jose
