// One line of a PostgreSQL server's log, whichever form the file has (csvlog or jsonlog).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace remit::posture {

struct LogRecord {
  std::string time;  // as it stands: "2026-11-27 14:03:22.123 CET"; the server's zone, see log_time.h
  std::string user, database;
  std::string session_id;          // "6b09d56e.339d": the session's start in seconds since 1970, and its process id
  std::uint64_t session_line = 0;  // 1, 2, 3 … in one session
  std::string session_start;       // as `time`, without a fraction
  std::string severity, sqlstate;  // "LOG", "00000"
  std::string message, detail, hint, internal_query, internal_position, context, query, query_position, location;
  std::string application, backend_type;  // "client backend"
  std::uint64_t offset = 0;               // of its first byte in the file
};

// Called with each record in order.
using RecordSink = std::function<void(LogRecord&)>;

}  // namespace remit::posture
