// Changes of the server that wait for people: asked, answered, and made once enough have said yes.
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

// Whom it is about: "" where that is nobody in particular.
std::string AboutOf(const ChangeRequest& change) {
  if (change.verb != "actor.change" && change.verb != "person.change") return "";
  const std::string* about = change.content.FindString("uid");
  return about == nullptr ? "" : *about;
}

json::Object BarredEvent(const ChangeRequest& change, Time at) {
  json::Object event = Core::Event("change.denied", at);
  event.Set("approval", change.id);
  event.Set("verb", change.verb);
  event.Set("person", cedar::EntityUid{"Remit::Policy", "bar"}.ToString());
  event.Set("why", AboutOf(change) + " was barred since");
  return event;
}

}  // namespace

// --- asking ----------------------------------------------------------------------------------------------------------------------------------

// Writes down what waits and tells people. `content` is what Make will do.
void ChangeRequests::Ask(const AdminCall& call, std::uint32_t needed, json::Value content, json::Value shown, store::Batch batch,
                         Answer<std::string> answer) {
  const auto refuse = core_.Refusing(answer);
  const Time now = core_.Stamp();
  ForgetOld(batch);
  if (waiting.size() >= limits::kChangesWaiting)
    return refuse(Error(Code::kResourceExhausted, "too-many-changes", fmt::format("{} changes wait for people already", waiting.size()))
                      .Hint("answer some of them: `remit approvals`"));
  ChangeRequest change;
  change.id = NewId(kApprovalPrefix, now, core_.parts.rng);
  change.verb = call.verb;
  change.on = call.on;
  change.by = call.by.uid;
  change.by_person = call.by.Is(Kind::kPerson);
  change.base = core_.current->hash();
  change.content = std::move(content);
  change.shown = std::move(shown);
  change.needed = needed;
  change.requested = now;
  change.expires = now + limits::kRequestLife;
  change.hash = change.Digest();
  json::Object event = core_.Event("change.requested", now);
  event.Set("approval", change.id);
  event.Set("verb", change.verb);
  event.Set("by", change.by.ToString());
  event.Set("needed", needed);
  event.Set("hash", HexEncode(change.hash));
  if (json::Canonical(change.shown).size() <= limits::kDifferenceBytes) event.Set("shown", change.shown);
  batch.writes.push_back({store::Table::kApproval, change.id, json::Canonical(change.ToJson())});
  core_.AddEvents(batch, {std::move(event)});
  Leaves(change);
  core_.Commit(std::move(batch), [this, answer, change = std::move(change)](const auto& committed) {
    const bool barred = Arrives(change.id);
    if (!committed) return core_.Refuse(answer, committed.error());
    if (barred) {
      EndBarred(change);
      return core_.Refuse(answer, Error(Code::kConflict, "request-changed", fmt::format("{} was barred while this was being asked", AboutOf(change)))
                                      .Hint("ask again, if it is still meant"));
    }
    waiting[change.id] = change;
    core_.Later([answer, id = change.id] { answer(id); });
  });
}

void ChangeRequests::ForgetOld(store::Batch& batch) {
  std::erase_if(waiting, [&](const auto& entry) {
    if (core_.Now() < entry.second.expires) return false;
    batch.writes.push_back({store::Table::kApproval, entry.first, std::nullopt});
    return true;
  });
}

const ChangeRequest* ChangeRequests::FindSame(const AdminCall& call, const json::Value& content) const {
  for (const auto& [id, change] : waiting)
    if (change.verb == call.verb && change.by == call.by.uid && change.base == core_.current->hash() && core_.Now() < change.expires &&
        change.content == content)
      return &change;
  return nullptr;
}

// How many of those who said yes may still, the one who asked never among them.
std::uint32_t ChangeRequests::StandingYes(const ChangeRequest& change) {
  std::uint32_t count = 0;
  for (const task::Yes& one : change.yes) {
    const auto person = core_.registry.people.find(one.person);
    if (person == core_.registry.people.end() || person->second.barred || !core_.who_may.MayJudge(one.person, {change.by}, change.requested))
      continue;
    if (core_.administration.AskServer(one.person, "approve").verdict == Verdict::kAllow) ++count;
  }
  return count;
}

// --- answering -------------------------------------------------------------------------------------------------------------------------------

// By a person with a recent session (Broker::Approve has looked).
void ChangeRequests::Approve(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  const auto found = waiting.find(id);
  if (found == waiting.end() || !core_.current || core_.Now() >= found->second.expires || !MaySee(by, found->second))
    return refuse(NoSuchChange(id).error());
  ChangeRequest next = found->second;
  if (by.uid == next.by)
    return refuse(Error(Code::kPermissionDenied, "own-request", "who asked for a change does not approve it").Hint("ask somebody else"));
  if (Status others = core_.who_may.MayJudge(by.uid, {next.by}, next.requested); !others) return refuse(std::move(others.error()));
  if (core_.administration.AskServer(by.uid, "approve").verdict != Verdict::kAllow)
    return refuse(Error(Code::kPermissionDenied, "approve-denied", fmt::format("no policy permits you to approve `{}`", id)));
  if (hash != HexEncode(next.hash))
    return refuse(Error(Code::kConflict, "request-changed", fmt::format("request `{}` is not what it was when you read it", id))
                      .Hint("read it again with `remit approvals`"));
  const bool said = std::ranges::find(next.yes, by.uid, &task::Yes::person) != next.yes.end();
  // Who said yes already may only try again what everybody agreed to and what could not be made then.
  if (said && StandingYes(next) < next.needed)
    return refuse(Error(Code::kAlreadyExists, "already-approved", fmt::format("you approved `{}` already", id)));
  if (said) return Make(std::move(next), std::move(answer));
  const Time now = core_.Stamp();
  next.yes.push_back({by.uid, now});
  json::Object event = core_.Event("approval.given", now);
  event.Set("approval", id);
  event.Set("verb", next.verb);
  event.Set("hash", hash);
  event.Set("person", by.uid.ToString());
  store::Batch batch;
  batch.expects.push_back({store::Table::kApproval, id, json::Canonical(found->second.ToJson())});
  batch.writes.push_back({store::Table::kApproval, id, json::Canonical(next.ToJson())});
  core_.AddEvents(batch, {std::move(event)});
  core_.Commit(std::move(batch), [this, id, next = std::move(next), answer](const auto& committed) mutable {
    const auto kept = waiting.find(id);
    if (!committed) return core_.Refuse(answer, committed.error());
    if (kept == waiting.end()) return core_.Later([answer, id] { answer(NoSuchChange(id)); });
    kept->second = next;
    if (StandingYes(next) >= next.needed) return Make(std::move(next), std::move(answer));
    core_.Later([answer, json = ChangeJson(next)] { answer(json); });
  });
}

void ChangeRequests::Deny(const Caller& by, const std::string& id, const std::string& why, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  const auto found = waiting.find(id);
  if (found == waiting.end() || !core_.current || !MaySee(by, found->second)) return refuse(NoSuchChange(id).error());
  if (by.uid != found->second.by && core_.administration.AskServer(by.uid, "deny").verdict != Verdict::kAllow)  // who asked may always take it back
    return refuse(Error(Code::kPermissionDenied, "deny-denied", fmt::format("no policy permits you to deny `{}`", id)));
  json::Object event = core_.Event("change.denied", core_.Stamp());
  event.Set("approval", id);
  event.Set("verb", found->second.verb);
  event.Set("person", by.uid.ToString());
  event.Set("why", why);
  store::Batch batch;
  batch.must_fit = true;
  batch.writes.push_back({store::Table::kApproval, id, std::nullopt});
  core_.AddEvents(batch, {std::move(event)});
  waiting.erase(found);
  core_.Commit(std::move(batch), [this, id, answer](const auto& committed) {
    if (!committed) return core_.Refuse(answer, committed.error());
    core_.Later([answer, id] { answer(json::Value(json::Object{{"id", id}, {"state", "denied"}})); });
  });
}

bool ChangeRequests::MaySee(const Caller& by, const ChangeRequest& change) {
  if (by.Is(Kind::kOperator) || by.uid == change.by) return true;
  if (!by.Is(Kind::kPerson)) return false;
  return core_.administration.AskServer(by.uid, "approve").verdict == Verdict::kAllow ||
         core_.administration.AskServer(by.uid, "view").verdict == Verdict::kAllow;
}

json::Value ChangeRequests::ChangeJson(const ChangeRequest& change) const {
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
void ChangeRequests::Make(ChangeRequest request, Answer<json::Value> answer) {
  auto change = std::make_shared<const ChangeRequest>(std::move(request));
  Caller by{.kind = change->by_person ? Kind::kPerson : Kind::kActor, .uid = change->by, .task = {}, .signed_in = change->requested, .session = {}};
  AdminCall call{std::move(by), change->verb, change->on, AdminEffect::kGives, change};
  Answer<json::Value> done = [change, answer](Result<json::Value> made) {
    if (!made) return answer(std::unexpected(std::move(made.error())));
    answer(json::Value(json::Object{{"id", change->id},
                                    {"kind", "change"},
                                    {"verb", change->verb},
                                    {"state", "done"},
                                    {"needed", change->needed},
                                    {"given", GivenJson(change->yes, false)},
                                    {"result", std::move(*made)}}));
  };
  const auto refuse = core_.Refusing(done);
  const json::Value& content = change->content;
  if (change->verb == "catalog.load") return core_.set_up.LoadApproved(std::move(call), std::move(done));
  if (change->verb == "facts.put") {
    return core_.set_up.OneAtATime([this, call, change, done] {
      return core_.fact_changes.Make(call, change->content, [done](Result<FactsAnswer> put) {
        done(put ? Result<json::Value>(json::Object{{"hash", put->hash}, {"entities", put->entities}}) : std::unexpected(put.error()));
      });
    });
  }
  if (change->verb == "actor.change") {
    Result<ActorRecord> actor = ActorFromJson(content);
    if (!actor) return refuse(std::move(actor.error()));
    if (content.Find("accounts") == nullptr) actor->accounts.reset();  // it does not speak of them
    return core_.registry.ChangeActor(call, *std::move(actor), std::move(done));
  }
  if (change->verb == "person.change") {
    Result<PersonRecord> person = PersonFromJson(content);
    if (!person) return refuse(std::move(person.error()));
    return core_.registry.ChangePerson(call, *std::move(person), std::move(done));
  }
  if (change->verb == "key.rotate") return core_.key_rotation.RotateApproved(call, std::move(done));
  refuse(Error(Code::kCorrupt, "store-corrupt", fmt::format("a change that waits is a `{}`, of which nothing is known", change->verb)));
}

// The end of a request that is being carried out: in the same commit, and never twice.
void ChangeRequests::Settle(const AdminCall& call, store::Batch& batch) {
  if (!call.approved) return;
  batch.expects.push_back({store::Table::kApproval, call.approved->id, json::Canonical(call.approved->ToJson())});
  batch.writes.push_back({store::Table::kApproval, call.approved->id, std::nullopt});
  json::Object event = core_.Event("change.made", core_.Stamp());
  event.Set("approval", call.approved->id);
  event.Set("verb", call.verb);
  event.Set("hash", HexEncode(call.approved->hash));
  core_.AddEvents(batch, {std::move(event)});
  waiting.erase(call.approved->id);
  Leaves(*call.approved);
}

void ChangeRequests::Settled(const AdminCall& call) {
  if (call.approved) (void)Arrives(call.approved->id);
}

void ChangeRequests::Leaves(const ChangeRequest& change) {
  if (std::string about = AboutOf(change); !about.empty()) on_their_way_[change.id] = {std::move(about)};
}

bool ChangeRequests::Arrives(const std::string& id) {
  const auto found = on_their_way_.find(id);
  if (found == on_their_way_.end()) return false;
  const bool barred = found->second.barred;
  on_their_way_.erase(found);
  return barred;
}

// Written down that it ended; its row went with the bar.
void ChangeRequests::EndBarred(const ChangeRequest& change) {
  store::Batch batch;
  batch.must_fit = true;
  batch.writes.push_back({store::Table::kApproval, change.id, std::nullopt});
  core_.AddEvents(batch, {BarredEvent(change, core_.Stamp())});
  core_.Commit(std::move(batch), [](const auto&) {});
}

std::vector<std::string> ChangeRequests::EndAbout(const cedar::EntityUid& who, store::Batch& batch) {
  std::vector<std::string> ended;
  std::erase_if(waiting, [&](const auto& entry) {
    if (AboutOf(entry.second) != who.ToString()) return false;
    core_.AddEvents(batch, {BarredEvent(entry.second, core_.Stamp())});
    batch.writes.push_back({store::Table::kApproval, entry.first, std::nullopt});
    ended.push_back(entry.first);
    return true;
  });
  // Behind it in the store, so that none of these is there after a restart: what was asked, or could not be made, does not wait for another yes.
  for (auto& [id, on_its_way] : on_their_way_) {
    if (on_its_way.about != who.ToString()) continue;
    on_its_way.barred = true;
    batch.writes.push_back({store::Table::kApproval, id, std::nullopt});
  }
  return ended;
}

void ChangeRequests::Unsettle(const AdminCall& call) {
  if (!call.approved) return;
  if (Arrives(call.approved->id)) return EndBarred(*call.approved);
  waiting.emplace(call.approved->id, *call.approved);
}

}  // namespace remit::broker
