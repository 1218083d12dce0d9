// The registry: actors and people. Who may change it is decided by the catalog in force (administer.cc), may wait for people
// (change_requests.cc), and each change is one commit with its event.
#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "broker/open/barred_list.h"
#include "broker/views.h"
#include "jose/jwk.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

constexpr std::size_t kVouches = 100;  // types and attributes that one actor vouches for: more than a person reads through before saying yes

// The hint for a type that has not the mark: the nearest that has, or all of them.
std::string MarkedTypes(const task::Catalog& catalog, const std::string& type, bool (task::Catalog::*marked)(std::string_view) const) {
  // Actors and people are put with a command each.
  const bool actors = marked == &task::Catalog::IsActor;
  if (actors ? catalog.IsPerson(type) : catalog.IsActor(type))
    return actors ? "it is marked @person: `remit person put`" : "it is marked @actor: `remit actor put`";
  std::vector<std::string> names;
  for (const auto& [name, declared] : catalog.schema().entity_types())
    if ((catalog.*marked)(name)) names.push_back(name);
  const std::string near = Nearest(type, names);
  if (!near.empty()) return fmt::format("did you mean `{}`?", near);
  if (!names.empty()) return fmt::format("these are: {}", Join(names, ", "));
  return "no type of the catalog is: mark one in its schema, then `remit catalog load`";
}

Status CheckAudiences(const ActorRecord& actor, const std::string& issuer) {
  if (!actor.audiences) return {};
  const auto bad = [](std::string why) {
    return Fail(Code::kInvalidArgument, "bad-audience", std::move(why), "name the resource server as its tokens do: `remit token --audience NAME`");
  };
  if (actor.audiences->size() > limits::kAudiencesPerActor)
    return bad(fmt::format("one actor is at most {} resource servers", limits::kAudiencesPerActor));
  const std::set<std::string> distinct(actor.audiences->begin(), actor.audiences->end());
  if (distinct.size() != actor.audiences->size()) return bad("a resource server is named twice");
  for (const std::string& audience : distinct)
    if (audience.empty() || audience.size() > limits::kAudienceBytes || !IsVisible(audience) || audience == issuer)
      return bad(fmt::format("`{}` is not the name of a resource server", EscapeControl(audience)));
  return {};
}

Result<std::map<cedar::EntityUid, Time>> WasOwnedByFromJson(const json::Array& before) {
  std::map<cedar::EntityUid, Time> owners;
  for (const json::Value& one : before) {
    json::ObjectReader r(one, "actor.was_owned_by");
    const std::string person = r.RequiredString("person"), until = r.RequiredString("until");
    REMIT_TRY(r.Finish());
    REMIT_ASSIGN(cedar::EntityUid uid, cedar::EntityUid::Parse(person));
    REMIT_ASSIGN(const Time at, ParseTime(until));
    owners[std::move(uid)] = at;
  }
  return owners;
}

// Whether it only bars, and says nothing else: that takes away.
bool OnlyBars(const ActorRecord& actor) { return actor.barred && !actor.accounts && !actor.owner && !actor.vouches_for && !actor.audiences; }

// What is asked of people: exactly what was said. What was not is as it is when they have answered.
json::Value AskedOf(const ActorRecord& actor, const ActorRecord& said) {
  json::Value content = ActorJson(actor);
  json::Object& object = content.AsObject();
  for (const std::string_view name : {"accounts", "owner", "was_owned_by", "vouches_for", "audiences"}) object.Erase(name);
  if (said.accounts) object.Set("accounts", json::StringArray(*said.accounts));
  if (said.owner) object.Set("owner", said.HasOwner() ? said.owner->ToString() : "");
  if (said.vouches_for) object.Set("vouches_for", json::StringArray(*said.vouches_for));
  if (said.audiences) object.Set("audiences", json::StringArray(*said.audiences));
  return content;
}

}  // namespace

Result<ActorRecord> ActorFromJson(const json::Value& document) {
  ActorRecord actor;
  json::ObjectReader r(document, "actor");
  std::string uid = r.RequiredString("uid");
  actor.client_id = r.OptionalString("client_id").value_or(uid);
  if (const json::Value* jwk = r.OptionalValue("jwk")) actor.jwk = *jwk;
  if (auto unix_uid = r.OptionalInt("unix_uid")) {
    if (*unix_uid < 0 || *unix_uid > 0xFFFFFFFF) r.Refuse("unix_uid", "is not the number of a user");
    actor.unix_uid = static_cast<std::uint32_t>(*unix_uid);
  }
  actor.barred = r.OptionalBool("barred").value_or(false);
  actor.accounts = r.OptionalStrings("accounts").value_or(std::vector<std::string>());
  actor.audiences = r.OptionalStrings("audiences");
  const std::optional<std::string> owner = r.OptionalString("owner");
  actor.vouches_for = r.OptionalStrings("vouches_for");
  if (const json::Array* before = r.OptionalArray("was_owned_by")) {
    REMIT_ASSIGN(actor.was_owned_by, WasOwnedByFromJson(*before));
  }
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(actor.uid, cedar::EntityUid::Parse(uid));
  if (owner && owner->empty()) actor.owner.emplace();
  if (owner && !owner->empty()) {
    REMIT_ASSIGN(actor.owner, cedar::EntityUid::Parse(*owner));
  }
  return actor;
}

std::uint64_t Registry::CountChange(store::Batch& batch) {
  batch.writes.push_back({store::Table::kMeta, std::string(kRegistryRow), fmt::format("{}/{}", Micros(core_.Now()), ++changes_)});
  return changes_;
}

bool Registry::WasOvertaken(const cedar::EntityUid& who, std::uint64_t change) const {
  const auto barred = barred_by_.find(who);
  return barred != barred_by_.end() && barred->second > change;
}

void Registry::Register(ActorRecord actor) {
  if (auto before = actors.find(actor.uid); before != actors.end()) {
    actors_by_client.erase(before->second.client_id);
    if (before->second.unix_uid) actors_by_unix_uid.erase(*before->second.unix_uid);
  }
  actors_by_client[actor.client_id] = actor.uid;
  if (actor.unix_uid) actors_by_unix_uid[*actor.unix_uid] = actor.uid;
  cedar::EntityUid uid = actor.uid;
  actors[uid] = std::move(actor);
}

void Broker::PutActor(const Caller& by, ActorRecord actor, Answer<json::Value> answer) {
  // Who names an account says what an offboarding takes away, who names an owner whose yes counts: that is no mere bar.
  const AdminEffect effect = OnlyBars(actor) ? AdminEffect::kTakesAway : AdminEffect::kGives;
  core_->Locked([&] { core_->registry.ChangeActor({by, "actor.change", {}, effect, nullptr}, std::move(actor), std::move(answer)); });
}

void Registry::ChangeActor(const AdminCall& call, ActorRecord actor, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  const auto before = actors.find(actor.uid);
  const ActorRecord said = actor;
  const std::optional<std::vector<std::string>>& named = said.accounts;
  if (OnlyBars(actor) && call.by.Is(Kind::kOperator) && before != actors.end()) {  // takes away and does nothing else: what is there stays as it is
    actor = before->second;
    actor.barred = true;
  }
  if (before != actors.end()) {
    if (!actor.accounts) actor.accounts = before->second.accounts;
    if (!actor.owner) actor.owner = before->second.owner;
    if (!actor.vouches_for) actor.vouches_for = before->second.vouches_for;
    if (!actor.audiences) actor.audiences = before->second.audiences;
    actor.was_owned_by = before->second.was_owned_by;
    if (before->second.HasOwner() && before->second.owner != actor.owner) actor.was_owned_by[*before->second.owner] = core_.Stamp();
  }
  if (Status accounts = core_.standing_access.CheckAccounts(actor); !accounts) return refuse(std::move(accounts.error()));
  if (Status audiences = CheckAudiences(actor, core_.parts.issuer); !audiences) return refuse(std::move(audiences.error()));
  if (actor.client_id.empty()) actor.client_id = actor.uid.ToString();
  if (!actor.jwk.IsNull())
    if (auto key = jose::ParsePublicJwk(actor.jwk); !key) return refuse(key.error());
  if (!core_.current)
    return refuse(Error(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded").Hint("load one with `remit catalog load FOLDER`"));
  const bool only_bars = actor.barred && before != actors.end();  // also of a type that no catalog has any more
  if (!only_bars && !core_.current->IsActor(actor.uid.type))
    return refuse(Error(Code::kInvalidArgument, "not-an-actor-type", fmt::format("`{}` is not marked @actor in the catalog in force", actor.uid.type))
                      .Hint(MarkedTypes(*core_.current, actor.uid.type, &task::Catalog::IsActor)));
  if (Status owner = CheckOwner(said); !owner) return refuse(std::move(owner.error()));
  if (Status vouches = CheckVouches(said); !vouches) return refuse(std::move(vouches.error()));
  auto same_client = actors_by_client.find(actor.client_id);
  if (same_client != actors_by_client.end() && same_client->second != actor.uid)
    return refuse(Error(Code::kAlreadyExists, "client-id-taken", fmt::format("client id `{}` is {}", actor.client_id, same_client->second.ToString()))
                      .Hint("give another with --client-id; `remit actor list` has those that are taken"));
  if (actor.unix_uid) {
    auto same_uid = actors_by_unix_uid.find(*actor.unix_uid);
    if (same_uid != actors_by_unix_uid.end() && same_uid->second != actor.uid)
      return refuse(Error(Code::kAlreadyExists, "unix-uid-taken", fmt::format("user {} is {}", *actor.unix_uid, same_uid->second.ToString())));
  }
  if (*needed > 0) return Ask(call, *needed, AskedOf(actor, said), std::move(answer));
  // Who asked for it does not wait at a door: what is declared is seen before the answer. Else whoever called asks for that (api/rest/people.cc).
  if (call.approved && named && !named->empty()) answer = core_.standing_access.ThenSee(*named, std::move(answer));
  std::vector<store::Write> also = core_.standing_access.NotesThatGo(actor);
  std::ranges::move(core_.offboarder.TakeOff(actor), std::back_inserter(also));
  Registered who{"actor", store::Table::kActor, actor.uid, actor.barred, ActorJson(actor), std::move(also), core_.standing_access.Move(actor)};
  if (actor.HasOwner()) who.told.Set("owner", actor.owner->ToString());
  if (said.vouches_for) who.told.Set("vouches_for", json::StringArray(*said.vouches_for));
  if (said.audiences) who.told.Set("audiences", json::StringArray(*said.audiences));
  WriteDown(call, who, [this, actor] { Register(actor); }, std::move(answer));
}

// A person who is registered, so that a name that is wrong leaves nobody as the owner who is meant.
Status Registry::CheckOwner(const ActorRecord& said) const {
  if (!said.HasOwner()) return {};
  if (core_.current->IsPerson(said.owner->type) && people.contains(*said.owner)) return {};
  return Fail(Code::kInvalidArgument, "bad-owner", fmt::format("`{}` is not a registered person", said.owner->ToString()),
              "an actor's owner is a person: see who is there with `remit person list`");
}

// A name that is wrong would vouch for nothing.
Status Registry::CheckVouches(const ActorRecord& said) const {
  if (!said.vouches_for) return {};
  const auto bad = [](std::string why, std::string hint) { return Fail(Code::kInvalidArgument, "bad-vouch", std::move(why), std::move(hint)); };
  if (said.vouches_for->size() > kVouches) return bad(fmt::format("an actor vouches for {} things at most", kVouches), "");
  for (const std::string& one : *said.vouches_for) {
    const std::size_t dot = one.find('.');
    const std::string type = one.substr(0, dot);
    const cedar::EntityType* declared = core_.current->schema().FindEntityType(type);
    if (declared == nullptr || !core_.current->IsFromPep(type))
      return bad(fmt::format("`{}` is not marked @from_pep in the catalog in force", EscapeControl(type)),
                 "write a type's name, or TYPE.ATTRIBUTE; of any other type nothing is taken from who enforces");
    if (dot != std::string::npos && !declared->attributes.contains(one.substr(dot + 1)))
      return bad(fmt::format("`{}` has no attribute `{}`", type, EscapeControl(one.substr(dot + 1))), "");
  }
  return {};
}

void Registry::WriteDown(const AdminCall& call, const Registered& who, std::function<void()> keep, Answer<json::Value> answer) {
  json::Object event = core_.Event(fmt::format("{}.changed", who.kind), core_.Stamp());
  event.Set(who.kind, who.uid.ToString());
  event.Set("barred", who.barred);
  for (const auto& [name, value] : who.told) event.Set(name, value);
  event.Set("by", call.by.uid.ToString());
  store::Batch batch;
  batch.writes.push_back({who.table, who.uid.ToString(), json::Canonical(who.row)});
  batch.writes.insert(batch.writes.end(), who.also.begin(), who.also.end());
  core_.change_requests.Settle(call, batch);
  core_.AddEvents(batch, {std::move(event)});
  const std::uint64_t change = CountChange(batch);
  std::shared_ptr<Offboarding> over;
  if (who.barred) {  // takes access away: before the commit, and also on a full disk
    batch.must_fit = true;
    core_.change_requests.EndAbout(who.uid, batch);
    NoteBar(who.uid, change);
    keep();
  } else {
    over = core_.offboarder.Forget(who.uid, batch);
  }
  core_.Commit(std::move(batch), [this, call, who, keep = std::move(keep), answer = std::move(answer), change, over](const auto& committed) {
    core_.standing_access.Moved(who.accounts);
    if (!committed) {
      core_.offboarder.KeepOpen(over);
      core_.change_requests.Unsettle(call);
      return core_.Refuse(answer, committed.error());
    }
    core_.change_requests.Settled(call);
    if (!WasOvertaken(who.uid, change)) keep();
    json::Value changed = who.row;
    if (who.barred) changed.AsObject().Set("still_running", core_.offboarder.StillRunning(who.uid));
    core_.Later([answer, changed] { answer(changed); });
  });
}

// A change of the registry that waits for people. It is what it is, for them and for Remit.
void Registry::Ask(const AdminCall& call, std::uint32_t needed, const json::Value& content, Answer<json::Value> answer) {
  core_.change_requests.Ask(call, needed, content, content, {}, [answer](Result<std::string> asked) {
    if (!asked) return answer(std::unexpected(std::move(asked.error())));
    answer(json::Value(json::Object{{"approval", *asked}}));
  });
}

Result<PersonRecord> PersonFromJson(const json::Value& document) {
  PersonRecord person;
  json::ObjectReader r(document, "person");
  std::string uid = r.RequiredString("uid");
  person.display_name = r.OptionalString("display_name").value_or("");
  person.barred = r.OptionalBool("barred").value_or(false);
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(person.uid, cedar::EntityUid::Parse(uid));
  return person;
}

void Broker::PutPerson(const Caller& by, PersonRecord person, Answer<json::Value> answer) {
  const AdminEffect effect = person.barred ? AdminEffect::kTakesAway : AdminEffect::kGives;
  core_->Locked([&] { core_->registry.ChangePerson({by, "person.change", {}, effect, nullptr}, std::move(person), std::move(answer)); });
}

void Registry::ChangePerson(const AdminCall& call, PersonRecord person, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  if (!core_.current)
    return refuse(Error(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded").Hint("load one with `remit catalog load FOLDER`"));
  const bool only_bars = person.barred && people.contains(person.uid);  // also of a type that no catalog has any more
  if (!only_bars && !core_.current->IsPerson(person.uid.type))
    return refuse(
        Error(Code::kInvalidArgument, "not-a-person-type", fmt::format("`{}` is not marked @person in the catalog in force", person.uid.type))
            .Hint(MarkedTypes(*core_.current, person.uid.type, &task::Catalog::IsPerson)));
  if (person.barred)  // else the operator could bar all administrators and be one again
    if (Status keeps = core_.administration.KeepsAnAdministrator(*core_.current, *core_.facts, &person.uid); !keeps)
      return refuse(std::move(keeps.error()));
  if (*needed > 0) return Ask(call, *needed, PersonJson(person), std::move(answer));
  WriteDown(
      call, {"person", store::Table::kPerson, person.uid, person.barred, PersonJson(person)}, [this, person] { people[person.uid] = person; },
      std::move(answer));
}

std::optional<ActorRecord> Broker::FindActor(const cedar::EntityUid& uid) const {
  return core_->Locked([&]() -> std::optional<ActorRecord> {
    auto found = core_->registry.actors.find(uid);
    if (found == core_->registry.actors.end()) return std::nullopt;
    return found->second;
  });
}

std::optional<ActorRecord> Broker::FindActorByClientId(const std::string& client_id) const {
  return core_->Locked([&]() -> std::optional<ActorRecord> {
    auto found = core_->registry.actors_by_client.find(client_id);
    if (found == core_->registry.actors_by_client.end()) return std::nullopt;
    return core_->registry.actors.at(found->second);
  });
}

std::optional<ActorRecord> Broker::FindActorByUnixUid(std::uint32_t uid) const {
  return core_->Locked([&]() -> std::optional<ActorRecord> {
    auto found = core_->registry.actors_by_unix_uid.find(uid);
    if (found == core_->registry.actors_by_unix_uid.end()) return std::nullopt;
    return core_->registry.actors.at(found->second);
  });
}

std::optional<PersonRecord> Broker::FindPerson(const cedar::EntityUid& uid) const {
  return core_->Locked([&]() -> std::optional<PersonRecord> {
    auto found = core_->registry.people.find(uid);
    if (found == core_->registry.people.end()) return std::nullopt;
    return found->second;
  });
}

Result<json::Value> Broker::ListActors(const Caller& by) const {
  REMIT_TRY(MayReadServer(by));
  return core_->Locked([&]() -> Result<json::Value> {
    json::Array all;
    for (const auto& [uid, actor] : core_->registry.actors) all.push_back(ActorJson(actor));
    return json::Value(json::Object{{"actors", std::move(all)}});
  });
}

Result<json::Value> Broker::ListPeople(const Caller& by) const {
  REMIT_TRY(MayReadServer(by));
  return core_->Locked([&]() -> Result<json::Value> {
    json::Array all;
    for (const auto& [uid, person] : core_->registry.people) all.push_back(PersonJson(person));
    return json::Value(json::Object{{"people", std::move(all)}});
  });
}

}  // namespace remit::broker
