// The HTTP/1.1 server: listens on TCP (with TLS or without) and on unix sockets, checks what arrives, and runs handlers on its io threads.
//
// A request reaches a handler only if its framing can be read in one way alone: see head.h and framing.h for what is refused before and beside
// Beast's parser. Connections are kept alive; pipelined requests are answered one after another.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/tls.h"
#include "http/router.h"

namespace remit::http {

struct Listener {
  // "127.0.0.1:8470", "[::1]:8470" (port 0: a free one) or "unix:/run/remit/remit.sock".
  std::string address;

  std::optional<crypto::TlsServerContext> tls{};  // TLS where set; TCP only

  mode_t unix_mode = 0660;  // of the socket file
};

struct ServerOptions {
  std::vector<Listener> listeners{};
  int threads = 1;  // io threads; each connection stays on one

  // The names that this server answers to: "remit.example" (any port) or "remit.example:8443", lower case. A request on TCP whose Host is
  // not here is refused (421 `wrong-host`): a page in a browser cannot reach a local server under a name of its own. Unix sockets: any.
  std::vector<std::string> hosts{};

  // The web origins whose pages may call, e.g. "https://remit.example". A request with another Origin is refused (403 `wrong-origin`).
  std::vector<std::string> origins{};

  // Limits; tests make them small.
  std::size_t max_connections = limits::kHttpConnections;
  std::size_t max_header_bytes = limits::kHttpHeaderBytes;
  Duration read_timeout = limits::kHttpReadTimeout;  // a whole request from its first byte; also TLS's handshake, and writing one response
  Duration idle_timeout = limits::kHttpIdleTimeout;  // between requests

  // Told of each response that was written to its end, on an io thread: `route` is the pattern, "" where none matched. `took` is the time
  // since the request was complete.
  std::function<void(std::string_view method, std::string_view route, int status, Duration took)> observe{};
};

class Server {
 public:
  Server(ServerOptions options, Router router);
  ~Server();  // stops at once
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds all listeners, or none, and starts the io threads. A stale unix socket (nobody listens on it) is replaced.
  // Errors: `address-in-use`, `bad-address`, `cannot-listen`.
  Status Start();

  // Stops taking connections and requests, lets handlers that run answer for up to `grace`, ends streams, joins the threads. Idempotent;
  // not from a handler. A Respond that is called later has no effect.
  void Stop(Duration grace = Duration::zero());

  // After Start: the address of each listener, with the real port.
  std::vector<std::string> addresses() const;
  std::uint16_t port(std::size_t listener = 0) const;

  std::size_t connections() const;  // open now

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace remit::http
