// How a request is framed, and whom it is for: decided from its headers by rules that leave no second reading. Pure; a request that a
// proxy in front could read differently is refused, not repaired (RFC 9112 §6.3, §11.2).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"
#include "http/message.h"
#include "http/router.h"

namespace remit::http {

struct Framing {
  bool chunked = false;
  std::uint64_t length = 0;  // of a body that is not chunked
  bool keep_alive = true;
  bool http10 = false;  // the peer does not know chunks
  bool expects_continue = false;

  bool has_body() const { return chunked || length > 0; }
};

// `version`: 10 or 11. Refuses: headers that may stand once and stand twice, HTTP/1.1 without Host, Transfer-Encoding that is not exactly
// "chunked", together with Content-Length or under HTTP/1.0, a Content-Length that is not digits, Expect other than 100-continue, a
// Content-Encoding.
std::expected<Framing, Refusal> CheckFraming(const std::vector<Header>& headers, int version);

// Whether Host is one of `hosts` (ServerOptions::hosts): 400 `missing-host`, 421 `wrong-host`.
std::optional<Refusal> CheckHost(const Request& request, const std::vector<std::string>& hosts);

// Whether Origin, if there is one, is one of `origins`: 403 `wrong-origin`.
std::optional<Refusal> CheckOrigin(const Request& request, const std::vector<std::string>& origins);

// Whether the body is of a kind and size that the route takes: 400 `unexpected-body`, 413 `body-too-large`, 415 `wrong-content-type`.
std::optional<Refusal> CheckBody(const Request& request, const Framing& framing, const Router::Route& route);

}  // namespace remit::http
