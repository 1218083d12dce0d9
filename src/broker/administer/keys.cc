#include "broker/keys.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>

#include "base/time.h"
#include "crypto/envelope.h"
#include "crypto/seal.h"
#include "jose/jwk.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {
namespace {

Bytes ContextOf(std::string_view name) { return crypto::AssociatedData({"remit signing key v1", name}); }

std::string SinceKey(std::string_view name) { return fmt::format("since/{}", name); }
std::string OldPrefix(std::string_view name) { return fmt::format("old/{}/", name); }

Result<std::optional<Time>> SinceOf(store::Store& store, std::string_view name) {
  REMIT_ASSIGN(const std::optional<std::string> row, store.Get(store::Table::kKey, SinceKey(name)));
  if (!row) return std::optional<Time>();
  return std::optional<Time>(FromMicros(std::strtoll(row->c_str(), nullptr, 10)));
}

// The one that is there, if any.
Result<std::optional<NamedKey>> ReadKey(store::Store& store, const crypto::MasterKey& master, std::string_view name, crypto::KeyType type) {
  REMIT_ASSIGN(std::optional<std::string> row, store.Get(store::Table::kKey, name));
  if (!row) return std::optional<NamedKey>();
  REMIT_ASSIGN(crypto::Envelope envelope, crypto::DecodeEnvelope(AsBytes(*row)));
  REMIT_ASSIGN(Secret bytes, crypto::OpenEnvelope(master, envelope, ContextOf(name)));
  REMIT_ASSIGN(crypto::SigningKey key, crypto::SigningKey::FromPrivateBytes(type, bytes.RevealBytes()));
  std::string id = jose::Thumbprint(key.public_key());
  REMIT_ASSIGN(const std::optional<Time> since, SinceOf(store, name));
  return std::optional(NamedKey{std::move(id), std::move(key), since, *std::move(row)});
}

Result<NamedKey> OpenKey(store::Store& store, const crypto::MasterKey& master, Rng& rng, std::string_view name, crypto::KeyType type, Time now) {
  REMIT_ASSIGN(std::optional<NamedKey> there, ReadKey(store, master, name, type));
  if (there) return *std::move(there);
  store::Batch batch;
  batch.expects.push_back({store::Table::kKey, std::string(name), std::nullopt});
  NamedKey made = MakeKey(name, type, master, rng, now, batch);
  REMIT_TRY(store.CommitNow(std::move(batch)));
  return made;
}

Bytes OldContextOf(std::string_view name, std::string_view id) { return crypto::AssociatedData({"remit old signing key v1", name, id}); }

Result<OldKey> OldFromRow(const crypto::MasterKey& master, std::string_view name, std::string_view id, std::string_view row) {
  REMIT_ASSIGN(const crypto::Envelope envelope, crypto::DecodeEnvelope(AsBytes(row)));
  REMIT_ASSIGN(const Secret text, crypto::OpenEnvelope(master, envelope, OldContextOf(name, id)));
  REMIT_ASSIGN(const json::Value document, json::Parse(text.Reveal()));
  OldKey old;
  json::ObjectReader r(document, "key");
  const json::Value jwk = r.RequiredValue("jwk");
  const auto since = r.OptionalInt("since"), published_until = r.OptionalInt("published_until");
  old.until = FromMicros(r.RequiredInt("until"));
  old.leaked = r.OptionalBool("leaked").value_or(false);
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(jose::NamedKey key, jose::ParsePublicJwk(jwk));
  // By its name a signature is laid to it: it is made from the key, and no row says otherwise.
  if (key.kid != id || jose::Thumbprint(key.key) != id) return Fail(Code::kCorrupt, "store-corrupt", "a key is in the place of another");
  old.name = name;
  old.id = id;
  old.key = std::move(key.key);
  if (since) old.since = FromMicros(*since);
  if (published_until) old.published_until = FromMicros(*published_until);
  return old;
}

Status LoadOld(store::Store& store, const crypto::MasterKey& master, std::string_view name, std::vector<OldKey>& keys) {
  Status read;
  const std::string prefix = OldPrefix(name);
  REMIT_TRY(store.Scan(store::Table::kKey, prefix, [&](std::string_view key, std::string_view row) {
    Result<OldKey> old = OldFromRow(master, name, key.substr(prefix.size()), row);
    if (!old) {
      read = Fail(Code::kCorrupt, "store-corrupt", fmt::format("key `{}`: {}", key, old.error().message));
      return false;
    }
    keys.push_back(*std::move(old));
    return true;
  }));
  return read;
}

}  // namespace

std::string OldKey::RowKey() const { return OldPrefix(name) + id; }

store::Write OldKey::Row(const crypto::MasterKey& master, Rng& rng) const {
  json::Object row{{"jwk", jose::PublicJwk(key)}, {"until", Micros(until)}};
  if (since) row.Set("since", Micros(*since));
  if (published_until) row.Set("published_until", Micros(*published_until));
  if (leaked) row.Set("leaked", true);
  const std::string text = json::Canonical(row);
  return {store::Table::kKey, RowKey(), ToText(crypto::EncodeEnvelope(crypto::SealEnvelope(master, AsBytes(text), OldContextOf(name, id), rng)))};
}

NamedKey MakeKey(std::string_view name, crypto::KeyType type, const crypto::MasterKey& master, Rng& rng, Time now, store::Batch& batch) {
  NamedKey made;
  made.key = crypto::SigningKey::Generate(type);
  made.id = jose::Thumbprint(made.key.public_key());
  made.since = now;
  const Secret bytes = made.key.PrivateBytes();
  made.row = ToText(crypto::EncodeEnvelope(crypto::SealEnvelope(master, bytes.RevealBytes(), ContextOf(name), rng)));
  batch.writes.push_back({store::Table::kKey, std::string(name), made.row});
  batch.writes.push_back({store::Table::kKey, SinceKey(name), std::to_string(Micros(now))});
  batch.writes.push_back({store::Table::kMeta, std::string(kKeysRow), fmt::format("made {}", made.id)});
  return made;
}

Result<Keys> OpenKeys(store::Store& store, const crypto::MasterKey& master, Rng& rng, Time now) {
  Keys keys{.access = {}, .receipt = {}, .checkpoint = {}, .old = {}, .sealing = master.Derive("remit credentials v1")};
  REMIT_ASSIGN(keys.access, OpenKey(store, master, rng, kAccessKey, crypto::KeyType::kEs256, now));
  REMIT_ASSIGN(keys.receipt, OpenKey(store, master, rng, kReceiptKey, crypto::KeyType::kEs256, now));
  REMIT_ASSIGN(keys.checkpoint, OpenKey(store, master, rng, kCheckpointKey, crypto::KeyType::kEd25519, now));
  for (const std::string_view name : {kAccessKey, kReceiptKey}) REMIT_TRY(LoadOld(store, master, name, keys.old));
  std::ranges::stable_sort(keys.old, {}, &OldKey::until);
  return keys;
}

Result<NamedKey> ToSign(const NamedKey& key) {
  if (!key.distrusted) return key;
  return Fail(Code::kUnavailable, "key-not-trusted", fmt::format("key `{}` is said to have leaked, and the next one is not written down yet", key.id),
              "rotate it again: `remit key rotate`");
}

Result<std::vector<std::string>> TrustedReceiptKeys(store::Store& store, const crypto::MasterKey& master) {
  std::vector<OldKey> old;
  std::vector<std::string> trusted;
  REMIT_ASSIGN(const std::optional<NamedKey> signing, ReadKey(store, master, kReceiptKey, crypto::KeyType::kEs256));
  REMIT_TRY(LoadOld(store, master, kReceiptKey, old));
  if (signing) trusted.push_back(signing->id);
  for (const OldKey& one : old)
    if (!one.leaked) trusted.push_back(one.id);
  std::ranges::sort(trusted);
  return trusted;
}

Result<std::vector<std::string>> TrustReceiptKeys(store::Store& store, const crypto::MasterKey& master, Rng& rng,
                                                  const std::vector<std::string>& trusted, Time now, store::Batch& batch) {
  std::vector<OldKey> old;
  std::vector<std::string> distrusted;
  REMIT_ASSIGN(const std::optional<NamedKey> signing, ReadKey(store, master, kReceiptKey, crypto::KeyType::kEs256));
  REMIT_TRY(LoadOld(store, master, kReceiptKey, old));
  if (signing && std::ranges::count(trusted, signing->id) == 0) {
    old.push_back({std::string(kReceiptKey), signing->id, signing->key.public_key(), signing->since, now, std::nullopt, false});
    batch.writes.push_back({store::Table::kKey, std::string(kReceiptKey), std::nullopt});
    batch.writes.push_back({store::Table::kKey, SinceKey(kReceiptKey), std::nullopt});
  }
  for (OldKey& one : old) {
    if (one.leaked || std::ranges::count(trusted, one.id) > 0) continue;
    one.leaked = true;
    batch.writes.push_back(one.Row(master, rng));
    distrusted.push_back(one.id);
  }
  return distrusted;
}

Status ForgetKeys(store::Store& store, std::string_view name, store::Batch& batch) {
  const auto forget = [&](std::string key) { batch.writes.push_back({store::Table::kKey, std::move(key), std::nullopt}); };
  forget(std::string(name));
  forget(SinceKey(name));
  return store.Scan(store::Table::kKey, OldPrefix(name), [&](std::string_view key, std::string_view) {
    forget(std::string(key));
    return true;
  });
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
