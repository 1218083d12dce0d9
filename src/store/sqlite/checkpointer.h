// Copies the log back into the database in the background, so that commits do not wait for it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "store/sqlite/sqlite.h"

namespace remit::store::sqlite {

class Checkpointer {
 public:
  // `finish` is called after each copy, to have the writer copy the few pages that came meanwhile. Errors: those of SqliteError.
  static Result<std::unique_ptr<Checkpointer>> Start(Connection db, std::function<void()> finish);
  ~Checkpointer() { Stop(); }
  void Stop();

  // Tells it how many frames the log holds; it starts to copy at kFrames. Thread-safe, cheap.
  void WalGrew(int frames);

  // 8 MiB of pages of 1 KiB: hot pages are copied once for many commits, and a log of this size is read back at once after a crash.
  static constexpr int kFrames = 8 * 1024;

 private:
  Checkpointer(Connection db, std::function<void()> finish) : db_(std::move(db)), finish_(std::move(finish)) {}
  void Run();

  Connection db_;  // its own thread alone
  const std::function<void()> finish_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool due_ = false, closing_ = false;
  std::thread thread_;
};

}  // namespace remit::store::sqlite
