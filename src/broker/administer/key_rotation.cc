// Signing keys are rotated: decided as every change of the server, one commit, and the old public key stays for as long as it is needed.
#include "broker/administer/key_rotation.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {
namespace {

// Keys that were rotated and are still published. Verifiers read sets of at most limits::kJwkSetKeys keys, one of which signs. Tokens' go with time;
// receipts' stay, so that this is sixteen years of rotating each quarter.
constexpr std::size_t kOldAccessKeys = 32, kOldReceiptKeys = 64;
static_assert(std::max(kOldAccessKeys, kOldReceiptKeys) + 1 <= limits::kJwkSetKeys);

std::string IdempotencyKey(const AdminCall& call, const RotateRequest& request) {
  return request.idempotency_key.empty() ? "" : "rotate/" + request.key + "/" + call.by.uid.ToString() + "/" + request.idempotency_key;
}

// What was asked for, so that an idempotency key that comes back with another question is noticed. A yes names the key that goes also where whoever
// asked for it did not.
json::Value QuestionOf(const AdminCall& call, const RotateRequest& request) {
  json::Object question{{"key", request.key}, {"leaked", request.leaked}};
  if (call.approved ? call.approved->content.Find("named") != nullptr : !request.kid.empty()) question.Set("kid", request.kid);
  if (request.dry_run) question.Set("dry_run", true);
  return question;
}

// Errors: `key-not-rotatable`, `no-such-key`.
Status IsRotatable(std::string_view key) {
  if (key == kCheckpointKey)
    return Fail(Code::kUnsupported, "key-not-rotatable", "the key of checkpoints is the ledger's name to everybody who kept one: it stays",
                "rotate `access` or `receipt`");
  if (key != kAccessKey && key != kReceiptKey)
    return Fail(Code::kInvalidArgument, "no-such-key", fmt::format("there is no key `{}` that is rotated", EscapeControl(key)),
                "these are: access, receipt");
  return {};
}

void SetTime(json::Object& object, std::string_view name, const std::optional<Time>& time) {
  if (time) object.Set(name, FormatTime(*time));
}

}  // namespace

NamedKey& KeyRotation::Of(std::string_view name) const { return name == kAccessKey ? core_.keys->access : core_.keys->receipt; }

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
  (void)r.OptionalBool("named");  // whether whoever asked named the key: QuestionOf
  if (Status read = r.Finish(); !read) return core_.Refuse(answer, std::move(read.error()));
  Rotate(call, request, std::move(answer));
}

void KeyRotation::Rotate(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  if (Status is = IsRotatable(request.key); !is) return refuse(std::move(is.error()));
  Result<std::optional<json::Value>> before = AnsweredBefore(call, request);
  if (!before) return refuse(std::move(before.error()));
  if (*before) return core_.Later([answer, before = **before] { answer(before); });
  if (Status can = CanRotate(call, request); !can) return refuse(std::move(can.error()));
  if (request.leaked && !request.dry_run) return BeginDistrust(call, request, std::move(answer));
  if (const OldKey* old = LeakedOld(request)) return DryDistrust(*old, std::move(answer));
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
  if (*asked != QuestionOf(call, request))
    return Fail(Code::kConflict, "idempotency-key-reused", "this idempotency key was used for another question");
  return std::optional<json::Value>(*answered);
}

// What is distrusted waits for no rotation that is under way.
Status KeyRotation::CanRotate(const AdminCall& call, const RotateRequest& request) const {
  if (LeakedOld(request) != nullptr) return {};
  if (under_way_.contains(request.key) && (!request.leaked || request.dry_run))
    return Fail(Code::kConflict, "rotation-under-way", fmt::format("key `{}` is being rotated", request.key), "look at `remit key list`");
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
  if (!request.idempotency_key.empty()) {
    content.Set("idempotency_key", request.idempotency_key);
    if (!request.kid.empty()) content.Set("named", true);
  }
  const auto told = [answer](const std::string& id) { answer(json::Value(json::Object{{"approval", id}})); };
  if (const ChangeRequest* same = core_.change_requests.FindSame(call, content)) return core_.Later([told, id = same->id] { told(id); });
  core_.change_requests.Ask(call, needed, std::move(content), std::move(shown), {}, [answer, told](Result<std::string> asked) {
    if (!asked) return answer(std::unexpected(std::move(asked.error())));
    told(*asked);
  });
}

void KeyRotation::Commit(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer) {
  const Time now = core_.Stamp();
  Plan plan = MakePlan(request);
  NamedKey& key = Of(request.key);
  store::Batch batch;
  batch.must_fit = plan.old.leaked;
  batch.expects.push_back({store::Table::kKey, request.key, key.row});  // the store has the key that memory has
  NamedKey next = MakeKey(request.key, crypto::KeyType::kEs256, core_.parts.master_key, core_.parts.rng, now, batch);
  if (plan.old.leaked) StopTrusting(request.key, key.id);  // takes away: before the commit
  std::set<std::string> gone;
  if (plan.old.StaysKnown()) batch.writes.push_back(plan.old.Row(core_.parts.master_key, core_.parts.rng));
  if (plan.old.leaked && plan.old.StaysKnown()) gone = MakeRoom(request.key, batch);
  for (const OldKey& old : core_.keys->old) {
    if (old.name != request.key || old.StaysKnown() || distrusts_.contains(old.id)) continue;
    batch.writes.push_back({store::Table::kKey, old.RowKey(), std::nullopt});
    gone.insert(old.id);
  }
  json::Object made{{"key", request.key}, {"old", plan.old.id}, {"new", next.id}, {"since", FormatTime(now)}, {"leaked", plan.old.leaked}};
  SetTime(made, "published_until", plan.old.published_until);
  json::Object event = core_.Event("key.rotated", now);
  for (const auto& [name, value] : made)
    if (name != "since") event.Set(name, value);
  event.Set("by", call.by.uid.ToString());
  if (request.key == kAccessKey) made.Set("tokens", plan.tokens);
  if (const std::string idempotency = IdempotencyKey(call, request); !idempotency.empty()) {
    const json::Value row = json::Object{{"asked", QuestionOf(call, request)}, {"answer", made}};
    batch.expects.push_back({store::Table::kIdempotency, idempotency, std::nullopt});
    batch.writes.push_back({store::Table::kIdempotency, idempotency, IdempotencyRow(now, json::Write(row))});
  }
  core_.change_requests.Settle(call, batch);
  core_.AddEvents(batch, {std::move(event)});
  under_way_.insert(request.key);
  core_.Commit(std::move(batch), [this, call, answer, gone, old = std::move(plan.old), next = std::move(next), made](const auto& committed) mutable {
    under_way_.erase(old.name);
    if (!committed) {
      core_.change_requests.Unsettle(call);
      core_.Refuse(answer, committed.error());
      return NotWrittenDown(old.id, committed.error());  // where it is said to have leaked
    }
    core_.change_requests.Settled(call);
    if (answer) core_.Later([answer, made] { answer(json::Value(made)); });
    const std::string name = old.name, kid = old.id;
    const bool as_leaked = old.leaked, stays = old.StaysKnown();
    old.leaked = Of(old.name).distrusted;  // perhaps said while this was on its way
    Of(old.name) = std::move(next);
    Forget(gone);
    if (stays) core_.keys->old.push_back(std::move(old));
    Publish();
    Sign(name);
    if (as_leaked) return WrittenDown(kid, made);
    WriteDown(kid);
  });
}

}  // namespace remit::broker
