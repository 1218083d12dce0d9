// From bytes to a Request: Beast's parser, behind the checks of head.h and in front of those of framing.h. Pure; Beast stays in the .cc.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string_view>

#include "http/framing.h"
#include "http/head.h"
#include "http/message.h"

namespace remit::http {

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();

  // Takes a whole head apart, as HeadScanner found it: fills method, target, segments, query and headers. Starts a new request.
  std::expected<Framing, Refusal> Head(std::string_view head, Request& request);

  struct Fed {
    std::size_t used = 0;  // bytes of `input` that were taken; offer the others again with more behind them
    bool done = false;     // the request is complete; what follows belongs to the next one
  };

  // Appends to the body, at most `limit` bytes of it in all. Only after a Head whose framing has a body.
  // Refuses: 413 `body-too-large`, 400 `bad-body` (chunks that are malformed, or that carry extensions or trailers).
  std::expected<Fed, Refusal> Body(std::string_view input, std::size_t limit, Request& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace remit::http
