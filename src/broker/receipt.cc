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
  return json::Value(json::Object{{"index", index},
                                  {"event", body},
                                  {"salt", HexEncode(AsBytes(event->salt))},
                                  {"leaf", HexEncode(event->leaf)},
                                  {"path", HashesJson(path)},
                                  {"checkpoint", note},
                                  {"checkpoint_key", verifier.ToString()}});
}

Result<json::Value> Broker::Receipt(const Caller& by, const std::string& task) {
  REMIT_ASSIGN(task::TaskRecord record, core_->views.Visible(by, task));
  if (!task::IsEnd(record.state) || core_->Locked([&] { return core_->Find(task) != nullptr; }))  // an end that is not written down proves nothing
    return Fail(Code::kFailedPrecondition, "not-ended",
                fmt::format("task `{}` is {}; a receipt is for what has ended", task, task::StateName(record.state)), "complete it first");
  std::vector<task::CredentialRecord> credentials = core_->views.CredentialsOf(record);
  REMIT_ASSIGN(json::Value checkpoint, Checkpoint());
  auto size = static_cast<std::uint64_t>(checkpoint.Find("size")->AsInt());

  std::set<Time> times = {record.requested};
  bool all_dead = credentials.size() == record.credentials.size();  // what nobody can show is not dead
  auto add = [&](const std::optional<Time>& time) {
    if (time) times.insert(*time);
  };
  add(record.started);
  add(record.ended);
  for (const task::Yes& yes : record.approvals) times.insert(yes.at);
  for (const task::CredentialRecord& credential : credentials) {
    times.insert(credential.planned);
    add(credential.live), add(credential.ending), add(credential.dead);
    all_dead = all_dead && credential.state == task::CredentialState::kDead;
  }
  REMIT_ASSIGN(auto events, EventsOf(core_->parts.store, size, task, times));

  json::Value permissions = json::Array{};
  json::Array timeline;
  const FoundEvent* end = nullptr;
  std::set<std::string> accepted;  // of PUBLIC's rights at targets, when the credentials were planned
  for (const auto& [index, found] : events) {
    if (const json::Value* set = found.body.Find("permissions"); set != nullptr && found.body.Find("credential") == nullptr) permissions = *set;
    if (const json::Value* items = found.body.Find("accepted"); items != nullptr && items->IsArray())
      for (const json::Value& item : items->AsArray()) accepted.insert(*found.body.FindString("target") + ": " + item.AsString());
    timeline.push_back(json::Object{{"index", index}, {"type", *found.body.FindString("type")}, {"time", *found.body.FindString("time")}});
    if (record.ended && *found.body.FindString("time") == FormatTime(*record.ended) &&
        *found.body.FindString("type") == "task." + std::string(task::StateName(record.state)))
      end = &found;
  }
  if (end == nullptr) return Fail(Code::kCorrupt, "store-corrupt", fmt::format("the ledger has no event for the end of `{}`", task));
  REMIT_ASSIGN(std::vector<Hash> path, core_->parts.store.InclusionProof(end->event.index, size));

  json::Object receipt{{"receipt", "remit receipt v1"},
                       {"installation", core_->installation},
                       {"issued", FormatTime(core_->Now())},
                       {"task", TaskJson(record)},
                       {"permissions", std::move(permissions)},
                       {"accepted", json::StringArray({accepted.begin(), accepted.end()})},
                       {"credentials", CredentialsJson(credentials)},
                       {"all_dead", all_dead},
                       {"events", std::move(timeline)},
                       {"proof", json::Object{{"index", end->event.index},
                                              {"event", *end->event.body},
                                              {"salt", HexEncode(AsBytes(end->event.salt))},
                                              {"leaf", HexEncode(end->event.leaf)},
                                              {"path", HashesJson(path)},
                                              {"checkpoint", *checkpoint.FindString("checkpoint")},
                                              {"checkpoint_key", *checkpoint.FindString("key")}}}};
  std::string payload = json::Canonical(receipt);
  std::string jws = jose::SignCompact(core_->keys->receipt.key, core_->keys->receipt.id, kReceiptTyp, AsBytes(payload));
  receipt.Set("jws", std::move(jws));
  return json::Value(std::move(receipt));
}

}  // namespace remit::broker
