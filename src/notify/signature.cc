#include "notify/signature.h"

#include <fmt/format.h>

#include "base/text.h"
#include "crypto/hash.h"

namespace remit::notify {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kLeastBytes = 24, kMostBytes = 64;

std::unexpected<Error> Bad() {
  return Fail(Code::kInvalidArgument, "bad-webhook-secret",
              "a webhook's secret is a line of `whsec_` and base64 of 24 to 64 bytes, or two such lines",
              "echo \"whsec_$(openssl rand -base64 32)\" > FILE; chmod 600 FILE");
}

}  // namespace

Result<std::vector<Secret>> ReadSigningSecrets(const Secret& file) {
  std::vector<Secret> keys;
  std::string_view rest = file.Reveal();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = Trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    if (!line.starts_with(kPrefix)) return Bad();
    Result<Bytes> key = Base64Decode(line.substr(kPrefix.size()));
    if (!key || key->size() < kLeastBytes || key->size() > kMostBytes || keys.size() == 2) return Bad();
    keys.emplace_back(AsText(*key));
    WipeMemory(key->data(), key->size());
  }
  if (keys.empty()) return Bad();
  return keys;
}

std::string Sign(const std::vector<Secret>& keys, std::string_view id, std::int64_t seconds, std::string_view body) {
  const std::string signed_text = fmt::format("{}.{}.{}", id, seconds, body);
  std::string signatures;
  for (const Secret& key : keys)
    signatures += fmt::format("{}v1,{}", signatures.empty() ? "" : " ", Base64Encode(crypto::HmacSha256(key.RevealBytes(), AsBytes(signed_text))));
  return signatures;
}

}  // namespace remit::notify
