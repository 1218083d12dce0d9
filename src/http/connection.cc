#include "http/connection.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/asio/write.hpp>

#include "base/log.h"
#include "http/exchange.h"

namespace remit::http {
namespace {

constexpr std::size_t kFirstBuffer = 4096;      // most requests fit; ten thousand idle connections cost 40 MB
constexpr std::size_t kReadBuffer = 64u << 10;  // while a body comes
constexpr std::size_t kCopiedBody = 16u << 10;  // smaller bodies are copied behind the head, larger ones written from where they are
constexpr int kStepsPerTurn = 32;               // heads and bodies of pipelined requests
constexpr auto kLingerTime = std::chrono::seconds(2);

constexpr auto kNever = SteadyClock::time_point::max();

template <class Number>
void AppendNumber(std::string& out, Number number) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  const std::size_t from = out.size();
  out += name;
  out += ": ";
  out += value;
  // Nothing that a handler puts into a header may begin another one.
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; }, '?');
  out += "\r\n";
}

}  // namespace

Connection::Connection(std::shared_ptr<IoThread> thread, io::Fd fd, int family, std::shared_ptr<const Peer> peer, ssl_ctx_st* tls)
    : thread_(std::move(thread)),
      socket_(thread_->loop.context().get_executor()),
      peer_(std::move(peer)),
      scanner_(thread_->state->options.max_header_bytes, limits::kHttpTargetBytes, limits::kHttpHeaderCount) {
  boost::system::error_code error;
  socket_.assign(asio::generic::stream_protocol(family, 0), fd.get(), error);
  if (!error) fd.Release();                       // else the connection is closed before it has begun: see Start
  if (!error) socket_.non_blocking(true, error);  // else responses are written by the loop alone
  if (tls) {
    asio::ssl::context context(tls);  // frees this reference; the stream takes one of its own
    tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, context);
  }
  ++thread_->state->connections;
}

Connection::~Connection() {
  if (phase_ != Phase::kClosed) --thread_->state->connections;  // it never began
}

template <class Operation>
void Connection::OnStream(Operation operation) {
  if (tls_) {
    operation(*tls_);
  } else {
    operation(socket_);
  }
}

void Connection::Start() {
  thread_->connections.insert(shared_from_this());
  if (thread_->draining || !socket_.is_open()) return Close();
  if (tls_) return Handshake();
  ExpectMore(false);
}

void Connection::Handshake() {
  phase_ = Phase::kHandshake;
  deadline_ = SteadyClock::now() + thread_->state->options.read_timeout;
  tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->phase_ == Phase::kClosed) return self->Close();
    self->ExpectMore(false);
  });
}

void Connection::Close() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  phase_ = Phase::kClosed;
  --thread_->state->connections;
  boost::system::error_code ignored;
  socket_.close(ignored);
  std::function<void()> never;  // destroyed outside the lock
  if (stream_) {
    const std::lock_guard lock(stream_->mutex);
    stream_->dead = true;
    never = std::exchange(stream_->drained, nullptr);
  }
  stream_.reset();
  thread_->connections.erase(self);
  if (const auto closed = std::exchange(closed_, nullptr)) closed->Fire();
}

void Connection::Drain() {
  switch (phase_) {
    case Phase::kHandler:
    case Phase::kWriting:
    case Phase::kLinger: return;  // FinishResponse sees that the thread drains
    case Phase::kStreaming: {
      if (closed_) closed_->Fire();
      const std::lock_guard lock(stream_->mutex);
      stream_->closing = true;
      if (!std::exchange(stream_->scheduled, true)) thread_->Post([self = shared_from_this()] { self->Flush(); });
      return;
    }
    default: return Close();
  }
}

void Connection::Tick(SteadyClock::time_point now) {
  if (now < deadline_) return;
  const bool in_request = (phase_ == Phase::kHead && begun_) || phase_ == Phase::kBody;
  if (!in_request || writing_) return Close();
  Refuse({408, Error(Code::kDeadlineExceeded, "request-timeout", "the request did not arrive in time")});
}

// ---- Reading ----

void Connection::Read() {
  if (reading_ || peer_ended_ || phase_ == Phase::kClosed) return;
  if (begin_ > 0 && begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0 && end_ == in_.size()) {
    in_.erase(0, begin_);
    end_ -= begin_, begin_ = 0;
    in_.resize(std::max(in_.capacity(), kFirstBuffer));
  }
  if (end_ == in_.size()) {
    const std::size_t most = std::max(kReadBuffer, thread_->state->options.max_header_bytes + 1);
    if (in_.size() >= most) return;  // enough is waiting; go on when some of it has been taken
    in_.resize(phase_ == Phase::kBody ? most : std::min(most, std::max(kFirstBuffer, 2 * in_.size())));
  }
  reading_ = true;
  OnStream([&](auto& stream) {
    stream.async_read_some(asio::buffer(in_.data() + end_, in_.size() - end_),
                           [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                             const bool end = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
                             self->OnRead(static_cast<bool>(error), end, size);
                           });
  });
}

void Connection::OnRead(bool failed, bool end, std::size_t size) {
  reading_ = false;
  if (phase_ == Phase::kClosed) return;
  if (failed) return OnEnd(end);
  end_ += size;
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody: return Advance();
    case Phase::kLinger: begin_ = end_ = 0; return Read();
    default: return Read();  // pipelined; also to see the end of the connection
  }
}

void Connection::OnEnd(bool end) {
  peer_ended_ = true;
  const bool may_still_listen = end && (phase_ == Phase::kHandler || phase_ == Phase::kWriting);
  if (!may_still_listen) return Close();
  // A peer that closed its sending side may wait for the response; a handler that holds the request open wants to know.
  if (phase_ == Phase::kHandler && closed_) closed_->Fire();
}

void Connection::ExpectMore(bool begun) {
  if (!begun) {
    phase_ = Phase::kHead;
    begun_ = false;
    deadline_ = SteadyClock::now() + thread_->state->options.idle_timeout;
  } else if (!std::exchange(begun_, true)) {
    deadline_ = SteadyClock::now() + thread_->state->options.read_timeout;
  }
  Read();
}

void Connection::Advance() {
  if (std::exchange(advancing_, true)) return;
  for (int steps = 0; !writing_ && (phase_ == Phase::kHead || phase_ == Phase::kBody); ++steps) {
    if (steps == kStepsPerTurn) {  // others have waited long enough
      thread_->Post([self = shared_from_this()] { self->Advance(); });
      break;
    }
    if (!(phase_ == Phase::kHead ? AdvanceHead() : AdvanceBody())) break;
  }
  advancing_ = false;
}

bool Connection::AdvanceHead() {
  if (end_ == begin_) return ExpectMore(false), false;
  switch (scanner_.Scan(waiting())) {
    case HeadScanner::State::kMore: return ExpectMore(true), false;
    case HeadScanner::State::kRefused: return Refuse(scanner_.refusal()), false;
    case HeadScanner::State::kDone: break;
  }
  request_.emplace();
  request_->peer = peer_;
  auto framing = parser_.Head(waiting().substr(0, scanner_.head_size()), *request_);
  begin_ += scanner_.head_size();
  scanner_.Reset();
  if (!framing) return Refuse(framing.error()), false;
  framing_ = *framing;
  BeginBody();
  return true;
}

void Connection::BeginBody() {
  const ServerOptions& options = thread_->state->options;
  if (!peer_->is_unix) {
    if (const auto refusal = CheckHost(*request_, options.hosts)) return Refuse(*refusal);
  }
  if (const auto refusal = CheckOrigin(*request_, options.origins)) return Refuse(*refusal);
  head_only_ = request_->method == "HEAD";
  method_ = request_->method;
  if (head_only_) request_->method = "GET";
  Router::Match match = thread_->state->router.Find(request_->method, request_->segments);
  route_ = match.route;
  if (!route_) {
    framing_.keep_alive = framing_.keep_alive && !framing_.has_body();
    refused_ = framing_.has_body();
    started_ = SteadyClock::now();
    return WriteResponse(NoRoute(match));
  }
  request_->params = std::move(match.params);
  if (const auto refusal = CheckBody(*request_, framing_, *route_)) return Refuse(*refusal);
  if (!framing_.has_body()) return Dispatch();
  phase_ = Phase::kBody;
  continue_sent_ = false;
  if (!framing_.chunked) request_->body.reserve(std::min<std::size_t>(framing_.length, kReadBuffer));
}

bool Connection::AdvanceBody() {
  const auto fed = parser_.Body(waiting(), route_->body_bytes, *request_);
  if (!fed) return Refuse(fed.error()), false;
  begin_ += fed->used;
  if (fed->done) return Dispatch(), true;
  if (framing_.expects_continue && end_ == begin_ && request_->body.empty() && !std::exchange(continue_sent_, true)) {
    // RFC 9110 §10.1.1: the peer waits for this before it sends the body.
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    writing_ = true;
    OnStream([&](auto& stream) {
      asio::async_write(stream, asio::buffer(out_), [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
        self->writing_ = false;
        if (error) return self->Close();
        self->Advance();  // with what has come meanwhile
      });
    });
  }
  ExpectMore(true);
  return false;
}

// ---- Answering ----

void Connection::Dispatch() {
  phase_ = Phase::kHandler;
  deadline_ = kNever;
  begun_ = false;
  started_ = SteadyClock::now();
  closed_ = request_->closed;
  const auto exchange = std::make_shared<Exchange>(shared_from_this(), ++serial_, *std::move(request_));
  request_.reset();
  const std::uint64_t serial = serial_;
  in_handler_ = true;
  try {
    route_->handler(exchange->request(), [exchange](Response response) { exchange->Answer(std::move(response)); });
  } catch (const std::exception& problem) {
    exchange->Answer(
        Problem(Error(Code::kInternal, "handler-failed", fmt::format("the handler of `{}` failed: {}", route_->pattern, problem.what()))));
  }
  in_handler_ = false;
  if (std::exchange(written_, false)) return OnWritten(false);
  if (phase_ == Phase::kHandler && serial_ == serial) Read();
}

void Connection::Answer(std::uint64_t serial, Response response) {
  if (phase_ != Phase::kHandler || serial != serial_) return;  // the connection has ended meanwhile
  WriteResponse(std::move(response));
}

void Connection::Refuse(const Refusal& refusal) {
  framing_.keep_alive = false;
  refused_ = true;
  head_only_ = false;
  method_ = request_ ? request_->method : "";
  route_ = nullptr;
  started_ = SteadyClock::now();
  WriteResponse(Problem(refusal.status, refusal.error));
}

void Connection::WriteHead(const Response& response, bool body_follows) {
  status_ = response.status;
  out_.clear();
  out_ += "HTTP/1.1 ";
  AppendNumber(out_, response.status);
  out_ += ' ';
  out_ += StatusText(response.status);
  out_ += "\r\n";
  out_ += thread_->date_header;
  if (!response.content_type.empty()) AppendHeader(out_, "Content-Type", response.content_type);
  bool cache = false;
  for (const Header& header : response.headers) {
    AppendHeader(out_, header.name, header.value);
    cache = cache || EqualsIgnoringCase(header.name, "cache-control");
  }
  if (!cache) out_ += "Cache-Control: no-store\r\n";
  out_ += "X-Content-Type-Options: nosniff\r\n";
  if (response.stream) {
    if (!framing_.http10) out_ += "Transfer-Encoding: chunked\r\n";
  } else if (body_follows) {
    out_ += "Content-Length: ";
    AppendNumber(out_, response.body.size());
    out_ += "\r\n";
  }
  if (!framing_.keep_alive) {
    out_ += "Connection: close\r\n";
  } else if (framing_.http10) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
}

void Connection::WriteResponse(Response response) {
  request_.reset();
  begun_ = false;
  if (thread_->draining || peer_ended_ || (response.stream && framing_.http10)) framing_.keep_alive = false;
  const bool may_have_body = response.status >= 200 && response.status != 204 && response.status != 304;
  WriteHead(response, may_have_body);
  phase_ = Phase::kWriting;
  if (response.stream && !head_only_) return StartStream(std::move(response.stream));
  // Nobody will ever read what the handler has begun to hold open for.
  if (response.stream && closed_) closed_->Fire();
  body_.clear();
  if (may_have_body && !head_only_) {
    if (response.body.size() <= kCopiedBody) {
      out_ += response.body;
    } else {
      body_ = std::move(response.body);
    }
  }
  std::size_t sent = 0;
  if (in_handler_ && !tls_ && body_.empty() && socket_.non_blocking()) {
    // Nearly all responses fit into the socket's buffer, and need no turn of the loop. What does not, and any error, is left to Write.
    boost::system::error_code ignored;
    sent = socket_.write_some(asio::buffer(out_), ignored);
    written_ = sent == out_.size();
    if (written_) return;  // Dispatch finishes it: what the handler gave to OnClose must not go while it is at work
  }
  Write(asio::buffer(out_) + sent, asio::buffer(body_));
}

void Connection::Write(asio::const_buffer first, asio::const_buffer second) {
  writing_ = true;
  deadline_ = SteadyClock::now() + thread_->state->options.read_timeout;
  auto done = [self = shared_from_this()](const boost::system::error_code& error, std::size_t) { self->OnWritten(static_cast<bool>(error)); };
  OnStream([&](auto& stream) {
    if (second.size() == 0) return asio::async_write(stream, first, std::move(done));
    asio::async_write(stream, std::array{first, second}, std::move(done));
  });
}

void Connection::OnWritten(bool failed) {
  writing_ = false;
  if (failed) return Close();
  if (phase_ == Phase::kStreaming) return Flush();
  if (phase_ == Phase::kWriting) FinishResponse();
}

void Connection::FinishResponse() {
  if (const auto closed = std::exchange(closed_, nullptr)) closed->Drop();
  if (const auto& observe = thread_->state->options.observe) {
    observe(method_, route_ ? std::string_view(route_->pattern) : "", status_, std::chrono::duration_cast<Duration>(SteadyClock::now() - started_));
  }
  if (out_.capacity() > kReadBuffer) out_ = {};
  body_ = {};
  if (!framing_.keep_alive || refused_ || peer_ended_ || thread_->draining) return Linger();
  phase_ = Phase::kHead;
  thread_->loop.ExpectSoon();
  Advance();
}

// Closes the sending side and waits a little for the peer to close its own: closing at once, with bytes unread, would make the kernel
// reset the connection, and the peer might lose the response.
void Connection::Linger() {
  phase_ = Phase::kLinger;
  deadline_ = SteadyClock::now() + std::min<SteadyClock::duration>(kLingerTime, thread_->state->options.read_timeout);
  if (peer_ended_) return Close();
  if (tls_ && !reading_) {
    return tls_->async_shutdown([self = shared_from_this()](const boost::system::error_code&) { self->Close(); });
  }
  boost::system::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  Read();
}

// ---- Streams ----

void Connection::StartStream(std::function<void(std::shared_ptr<StreamWriter>)> start) {
  phase_ = Phase::kStreaming;
  stream_ = std::make_shared<StreamBuffer>();
  stream_->chunked = !framing_.http10;
  stream_->scheduled = true;  // the head is being written; OnWritten flushes
  if (!closed_) closed_ = std::make_shared<CloseSignal>();
  const auto writer = std::make_shared<Writer>(shared_from_this(), stream_, closed_);
  Write(asio::buffer(out_), {});
  Read();
  start(writer);
}

void Connection::Flush() {
  if (phase_ != Phase::kStreaming || writing_) return;
  deadline_ = kNever;
  std::function<void()> drained;
  bool idle = false;
  {
    const std::lock_guard lock(stream_->mutex);
    out_.clear();
    out_.swap(stream_->pending);
    if (out_.empty() && !stream_->closing) {
      stream_->scheduled = false;
      idle = true;
      drained = std::exchange(stream_->drained, nullptr);
    }
    if (stream_->closing) {
      stream_->dead = true;
      if (stream_->chunked) out_ += "0\r\n\r\n";
      phase_ = Phase::kWriting;
    }
  }
  if (drained) drained();
  if (idle) return;
  if (phase_ == Phase::kWriting) stream_.reset();
  if (out_.empty()) return FinishResponse();
  Write(asio::buffer(out_), {});
}

}  // namespace remit::http
