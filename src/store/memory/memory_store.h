// A store that forgets: for tests, and for `remit dev`, whose store is thrown away. What it does otherwise is the contract's; in
// addition, tests can make it fail, hold its commits back, and copy what a crash would leave.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/rng.h"
#include "ledger/tree.h"
#include "store/store.h"

namespace remit::store {

class MemoryStore final : public Store {
 public:
  enum class Mode {
    kThread,  // `done` is called on the store's own thread, as by a real store
    kInline,  // `done` is called before Commit returns, unless commits are held: deterministic tests
  };

  // `rng` makes the salts and must outlive the store.
  explicit MemoryStore(Rng& rng, Mode mode = Mode::kThread);
  ~MemoryStore() override;

  void Commit(Batch batch, Done done) override;
  Result<std::optional<std::string>> Get(Table table, std::string_view key) override;
  Status Scan(Table table, std::string_view prefix, const std::function<bool(std::string_view, std::string_view)>& row) override;
  Status ScanBack(Table table, std::string_view prefix, std::string_view before,
                  const std::function<bool(std::string_view, std::string_view)>& row) override;
  TreeHead Head() override;
  Status ScanEvents(std::uint64_t first, const std::function<bool(const StoredEvent&)>& event) override;
  Result<std::vector<Hash>> ReadTile(ledger::TileId id, std::uint64_t width) override;
  Status EraseEventBodies(const std::vector<std::uint64_t>& indices) override;

  // Faults. A failed commit changes nothing.
  void FailNext(int count, Error error);  // the next `count` commits fail with `error`
  void FailAll(bool on);                  // every commit and read fails with `store-failed`
  void FillDisk(bool on);                 // commits without must_fit fail with `store-full`

  // Between these two, commits are taken and nothing of them happens: neither applied nor answered. ReleaseCommits applies them in order.
  void HoldCommits();
  void ReleaseCommits();
  // What a crash does to commits that are held: nothing comes of them, and nobody is told.
  void LoseHeld();
  std::size_t HeldCommits() const;

  // What a crash now would leave: a new store with everything committed, nothing that is held, and no faults.
  std::unique_ptr<MemoryStore> Snapshot(Mode mode) const;
  std::unique_ptr<MemoryStore> Snapshot() const { return Snapshot(mode_); }

 private:
  struct Pending {
    Batch batch;
    Done done;
  };
  struct State {
    std::map<std::pair<Table, std::string>, std::string> rows;
    std::vector<StoredEvent> events;
    std::map<ledger::TileId, std::vector<Hash>> tiles;
    ledger::Tree tree;
  };

  void Run();
  Result<Committed> Apply(const Batch& batch);  // mutex_ held
  Status Readable() const;                      // mutex_ held

  Rng& rng_;
  const Mode mode_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  State state_;
  std::deque<Pending> queue_;
  int fail_next_ = 0;
  Error fail_error_;
  bool fail_all_ = false, full_ = false, held_ = false, closing_ = false;
  std::thread thread_;
};

}  // namespace remit::store
