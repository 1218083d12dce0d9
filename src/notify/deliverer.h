// One receiver, and its place in the ledger.
//
// The ledger is the queue. Behind the place stands what is still to be told, in order; the place moves on in the same commit as the event that says
// what came of a message: `webhook.delivered` when it was taken, `webhook.failed` when it was given up. So nothing is told less than once, whatever
// crashes; a message that was taken just before a crash is told again, under the same id. Who does not answer is asked again with growing pauses, a
// message at a time: a receiver that is away costs one row and nothing else.
//
// Threads: everything may be called from any thread. Posting and reading happen on a worker, one message at a time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/rng.h"
#include "io/timers.h"
#include "io/workers.h"
#include "notify/event_types.h"
#include "notify/message.h"
#include "store/store.h"

namespace remit::notify {

// What is posted.
struct Message {
  std::string id;  // "msg_<installation>_<index>", with "<epoch>_" before the index from the second epoch on: the same for each attempt
  std::string body;
};

// What a deliverer needs. Everything must outlive it.
struct DelivererParts {
  store::Store& store;
  const Clock& clock;
  Rng& rng;  // jitter; thread-safe
  io::Timers& timers;
  io::Workers& workers;
  std::string installation;
  std::string base;  // the server's public URL, for links

  // Writes an event into the ledger with rows, in one commit (broker::Broker::Record).
  std::function<void(std::string_view type, const json::Object& fields, std::vector<store::Write> rows, std::function<void(Status)> done)> record;
  // Posts, blocking; the error says why the receiver has not taken it. No error names a path or a query: they may be the receiver's secret.
  std::function<Status(const Message&)> post;
};

struct DelivererOptions {
  std::string name;
  Template form = Template::kEvents;
  EventTypes events;  // none: ChangesAndWaits()
};

// How a receiver is, for people.
struct DelivererStatus {
  std::uint64_t next = 0, behind = 0;  // its place, and how many events of the ledger are behind it
  std::uint32_t attempts = 0;          // of the message that it has not taken
  std::optional<Time> failing_since;
  std::string last_error;
};

class Deliverer : public std::enable_shared_from_this<Deliverer> {
 public:
  // A new receiver begins with what happens next; its place is written down before this returns. Errors: the store's.
  static Result<std::shared_ptr<Deliverer>> Open(DelivererParts parts, DelivererOptions options);

  void Start();
  void Stop();  // no further attempt begins. Idempotent
  DelivererStatus status() const;

 private:
  struct Found {
    std::uint64_t index = 0;
    json::Value event;
  };

  Deliverer(DelivererParts parts, DelivererOptions options) : parts_(std::move(parts)), options_(std::move(options)) {}
  void Wake();
  void Work();
  Result<std::optional<Found>> FindNext();
  void Deliver(Found found);
  void Settle(std::string_view type, std::uint64_t index, json::Object fields);
  void SavePlace();
  void Rest();
  void Later(std::string error);
  void Again();
  Notice NoticeOf(Found found) const;
  store::Write PlaceRow(std::uint64_t next) const;

  const DelivererParts parts_;
  const DelivererOptions options_;
  std::string epoch_;  // of messages' ids; "" in the first. Written by Open alone

  mutable std::mutex mutex_;  // of all below. INVARIANT: never held while something else is called
  std::uint64_t next_ = 0;    // touched by the one who works alone, but for status()
  std::uint64_t saved_ = 0;   // as it stands in the store
  std::uint32_t attempts_ = 0, pause_ = 0;
  std::optional<Time> failing_since_;
  std::string last_error_;
  std::shared_ptr<void> watch_;
  io::TimerId timer_ = 0;
  bool working_ = false, wanted_ = false, stopped_ = false;
};

}  // namespace remit::notify
