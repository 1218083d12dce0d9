#include "cli/run/hold.h"

#include <algorithm>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/remote.h"
#include "http/target.h"
#include "json/read.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
constexpr Duration kSilence = 3 * limits::kHoldTick;         // after so long without a sign of life the connection is taken for dead
constexpr Duration kFirstBackoff = 100ms, kMaxBackoff = 2s;  // several tries within the server's 15 s
constexpr std::size_t kLineBytes = 64u << 10;

bool IsLife(std::string_view state) { return state == "active" || state == "suspended" || state == "requested" || state == "scheduled"; }

std::string StringOf(const json::Value& value, std::string_view name) {
  const std::string* text = value.FindString(name);
  return text != nullptr ? *text : "";
}

}  // namespace

HoldProtocol::Action HoldProtocol::Tick(Time now) {
  if (over_) return Action::kNone;
  if (link_ == Link::kDown) {
    if (now < retry_at_) return Action::kNone;
    link_ = Link::kConnecting;
    heard_ = now;
    buffer_.clear();
    return Action::kConnect;
  }
  return now >= heard_ + kSilence ? Action::kDisconnect : Action::kNone;
}

Time HoldProtocol::due() const {
  if (over_) return Time::max();
  return link_ == Link::kDown ? retry_at_ : heard_ + kSilence;
}

// A holder key that is not good any more is a task that is over: nothing else takes a key's power away.
HoldProtocol::Events HoldProtocol::OnHead(int status, Time now) {
  heard_ = now;
  if (over_ || (status != 401 && status != 404 && status != 409)) return {};
  return {End("", "")};
}

HoldProtocol::Events HoldProtocol::OnData(std::string_view chunk, Time now) {
  heard_ = now;
  Events events;
  buffer_ += chunk;
  for (std::size_t end; (end = buffer_.find('\n')) != std::string::npos; buffer_.erase(0, end + 1)) {
    Line(std::string_view(buffer_).substr(0, end), events);
  }
  if (buffer_.size() > kLineBytes) buffer_.clear();  // not ours
  return events;
}

HoldProtocol::Events HoldProtocol::OnEnd(Time now) {
  const bool was_up = std::exchange(link_, Link::kDown) == Link::kUp;
  if (over_) return {};
  heartbeat_ = !was_up && ever_;
  failures_ = was_up ? 0 : failures_ + 1;
  retry_at_ = now + std::min<Duration>(kFirstBackoff * (1 << std::min(failures_, 6)), kMaxBackoff);
  if (failures_ == 0 || !ever_ || std::exchange(told_lost_, true)) return {};
  return {HoldEvent{.kind = HoldEvent::Kind::kLost}};
}

void HoldProtocol::Line(std::string_view line, Events& events) {
  const Result<json::Value> parsed = json::Parse(line);
  if (!parsed) return;
  const std::string event = StringOf(*parsed, "event");
  if (over_) {
    const json::Value* credentials = parsed->Find("credentials");
    if (event != "end" || credentials == nullptr || link_ != Link::kUp) return;
    link_ = Link::kDown;  // it comes once, and nothing follows
    return events.push_back({.kind = HoldEvent::Kind::kEvidence, .credentials = *credentials});
  }
  if (event == "held") {
    link_ = Link::kUp;
    failures_ = 0;
    if (!std::exchange(ever_, true)) events.push_back({.kind = HoldEvent::Kind::kHeld});
    if (std::exchange(told_lost_, false)) events.push_back({.kind = HoldEvent::Kind::kBack});
  } else if (event == "warning") {
    events.push_back({.kind = HoldEvent::Kind::kWarning, .deadline = StringOf(*parsed, "deadline")});
  } else if (event == "extended") {
    events.push_back({.kind = HoldEvent::Kind::kExtended, .deadline = StringOf(*parsed, "deadline")});
  } else if (event == "state" && !IsLife(StringOf(*parsed, "state"))) {
    events.push_back(End(StringOf(*parsed, "state"), StringOf(*parsed, "reason")));
  } else if (event == "state") {
    const bool suspended = StringOf(*parsed, "state") == "suspended";
    if (std::exchange(suspended_, suspended) == suspended) return;
    events.push_back({.kind = suspended ? HoldEvent::Kind::kSuspended : HoldEvent::Kind::kResumed, .reason = StringOf(*parsed, "reason")});
  }
}

HoldEvent HoldProtocol::End(std::string state, std::string reason) {
  over_ = true;
  return {.kind = HoldEvent::Kind::kEnded, .state = std::move(state), .reason = std::move(reason)};
}

Hold::Hold(const http::Client& client, const std::string& task, const Secret& holder, std::function<void(const HoldEvent&)> tell)
    : client_(client), task_(task), holder_(holder), tell_(std::move(tell)) {}

Hold::~Hold() { Disconnect(); }

void Hold::Tick() {
  HoldProtocol::Action action = protocol_.Tick(RunNow());
  if (action == HoldProtocol::Action::kDisconnect) {
    Disconnect();
    Tell(protocol_.OnEnd(RunNow()));
    action = protocol_.Tick(RunNow());
  }
  if (action == HoldProtocol::Action::kConnect) Connect();
  if (protocol_.TakeHeartbeat()) {
    http::ClientRequest beat{.method = "POST",
                             .path = "/v1/tasks/" + http::PercentEncode(task_) + "/heartbeat",
                             .bearer = holder_,
                             .content_type = "application/json",
                             .body = "{}"};
    heartbeat_ = std::make_unique<PendingCall>(client_, beat, mailbox_, [](const Result<http::ClientResponse>&) {});
  }
}

void Hold::Connect() {
  Disconnect();
  wanted_ = std::make_shared<bool>(true);
  const auto post = [this, wanted = wanted_](auto step) {
    mailbox_.Post([this, wanted, step = std::move(step)] {
      if (*wanted) Tell(step(RunNow()));
    });
  };
  http::HeldCallbacks callbacks;
  callbacks.on_head = [this, post](const http::ClientResponse& head) {
    post([this, status = head.status](Time now) { return protocol_.OnHead(status, now); });
  };
  callbacks.on_data = [this, post](std::string_view chunk) {
    post([this, text = std::string(chunk)](Time now) { return protocol_.OnData(text, now); });
  };
  callbacks.on_end = [this, post](const Status&) { post([this](Time now) { return protocol_.OnEnd(now); }); };
  auto opened = client_.Hold({.path = "/v1/tasks/" + http::PercentEncode(task_) + "/hold", .bearer = holder_}, std::move(callbacks));
  if (opened)
    connection_ = std::move(*opened);
  else
    post([this](Time now) { return protocol_.OnEnd(now); });
}

void Hold::Disconnect() {
  if (wanted_) *wanted_ = false;
  if (connection_) connection_->Close();
  connection_.reset();
}

void Hold::Tell(const HoldProtocol::Events& events) {
  for (const HoldEvent& event : events) tell_(event);
}

Time RunNow() {
  static const SystemClock clock;
  return clock.Now();
}

}  // namespace remit::cli
