// What others are told of the keys: the sets that verify, and the list of all that are known.
#include <algorithm>
#include <initializer_list>

#include "broker/core.h"
#include "ledger/checkpoint.h"

namespace remit::broker {
namespace {

// One line of the list.
json::Object KeyJson(std::string_view name, std::string_view id, const crypto::VerifyKey& key, std::string_view state) {
  return {{"key", name}, {"kid", id}, {"state", state}, {"jwk", jose::PublicJwk(key, id)}};
}

void SetTime(json::Object& object, std::string_view name, const std::optional<Time>& time) {
  if (time) object.Set(name, FormatTime(*time));
}

}  // namespace

std::shared_ptr<const PublishedKeys> KeyRotation::Published() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

void KeyRotation::Publish() {
  auto published = std::make_shared<const PublishedKeys>(*core_.keys);
  const std::lock_guard lock(published_mutex_);
  published_ = std::move(published);
}

json::Value Broker::Jwks() const { return core_->key_rotation.Published()->ToJson(kAccessKey, core_->Now()); }

json::Value Broker::ReceiptJwks() const { return core_->key_rotation.Published()->ToJson(kReceiptKey, core_->Now()); }

json::Value KeyRotation::List() const {
  json::Array all;
  const Time now = core_.Now();
  for (const std::string_view name : {kAccessKey, kReceiptKey}) {
    const NamedKey& key = Of(name);
    json::Object signing = KeyJson(name, key.id, key.key.public_key(), key.distrusted ? "leaked" : "signing");
    SetTime(signing, "since", key.since);
    all.push_back(std::move(signing));
    for (auto old = core_.keys->old.rbegin(); old != core_.keys->old.rend(); ++old) {
      if (old->name != name || (!old->leaked && !old->PublishedAt(now))) continue;
      json::Object line = KeyJson(name, old->id, old->key, old->leaked ? "leaked" : "published");
      SetTime(line, "since", old->since);
      line.Set("until", FormatTime(old->until));
      SetTime(line, "published_until", old->published_until);
      all.push_back(std::move(line));
    }
  }
  const NamedKey& checkpoint = core_.keys->checkpoint;
  json::Object line = KeyJson(kCheckpointKey, checkpoint.id, checkpoint.key.public_key(), "signing");
  SetTime(line, "since", checkpoint.since);
  if (const auto verifier = ledger::NoteVerifier::Make(ledger::Origin(core_.installation), checkpoint.key.public_key()))
    line.Set("verifier", verifier->ToString());
  all.push_back(std::move(line));
  return json::Object{{"keys", std::move(all)}};
}

Result<json::Value> Broker::ListKeys(const Caller& by) const {
  REMIT_TRY(MayReadServer(by));
  return core_->Locked([&] { return Result<json::Value>(core_->key_rotation.List()); });
}

void KeyRotation::Tidy() {
  store::Batch batch;
  const Time now = core_.Stamp();
  std::erase_if(core_.keys->old, [&](const OldKey& old) {
    if (old.leaked || old.PublishedAt(now)) return false;
    json::Object event = core_.Event("key.unpublished", now);
    event.Set("key", old.name);
    event.Set("kid", old.id);
    core_.AddEvents(batch, {std::move(event)});
    batch.writes.push_back({store::Table::kKey, old.RowKey(), std::nullopt});
    return true;
  });
  if (batch.writes.empty()) return;
  Publish();
  core_.Commit(std::move(batch), [](const auto&) {});
}

}  // namespace remit::broker
