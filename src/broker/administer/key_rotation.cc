// Signing keys are rotated: decided as every change of the server, one commit, and the old public key stays for as long as it is needed.
#include "broker/administer/key_rotation.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"
#include "ledger/checkpoint.h"

namespace remit::broker {
namespace {

// Keys that were rotated and are still published. Verifiers read sets of at most limits::kJwkSetKeys keys, two of which sign. Tokens' go with time;
// receipts' stay, so that this is sixteen years of rotating each quarter.
constexpr std::size_t kOldAccessKeys = 32, kOldReceiptKeys = 64;
static_assert(kOldAccessKeys + kOldReceiptKeys + 2 <= limits::kJwkSetKeys);

std::string IdempotencyKey(const AdminCall& call, const RotateRequest& request) {
  return request.idempotency_key.empty() ? "" : "rotate/" + call.by.uid.ToString() + "/" + request.idempotency_key;
}

// What was asked for, so that an idempotency key that comes back with another question is noticed.
json::Value QuestionOf(const RotateRequest& request) { return json::Object{{"key", request.key}, {"leaked", request.leaked}}; }

void SetTime(json::Object& object, std::string_view name, const std::optional<Time>& time) {
  if (time) object.Set(name, FormatTime(*time));
}

// What signed a receipt, and when, stays known. A key of tokens that is not trusted verifies nothing ever again.
bool StaysKnown(const OldKey& old) { return old.name != kAccessKey || !old.leaked; }

// One line of the list.
json::Object KeyJson(std::string_view name, std::string_view id, const crypto::VerifyKey& key, std::string_view state) {
  return {{"key", name}, {"kid", id}, {"state", state}, {"jwk", jose::PublicJwk(key, id)}};
}

}  // namespace

NamedKey& KeyRotation::Of(std::string_view name) const { return name == kAccessKey ? core_.keys->access : core_.keys->receipt; }

// --- what verifies -----------------------------------------------------------------------------------------------------------------------------

jose::JwkSet KeyRotation::Trusted(std::initializer_list<std::string_view> names) const {
  jose::JwkSet set;
  const Time now = core_.Now();
  for (const std::string_view name : names) {
    if (const NamedKey& key = Of(name); !key.distrusted) set.Add(key.key.public_key(), key.id);
    for (const OldKey& old : core_.keys->old)
      if (old.name == name && old.PublishedAt(now)) set.Add(old.key, old.id);
  }
  return set;
}

json::Value Broker::Jwks() const {
  return core_->Locked([&] { return json::Value(core_->key_rotation.Trusted({kAccessKey, kReceiptKey}).ToJson()); });
}

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
  if (!batch.writes.empty()) core_.Commit(std::move(batch), [](const auto&) {});
}

// --- rotating ----------------------------------------------------------------------------------------------------------------------------------

void Broker::RotateKey(const Caller& by, RotateRequest request, Answer<json::Value> answer) {
  // Not to trust a key any more gives nobody anything: it waits for nobody, and is the operator's, too.
  const AdminEffect effect = request.leaked ? AdminEffect::kTakesAway : AdminEffect::kGives;
  core_->Locked([&] { core_->key_rotation.Rotate({by, "key.rotate", {}, effect, nullptr}, request, std::move(answer)); });
}

void KeyRotation::RotateApproved(const AdminCall& call, Answer<json::Value> answer) {
  RotateRequest request;
  json::ObjectReader r(call.approved->content, "change");
  request.key = r.RequiredString("key");
  request.kid = r.RequiredString("kid");
  request.idempotency_key = r.OptionalString("idempotency_key").value_or("");
  if (Status read = r.Finish(); !read) return core_.Refuse(answer, std::move(read.error()));
  Rotate(call, request, std::move(answer));
}

void KeyRotation::Rotate(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  Result<std::optional<json::Value>> before = AnsweredBefore(call, request);
  if (!before) return refuse(std::move(before.error()));
  if (*before) return core_.Later([answer, before = **before] { answer(before); });
  // A store that hangs in the middle of a rotation keeps no leaked key alive.
  if (request.leaked && !request.dry_run && under_way_.contains(request.key) && LeakedOld(request) == nullptr) Of(request.key).distrusted = true;
  if (Status can = CanRotate(call, request); !can) return refuse(std::move(can.error()));
  if (OldKey* old = LeakedOld(request)) return DistrustOld(call, request, *old, std::move(answer));
  if (*needed > 0 && !request.dry_run) return Ask(call, *needed, request, std::move(answer));
  if (!request.dry_run) return Commit(call, request, std::move(answer));
  const Plan plan = MakePlan(request);
  json::Object would{{"key", request.key}, {"old", plan.old.id}, {"leaked", plan.old.leaked}, {"dry_run", true}, {"approvals_needed", *needed}};
  if (request.key == kAccessKey) would.Set("tokens", plan.tokens);
  SetTime(would, "published_until", plan.old.published_until);
  core_.Later([answer, would = std::move(would)] { answer(json::Value(would)); });
}

Result<std::optional<json::Value>> KeyRotation::AnsweredBefore(const AdminCall& call, const RotateRequest& request) const {
  const std::string key = IdempotencyKey(call, request);
  if (key.empty() || call.approved) return std::optional<json::Value>();
  REMIT_ASSIGN(const std::optional<std::string> row, core_.parts.store.Get(store::Table::kIdempotency, key));
  if (!row) return std::optional<json::Value>();
  REMIT_ASSIGN(const json::Value document, json::Parse(std::string_view(*row).substr(kIdempotencyTimeBytes)));
  const json::Value *asked = document.Find("asked"), *answered = document.Find("answer");
  if (asked == nullptr || answered == nullptr) return Fail(Code::kCorrupt, "store-corrupt", "an answer that was given cannot be read back");
  if (*asked != QuestionOf(request)) return Fail(Code::kConflict, "idempotency-key-reused", "this idempotency key was used for another question");
  return std::optional<json::Value>(*answered);
}

Status KeyRotation::CanRotate(const AdminCall& call, const RotateRequest& request) const {
  if (request.key == kCheckpointKey)
    return Fail(Code::kUnsupported, "key-not-rotatable", "the key of checkpoints is the ledger's name to everybody who kept one: it stays",
                "rotate `access` or `receipt`");
  if (request.key != kAccessKey && request.key != kReceiptKey)
    return Fail(Code::kInvalidArgument, "no-such-key", fmt::format("there is no key `{}` that is rotated", EscapeControl(request.key)),
                "these are: access, receipt");
  if (LeakedOld(request) != nullptr) return {};
  if (under_way_.contains(request.key))
    return Fail(Code::kConflict, "rotation-under-way", fmt::format("key `{}` is being rotated", request.key),
                request.leaked ? fmt::format("it is not trusted from now on; ask again with --kid {} when it is through", Of(request.key).id)
                               : "look at `remit key list`");
  const std::string& signs = Of(request.key).id;
  if (!request.kid.empty() && request.kid != signs)
    return Fail(Code::kConflict, "request-changed", fmt::format("`{}` does not sign any more: `{}` does", EscapeControl(request.kid), signs),
                call.approved ? "it was rotated since this was asked" : "look at `remit key list`");
  const auto kept = std::ranges::count_if(core_.keys->old, [&](const OldKey& old) { return old.name == request.key && !old.leaked; });
  if (!Leaked(request) && static_cast<std::size_t>(kept) >= (request.key == kAccessKey ? kOldAccessKeys : kOldReceiptKeys))
    return Fail(Code::kResourceExhausted, "too-many-keys", fmt::format("{} keys that were rotated are published still", kept),
                request.key == kAccessKey ? "wait until tokens are past their time: `remit key list` says when" : "");
  return {};
}

// What becomes of the key that signs now.
KeyRotation::Plan KeyRotation::MakePlan(const RotateRequest& request) const {
  const NamedKey& key = Of(request.key);
  const Time now = std::max(core_.last_event, core_.Now());
  Plan plan;
  plan.old = {request.key, key.id, key.key.public_key(), key.since, now, std::nullopt, Leaked(request)};
  if (request.key != kAccessKey) return plan;
  Time last = now;
  for (const auto& [id, credential] : core_.credentials.alive) {
    if (credential.record.target != kTokenTarget) continue;
    ++plan.tokens;
    last = std::max(last, credential.record.not_after);
  }
  if (!plan.old.leaked) plan.old.published_until = last + limits::kClockSkew;
  return plan;
}

// It names the key that goes: a yes is to that one.
void KeyRotation::Ask(const AdminCall& call, std::uint32_t needed, const RotateRequest& request, Answer<json::Value> answer) {
  json::Object content{{"key", request.key}, {"kid", Of(request.key).id}};
  json::Object shown = content;
  if (!request.idempotency_key.empty()) content.Set("idempotency_key", request.idempotency_key);
  const auto told = [answer](const std::string& id) { answer(json::Value(json::Object{{"approval", id}})); };
  if (const ChangeRequest* same = core_.change_requests.FindSame(call, content)) return core_.Later([told, id = same->id] { told(id); });
  core_.change_requests.Ask(call, needed, std::move(content), std::move(shown), {}, [answer, told](Result<std::string> asked) {
    if (!asked) return answer(std::unexpected(std::move(asked.error())));
    told(*asked);
  });
}

// The key that was rotated before and is said to have leaked; null: it is the one that signs that goes.
OldKey* KeyRotation::LeakedOld(const RotateRequest& request) const {
  if (!request.leaked || request.kid.empty() || request.kid == Of(request.key).id) return nullptr;
  const auto old = std::ranges::find_if(core_.keys->old, [&](const OldKey& one) { return one.name == request.key && one.id == request.kid; });
  return old == core_.keys->old.end() ? nullptr : &*old;
}

// Takes away: before the commit.
void KeyRotation::DistrustOld(const AdminCall& call, const RotateRequest& request, OldKey& old, Answer<json::Value> answer) {
  const Time now = core_.Stamp();
  json::Object made{{"key", old.name}, {"old", old.id}, {"leaked", true}};
  if (request.dry_run) {
    made.Set("dry_run", true);
    return core_.Later([answer, made = std::move(made)] { answer(json::Value(made)); });
  }
  old.leaked = true;
  store::Batch batch;
  batch.must_fit = true;
  store::Write row{store::Table::kKey, old.RowKey(), std::nullopt};
  if (StaysKnown(old)) row = old.Row(core_.parts.master_key, core_.parts.rng);
  batch.writes.push_back(std::move(row));
  json::Object event = core_.Event("key.distrusted", now);
  event.Set("key", old.name);
  event.Set("kid", old.id);
  event.Set("by", call.by.uid.ToString());
  core_.AddEvents(batch, {std::move(event)});
  core_.Commit(std::move(batch), [this, answer, made = std::move(made)](const auto& committed) mutable {
    if (!committed) return core_.Refuse(answer, committed.error());
    core_.Later([answer, made = std::move(made)] { answer(json::Value(made)); });
  });
}

// Nothing that the key of tokens signed, or an earlier one, is trusted any more. Of receipts' this one alone is meant: another is called by its kid.
void KeyRotation::Distrust(NamedKey& key, std::string_view name, store::Batch& batch) {
  key.distrusted = true;
  if (name != kAccessKey) return;
  for (OldKey& old : core_.keys->old) {
    if (old.name != kAccessKey) continue;
    old.leaked = true;
    batch.writes.push_back({store::Table::kKey, old.RowKey(), std::nullopt});
  }
}

void KeyRotation::Commit(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer) {
  const Time now = core_.Stamp();
  Plan plan = MakePlan(request);
  NamedKey& key = Of(request.key);
  store::Batch batch;
  batch.must_fit = plan.old.leaked;
  batch.expects.push_back({store::Table::kKey, request.key, key.row});  // the store has the key that memory has
  NamedKey next = MakeKey(request.key, crypto::KeyType::kEs256, core_.parts.master_key, core_.parts.rng, now, batch);
  const bool stays = StaysKnown(plan.old);
  if (stays) batch.writes.push_back(plan.old.Row(core_.parts.master_key, core_.parts.rng));
  if (plan.old.leaked) Distrust(key, request.key, batch);  // takes away: before the commit
  json::Object made{{"key", request.key}, {"old", plan.old.id}, {"new", next.id}, {"since", FormatTime(now)}, {"leaked", plan.old.leaked}};
  SetTime(made, "published_until", plan.old.published_until);
  json::Object event = core_.Event("key.rotated", now);
  for (const auto& [name, value] : made)
    if (name != "since") event.Set(name, value);
  event.Set("by", call.by.uid.ToString());
  if (request.key == kAccessKey) made.Set("tokens", plan.tokens);
  if (const std::string idempotency = IdempotencyKey(call, request); !idempotency.empty()) {
    const json::Value row = json::Object{{"asked", QuestionOf(request)}, {"answer", made}};
    batch.expects.push_back({store::Table::kIdempotency, idempotency, std::nullopt});
    batch.writes.push_back({store::Table::kIdempotency, idempotency, IdempotencyRow(now, json::Write(row))});
  }
  core_.change_requests.Settle(call, batch);
  core_.AddEvents(batch, {std::move(event)});
  under_way_.insert(request.key);
  core_.Commit(std::move(batch), [this, call, answer, stays, old = std::move(plan.old), next = std::move(next), made](const auto& committed) mutable {
    under_way_.erase(old.name);
    if (!committed) {
      core_.change_requests.Unsettle(call);
      return core_.Refuse(answer, committed.error());
    }
    core_.change_requests.Settled(call);
    old.leaked = old.leaked || (stays && Of(old.name).distrusted);  // said while this was on its way: whoever said so asks again
    Of(old.name) = std::move(next);
    std::erase_if(core_.keys->old, [](const OldKey& one) { return !StaysKnown(one); });
    if (stays) core_.keys->old.push_back(std::move(old));
    core_.Later([answer, made = std::move(made)] { answer(json::Value(made)); });
  });
}

}  // namespace remit::broker
