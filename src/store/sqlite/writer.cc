#include "store/sqlite/writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace remit::store::sqlite {
namespace {

constexpr std::size_t kGroupBatches = 1024;  // in one transaction: enough to hide the fsync, short enough to wait for
constexpr std::size_t kGroupBytes = 4u << 20;
constexpr int kReserveFrames = 128;                 // on the reserve, the log is copied back after so many pages
constexpr std::uint64_t kReserveFrameBytes = 1024;  // a page
// What the file of the log keeps when it starts again at its beginning. Keeping it saves the file system work; on the reserve, space is
// worth more.
constexpr int kLogBytes = 24 << 20, kReserveLogBytes = 128 << 10;
constexpr int kTruncateWaitMs = 200;  // a truncation waits so long for readers, no longer

std::unexpected<Error> Full() {
  return Fail(Code::kResourceExhausted, "store-full", "the disk of the store is full: only ends are written",
              "make room on the disk; Remit goes on by itself");
}

// Whether something is written over, or taken away, that must not be found in the files afterwards: a private key.
bool EndsKeys(const Item& item) {
  return item.result.has_value() && std::ranges::any_of(item.batch.writes, [](const Write& write) { return write.table == Table::kKey; });
}

std::size_t BytesOf(const Batch& batch) {
  std::size_t bytes = 0;
  for (const Write& write : batch.writes) bytes += write.key.size() + (write.value ? write.value->size() : 0);
  for (const std::string& event : batch.events) bytes += event.size();
  return bytes;
}

}  // namespace

Writer::Writer(Connection db, ledger::Tree tree, Reserve reserve, Rng& rng, Log log)
    : db_(std::move(db)), reserve_(std::move(reserve)), rng_(rng), log_(std::move(log)), tree_(std::move(tree)), root_(tree_.Root()) {}

Result<std::unique_ptr<Writer>> Writer::Start(Connection db, ledger::Tree tree, Reserve reserve, Rng& rng, Log log) {
  std::unique_ptr<Writer> writer(new Writer(std::move(db), std::move(tree), std::move(reserve), rng, std::move(log)));
  REMIT_ASSIGN(writer->applier_, Applier::Make(writer->db_));
  writer->LimitLog(writer->reserve_.whole() ? kLogBytes : kReserveLogBytes);
  sqlite3_wal_hook(writer->db_.get(), &Writer::OnWal, writer.get());
  writer->thread_ = std::thread([self = writer.get()] { self->Run(); });
  return writer;
}

void Writer::Stop() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Writer::Submit(Batch batch, Store::Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      queue_.push_back(Item{std::move(batch), std::move(done)});
      wake_.notify_one();
      return;
    }
  }
  done(Fail(Code::kUnavailable, "store-closed", "the store is closed"));
}

Status Writer::Erase(std::vector<std::uint64_t> indices) {
  std::future<Status> answer;
  {
    std::lock_guard lock(mutex_);
    answer = erasures_.emplace_back(Erasure{std::move(indices), {}}).done.get_future();
  }
  wake_.notify_one();
  return answer.get();
}

void Writer::FinishCheckpoint() {
  {
    std::lock_guard lock(mutex_);
    finish_checkpoint_ = true;
  }
  wake_.notify_one();
}

TreeHead Writer::Head() const {
  std::lock_guard lock(tree_mutex_);
  return {tree_.size(), root_};
}

std::vector<Hash> Writer::OpenTile(unsigned level) const {
  std::lock_guard lock(tree_mutex_);
  return tree_.OpenTile(level);
}

void Writer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || finish_checkpoint_ || !queue_.empty() || !erasures_.empty(); });
    if (std::exchange(finish_checkpoint_, false)) {
      lock.unlock();
      CopyLog();
      lock.lock();
    } else if (!erasures_.empty()) {
      Erasure erasure = std::move(erasures_.front());
      erasures_.pop_front();
      lock.unlock();
      RunErasure(erasure);
      lock.lock();
    } else if (!queue_.empty()) {
      std::deque<Item> group;
      std::size_t bytes = 0;
      do {
        bytes += BytesOf(queue_.front().batch);
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
      } while (!queue_.empty() && group.size() < kGroupBatches && bytes + BytesOf(queue_.front().batch) <= kGroupBytes);
      lock.unlock();
      const std::uint64_t size = tree_.size();
      CommitGroup(group);
      for (Item& item : group) item.done(std::move(item.result));
      group.clear();
      if (tree_.size() > size) log_.told();
      lock.lock();
    } else {
      closed_ = true;
      return;
    }
  }
}

void Writer::CommitGroup(std::deque<Item>& group) {
  CommitAdmitted(Admit(group));
  if (!reserve_.whole()) {
    KeepLogShort();
    reserve_.Regrow();
  } else if (wal_frames_ > 2 * log_.due_frames) {
    CopyLog();  // the copying in the background does not keep up
  }
  if (std::ranges::any_of(group, EndsKeys)) {
    scrub_log_ = true;
    ScrubLog(kTruncateWaitMs);
  } else if (scrub_log_) {
    ScrubLog(0);
  }
}

// Only ends are let in while the reserve is in use, until it can be made whole again, and while the log cannot be copied back.
// INVARIANT: what copying the log may add to the database fits into the reserve. Otherwise the space of the log could never be used again,
// and ends would soon not fit.
std::vector<Item*> Writer::Admit(std::deque<Item>& group) {
  const bool was_whole = reserve_.whole();
  if (log_stuck_) CopyLog();
  const bool all = !log_stuck_ && reserve_.Refill();
  if (all && !was_whole) {
    log::Info("the disk has room again: the reserve is whole");
    LimitLog(kLogBytes);
  }
  std::vector<Item*> items;
  for (Item& item : group) {
    if (all || item.batch.must_fit) {
      items.push_back(&item);
    } else {
      item.result = Full();
    }
  }
  return items;
}

void Writer::CommitAdmitted(std::vector<Item*> items) {
  while (!items.empty()) {
    ledger::Tree tree = tree_;  // only this thread changes tree_
    const Status status = applier_->Apply(items, tree, rng_);
    if (status) return Publish(tree);
    const bool full = status.error().reason == "store-full";
    std::erase_if(items, [&](Item* item) {
      if (full && item->batch.must_fit) return false;
      item->result = full ? Result<Committed>(Full()) : std::unexpected(status.error());
      return true;
    });
    if (items.empty()) return;
    if (!reserve_.Release()) {
      for (Item* item : items) item->result = Full();
      return;
    }
    log::Warn("the disk is full: ends use the reserve, {} bytes of it are left", reserve_.size());
    LimitLog(kReserveLogBytes);
  }
}

void Writer::Publish(const ledger::Tree& tree) {
  const Hash root = tree.size() == tree_.size() ? root_ : tree.Root();
  std::lock_guard lock(tree_mutex_);
  tree_ = tree;
  root_ = root;
}

void Writer::RunErasure(Erasure& erasure) {
  for (const std::uint64_t index : erasure.indices) {
    if (index < tree_.size()) continue;
    erasure.done.set_value(Fail(Code::kNotFound, "no-such-entry", fmt::format("no event {} in a ledger of {} events", index, tree_.size())));
    return;
  }
  Status status = applier_->Erase(erasure.indices);
  // What the bodies said still stands in the log, until it is copied back and cut off.
  if (status) status = Checkpoint(SQLITE_CHECKPOINT_TRUNCATE, kTruncateWaitMs);
  erasure.done.set_value(std::move(status));
}

// In the database itself secure_delete overwrites the row in its page. Somebody who reads an older state needs the log: then it is tried again with
// each group, without waiting, until it can be cut off.
void Writer::ScrubLog(int wait_ms) {
  bool whole = false;
  const Status status = Checkpoint(SQLITE_CHECKPOINT_TRUNCATE, wait_ms, &whole);
  scrub_log_ = !status || !whole;
}

// `whole`: whether everything was copied, and, by TRUNCATE, cut off. Where somebody reads that is no error.
Status Writer::Checkpoint(int mode, int wait_ms, bool* whole) {
  if (mode != SQLITE_CHECKPOINT_PASSIVE) sqlite3_busy_timeout(db_.get(), wait_ms);
  int frames = -1, copied = -1;
  const int code = sqlite3_wal_checkpoint_v2(db_.get(), nullptr, mode, &frames, &copied);
  if (mode != SQLITE_CHECKPOINT_PASSIVE) sqlite3_busy_timeout(db_.get(), 10'000);
  if (code == SQLITE_OK && frames >= 0) wal_frames_ = frames == copied ? 0 : frames;
  if (whole) *whole = code == SQLITE_OK;
  if (code == SQLITE_OK || code == SQLITE_BUSY) return {};
  return std::unexpected(SqliteError(db_.get(), code, "cannot copy the log back"));
}

void Writer::LimitLog(int bytes) {
  // A limit that cannot be set is one that was not needed: the statement touches no disk.
  (void)db_.Exec(fmt::format("PRAGMA journal_size_limit = {}", bytes));
}

// Not an error of anybody's batch: the next time does what this one could not.
void Writer::CopyLog() {
  const Status status = Checkpoint(SQLITE_CHECKPOINT_PASSIVE, 0);
  const bool stuck = !status && status.error().reason == "store-full";
  if (!status && stuck != log_stuck_) log::Warn("{}", status.error().message);
  log_stuck_ = stuck;
}

// On the reserve, the log is copied back early and often: then it starts again at its beginning, and an end costs only what the database
// grows by. A copy that does not fit takes another slice. A log that needs more than is left is not copied: ends are appended to it as
// long as they fit.
void Writer::KeepLogShort() {
  while (wal_frames_ >= kReserveFrames && static_cast<std::uint64_t>(wal_frames_) * kReserveFrameBytes <= reserve_.size() + Reserve::kSliceBytes) {
    const Status status = Checkpoint(SQLITE_CHECKPOINT_PASSIVE, 0);
    if (status) log_stuck_ = false;
    if (status || status.error().reason != "store-full" || !reserve_.Release()) return;
  }
}

int Writer::OnWal(void* self, sqlite3*, const char*, int frames) {
  auto* writer = static_cast<Writer*>(self);
  writer->wal_frames_ = frames;
  writer->log_.grew(frames);
  return SQLITE_OK;
}

}  // namespace remit::store::sqlite
