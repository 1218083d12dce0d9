// Any bytes are a token that is refused; any bytes are claims that are read or refused, and survive being written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "jose/client_assertion.h"
#include "jose/jwt.h"
#include "json/read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  static const jose::JwkSet trusted = [] {
    jose::JwkSet set;
    set.Add(crypto::SigningKey::Generate(crypto::KeyType::kEs256).public_key());
    return set;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  REMIT_CHECK(!jose::VerifyCompact(text, trusted, jose::TypPolicy::Ignore()).has_value());
  (void)jose::PeekClientId(text);
  if (const auto value = json::Parse(text); value) {
    if (const auto claims = jose::ClaimsFromJson(*value); claims) REMIT_CHECK(jose::ClaimsFromJson(jose::ClaimsToJson(*claims)).has_value());
  }
  return 0;
}
