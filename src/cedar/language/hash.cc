#include "cedar/language/hash.h"

#include <array>

#include "base/rng.h"

namespace remit::cedar {

HashSecrets MakeHashSecrets() {
  std::array<std::uint8_t, 2 * sizeof(std::uint64_t)> random;
  SystemRng().Fill(random);
  HashSecrets secrets;
  std::memcpy(&secrets.first, random.data(), sizeof secrets.first);
  std::memcpy(&secrets.second, random.data() + sizeof secrets.first, sizeof secrets.second);
  return secrets;
}

}  // namespace remit::cedar
