// Opening: what lives is read from the store, and what a crash left is taken up. Nothing that should be dead is forgotten (promise I4).
#include <condition_variable>
#include <thread>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/core.h"
#include "json/read.h"

namespace remit::broker {

Broker::Broker(std::unique_ptr<Core> made) : core_(std::move(made)) {}

Broker::~Broker() { Close(); }

void Broker::Close() { core_->Close(); }

Result<std::unique_ptr<Broker>> Broker::Open(Parts parts) {
  auto made = std::make_unique<Core>(std::move(parts));
  Core& core = *made;
  REMIT_ASSIGN(core.installation, OpenInstallation(core.parts.store, core.parts.master_key, core.parts.rng, core.parts.clock.Now()));
  REMIT_TRY(core.opening.LoadLastEvent());
  REMIT_ASSIGN(core.opening.epoch, ReadEpoch(core.parts.store));
  REMIT_ASSIGN(Keys keys, OpenKeys(core.parts.store, core.parts.master_key, core.parts.rng, core.Stamp()));
  core.keys.emplace(std::move(keys));
  core.key_rotation.Publish();
  // By its name a credential finds its way back to its target: tokens end by their time, and nothing else does.
  for (const auto& target : core.parts.targets)
    if (target->name() == kTokenTarget)
      return Fail(Code::kInvalidArgument, "bad-target", fmt::format("a target cannot be named `{}`: that is where tokens are", kTokenTarget),
                  "give it another name");
  REMIT_TRY(core.opening.Load());
  core.Locked([&] { core.opening.TakeUp(); });
  return std::unique_ptr<Broker>(new Broker(std::move(made)));
}

Status Opening::Load() {
  core_.facts = std::make_shared<FactSet>();
  REMIT_TRY(LoadTasks());
  REMIT_TRY(LoadCatalogs());
  REMIT_TRY(LoadDirectory());
  REMIT_TRY(core_.budgets.Load());
  REMIT_TRY(core_.break_glass.LoadReviews());
  REMIT_TRY(core_.offboarder.Load());
  return LoadCredentials();
}

// The clock as the ledger knows it: earlier than its last event means that somebody set it back.
Status Opening::LoadLastEvent() {
  store::TreeHead head = core_.parts.store.Head();
  if (head.size == 0) return {};
  REMIT_ASSIGN(core_.last_event, LastEventTime(core_.parts.store));
  core_.clock_in_doubt = !core_.parts.accept_clock && core_.parts.clock.Wall() + limits::kClockSkew < core_.last_event;
  if (core_.parts.accept_clock) core_.last_event = std::min(core_.last_event, core_.Now());
  if (core_.clock_in_doubt)
    log::Fault("the clock says {}, the ledger's last event was at {}: nothing starts and nothing is allowed until it catches up",
               FormatTime(core_.parts.clock.Wall()), FormatTime(core_.last_event));
  return {};
}

Status Opening::LoadCatalogs() {
  REMIT_ASSIGN(std::optional<std::string> in_force, core_.parts.store.Get(store::Table::kMeta, "catalog"));
  std::set<std::string> wanted;
  if (in_force) wanted.insert(*in_force);
  for (auto& [hash, catalog] : core_.catalogs) wanted.insert(hash);  // named by live tasks, see LoadTasks
  for (const std::string& hash : wanted) {
    REMIT_ASSIGN(std::optional<std::string> row, core_.parts.store.Get(store::Table::kCatalog, hash));
    if (!row) return Fail(Code::kCorrupt, "store-corrupt", fmt::format("catalog `{}` is not in the store", hash));
    REMIT_ASSIGN(std::vector<task::CatalogFile> files, task::Catalog::DecodeFiles(*row));
    task::Catalog::Loaded read = task::Catalog::ReadBack(std::move(files));
    if (!read.catalog || read.catalog->hash() != hash) {
      std::string why = read.errors.empty() ? "its hash differs" : read.errors.front().ToError().ToString();
      return Fail(Code::kCorrupt, "store-corrupt", fmt::format("catalog `{}` cannot be read back: {}", hash, why));
    }
    core_.catalogs[hash] = read.catalog;
  }
  if (in_force) core_.current = core_.catalogs[*in_force];
  REMIT_ASSIGN(std::optional<std::string> ends, core_.parts.store.Get(store::Table::kMeta, "older-ends"));
  core_.older_ends = ends.has_value();
  return {};
}

Status Opening::LoadDirectory() {
  Error failed;
  bool ok = true;
  auto each = [&](store::Table table, const std::function<Status(std::string_view, const json::Value&)>& take) -> Status {
    REMIT_TRY(core_.parts.store.Scan(table, "", [&](std::string_view key, std::string_view row) {
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
    core_.registry.Register(std::move(actor));
    return {};
  }));
  REMIT_TRY(each(store::Table::kPerson, [&](std::string_view, const json::Value& row) -> Status {
    REMIT_ASSIGN(PersonRecord person, PersonFromJson(row));
    core_.registry.people[person.uid] = std::move(person);
    return {};
  }));
  REMIT_TRY(each(store::Table::kApproval, [&](std::string_view key, const json::Value& row) -> Status {
    if (ChangeRequest::IsOne(row)) {
      REMIT_ASSIGN(ChangeRequest change, ChangeRequest::FromJson(row));
      if (change.id != key) return Fail(Code::kCorrupt, "store-corrupt", "a change is in the place of another");
      core_.change_requests.waiting[change.id] = std::move(change);
      return {};
    }
    REMIT_ASSIGN(UseApproval approval, UseApproval::FromJson(row));
    if (approval.id != key) return Fail(Code::kCorrupt, "store-corrupt", "an approval is in the place of another");
    core_.use_approvals.Keep(std::move(approval));
    return {};
  }));
  std::map<std::string, json::Value> documents;
  REMIT_TRY(each(store::Table::kFact, [&](std::string_view key, const json::Value& row) -> Status {
    documents[std::string(key)] = row;
    return {};
  }));
  if (core_.current) {
    REMIT_ASSIGN(core_.facts, BuildFacts(std::move(documents), core_.current->schema()));
  }
  return {};
}

namespace {

// Puts tasks into the core's tables while others are still being read: with a million of them the tables' memory takes as long as the rows.
class Inserter {
 public:
  struct Read {
    std::unique_ptr<LiveTask> live;
    Hash token, holder;
  };
  // Nobody else touches the core's tables until Finish.
  explicit Inserter(Core& core) : core_(core), thread_([this] { Run(); }) {}
  ~Inserter() { Finish(); }

  void Add(Read read) {
    filling_.push_back(std::move(read));
    if (filling_.size() == kAtOnce) Hand();
  }
  // All are in their tables then.
  void Finish() {
    if (!thread_.joinable()) return;
    Hand();
    Hand();  // an empty one: there are no more
    thread_.join();
  }

 private:
  static constexpr std::size_t kAtOnce = 4096;
  static constexpr std::size_t kWaiting = 8;  // so many batches wait at most

  void Hand() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < kWaiting; });
    waiting_.push_back(std::exchange(filling_, {}));
    changed_.notify_all();
  }
  void Run() {
    for (;;) {
      std::vector<Read> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !waiting_.empty(); });
        batch = std::move(waiting_.front());
        waiting_.pop_front();
        changed_.notify_all();
      }
      if (batch.empty()) return;
      for (Read& read : batch) core_.Insert(std::move(read.live), read.token, read.holder);  // with a heartbeat of now: each gets one full period
    }
  }

  Core& core_;
  std::vector<Read> filling_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<Read>> waiting_;
  std::thread thread_;
};

}  // namespace

Status Opening::LoadTasks() {
  Error failed;
  bool ok = true;
  Inserter inserter(core_);
  REMIT_TRY(core_.parts.store.Scan(store::Table::kTask, "", [&](std::string_view key, std::string_view row) {
    Result<task::TaskRecord> record = task::TaskRecord::Decode(row);
    if (!record) {
      failed = std::move(record.error()).Within(fmt::format("task `{}`", key)), ok = false;
      return false;
    }
    core_.catalogs.try_emplace(record->catalog);
    if (record->requested < epoch.since) of_before_.emplace_back(key);
    Hash token = record->token_hash, holder = record->holder_hash;
    inserter.Add({std::make_unique<LiveTask>(*std::move(record), row), token, holder});
    return true;
  }));
  if (!ok) return std::unexpected(std::move(failed));
  inserter.Finish();
  return {};
}

Status Opening::LoadCredentials() {
  Error failed;
  bool ok = true;
  REMIT_TRY(core_.parts.store.Scan(store::Table::kCredential, "", [&](std::string_view key, std::string_view row) {
    Result<task::CredentialRecord> record = task::CredentialRecord::Decode(row);
    if (!record) {
      failed = std::move(record.error()).Within(fmt::format("credential `{}`", key)), ok = false;
      return false;
    }
    if (LiveTask* live = core_.Find(record->task)) live->live_credentials.emplace_back(key);  // also of what is ending since a suspension
    core_.credentials.alive[std::string(key)].record = *std::move(record);
    return true;
  }));
  if (!ok) return std::unexpected(std::move(failed));
  return {};
}

// Under the mutex, once, after everything is loaded.
void Opening::TakeUp() {
  loaded = true;
  core_.budgets.Fit();
  std::vector<std::string> interrupted, ending, prolong;
  for (auto& [id, credential] : core_.credentials.alive) {
    LiveTask* live = core_.Find(credential.record.task);
    if (live == nullptr || credential.record.state == task::CredentialState::kEnding) {
      ending.push_back(id);
    } else if (credential.record.state == task::CredentialState::kPlanned) {
      interrupted.push_back(live->id());  // whoever was making it is gone, and what he got done is unknown
    } else if (const target::Target* target = core_.credentials.FindTarget(credential.record.target)) {  // its holder may ask for its variables again
      const Result<Secret> secret = core_.credentials.SecretOf(id, credential.record);
      if (secret) credential.environment = target->Environment(credential.record, *secret);
      // Whether its target had heard of more time is unknown.
      if (const task::TaskRecord& record = live->record(); record.started && record.deadline > *record.started + record.ttl) prolong.push_back(id);
    }
  }
  for (const std::string& id : interrupted) {
    LiveTask* live = core_.Find(id);
    if (live == nullptr || live->latched) continue;
    core_.ends.End(
        *live, [](const task::TaskRecord& record, Time now) { return task::Fail(record, "the server stopped while its credentials were made", now); },
        Duration(0), nullptr);
  }
  // A sub-task that began while its parent's end was on its way into the store.
  std::vector<std::string> sub_tasks;
  for (const auto& [id, live] : core_.tasks)
    if (!live->parent().empty()) sub_tasks.push_back(id);
  for (const std::string& id : sub_tasks)
    if (LiveTask* live = core_.Find(id)) core_.trees.FollowParent(*live);
  for (const std::string& id : ending) core_.credentials.StartEnd(id);
  for (const std::string& id : prolong) core_.credentials.Prolong(id);
  for (const std::string& id : std::exchange(of_before_, {}))
    if (LiveTask* live = core_.Find(id); live != nullptr && !live->latched)
      core_.ends.EndByPolicy(*live, "the store was restored from a copy: what it says of before is over", {"Remit::Policy", "epoch"}, Duration(0),
                             nullptr);
  core_.offboarder.TakeUp();
  if (const std::vector<std::string> locked = core_.administration.LockedBy(); !locked.empty())
    log::Fault(
        "nobody can load a catalog: `@after_uses` of `{}` bears on what nobody counts, and forbids it for ever; the operator administers until "
        "another catalog is loaded",
        Join(locked, "`, `"));
  if (core_.older_ends && core_.current && core_.catalogs.size() > 1)
    core_.catalog_change.EndOlder(core_.current, std::make_shared<CatalogAnswer>(), [] {});
  core_.ArmTimer();
  core_.sweeps.Sweep(nullptr);
  core_.sweeps.Housekeeping();
}

}  // namespace remit::broker
