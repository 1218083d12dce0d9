#include "http/exchange.h"

#include <fmt/format.h>

namespace remit::http {

Exchange::~Exchange() {
  if (answered_) return;
  const bool gone = request_.closed->fired();  // nobody is there to read it: no fault of the handler
  Answer(gone ? Empty(503) : Problem(Error(Code::kInternal, "no-answer", fmt::format("the handler of `{}` gave no answer", request_.target))));
}

void Exchange::Answer(Response response) {
  if (answered_.exchange(true)) return;
  IoThread& thread = connection_->thread();
  if (thread.loop.InLoop()) return connection_->Answer(serial_, std::move(response));
  thread.Post([connection = connection_, serial = serial_, shared = std::make_shared<Response>(std::move(response))] {
    connection->Answer(serial, std::move(*shared));
  });
}

bool Writer::Write(std::string_view chunk) {
  const std::lock_guard lock(buffer_->mutex);
  if (buffer_->dead || buffer_->closing) return false;
  if (chunk.empty()) return true;  // an empty chunk would end the body
  if (buffer_->pending.size() + chunk.size() > limits::kHttpStreamBytes) {
    buffer_->dead = true;
    connection_->thread().Post([connection = connection_] { connection->Close(); });
    return false;
  }
  if (buffer_->chunked) {
    fmt::format_to(std::back_inserter(buffer_->pending), "{:x}\r\n{}\r\n", chunk.size(), chunk);
  } else {
    buffer_->pending += chunk;
  }
  ScheduleFlush();
  return true;
}

void Writer::OnDrained(std::function<void()> callback) {
  {
    const std::lock_guard lock(buffer_->mutex);
    if (buffer_->dead || buffer_->closing) return;
    if (buffer_->scheduled) {  // a flush comes, and sees it
      buffer_->drained = std::move(callback);
      return;
    }
  }
  callback();
}

void Writer::Close() {
  const std::lock_guard lock(buffer_->mutex);
  if (buffer_->dead || buffer_->closing) return;
  buffer_->closing = true;
  closed_->Drop();
  ScheduleFlush();
}

void Writer::ScheduleFlush() {
  if (!std::exchange(buffer_->scheduled, true)) connection_->thread().Post([connection = connection_] { connection->Flush(); });
}

}  // namespace remit::http
