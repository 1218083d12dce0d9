#include "store/sqlite/checkpointer.h"

namespace remit::store::sqlite {

Result<std::unique_ptr<Checkpointer>> Checkpointer::Start(Connection db, int due_frames, std::function<void()> finish) {
  std::unique_ptr<Checkpointer> checkpointer(new Checkpointer(std::move(db), due_frames, std::move(finish)));
  checkpointer->thread_ = std::thread([self = checkpointer.get()] { self->Run(); });
  return checkpointer;
}

void Checkpointer::Stop() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::WalGrew(int frames) {
  if (frames < due_frames_) return;
  {
    std::lock_guard lock(mutex_);
    if (due_) return;
    due_ = true;
  }
  wake_.notify_one();
}

void Checkpointer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || due_; });
    if (closing_) return;
    lock.unlock();
    // PASSIVE waits for nobody and holds nobody up. While it copies, the writer goes on; the writer copies the rest itself.
    (void)sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    // What it cannot do the writer tries, and reports.
    lock.lock();
    due_ = false;
    lock.unlock();
    finish_();
    lock.lock();
  }
}

}  // namespace remit::store::sqlite
