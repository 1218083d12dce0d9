// SCRAM verifiers: RFC 5802 §3 with SHA-256.
#include "crypto/scram.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "crypto/hash.h"

namespace remit::crypto {
namespace {

constexpr std::uint32_t kMaxIterations = 10'000'000;  // a verifier that asks for more is meant to keep us busy

std::unexpected<Error> BadVerifier() { return Fail(Code::kInvalidArgument, "bad-verifier", "not a SCRAM-SHA-256 verifier"); }

}  // namespace

Result<std::string> ScramSha256Verifier(const Secret& password, ByteView salt, std::uint32_t iterations) {
  const std::string_view text = password.Reveal();
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }))
    return Fail(Code::kInvalidArgument, "bad-password", "the password is empty or has characters other than printable ASCII");
  REMIT_CHECK(!salt.empty() && iterations >= 1);
  Bytes salted = Pbkdf2HmacSha256(password.RevealBytes(), salt, iterations, 32);
  Hash client_key = HmacSha256(salted, AsBytes("Client Key"));
  const Hash stored_key = Sha256(client_key);
  const Hash server_key = HmacSha256(salted, AsBytes("Server Key"));
  WipeMemory(salted.data(), salted.size());
  WipeMemory(client_key.data(), client_key.size());
  return fmt::format("SCRAM-SHA-256${}:{}${}:{}", iterations, Base64Encode(salt), Base64Encode(stored_key), Base64Encode(server_key));
}

Result<bool> ScramSha256Matches(std::string_view verifier, const Secret& password) {
  const std::vector<std::string> parts = Split(verifier, '$');
  if (parts.size() != 3 || parts[0] != "SCRAM-SHA-256") return BadVerifier();
  const std::size_t colon = parts[1].find(':');
  std::uint32_t iterations = 0;
  const auto read = std::from_chars(parts[1].data(), parts[1].data() + std::min(colon, parts[1].size()), iterations);
  if (colon == std::string::npos || read.ec != std::errc() || read.ptr != parts[1].data() + colon || iterations < 1 || iterations > kMaxIterations)
    return BadVerifier();
  const auto salt = Base64Decode(std::string_view(parts[1]).substr(colon + 1));
  if (!salt || salt->empty()) return BadVerifier();
  REMIT_ASSIGN(const std::string again, ScramSha256Verifier(password, *salt, iterations));
  return ConstantTimeEquals(AsBytes(again), AsBytes(verifier));
}

}  // namespace remit::crypto
