#include "posture/log/csv_log.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/limits.h"
#include "posture/log/log_time.h"

namespace remit::posture {
namespace {

// The columns, as src/backend/utils/error/csvlog.c writes them.
enum Column : std::size_t {
  kTime,
  kUser,
  kDatabase,
  kPid,
  kFrom,
  kSession,
  kLine,
  kTag,
  kStart,
  kVxid,
  kTxid,
  kSeverity,
  kState,
  kMessage,
  kDetail,
  kHint,
  kInternalQuery,
  kInternalPosition,
  kContext,
  kQuery,
  kQueryPosition,
  kLocation,
  kApplication,
  kBackend,
  kLeader,
  kQueryId
};
constexpr std::size_t kColumns13 = 24, kColumns = 26;

// Texts stand in quotes, or are empty; numbers and times never do.
constexpr bool IsText(std::size_t column) {
  switch (column) {
    case kUser:
    case kDatabase:
    case kFrom:
    case kTag:
    case kMessage:
    case kDetail:
    case kHint:
    case kInternalQuery:
    case kContext:
    case kQuery:
    case kLocation:
    case kApplication:
    case kBackend: return true;
    default: return false;
  }
}

}  // namespace

std::unexpected<Error> CsvLog::Broken(std::string_view why) const {
  return Fail(Error(Code::kCorrupt, "broken-log", fmt::format("this is not csvlog as PostgreSQL writes it: {}", why))
                  .At(std::to_string(record_start_))
                  .Hint("give whole files as the server wrote them, not parts cut out of them"));
}

// More than the limit of one field is dropped: what is read of a statement is whether there is one.
void CsvLog::Keep(std::string_view text) {
  std::string& field = fields_[field_];
  field += text.substr(0, limits::kLogFieldBytes - std::min(field.size(), limits::kLogFieldBytes));
}

Status CsvLog::Feed(std::string_view bytes) {
  if (error_) return std::unexpected(*error_);
  while (!bytes.empty()) {
    if (at_ == At::kQuoted) {  // at once to its end: most of a log is texts in quotes
      const std::string_view run = bytes.substr(0, bytes.find('"'));
      Keep(run);
      offset_ += run.size();
      record_bytes_ += run.size();
      bytes.remove_prefix(run.size());
      if (bytes.empty()) break;
    }
    if (Status status = Byte(bytes.front()); !status) {
      error_ = status.error();
      return status;
    }
    bytes.remove_prefix(1);
  }
  return {};
}

Status CsvLog::Byte(char c) {
  if (record_bytes_ == 0) record_start_ = offset_;
  ++offset_;
  ++record_bytes_;
  switch (at_) {
    case At::kFieldStart:
      if (c == '"') {
        if (!IsText(field_)) return Broken("a number or time in quotes");
        at_ = At::kQuoted;
        return {};
      }
      at_ = At::kPlain;
      [[fallthrough]];
    case At::kPlain:
      if (c == ',' || c == '\n') return EndField(c == '\n');
      if (c == '"' || static_cast<unsigned char>(c) < 0x20) return Broken("a quote or control character outside quotes");
      if (IsText(field_)) return Broken("a text without quotes");
      Keep({&c, 1});
      return {};
    case At::kQuoted:
      at_ = At::kQuoteInQuoted;  // Feed stops at quotes alone
      return {};
    case At::kQuoteInQuoted:
      if (c == '"') {
        Keep({&c, 1});
        at_ = At::kQuoted;
        return {};
      }
      if (c == ',' || c == '\n') return EndField(c == '\n');
      return Broken("something follows a text in quotes");
  }
  return {};
}

Status CsvLog::EndField(bool last) {
  at_ = At::kFieldStart;
  ++field_;
  if (last) return EndRecord();
  if (field_ >= kColumns) return Broken("more than 26 columns");
  return {};
}

Status CsvLog::EndRecord() {
  if (field_ != kColumns && field_ != kColumns13) return Broken(fmt::format("{} columns", field_));
  if (columns_ != 0 && columns_ != field_) return Broken(fmt::format("{} columns behind records of {}", field_, columns_));
  columns_ = field_;
  LogRecord record;
  const std::string& line = fields_[kLine];
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), record.session_line);
  if (error != std::errc() || end != line.data() + line.size() || record.session_line == 0) return Broken("the line number is none");
  if (!IsLogTime(fields_[kTime]) || !IsLogTime(fields_[kStart])) return Broken("a time is none");
  if (!SessionStart(fields_[kSession])) return Broken("the session id is none");
  if (fields_[kSeverity].empty() || fields_[kState].size() != 5) return Broken("severity or SQLSTATE are missing");
  record.time = std::move(fields_[kTime]);
  record.user = std::move(fields_[kUser]);
  record.database = std::move(fields_[kDatabase]);
  record.session_id = std::move(fields_[kSession]);
  record.session_start = std::move(fields_[kStart]);
  record.severity = std::move(fields_[kSeverity]);
  record.sqlstate = std::move(fields_[kState]);
  record.message = std::move(fields_[kMessage]);
  record.detail = std::move(fields_[kDetail]);
  record.hint = std::move(fields_[kHint]);
  record.internal_query = std::move(fields_[kInternalQuery]);
  record.internal_position = std::move(fields_[kInternalPosition]);
  record.context = std::move(fields_[kContext]);
  record.query = std::move(fields_[kQuery]);
  record.query_position = std::move(fields_[kQueryPosition]);
  record.location = std::move(fields_[kLocation]);
  record.application = std::move(fields_[kApplication]);
  record.backend_type = std::move(fields_[kBackend]);
  record.offset = record_start_;
  for (std::string& field : fields_) field.clear();
  field_ = 0;
  record_bytes_ = 0;
  sink_(record);
  return {};
}

}  // namespace remit::posture
