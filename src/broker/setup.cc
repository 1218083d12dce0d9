// Set-up: catalogs, facts, actors and people. By the operator; each change is one commit with its event.
#include <fmt/format.h>

#include "base/text.h"
#include "broker/core.h"
#include "broker/views.h"
#include "crypto/hash.h"
#include "jose/jwk.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

Status CheckOperator(const Caller& by, std::string_view what) {
  if (by.Is(Kind::kOperator)) return {};
  return Fail(Code::kPermissionDenied, "operator-only", fmt::format("only the operator may {}", what),
              "run this as the server's own user or as root, over its unix socket");
}

// The hint for a type that has not the mark: the nearest that has, or all of them.
std::string MarkedTypes(const task::Catalog& catalog, const std::string& type, bool (task::Catalog::*marked)(std::string_view) const) {
  std::vector<std::string> names;
  for (const auto& [name, declared] : catalog.schema().entity_types())
    if ((catalog.*marked)(name)) names.push_back(name);
  const std::string near = Nearest(type, names);
  if (!near.empty()) return fmt::format("did you mean `{}`?", near);
  return names.empty() ? "no type of the catalog is" : fmt::format("these are: {}", Join(names, ", "));
}

// The uid of an entity document: {"uid": {"type", "id"}} or {"uid": {"__entity": {…}}}.
Result<cedar::EntityUid> UidOf(const json::Value& document) {
  const json::Value* uid = document.Find("uid");
  if (uid != nullptr && uid->Find("__entity") != nullptr) uid = uid->Find("__entity");
  const std::string* type = uid == nullptr ? nullptr : uid->FindString("type");
  const std::string* id = uid == nullptr ? nullptr : uid->FindString("id");
  if (type == nullptr || id == nullptr)
    return Fail(Code::kInvalidArgument, "bad-entities", "an entity has a `uid` with `type` and `id`",
                R"(write {"uid": {"type": "Team", "id": "support"}, "attrs": {}, "parents": []})");
  if (!IsVisible(*id))
    return Fail(Code::kInvalidArgument, "bad-entity-id", fmt::format("`{}` has characters that cannot be seen", EscapeControl(*id)));
  return cedar::EntityUid{*type, *id};
}

}  // namespace

Result<std::shared_ptr<const FactSet>> BuildFacts(std::map<std::string, json::Value> documents, const cedar::Schema& schema) {
  json::Array array;
  for (const auto& [uid, document] : documents) array.push_back(document);
  json::Value all(std::move(array));
  auto facts = std::make_shared<FactSet>();
  REMIT_ASSIGN(facts->entities, cedar::Entities::FromJson(all, &schema));
  facts->hash = HexEncode(crypto::Sha256(json::Canonical(all)));
  facts->documents = std::move(documents);
  return std::shared_ptr<const FactSet>(std::move(facts));
}

// Native permissions must be plain, and of a form that their target can enforce.
Status Broker::Impl::CheckStated(const task::StatedPermission& stated) const {
  if (stated.action.type != "Postgres::Action") return {};
  auto refuse = [&](const std::string& why, const std::string& hint) {
    return Fail(Error(Code::kInvalidArgument, "not-enforceable",
                      fmt::format("`{}`: {} cannot be given at a target: {}", stated.task_type, stated.action.ToString(), why))
                    .At(stated.place)
                    .Hint(hint));
  };
  if (!stated.plain) return refuse(stated.why_not_plain, "name the resource by the task's parameters alone, e.g. `resource == principal.table`");
  for (const auto& target : parts.targets) {
    if (target->type() != "postgres" || (stated.resource && !target->Owns(stated.action, *stated.resource))) continue;
    Status status = target->CheckPattern({stated.action, stated.scope, stated.resource_type, stated.resource, stated.place});
    if (!status) return refuse(status.error().message, status.error().hint);
    break;  // what a pattern without a resource may say is the same for every PostgreSQL
  }
  return {};
}

void Broker::LoadCatalog(const Caller& by, std::vector<task::CatalogFile> files, bool dry_run, Answer<CatalogAnswer> answer) {
  if (Status may = CheckOperator(by, "load a catalog"); !may) return answer(std::unexpected(may.error()));
  task::Catalog::Loaded loaded =
      task::Catalog::Load(std::move(files), [this](const task::StatedPermission& stated) { return impl_->CheckStated(stated); });
  if (!loaded.catalog) {
    Error error =
        loaded.errors.empty() ? Error(Code::kInvalidArgument, "bad-catalog", "the catalog has no task type") : loaded.errors.front().ToError();
    std::string more;
    for (std::size_t i = 1; i < loaded.errors.size(); ++i) more += "\n" + loaded.errors[i].ToError().ToString();
    error.message += more;
    return answer(std::unexpected(std::move(error)));
  }
  auto shared = std::make_shared<CatalogAnswer>();
  shared->hash = loaded.catalog->hash();
  for (const cedar::Diagnostic& warning : loaded.warnings) shared->warnings.push_back(warning.ToError().ToString());
  Impl& im = *impl_;
  auto change = [&im, by, dry_run, answer, shared, catalog = loaded.catalog] {
    Result<std::shared_ptr<const FactSet>> facts = BuildFacts(im.facts->documents, catalog->schema());
    if (!facts) {
      im.Later(
          [answer, error = std::move(facts.error()).Within("the facts in force do not fit the new catalog")] { answer(std::unexpected(error)); });
      return false;
    }
    if (dry_run) {
      shared->narrowed = im.FindNarrowed(*catalog, **facts);
      im.Later([answer, shared] { answer(std::move(*shared)); });
      return false;
    }
    shared->loaded = true;
    json::Object event = Impl::Event("catalog.loaded", im.Stamp());
    event.Set("catalog", shared->hash);
    event.Set("by", by.uid.ToString());
    store::Batch batch;
    batch.writes.push_back({store::Table::kCatalog, shared->hash, catalog->Encode()});
    batch.writes.push_back({store::Table::kMeta, "catalog", shared->hash});
    im.AddEvents(batch, {std::move(event)});
    im.Commit(std::move(batch), [&im, answer, shared, catalog, facts = *facts](const auto& committed) {
      if (committed) {
        if (im.current) im.catalogs[im.current->hash()] = im.current;
        im.current = catalog;
        im.facts = facts;
        shared->narrowed = im.FindNarrowed(*catalog, *facts);  // now, since tasks went on starting under the old one
        im.EndTooWide(shared->narrowed);
        im.Later([answer, shared] { answer(std::move(*shared)); });
      } else {
        im.Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
      }
      im.ChangeDone();
    });
    return true;
  };
  im.Locked([&] { im.OneAtATime(std::move(change)); });
}

void Broker::Impl::OneAtATime(std::function<bool()> change) {
  changes.push_back(std::move(change));
  if (!changing) ChangeDone();
}

void Broker::Impl::ChangeDone() {
  changing = false;
  while (!changing && !changes.empty()) {
    std::function<bool()> next = std::move(changes.front());
    changes.pop_front();
    changing = next();
  }
}

// Whether a task holds something at a target which the new catalog does not give it any more, or only on conditions.
bool Broker::Impl::HoldsTooMuch(LiveTask& live, const task::Catalog& next, const FactSet& next_facts) {
  if (live.state() != task::State::kActive || live.latched || live.live_credentials.empty()) return false;
  std::shared_ptr<const cedar::Entity> entity = MakeEntity(live.record(), next);
  task::PermissionSet now_allowed;
  if (entity) {
    cedar::OverlayEntities view(next_facts.entities);
    view.Add(entity);
    now_allowed = task::PermissionsOf(next, *entity, view);
  }
  auto bare = [](task::PermissionSet set) {
    for (task::Permission& permission : set.permissions) permission.policies.clear();  // by which policy is no matter of width
    set.Normalise();
    return set;
  };
  for (const std::string& id : live.live_credentials) {
    LiveCredential* credential = FindCredential(id);
    if (credential == nullptr) continue;
    const task::PermissionSet& held = credential->record.permissions;
    task::PermissionSet both = task::Intersect(held, now_allowed);
    // What is asked of Remit at each use is answered by both catalogs; what is enforced elsewhere is as wide as it was made.
    const bool asked = credential->record.kind == kIntrospectKind;
    if (both.permissions.size() < held.permissions.size() || (!asked && bare(std::move(both)) != bare(held))) return true;
  }
  return false;
}

std::vector<std::string> Broker::Impl::FindNarrowed(const task::Catalog& next, const FactSet& next_facts) {
  std::vector<std::string> narrowed;
  for (auto& [id, live] : tasks)
    if (HoldsTooMuch(*live, next, next_facts)) narrowed.push_back(id);
  return narrowed;
}

void Broker::Impl::EndTooWide(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    LiveTask* live = Find(id);
    if (live == nullptr || live->latched) continue;
    End(
        *live,
        [](const task::TaskRecord& record, Time now) {
          return task::Revoke(record, {"Remit::Policy", "current"}, "the catalog and the facts in force give less than it holds", now);
        },
        Duration(0), nullptr);
  }
}

void Broker::PutFacts(const Caller& by, const json::Value& entities, bool replace, Answer<FactsAnswer> answer) {
  if (Status may = CheckOperator(by, "change facts"); !may) return answer(std::unexpected(may.error()));
  Impl& im = *impl_;
  auto change = [&im, by, entities, replace, answer] {
    auto refuse = [&](Error error) {
      im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); });
      return false;
    };
    if (!im.current)
      return refuse(Error(Code::kFailedPrecondition, "no-catalog", "facts are checked against a catalog, and none is loaded")
                        .Hint("load one with `remit catalog load FOLDER`"));
    if (!entities.IsArray()) return refuse(Error(Code::kInvalidArgument, "bad-entities", "facts are an array of entities"));
    std::map<std::string, json::Value> documents = replace ? std::map<std::string, json::Value>() : im.facts->documents;
    std::set<std::string> given;
    for (const json::Value& entity : entities.AsArray()) {
      Result<cedar::EntityUid> uid = UidOf(entity);
      if (!uid) return refuse(std::move(uid.error()));
      if (!given.insert(uid->ToString()).second)
        return refuse(Error(Code::kInvalidArgument, "duplicate-entity", fmt::format("{} is given twice", uid->ToString())));
      documents[uid->ToString()] = entity;
    }
    Result<std::shared_ptr<const FactSet>> facts = BuildFacts(std::move(documents), im.current->schema());
    if (!facts) return refuse(std::move(facts.error()));
    store::Batch batch;
    for (const auto& [uid, document] : (*facts)->documents) {
      auto before = im.facts->documents.find(uid);
      if (before == im.facts->documents.end() || !(before->second == document))
        batch.writes.push_back({store::Table::kFact, uid, json::Canonical(document)});
    }
    for (const auto& [uid, document] : im.facts->documents)
      if (!(*facts)->documents.contains(uid)) batch.writes.push_back({store::Table::kFact, uid, std::nullopt});
    json::Object event = Impl::Event("facts.changed", im.Stamp());
    event.Set("facts", (*facts)->hash);
    event.Set("entities", (*facts)->documents.size());
    event.Set("by", by.uid.ToString());
    im.AddEvents(batch, {std::move(event)});
    im.Commit(std::move(batch), [&im, answer, next = *facts](const auto& committed) {
      if (committed) {
        im.facts = next;
        for (auto& [id, live] : im.tasks) live->entity.reset();
        im.EndTooWide(im.FindNarrowed(*im.current, *next));
        im.Later([answer, next] { answer(FactsAnswer{next->hash, next->documents.size()}); });
      } else {
        im.Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
      }
      im.ChangeDone();
    });
    return true;
  };
  im.Locked([&] { im.OneAtATime(std::move(change)); });
}

json::Value Broker::Facts() const {
  return impl_->Locked([&]() -> json::Value {
    json::Array entities;
    for (const auto& [uid, document] : impl_->facts->documents) entities.push_back(document);
    return json::Object{{"hash", impl_->facts->hash}, {"entities", std::move(entities)}};
  });
}

// --- actors and people ---------------------------------------------------------------------------------------------------------------------

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
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(actor.uid, cedar::EntityUid::Parse(uid));
  return actor;
}

void Broker::Impl::Register(ActorRecord actor) {
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
  if (Status may = CheckOperator(by, "register actors"); !may) return answer(std::unexpected(may.error()));
  if (actor.client_id.empty()) actor.client_id = actor.uid.ToString();
  if (!actor.jwk.IsNull())
    if (auto key = jose::ParsePublicJwk(actor.jwk); !key) return answer(std::unexpected(key.error()));
  Impl& im = *impl_;
  im.Locked([&] {
    auto refuse = [&](Error error) { im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    if (!im.current)
      return refuse(Error(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded").Hint("load one with `remit catalog load FOLDER`"));
    if (!im.current->IsActor(actor.uid.type))
      return refuse(
          Error(Code::kInvalidArgument, "not-an-actor-type", fmt::format("`{}` is not marked @actor in the catalog in force", actor.uid.type))
              .Hint(MarkedTypes(*im.current, actor.uid.type, &task::Catalog::IsActor)));
    auto same_client = im.actors_by_client.find(actor.client_id);
    if (same_client != im.actors_by_client.end() && same_client->second != actor.uid)
      return refuse(
          Error(Code::kAlreadyExists, "client-id-taken", fmt::format("client id `{}` is {}", actor.client_id, same_client->second.ToString())));
    if (actor.unix_uid) {
      auto same_uid = im.actors_by_unix_uid.find(*actor.unix_uid);
      if (same_uid != im.actors_by_unix_uid.end() && same_uid->second != actor.uid)
        return refuse(Error(Code::kAlreadyExists, "unix-uid-taken", fmt::format("user {} is {}", *actor.unix_uid, same_uid->second.ToString())));
    }
    json::Object event = Impl::Event("actor.changed", im.Stamp());
    event.Set("actor", actor.uid.ToString());
    event.Set("barred", actor.barred);
    event.Set("by", by.uid.ToString());
    store::Batch batch;
    batch.writes.push_back({store::Table::kActor, actor.uid.ToString(), json::Canonical(ActorJson(actor))});
    im.AddEvents(batch, {std::move(event)});
    if (actor.barred) im.Register(actor);  // takes access away: before the commit
    im.Commit(std::move(batch), [&im, answer, actor](const auto& committed) {
      if (!committed) return im.Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
      im.Register(actor);
      im.Later([answer, actor] { answer(ActorJson(actor)); });
    });
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
  if (Status may = CheckOperator(by, "register people"); !may) return answer(std::unexpected(may.error()));
  Impl& im = *impl_;
  im.Locked([&] {
    auto refuse = [&](Error error) { im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    if (!im.current)
      return refuse(Error(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded").Hint("load one with `remit catalog load FOLDER`"));
    if (!im.current->IsPerson(person.uid.type))
      return refuse(
          Error(Code::kInvalidArgument, "not-a-person-type", fmt::format("`{}` is not marked @person in the catalog in force", person.uid.type))
              .Hint(MarkedTypes(*im.current, person.uid.type, &task::Catalog::IsPerson)));
    json::Object event = Impl::Event("person.changed", im.Stamp());
    event.Set("person", person.uid.ToString());
    event.Set("barred", person.barred);
    event.Set("by", by.uid.ToString());
    store::Batch batch;
    batch.writes.push_back({store::Table::kPerson, person.uid.ToString(), json::Canonical(PersonJson(person))});
    im.AddEvents(batch, {std::move(event)});
    if (person.barred) im.people[person.uid] = person;
    im.Commit(std::move(batch), [&im, answer, person](const auto& committed) {
      if (!committed) return im.Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
      im.people[person.uid] = person;
      im.Later([answer, person] { answer(PersonJson(person)); });
    });
  });
}

std::optional<ActorRecord> Broker::FindActor(const cedar::EntityUid& uid) const {
  return impl_->Locked([&]() -> std::optional<ActorRecord> {
    auto found = impl_->actors.find(uid);
    if (found == impl_->actors.end()) return std::nullopt;
    return found->second;
  });
}

std::optional<ActorRecord> Broker::FindActorByClientId(const std::string& client_id) const {
  return impl_->Locked([&]() -> std::optional<ActorRecord> {
    auto found = impl_->actors_by_client.find(client_id);
    if (found == impl_->actors_by_client.end()) return std::nullopt;
    return impl_->actors.at(found->second);
  });
}

std::optional<ActorRecord> Broker::FindActorByUnixUid(std::uint32_t uid) const {
  return impl_->Locked([&]() -> std::optional<ActorRecord> {
    auto found = impl_->actors_by_unix_uid.find(uid);
    if (found == impl_->actors_by_unix_uid.end()) return std::nullopt;
    return impl_->actors.at(found->second);
  });
}

std::optional<PersonRecord> Broker::FindPerson(const cedar::EntityUid& uid) const {
  return impl_->Locked([&]() -> std::optional<PersonRecord> {
    auto found = impl_->people.find(uid);
    if (found == impl_->people.end()) return std::nullopt;
    return found->second;
  });
}

Result<json::Value> Broker::ListActors(const Caller& by) const {
  REMIT_TRY(CheckOperator(by, "list actors"));
  return impl_->Locked([&]() -> Result<json::Value> {
    json::Array all;
    for (const auto& [uid, actor] : impl_->actors) all.push_back(ActorJson(actor));
    return json::Value(json::Object{{"actors", std::move(all)}});
  });
}

Result<json::Value> Broker::ListPeople(const Caller& by) const {
  REMIT_TRY(CheckOperator(by, "list people"));
  return impl_->Locked([&]() -> Result<json::Value> {
    json::Array all;
    for (const auto& [uid, person] : impl_->people) all.push_back(PersonJson(person));
    return json::Value(json::Object{{"people", std::move(all)}});
  });
}

}  // namespace remit::broker
