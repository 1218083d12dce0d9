// A task that lives, as the broker holds it in memory. Most tasks are idle most of the time: such a one is kept in its stored form, a
// few hundred bytes, and read again when something is asked of it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/entities.h"
#include "task/catalog.h"
#include "task/task.h"

namespace remit::broker {

class LiveTask {
 public:
  explicit LiveTask(task::TaskRecord record) { Set(std::move(record)); }
  // As it was read at start: `record` decoded from `row`, which is kept in its place.
  LiveTask(task::TaskRecord record, std::string_view row);

  const std::string& id() const { return id_; }
  const std::string& parent() const { return parent_; }  // "" for none
  task::State state() const { return state_; }
  Time deadline() const { return deadline_; }
  Duration heartbeat() const { return heartbeat_; }
  bool asks_for_more() const { return asks_for_more_; }  // has an extension in its record, expired or not
  std::uint64_t version() const { return version_; }     // another one after each Set
  std::optional<Time> not_before() const { return not_before_; }
  bool AwaitsHeartbeat() const { return heartbeat_ > Duration(0) && holds.empty(); }

  // The record; valid until Set or Cool.
  const task::TaskRecord& record();
  // Takes the next record. The counts of enforcements stay the live ones.
  void Set(task::TaskRecord next);
  // The record with its counts as they are now, in its stored form.
  std::string Encode();
  // Goes back to the stored form.
  void Cool();
  bool cold() const { return record_ == nullptr; }

  // Whether a commit is on its way that makes it active, or may: an end of it waits for that, since the credentials that it planned end too.
  bool BeingGiven() const { return busy && state_ != task::State::kActive; }
  // Whether it may be used: active, and no end on its way. Of a sub-task this is half the answer: see Trees::Usable.
  bool Usable(Time now) const { return state_ == task::State::kActive && !latched && now < deadline_; }

  // What memory alone knows.
  bool latched = false;                        // an end is on its way, committed or not: nothing is allowed any more
  bool unrecorded = false;                     // suspended, and that is not written down yet
  std::unique_ptr<task::TaskRecord> recorded;  // as it is written down, while memory is ahead with what takes access away
  bool busy = false;                           // a change that gives access is being committed
  bool counted = false;                        // has counts that are not committed
  bool warned = false;                         // 80 % of its life was told
  std::uint64_t allowed = 0, denied = 0;
  Time last_heard{};           // heartbeat
  std::optional<Time> lost;    // since when no connection is held, where one was
  std::optional<Time> try_at;  // a start that lay ahead could not be: tried again then
  Time due{};                  // when it must be looked at next; key of the queue
  std::shared_ptr<const task::Catalog> pinned;
  std::shared_ptr<const cedar::Entity> entity;  // made on first use
  std::vector<std::pair<std::uint64_t, std::function<void(const json::Value&)>>> holds;
  struct Watcher {
    std::shared_ptr<const bool> done;  // it does not wait any more
    std::function<void()> tell;
  };
  std::vector<Watcher> watchers;               // told once when something changed
  std::vector<std::string> live_credentials;   // not dead yet
  std::vector<std::function<void()>> waiting;  // until it is not busy

 private:
  std::string id_, parent_;
  task::State state_ = task::State::kRequested;
  Time deadline_{};
  Duration heartbeat_{};
  bool asks_for_more_ = false;
  std::uint64_t version_ = 0;
  std::optional<Time> not_before_;
  std::unique_ptr<task::TaskRecord> record_;
  std::string stored_;
};

}  // namespace remit::broker
