// Opening: what lives is read from the store, and what a crash left is taken up. Nothing that should be dead is forgotten (promise I4).
#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/core.h"
#include "crypto/seal.h"
#include "json/read.h"

namespace remit::broker {

Broker::Broker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Broker::~Broker() {
  std::unique_lock lock(impl_->mutex);
  impl_->closed = true;
  for (io::TimerId timer : {impl_->queue_timer, impl_->counts_timer, impl_->sweep_timer})
    if (timer != 0) impl_->parts.timers.Cancel(timer);
  for (auto& [id, credential] : impl_->credentials)
    if (credential.timer != 0) impl_->parts.timers.Cancel(credential.timer);
}

Result<std::unique_ptr<Broker>> Broker::Open(Parts parts) {
  auto impl = std::make_unique<Impl>(std::move(parts));
  Impl& im = *impl;
  REMIT_ASSIGN(im.installation, OpenInstallation(im.parts.store, im.parts.master_key, im.parts.rng, im.parts.clock.Now()));
  REMIT_TRY(im.LoadLastEvent());
  REMIT_ASSIGN(im.epoch, ReadEpoch(im.parts.store));
  REMIT_ASSIGN(Keys keys, OpenKeys(im.parts.store, im.parts.master_key, im.parts.rng));
  im.keys.emplace(std::move(keys));
  // By its name a credential finds its way back to its target: tokens end by their time, and nothing else does.
  for (const auto& target : im.parts.targets)
    if (target->name() == kTokenTarget)
      return Fail(Code::kInvalidArgument, "bad-target", fmt::format("a target cannot be named `{}`: that is where tokens are", kTokenTarget),
                  "give it another name");
  REMIT_TRY(im.Load());
  im.Locked([&] { im.TakeUp(); });
  return std::unique_ptr<Broker>(new Broker(std::move(impl)));
}

Status Broker::Impl::Load() {
  facts = std::make_shared<FactSet>();
  REMIT_TRY(LoadTasks());
  REMIT_TRY(LoadCatalogs());
  REMIT_TRY(LoadDirectory());
  REMIT_TRY(LoadBudgets());
  REMIT_TRY(LoadReviews());
  REMIT_TRY(LoadOffboardings());
  return LoadCredentials();
}

// The clock as the ledger knows it: earlier than its last event means that somebody set it back.
Status Broker::Impl::LoadLastEvent() {
  store::TreeHead head = parts.store.Head();
  if (head.size == 0) return {};
  REMIT_ASSIGN(last_event, LastEventTime(parts.store));
  clock_in_doubt = !parts.accept_clock && parts.clock.Wall() + limits::kClockSkew < last_event;
  if (parts.accept_clock) last_event = std::min(last_event, Now());
  if (clock_in_doubt)
    log::Fault("the clock says {}, the ledger's last event was at {}: nothing starts and nothing is allowed until it catches up",
               FormatTime(parts.clock.Wall()), FormatTime(last_event));
  return {};
}

Status Broker::Impl::LoadCatalogs() {
  REMIT_ASSIGN(std::optional<std::string> in_force, parts.store.Get(store::Table::kMeta, "catalog"));
  std::set<std::string> wanted;
  if (in_force) wanted.insert(*in_force);
  for (auto& [hash, catalog] : catalogs) wanted.insert(hash);  // named by live tasks, see LoadTasks
  for (const std::string& hash : wanted) {
    REMIT_ASSIGN(std::optional<std::string> row, parts.store.Get(store::Table::kCatalog, hash));
    if (!row) return Fail(Code::kCorrupt, "store-corrupt", fmt::format("catalog `{}` is not in the store", hash));
    REMIT_ASSIGN(std::vector<task::CatalogFile> files, task::Catalog::DecodeFiles(*row));
    task::Catalog::Loaded loaded = task::Catalog::Load(std::move(files));
    if (!loaded.catalog || loaded.catalog->hash() != hash) {
      std::string why = loaded.errors.empty() ? "its hash differs" : loaded.errors.front().ToError().ToString();
      return Fail(Code::kCorrupt, "store-corrupt", fmt::format("catalog `{}` cannot be read back: {}", hash, why));
    }
    catalogs[hash] = loaded.catalog;
  }
  if (in_force) current = catalogs[*in_force];
  REMIT_ASSIGN(std::optional<std::string> ends, parts.store.Get(store::Table::kMeta, "older-ends"));
  older_ends = ends.has_value();
  return {};
}

Status Broker::Impl::LoadDirectory() {
  Error failed;
  bool ok = true;
  auto each = [&](store::Table table, const std::function<Status(std::string_view, const json::Value&)>& take) -> Status {
    REMIT_TRY(parts.store.Scan(table, "", [&](std::string_view key, std::string_view row) {
      Result<json::Value> document = json::Parse(row);
      Status taken = document ? take(key, *document) : Status(std::unexpected(document.error()));
      if (!taken) failed = std::move(taken.error()).Within(fmt::format("row `{}`", key)), ok = false;
      return ok;
    }));
    if (!ok) return Fail(Code::kCorrupt, "store-corrupt", failed.message);
    return {};
  };
  REMIT_TRY(each(store::Table::kActor, [&](std::string_view, const json::Value& row) -> Status {
    REMIT_ASSIGN(ActorRecord actor, ActorFromJson(row));
    Register(std::move(actor));
    return {};
  }));
  REMIT_TRY(each(store::Table::kPerson, [&](std::string_view, const json::Value& row) -> Status {
    REMIT_ASSIGN(PersonRecord person, PersonFromJson(row));
    people[person.uid] = std::move(person);
    return {};
  }));
  REMIT_TRY(each(store::Table::kApproval, [&](std::string_view key, const json::Value& row) -> Status {
    if (ChangeRequest::IsOne(row)) {
      REMIT_ASSIGN(ChangeRequest change, ChangeRequest::FromJson(row));
      if (change.id != key) return Fail(Code::kCorrupt, "store-corrupt", "a change is in the place of another");
      change_requests[change.id] = std::move(change);
      return {};
    }
    REMIT_ASSIGN(UseApproval approval, UseApproval::FromJson(row));
    if (approval.id != key) return Fail(Code::kCorrupt, "store-corrupt", "an approval is in the place of another");
    KeepUseApproval(std::move(approval));
    return {};
  }));
  std::map<std::string, json::Value> documents;
  REMIT_TRY(each(store::Table::kFact, [&](std::string_view key, const json::Value& row) -> Status {
    documents[std::string(key)] = row;
    return {};
  }));
  if (current) {
    REMIT_ASSIGN(facts, BuildFacts(std::move(documents), current->schema()));
  }
  return {};
}

Status Broker::Impl::LoadTasks() {
  struct Read {
    std::unique_ptr<LiveTask> live;
    Hash token, holder;
  };
  std::vector<Read> all;  // so that the tables are made once, in their size
  Error failed;
  bool ok = true;
  REMIT_TRY(parts.store.Scan(store::Table::kTask, "", [&](std::string_view key, std::string_view row) {
    Result<task::TaskRecord> record = task::TaskRecord::Decode(row);
    if (!record) {
      failed = std::move(record.error()).Within(fmt::format("task `{}`", key)), ok = false;
      return false;
    }
    catalogs.try_emplace(record->catalog);
    if (record->requested < epoch.since) of_before.emplace_back(key);
    Hash token = record->token_hash, holder = record->holder_hash;
    all.push_back({std::make_unique<LiveTask>(*std::move(record), row), token, holder});
    return true;
  }));
  if (!ok) return std::unexpected(std::move(failed));
  tasks.reserve(all.size());
  handles.reserve(2 * all.size());
  for (Read& read : all) Insert(std::move(read.live), read.token, read.holder);  // with a heartbeat of now: each gets one full period
  return {};
}

Status Broker::Impl::LoadCredentials() {
  Error failed;
  bool ok = true;
  REMIT_TRY(parts.store.Scan(store::Table::kCredential, "", [&](std::string_view key, std::string_view row) {
    Result<task::CredentialRecord> record = task::CredentialRecord::Decode(row);
    if (!record) {
      failed = std::move(record.error()).Within(fmt::format("credential `{}`", key)), ok = false;
      return false;
    }
    if (LiveTask* live = Find(record->task)) live->live_credentials.emplace_back(key);  // also of what is ending since a suspension
    credentials[std::string(key)].record = *std::move(record);
    return true;
  }));
  if (!ok) return std::unexpected(std::move(failed));
  return {};
}

// Under the mutex, once, after everything is loaded.
void Broker::Impl::TakeUp() {
  FitBudgets();
  std::vector<std::string> interrupted, ending, prolong;
  for (auto& [id, credential] : credentials) {
    LiveTask* live = Find(credential.record.task);
    if (live == nullptr || credential.record.state == task::CredentialState::kEnding) {
      ending.push_back(id);
    } else if (credential.record.state == task::CredentialState::kPlanned) {
      interrupted.push_back(live->id());  // whoever was making it is gone, and what he got done is unknown
    } else if (const target::Target* target = FindTarget(credential.record.target)) {  // its holder may ask for its variables again
      const Result<Secret> secret = crypto::Open(keys->sealing, AsBytes(credential.record.sealed), CredentialContext(id));
      if (secret) credential.environment = target->Environment(credential.record, *secret);
      // Whether its target had heard of more time is unknown.
      if (const task::TaskRecord& record = live->record(); record.started && record.deadline > *record.started + record.ttl) prolong.push_back(id);
    }
  }
  for (const std::string& id : interrupted) {
    LiveTask* live = Find(id);
    if (live == nullptr || live->latched) continue;
    End(
        *live, [](const task::TaskRecord& record, Time now) { return task::Fail(record, "the server stopped while its credentials were made", now); },
        Duration(0), nullptr);
  }
  // A sub-task that began while its parent's end was on its way into the store.
  std::vector<std::string> sub_tasks;
  for (const auto& [id, live] : tasks)
    if (!live->parent().empty()) sub_tasks.push_back(id);
  for (const std::string& id : sub_tasks)
    if (LiveTask* live = Find(id)) FollowParent(*live);
  for (const std::string& id : ending) StartEnd(id);
  for (const std::string& id : prolong) ProlongCredential(id, 0);
  for (const std::string& id : std::exchange(of_before, {}))
    if (LiveTask* live = Find(id); live != nullptr && !live->latched)
      EndByPolicy(*live, "the store was restored from a copy: what it says of before is over", {"Remit::Policy", "epoch"}, Duration(0), nullptr);
  TakeUpOffboardings();
  if (older_ends && current && catalogs.size() > 1) EndOlder(current, std::make_shared<CatalogAnswer>(), [] {});
  ArmTimer();
  SweepAll(nullptr);
  Housekeeping();
}

}  // namespace remit::broker
