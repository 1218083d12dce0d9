#include "cli/run/calls.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/limits.h"
#include "http/problem.h"

namespace remit::cli {

Mailbox::Mailbox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { REMIT_CHECK(static_cast<bool>(fd_)); }

void Mailbox::Post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(work));
  const std::uint64_t one = 1;
  (void)!::write(fd_.get(), &one, sizeof one);
}

void Mailbox::Deliver() {
  std::uint64_t count = 0;
  (void)!::read(fd_.get(), &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (const auto& one : work) one();
}

// Filled by the connection's thread, then handed over whole.
struct PendingCall::State {
  bool wanted = true;  // the polling thread's alone
  http::ClientResponse response;
  bool too_large = false;
  Done done;
};

PendingCall::PendingCall(const http::Client& client, const http::ClientRequest& request, Mailbox& mailbox, Done done)
    : state_(std::make_shared<State>()) {
  state_->done = std::move(done);
  http::HeldCallbacks callbacks;
  callbacks.on_head = [state = state_](const http::ClientResponse& head) { state->response = head; };
  callbacks.on_data = [state = state_](std::string_view chunk) {
    state->too_large = state->too_large || chunk.size() > limits::kHttpLargeBodyBytes - state->response.body.size();
    if (!state->too_large) state->response.body += chunk;
  };
  callbacks.on_end = [state = state_, &mailbox](Status end) {
    mailbox.Post([state, end = std::move(end)]() mutable {
      if (!state->wanted) return;
      if (!end) return state->done(std::unexpected(std::move(end.error())));
      if (state->too_large) return state->done(Fail(Code::kResourceExhausted, "response-too-large", "the server answered with more than is taken"));
      state->done(std::move(state->response));
    });
  };
  auto held = client.Hold(request, std::move(callbacks));
  if (held) {
    held_ = std::move(*held);
  } else {
    mailbox.Post([state = state_, error = held.error()] {
      if (state->wanted) state->done(std::unexpected(error));
    });
  }
}

PendingCall::~PendingCall() {
  state_->wanted = false;
  if (held_) held_->Close();
}

Waited CallWithin(const http::Client& client, const http::ClientRequest& request, Duration limit, SignalInbox* signals) {
  Mailbox mailbox;
  std::optional<Result<http::ClientResponse>> answer;
  const PendingCall call(client, request, mailbox, [&answer](Result<http::ClientResponse> got) { answer = std::move(got); });
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!answer) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return {Fail(Code::kDeadlineExceeded, "call-timeout", fmt::format("the server said nothing for {}", FormatDuration(limit)))};
    pollfd watched[] = {{.fd = mailbox.fd(), .events = POLLIN, .revents = 0},
                        {.fd = signals != nullptr ? signals->fd() : -1, .events = POLLIN, .revents = 0}};
    ::poll(watched, 2, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    mailbox.Deliver();
    while (const auto signal = signals != nullptr ? signals->Next() : std::nullopt) {
      if (AsksToEnd(*signal)) return {Fail(Code::kFailedPrecondition, "interrupted", SignalName(*signal)), *signal};
    }
  }
  if (!*answer) return {std::unexpected(answer->error())};
  return {http::JsonOf(**answer)};
}

}  // namespace remit::cli
