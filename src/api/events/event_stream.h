// One open stream of events: a place in the ledger that moves on as the ledger grows, and a peer who is told what he may see.
//
// Nothing is kept for a reader: what he has not read is in the ledger. A page is written when the one before has left for the kernel, so that a slow
// reader holds one page and no more; one who reads nothing at all is cut by the server's write timeout. Who is calling is asked again before
// each page: a session that has ended, or a view that was taken away, ends what is seen from then on.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/events/event_filter.h"
#include "api/services.h"
#include "base/secret.h"
#include "http/message.h"
#include "identity/caller.h"

namespace remit::api {

// How many streams are open, by caller. Thread-safe.
class EventStreams : public std::enable_shared_from_this<EventStreams> {
 public:
  // A place for one more stream, until what is returned goes. Errors: `too-many-streams`.
  Result<std::shared_ptr<void>> Enter(const identity::Caller& caller);

 private:
  void Leave(const std::string& who);

  std::mutex mutex_;
  std::size_t all_ = 0;
  std::map<std::string, std::size_t> by_caller_;
};

// Who asks, kept so that it can be asked again.
struct EventReader {
  std::optional<Secret> bearer;
  std::optional<std::uint32_t> unix_uid;
};

class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  // `next` is the index of the first event that is told. `place` is what EventStreams::Enter gave.
  EventStream(Services& services, EventReader reader, EventFilter filter, std::uint64_t next, std::shared_ptr<void> place)
      : services_(services), reader_(std::move(reader)), filter_(std::move(filter)), place_(std::move(place)), next_(next) {}

  void Begin(std::shared_ptr<http::StreamWriter> writer);  // the head of the response is on its way
  void Close();                                            // from any thread, idempotent

 private:
  void Wake();      // there may be something to say
  bool Schedule();  // the next page, on a worker
  void Pump();      // writes one page
  Result<std::string> Page(const identity::Caller& caller);
  void Tick();

  Services& services_;
  const EventReader reader_;
  const EventFilter filter_;
  std::shared_ptr<void> place_;  // given back by Close
  std::uint64_t next_;           // touched by the one Pump alone

  std::mutex mutex_;  // of all below. INVARIANT: never held while something else is called
  std::shared_ptr<http::StreamWriter> writer_;
  std::shared_ptr<void> watch_;
  io::TimerId timer_ = 0;
  bool pumping_ = false, wanted_ = false, tick_due_ = true, closed_ = false;
};

}  // namespace remit::api
