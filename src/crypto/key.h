// Signing keys and the keys that verify them. The algorithm belongs to the key: no caller and no message ever chooses it.
//
//   ES256    ECDSA on P-256 with SHA-256 (RFC 7518 §3.4): signatures are r‖s, 64 bytes
//   Ed25519  EdDSA (RFC 8032, pure): 64 bytes
//
// Both classes are values that share an immutable key: cheap to copy, safe to use from many threads. A default-made key holds nothing,
// and using it ends the process. Reading PEM costs hundreds of microseconds: keep keys, do not parse them on a request's path.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

struct evp_pkey_st;

namespace remit::crypto {

enum class KeyType { kEs256, kEd25519 };

class VerifyKey {
 public:
  VerifyKey() = default;

  // The point (x, y) of P-256, 32 bytes each, big-endian. Errors: `bad-key` for a wrong length or a point that is not on the curve.
  static Result<VerifyKey> FromEs256(ByteView x, ByteView y);
  // 32 bytes, RFC 8032 §5.1.5. Errors: `bad-key`, also for the points of small order, under which anybody could sign.
  static Result<VerifyKey> FromEd25519(ByteView x);
  // "-----BEGIN PUBLIC KEY-----" (SubjectPublicKeyInfo). Errors: `bad-key`; `unsupported-key` for another type or curve.
  static Result<VerifyKey> FromPem(std::string_view pem);

  bool empty() const { return key_ == nullptr; }
  KeyType type() const { return type_; }
  const Bytes& x() const { return x_; }  // 32 bytes
  const Bytes& y() const { return y_; }  // 32 bytes; empty for Ed25519
  std::string ToPem() const;

  // Whether the owner of the private key signed exactly this message. Anything else, a signature of another length included, is false.
  bool Verify(ByteView message, ByteView signature) const;

  friend bool operator==(const VerifyKey& a, const VerifyKey& b) { return a.type_ == b.type_ && a.x_ == b.x_ && a.y_ == b.y_; }

 private:
  friend class SigningKey;
  static Result<VerifyKey> FromNative(std::shared_ptr<evp_pkey_st> key);

  std::shared_ptr<evp_pkey_st> key_;
  KeyType type_ = KeyType::kEs256;
  Bytes x_, y_;
};

class SigningKey {
 public:
  SigningKey() = default;

  // A new key from OpenSSL's generator.
  static SigningKey Generate(KeyType type);
  // Unencrypted PKCS#8 (or SEC 1 for EC). Errors: `bad-key`; `unsupported-key` for another type or curve; `encrypted-key`.
  static Result<SigningKey> FromPem(std::string_view pem);
  // The private scalar (ES256) or seed (Ed25519), 32 bytes: `d` of a JWK. Errors: `bad-key`.
  static Result<SigningKey> FromPrivateBytes(KeyType type, ByteView d);

  bool empty() const { return key_ == nullptr; }
  KeyType type() const { return public_key_.type(); }
  const VerifyKey& public_key() const { return public_key_; }
  Secret PrivateBytes() const;  // 32 raw bytes
  Secret ToPem() const;         // PKCS#8

  // 64 bytes. ES256 signatures of one message differ each time.
  Bytes Sign(ByteView message) const;

  // The OpenSSL key, for those in this room.
  evp_pkey_st* native() const { return key_.get(); }

 private:
  static Result<SigningKey> FromNative(std::shared_ptr<evp_pkey_st> key);

  std::shared_ptr<evp_pkey_st> key_;
  VerifyKey public_key_;
};

}  // namespace remit::crypto
