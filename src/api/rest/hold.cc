// GET /v1/tasks/{id}/hold: the connection that `remit run` holds open while its command runs. When it closes, the task soon ends; what
// happens to the task is said on it, one JSON object a line (application/x-ndjson).
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "api/rest.h"
#include "api/routes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "json/write.h"

namespace remit::api {
namespace {

// One held connection. The broker tells it of changes from any thread, perhaps before the stream is there; the connection ends it from
// another. Whoever comes first, the broker's hold is released exactly once.
class Held : public std::enable_shared_from_this<Held> {
 public:
  Held(Services& services, std::string task) : services_(services), task_(std::move(task)) {}

  // After Hold succeeded.
  void Holds(std::uint64_t hold) {
    {
      std::lock_guard lock(mutex_);
      if (!closed_) {
        hold_ = hold;
        return;
      }
    }
    services_.broker.Release(task_, hold);
  }

  void Tell(const json::Value& line) {
    const std::string* event = line.FindString("event");
    Send(json::Write(line) + "\n", event != nullptr && *event == "end");
  }

  // The head of the response is on its way.
  void Begin(std::shared_ptr<http::StreamWriter> writer) {
    bool over = false;
    {
      std::lock_guard write_lock(write_mutex_);
      std::string text = "{\"event\":\"held\"}\n";
      {
        std::lock_guard lock(mutex_);
        if (!closed_) writer_ = writer;
        for (const std::string& line : backlog_) text += line;
        backlog_.clear();
        over = ended_ || closed_;
      }
      over = !writer->Write(text) || over;
    }
    if (!over) return Tick();
    Close();
    writer->Close();
  }

  void Close() {
    std::shared_ptr<http::StreamWriter> writer;
    std::optional<std::uint64_t> hold;
    io::TimerId timer = 0;
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(closed_, true)) return;
      writer = std::exchange(writer_, nullptr);
      hold = std::exchange(hold_, std::nullopt);
      timer = std::exchange(timer_, 0);
    }
    if (timer != 0) services_.timers.Cancel(timer);
    if (hold.has_value()) services_.broker.Release(task_, *hold);
    if (writer != nullptr) writer->Close();
  }

 private:
  void Send(std::string line, bool last) {
    bool over = last;
    {
      std::lock_guard write_lock(write_mutex_);
      std::shared_ptr<http::StreamWriter> writer;
      {
        std::lock_guard lock(mutex_);
        if (closed_) return;
        ended_ = ended_ || last;
        writer = writer_;
        if (writer == nullptr) return backlog_.push_back(std::move(line));
      }
      over = !writer->Write(line) || over;
    }
    if (over) Close();
  }

  // A sign of life, so that a peer that has gone without a word is found out.
  void Tick() {
    const io::TimerId timer = services_.timers.At(services_.clock.Now() + limits::kHoldTick, [self = shared_from_this()] {
      self->Send("{\"event\":\"tick\"}\n", false);
      if (!self->closed()) self->Tick();
    });
    {
      std::lock_guard lock(mutex_);
      if (!closed_) {
        timer_ = timer;
        return;
      }
    }
    services_.timers.Cancel(timer);
  }

  bool closed() {
    std::lock_guard lock(mutex_);
    return closed_;
  }

  Services& services_;
  const std::string task_;
  std::mutex write_mutex_;  // held while a line is written, so that lines keep their order
  std::mutex mutex_;        // of all below. INVARIANT: never held while something else is called: a write may find the connection closed
  std::shared_ptr<http::StreamWriter> writer_;
  std::deque<std::string> backlog_;
  std::optional<std::uint64_t> hold_;
  io::TimerId timer_ = 0;
  bool ended_ = false, closed_ = false;
};

void Hold(const Call& call, http::Respond respond) {
  const std::string task(call.request.Param("id"));
  if (!IsId(task, kTaskPrefix))
    return respond(http::Problem(Error(Code::kNotFound, "unknown-task", "there is no such task, or it is not for you to see")));
  auto held = std::make_shared<Held>(call.services, task);
  REMIT_API_ASSIGN(const std::uint64_t hold, call.services.broker.Hold(call.caller, task, [held](const json::Value& line) { held->Tell(line); }));
  held->Holds(hold);
  call.request.OnClose([held] { held->Close(); });
  respond(http::Stream("application/x-ndjson", [held](std::shared_ptr<http::StreamWriter> writer) { held->Begin(std::move(writer)); }));
}

}  // namespace

void AddHoldRoutes(http::Router& router, Services& services) { AddCall(router, services, "GET", "/v1/tasks/{id}/hold", Hold); }

}  // namespace remit::api
