// What a handler sees of HTTP: a request that has passed every check, and the response to it. Plain values: tests of handlers make them by
// hand, without a socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/target.h"

namespace remit::json {
class Value;
}

namespace remit::http {

struct Header {
  std::string name;  // as it was written; compared without case
  std::string value;
};

// Who is at the other end of the connection, as the kernel and TLS say (never as the request says).
struct Peer {
  bool is_unix = false;
  std::string address;  // "192.0.2.1" or "2001:db8::1"; "" on a unix socket
  std::uint16_t port = 0;
  uid_t uid = static_cast<uid_t>(-1);  // SO_PEERCRED; of a unix peer only
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  bool tls = false;
};

// Tells those who want to know that a connection has ended. Thread-safe.
class CloseSignal {
 public:
  void Add(std::function<void()> callback);  // runs at once if the connection has ended already
  void Fire();                               // runs each callback once
  void Drop();                               // the response was written to its end: forgets the callbacks, also those added later
  bool fired() const;

 private:
  mutable std::mutex mutex_;
  bool fired_ = false, dropped_ = false;
  std::vector<std::function<void()>> callbacks_;
};

struct Request {
  static std::shared_ptr<const Peer> Nobody();  // a peer of which nothing is known, for requests made by hand

  std::string method;                 // upper case; HEAD comes as GET
  std::string target;                 // the request target as it was sent, for logs (percent-encoded: safe to print)
  std::vector<std::string> segments;  // of the path, decoded once and checked; see Target
  std::vector<Parameter> query;       // each name once
  std::vector<Parameter> params;      // what the route's pattern bound
  std::vector<Header> headers;
  std::string body;
  std::shared_ptr<const Peer> peer = Nobody();  // never null
  std::shared_ptr<CloseSignal> closed = std::make_shared<CloseSignal>();

  // The header's value; nullopt if there is none. A header that was sent more than once: the first (see HeaderCount).
  std::optional<std::string_view> Find(std::string_view name) const;
  std::size_t HeaderCount(std::string_view name) const;

  // The value of a query parameter; nullopt if it was not sent.
  std::optional<std::string_view> Query(std::string_view name) const;

  // What the route's pattern bound to `{name}`; the pattern has it, else the program is wrong.
  std::string_view Param(std::string_view name) const;

  // The token of "Authorization: Bearer …" (RFC 6750 §2.1). Errors: `no-credentials`, `bad-credentials` (another scheme, or two headers).
  Result<std::string_view> BearerToken() const;

  // Refuses query parameters other than these, with a hint. Errors: `unknown-parameter`.
  Status OnlyQuery(std::initializer_list<std::string_view> names) const;

  // Runs `callback` once if the connection ends before the response (or its stream) was written to its end, whoever ends it. A peer that
  // has closed its sending side counts as gone, though an answer would still reach it. It runs on an io thread, or inside this call if
  // that has happened already; it must not block. Thread-safe.
  void OnClose(std::function<void()> callback) const { closed->Add(std::move(callback)); }
};

// A response whose body is written bit by bit (chunked). Thread-safe.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;  // closes the stream

  // Sends one chunk. False: the connection has ended, or its peer reads so slowly that more than kHttpStreamBytes wait (then it is cut).
  virtual bool Write(std::string_view chunk) = 0;

  // Ends the body properly. Idempotent.
  virtual void Close() = 0;

  // Runs `callback` once when everything written so far has been handed to the kernel: inside this call if it has been already. Never, if the
  // connection ends first. It replaces one that waits. What is written in pages, each after the one before has left, waits for its reader
  // instead of being cut.
  virtual void OnDrained(std::function<void()> callback) = 0;

  // As Request::OnClose, until Close is called.
  virtual void OnClose(std::function<void()> callback) = 0;
};

struct Response {
  int status = 200;
  std::string content_type{};     // "": no body, and no content-type header
  std::vector<Header> headers{};  // further ones. Cache-Control is no-store unless set here
  std::string body{};
  std::function<void(std::shared_ptr<StreamWriter>)> stream{};  // set: `body` is not used; called once the head is on its way
};

// Answers a request: callable from any thread; calls after the first have no effect. The request lives as long as any copy of its Respond.
// When all copies are gone without a call, the server answers 500 `no-answer`.
using Respond = std::function<void(Response)>;

// Runs on an io thread and must not block: slow work goes to io::Workers, with the Respond.
using Handler = std::function<void(const Request&, Respond)>;

// Ready-made responses.
Response Json(int status, const json::Value& value);  // application/json
Response JsonText(int status, std::string json);      // the same, of text that is JSON already
Response Text(int status, std::string text);          // text/plain; charset=utf-8
Response Empty(int status = 204);
Response Stream(std::string content_type, std::function<void(std::shared_ptr<StreamWriter>)> start);

// RFC 9457: application/problem+json with `type` "urn:remit:error:<reason>", `title`, `status`, `detail`, `place` and `hint`.
// Kinds that are this server's own trouble (kCorrupt, kInternal) are logged, and answered without their message.
Response Problem(const Error& error);
Response Problem(int status, const Error& error);  // with a status of its own (415, 431 …)

// The HTTP status of a kind of error, e.g. kNotFound → 404. One table for the whole product (docs/reference/errors.md).
int StatusOf(Code code);
std::string_view StatusText(int status);  // "Not Found"; "Unknown" for a status that the server does not use

bool EqualsIgnoringCase(std::string_view a, std::string_view b);  // ASCII

}  // namespace remit::http
