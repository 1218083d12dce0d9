// The connection that says "the command still runs", and on which the server says what happens to the task. It is opened again whenever it
// breaks, within the server's 15 s; where it cannot be, heartbeats are sent instead.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "cli/run/calls.h"
#include "http/client.h"
#include "json/value.h"

namespace remit::cli {

struct HoldEvent {
  enum class Kind {
    kHeld,       // the server knows that the command is about to run; once
    kWarning,    // the task's time is nearly over
    kSuspended,  // nothing is allowed for now, and its credentials end
    kResumed,    // … and again; its credentials are others
    kExtended,   // it has more time
    kLost,       // the connection broke and could not be opened again at once
    kBack,       // … and is there again
    kEnded,      // the task is over, whyever; nothing follows but
    kEvidence,   // what became of what it held
  };
  Kind kind = Kind::kHeld;
  std::string state{}, reason{};  // kSuspended: the reason; kEnded: "" where the server only says that the holder key is not good any more
  std::string deadline{};         // kWarning, kExtended
  json::Value credentials{};      // kEvidence: as GET /v1/tasks/{id} has them
  bool operator==(const HoldEvent&) const = default;
};

// When to connect, what the lines mean, what is worth telling. Pure; `now` never goes backwards.
class HoldProtocol {
 public:
  enum class Action { kNone, kConnect, kDisconnect };
  using Events = std::vector<HoldEvent>;

  // Whether something is to be done by now. kDisconnect: nothing was heard for too long; call Tick again afterwards.
  Action Tick(Time now);
  Time due() const;  // when to call Tick next
  bool over() const { return over_; }
  // Of a task that is over, whether this has been told of it or not: its evidence may still come.
  bool AwaitsEvidence() const { return link_ == Link::kUp; }
  // A reconnect failed: the server should hear of us in another way. Said once for each failure.
  bool TakeHeartbeat() { return std::exchange(heartbeat_, false); }

  Events OnHead(int status, Time now);
  Events OnData(std::string_view chunk, Time now);
  Events OnEnd(Time now);

 private:
  void Line(std::string_view line, Events& events);
  HoldEvent End(std::string state, std::string reason);

  enum class Link { kDown, kConnecting, kUp } link_ = Link::kDown;
  bool ever_ = false, told_lost_ = false, over_ = false, heartbeat_ = false, suspended_ = false;
  int failures_ = 0;
  Time heard_{}, retry_at_{};
  std::string buffer_;
};

class Hold {
 public:
  // `tell` runs in Deliver and Tick, on the thread that calls them.
  Hold(const http::Client& client, const std::string& task, const Secret& holder, std::function<void(const HoldEvent&)> tell);
  ~Hold();

  int fd() const { return mailbox_.fd(); }  // readable: call Deliver
  void Deliver() { mailbox_.Deliver(); }
  void Tick();
  Time due() const { return protocol_.due(); }
  bool AwaitsEvidence() const { return protocol_.AwaitsEvidence(); }

 private:
  void Connect();
  void Disconnect();
  void Tell(const HoldProtocol::Events& events);

  const http::Client& client_;
  const std::string task_;
  const Secret holder_;
  const std::function<void(const HoldEvent&)> tell_;
  Mailbox mailbox_;
  HoldProtocol protocol_;
  std::shared_ptr<bool> wanted_;  // of the present connection; false: what it still has posted is stale
  std::unique_ptr<http::HeldGet> connection_;
  std::unique_ptr<PendingCall> heartbeat_;
};

// Of the boot clock, so that nobody who sets the wall clock confuses the limits.
Time RunNow();

}  // namespace remit::cli
