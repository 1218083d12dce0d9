#include "base/rng.h"

#include <sys/random.h>

#include <cerrno>

namespace remit {

void SystemRng::Fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    REMIT_CHECK(got > 0);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void SeededRng::Fill(std::span<std::uint8_t> out) {
  std::lock_guard lock(mutex_);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
}

Secret RandomSecret(Rng& rng, std::string_view prefix, std::size_t bytes) {
  Bytes random = rng.Take(bytes);
  std::string text(prefix);
  std::string body = Base64UrlEncode(random);
  text += body;
  Secret secret(text);
  WipeMemory(random.data(), random.size());
  WipeMemory(body.data(), body.size());
  WipeMemory(text.data(), text.size());
  return secret;
}

}  // namespace remit
