// Where randomness comes from.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>

#include "base/bytes.h"
#include "base/secret.h"

namespace remit {

// Thread-safe.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual void Fill(std::span<std::uint8_t> out) = 0;

  Bytes Take(std::size_t count) {
    Bytes bytes(count);
    Fill(bytes);
    return bytes;
  }
};

// The kernel's generator (getrandom). Aborts where the kernel has none.
class SystemRng final : public Rng {
 public:
  void Fill(std::span<std::uint8_t> out) override;
};

// For tests: the same seed gives the same bytes.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : engine_(seed) {}
  void Fill(std::span<std::uint8_t> out) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

// A secret of `bytes` random bytes in base64url behind `prefix`, e.g. "rmt_…".
Secret RandomSecret(Rng& rng, std::string_view prefix, std::size_t bytes = 32);

}  // namespace remit
