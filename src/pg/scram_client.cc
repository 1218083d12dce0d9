// RFC 5802 §3: ClientProof := ClientKey XOR HMAC(H(ClientKey), AuthMessage).
#include "pg/scram_client.h"

#include <charconv>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace remit::pg {
namespace {

constexpr std::string_view kHeader = "n,,";  // no channel binding
constexpr std::string_view kHeaderBase64 = "biws";
constexpr std::uint32_t kMaxIterations = 10'000'000;  // a server that asks for more means to keep us busy

std::unexpected<Error> Bad(std::string_view what) {
  return Fail(Code::kUnavailable, "bad-scram", fmt::format("the server's SCRAM message {}", what));
}

}  // namespace

ScramKeys ScramKeys::Derive(const Secret& password, ByteView salt, std::uint32_t iterations) {
  ScramKeys keys;
  keys.salt_ = Bytes(salt.begin(), salt.end());
  keys.iterations_ = iterations;
  Bytes salted = crypto::Pbkdf2HmacSha256(password.RevealBytes(), salt, iterations, 32);
  keys.salted_ = Secret(AsText(salted));
  WipeMemory(salted.data(), salted.size());
  return keys;
}

std::string ScramKeys::Verifier() const {
  Hash client_key = crypto::HmacSha256(salted(), AsBytes("Client Key"));
  const Hash stored_key = crypto::Sha256(client_key), server_key = crypto::HmacSha256(salted(), AsBytes("Server Key"));
  WipeMemory(client_key.data(), client_key.size());
  return fmt::format("SCRAM-SHA-256${}:{}${}:{}", iterations_, Base64Encode(salt_), Base64Encode(stored_key), Base64Encode(server_key));
}

bool ScramKeys::IsFor(ByteView salt, std::uint32_t iterations) const { return iterations == iterations_ && ConstantTimeEquals(salt, salt_); }

ScramClient::ScramClient(Secret password, std::string nonce, const ScramKeys* keys)
    : password_(std::move(password)), nonce_(std::move(nonce)), keys_(keys) {
  REMIT_CHECK(nonce_.size() >= 18 && nonce_.find(',') == std::string::npos);
}

std::string ScramClient::First() const { return fmt::format("{}n=,r={}", kHeader, nonce_); }  // the name is in the startup packet

Result<std::string> ScramClient::Final(std::string_view server_first) {
  const std::vector<std::string> parts = Split(server_first, ',');
  if (parts.size() != 3 || !parts[0].starts_with("r=") || !parts[1].starts_with("s=") || !parts[2].starts_with("i=")) return Bad("is malformed");
  const std::string_view nonce = std::string_view(parts[0]).substr(2), count = std::string_view(parts[2]).substr(2);
  if (!nonce.starts_with(nonce_) || nonce.size() == nonce_.size()) return Bad("answers another nonce");
  const auto salt = Base64Decode(std::string_view(parts[1]).substr(2));
  std::uint32_t iterations = 0;
  const auto read = std::from_chars(count.data(), count.data() + count.size(), iterations);
  if (!salt || salt->empty()) return Bad("has no salt");
  if (read.ec != std::errc() || read.ptr != count.data() + count.size() || iterations < 1 || iterations > kMaxIterations)
    return Bad("asks for an impossible number of iterations");

  const ScramKeys keys = keys_ != nullptr && keys_->IsFor(*salt, iterations) ? *keys_ : ScramKeys::Derive(password_, *salt, iterations);
  Hash client_key = crypto::HmacSha256(keys.salted(), AsBytes("Client Key"));
  const Hash server_key = crypto::HmacSha256(keys.salted(), AsBytes("Server Key"));
  const std::string without_proof = fmt::format("c={},r={}", kHeaderBase64, nonce);
  const std::string auth = fmt::format("n=,r={},{},{}", nonce_, server_first, without_proof);
  const Hash signature = crypto::HmacSha256(crypto::Sha256(client_key), AsBytes(auth));
  expected_signature_ = Base64Encode(crypto::HmacSha256(server_key, AsBytes(auth)));
  Hash proof = client_key;
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] ^= signature[i];
  WipeMemory(client_key.data(), client_key.size());
  return fmt::format("{},p={}", without_proof, Base64Encode(proof));
}

bool ScramClient::Verify(std::string_view server_final) const {
  return !expected_signature_.empty() && server_final.starts_with("v=") &&
         ConstantTimeEquals(AsBytes(server_final.substr(2)), AsBytes(expected_signature_));
}

}  // namespace remit::pg
