// JSON Web Keys (RFC 7517): EC P-256 and OKP Ed25519 (RFC 8037), public, private and in sets, and their thumbprints (RFC 7638).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "json/value.h"

namespace remit::jose {

// The name of the key's one algorithm: "ES256" or "EdDSA".
std::string_view AlgorithmOf(const crypto::VerifyKey& key);

// RFC 7638 with SHA-256, base64url: the name of a key that is made from the key alone. Remit's `kid`s are thumbprints.
std::string Thumbprint(const crypto::VerifyKey& key);

// {"kty", "crv", "x", "y", "kid", "alg", "use": "sig"}. An empty `kid` means the thumbprint.
json::Object PublicJwk(const crypto::VerifyKey& key, std::string_view kid = {});
// The same with "d": a private key as text.
Secret PrivateJwk(const crypto::SigningKey& key, std::string_view kid = {});

struct NamedKey {
  std::string kid;
  crypto::VerifyKey key;
};

// Reads a public key; members that are not understood are ignored (RFC 7517 §4). The kid is the JWK's or, where it has none, the
// thumbprint. Errors: `bad-key`; `unsupported-key` (kty, crv or alg); `private-key` where "d" is there: somebody is about to publish it.
Result<NamedKey> ParsePublicJwk(const json::Value& jwk);

struct NamedSigningKey {
  std::string kid;
  crypto::SigningKey key;
};

// Reads a private key as JWK text ("{…}") or unencrypted PEM. Errors: those above, `encrypted-key`, `bad-json`.
Result<NamedSigningKey> ParseSigningKey(const Secret& text);
// The same from a file that others cannot read nor the group write. Errors: also `key-file-missing`, `key-file-unsafe`, with the path.
Result<NamedSigningKey> ReadSigningKeyFile(const std::string& path);

// The keys that somebody trusts for one purpose.
class JwkSet {
 public:
  JwkSet() = default;
  explicit JwkSet(std::vector<NamedKey> keys) : keys_(std::move(keys)) {}

  // {"keys": […]}. Keys of unknown kinds and for other uses are left out (RFC 7517 §5); broken ones are errors.
  // Errors: those of ParsePublicJwk, with "keys[i]" as place; `bad-jwk-set`.
  static Result<JwkSet> Parse(const json::Value& set);
  json::Object ToJson() const;

  void Add(const crypto::VerifyKey& key, std::string_view kid = {});  // an empty kid means the thumbprint
  const std::vector<NamedKey>& keys() const { return keys_; }
  bool empty() const { return keys_.empty(); }

 private:
  std::vector<NamedKey> keys_;
};

}  // namespace remit::jose
