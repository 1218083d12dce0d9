// The broker's inside: what lives, the one mutex, and how effects leave it. Included by the broker's own files only.
//
// A use case runs under the mutex and leaves its effects (commits, answers, work for targets) in a queue, which is carried out in
// order after the mutex is released. So commits reach the store in the order in which memory changed, and no answer is ever given
// under the mutex. Each use case is a class of its own, with a file, that sees this one; all of them run under the mutex.
//
// So, wherever a header of a use case does not say otherwise: it is called under the mutex and waits for no commit and no target; an `answer` comes
// once, later, not under the mutex, and may be null only where that is said; a commit that fails answers with the store's error. `live` is good
// until its end is committed: what goes on after a commit looks its task up again.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/administer/administer.h"
#include "broker/administer/change_requests.h"
#include "broker/administer/key_rotation.h"
#include "broker/ask.h"
#include "broker/broker.h"
#include "broker/credential/credentials.h"
#include "broker/credential/sweep.h"
#include "broker/credential/tokens.h"
#include "broker/end/end.h"
#include "broker/end/end_wait.h"
#include "broker/end/offboard.h"
#include "broker/end/standing.h"
#include "broker/keys.h"
#include "broker/life/delegate.h"
#include "broker/life/extend.h"
#include "broker/life/heartbeat.h"
#include "broker/life/suspend.h"
#include "broker/life/tree.h"
#include "broker/live/live_task.h"
#include "broker/live/task_tree.h"
#include "broker/live/underway.h"
#include "broker/open/open.h"
#include "broker/setup/catalog_change.h"
#include "broker/setup/fact_change.h"
#include "broker/setup/registry.h"
#include "broker/setup/setup.h"
#include "broker/start/activate.h"
#include "broker/start/approve.h"
#include "broker/start/break_glass.h"
#include "broker/start/budgets.h"
#include "broker/start/explain.h"
#include "broker/start/start.h"
#include "broker/start/start_wait.h"
#include "broker/start/windows.h"
#include "broker/use/handles.h"
#include "broker/use/keyed_uses.h"
#include "broker/use/trips.h"
#include "broker/use/use.h"
#include "broker/use/use_approvals.h"
#include "broker/view/receipt.h"
#include "broker/view/view.h"
#include "target/secrets/secret_store.h"

namespace remit::broker {

class Core {
 public:
  explicit Core(Parts given) : parts(std::move(given)), secrets(parts.store, parts.master_key, parts.rng) {}

  // --- effects -------------------------------------------------------------------------------------------------------------------
  // Runs `body` under the mutex, then carries out the effects.
  template <class F>
  auto Locked(F body) {
    std::unique_lock lock(mutex);
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      Drain(lock);
    } else {
      auto result = body();
      Drain(lock);
      return result;
    }
  }
  // These only under the mutex.
  void Later(std::function<void()> effect) { effects_.push_back(std::move(effect)); }
  // Says no, in turn with other effects; an empty `answer` is nobody's.
  template <class T>
  void Refuse(const Answer<T>& answer, Error error) {
    if (answer) Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); });
  }
  // The same for the many places of one function. It refers to `answer`, which must still be whole when it is called.
  template <class T>
  auto Refusing(const Answer<T>& answer) {
    return [this, &answer](Error error) { Refuse(answer, std::move(error)); };
  }
  // `done` runs under the mutex again.
  void Commit(store::Batch batch, std::function<void(Result<store::Committed>)> done);
  // No timer and no new work at targets from here on; returns when the store has answered every commit, and those that the answers made. Not under
  // the mutex.
  void Close();
  bool closed() const { return closed_; }

  // --- time and events -----------------------------------------------------------------------------------------------------------
  Time Now() const { return parts.clock.Now(); }
  // A time for events and records: never before the last event's.
  Time Stamp();
  void AddEvents(store::Batch& batch, std::vector<json::Value> events);
  static json::Object Event(std::string_view type, Time at);
  bool ClockInDoubt();

  // --- tasks ---------------------------------------------------------------------------------------------------------------------
  LiveTask* Find(const std::string& id);                                 // null where it does not live
  std::shared_ptr<const task::Catalog> Pinned(const std::string& hash);  // the one in force, or one that a live task started under; else null
  // The task as policies see it: by the catalog that it started under (nobody, where that is gone), or by another (null where it has no such type).
  const cedar::Entity& EntityOf(LiveTask& live);
  std::shared_ptr<const cedar::Entity> MakeEntity(const task::TaskRecord& record, const task::Catalog& catalog);
  void Insert(std::unique_ptr<LiveTask> live);
  void Insert(std::unique_ptr<LiveTask> live, const Hash& token, const Hash& holder);  // without reading its record
  void Remove(const std::string& id);                                                  // its end is committed: nothing of it stays
  void Schedule(LiveTask& live);    // it is looked at when the next thing is due: deadline, heartbeat, held connection, warning, its time
  void Unschedule(LiveTask& live);  // never again
  void ArmTimer();                  // for whatever is due first
  void Tell(LiveTask& live, const json::Value& line);  // to whoever holds a connection for it
  void Changed(LiveTask& live);                        // tells them its state, and wakes its watchers
  // Allow and deny counts of decisions are written down within a second.
  void FlushCounts();
  void ArmCounts();
  // Changes that give access come one at a time: `work` runs now, or when none of them is being committed for this task. Whoever set `busy` says
  // NotBusy when his commit is over.
  void RunWhenIdle(LiveTask& live, std::function<void()> work);
  void NotBusy(LiveTask& live);

  // --- members -------------------------------------------------------------------------------------------------------------------
  Parts parts;
  target::secrets::SecretStore secrets;
  std::string installation;
  std::optional<Keys> keys;  // set by Open; those of checkpoints and for sealing never change
  std::mutex mutex;
  std::shared_ptr<const task::Catalog> current;
  std::map<std::string, std::shared_ptr<const task::Catalog>> catalogs;  // by hash; those that live tasks started under
  std::shared_ptr<const FactSet> facts;
  std::unordered_map<std::string, std::unique_ptr<LiveTask>> tasks;
  TaskTree tree;
  Handles handles;              // changed by Insert and Remove
  std::set<LiveTask*> counted;  // have counts that are not committed
  bool older_ends = false;      // what started under another catalog than the current one ends
  Time last_event{};
  bool clock_in_doubt = false;
  bool store_in_doubt = false;
  Counters totals;

  // --- the use cases -------------------------------------------------------------------------------------------------------------
  WhoMay who_may{*this};
  Starts starts{*this};
  Activations activations{*this};
  StartWaits start_waits{*this};
  Explanations explanations{*this};
  Delegation delegation{*this};
  Approvals approvals{*this};
  UseApprovals use_approvals{*this};
  Windows windows{*this};
  BreakGlassStarts break_glass{*this};
  Budgets budgets{*this};
  Trees trees{*this};
  Uses uses{*this};
  KeyedUses keyed_uses{*this};
  Trips trips{*this};
  Suspensions suspensions{*this};
  Extensions extensions{*this};
  Ends ends{*this};
  EndWaits end_waits{*this};
  Heartbeats heartbeats{*this};
  Credentials credentials{*this};
  Tokens tokens{*this};
  Offboarder offboarder{*this};
  StandingAccess standing_access{*this};
  Administration administration{*this};
  ChangeRequests change_requests{*this};
  SetUp set_up{*this};
  FactChanges fact_changes{*this};
  CatalogChange catalog_change{*this};
  Registry registry{*this};
  KeyRotation key_rotation{*this};
  Views views{*this};
  Receipts receipts{*this};
  Opening opening{*this};
  Sweeps sweeps{*this};

 private:
  void Drain(std::unique_lock<std::mutex>& lock);
  void OnTimer();
  void Look(LiveTask& live, Time now);

  bool closed_ = false;
  Underway underway_;                          // commits
  std::deque<std::function<void()>> effects_;  // in the order in which memory changed
  bool draining_ = false;
  std::set<std::pair<Time, LiveTask*>> queue_;  // of what must be looked at, by when
  io::TimerId queue_timer_ = 0, counts_timer_ = 0;
  Time queue_timer_at_{};
};

// apv_… of the request to start a task: the task's own id under another prefix. And back: "" if it is not of that form.
std::string ApprovalIdOf(const std::string& task_id);
std::string TaskIdOf(const std::string& approval_id);

// A row of the idempotency table: when (for its end after a day), then what came of it.
std::string IdempotencyRow(Time at, std::string_view content);
inline constexpr std::size_t kIdempotencyTimeBytes = 17;  // before the content

// Not found, and not to be known: the same answer for both.
std::unexpected<Error> NoSuchTask(const std::string& id);

}  // namespace remit::broker
