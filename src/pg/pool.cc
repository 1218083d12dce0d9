// The pool: the last connection that came back is the first to go out, so that a quiet pool uses few.
#include "pg/pool.h"

#include <fmt/format.h>

namespace remit::pg {

Pool::Pool(ConnectOptions options, std::size_t size, std::function<Status(Connection&)> on_open)
    : options_(std::move(options)), size_(size), on_open_(std::move(on_open)) {
  REMIT_CHECK(size_ > 0);
}

Pool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->Return(std::move(connection_), discard_);
}

Result<Pool::Lease> Pool::Take(Duration wait) {
  std::unique_ptr<Connection> connection;
  {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, wait, [&] { return taken_ < size_; }))
      return Fail(Code::kUnavailable, "pool-exhausted", fmt::format("all {} connections to PostgreSQL are in use", size_));
    ++taken_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (connection != nullptr && connection->usable()) return Lease(this, std::move(connection));
  auto opened = Connection::Open(options_);
  Status status;
  if (opened && on_open_) status = on_open_(**opened);
  if (opened && status) return Lease(this, std::move(*opened));
  Return(nullptr, true);
  return Fail(opened ? std::move(status).error() : std::move(opened).error());
}

void Pool::Return(std::unique_ptr<Connection> connection, bool discard) {
  if (connection != nullptr && (discard || !connection->usable())) connection.reset();  // closed outside the lock
  {
    const std::lock_guard lock(mutex_);
    --taken_;
    if (connection != nullptr) idle_.push_back(std::move(connection));
  }
  freed_.notify_one();
}

}  // namespace remit::pg
