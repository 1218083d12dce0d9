#include "posture/log/json_log.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "json/read.h"
#include "posture/log/log_time.h"

namespace remit::posture {
namespace {

std::unexpected<Error> Broken(std::string_view why) {
  return Fail(Code::kCorrupt, "broken-log", fmt::format("this is not jsonlog as PostgreSQL writes it: {}", why));
}

// Takes a text that may be missing. False where it is there and none.
bool Take(const json::Value& line, std::string_view name, std::string& into) {
  const json::Value* value = line.Find(name);
  if (value == nullptr) return true;
  if (!value->IsString()) return false;
  into = value->AsString();
  return true;
}

// Positions are numbers; what counts is whether there is one.
void TakePosition(const json::Value& line, std::string_view name, std::string& into) {
  if (line.Find(name) != nullptr) into = "1";
}

}  // namespace

Result<LogRecord> ParseJsonLine(std::string_view line) {
  Result<json::Value> read = json::Parse(line, {.depth = 2, .bytes = limits::kLogLineBytes});
  if (!read || !read->IsObject()) return Broken("a line is no JSON object");
  LogRecord record;
  std::string function, file;
  bool ok = true;
  for (auto [name, into] : std::initializer_list<std::pair<std::string_view, std::string*>>{{"timestamp", &record.time},
                                                                                            {"user", &record.user},
                                                                                            {"dbname", &record.database},
                                                                                            {"session_id", &record.session_id},
                                                                                            {"session_start", &record.session_start},
                                                                                            {"error_severity", &record.severity},
                                                                                            {"state_code", &record.sqlstate},
                                                                                            {"message", &record.message},
                                                                                            {"detail", &record.detail},
                                                                                            {"hint", &record.hint},
                                                                                            {"internal_query", &record.internal_query},
                                                                                            {"context", &record.context},
                                                                                            {"statement", &record.query},
                                                                                            {"func_name", &function},
                                                                                            {"file_name", &file},
                                                                                            {"application_name", &record.application},
                                                                                            {"backend_type", &record.backend_type}})
    ok = Take(*read, name, *into) && ok;
  if (!ok) return Broken("a member is no text");
  TakePosition(*read, "internal_position", record.internal_position);
  TakePosition(*read, "cursor_position", record.query_position);
  if (!function.empty() || !file.empty()) record.location = function + ", " + file;
  if (record.sqlstate.empty()) record.sqlstate = "00000";
  const json::Value* number = read->Find("line_num");
  if (number == nullptr || !number->IsInt() || number->AsInt() <= 0) return Broken("the line number is none");
  record.session_line = static_cast<std::uint64_t>(number->AsInt());
  if (!IsLogTime(record.time) || !IsLogTime(record.session_start)) return Broken("a time is none");
  if (!SessionStart(record.session_id)) return Broken("the session id is none");
  if (record.severity.empty() || record.sqlstate.size() != 5) return Broken("severity or SQLSTATE are missing");
  return record;
}

void JsonLog::Lose() {
  if (lost_++ == 0) first_lost_ = line_start_;
}

void JsonLog::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (!skipping_ && line_.size() + part.size() > limits::kLogLineBytes) {
      skipping_ = true;
      line_.clear();
    }
    if (!skipping_) line_ += part;
    offset_ += part.size();
    if (end == std::string_view::npos) return;
    ++offset_;
    Line();
    line_.clear();
    skipping_ = false;
    line_start_ = offset_;
    bytes.remove_prefix(end + 1);
  }
}

void JsonLog::Line() {
  if (skipping_) return Lose();
  Result<LogRecord> record = ParseJsonLine(line_);
  if (!record) return Lose();
  record->offset = line_start_;
  sink_(*record);
}

}  // namespace remit::posture
