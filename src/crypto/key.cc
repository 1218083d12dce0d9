// Keys over EVP: what both kinds share, and what turns ECDSA's DER signatures into the r‖s of RFC 7518 §3.4.
#include "crypto/key.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "crypto/openssl_ptr.h"

namespace remit::crypto {
namespace {

constexpr std::size_t kPart = 32;  // bytes of a coordinate, a scalar, a seed, r or s

std::unexpected<Error> Bad(std::string message) { return Fail(Code::kInvalidArgument, "bad-key", std::move(message)); }

const EC_GROUP* P256() {
  static const GroupPtr group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  REMIT_CHECK(group != nullptr);
  return group.get();
}

// Builds a P-256 key from its uncompressed point and, unless null, its scalar. OpenSSL checks that the point is on the curve.
std::shared_ptr<EVP_PKEY> BuildEc(ByteView point, const BIGNUM* scalar) {
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  REMIT_CHECK(builder != nullptr);
  REMIT_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1);
  REMIT_CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
  if (scalar != nullptr) REMIT_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1);
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  REMIT_CHECK(params != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  const int selection = scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return ShareKey(key);
}

// The points of order 1, 2, 4 and 8, also in their encodings that are not reduced, with the sign bit cleared.
bool IsSmallOrder(ByteView x) {
  static constexpr std::array<std::uint8_t, kPart> kPoints[] = {
      {0},
      {1},
      {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
       0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
      {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
       0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
      {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
      {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
      {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
  };
  std::array<std::uint8_t, kPart> unsigned_x;
  std::copy(x.begin(), x.end(), unsigned_x.begin());
  unsigned_x[kPart - 1] &= 0x7f;
  return std::find(std::begin(kPoints), std::end(kPoints), unsigned_x) != std::end(kPoints);
}

Result<Bytes> DerToRaw(ByteView der) {
  const unsigned char* at = der.data();
  const EcdsaSignaturePtr signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  Bytes raw(2 * kPart);
  if (signature == nullptr || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), kPart) != static_cast<int>(kPart) ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + kPart, kPart) != static_cast<int>(kPart))
    return Bad("not an ECDSA signature");
  return raw;
}

Bytes RawToDer(ByteView raw) {
  const EcdsaSignaturePtr signature(ECDSA_SIG_new());
  BignumPtr r(BN_bin2bn(raw.data(), kPart, nullptr)), s(BN_bin2bn(raw.data() + kPart, kPart, nullptr));
  REMIT_CHECK(signature != nullptr && r != nullptr && s != nullptr);
  REMIT_CHECK(ECDSA_SIG_set0(signature.get(), r.release(), s.release()) == 1);
  Bytes der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
  unsigned char* at = der.data();
  REMIT_CHECK(i2d_ECDSA_SIG(signature.get(), &at) == static_cast<int>(der.size()));
  return der;
}

const EVP_MD* DigestOf(KeyType type) { return type == KeyType::kEs256 ? EVP_sha256() : nullptr; }  // Ed25519 brings its own

DigestContextPtr NewDigestContext() {
  DigestContextPtr context(EVP_MD_CTX_new());
  REMIT_CHECK(context != nullptr);
  return context;
}

}  // namespace

Result<VerifyKey> VerifyKey::FromNative(std::shared_ptr<EVP_PKEY> key) {
  VerifyKey out;
  if (EVP_PKEY_is_a(key.get(), "ED25519")) {
    out.type_ = KeyType::kEd25519;
    out.x_.resize(kPart);
    std::size_t size = kPart;
    if (EVP_PKEY_get_raw_public_key(key.get(), out.x_.data(), &size) != 1 || size != kPart) return Bad("not an Ed25519 key");
    if (IsSmallOrder(out.x_)) return Bad("an Ed25519 point of small order, under which anybody could sign");
  } else {
    char group[32] = {};
    if (!EVP_PKEY_is_a(key.get(), "EC") || EVP_PKEY_get_group_name(key.get(), group, sizeof group, nullptr) != 1 ||
        std::strcmp(group, SN_X9_62_prime256v1) != 0)
      return Fail(Code::kUnsupported, "unsupported-key", "the key is neither EC P-256 nor Ed25519");
    for (const auto& [name, part] : {std::pair(OSSL_PKEY_PARAM_EC_PUB_X, &out.x_), std::pair(OSSL_PKEY_PARAM_EC_PUB_Y, &out.y_)}) {
      BIGNUM* number = nullptr;
      if (EVP_PKEY_get_bn_param(key.get(), name, &number) != 1) return Bad("the key has no public point");
      const BignumPtr owned(number);
      part->resize(kPart);
      if (BN_bn2binpad(number, part->data(), kPart) != static_cast<int>(kPart)) return Bad("the key's point is not on P-256");
    }
  }
  out.key_ = std::move(key);
  return out;
}

Result<VerifyKey> VerifyKey::FromEs256(ByteView x, ByteView y) {
  if (x.size() != kPart || y.size() != kPart) return Bad("a P-256 point has two coordinates of 32 bytes");
  Bytes point{POINT_CONVERSION_UNCOMPRESSED};
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  auto key = BuildEc(point, nullptr);
  if (key == nullptr) return Bad("the point is not on P-256");
  return FromNative(std::move(key));
}

Result<VerifyKey> VerifyKey::FromEd25519(ByteView x) {
  if (x.size() != kPart) return Bad("an Ed25519 public key has 32 bytes");
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, x.data(), x.size());
  REMIT_CHECK(key != nullptr);
  return FromNative(ShareKey(key));
}

Result<VerifyKey> VerifyKey::FromPem(std::string_view pem) {
  const BioPtr bio = ReadingBio(pem);
  auto key = ShareKey(PEM_read_bio_PUBKEY(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) return Bad("not a public key in PEM (`-----BEGIN PUBLIC KEY-----`)");
  return FromNative(std::move(key));
}

std::string VerifyKey::ToPem() const {
  REMIT_CHECK(key_ != nullptr);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  REMIT_CHECK(bio != nullptr && PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
  return std::string(Written(bio.get()));
}

bool VerifyKey::Verify(ByteView message, ByteView signature) const {
  REMIT_CHECK(key_ != nullptr);
  if (signature.size() != 2 * kPart) return false;
  const Bytes der = type_ == KeyType::kEs256 ? RawToDer(signature) : Bytes();
  const ByteView native = type_ == KeyType::kEs256 ? ByteView(der) : signature;
  const DigestContextPtr context = NewDigestContext();
  REMIT_CHECK(EVP_DigestVerifyInit(context.get(), nullptr, DigestOf(type_), nullptr, key_.get()) == 1);
  const bool valid = EVP_DigestVerify(context.get(), native.data(), native.size(), message.data(), message.size()) == 1;
  ERR_clear_error();
  return valid;
}

SigningKey SigningKey::Generate(KeyType type) {
  EVP_PKEY* key = type == KeyType::kEs256 ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  REMIT_CHECK(key != nullptr);
  auto made = FromNative(ShareKey(key));
  REMIT_CHECK(made.has_value());
  return std::move(made).value();
}

Result<SigningKey> SigningKey::FromNative(std::shared_ptr<EVP_PKEY> key) {
  SigningKey out;
  REMIT_ASSIGN(out.public_key_, VerifyKey::FromNative(key));
  out.key_ = std::move(key);
  return out;
}

Result<SigningKey> SigningKey::FromPem(std::string_view pem) {
  const BioPtr bio = ReadingBio(pem);
  bool encrypted = false;
  auto key = ShareKey(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, &encrypted));
  ERR_clear_error();
  if (encrypted)
    return Fail(Code::kUnsupported, "encrypted-key", "the private key is encrypted with a password", "keep it unencrypted, with mode 0600");
  if (key == nullptr) return Bad("not a private key in PEM (`-----BEGIN PRIVATE KEY-----`)");
  const KeyContextPtr context(EVP_PKEY_CTX_new(key.get(), nullptr));
  const bool consistent = context != nullptr && (!EVP_PKEY_is_a(key.get(), "EC") || EVP_PKEY_pairwise_check(context.get()) == 1);
  ERR_clear_error();
  if (!consistent) return Bad("the private key and its public key do not belong together");
  return FromNative(std::move(key));
}

Result<SigningKey> SigningKey::FromPrivateBytes(KeyType type, ByteView d) {
  if (d.size() != kPart) return Bad("a private key has 32 bytes");
  if (type == KeyType::kEd25519) {
    EVP_PKEY* key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, d.data(), d.size());
    REMIT_CHECK(key != nullptr);
    return FromNative(ShareKey(key));
  }
  const BignumPtr scalar(BN_secure_new());
  REMIT_CHECK(scalar != nullptr && BN_bin2bn(d.data(), kPart, scalar.get()) != nullptr);
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(P256())) >= 0) return Bad("the private key is out of P-256's range");
  const PointPtr point(EC_POINT_new(P256()));
  REMIT_CHECK(point != nullptr && EC_POINT_mul(P256(), point.get(), scalar.get(), nullptr, nullptr, nullptr) == 1);
  Bytes encoded(1 + 2 * kPart);
  REMIT_CHECK(EC_POINT_point2oct(P256(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(), encoded.size(), nullptr) == encoded.size());
  auto key = BuildEc(encoded, scalar.get());
  REMIT_CHECK(key != nullptr);
  return FromNative(std::move(key));
}

Secret SigningKey::PrivateBytes() const {
  REMIT_CHECK(key_ != nullptr);
  std::array<std::uint8_t, kPart> bytes{};
  if (type() == KeyType::kEd25519) {
    std::size_t size = bytes.size();
    REMIT_CHECK(EVP_PKEY_get_raw_private_key(key_.get(), bytes.data(), &size) == 1 && size == bytes.size());
  } else {
    BIGNUM* number = nullptr;
    REMIT_CHECK(EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1);
    const BignumPtr owned(number);
    REMIT_CHECK(BN_bn2binpad(number, bytes.data(), kPart) == static_cast<int>(kPart));
  }
  Secret secret{AsText(bytes)};
  WipeMemory(bytes.data(), bytes.size());
  return secret;
}

Secret SigningKey::ToPem() const {
  REMIT_CHECK(key_ != nullptr);
  const BioPtr bio = WritingBio();
  REMIT_CHECK(bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return Secret(Written(bio.get()));
}

Bytes SigningKey::Sign(ByteView message) const {
  REMIT_CHECK(key_ != nullptr);
  const DigestContextPtr context = NewDigestContext();
  REMIT_CHECK(EVP_DigestSignInit(context.get(), nullptr, DigestOf(type()), nullptr, key_.get()) == 1);
  std::array<std::uint8_t, 80> buffer;  // DER of two 256-bit numbers is at most 72 bytes
  std::size_t size = buffer.size();
  REMIT_CHECK(EVP_DigestSign(context.get(), buffer.data(), &size, message.data(), message.size()) == 1);
  const ByteView signature(buffer.data(), size);
  if (type() == KeyType::kEd25519) return Bytes(signature.begin(), signature.end());
  auto raw = DerToRaw(signature);
  REMIT_CHECK(raw.has_value());
  return std::move(raw).value();
}

}  // namespace remit::crypto
