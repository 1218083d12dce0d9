// The times of a PostgreSQL log as moments. A log writes local time with an abbreviation ("CET") that names no zone for certain; but each
// session's id holds its start in seconds since 1970, and the line says the same moment in local time: the difference is the offset.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "posture/log/log_record.h"

namespace remit::posture {

// Whether the text has the form "2026-11-27 14:03:22[.123] ZONE" and is a moment of the calendar. A zone is an abbreviation, or "+03", "-0330".
bool IsLogTime(std::string_view text);

// The start in a session id "6b09d56e.339d"; nothing where it is no session id.
std::optional<Time> SessionStart(std::string_view session_id);

// Learns the offsets of abbreviations as it goes. One for each server; one thread at a time.
class LogClock {
 public:
  // When the line was written. Nothing where the record's times contradict each other (an offset beyond 15 hours, or no quarter of an hour).
  // A line in another abbreviation than that of its session's start (written after the clocks changed) whose offset no session has shown
  // yet takes that of the session's start, and is at most the change off.
  std::optional<Time> At(const LogRecord& record);

 private:
  std::map<std::string, Duration, std::less<>> offsets_;
};

}  // namespace remit::posture
