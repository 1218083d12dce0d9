// Reads csvlog (PostgreSQL 13: 24 columns, 14 and later: 26) piece by piece, in bounded memory.
//
// A record may span lines: names, messages and statements hold line breaks, inside quotes. So the reader never looks for a place to go on
// from: whoever is out of step inside a quoted text would take what a client wrote there for records of the server. From the first byte
// that no server writes on, the file is broken, and nothing of it may be counted (what was handed out before included: the reader may
// have been out of step from the start).
//
// One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "posture/log/log_record.h"

namespace remit::posture {

class CsvLog {
 public:
  explicit CsvLog(RecordSink sink) : sink_(std::move(sink)) {}

  // The next bytes of the file. Errors: `broken-log`, which is final; the place is the byte where the record begins.
  Status Feed(std::string_view bytes);

  // Where the file ends. Answers whether its last record was cut off (the log is still being written): that one is not handed out.
  bool Finish() const { return record_bytes_ > 0; }

 private:
  enum class At { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };
  Status Byte(char c);
  Status EndField(bool last);
  Status EndRecord();
  std::unexpected<Error> Broken(std::string_view why) const;
  void Keep(std::string_view text);

  RecordSink sink_;
  std::array<std::string, 26> fields_;
  std::size_t field_ = 0;
  At at_ = At::kFieldStart;
  std::uint64_t offset_ = 0, record_start_ = 0, record_bytes_ = 0;
  std::size_t columns_ = 0;  // of this file, once known
  std::optional<Error> error_;
};

}  // namespace remit::posture
