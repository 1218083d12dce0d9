// The HTTP client: blocking calls on libcurl, over TCP or a unix socket. No redirects, no proxy, no environment variables, limits on
// everything.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/message.h"

namespace remit::http {

struct ClientOptions {
  std::string base_url{};          // "https://remit.example:8443"; no path. Over a unix socket "http://localhost"
  std::string unix_socket{};       // path; "": TCP
  std::string ca_file{};           // PEM; "": the system's. Certificates are always checked
  std::string certificate_file{};  // PEM, with key_file: the client's own
  std::string key_file{};
  Duration connect_timeout = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(60);               // of a whole call, but not of a held one
  std::size_t max_body_bytes = limits::kHttpLargeBodyBytes;  // of a response
  std::shared_ptr<const std::atomic<bool>> given_up{};       // when it turns true, a call that runs ends within a second: `connection-lost`
};

struct ClientRequest {
  std::string method = "GET";
  std::string path{};  // encoded, with the query: "/v1/tasks?state=active"
  std::vector<Header> headers{};
  std::optional<Secret> bearer{};  // sent as "Authorization: Bearer …"
  std::string content_type{};      // "" with an empty body: none
  std::string body{};
};

struct ClientResponse {
  int status = 0;
  std::vector<Header> headers;  // names in lower case
  std::string body;

  std::optional<std::string_view> Find(std::string_view name) const;
  bool ok() const { return status >= 200 && status < 300; }
};

// A GET that the server holds open. Its callbacks run on a thread of its own. Destroying it closes the connection.
class HeldGet {
 public:
  virtual ~HeldGet() = default;

  // Closes the connection and waits until no callback runs any more. Thread-safe, idempotent; not from a callback.
  virtual void Close() = 0;
};

struct HeldCallbacks {
  std::function<void(const ClientResponse& head)> on_head;  // status and headers, body empty
  std::function<void(std::string_view chunk)> on_data;      // as it arrives
  std::function<void(Status end)> on_end;                   // once: the body ended properly, or why not; not after Close
};

// Keeps its connection for the next call. One call at a time; a Client per thread.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Any status that the server gives is a success here. Errors: `cannot-connect` (kUnavailable), `connection-lost` (kUnavailable),
  // `call-timeout` (kDeadlineExceeded), `bad-certificate` (kUnavailable), `response-too-large`, `bad-response`.
  Result<ClientResponse> Call(const ClientRequest& request);

  Result<ClientResponse> Get(std::string path);

  // Opens a connection of its own and returns at once.
  Result<std::unique_ptr<HeldGet>> Hold(const ClientRequest& request, HeldCallbacks callbacks) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace remit::http
