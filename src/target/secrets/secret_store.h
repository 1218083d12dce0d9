// The built-in secret store: versions of secrets at paths, each sealed in an envelope of its own under the master key. It keeps and
// opens; whether somebody may is the broker's to decide, before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/master_key.h"
#include "store/store.h"

namespace remit::target::secrets {

struct Version {
  std::uint32_t number = 0;
  Time written{};
  Secret value;
};

// Thread-safe as far as its store is. What is a path at all is decided in task/secret_path.h; anything else is `bad-secret-path` in each call.
class SecretStore {
 public:
  SecretStore(store::Store& store, const crypto::MasterKey& master, Rng& rng) : store_(store), master_(master), rng_(rng) {}

  // The given version, or the newest. Errors: `no-such-secret`; `wrong-master-key`, `sealed-data-corrupt` (also for a row that was moved);
  // the store's.
  Result<Version> Read(std::string_view path, std::optional<std::uint32_t> version) const;

  // Adds to `batch` what writes `value` as the next version, which it answers; versions beyond limits::kSecretVersions go. Two writers
  // at once: one of the commits fails with `conflict`. Errors: `secret-too-large`, the store's.
  Result<std::uint32_t> PrepareWrite(std::string_view path, const Secret& value, Time now, store::Batch& batch) const;

  // Names directly below `folder` ("" for the root): secrets as they are, folders with a "/" behind. Errors: the store's.
  Result<std::vector<std::string>> List(std::string_view folder) const;

 private:
  Result<std::vector<std::uint32_t>> Versions(std::string_view path) const;

  store::Store& store_;
  const crypto::MasterKey& master_;
  Rng& rng_;
};

}  // namespace remit::target::secrets
