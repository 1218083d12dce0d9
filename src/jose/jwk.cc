// Keys as JSON and back.
#include "jose/jwk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::jose {
namespace {

using crypto::KeyType;
using crypto::SigningKey;
using crypto::VerifyKey;

std::unexpected<Error> Bad(std::string message) { return Fail(Code::kInvalidArgument, "bad-key", std::move(message)); }
std::unexpected<Error> Unsupported(std::string message) { return Fail(Code::kUnsupported, "unsupported-key", std::move(message)); }

// The members that make the key, in the order of RFC 7638 §3.2.
json::Object Essential(const VerifyKey& key) {
  if (key.type() == KeyType::kEs256) return {{"crv", "P-256"}, {"kty", "EC"}, {"x", Base64UrlEncode(key.x())}, {"y", Base64UrlEncode(key.y())}};
  return {{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", Base64UrlEncode(key.x())}};
}

Result<KeyType> TypeOf(const std::string& kty, const std::string& crv) {
  if (kty == "EC" && crv == "P-256") return KeyType::kEs256;
  if (kty == "OKP" && crv == "Ed25519") return KeyType::kEd25519;
  return Unsupported(fmt::format("key of kty `{}` and crv `{}`: EC P-256 and OKP Ed25519 are supported", EscapeControl(kty), EscapeControl(crv)));
}

Result<Bytes> Coordinate(const std::string& name, const std::string& text) {
  auto bytes = Base64UrlDecode(text);
  if (!bytes || bytes->size() != 32) return Bad(fmt::format("`{}` is not 32 bytes in base64url", name));
  return bytes;
}

// RFC 7517 §4.2 to §4.4: a key that says what it is for must be for signatures with its own algorithm.
Status CheckPurpose(const json::Value& jwk, KeyType type, std::string_view operation) {
  json::ObjectReader r(jwk, "");
  const auto use = r.OptionalString("use");
  const auto operations = r.OptionalStrings("key_ops");
  const auto algorithm = r.OptionalString("alg");
  if (auto read = r.FinishIgnoringUnknown(); !read) return Bad(read.error().message);
  if (use && *use != "sig") return Unsupported(fmt::format("the key is for use `{}`, not for signatures", EscapeControl(*use)));
  if (operations && std::find(operations->begin(), operations->end(), operation) == operations->end())
    return Unsupported(fmt::format("the key's key_ops do not hold `{}`", operation));
  const bool fits = !algorithm || (type == KeyType::kEs256 ? *algorithm == "ES256" : *algorithm == "EdDSA" || *algorithm == "Ed25519");
  if (!fits) return Unsupported(fmt::format("the key is for algorithm `{}`, which is not its type's", EscapeControl(*algorithm)));
  return {};
}

struct Parts {
  KeyType type;
  VerifyKey key;
  std::string kid;
};

Result<Parts> ParseParts(const json::Value& jwk, std::string_view operation) {
  json::ObjectReader r(jwk, "");
  const std::string kty = r.RequiredString("kty");
  if (auto read = r.FinishIgnoringUnknown(); !read) return Bad(read.error().message);
  if (kty != "EC" && kty != "OKP") return std::unexpected(TypeOf(kty, "").error());
  const std::string crv = r.RequiredString("crv");
  const std::string x = r.RequiredString("x");
  const std::string y = kty == "EC" ? r.RequiredString("y") : std::string();
  const auto kid = r.OptionalString("kid");
  if (auto read = r.FinishIgnoringUnknown(); !read) return Bad(read.error().message);
  REMIT_ASSIGN(const KeyType type, TypeOf(kty, crv));
  REMIT_TRY(CheckPurpose(jwk, type, operation));
  REMIT_ASSIGN(const Bytes x_bytes, Coordinate("x", x));
  Bytes y_bytes;
  if (type == KeyType::kEs256) {
    REMIT_ASSIGN(y_bytes, Coordinate("y", y));
  }
  REMIT_ASSIGN(VerifyKey key, type == KeyType::kEs256 ? VerifyKey::FromEs256(x_bytes, y_bytes) : VerifyKey::FromEd25519(x_bytes));
  std::string name = kid ? *kid : Thumbprint(key);
  return Parts{type, std::move(key), std::move(name)};
}

Result<NamedSigningKey> ParsePrivateJwk(std::string_view text) {
  REMIT_ASSIGN(const json::Value jwk, json::Parse(text, {.depth = limits::kTokenJsonDepth, .bytes = limits::kKeyFileBytes}));
  REMIT_ASSIGN(Parts parts, ParseParts(jwk, "sign"));
  const std::string* d = jwk.FindString("d");
  if (d == nullptr) return Bad("the JWK has no private part `d`");
  REMIT_ASSIGN(Bytes bytes, Coordinate("d", *d));
  auto key = SigningKey::FromPrivateBytes(parts.type, bytes);
  WipeMemory(bytes.data(), bytes.size());
  if (!key) return std::unexpected(std::move(key).error());
  if (key->public_key() != parts.key) return Bad("the private key `d` and the public key do not belong together");
  return NamedSigningKey{std::move(parts.kid), std::move(key).value()};
}

// The whole file, at most limits::kKeyFileBytes.
Result<Secret> ReadPrivateFile(const std::string& path) {
  const auto refuse = [&](std::string_view reason, std::string message, std::string hint) {
    return Fail(Error(Code::kFailedPrecondition, reason, std::move(message)).At(path).Hint(std::move(hint)));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    const int why = errno;
    return Fail(Error(why == ENOENT ? Code::kNotFound : Code::kFailedPrecondition, "key-file-missing",
                      fmt::format("cannot open the key file: {}", std::strerror(why)))
                    .At(path)
                    .Hint("name the file that holds the private key"));
  }
  struct stat info{};
  const bool known = ::fstat(fd, &info) == 0;
  std::string text(limits::kKeyFileBytes + 1, '\0');
  std::size_t size = 0;
  while (known && S_ISREG(info.st_mode) && size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  ::close(fd);
  const Secret whole{std::string_view(text).substr(0, size)};
  WipeMemory(text.data(), text.size());
  if (!known || !S_ISREG(info.st_mode))
    return refuse("key-file-unsafe", "the key file is not a regular file", "name the file that holds the private key");
  if (const mode_t mode = info.st_mode & 0777; (mode & 0027) != 0)
    return refuse("key-file-unsafe", fmt::format("the key file has mode {:04o}: others can reach it", static_cast<unsigned>(mode)),
                  fmt::format("chmod 600 {}", path));
  if (whole.size() > limits::kKeyFileBytes)
    return refuse("bad-key", "the key file is too large for a key", "name the file that holds the private key");
  return whole;
}

}  // namespace

std::string_view AlgorithmOf(const VerifyKey& key) { return key.type() == KeyType::kEs256 ? "ES256" : "EdDSA"; }

std::string Thumbprint(const VerifyKey& key) { return Base64UrlEncode(crypto::Sha256(json::Write(Essential(key)))); }

json::Object PublicJwk(const VerifyKey& key, std::string_view kid) {
  json::Object jwk = Essential(key);
  jwk.Set("kid", kid.empty() ? Thumbprint(key) : std::string(kid));
  jwk.Set("alg", AlgorithmOf(key));
  jwk.Set("use", "sig");
  return jwk;
}

Secret PrivateJwk(const SigningKey& key, std::string_view kid) {
  // Written by hand around the secret part, so that no JSON value keeps a copy that is not wiped.
  std::string text = json::Write(PublicJwk(key.public_key(), kid));
  const Secret raw = key.PrivateBytes();
  std::string d = Base64UrlEncode(raw.RevealBytes());
  text.pop_back();
  text.reserve(text.size() + d.size() + 16);  // so that appending leaves no copy behind
  text += ",\"d\":\"";
  text += d;
  text += "\"}";
  const Secret secret{std::string_view(text)};
  WipeMemory(d.data(), d.size());
  WipeMemory(text.data(), text.size());
  return secret;
}

Result<NamedKey> ParsePublicJwk(const json::Value& jwk) {
  if (jwk.Find("d") != nullptr)
    return Fail(Code::kInvalidArgument, "private-key", "the JWK holds the private key (`d`) where the public one belongs",
                "leave `d` out, and make a new key: this one was shown");
  REMIT_ASSIGN(Parts parts, ParseParts(jwk, "verify"));
  return NamedKey{std::move(parts.kid), std::move(parts.key)};
}

Result<NamedSigningKey> ParseSigningKey(const Secret& text) {
  const std::string_view trimmed = Trim(text.Reveal());
  if (trimmed.starts_with("{")) return ParsePrivateJwk(trimmed);
  REMIT_ASSIGN(SigningKey key, SigningKey::FromPem(trimmed));
  std::string kid = Thumbprint(key.public_key());
  return NamedSigningKey{std::move(kid), std::move(key)};
}

Result<NamedSigningKey> ReadSigningKeyFile(const std::string& path) {
  REMIT_ASSIGN(const Secret text, ReadPrivateFile(path));
  auto key = ParseSigningKey(text);
  if (!key) return Fail(std::move(key).error().At(path));
  return key;
}

Result<JwkSet> JwkSet::Parse(const json::Value& set) {
  const auto bad = [](std::string message) { return Fail(Code::kInvalidArgument, "bad-jwk-set", std::move(message)); };
  const json::Value* keys = set.Find("keys");
  if (keys == nullptr || !keys->IsArray()) return bad("a JWK set is an object with an array `keys`");
  if (keys->AsArray().size() > limits::kJwkSetKeys) return bad(fmt::format("more than {} keys", limits::kJwkSetKeys));
  JwkSet out;
  std::size_t index = 0;
  for (const json::Value& jwk : keys->AsArray()) {
    auto key = ParsePublicJwk(jwk);
    const std::string place = fmt::format("keys[{}]", index++);
    if (key)
      out.keys_.push_back(std::move(key).value());
    else if (key.error().reason != "unsupported-key")
      return Fail(std::move(key).error().At(place));
  }
  return out;
}

json::Object JwkSet::ToJson() const {
  json::Array keys;
  for (const NamedKey& named : keys_) keys.emplace_back(PublicJwk(named.key, named.kid));
  return {{"keys", std::move(keys)}};
}

void JwkSet::Add(const VerifyKey& key, std::string_view kid) { keys_.push_back({kid.empty() ? Thumbprint(key) : std::string(kid), key}); }

}  // namespace remit::jose
