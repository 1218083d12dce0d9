// The raw bytes of a request's head, checked before any parser reads them, as they arrive. Beast's parser forgives what others read
// differently (obs-fold, CR and LF inside values); what is forgiven in two ways is how requests are smuggled. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace remit::http {

// An error with the HTTP status that says it best.
struct Refusal {
  int status = 400;
  Error error;
};

class HeadScanner {
 public:
  HeadScanner(std::size_t max_bytes, std::size_t max_target_bytes, std::size_t max_headers)
      : max_bytes_(max_bytes), max_target_bytes_(max_target_bytes), max_headers_(max_headers) {}

  enum class State { kMore, kDone, kRefused };

  // Looks at `buffer`, which begins with the request's first byte and may have grown since the last call. kDone: head_size() bytes of it
  // are the head, its empty line included. kRefused: see refusal(); nothing of this connection can be trusted any more.
  State Scan(std::string_view buffer);

  std::size_t head_size() const { return position_; }
  const Refusal& refusal() const { return refusal_; }
  void Reset();  // for the next request

 private:
  State Refuse(int status, std::string_view reason, std::string message);
  State EndLine();
  // Most of a head are visible characters: what stands inside a line is passed over in one go, no further than a limit.
  void PassVisible(std::string_view buffer);

  const std::size_t max_bytes_, max_target_bytes_, max_headers_;
  std::size_t position_ = 0;  // so much has been looked at
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;
  bool carriage_return_ = false;  // the byte before was CR
  bool finished_ = false;
  Refusal refusal_;
};

}  // namespace remit::http
