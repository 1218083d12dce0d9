#include "cli/local_time.h"

#include <time.h>

#include <chrono>
#include <regex>

#include <fmt/format.h>

#include "base/clock.h"
#include "cli/output.h"

namespace remit::cli {

std::string LocalTime(Time t, Time now) {
  const auto local = [](Time at) {
    const time_t seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    tm parts{};
    ::localtime_r(&seconds, &parts);
    return parts;
  };
  const tm then = local(t), today = local(now);
  std::string text = fmt::format("{:02}:{:02}:{:02}", then.tm_hour, then.tm_min, then.tm_sec);
  if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday) return text;
  return fmt::format("{:04}-{:02}-{:02} {}", then.tm_year + 1900, then.tm_mon + 1, then.tm_mday, text);
}

std::string Moment(const json::Value& value, std::string_view member) {
  const std::string text = Text(value, member);
  const Result<Time> at = ParseTime(text);
  return at ? LocalTime(*at, SystemClock().Wall()) : text;
}

std::string WithLocalTimes(std::string_view text) {
  static const std::regex moment(R"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z)");
  const Time now = SystemClock().Wall();
  std::string out;
  const char* from = text.data();
  const char* const end = text.data() + text.size();
  for (std::cregex_iterator found(from, end, moment), none; found != none; ++found) {
    const Result<Time> at = ParseTime(found->str());
    out.append(from, text.data() + found->position());
    out += at ? LocalTime(*at, now) : found->str();
    from = text.data() + found->position() + found->length();
  }
  return out.append(from, end);
}

}  // namespace remit::cli
