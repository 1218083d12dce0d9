// What ties a request to its one response, whoever answers it and from whichever thread. Not a public header.
#pragma once

#include <atomic>
#include <memory>

#include "http/connection.h"

namespace remit::http {

class Exchange {
 public:
  Exchange(std::shared_ptr<Connection> connection, std::uint64_t serial, Request request)
      : connection_(std::move(connection)), serial_(serial), request_(std::move(request)) {}
  ~Exchange();  // answers, if nobody has

  void Answer(Response response);
  const Request& request() const { return request_; }

 private:
  const std::shared_ptr<Connection> connection_;
  const std::uint64_t serial_;
  const Request request_;
  std::atomic<bool> answered_ = false;
};

// The writer that a handler gets. Closes the stream when it goes.
class Writer final : public StreamWriter {
 public:
  Writer(std::shared_ptr<Connection> connection, std::shared_ptr<StreamBuffer> buffer, std::shared_ptr<CloseSignal> closed)
      : connection_(std::move(connection)), buffer_(std::move(buffer)), closed_(std::move(closed)) {}
  ~Writer() override { Close(); }

  bool Write(std::string_view chunk) override;
  void Close() override;
  void OnDrained(std::function<void()> callback) override;
  void OnClose(std::function<void()> callback) override { closed_->Add(std::move(callback)); }

 private:
  void ScheduleFlush();

  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<StreamBuffer> buffer_;
  const std::shared_ptr<CloseSignal> closed_;
};

}  // namespace remit::http
