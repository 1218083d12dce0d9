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
  // Copies when the log holds `due_frames` pages. `finish` is called after each copy, to have the writer copy the few pages that came
  // meanwhile. Errors: those of SqliteError.
  static Result<std::unique_ptr<Checkpointer>> Start(Connection db, int due_frames, std::function<void()> finish);
  ~Checkpointer() { Stop(); }
  void Stop();

  // Tells it how many frames the log holds. Thread-safe, cheap.
  void WalGrew(int frames);

 private:
  Checkpointer(Connection db, int due_frames, std::function<void()> finish)
      : db_(std::move(db)), due_frames_(due_frames), finish_(std::move(finish)) {}
  void Run();

  Connection db_;  // its own thread alone
  const int due_frames_;
  const std::function<void()> finish_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool due_ = false, closing_ = false;
  std::thread thread_;
};

}  // namespace remit::store::sqlite
