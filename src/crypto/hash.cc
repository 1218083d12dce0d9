// Hashes over EVP. Algorithms are fetched once and contexts kept by each thread: fetching costs more than hashing a Merkle node.
#include "crypto/hash.h"

#include "base/secret.h"
#include "crypto/openssl_ptr.h"

namespace remit::crypto {
namespace {

const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  REMIT_CHECK(algorithm != nullptr);
  return algorithm;
}

void Start(EVP_MD_CTX* context) { REMIT_CHECK(EVP_DigestInit_ex2(context, Sha256Algorithm(), nullptr) == 1); }
void Add(EVP_MD_CTX* context, ByteView data) { REMIT_CHECK(EVP_DigestUpdate(context, data.data(), data.size()) == 1); }

Hash End(EVP_MD_CTX* context) {
  Hash hash;
  REMIT_CHECK(EVP_DigestFinal_ex(context, hash.data(), nullptr) == 1);
  return hash;
}

EVP_MD_CTX* NewContext() {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  REMIT_CHECK(context != nullptr);
  return context;
}

EVP_MD_CTX* ThreadContext() {
  thread_local const DigestContextPtr context(NewContext());
  return context.get();
}

void Derive(const char* name, const OSSL_PARAM* params, Bytes& out) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, name, nullptr);
  const KdfContextPtr context(EVP_KDF_CTX_new(kdf));
  EVP_KDF_free(kdf);
  REMIT_CHECK(context != nullptr && EVP_KDF_derive(context.get(), out.data(), out.size(), params) == 1);
}

// OSSL_PARAM has no const, and reads only.
OSSL_PARAM OctetParam(const char* name, ByteView bytes) {
  static std::uint8_t none = 0;  // an empty span may have a null pointer, which OpenSSL takes for "absent"
  return OSSL_PARAM_construct_octet_string(name, bytes.empty() ? &none : const_cast<std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

Hash Sha256(ByteView data) { return Sha256Concat({data}); }

Hash Sha256Concat(std::initializer_list<ByteView> parts) {
  EVP_MD_CTX* const context = ThreadContext();
  Start(context);
  for (const ByteView part : parts) Add(context, part);
  return End(context);
}

void Sha256Hasher::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256Hasher::Sha256Hasher() : context_(NewContext()) { Start(context_.get()); }

void Sha256Hasher::Update(ByteView data) { Add(context_.get(), data); }

Hash Sha256Hasher::Finish() {
  const Hash hash = End(context_.get());
  Start(context_.get());
  return hash;
}

Hash HmacSha256(ByteView key, ByteView data) {
  // RFC 2104 §2 over the hash above: EVP_MAC sets up its state anew for each key, which is slower.
  std::array<std::uint8_t, 64> block{};
  if (key.size() > block.size()) {
    const Hash hashed = Sha256(key);
    std::copy(hashed.begin(), hashed.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (std::uint8_t& byte : block) byte ^= 0x36;
  const Hash inner = Sha256Concat({block, data});
  for (std::uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  const Hash outer = Sha256Concat({block, inner});
  WipeMemory(block.data(), block.size());
  return outer;
}

Bytes Pbkdf2HmacSha256(ByteView password, ByteView salt, std::uint32_t iterations, std::size_t size) {
  REMIT_CHECK(iterations >= 1 && size > 0);
  int no_limits = 1;  // the floors of SP 800-132 are for passwords of people; RFC vectors and SCRAM use less
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OctetParam(OSSL_KDF_PARAM_PASSWORD, password),
                               OctetParam(OSSL_KDF_PARAM_SALT, salt),
                               OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &iterations),
                               OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &no_limits),
                               OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  Bytes out(size);
  Derive("PBKDF2", params, out);
  return out;
}

Bytes HkdfSha256(ByteView key, ByteView salt, ByteView info, std::size_t size) {
  REMIT_CHECK(size > 0 && size <= 255 * std::tuple_size_v<Hash>);
  const Hash zeros{};
  Hash secret = HmacSha256(salt.empty() ? ByteView(zeros) : salt, key);  // extract, RFC 5869 §2.2
  Bytes out;
  Bytes block;
  for (std::uint8_t counter = 1; out.size() < size; ++counter) {  // expand, §2.3
    Bytes input = block;
    input.insert(input.end(), info.begin(), info.end());
    input.push_back(counter);
    const Hash next = HmacSha256(secret, input);
    block.assign(next.begin(), next.end());
    out.insert(out.end(), block.begin(), block.end());
    WipeMemory(input.data(), input.size());
  }
  WipeMemory(secret.data(), secret.size());
  WipeMemory(block.data(), block.size());
  out.resize(size);
  return out;
}

}  // namespace remit::crypto
