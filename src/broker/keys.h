// The installation's own signing keys. Each has one use, so that a signature for one can never pass as another:
// access tokens (ES256), receipts (ES256), checkpoints (Ed25519). Kept in the store, sealed under the master key. Of a key that was rotated
// (key_rotation.h) the public half stays, for as long as something that it signed is to be verified.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "crypto/key.h"
#include "crypto/master_key.h"
#include "crypto/seal.h"
#include "store/store.h"

namespace remit::broker {

inline constexpr std::string_view kAccessKey = "access", kReceiptKey = "receipt", kCheckpointKey = "checkpoint";

struct NamedKey {
  std::string id;  // `kid`: the RFC 7638 thumbprint
  crypto::SigningKey key;
  std::optional<Time> since;  // nothing: of a store of before that was written down
  std::string row;            // as it stands in the store, sealed
  bool distrusted = false;    // it has leaked, and the next one is not written down yet: signs nothing, verifies nothing
};

// A key that signs no more. Its private half is gone.
struct OldKey {
  std::string name;  // kAccessKey or kReceiptKey
  std::string id;
  crypto::VerifyKey key;
  std::optional<Time> since;
  Time until{};
  std::optional<Time> published_until;  // nothing: for as long as there is the store
  bool leaked = false;                  // known, and neither published nor trusted

  bool PublishedAt(Time now) const { return !leaked && (!published_until || now < *published_until); }
  // What signed a receipt, and when, is told for as long as there is room. A key of tokens that is not trusted verifies nothing ever again.
  bool StaysKnown() const { return name != kAccessKey || !leaked; }
  std::string RowKey() const;
  // Sealed under the master key: whoever can write the store alone makes nothing that he signed himself be trusted.
  store::Write Row(const crypto::MasterKey& master, Rng& rng) const;
};

struct Keys {
  NamedKey access, receipt, checkpoint;
  std::vector<OldKey> old;       // of access and receipt, in the order in which they went
  crypto::SymmetricKey sealing;  // for credentials' passwords, derived from the master key
};

// Reads the keys, and makes and stores those that are missing. Errors: `wrong-master-key`, `sealed-data-corrupt`, `store-corrupt`, the store's.
Result<Keys> OpenKeys(store::Store& store, const crypto::MasterKey& master, Rng& rng, Time now);

// A new key of this name, as the rows that put it in the place of what is there. Not stored yet.
NamedKey MakeKey(std::string_view name, crypto::KeyType type, const crypto::MasterKey& master, Rng& rng, Time now, store::Batch& batch);

// The key to sign with. Errors: `key-not-trusted`.
Result<NamedKey> ToSign(const NamedKey& key);

// The row of store::Table::kMeta that says something else after each change of what is trusted, so that TrustedReceiptKeys is asked only then.
inline constexpr std::string_view kKeysRow = "signing-keys";

// The kids of keys of receipts that verify, sorted. Nothing is made. Errors: OpenKeys's.
Result<std::vector<std::string>> TrustedReceiptKeys(store::Store& store, const crypto::MasterKey& master);

// Adds to the batch what takes their trust from all keys of receipts but these; where the one that signs is among them, the next OpenKeys makes
// another. Answers the kids of those that were trusted. Errors: OpenKeys's.
Result<std::vector<std::string>> TrustReceiptKeys(store::Store& store, const crypto::MasterKey& master, Rng& rng,
                                                  const std::vector<std::string>& trusted, Time now, store::Batch& batch);

// Forgets every key of this name, in the batch: the next OpenKeys makes another, and nothing that was signed before is verified. Errors: the store's.
Status ForgetKeys(store::Store& store, std::string_view name, store::Batch& batch);

// The installation's id: 12 letters, made with the store, part of every name at a target. Also notes which master key the store is under.
// Errors: `wrong-master-key`, the store's.
Result<std::string> OpenInstallation(store::Store& store, const crypto::MasterKey& master, Rng& rng, Time now);

}  // namespace remit::broker
