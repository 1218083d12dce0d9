// A bounded set of connections to one database as one user. A connection is looked at before it is given out; one that broke, or that
// comes back in the middle of something, is closed. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "pg/connection.h"

namespace remit::pg {

class Pool {
 public:
  // `size`: connections at most. `on_open` may look at a new connection and refuse it. Nothing is opened yet.
  Pool(ConnectOptions options, std::size_t size, std::function<Status(Connection&)> on_open = {});

  // One connection, given back when this goes.
  class Lease {
   public:
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Connection& operator*() { return *connection_; }
    Connection* operator->() { return connection_.get(); }
    void Discard() { discard_ = true; }  // close it instead of giving it back…
    void Keep() { discard_ = false; }    // …or give it back after all

   private:
    friend class Pool;
    Lease(Pool* pool, std::unique_ptr<Connection> connection) : pool_(pool), connection_(std::move(connection)) {}
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
    bool discard_ = false;
  };

  // Waits up to `wait` for a free place. Errors: `pool-exhausted` (kUnavailable), and Connection::Open's. The pool must outlive the lease.
  Result<Lease> Take(Duration wait = std::chrono::seconds(5));

  const ConnectOptions& options() const { return options_; }

 private:
  void Return(std::unique_ptr<Connection> connection, bool discard);

  const ConnectOptions options_;
  const std::size_t size_;
  const std::function<Status(Connection&)> on_open_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t taken_ = 0;
};

}  // namespace remit::pg
