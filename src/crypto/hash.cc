// Hashes over EVP. Algorithms are fetched once and contexts kept by each thread: fetching costs more than hashing a Merkle node.
// PBKDF2 is Nettle's: its state is two blocks on the stack, where OpenSSL 3's copies contexts in each of its thousands of rounds (2.5 times slower).
#include "crypto/hash.h"

#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>

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
  REMIT_CHECK(iterations >= 1 && iterations <= 1u << 31 && size > 0);
  hmac_sha256_ctx state;
  hmac_sha256_set_key(&state, password.size(), password.data());
  Bytes out(size);
  const auto update = [](void* context, std::size_t length, const std::uint8_t* data) {
    hmac_sha256_update(static_cast<hmac_sha256_ctx*>(context), length, data);
  };
  const auto digest = [](void* context, std::size_t length, std::uint8_t* to) {
    hmac_sha256_digest(static_cast<hmac_sha256_ctx*>(context), length, to);
  };
  pbkdf2(&state, update, digest, SHA256_DIGEST_SIZE, iterations, salt.size(), salt.data(), out.size(), out.data());
  WipeMemory(&state, sizeof state);
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
