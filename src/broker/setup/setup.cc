// Set-up: catalogs. Who may is decided by the catalog in force (administer.cc), may wait for people (change_requests.cc), and each change is
// one commit with its event.
#include <fmt/format.h>

#include "broker/core.h"
#include "broker/setup/catalog_difference.h"
#include "json/write.h"

namespace remit::broker {

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
    AskPeople(call, *needed, *catalog, options, std::move(shared), std::move(answer));
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
  if (!options.allow_lock_out) core_.administration.Expect(catalog, *next_facts);
  core_.Commit(std::move(batch), [this, call, options, answer, shared, catalog, next_facts = *next_facts](const auto& committed) {
    core_.administration.Expect(nullptr, nullptr);
    if (!committed) {
      core_.change_requests.Unsettle(call);
      core_.Refuse(answer, committed.error());
      return ChangeDone();
    }
    if (core_.current) core_.catalogs[core_.current->hash()] = core_.current;
    core_.current = catalog;
    core_.facts = next_facts;
    core_.older_ends = options.end_older;
    shared->narrowed = core_.catalog_change.EndTooWide(*catalog, *next_facts);  // now, since tasks went on starting under the old one
    ChangeDone();
    if (!options.end_older) return core_.Later([answer, shared] { answer(std::move(*shared)); });
    core_.catalog_change.EndOlder(catalog, shared, [this, answer, shared] { core_.Later([answer, shared] { answer(std::move(*shared)); }); });
  });
  return true;
}

// It is kept with the request, and shown as what it changes.
void SetUp::AskPeople(const AdminCall& call, std::uint32_t needed, const task::Catalog& catalog, const LoadOptions& options,
                      std::shared_ptr<CatalogAnswer> shared, Answer<CatalogAnswer> answer) {
  store::Batch batch;
  batch.writes.push_back({store::Table::kCatalog, shared->hash, catalog.Encode()});
  json::Object content{{"catalog", shared->hash}, {"end_older", options.end_older}, {"allow_lock_out", options.allow_lock_out}};
  json::Object shown = content;
  shown.Set("difference", CatalogDifference(core_.current.get(), catalog));
  core_.change_requests.Ask(call, needed, std::move(content), std::move(shown), std::move(batch), [shared, answer](Result<std::string> asked) {
    if (!asked) return answer(std::unexpected(std::move(asked.error())));
    shared->approval = *asked;
    answer(std::move(*shared));
  });
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

}  // namespace remit::broker
