// remit events: what happens, as it happens. A connection that breaks is made again, and goes on where it was.
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/sse_reader.h"
#include "http/problem.h"
#include "http/target.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cli {
namespace {

struct EventArgs {
  std::string task, type, from, count;
};

// What one connection brings, from its thread to ours.
class Inbox {
 public:
  http::HeldCallbacks Callbacks() {
    http::HeldCallbacks callbacks;
    callbacks.on_head = [this](const http::ClientResponse& head) {
      const std::lock_guard lock(mutex_);
      head_ = head;
      changed_.notify_one();
    };
    callbacks.on_data = [this](std::string_view chunk) {
      const std::lock_guard lock(mutex_);
      data_ += chunk;
      changed_.notify_one();
    };
    callbacks.on_end = [this](const Status& end) {
      const std::lock_guard lock(mutex_);
      end_ = end;
      changed_.notify_one();
    };
    return callbacks;
  }
  // Waits for the next bytes, or the end (nullopt).
  std::optional<std::string> Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return (!data_.empty() && head_.status == 200) || end_.has_value(); });
    if (!data_.empty() && head_.status == 200) return std::exchange(data_, {});
    return std::nullopt;
  }
  // After the end: what the server refused with, or why the connection ended; nothing where it ended properly.
  Status End() {
    const std::lock_guard lock(mutex_);
    if (head_.status != 0 && head_.status != 200) {
      head_.body = data_;
      return std::unexpected(http::ErrorOf(head_));
    }
    return *end_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  http::ClientResponse head_;
  std::string data_;
  std::optional<Status> end_;
};

void PrintEvent(const SseReader::Event& event) {
  const Result<json::Value> body = json::Parse(event.data);
  if (!body) return;
  if (globals().json) {
    std::uint64_t index = 0;
    std::from_chars(event.id.data(), event.id.data() + event.id.size(), index);
    PrintLine(json::Write(json::Object{{"index", index}, {"event", *body}}));
  } else {
    std::string line = fmt::format("{}  {:<22}", Moment(*body, "time"), EscapeControl(event.type));
    for (const char* member : {"task", "credential", "approval", "name", "target", "account", "actor", "webhook", "message", "by", "reason"})
      if (const std::string text = Text(*body, member); !text.empty()) line += "  " + text;
    PrintLine(line);
  }
  std::fflush(stdout);
}

std::string PathOf(const EventArgs& args) {
  std::string path = "/v1/events";
  const std::string until = args.task.empty() ? "" : "end";
  for (const auto& [name, value] : {std::pair{"task", &args.task}, {"type", &args.type}, {"from", &args.from}, {"until", &until}})
    if (!value->empty()) path += fmt::format("{}{}={}", path.find('?') == std::string::npos ? '?' : '&', name, http::PercentEncode(*value));
  return path;
}

// What is left to print, and why it is over.
struct Progress {
  std::uint64_t left = UINT64_MAX, printed = 0;
  bool ended = false;  // the server says that nothing more can come
};

// Prints what one connection brings. Answers whether that is all.
Result<bool> FollowOnce(const EventArgs& args, SseReader& reader, Progress& progress) {
  REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
  http::ClientRequest request{.path = PathOf(args), .bearer = remote.bearer()};
  if (!reader.last_id().empty()) request.headers.push_back({"Last-Event-ID", reader.last_id()});
  Inbox inbox;
  const auto held = remote.client().Hold(request, inbox.Callbacks());
  if (!held) return std::unexpected(remote.InOurWords(held.error()));
  while (std::optional<std::string> bytes = inbox.Next()) {
    for (const SseReader::Event& event : reader.Feed(*bytes)) {
      if (event.type == "end") return progress.ended = true;
      PrintEvent(event);
      ++progress.printed;
      if (--progress.left == 0) return true;
    }
  }
  if (Status end = inbox.End(); !end) return std::unexpected(remote.InOurWords(std::move(end.error())));
  return false;
}

// What became of a task of which nothing more can come. One that there is not, or that is not the caller's to see, is an error unless something of it
// was seen.
Result<int> SayThatItIsOver(const EventArgs& args, const Progress& progress) {
  REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
  const Result<json::Value> task = remote.Get("/v1/tasks/" + http::PercentEncode(args.task));
  if (!task && progress.printed == 0) return std::unexpected(task.error());
  const std::string state = task ? Text(*task, "state") + ", and what it held is dead" : "not to be seen any more";
  PrintMessage(fmt::format("nothing more can come of {}: it is {}{}", args.task, state,
                           progress.printed == 0 && args.from.empty() ? "; what happened: --from 0" : ""));
  return kOk;
}

Result<int> Follow(const EventArgs& args) {
  Progress progress;
  std::uint64_t& left = progress.left;
  if (!args.count.empty()) {
    const auto [end, error] = std::from_chars(args.count.data(), args.count.data() + args.count.size(), left);
    if (error != std::errc() || end != args.count.data() + args.count.size() || left == 0)
      return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` is not a number of events", EscapeControl(args.count)),
                  "remit events --count 10");
  }
  SseReader reader;
  std::string place;
  for (std::chrono::seconds pause{1};; pause = std::min(pause * 2, std::chrono::seconds(30))) {
    const Result<bool> done = FollowOnce(args, reader, progress);
    if (done && *done) return progress.ended ? SayThatItIsOver(args, progress) : kOk;
    const bool passes = done || done.error().code == Code::kUnavailable || done.error().code == Code::kDeadlineExceeded;
    if (!passes || (!done && reader.last_id().empty())) return std::unexpected(done.error());
    if (reader.last_id() != place) pause = std::chrono::seconds(1);
    place = reader.last_id();
    PrintMessage("the stream has ended; going on behind event " + place);
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

void AddEvents(Command& root) {
  auto args = std::make_shared<EventArgs>();
  root.Sub("events", "what happens, as it happens: tasks, approvals that wait, credentials")
      .Option("--task", args->task, "of one task alone; ends when nothing more of it can come", "TASK")
      .Option("--type", args->type, "of these types, with commas; `task.*` for all of tasks", "TYPES")
      .Option("--from", args->from, "begins at this index of the ledger; 0 for everything (else: with what happens next)", "N")
      .Option("--count", args->count, "ends after so many events, at the latest (else: goes on)", "N")
      .Example("remit events --type 'task.*,approval.*'\nremit events --task tsk_… --from 0 --count 1 --json")
      .Run([args] { return Follow(*args); });
}

}  // namespace remit::cli
