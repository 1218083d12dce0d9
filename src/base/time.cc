#include "base/time.h"

#include <array>
#include <limits>

#include <fmt/format.h>

namespace remit {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t micros;
};
constexpr std::array<Unit, 6> kUnits = {{{"d", 86'400'000'000}, {"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1000}, {"us", 1}}};

// Reads exactly `count` digits at `at`; false where there are fewer.
bool Digits(std::string_view text, std::size_t& at, std::size_t count, int& value) {
  value = 0;
  for (std::size_t i = 0; i < count; ++i, ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return false;
    value = value * 10 + (text[at] - '0');
  }
  return true;
}

bool Is(std::string_view text, std::size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

std::unexpected<Error> BadTime(std::string_view text) {
  return Fail(Code::kInvalidArgument, "bad-time", fmt::format("`{}` is not a time with a zone", text), "write it like 2026-12-05T02:00+01:00");
}

}  // namespace

std::string FormatTime(Time t) {
  auto day = std::chrono::floor<std::chrono::days>(t);
  std::chrono::year_month_day date(day);
  std::int64_t rest = (t - day).count();
  std::int64_t micros = rest % 1'000'000;
  rest /= 1'000'000;
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                 static_cast<unsigned>(date.day()), rest / 3600, rest / 60 % 60, rest % 60);
  if (micros != 0) text += fmt::format(".{:06}", micros);
  return text + "Z";
}

Result<Time> ParseTime(std::string_view text) {
  std::size_t at = 0;
  int year, month, day, hour, minute, second = 0;
  if (!Digits(text, at, 4, year) || !Is(text, at, '-') || !Digits(text, at, 2, month) || !Is(text, at, '-') || !Digits(text, at, 2, day) ||
      (!Is(text, at, 'T') && !Is(text, at, 't') && !Is(text, at, ' ')) || !Digits(text, at, 2, hour) || !Is(text, at, ':') ||
      !Digits(text, at, 2, minute))
    return BadTime(text);
  std::int64_t micros = 0;
  if (Is(text, at, ':')) {
    if (!Digits(text, at, 2, second)) return BadTime(text);
    if (Is(text, at, '.')) {
      std::int64_t scale = 100'000;
      std::size_t first = at;
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) micros += (text[at] - '0') * scale;
      if (at == first) return BadTime(text);
    }
  }
  int offset = 0;
  if (!Is(text, at, 'Z') && !Is(text, at, 'z')) {
    int sign = Is(text, at, '+') ? 1 : Is(text, at, '-') ? -1 : 0;
    int off_hour, off_minute;
    if (sign == 0 || !Digits(text, at, 2, off_hour) || !Is(text, at, ':') || !Digits(text, at, 2, off_minute) || off_hour > 23 || off_minute > 59)
      return BadTime(text);
    offset = sign * (off_hour * 60 + off_minute);
  }
  std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (at != text.size() || !date.ok() || hour > 23 || minute > 59 || second > 59) return BadTime(text);
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute - offset) + std::chrono::seconds(second) +
         Duration(micros);
}

Result<Duration> ParseDuration(std::string_view text) {
  auto bad = [&] {
    return Fail(Code::kInvalidArgument, "bad-duration", fmt::format("`{}` is not a duration", text), "write it like 15m, 1h30m or 90s");
  };
  std::int64_t total = 0;
  std::size_t at = 0, next_unit = 0;
  while (at < text.size()) {
    std::int64_t number = 0;
    std::size_t first = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      if (number > std::numeric_limits<std::int64_t>::max() / 10 - 10) return bad();
      number = number * 10 + (text[at] - '0');
    }
    if (at == first) return bad();
    std::size_t begin = at;
    while (at < text.size() && text[at] >= 'a' && text[at] <= 'z') ++at;
    std::string_view name = text.substr(begin, at - begin);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return bad();
    std::int64_t micros;
    if (__builtin_mul_overflow(number, kUnits[next_unit].micros, &micros) || __builtin_add_overflow(total, micros, &total)) return bad();
    ++next_unit;
  }
  if (text.empty()) return bad();
  // INVARIANT: what was read can be added to any time that a clock shows, and stays a time: no window is over because its end cannot be said.
  if (total > std::numeric_limits<std::int64_t>::max() / 2) return bad();
  return Duration(total);
}

std::string FormatDuration(Duration d) {
  std::int64_t rest = d.count();
  std::string text;
  if (rest < 0) text = "-", rest = -rest;
  bool any = false;
  for (const Unit& unit : kUnits) {
    if (rest < unit.micros) continue;
    text += fmt::format("{}{}", rest / unit.micros, unit.name);
    rest %= unit.micros;
    any = true;
  }
  return any ? text : "0s";
}

}  // namespace remit
