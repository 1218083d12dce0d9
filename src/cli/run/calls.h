// Calls to the server that can be given up: `remit run` must pass signals on and keep its limits also while the server says nothing.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/run/signals.h"
#include "http/client.h"
#include "io/files.h"
#include "json/value.h"

namespace remit::cli {

// Work that other threads leave for the one thread that polls.
class Mailbox {
 public:
  Mailbox();

  int fd() const { return fd_.get(); }    // readable while there is something
  void Post(std::function<void()> work);  // any thread
  void Deliver();                         // the polling thread: does what was posted, in order

 private:
  io::Fd fd_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

// A call on a connection of its own; `done` runs when the mailbox is delivered, unless this was destroyed before. The mailbox must live
// longer. Errors in `done`: those of http::Client, `response-too-large`.
class PendingCall {
 public:
  using Done = std::function<void(Result<http::ClientResponse>)>;
  PendingCall(const http::Client& client, const http::ClientRequest& request, Mailbox& mailbox, Done done);
  ~PendingCall();
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::unique_ptr<http::HeldGet> held_;
};

// One call, waited for at most `limit`. With `signals`, one that asks to end gives the wait up. Errors: those of the call and of http::JsonOf,
// `call-timeout`, `interrupted` (the signal's number is in `signal`).
struct Waited {
  Result<json::Value> answer;
  int signal = 0;
};
Waited CallWithin(const http::Client& client, const http::ClientRequest& request, Duration limit, SignalInbox* signals = nullptr);

}  // namespace remit::cli
