// Any bytes are a key that is read or refused, and what was read survives being written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "jose/jwk.h"
#include "json/read.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Anything else is PEM, whose reader is slow, and OpenSSL's.
  if (text.starts_with("{") || text.starts_with("-----BEGIN")) (void)jose::ParseSigningKey(Secret(text));
  const auto value = json::Parse(text);
  if (!value) return 0;
  (void)jose::JwkSet::Parse(*value);
  if (const auto key = jose::ParsePublicJwk(*value); key) {
    const auto again = jose::ParsePublicJwk(jose::PublicJwk(key->key));
    REMIT_CHECK(again.has_value() && again->key == key->key);
  }
  return 0;
}
