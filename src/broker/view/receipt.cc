// Receipts and checkpoints: what somebody who was not there can verify.
#include <fmt/format.h>

#include "broker/core.h"
#include "broker/views.h"
#include "jose/jws.h"
#include "json/read.h"
#include "json/write.h"
#include "ledger/checkpoint.h"

namespace remit::broker {
namespace {

constexpr std::string_view kReceiptTyp = "remit-receipt+jwt";

// Events of one commit lie together, but people's sign-ins are written beside the broker: times may be out of order by so much.
constexpr std::chrono::seconds kTimeSlack{1};

struct FoundEvent {
  store::StoredEvent event;
  json::Value body;
};

// The time of an event; nothing where its body was erased.
std::optional<Time> TimeOf(const store::StoredEvent& event, json::Value* body_out = nullptr) {
  if (!event.body) return std::nullopt;
  auto body = json::Parse(*event.body);
  if (!body) return std::nullopt;
  const std::string* text = body->FindString("time");
  if (text == nullptr) return std::nullopt;
  auto time = ParseTime(*text);
  if (!time) return std::nullopt;
  if (body_out) *body_out = *std::move(body);
  return *time;
}

// The first index whose event is not before `time`, by bisection; erased bodies are stepped over.
Result<std::uint64_t> FirstAt(store::Store& store, std::uint64_t size, Time time) {
  std::uint64_t low = 0, high = size;
  while (low < high) {
    std::uint64_t middle = low + (high - low) / 2, seen = middle;
    std::optional<Time> at;
    REMIT_TRY(store.ScanEvents(middle, [&](const store::StoredEvent& event) {
      seen = event.index;
      at = TimeOf(event);
      return !at && event.index + 1 < high;
    }));
    if (!at || *at >= time)
      high = middle;
    else
      low = seen + 1;
  }
  return low;
}

// The events that are about `task` at any of these times, by index.
Result<std::map<std::uint64_t, FoundEvent>> EventsOf(store::Store& store, std::uint64_t size, const std::string& task, const std::set<Time>& times) {
  std::map<std::uint64_t, FoundEvent> found;
  for (Time time : times) {
    REMIT_ASSIGN(std::uint64_t first, FirstAt(store, size, time - kTimeSlack));
    REMIT_TRY(store.ScanEvents(first, [&](const store::StoredEvent& event) {
      if (event.index >= size) return false;
      json::Value body;
      std::optional<Time> at = TimeOf(event, &body);
      if (at && *at > time + kTimeSlack) return false;
      const std::string* about = body.FindString("task");
      if (about != nullptr && *about == task) found.emplace(event.index, FoundEvent{event, std::move(body)});
      return true;
    }));
  }
  return found;
}

json::Array HashesJson(const std::vector<Hash>& hashes) {
  json::Array array;
  for (const Hash& hash : hashes) array.push_back(HexEncode(hash));
  return array;
}

// That an event is in the ledger, whose checkpoint is `note`, for whoever has nothing but this and the key.
json::Object ProofJson(const store::StoredEvent& event, const std::vector<Hash>& path, const std::string& note, const std::string& key) {
  return {{"index", event.index},          {"event", *event.body},     {"salt", HexEncode(AsBytes(event.salt))},
          {"leaf", HexEncode(event.leaf)}, {"path", HashesJson(path)}, {"checkpoint", note},
          {"checkpoint_key", key}};
}

// The moments at which something of the task was written down.
std::set<Time> TimesOf(const task::TaskRecord& record, const std::vector<task::CredentialRecord>& credentials) {
  std::set<Time> times = {record.requested};
  auto add = [&](const std::optional<Time>& time) {
    if (time) times.insert(*time);
  };
  add(record.started), add(record.ended);
  for (const task::Yes& yes : record.approvals) times.insert(yes.at);
  for (const task::CredentialRecord& credential : credentials) {
    times.insert(credential.planned);
    add(credential.live), add(credential.ending), add(credential.dead);
  }
  return times;
}

// What nobody can show is not dead.
bool AllDead(const task::TaskRecord& record, const std::vector<task::CredentialRecord>& credentials) {
  return credentials.size() == record.credentials.size() &&
         std::ranges::all_of(credentials, [](const auto& credential) { return credential.state == task::CredentialState::kDead; });
}

// What the ledger says of a task.
struct Story {
  json::Value permissions = json::Array{};  // as they were last
  std::set<std::string> accepted;           // of PUBLIC's rights at targets, when the credentials were planned
  json::Array timeline;
  const FoundEvent* end = nullptr;  // of the events that it was read from; null where none of them is its end
};

Story Tell(const task::TaskRecord& record, const std::map<std::uint64_t, FoundEvent>& events) {
  Story story;
  const std::string ended = "task." + std::string(task::StateName(record.state));
  for (const auto& [index, found] : events) {
    const std::string &type = *found.body.FindString("type"), &time = *found.body.FindString("time");
    if (const json::Value* set = found.body.Find("permissions"); set != nullptr && found.body.Find("credential") == nullptr) story.permissions = *set;
    if (const json::Value* items = found.body.Find("accepted"); items != nullptr && items->IsArray())
      for (const json::Value& item : items->AsArray()) story.accepted.insert(*found.body.FindString("target") + ": " + item.AsString());
    story.timeline.push_back(json::Object{{"index", index}, {"type", type}, {"time", time}});
    if (record.ended && time == FormatTime(*record.ended) && type == ended) story.end = &found;
  }
  return story;
}

}  // namespace

Result<json::Value> Broker::Checkpoint() {
  store::TreeHead head = core_->parts.store.Head();
  ledger::Checkpoint checkpoint{ledger::Origin(core_->installation), head.size, head.root, {}};
  REMIT_ASSIGN(std::string note, ledger::SignCheckpoint(checkpoint, core_->keys->checkpoint.key));
  REMIT_ASSIGN(ledger::NoteVerifier verifier, ledger::NoteVerifier::Make(checkpoint.origin, core_->keys->checkpoint.key.public_key()));
  return json::Value(json::Object{{"checkpoint", note}, {"size", head.size}, {"root", HexEncode(head.root)}, {"key", verifier.ToString()}});
}

Result<json::Value> Receipts::ProofOf(std::uint64_t index, const std::string& body) {
  const store::TreeHead head = core_.parts.store.Head();
  const ledger::Checkpoint checkpoint{ledger::Origin(core_.installation), head.size, head.root, {}};
  REMIT_ASSIGN(const std::string note, ledger::SignCheckpoint(checkpoint, core_.keys->checkpoint.key));
  REMIT_ASSIGN(const ledger::NoteVerifier verifier, ledger::NoteVerifier::Make(checkpoint.origin, core_.keys->checkpoint.key.public_key()));
  std::optional<store::StoredEvent> event;
  REMIT_TRY(core_.parts.store.ScanEvents(index, [&](const store::StoredEvent& found) {
    event = found;
    return false;
  }));
  // Others' events may have been committed together with it.
  if (!event || event->index != index || event->body != body) return Fail(Code::kCorrupt, "store-corrupt", "the ledger has another event there");
  REMIT_ASSIGN(const std::vector<Hash> path, core_.parts.store.InclusionProof(index, head.size));
  return json::Value(ProofJson(*event, path, note, verifier.ToString()));
}

Result<json::Value> Broker::Receipt(const Caller& by, const std::string& task) {
  REMIT_ASSIGN(task::TaskRecord record, core_->views.Visible(by, task));
  if (!task::IsEnd(record.state) || core_->Locked([&] { return core_->Find(task) != nullptr; }))  // an end that is not written down proves nothing
    return Fail(Code::kFailedPrecondition, "not-ended",
                fmt::format("task `{}` is {}; a receipt is for what has ended", task, task::StateName(record.state)), "complete it first");
  std::vector<task::CredentialRecord> credentials = core_->views.CredentialsOf(record);
  REMIT_ASSIGN(json::Value checkpoint, Checkpoint());
  const auto size = static_cast<std::uint64_t>(checkpoint.Find("size")->AsInt());
  REMIT_ASSIGN(const auto events, EventsOf(core_->parts.store, size, task, TimesOf(record, credentials)));
  Story story = Tell(record, events);
  if (story.end == nullptr) return Fail(Code::kCorrupt, "store-corrupt", fmt::format("the ledger has no event for the end of `{}`", task));
  const store::StoredEvent& end = story.end->event;
  REMIT_ASSIGN(const std::vector<Hash> path, core_->parts.store.InclusionProof(end.index, size));

  json::Object receipt{{"receipt", "remit receipt v1"},
                       {"installation", core_->installation},
                       {"issued", FormatTime(core_->Now())},
                       {"task", TaskJson(record)},
                       {"permissions", std::move(story.permissions)},
                       {"accepted", json::StringArray({story.accepted.begin(), story.accepted.end()})},
                       {"credentials", CredentialsJson(credentials)},
                       {"all_dead", AllDead(record, credentials)},
                       {"events", std::move(story.timeline)},
                       {"proof", ProofJson(end, path, *checkpoint.FindString("checkpoint"), *checkpoint.FindString("key"))}};
  std::string payload = json::Canonical(receipt);
  REMIT_ASSIGN(const NamedKey key, core_->Locked([&] { return ToSign(core_->keys->receipt); }));
  std::string jws = jose::SignCompact(key.key, key.id, kReceiptTyp, AsBytes(payload));
  receipt.Set("jws", std::move(jws));
  return json::Value(std::move(receipt));
}

}  // namespace remit::broker
