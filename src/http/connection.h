// One connection of the server: reads requests, runs their handlers one after another, writes their responses. Not a public header.
//
// Everything happens on the connection's io thread; responses from other threads are posted to it. A read is outstanding also while a
// handler works, so that the peer's end is seen at once; what arrives meanwhile (pipelined requests) waits in the buffer.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/framing.h"
#include "http/head.h"
#include "http/parser.h"
#include "http/server.h"
#include "io/event_loop.h"
#include "io/files.h"

namespace remit::http {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

class Connection;

// What all threads of a server share.
struct ServerState {
  ServerOptions options;
  Router router;
  std::atomic<std::size_t> connections = 0;
};

// One io thread with its connections.
struct IoThread : std::enable_shared_from_this<IoThread> {
  explicit IoThread(std::shared_ptr<ServerState> s) : state(std::move(s)), timer(loop.context()) {}

  void Start();                               // starts the thread
  void Tick();                                // ends what has waited too long; again and again
  bool Post(std::function<void()> callback);  // false: the thread has stopped
  void CloseAll();                            // on the thread
  void DrainAll();                            // on the thread
  void Join();                                // after loop.Stop(): joins, and destroys what still waits

  const std::shared_ptr<ServerState> state;
  io::EventLoop loop{1};
  asio::steady_timer timer;
  std::thread thread;
  std::unordered_set<std::shared_ptr<Connection>> connections;  // touched on the thread alone
  std::string date_header;                                      // "Date: …\r\n" of this moment
  bool draining = false;

 private:
  std::mutex mutex_;
  bool stopped_ = false;
};

// A response in the making whose bytes come from any thread. The Connection empties it.
struct StreamBuffer {
  std::mutex mutex;
  std::string pending;
  bool chunked = true;     // HTTP/1.0 gets the bytes as they are
  bool closing = false;    // the writer has closed it
  bool dead = false;       // the connection has
  bool scheduled = false;  // a flush is on its way or running
  std::function<void()> drained;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<IoThread> thread, io::Fd fd, int family, std::shared_ptr<const Peer> peer,
             ssl_ctx_st* tls);  // a reference that becomes the connection's, or null
  ~Connection();

  void Start();
  void Close();
  void Drain();  // answers what it has begun to handle, then closes
  void Tick(SteadyClock::time_point now);
  void Answer(std::uint64_t serial, Response response);  // of the request with this serial number
  void Flush();                                          // writes what the stream has
  IoThread& thread() { return *thread_; }

 private:
  enum class Phase { kHandshake, kHead, kBody, kHandler, kWriting, kStreaming, kLinger, kClosed };

  void Handshake();
  void Read();
  void OnRead(bool failed, bool end, std::size_t size);
  void OnEnd(bool end);
  void Advance();      // does what can be done with the bytes that are there; called within itself it leaves that to the call outside
  bool AdvanceHead();  // these two: whether to go on
  bool AdvanceBody();
  void ExpectMore(bool begun);
  void BeginBody();
  void Dispatch();
  void Refuse(const Refusal& refusal);
  void WriteResponse(Response response);
  void WriteHead(const Response& response, bool body_follows);
  void StartStream(std::function<void(std::shared_ptr<StreamWriter>)> start);
  void Write(asio::const_buffer first, asio::const_buffer second);
  void OnWritten(bool failed);
  void FinishResponse();
  void Linger();
  std::string_view waiting() const { return {in_.data() + begin_, end_ - begin_}; }
  template <class Operation>
  void OnStream(Operation operation);

  const std::shared_ptr<IoThread> thread_;
  Socket socket_;
  std::unique_ptr<asio::ssl::stream<Socket&>> tls_;
  const std::shared_ptr<const Peer> peer_;

  Phase phase_ = Phase::kHead;
  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  bool reading_ = false, writing_ = false;
  bool advancing_ = false;
  bool in_handler_ = false;  // it has not returned
  bool written_ = false;     // nor has its response, which is written whole, been finished
  bool begun_ = false;       // the first byte of a request has come, and the clock runs
  bool peer_ended_ = false;  // it will send no more, but may still listen
  bool continue_sent_ = false;

  bool refused_ = false;  // after the response nothing more is read as a request

  std::string in_;  // bytes [begin_, end_) wait
  std::size_t begin_ = 0, end_ = 0;
  std::string out_, body_;  // what is being written

  // The request at hand.
  HeadScanner scanner_;
  RequestParser parser_;
  std::optional<Request> request_;  // while it is read
  Framing framing_;
  const Router::Route* route_ = nullptr;
  std::uint64_t serial_ = 0;
  bool head_only_ = false;  // HEAD
  std::string method_;
  int status_ = 0;
  SteadyClock::time_point started_;
  std::shared_ptr<CloseSignal> closed_;
  std::shared_ptr<StreamBuffer> stream_;
};

}  // namespace remit::http
