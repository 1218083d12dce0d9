// Points in time and spans of it. Both count microseconds; a Time is UTC.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace remit {

using Duration = std::chrono::microseconds;
using Time = std::chrono::sys_time<Duration>;

inline std::int64_t Micros(Time t) { return t.time_since_epoch().count(); }
inline Time FromMicros(std::int64_t us) { return Time(Duration(us)); }

// RFC 3339 in UTC, e.g. "2026-12-05T01:00:00Z"; microseconds only where there are any.
std::string FormatTime(Time t);

// RFC 3339 with a zone: "2026-12-05T02:00+01:00", seconds and fraction optional. Errors: `bad-time`. A time without zone is refused.
Result<Time> ParseTime(std::string_view text);

// "15m", "1h30m", "90s", "250ms", "7d"; units d h m s ms us in falling order, each once. Errors: `bad-duration`.
Result<Duration> ParseDuration(std::string_view text);

// The shortest such form: "1h30m", "0s".
std::string FormatDuration(Duration d);

}  // namespace remit
