// AES-256-GCM over EVP.
#include "crypto/seal.h"

#include <algorithm>

#include "crypto/openssl_ptr.h"

namespace remit::crypto {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNonce = 12, kTag = 16;

const EVP_CIPHER* Gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  REMIT_CHECK(cipher != nullptr);
  return cipher;
}

// A context with key, nonce and everything that is authenticated but not encrypted.
CipherContextPtr Begin(bool encrypt, const SymmetricKey& key, ByteView nonce, ByteView associated_data) {
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  REMIT_CHECK(context != nullptr);
  REMIT_CHECK(EVP_CipherInit_ex2(context.get(), Gcm(), key.Reveal().data(), nonce.data(), encrypt ? 1 : 0, nullptr) == 1);
  int size = 0;
  if (!associated_data.empty())
    REMIT_CHECK(EVP_CipherUpdate(context.get(), nullptr, &size, associated_data.data(), static_cast<int>(associated_data.size())) == 1);
  return context;
}

std::unexpected<Error> Corrupt() {
  return Fail(Code::kCorrupt, "sealed-data-corrupt", "sealed data does not open: it was changed or moved, or was sealed under another key");
}

}  // namespace

SymmetricKey SymmetricKey::Random(Rng& rng) {
  SymmetricKey key;
  rng.Fill(key.bytes_);
  return key;
}

Result<SymmetricKey> SymmetricKey::FromBytes(ByteView bytes) {
  if (bytes.size() != kBytes) return Fail(Code::kInvalidArgument, "bad-key", "a symmetric key has 32 bytes");
  SymmetricKey key;
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  return key;
}

Bytes Seal(const SymmetricKey& key, ByteView plaintext, ByteView associated_data, Rng& rng) {
  Bytes out(kSealOverhead + plaintext.size());
  out[0] = kVersion;
  const std::span<std::uint8_t> nonce(out.data() + 1, kNonce);
  rng.Fill(nonce);
  const CipherContextPtr context = Begin(true, key, nonce, associated_data);
  std::uint8_t* const ciphertext = out.data() + 1 + kNonce;
  int size = 0;
  if (!plaintext.empty()) REMIT_CHECK(EVP_CipherUpdate(context.get(), ciphertext, &size, plaintext.data(), static_cast<int>(plaintext.size())) == 1);
  REMIT_CHECK(EVP_CipherFinal_ex(context.get(), ciphertext + size, &size) == 1);
  REMIT_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTag, ciphertext + plaintext.size()) == 1);
  return out;
}

Result<Secret> Open(const SymmetricKey& key, ByteView sealed, ByteView associated_data) {
  if (sealed.size() < kSealOverhead || sealed[0] != kVersion) return Corrupt();
  const ByteView nonce = sealed.subspan(1, kNonce);
  const ByteView ciphertext = sealed.subspan(1 + kNonce, sealed.size() - kSealOverhead);
  std::array<std::uint8_t, kTag> tag;
  std::copy_n(sealed.end() - kTag, kTag, tag.begin());
  const CipherContextPtr context = Begin(false, key, nonce, associated_data);
  Bytes plaintext(ciphertext.size());
  int size = 0;
  if (!ciphertext.empty())
    REMIT_CHECK(EVP_CipherUpdate(context.get(), plaintext.data(), &size, ciphertext.data(), static_cast<int>(ciphertext.size())) == 1);
  REMIT_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1);
  std::uint8_t none[kTag];
  const bool genuine = EVP_CipherFinal_ex(context.get(), none, &size) == 1;
  // INVARIANT: nothing of a text whose tag is wrong leaves this function.
  Secret secret = genuine ? Secret(AsText(plaintext)) : Secret();
  WipeMemory(plaintext.data(), plaintext.size());
  ERR_clear_error();
  if (!genuine) return Corrupt();
  return secret;
}

Bytes AssociatedData(std::initializer_list<std::string_view> fields) {
  Bytes out;
  for (const std::string_view field : fields) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(std::uint64_t{field.size()} >> shift));
    out.insert(out.end(), field.begin(), field.end());
  }
  return out;
}

}  // namespace remit::crypto
