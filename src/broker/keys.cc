#include "broker/keys.h"

#include <fmt/format.h>

#include "base/time.h"
#include "crypto/envelope.h"
#include "crypto/seal.h"
#include "jose/jwk.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {
namespace {

Bytes ContextOf(std::string_view name) { return crypto::AssociatedData({"remit signing key v1", name}); }

Result<NamedKey> OpenKey(store::Store& store, const crypto::MasterKey& master, Rng& rng, const std::string& name, crypto::KeyType type) {
  REMIT_ASSIGN(std::optional<std::string> row, store.Get(store::Table::kKey, name));
  crypto::SigningKey key;
  if (row) {
    REMIT_ASSIGN(crypto::Envelope envelope, crypto::DecodeEnvelope(AsBytes(*row)));
    REMIT_ASSIGN(Secret bytes, crypto::OpenEnvelope(master, envelope, ContextOf(name)));
    REMIT_ASSIGN(key, crypto::SigningKey::FromPrivateBytes(type, bytes.RevealBytes()));
  } else {
    key = crypto::SigningKey::Generate(type);
    Secret bytes = key.PrivateBytes();
    store::Batch batch;
    batch.expects.push_back({store::Table::kKey, name, std::nullopt});
    batch.writes.push_back(
        {store::Table::kKey, name, ToText(crypto::EncodeEnvelope(crypto::SealEnvelope(master, bytes.RevealBytes(), ContextOf(name), rng)))});
    REMIT_TRY(store.CommitNow(std::move(batch)));
  }
  std::string id = jose::Thumbprint(key.public_key());
  return NamedKey{std::move(id), std::move(key)};
}

}  // namespace

Result<Keys> OpenKeys(store::Store& store, const crypto::MasterKey& master, Rng& rng) {
  Keys keys{.access = {}, .receipt = {}, .checkpoint = {}, .sealing = master.Derive("remit credentials v1")};
  REMIT_ASSIGN(keys.access, OpenKey(store, master, rng, "access", crypto::KeyType::kEs256));
  REMIT_ASSIGN(keys.receipt, OpenKey(store, master, rng, "receipt", crypto::KeyType::kEs256));
  REMIT_ASSIGN(keys.checkpoint, OpenKey(store, master, rng, "checkpoint", crypto::KeyType::kEd25519));
  return keys;
}

Result<std::string> OpenInstallation(store::Store& store, const crypto::MasterKey& master, Rng& rng, Time now) {
  REMIT_ASSIGN(std::optional<std::string> key_id, store.Get(store::Table::kMeta, "master-key"));
  if (key_id && *key_id != master.id())
    return Fail(Code::kFailedPrecondition, "wrong-master-key",
                fmt::format("the store is sealed under master key `{}`, this one is `{}`", *key_id, master.id()),
                "set master_key_file to the key that the store was made with");
  REMIT_ASSIGN(std::optional<std::string> installation, store.Get(store::Table::kMeta, "installation"));
  if (installation) return *installation;
  Bytes random = rng.Take(8);
  std::string id = Base32Encode(random).substr(0, 12);
  store::Batch batch;
  batch.expects.push_back({store::Table::kMeta, "installation", std::nullopt});
  batch.writes.push_back({store::Table::kMeta, "installation", id});
  batch.writes.push_back({store::Table::kMeta, "master-key", master.id()});
  batch.writes.push_back({store::Table::kMeta, "epoch", "1"});
  batch.events.push_back(json::Canonical(json::Object{{"type", "installation.made"}, {"time", FormatTime(now)}, {"installation", id}, {"epoch", 1}}));
  REMIT_TRY(store.CommitNow(std::move(batch)));
  return id;
}

}  // namespace remit::broker
