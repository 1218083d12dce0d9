// Set-up: catalogs, facts, actors and people. Who may is decided by the catalog in force (administer.cc), may wait for people (change.cc),
// and each change is one commit with its event.
#include <fmt/format.h>

#include "base/text.h"
#include "broker/barred_list.h"
#include "broker/catalog_difference.h"
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

void Broker::LoadCatalog(const Caller& by, std::vector<task::CatalogFile> files, const LoadOptions& options, Answer<CatalogAnswer> answer) {
  AdminCall call{by, "catalog.load", {}, AdminEffect::kGives, nullptr};
  // Before the work of reading it, which is for those who may. Asked again when it is its turn.
  if (auto may = impl_->Locked([&] { return impl_->Authorise(call); }); !may) return answer(std::unexpected(std::move(may.error())));
  impl_->LoadFiles(std::move(call), std::move(files), options, std::move(answer));
}

// Not under the mutex.
void Broker::Impl::LoadFiles(AdminCall call, std::vector<task::CatalogFile> files, const LoadOptions& options, Answer<CatalogAnswer> answer) {
  task::Catalog::Loaded loaded = task::Catalog::Load(std::move(files), [this](const task::StatedPermission& stated) { return CheckStated(stated); });
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
  Locked([&] {
    OneAtATime([this, call = std::move(call), options, shared, catalog = loaded.catalog, answer] {
      return ChangeCatalog(call, catalog, options, shared, answer);
    });
  });
}

// What people said yes to: read back by its hash.
void Broker::Impl::LoadApproved(AdminCall call, Answer<json::Value> answer) {
  Later([this, call = std::move(call), answer] {
    parts.workers.Submit([this, call, answer] {
      const json::Value& content = call.approved->content;
      const std::string hash = *content.FindString("catalog");
      auto row = parts.store.Get(store::Table::kCatalog, hash);
      if (row && !*row) row = Fail(Code::kCorrupt, "store-corrupt", fmt::format("catalog `{}` is not in the store", hash));
      auto files = row ? task::Catalog::DecodeFiles(**row) : std::unexpected(row.error());
      if (!files) return answer(std::unexpected(files.error()));
      LoadOptions options{.end_older = content.Find("end_older")->AsBool(), .allow_lock_out = content.Find("allow_lock_out")->AsBool()};
      LoadFiles(call, *std::move(files), options, [answer, hash](Result<CatalogAnswer> loaded) {
        if (!loaded) return answer(std::unexpected(loaded.error()));
        answer(json::Value(
            json::Object{{"hash", loaded->hash}, {"narrowed", json::StringArray(loaded->narrowed)}, {"ended", json::StringArray(loaded->ended)}}));
      });
    });
  });
}

// In its turn, under the mutex. Answers whether its commit is on its way.
bool Broker::Impl::ChangeCatalog(const AdminCall& call, std::shared_ptr<const task::Catalog> catalog, const LoadOptions& options,
                                 std::shared_ptr<CatalogAnswer> shared, Answer<CatalogAnswer> answer) {
  auto refuse = [&](Error error) {
    Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); });
    return false;
  };
  Result<std::uint32_t> needed = Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  Result<std::shared_ptr<const FactSet>> next_facts = BuildFacts(facts->documents, catalog->schema());
  if (!next_facts) return refuse(std::move(next_facts.error()).Within("the facts in force do not fit the new catalog"));
  if (!options.allow_lock_out)
    if (Status keeps = KeepsAnAdministrator(*catalog, **next_facts, nullptr); !keeps) return refuse(std::move(keeps.error()));
  if (options.dry_run) {
    FindLosses(catalog, *next_facts, options, shared, [this, shared, answer] { Later([answer, shared] { answer(std::move(*shared)); }); });
    return false;
  }
  if (*needed > 0) {
    store::Batch batch;
    batch.writes.push_back({store::Table::kCatalog, shared->hash, catalog->Encode()});
    json::Object content{{"catalog", shared->hash}, {"end_older", options.end_older}, {"allow_lock_out", options.allow_lock_out}};
    json::Object shown = content;
    shown.Set("difference", CatalogDifference(current.get(), *catalog));
    AskChange(call, *needed, std::move(content), std::move(shown), std::move(batch), [shared, answer](Result<std::string> asked) {
      if (!asked) return answer(std::unexpected(std::move(asked.error())));
      shared->approval = *asked;
      answer(std::move(*shared));
    });
    return false;
  }
  shared->loaded = true;
  json::Object event = Event("catalog.loaded", Stamp());
  event.Set("catalog", shared->hash);
  event.Set("by", call.by.uid.ToString());
  store::Batch batch;
  batch.writes.push_back({store::Table::kCatalog, shared->hash, catalog->Encode()});
  batch.writes.push_back({store::Table::kMeta, "catalog", shared->hash});
  // In the same commit, so that a crash before the last of them has ended forgets none.
  batch.writes.push_back({store::Table::kMeta, "older-ends", options.end_older ? std::optional<std::string>("1") : std::nullopt});
  Settle(call, batch);
  AddEvents(batch, {std::move(event)});
  if (!options.allow_lock_out) coming_catalog = catalog, coming_facts = *next_facts;
  Commit(std::move(batch), [this, call, options, answer, shared, catalog, next_facts = *next_facts](const auto& committed) {
    coming_catalog.reset(), coming_facts.reset();
    if (!committed) {
      Unsettle(call);
      Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
      return ChangeDone();
    }
    if (current) catalogs[current->hash()] = current;
    current = catalog;
    facts = next_facts;
    older_ends = options.end_older;
    shared->narrowed = FindNarrowed(*catalog, *next_facts);  // now, since tasks went on starting under the old one
    EndTooWide(shared->narrowed);
    ChangeDone();
    if (!options.end_older) return Later([answer, shared] { answer(std::move(*shared)); });
    EndOlder(catalog, shared, [this, answer, shared] { Later([answer, shared] { answer(std::move(*shared)); }); });
  });
  return true;
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
  const task::PermissionSet now_allowed = AllowedUnder(next, next_facts, live);
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
  Impl& im = *impl_;
  im.Locked([&] {
    im.OneAtATime([&im, by, entities, replace, answer] {
      return im.ChangeFacts({by, "facts.put", {}, AdminEffect::kGives, nullptr}, entities, replace, answer);
    });
  });
}

// In its turn, under the mutex. Answers whether its commit is on its way.
bool Broker::Impl::ChangeFacts(AdminCall call, const json::Value& entities, bool replace, Answer<FactsAnswer> answer) {
  auto refuse = [&](Error error) {
    Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); });
    return false;
  };
  if (!current)
    return refuse(Error(Code::kFailedPrecondition, "no-catalog", "facts are checked against a catalog, and none is loaded")
                      .Hint("load one with `remit catalog load FOLDER`"));
  if (!entities.IsArray()) return refuse(Error(Code::kInvalidArgument, "bad-entities", "facts are an array of entities"));
  std::map<std::string, json::Value> documents = replace ? std::map<std::string, json::Value>() : facts->documents;
  std::set<std::string> given, types;  // every type that is spoken of: also who changes nothing learns whether it is so
  for (const json::Value& entity : entities.AsArray()) {
    Result<cedar::EntityUid> uid = UidOf(entity);
    if (!uid) return refuse(std::move(uid.error()));
    if (!given.insert(uid->ToString()).second)
      return refuse(Error(Code::kInvalidArgument, "duplicate-entity", fmt::format("{} is given twice", uid->ToString())));
    types.insert(uid->type);
    documents[uid->ToString()] = entity;
  }
  for (const auto& [uid, document] : facts->documents)
    if (!documents.contains(uid))
      if (const auto gone = UidOf(document)) types.insert(gone->type);
  call.on.assign(types.begin(), types.end());
  Result<std::uint32_t> needed = Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  Result<std::shared_ptr<const FactSet>> next = BuildFacts(std::move(documents), current->schema());
  if (!next) return refuse(std::move(next.error()));
  if (Status keeps = KeepsAnAdministrator(*current, **next, nullptr); !keeps) return refuse(std::move(keeps.error()));
  if (*needed > 0) {
    json::Object content{{"entities", entities}, {"replace", replace}};
    AskChange(call, *needed, content, content, {}, [answer](Result<std::string> asked) {
      if (!asked) return answer(std::unexpected(std::move(asked.error())));
      answer(FactsAnswer{.hash = {}, .entities = 0, .approval = *asked});
    });
    return false;
  }
  store::Batch batch;
  for (const auto& [uid, document] : (*next)->documents) {
    auto before = facts->documents.find(uid);
    if (before == facts->documents.end() || !(before->second == document))
      batch.writes.push_back({store::Table::kFact, uid, json::Canonical(document)});
  }
  for (const auto& [uid, document] : facts->documents)
    if (!(*next)->documents.contains(uid)) batch.writes.push_back({store::Table::kFact, uid, std::nullopt});
  json::Object event = Event("facts.changed", Stamp());
  event.Set("facts", (*next)->hash);
  event.Set("entities", (*next)->documents.size());
  event.Set("by", call.by.uid.ToString());
  Settle(call, batch);
  AddEvents(batch, {std::move(event)});
  coming_catalog = current, coming_facts = *next;
  Commit(std::move(batch), [this, call, answer, next = *next](const auto& committed) {
    coming_catalog.reset(), coming_facts.reset();
    if (committed) {
      facts = next;
      for (auto& [id, live] : tasks) live->entity.reset();
      EndTooWide(FindNarrowed(*current, *next));
      Later([answer, next] { answer(FactsAnswer{next->hash, next->documents.size(), {}}); });
    } else {
      Unsettle(call);
      Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
    }
    ChangeDone();
  });
  return true;
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
  actor.accounts = r.OptionalStrings("accounts").value_or(std::vector<std::string>());
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(actor.uid, cedar::EntityUid::Parse(uid));
  return actor;
}

// The number of a change of who is registered; the store says that there was one.
std::uint64_t Broker::Impl::RegistryChanges(store::Batch& batch) {
  batch.writes.push_back({store::Table::kMeta, std::string(kRegistryRow), fmt::format("{}/{}", Micros(Now()), ++registry_changes)});
  return registry_changes;
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
  // Who names an account says what an offboarding takes away: that is no mere bar.
  const AdminEffect effect = actor.barred && !actor.accounts ? AdminEffect::kTakesAway : AdminEffect::kGives;
  impl_->Locked([&] { impl_->ChangeActor({by, "actor.change", {}, effect, nullptr}, std::move(actor), std::move(answer)); });
}

void Broker::Impl::ChangeActor(const AdminCall& call, ActorRecord actor, Answer<json::Value> answer) {
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  Result<std::uint32_t> needed = Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  const auto before = actors.find(actor.uid);
  if (actor.barred && !actor.accounts && call.by.Is(Kind::kOperator) &&
      before != actors.end()) {  // takes away and does nothing else: what is there stays as it is
    actor = before->second;
    actor.barred = true;
  }
  if (!actor.accounts && before != actors.end()) actor.accounts = before->second.accounts;
  if (Status accounts = CheckAccounts(actor); !accounts) return refuse(std::move(accounts.error()));
  if (actor.client_id.empty()) actor.client_id = actor.uid.ToString();
  if (!actor.jwk.IsNull())
    if (auto key = jose::ParsePublicJwk(actor.jwk); !key) return refuse(key.error());
  if (!current)
    return refuse(Error(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded").Hint("load one with `remit catalog load FOLDER`"));
  const bool only_bars = actor.barred && before != actors.end();  // also of a type that no catalog has any more
  if (!only_bars && !current->IsActor(actor.uid.type))
    return refuse(Error(Code::kInvalidArgument, "not-an-actor-type", fmt::format("`{}` is not marked @actor in the catalog in force", actor.uid.type))
                      .Hint(MarkedTypes(*current, actor.uid.type, &task::Catalog::IsActor)));
  auto same_client = actors_by_client.find(actor.client_id);
  if (same_client != actors_by_client.end() && same_client->second != actor.uid)
    return refuse(
        Error(Code::kAlreadyExists, "client-id-taken", fmt::format("client id `{}` is {}", actor.client_id, same_client->second.ToString())));
  if (actor.unix_uid) {
    auto same_uid = actors_by_unix_uid.find(*actor.unix_uid);
    if (same_uid != actors_by_unix_uid.end() && same_uid->second != actor.uid)
      return refuse(Error(Code::kAlreadyExists, "unix-uid-taken", fmt::format("user {} is {}", *actor.unix_uid, same_uid->second.ToString())));
  }
  if (*needed > 0) return AskRegistry(call, *needed, ActorJson(actor), std::move(answer));
  json::Object event = Event("actor.changed", Stamp());
  event.Set("actor", actor.uid.ToString());
  event.Set("barred", actor.barred);
  event.Set("by", call.by.uid.ToString());
  store::Batch batch;
  batch.writes.push_back({store::Table::kActor, actor.uid.ToString(), json::Canonical(ActorJson(actor))});
  Settle(call, batch);
  AddEvents(batch, {std::move(event)});
  const std::uint64_t change = RegistryChanges(batch);
  if (actor.barred) {  // takes access away: before the commit
    barred_by[actor.uid] = change;
    Register(actor);
  } else {
    batch.writes.push_back({store::Table::kMeta, OffboardingKey(actor.uid), std::nullopt});
  }
  Commit(std::move(batch), [this, call, answer, actor, change](const auto& committed) {
    if (!committed) {
      Unsettle(call);
      return Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
    }
    if (!WasOvertaken(actor.uid, change)) Register(actor);
    json::Value changed = ActorJson(actor);
    if (actor.barred) changed.AsObject().Set("still_running", StillRunning(actor.uid));
    Later([answer, changed] { answer(changed); });
  });
}

// A change of the registry that waits for people. It is what it is, for them and for Remit.
void Broker::Impl::AskRegistry(const AdminCall& call, std::uint32_t needed, const json::Value& content, Answer<json::Value> answer) {
  AskChange(call, needed, content, content, {}, [answer](Result<std::string> asked) {
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
  impl_->Locked([&] { impl_->ChangePerson({by, "person.change", {}, effect, nullptr}, std::move(person), std::move(answer)); });
}

void Broker::Impl::ChangePerson(const AdminCall& call, PersonRecord person, Answer<json::Value> answer) {
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  Result<std::uint32_t> needed = Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  if (!current)
    return refuse(Error(Code::kFailedPrecondition, "no-catalog", "no catalog is loaded").Hint("load one with `remit catalog load FOLDER`"));
  const bool only_bars = person.barred && people.contains(person.uid);  // also of a type that no catalog has any more
  if (!only_bars && !current->IsPerson(person.uid.type))
    return refuse(
        Error(Code::kInvalidArgument, "not-a-person-type", fmt::format("`{}` is not marked @person in the catalog in force", person.uid.type))
            .Hint(MarkedTypes(*current, person.uid.type, &task::Catalog::IsPerson)));
  if (person.barred)  // else the operator could bar all administrators and be one again
    if (Status keeps = KeepsAnAdministrator(*current, *facts, &person.uid); !keeps) return refuse(std::move(keeps.error()));
  if (*needed > 0) return AskRegistry(call, *needed, PersonJson(person), std::move(answer));
  json::Object event = Event("person.changed", Stamp());
  event.Set("person", person.uid.ToString());
  event.Set("barred", person.barred);
  event.Set("by", call.by.uid.ToString());
  store::Batch batch;
  batch.writes.push_back({store::Table::kPerson, person.uid.ToString(), json::Canonical(PersonJson(person))});
  Settle(call, batch);
  AddEvents(batch, {std::move(event)});
  const std::uint64_t change = RegistryChanges(batch);
  if (person.barred) {  // takes access away: before the commit
    barred_by[person.uid] = change;
    people[person.uid] = person;
  } else {
    batch.writes.push_back({store::Table::kMeta, OffboardingKey(person.uid), std::nullopt});
  }
  Commit(std::move(batch), [this, call, answer, person, change](const auto& committed) {
    if (!committed) {
      Unsettle(call);
      return Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
    }
    if (!WasOvertaken(person.uid, change)) people[person.uid] = person;
    json::Value changed = PersonJson(person);
    if (person.barred) changed.AsObject().Set("still_running", StillRunning(person.uid));
    Later([answer, changed] { answer(changed); });
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
  REMIT_TRY(MayReadServer(by));
  return impl_->Locked([&]() -> Result<json::Value> {
    json::Array all;
    for (const auto& [uid, actor] : impl_->actors) all.push_back(ActorJson(actor));
    return json::Value(json::Object{{"actors", std::move(all)}});
  });
}

Result<json::Value> Broker::ListPeople(const Caller& by) const {
  REMIT_TRY(MayReadServer(by));
  return impl_->Locked([&]() -> Result<json::Value> {
    json::Array all;
    for (const auto& [uid, person] : impl_->people) all.push_back(PersonJson(person));
    return json::Value(json::Object{{"people", std::move(all)}});
  });
}

}  // namespace remit::broker
