#include "api/events/event_stream.h"

#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "json/read.h"

namespace remit::api {

using Kind = identity::Caller::Kind;

Result<std::shared_ptr<void>> EventStreams::Enter(const identity::Caller& caller) {
  const std::string who = caller.task.empty() ? caller.uid.ToString() : caller.task;
  const std::lock_guard lock(mutex_);
  if (all_ >= limits::kEventStreams || by_caller_[who] >= limits::kEventStreamsPerCaller) {
    if (by_caller_[who] == 0) by_caller_.erase(who);
    return Fail(Code::kResourceExhausted, "too-many-streams",
                fmt::format("{} streams of events are open, {} of one caller: no more", limits::kEventStreams, limits::kEventStreamsPerCaller),
                "close one, or ask for several types on one stream");
  }
  ++all_, ++by_caller_[who];
  return std::shared_ptr<void>(nullptr, [self = shared_from_this(), who](void*) { self->Leave(who); });
}

void EventStreams::Leave(const std::string& who) {
  const std::lock_guard lock(mutex_);
  --all_;
  if (--by_caller_[who] == 0) by_caller_.erase(who);
}

void EventStream::Begin(std::shared_ptr<http::StreamWriter> writer) {
  // A browser waits so long before it comes back.
  bool over = !writer->Write("retry: 2000\n\n");
  std::shared_ptr<void> watch = services_.store.WatchGrowth([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Wake();
  });
  {
    const std::lock_guard lock(mutex_);
    if (closed_) over = true;
    if (!over) {
      writer_ = writer;
      watch_ = std::exchange(watch, nullptr);
    }
  }
  if (over) {
    Close();
    return writer->Close();
  }
  Tick();
}

void EventStream::Close() {
  std::shared_ptr<http::StreamWriter> writer;
  std::shared_ptr<void> watch, place;
  io::TimerId timer = 0;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    writer = std::exchange(writer_, nullptr);
    watch = std::exchange(watch_, nullptr);
    place = std::exchange(place_, nullptr);
    timer = std::exchange(timer_, 0);
  }
  if (timer != 0) services_.timers.Cancel(timer);
  if (writer != nullptr) writer->Close();
}

void EventStream::Wake() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || writer_ == nullptr) return;
    wanted_ = true;
    if (std::exchange(pumping_, true)) return;
  }
  Schedule();
}

// A server that takes no more work is stopping: it closes its connections itself.
bool EventStream::Schedule() {
  return services_.workers.Submit([self = shared_from_this()] { self->Pump(); });
}

void EventStream::Pump() {
  std::shared_ptr<http::StreamWriter> writer;
  bool tick = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    writer = writer_;
    wanted_ = false;
    tick = std::exchange(tick_due_, false);
  }
  identity::CallerFacts facts;
  facts.now = services_.clock.Now();
  if (reader_.bearer) facts.bearer = reader_.bearer->Reveal();
  facts.unix_uid = reader_.unix_uid;
  const Result<identity::Caller> caller = services_.authenticator.Authenticate(facts);
  if (!caller || caller->Is(Kind::kNobody)) return Close();

  // Asked before the page is read: whatever happened to the task is in the ledger by then, so that who has caught up has all of it.
  const bool over = filter_.until_end && (!services_.broker.MaySee(*caller, filter_.task) || services_.broker.IsOver(filter_.task));
  Result<std::string> page = Page(*caller);
  if (!page) {
    log::Warn("a stream of events was ended: {}", page.error().message);
    return Close();  // the reader comes back, and goes on where it was
  }
  if (tick) *page += SsePlace(next_);
  const bool behind = next_ < services_.store.Head().size;
  if (over && !behind) *page += SseEnd(next_, filter_.task);
  if (!page->empty() && !writer->Write(*page)) return Close();
  if (over && !behind) return Close();
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (!behind && !wanted_) {
      pumping_ = false;
      return;
    }
  }
  writer->OnDrained([self = shared_from_this()] { self->Schedule(); });
}

Result<std::string> EventStream::Page(const identity::Caller& caller) {
  std::string page;
  std::size_t looked_at = 0;
  const bool everything = services_.broker.MayReadServer(caller).has_value();
  std::map<std::string, bool> may_see;  // within this page: what may be seen changes
  REMIT_TRY(services_.store.ScanEvents(next_, [&](const store::StoredEvent& event) {
    next_ = event.index + 1;
    if (event.body.has_value()) {
      const Result<json::Value> body = json::Parse(*event.body);
      if (body && filter_.Wants(*body)) {
        bool visible = everything;
        if (const std::string* task = body->FindString("task"); !visible && task != nullptr) {
          const auto [known, is_new] = may_see.try_emplace(*task);
          if (is_new) known->second = services_.broker.MaySee(caller, *task);
          visible = known->second;
        }
        if (visible) page += SseEvent(event.index, *body->FindString("type"), *event.body);
      }
    }
    return ++looked_at < limits::kEventPage && page.size() < limits::kEventPageBytes;
  }));
  return page;
}

void EventStream::Tick() {
  const io::TimerId timer = services_.timers.At(services_.clock.Now() + limits::kEventTick, [self = shared_from_this()] { self->Tick(); });
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    over = closed_;
    tick_due_ = true;
    if (!over) timer_ = timer;
  }
  if (over) {
    services_.timers.Cancel(timer);
  } else {
    Wake();
  }
}

}  // namespace remit::api
