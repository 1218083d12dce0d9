#include "http/head.h"

#include <algorithm>

#include <fmt/format.h>

namespace remit::http {
namespace {

// RFC 9110 §5.5: visible characters, space, tab and obs-text; the request line has no tab and no byte beyond ASCII.
bool MayStand(unsigned char c, bool request_line) { return (c >= 0x20 && c < 0x7f) || (!request_line && (c == '\t' || c >= 0x80)); }

}  // namespace

HeadScanner::State HeadScanner::Scan(std::string_view buffer) {
  while (!finished_ && position_ < buffer.size()) {
    if (position_ > line_start_ && !carriage_return_) PassVisible(buffer);
    if (position_ == buffer.size()) break;
    const char c = buffer[position_];
    if (carriage_return_) {
      if (c != '\n') return Refuse(400, "bad-line-ending", "a carriage return without line feed");
      carriage_return_ = false;
      ++position_;
      if (const State state = EndLine(); state != State::kMore) return state;
      continue;
    }
    const bool first_of_line = position_ == line_start_;
    if (c == '\r') {
      carriage_return_ = true;
    } else if (c == '\n') {
      return Refuse(400, "bad-line-ending", "a line feed without carriage return");
    } else if (first_of_line && lines_ > 0 && (c == ' ' || c == '\t')) {
      return Refuse(400, "folded-header", "a header that goes on in the next line (obs-fold)");
    } else if (!MayStand(static_cast<unsigned char>(c), lines_ == 0)) {
      return Refuse(400, "bad-character", fmt::format("byte 0x{:02x} in the head of the request", static_cast<unsigned char>(c)));
    }
    ++position_;
    if (lines_ == 0 && position_ > max_target_bytes_ + 32)
      return Refuse(414, "target-too-long", fmt::format("a target of more than {} bytes", max_target_bytes_));
    if (position_ > max_bytes_) return Refuse(431, "headers-too-large", fmt::format("a head of more than {} bytes", max_bytes_));
  }
  return finished_ ? State::kDone : State::kMore;
}

void HeadScanner::PassVisible(std::string_view buffer) {
  const std::size_t limit = lines_ == 0 ? std::min(max_bytes_, max_target_bytes_ + 32) : max_bytes_;
  const std::size_t end = std::min(buffer.size(), limit);
  while (position_ < end && buffer[position_] >= 0x20 && buffer[position_] < 0x7f) ++position_;
}

HeadScanner::State HeadScanner::EndLine() {
  const bool empty = position_ - line_start_ == 2;
  line_start_ = position_;
  if (empty && lines_ == 0) return Refuse(400, "bad-request-line", "an empty line before the request");
  if (empty) {
    finished_ = true;
    return State::kDone;
  }
  if (++lines_ > max_headers_ + 1) return Refuse(431, "too-many-headers", fmt::format("more than {} headers", max_headers_));
  return State::kMore;
}

HeadScanner::State HeadScanner::Refuse(int status, std::string_view reason, std::string message) {
  refusal_ = {status, Error(Code::kInvalidArgument, reason, std::move(message))};
  return State::kRefused;
}

void HeadScanner::Reset() {
  position_ = line_start_ = lines_ = 0;
  carriage_return_ = finished_ = false;
}

}  // namespace remit::http
