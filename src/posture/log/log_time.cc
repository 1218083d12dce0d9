#include "posture/log/log_time.h"

#include <charconv>

namespace remit::posture {
namespace {

struct LocalTime {
  Time at;  // as if it were UTC
  std::string_view zone;
};

bool Digits(std::string_view text, std::size_t at, std::size_t count, int& value) {
  if (at + count > text.size()) return false;
  for (std::size_t i = at; i < at + count; ++i)
    if (text[i] < '0' || text[i] > '9') return false;
  return std::from_chars(text.data() + at, text.data() + at + count, value).ec == std::errc();
}

bool IsZone(std::string_view zone) {
  if (zone.empty() || zone.size() > 10) return false;
  for (char c : zone)
    if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '_' && c != ':') return false;
  return true;
}

std::optional<LocalTime> Read(std::string_view text) {
  using namespace std::chrono;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (text.size() < 21 || text[4] != '-' || text[7] != '-' || text[10] != ' ' || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (!Digits(text, 0, 4, y) || !Digits(text, 5, 2, mo) || !Digits(text, 8, 2, d) || !Digits(text, 11, 2, h) || !Digits(text, 14, 2, mi) ||
      !Digits(text, 17, 2, s))
    return std::nullopt;
  year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (!date.ok() || y < 1970 || h > 23 || mi > 59 || s > 60) return std::nullopt;
  Duration fraction{};
  std::size_t at = 19;
  if (text[at] == '.') {
    int ms = 0;
    if (!Digits(text, at + 1, 3, ms)) return std::nullopt;
    fraction = milliseconds(ms);
    at += 4;
  }
  if (at >= text.size() || text[at] != ' ' || !IsZone(text.substr(at + 1))) return std::nullopt;
  Time local = sys_days(date) + hours(h) + minutes(mi) + seconds(s) + fraction;
  return LocalTime{local, text.substr(at + 1)};
}

// "+03", "-0330", "+05:30", "UTC", "GMT", "Z": what says its offset itself.
std::optional<Duration> OffsetOf(std::string_view zone) {
  if (zone == "UTC" || zone == "GMT" || zone == "Z") return Duration(0);
  if (zone.size() < 3 || (zone[0] != '+' && zone[0] != '-')) return std::nullopt;
  int hours = 0, minutes = 0;
  if (!Digits(zone, 1, 2, hours)) return std::nullopt;
  std::size_t at = zone.size() > 3 && zone[3] == ':' ? 4 : 3;
  if (at < zone.size() && (!Digits(zone, at, 2, minutes) || zone.size() != at + 2)) return std::nullopt;
  Duration offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return zone[0] == '-' ? -offset : offset;
}

}  // namespace

bool IsLogTime(std::string_view text) { return Read(text).has_value(); }

std::optional<Time> SessionStart(std::string_view id) {
  std::uint64_t seconds = 0, pid = 0;
  const char* end = id.data() + id.size();
  auto [dot, error] = std::from_chars(id.data(), end, seconds, 16);
  if (error != std::errc() || dot == end || *dot != '.' || seconds > 0xFFFFFFFFFFull) return std::nullopt;
  auto [rest, pid_error] = std::from_chars(dot + 1, end, pid, 16);
  if (pid_error != std::errc() || rest != end) return std::nullopt;
  return Time(std::chrono::seconds(seconds));
}

std::optional<Time> LogClock::At(const LogRecord& record) {
  std::optional<LocalTime> written = Read(record.time), started = Read(record.session_start);
  std::optional<Time> start = SessionStart(record.session_id);
  if (!written || !started || !start) return std::nullopt;
  Duration at_start = started->at - *start;
  if (at_start > std::chrono::hours(15) || at_start < -std::chrono::hours(15) || at_start % std::chrono::minutes(15) != Duration(0))
    return std::nullopt;
  if (std::optional<Duration> said = OffsetOf(started->zone); said && *said != at_start) return std::nullopt;
  offsets_.insert_or_assign(std::string(started->zone), at_start);
  if (std::optional<Duration> said = OffsetOf(written->zone)) return written->at - *said;
  auto known = offsets_.find(written->zone);
  return written->at - (known == offsets_.end() ? at_start : known->second);
}

}  // namespace remit::posture
