// Reads jsonlog (PostgreSQL 15 and later) piece by piece: one JSON object a line. A line break inside a text is written as \n, so that a line
// that cannot be read is one lost line and no more. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "posture/log/log_record.h"

namespace remit::posture {

// One line, without its line break. Errors: `broken-log`.
Result<LogRecord> ParseJsonLine(std::string_view line);

class JsonLog {
 public:
  explicit JsonLog(RecordSink sink) : sink_(std::move(sink)) {}

  void Feed(std::string_view bytes);

  // Where the file ends. Answers whether its last line was cut off (the log is still being written): that one is not handed out.
  bool Finish() const { return !line_.empty() || skipping_; }

  std::uint64_t lost() const { return lost_; }              // lines that could not be read: damaged, or longer than limits::kLogLineBytes
  std::uint64_t first_lost() const { return first_lost_; }  // the byte where the first of them begins

 private:
  void Line();
  void Lose();

  RecordSink sink_;
  std::string line_;
  bool skipping_ = false;
  std::uint64_t offset_ = 0, line_start_ = 0, lost_ = 0, first_lost_ = 0;
};

}  // namespace remit::posture
