// The installation's own signing keys. Each has one use, so that a signature for one can never pass as another:
// access tokens (ES256), receipts (ES256), checkpoints (Ed25519). Kept in the store, sealed under the master key.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "base/rng.h"
#include "crypto/key.h"
#include "crypto/master_key.h"
#include "crypto/seal.h"
#include "store/store.h"

namespace remit::broker {

struct NamedKey {
  std::string id;  // `kid`: the RFC 7638 thumbprint
  crypto::SigningKey key;
};

struct Keys {
  NamedKey access, receipt, checkpoint;
  crypto::SymmetricKey sealing;  // for credentials' passwords, derived from the master key
};

// Reads the keys, and makes and stores those that are missing. Errors: `wrong-master-key`, `sealed-data-corrupt`, the store's.
Result<Keys> OpenKeys(store::Store& store, const crypto::MasterKey& master, Rng& rng);

// The installation's id: 12 letters, made with the store, part of every name at a target. Also notes which master key the store is under.
// Errors: `wrong-master-key`, the store's.
Result<std::string> OpenInstallation(store::Store& store, const crypto::MasterKey& master, Rng& rng, Time now);

}  // namespace remit::broker
