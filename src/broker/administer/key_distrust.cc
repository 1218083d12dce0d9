// A key that has leaked: not trusted in memory from the call on, then written down, and tried again until it is. Nothing here gives anybody anything.
//
// INVARIANT: who is not trusted any more never is again by what happens here. A row that is forgotten is a key that nobody knows, and that verifies
// nothing.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/core.h"
#include "broker/live/backoff.h"

namespace remit::broker {
namespace {

// Of receipts: that many of those that have leaked are told of. The ledger has the others.
constexpr std::size_t kLeakedKnown = 64;

json::Object MadeOf(std::string_view name, std::string_view kid) { return {{"key", name}, {"old", kid}, {"leaked", true}}; }

}  // namespace

OldKey* KeyRotation::FindOld(std::string_view name, std::string_view kid) const {
  const auto old = std::ranges::find_if(core_.keys->old, [&](const OldKey& one) { return one.name == name && one.id == kid; });
  return old == core_.keys->old.end() ? nullptr : &*old;
}

// The key that was rotated before and is said to have leaked; null: it is the one that signs that goes.
OldKey* KeyRotation::LeakedOld(const RotateRequest& request) const {
  if (!request.leaked || request.kid.empty() || request.kid == Of(request.key).id) return nullptr;
  return FindOld(request.key, request.kid);
}

void KeyRotation::DryDistrust(const OldKey& old, Answer<json::Value> answer) {
  json::Object would = MadeOf(old.name, old.id);
  would.Set("dry_run", true);
  core_.Later([answer, would = std::move(would)] { answer(json::Value(would)); });
}

void KeyRotation::BeginDistrust(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer) {
  const std::string kid = request.kid.empty() ? Of(request.key).id : request.kid;
  const OldKey* old = FindOld(request.key, kid);
  const bool something_owed = std::ranges::any_of(distrusts_, [&](const auto& entry) { return entry.second.request.key == request.key; });
  if (old != nullptr && old->leaked && !something_owed)  // written down already
    return core_.Later([answer, made = MadeOf(request.key, kid)] { answer(json::Value(made)); });
  StopTrusting(request.key, kid);
  const auto [at, is_new] = distrusts_.try_emplace(kid);
  Distrust& distrust = at->second;
  const bool on_its_way = distrust.writing || (under_way_.contains(request.key) && Of(request.key).id == kid);
  const auto same = [&] { return distrust.call.by.uid == call.by.uid && distrust.request.idempotency_key == request.idempotency_key; };
  if (!is_new && on_its_way && !same())
    return core_.Refuse(answer, Error(Code::kConflict, "rotation-under-way", fmt::format("key `{}` is not trusted any more", EscapeControl(kid)))
                                    .Hint("somebody has said so, and it is being written down: look at `remit key list`"));
  distrust.call = call;
  distrust.request = request;
  distrust.answers.push_back(std::move(answer));
  WriteDown(kid);
}

// Of tokens, nothing that an earlier key signed is trusted either. Of receipts this one alone is meant: another is called by its kid.
void KeyRotation::StopTrusting(std::string_view name, const std::string& kid) {
  NamedKey& signing = Of(name);
  const bool signs = signing.id == kid;
  if (signs) signing.distrusted = true;
  for (OldKey& old : core_.keys->old)
    if (old.name == name && (old.id == kid || (signs && name == kAccessKey))) old.leaked = true;
  Publish();
}

void KeyRotation::WriteDown(const std::string& kid) {
  const auto at = distrusts_.find(kid);
  if (at == distrusts_.end() || at->second.writing) return;
  Distrust& distrust = at->second;
  const std::string& name = distrust.request.key;
  if (Of(name).id == kid) {
    if (under_way_.contains(name)) return;  // whoever rotates it meanwhile comes back here
    return Commit(distrust.call, distrust.request, nullptr);
  }
  if (const OldKey* old = FindOld(name, kid)) return CommitDistrust(distrust, *old);
  WrittenDown(kid, MadeOf(name, kid));  // it went with another
}

void KeyRotation::CommitDistrust(Distrust& distrust, const OldKey& old) {
  store::Batch batch;
  batch.must_fit = true;
  std::set<std::string> gone;
  for (const OldKey& one : core_.keys->old) {
    if (one.name != old.name || one.StaysKnown() || (one.id != old.id && distrusts_.contains(one.id))) continue;
    batch.writes.push_back({store::Table::kKey, one.RowKey(), std::nullopt});
    gone.insert(one.id);
  }
  if (old.StaysKnown()) {
    batch.writes.push_back(old.Row(core_.parts.master_key, core_.parts.rng));
    gone = MakeRoom(old.name, batch);
  }
  batch.writes.push_back({store::Table::kMeta, std::string(kKeysRow), fmt::format("distrusted {}", old.id)});
  json::Object event = core_.Event("key.distrusted", core_.Stamp());
  event.Set("key", old.name);
  event.Set("kid", old.id);
  event.Set("by", distrust.call.by.uid.ToString());
  core_.AddEvents(batch, {std::move(event)});
  distrust.writing = true;
  core_.Commit(std::move(batch), [this, kid = old.id, made = MadeOf(old.name, old.id), gone = std::move(gone)](const auto& committed) {
    if (!committed) return NotWrittenDown(kid, committed.error());
    Forget(gone);
    WrittenDown(kid, made);
  });
}

void KeyRotation::WrittenDown(const std::string& kid, const json::Object& made) {
  const auto distrust = distrusts_.extract(kid);
  if (!distrust) return;
  for (const Answer<json::Value>& answer : distrust.mapped().answers) core_.Later([answer, made] { answer(json::Value(made)); });
}

void KeyRotation::NotWrittenDown(const std::string& kid, const Error& error) {
  const auto at = distrusts_.find(kid);
  if (at == distrusts_.end()) return;
  Distrust& distrust = at->second;
  distrust.writing = false;
  for (const Answer<json::Value>& answer : std::exchange(distrust.answers, {}))
    core_.Refuse(answer, Error(Code::kUnavailable, "distrust-not-recorded",
                               fmt::format("key `{}` is not trusted from now on, but that could not be written down yet: {}", kid, error.message))
                             .Hint("it is tried again until it can be; nothing more needs to be done, unless the server is restarted before"));
  const Duration delay = Backoff(std::chrono::seconds(1), distrust.failures++);
  log::Warn("that key `{}` is not trusted any more could not be written down; next try in {}", kid, FormatDuration(delay));
  if (core_.closed() || std::exchange(distrust.waiting, true)) return;
  core_.parts.timers.At(core_.Now() + delay, [this, kid] {
    core_.Locked([&] {
      const auto again = distrusts_.find(kid);
      if (again == distrusts_.end()) return;
      again->second.waiting = false;
      WriteDown(kid);
    });
  });
}

// --- whoever has something to sign meanwhile ---------------------------------------------------------------------------------------------------

void KeyRotation::WhenTrusted(std::string_view name, Duration wait, Answer<NamedKey> answer) {
  const NamedKey& key = Of(name);
  if (!key.distrusted) return core_.Later([answer, key] { answer(key); });
  const std::uint64_t number = ++signers_;
  waiting_.emplace(number, Signer{std::string(name), std::move(answer)});
  core_.parts.timers.At(core_.Now() + wait, [this, number] {
    core_.Locked([&] {
      if (const auto late = waiting_.extract(number)) core_.Refuse(late.mapped().answer, ToSign(Of(late.mapped().name)).error());
    });
  });
}

// There is another key of this name.
void KeyRotation::Sign(std::string_view name) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    if (at->second.name != name) {
      ++at;
      continue;
    }
    core_.Later([answer = std::move(at->second.answer), key = Of(name)] { answer(key); });
    at = waiting_.erase(at);
  }
}

// --- what is kept ------------------------------------------------------------------------------------------------------------------------------

std::size_t KeyRotation::Owed() const {
  return static_cast<std::size_t>(std::ranges::count_if(distrusts_, [](const auto& entry) { return entry.second.failures > 0; }));
}

// One more key of this name is known to have leaked: the oldest that are too many with it are forgotten, those apart that are not written down yet.
std::set<std::string> KeyRotation::MakeRoom(std::string_view name, store::Batch& batch) const {
  std::vector<const OldKey*> leaked;
  for (const OldKey& old : core_.keys->old)
    if (old.name == name && old.leaked && old.StaysKnown() && !distrusts_.contains(old.id)) leaked.push_back(&old);
  std::set<std::string> gone;
  for (std::size_t i = 0; i + kLeakedKnown <= leaked.size(); ++i) {
    batch.writes.push_back({store::Table::kKey, leaked[i]->RowKey(), std::nullopt});
    gone.insert(leaked[i]->id);
  }
  return gone;
}

// Rows that a commit took away. They were not trusted before.
void KeyRotation::Forget(const std::set<std::string>& kids) {
  std::erase_if(core_.keys->old, [&](const OldKey& old) { return old.leaked && kids.contains(old.id); });
}

}  // namespace remit::broker
