#include "broker/administer/published_keys.h"

namespace remit::broker {

PublishedKeys::PublishedKeys(const Keys& keys) {
  const auto add = [this](std::string_view name, const std::string& id, const crypto::VerifyKey& key, const std::optional<Time>& until) {
    keys_.push_back({std::string(name), {id, key}, jose::PublicJwk(key, id), until});
  };
  if (!keys.access.distrusted) add(kAccessKey, keys.access.id, keys.access.key.public_key(), std::nullopt);
  if (!keys.receipt.distrusted) add(kReceiptKey, keys.receipt.id, keys.receipt.key.public_key(), std::nullopt);
  for (const OldKey& old : keys.old)
    if (!old.leaked) add(old.name, old.id, old.key, old.published_until);
}

jose::JwkSet PublishedKeys::Set(std::string_view name, Time now) const {
  jose::JwkSet set;
  for (const Key& key : keys_)
    if (Fits(key, name, now)) set.Add(key.key.key, key.key.kid);
  return set;
}

json::Value PublishedKeys::ToJson(std::string_view name, Time now) const {
  json::Array all;
  for (const Key& key : keys_)
    if (Fits(key, name, now)) all.push_back(key.jwk);
  return json::Object{{"keys", std::move(all)}};
}

}  // namespace remit::broker
