// Changes of the server that wait for people: asked, answered, and made once enough have said yes. See change.h.
#include "broker/change.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "broker/core.h"
#include "broker/views.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/write.h"
#include "task/builtin_schema.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

namespace {

std::unexpected<Error> NoSuchChange(const std::string& id) {
  return Fail(Code::kNotFound, "unknown-approval", fmt::format("no request `{}` waits for you", id));
}

json::Array GivenJson(const std::vector<task::Yes>& yes, bool exact) {
  json::Array array;
  for (const task::Yes& one : yes)
    array.push_back(exact ? json::Object{{"person", one.person.ToString()}, {"at", Micros(one.at)}}
                          : json::Object{{"person", one.person.ToString()}, {"at", FormatTime(one.at)}});
  return array;
}

}  // namespace

// --- the record ----------------------------------------------------------------------------------------------------------------------------

Hash ChangeRequest::Digest() const {
  const json::Value asked =
      json::Object{{"approval", id},   {"verb", verb},  {"on", json::StringArray(on)}, {"by", by.ToString()}, {"catalog", base}, {"content", content},
                   {"needed", needed}, {"shown", shown}};
  return crypto::Sha256("remit change v1\n" + json::Canonical(asked));
}

json::Value ChangeRequest::ToJson() const {
  return json::Object{{"kind", "change"},
                      {"id", id},
                      {"verb", verb},
                      {"on", json::StringArray(on)},
                      {"by", by.ToString()},
                      {"by_person", by_person},
                      {"base", base},
                      {"content", content},
                      {"shown", shown},
                      {"hash", HexEncode(hash)},
                      {"needed", needed},
                      {"yes", GivenJson(yes, true)},
                      {"requested", Micros(requested)},
                      {"expires", Micros(expires)}};
}

bool ChangeRequest::IsOne(const json::Value& row) {
  const std::string* kind = row.FindString("kind");
  return kind != nullptr && *kind == "change";
}

Result<ChangeRequest> ChangeRequest::FromJson(const json::Value& row) {
  ChangeRequest change;
  json::ObjectReader r(row, "change");
  r.RequiredString("kind");
  change.id = r.RequiredString("id");
  change.verb = r.RequiredString("verb");
  change.on = r.RequiredStrings("on");
  const std::string by = r.RequiredString("by"), hash = r.RequiredString("hash");
  change.by_person = r.RequiredBool("by_person");
  change.base = r.RequiredString("base");
  change.content = r.RequiredValue("content");
  change.shown = r.RequiredValue("shown");
  change.needed = static_cast<std::uint32_t>(r.RequiredInt("needed"));
  change.requested = FromMicros(r.RequiredInt("requested"));
  change.expires = FromMicros(r.RequiredInt("expires"));
  for (const json::Value& given : r.RequiredArray("yes")) {
    json::ObjectReader one(given, "change.yes");
    const std::string person = one.RequiredString("person");
    const Time at = FromMicros(one.RequiredInt("at"));
    REMIT_TRY(one.Finish());
    REMIT_ASSIGN(cedar::EntityUid uid, cedar::EntityUid::Parse(person));
    change.yes.push_back({std::move(uid), at});
  }
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(change.by, cedar::EntityUid::Parse(by));
  change.hash = change.Digest();
  if (HexEncode(change.hash) != hash) return Fail(Code::kCorrupt, "store-corrupt", "a change that waits is not what was asked");
  return change;
}

// --- asking ----------------------------------------------------------------------------------------------------------------------------------

// Writes down what waits and tells people. `content` is what MakeChange will do.
void Broker::Impl::AskChange(const AdminCall& call, std::uint32_t needed, json::Value content, json::Value shown, store::Batch batch,
                             Answer<std::string> answer) {
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  const Time now = Stamp();
  ForgetOldChanges(batch);
  if (change_requests.size() >= limits::kChangesWaiting)
    return refuse(Error(Code::kResourceExhausted, "too-many-changes", fmt::format("{} changes wait for people already", change_requests.size()))
                      .Hint("answer some of them: `remit approvals`"));
  ChangeRequest change;
  change.id = NewId(kApprovalPrefix, now, parts.rng);
  change.verb = call.verb;
  change.on = call.on;
  change.by = call.by.uid;
  change.by_person = call.by.Is(Kind::kPerson);
  change.base = current->hash();
  change.content = std::move(content);
  change.shown = std::move(shown);
  change.needed = needed;
  change.requested = now;
  change.expires = now + limits::kRequestLife;
  change.hash = change.Digest();
  json::Object event = Event("change.requested", now);
  event.Set("approval", change.id);
  event.Set("verb", change.verb);
  event.Set("by", change.by.ToString());
  event.Set("needed", needed);
  event.Set("hash", HexEncode(change.hash));
  if (json::Canonical(change.shown).size() <= limits::kDifferenceBytes) event.Set("shown", change.shown);
  batch.writes.push_back({store::Table::kApproval, change.id, json::Canonical(change.ToJson())});
  AddEvents(batch, {std::move(event)});
  Commit(std::move(batch), [this, answer, change = std::move(change)](const auto& committed) {
    if (!committed) return Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
    change_requests[change.id] = change;
    Later([answer, id = change.id] { answer(id); });
  });
}

void Broker::Impl::ForgetOldChanges(store::Batch& batch) {
  std::erase_if(change_requests, [&](const auto& entry) {
    if (Now() < entry.second.expires) return false;
    batch.writes.push_back({store::Table::kApproval, entry.first, std::nullopt});
    return true;
  });
}

// How many of those who said yes may still, the one who asked never among them.
std::uint32_t Broker::Impl::StandingYes(const ChangeRequest& change) {
  std::uint32_t count = 0;
  for (const task::Yes& one : change.yes) {
    const auto person = people.find(one.person);
    if (person == people.end() || person->second.barred || one.person == change.by) continue;
    if (AskServer(one.person, "approve").verdict == Verdict::kAllow) ++count;
  }
  return count;
}

// --- answering -------------------------------------------------------------------------------------------------------------------------------

// By a person with a recent session (Broker::Approve has looked).
void Broker::Impl::ApproveChange(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer) {
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  const auto found = change_requests.find(id);
  if (found == change_requests.end() || !current || Now() >= found->second.expires || !MaySeeChange(by, found->second))
    return refuse(NoSuchChange(id).error());
  ChangeRequest next = found->second;
  if (by.uid == next.by)
    return refuse(Error(Code::kPermissionDenied, "own-request", "who asked for a change does not approve it").Hint("ask somebody else"));
  if (AskServer(by.uid, "approve").verdict != Verdict::kAllow)
    return refuse(Error(Code::kPermissionDenied, "approve-denied", fmt::format("no policy permits you to approve `{}`", id)));
  if (hash != HexEncode(next.hash))
    return refuse(Error(Code::kConflict, "request-changed", fmt::format("request `{}` is not what it was when you read it", id))
                      .Hint("read it again with `remit approvals`"));
  const bool said = std::ranges::find(next.yes, by.uid, &task::Yes::person) != next.yes.end();
  // Who said yes already may only try again what everybody agreed to and what could not be made then.
  if (said && StandingYes(next) < next.needed)
    return refuse(Error(Code::kAlreadyExists, "already-approved", fmt::format("you approved `{}` already", id)));
  if (said) return MakeChange(std::move(next), std::move(answer));
  const Time now = Stamp();
  next.yes.push_back({by.uid, now});
  json::Object event = Event("approval.given", now);
  event.Set("approval", id);
  event.Set("verb", next.verb);
  event.Set("hash", hash);
  event.Set("person", by.uid.ToString());
  store::Batch batch;
  batch.expects.push_back({store::Table::kApproval, id, json::Canonical(found->second.ToJson())});
  batch.writes.push_back({store::Table::kApproval, id, json::Canonical(next.ToJson())});
  AddEvents(batch, {std::move(event)});
  Commit(std::move(batch), [this, id, next = std::move(next), answer](const auto& committed) mutable {
    const auto kept = change_requests.find(id);
    if (!committed) return Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
    if (kept == change_requests.end()) return Later([answer, id] { answer(NoSuchChange(id)); });
    kept->second = next;
    if (StandingYes(next) >= next.needed) return MakeChange(std::move(next), std::move(answer));
    Later([answer, json = ChangeJson(next)] { answer(json); });
  });
}

void Broker::Impl::DenyChange(const Caller& by, const std::string& id, const std::string& why, Answer<json::Value> answer) {
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  const auto found = change_requests.find(id);
  if (found == change_requests.end() || !current || !MaySeeChange(by, found->second)) return refuse(NoSuchChange(id).error());
  if (by.uid != found->second.by && AskServer(by.uid, "deny").verdict != Verdict::kAllow)  // who asked may always take it back
    return refuse(Error(Code::kPermissionDenied, "deny-denied", fmt::format("no policy permits you to deny `{}`", id)));
  json::Object event = Event("change.denied", Stamp());
  event.Set("approval", id);
  event.Set("verb", found->second.verb);
  event.Set("person", by.uid.ToString());
  event.Set("why", why);
  store::Batch batch;
  batch.must_fit = true;
  batch.writes.push_back({store::Table::kApproval, id, std::nullopt});
  AddEvents(batch, {std::move(event)});
  change_requests.erase(found);
  Commit(std::move(batch), [this, id, answer](const auto& committed) {
    if (!committed) return Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
    Later([answer, id] { answer(json::Value(json::Object{{"id", id}, {"state", "denied"}})); });
  });
}

bool Broker::Impl::MaySeeChange(const Caller& by, const ChangeRequest& change) {
  if (by.Is(Kind::kOperator) || by.uid == change.by) return true;
  if (!by.Is(Kind::kPerson)) return false;
  return AskServer(by.uid, "approve").verdict == Verdict::kAllow || AskServer(by.uid, "view").verdict == Verdict::kAllow;
}

json::Value Broker::Impl::ChangeJson(const ChangeRequest& change) const {
  return json::Object{{"id", change.id},
                      {"kind", "change"},
                      {"verb", change.verb},
                      {"actor", change.by.ToString()},
                      {"catalog", change.base},
                      {"change", change.shown},
                      {"hash", HexEncode(change.hash)},
                      {"needed", change.needed},
                      {"given", GivenJson(change.yes, false)},
                      {"requested", FormatTime(change.requested)},
                      {"expires", FormatTime(change.expires)}};
}

// --- making it -------------------------------------------------------------------------------------------------------------------------------

// Does what was approved, exactly: from what is written down, decided once more, in one commit with the end of the request. Where that
// fails, the request stays.
void Broker::Impl::MakeChange(ChangeRequest request, Answer<json::Value> answer) {
  auto change = std::make_shared<const ChangeRequest>(std::move(request));
  Caller by{.kind = change->by_person ? Kind::kPerson : Kind::kActor, .uid = change->by, .task = {}, .signed_in = change->requested, .session = {}};
  AdminCall call{std::move(by), change->verb, change->on, AdminEffect::kGives, change};
  auto done = [change, answer](Result<json::Value> made) {
    if (!made) return answer(std::unexpected(std::move(made.error())));
    answer(json::Value(json::Object{{"id", change->id},
                                    {"kind", "change"},
                                    {"verb", change->verb},
                                    {"state", "done"},
                                    {"needed", change->needed},
                                    {"given", GivenJson(change->yes, false)},
                                    {"result", std::move(*made)}}));
  };
  auto refuse = [&](Error error) { Later([done, error = std::move(error)]() mutable { done(std::unexpected(std::move(error))); }); };
  const json::Value& content = change->content;
  if (change->verb == "catalog.load") return LoadApproved(std::move(call), std::move(done));
  if (change->verb == "facts.put") {
    return OneAtATime([this, call, change, done] {
      return ChangeFacts(call, *change->content.Find("entities"), change->content.Find("replace")->AsBool(), [done](Result<FactsAnswer> put) {
        done(put ? Result<json::Value>(json::Object{{"hash", put->hash}, {"entities", put->entities}}) : std::unexpected(put.error()));
      });
    });
  }
  if (change->verb == "actor.change") {
    Result<ActorRecord> actor = ActorFromJson(content);
    if (!actor) return refuse(std::move(actor.error()));
    return ChangeActor(call, *std::move(actor), std::move(done));
  }
  if (change->verb == "person.change") {
    Result<PersonRecord> person = PersonFromJson(content);
    if (!person) return refuse(std::move(person.error()));
    return ChangePerson(call, *std::move(person), std::move(done));
  }
  refuse(Error(Code::kCorrupt, "store-corrupt", fmt::format("a change that waits is a `{}`, of which nothing is known", change->verb)));
}

// The end of a request that is being carried out: in the same commit, and never twice.
void Broker::Impl::Settle(const AdminCall& call, store::Batch& batch) {
  if (!call.approved) return;
  batch.expects.push_back({store::Table::kApproval, call.approved->id, json::Canonical(call.approved->ToJson())});
  batch.writes.push_back({store::Table::kApproval, call.approved->id, std::nullopt});
  json::Object event = Event("change.made", Stamp());
  event.Set("approval", call.approved->id);
  event.Set("verb", call.verb);
  event.Set("hash", HexEncode(call.approved->hash));
  AddEvents(batch, {std::move(event)});
  change_requests.erase(call.approved->id);
}

// What could not be committed still waits.
void Broker::Impl::Unsettle(const AdminCall& call) {
  if (call.approved) change_requests.emplace(call.approved->id, *call.approved);
}

}  // namespace remit::broker
