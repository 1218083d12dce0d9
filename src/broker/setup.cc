// Set-up: catalogs and facts. Who may is decided by the catalog in force (administer.cc), may wait for people (change_requests.cc), and each
// change is one commit with its event.
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
Status SetUp::CheckStated(const task::StatedPermission& stated) const {
  if (stated.action.type != "Postgres::Action") return {};
  auto refuse = [&](const std::string& why, const std::string& hint) {
    return Fail(Error(Code::kInvalidArgument, "not-enforceable",
                      fmt::format("`{}`: {} cannot be given at a target: {}", stated.task_type, stated.action.ToString(), why))
                    .At(stated.place)
                    .Hint(hint));
  };
  if (!stated.plain) return refuse(stated.why_not_plain, "name the resource by the task's parameters alone, e.g. `resource == principal.table`");
  for (const auto& target : core_.parts.targets) {
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
  if (auto may = core_->Locked([&] { return core_->administration.Authorise(call); }); !may) return answer(std::unexpected(std::move(may.error())));
  core_->set_up.LoadFiles(std::move(call), std::move(files), options, std::move(answer));
}

// Not under the mutex.
void SetUp::LoadFiles(AdminCall call, std::vector<task::CatalogFile> files, const LoadOptions& options, Answer<CatalogAnswer> answer) {
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
  core_.Locked([&] {
    OneAtATime([this, call = std::move(call), options, shared, catalog = loaded.catalog, answer] {
      return ChangeCatalog(call, catalog, options, shared, answer);
    });
  });
}

// What people said yes to: read back by its hash.
void SetUp::LoadApproved(AdminCall call, Answer<json::Value> answer) {
  core_.Later([this, call = std::move(call), answer] {
    core_.parts.workers.Submit([this, call, answer] {
      const json::Value& content = call.approved->content;
      const std::string hash = *content.FindString("catalog");
      auto row = core_.parts.store.Get(store::Table::kCatalog, hash);
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
bool SetUp::ChangeCatalog(const AdminCall& call, std::shared_ptr<const task::Catalog> catalog, const LoadOptions& options,
                          std::shared_ptr<CatalogAnswer> shared, Answer<CatalogAnswer> answer) {
  auto refuse = [&](Error error) {
    core_.Refuse(answer, std::move(error));
    return false;
  };
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  Result<std::shared_ptr<const FactSet>> next_facts = BuildFacts(core_.facts->documents, catalog->schema());
  if (!next_facts) return refuse(std::move(next_facts.error()).Within("the facts in force do not fit the new catalog"));
  if (!options.allow_lock_out)
    if (Status keeps = core_.administration.KeepsAnAdministrator(*catalog, **next_facts, nullptr); !keeps) return refuse(std::move(keeps.error()));
  if (options.dry_run) {
    core_.catalog_change.FindLosses(catalog, *next_facts, options, shared,
                                    [this, shared, answer] { core_.Later([answer, shared] { answer(std::move(*shared)); }); });
    return false;
  }
  if (*needed > 0) {
    store::Batch batch;
    batch.writes.push_back({store::Table::kCatalog, shared->hash, catalog->Encode()});
    json::Object content{{"catalog", shared->hash}, {"end_older", options.end_older}, {"allow_lock_out", options.allow_lock_out}};
    json::Object shown = content;
    shown.Set("difference", CatalogDifference(core_.current.get(), *catalog));
    core_.change_requests.Ask(call, *needed, std::move(content), std::move(shown), std::move(batch), [shared, answer](Result<std::string> asked) {
      if (!asked) return answer(std::unexpected(std::move(asked.error())));
      shared->approval = *asked;
      answer(std::move(*shared));
    });
    return false;
  }
  shared->loaded = true;
  json::Object event = core_.Event("catalog.loaded", core_.Stamp());
  event.Set("catalog", shared->hash);
  event.Set("by", call.by.uid.ToString());
  store::Batch batch;
  batch.writes.push_back({store::Table::kCatalog, shared->hash, catalog->Encode()});
  batch.writes.push_back({store::Table::kMeta, "catalog", shared->hash});
  // In the same commit, so that a crash before the last of them has ended forgets none.
  batch.writes.push_back({store::Table::kMeta, "older-ends", options.end_older ? std::optional<std::string>("1") : std::nullopt});
  core_.change_requests.Settle(call, batch);
  core_.AddEvents(batch, {std::move(event)});
  if (!options.allow_lock_out) core_.administration.coming_catalog = catalog, core_.administration.coming_facts = *next_facts;
  core_.Commit(std::move(batch), [this, call, options, answer, shared, catalog, next_facts = *next_facts](const auto& committed) {
    core_.administration.coming_catalog.reset(), core_.administration.coming_facts.reset();
    if (!committed) {
      core_.change_requests.Unsettle(call);
      core_.Refuse(answer, committed.error());
      return ChangeDone();
    }
    if (core_.current) core_.catalogs[core_.current->hash()] = core_.current;
    core_.current = catalog;
    core_.facts = next_facts;
    core_.older_ends = options.end_older;
    shared->narrowed = FindNarrowed(*catalog, *next_facts);  // now, since tasks went on starting under the old one
    EndTooWide(shared->narrowed);
    ChangeDone();
    if (!options.end_older) return core_.Later([answer, shared] { answer(std::move(*shared)); });
    core_.catalog_change.EndOlder(catalog, shared, [this, answer, shared] { core_.Later([answer, shared] { answer(std::move(*shared)); }); });
  });
  return true;
}

void SetUp::OneAtATime(std::function<bool()> change) {
  changes_.push_back(std::move(change));
  if (!changing_) ChangeDone();
}

void SetUp::ChangeDone() {
  changing_ = false;
  while (!changing_ && !changes_.empty()) {
    std::function<bool()> next = std::move(changes_.front());
    changes_.pop_front();
    changing_ = next();
  }
}

// Whether a task holds something at a target which the new catalog does not give it any more, or only on conditions.
bool SetUp::HoldsTooMuch(LiveTask& live, const task::Catalog& next, const FactSet& next_facts) {
  if (live.state() != task::State::kActive || live.latched || live.live_credentials.empty()) return false;
  const task::PermissionSet now_allowed = core_.trees.AllowedUnder(next, next_facts, live);
  auto bare = [](task::PermissionSet set) {
    for (task::Permission& permission : set.permissions) permission.policies.clear();  // by which policy is no matter of width
    set.Normalise();
    return set;
  };
  for (const std::string& id : live.live_credentials) {
    LiveCredential* credential = core_.credentials.Find(id);
    if (credential == nullptr) continue;
    const task::PermissionSet& held = credential->record.permissions;
    task::PermissionSet both = task::Intersect(held, now_allowed);
    // What is asked of Remit at each use is answered by both catalogs; what is enforced elsewhere is as wide as it was made.
    const bool asked = credential->record.kind == kIntrospectKind;
    if (both.permissions.size() < held.permissions.size() || (!asked && bare(std::move(both)) != bare(held))) return true;
  }
  return false;
}

std::vector<std::string> SetUp::FindNarrowed(const task::Catalog& next, const FactSet& next_facts) {
  std::vector<std::string> narrowed;
  for (auto& [id, live] : core_.tasks)
    if (HoldsTooMuch(*live, next, next_facts)) narrowed.push_back(id);
  return narrowed;
}

void SetUp::EndTooWide(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    LiveTask* live = core_.Find(id);
    if (live == nullptr || live->latched) continue;
    core_.ends.End(
        *live,
        [](const task::TaskRecord& record, Time now) {
          return task::Revoke(record, {"Remit::Policy", "current"}, "the catalog and the facts in force give less than it holds", now);
        },
        Duration(0), nullptr);
  }
}

void Broker::PutFacts(const Caller& by, const json::Value& entities, bool replace, Answer<FactsAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    core.set_up.OneAtATime([&core, by, entities, replace, answer] {
      return core.set_up.ChangeFacts({by, "facts.put", {}, AdminEffect::kGives, nullptr}, entities, replace, answer);
    });
  });
}

// In its turn, under the mutex. Answers whether its commit is on its way.
bool SetUp::ChangeFacts(AdminCall call, const json::Value& entities, bool replace, Answer<FactsAnswer> answer) {
  auto refuse = [&](Error error) {
    core_.Refuse(answer, std::move(error));
    return false;
  };
  if (!core_.current)
    return refuse(Error(Code::kFailedPrecondition, "no-catalog", "facts are checked against a catalog, and none is loaded")
                      .Hint("load one with `remit catalog load FOLDER`"));
  if (!entities.IsArray()) return refuse(Error(Code::kInvalidArgument, "bad-entities", "facts are an array of entities"));
  std::map<std::string, json::Value> documents = replace ? std::map<std::string, json::Value>() : core_.facts->documents;
  std::set<std::string> given, types;  // every type that is spoken of: also who changes nothing learns whether it is so
  for (const json::Value& entity : entities.AsArray()) {
    Result<cedar::EntityUid> uid = UidOf(entity);
    if (!uid) return refuse(std::move(uid.error()));
    if (!given.insert(uid->ToString()).second)
      return refuse(Error(Code::kInvalidArgument, "duplicate-entity", fmt::format("{} is given twice", uid->ToString())));
    types.insert(uid->type);
    documents[uid->ToString()] = entity;
  }
  for (const auto& [uid, document] : core_.facts->documents)
    if (!documents.contains(uid))
      if (const auto gone = UidOf(document)) types.insert(gone->type);
  call.on.assign(types.begin(), types.end());
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  Result<std::shared_ptr<const FactSet>> next = BuildFacts(std::move(documents), core_.current->schema());
  if (!next) return refuse(std::move(next.error()));
  if (Status keeps = core_.administration.KeepsAnAdministrator(*core_.current, **next, nullptr); !keeps) return refuse(std::move(keeps.error()));
  if (*needed > 0) {
    json::Object content{{"entities", entities}, {"replace", replace}};
    core_.change_requests.Ask(call, *needed, content, content, {}, [answer](Result<std::string> asked) {
      if (!asked) return answer(std::unexpected(std::move(asked.error())));
      answer(FactsAnswer{.hash = {}, .entities = 0, .approval = *asked});
    });
    return false;
  }
  store::Batch batch;
  for (const auto& [uid, document] : (*next)->documents) {
    auto before = core_.facts->documents.find(uid);
    if (before == core_.facts->documents.end() || !(before->second == document))
      batch.writes.push_back({store::Table::kFact, uid, json::Canonical(document)});
  }
  for (const auto& [uid, document] : core_.facts->documents)
    if (!(*next)->documents.contains(uid)) batch.writes.push_back({store::Table::kFact, uid, std::nullopt});
  json::Object event = core_.Event("facts.changed", core_.Stamp());
  event.Set("facts", (*next)->hash);
  event.Set("entities", (*next)->documents.size());
  event.Set("by", call.by.uid.ToString());
  core_.change_requests.Settle(call, batch);
  core_.AddEvents(batch, {std::move(event)});
  core_.administration.coming_catalog = core_.current, core_.administration.coming_facts = *next;
  core_.Commit(std::move(batch), [this, call, answer, next = *next](const auto& committed) {
    core_.administration.coming_catalog.reset(), core_.administration.coming_facts.reset();
    if (committed) {
      core_.facts = next;
      for (auto& [id, live] : core_.tasks) live->entity.reset();
      EndTooWide(FindNarrowed(*core_.current, *next));
      core_.Later([answer, next] { answer(FactsAnswer{next->hash, next->documents.size(), {}}); });
    } else {
      core_.change_requests.Unsettle(call);
      core_.Refuse(answer, committed.error());
    }
    ChangeDone();
  });
  return true;
}

json::Value Broker::Facts() const {
  return core_->Locked([&]() -> json::Value {
    json::Array entities;
    for (const auto& [uid, document] : core_->facts->documents) entities.push_back(document);
    return json::Object{{"hash", core_->facts->hash}, {"entities", std::move(entities)}};
  });
}

}  // namespace remit::broker
