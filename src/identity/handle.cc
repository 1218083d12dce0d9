// See handle.h.
#include "identity/handle.h"

#include <cstring>

#include "crypto/hash.h"

namespace remit::identity {

bool IsHandle(std::string_view text, std::string_view prefix) {
  constexpr std::size_t kLetters = 43;  // 256 bits in base64url
  if (text.size() != prefix.size() + kLetters || !text.starts_with(prefix)) return false;
  return Base64UrlDecode(text.substr(prefix.size())).has_value();
}

Hash HandleHash(std::string_view handle) { return crypto::Sha256(handle); }

std::string HandleKey(const Hash& hash) { return HexEncode(hash); }

std::size_t HandleHashHasher::operator()(const Hash& hash) const {
  std::size_t first;
  std::memcpy(&first, hash.data(), sizeof first);
  return first;
}

}  // namespace remit::identity
