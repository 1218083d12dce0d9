// The one thread that writes: takes everything that is queued, makes one transaction of it, and tells the callers after its fsync.
// It also decides what fits when the disk is full.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store/sqlite/applier.h"
#include "store/sqlite/reserve.h"

namespace remit::store::sqlite {

class Writer {
 public:
  struct Log {
    int due_frames;                 // the log is to be copied back from here on; at twice as many the writer does it itself
    std::function<void(int)> grew;  // called after each commit with the frames that the log holds, on the writer's thread
    std::function<void()> told;     // called after the callers of a group were told, where the ledger has grown with it
  };

  // `rng` must outlive the writer. Errors: those of SqliteError.
  static Result<std::unique_ptr<Writer>> Start(Connection db, ledger::Tree tree, Reserve reserve, Rng& rng, Log log);

  ~Writer() { Stop(); }

  // Commits what is queued, then ends the thread. What is submitted later is refused with `store-closed`.
  void Stop();

  void Submit(Batch batch, Store::Done done);
  // Waits. Errors: `no-such-entry`, those of SqliteError.
  Status Erase(std::vector<std::uint64_t> indices);
  // Asks for the rest of a checkpoint between two transactions, when nobody writes: only then can the log start again at its beginning.
  void FinishCheckpoint();

  // The ledger as committed. Thread-safe.
  TreeHead Head() const;
  std::vector<Hash> OpenTile(unsigned level) const;

 private:
  struct Erasure {
    std::vector<std::uint64_t> indices;
    std::promise<Status> done;
  };

  Writer(Connection db, ledger::Tree tree, Reserve reserve, Rng& rng, Log log);
  void Run();
  void CommitGroup(std::deque<Item>& group);
  std::vector<Item*> Admit(std::deque<Item>& group);
  void CommitAdmitted(std::vector<Item*> items);
  void RunErasure(Erasure& erasure);
  void Publish(const ledger::Tree& tree);
  Status Checkpoint(int mode, int wait_ms, bool* whole = nullptr);
  void LimitLog(int bytes);
  void CopyLog();
  void KeepLogShort();
  void ScrubLog(int wait_ms);
  static int OnWal(void* self, sqlite3*, const char*, int frames);

  // The writer's thread alone.
  Connection db_;
  std::optional<Applier> applier_;
  Reserve reserve_;
  Rng& rng_;
  const Log log_;
  int wal_frames_ = 0;
  bool log_stuck_ = false;  // the disk has no room to copy the log back
  bool scrub_log_ = true;   // a key that was written over may stand in the log, also in one that a crash left

  mutable std::mutex tree_mutex_;
  ledger::Tree tree_;  // as committed
  Hash root_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::deque<Erasure> erasures_;
  bool finish_checkpoint_ = false, closing_ = false, closed_ = false;
  std::thread thread_;
};

}  // namespace remit::store::sqlite
