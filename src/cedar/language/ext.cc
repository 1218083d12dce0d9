// Readers and writers of extension values, one after the other.
#include "cedar/language/ext.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace remit::cedar {
namespace {

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

std::unexpected<Error> Bad(std::string message, std::string hint = {}) {
  return Fail(Code::kInvalidArgument, "bad-extension-value", std::move(message), std::move(hint));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool AllDigits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, IsDigit); }

// Takes digits off the front.
std::string_view TakeDigits(std::string_view& text) {
  const std::size_t length = static_cast<std::size_t>(std::ranges::find_if_not(text, IsDigit) - text.begin());
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

bool Take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// The digits' number; false beyond 64 bits.
bool ReadUnsigned(std::string_view digits, std::uint64_t& number) {
  return std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc();
}

// Exactly `width` digits off the front.
bool TakeFixed(std::string_view& text, std::size_t width, int& number) {
  if (text.size() < width || !AllDigits(text.substr(0, width))) return false;
  std::from_chars(text.data(), text.data() + width, number);
  text.remove_prefix(width);
  return true;
}

// One IPv4 address off the front: four numbers up to 255 without leading zeros.
bool TakeIpv4(std::string_view& text, std::uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && !Take(text, ".")) return false;
    const std::string_view digits = TakeDigits(text);
    std::uint64_t number = 0;
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return false;
    if (!ReadUnsigned(digits, number) || number > 255) return false;
    bytes[i] = static_cast<std::uint8_t>(number);
  }
  return true;
}

// One group of IPv6 off the front: one to four hex digits.
bool TakeGroup(std::string_view& text, std::uint16_t& group) {
  const char* end = text.data() + std::min<std::size_t>(text.size(), 4);
  const auto [rest, error] = std::from_chars(text.data(), end, group, 16);
  if (error != std::errc() || rest == text.data()) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return true;
}

// One IPv6 address off the front; `::` stands for one or more groups of zeros.
bool TakeIpv6(std::string_view& text, std::uint8_t* bytes) {
  std::uint16_t groups[8] = {};
  int count = 0, gap = -1;
  if (Take(text, "::")) gap = 0;
  while (count < 8 - (gap >= 0 ? 1 : 0)) {
    if (!TakeGroup(text, groups[count])) {
      if (gap == count) break;  // nothing behind `::`
      return false;
    }
    ++count;
    if (gap < 0 && count < 8 && Take(text, "::"))
      gap = count;
    else if (count < 8 - (gap >= 0 ? 1 : 0) && !Take(text, ":"))
      break;
  }
  if (gap < 0 && count < 8) return false;
  const int tail = gap < 0 ? 0 : count - gap;
  for (int i = 0; i < 8; ++i) {
    const bool head = gap < 0 || i < gap;
    const std::uint16_t group = head ? groups[i] : i >= 8 - tail ? groups[gap + i - (8 - tail)] : std::uint16_t{0};
    bytes[2 * i] = static_cast<std::uint8_t>(group >> 8);
    bytes[2 * i + 1] = static_cast<std::uint8_t>(group & 0xFF);
  }
  return true;
}

// sum ± number × unit; false where that does not fit. The built-ins compute exactly across their operands' types.
bool CheckedAddScaled(std::int64_t& sum, std::uint64_t number, std::int64_t unit, bool negative) {
  std::int64_t part = 0;
  return !__builtin_mul_overflow(number, negative ? -unit : unit, &part) && !__builtin_add_overflow(sum, part, &sum);
}

// "Z" or an offset from UTC; in milliseconds to take off.
Result<std::int64_t> ParseOffset(std::string_view text) {
  if (text == "Z") return 0;
  const bool plus = Take(text, "+");
  int hours = 0, minutes = 0;
  if ((!plus && !Take(text, "-")) || !TakeFixed(text, 2, hours) || !TakeFixed(text, 2, minutes) || !text.empty()) {
    return Bad("invalid millisecond and/or offset pattern", "a datetime ends with Z, .SSSZ, (+|-)hhmm or .SSS(+|-)hhmm");
  }
  if (hours >= 24 || minutes >= 60) return Bad(fmt::format("invalid offset range: {:02}{:02}", hours, minutes));
  return (plus ? 1 : -1) * (hours * kHour + minutes * kMinute);
}

}  // namespace

Result<Decimal> ParseDecimal(std::string_view text) {
  std::string_view rest = text;
  const bool negative = Take(rest, "-");
  const std::string_view whole = TakeDigits(rest);
  const bool point = Take(rest, ".");
  const std::string_view fraction = rest;
  if (whole.empty() || !point || !AllDigits(fraction)) return Bad(fmt::format("`{}` is not a well-formed decimal value", text));
  if (fraction.size() > 4) return Bad(fmt::format("too many digits after the decimal in `{}`", text), "at most 4 digits are supported");
  std::uint64_t high = 0, low = 0;
  std::int64_t value = 0, scale = 1;
  for (std::size_t i = fraction.size(); i < 4; ++i) scale *= 10;
  if (!ReadUnsigned(whole, high) || !ReadUnsigned(fraction, low) || !CheckedAddScaled(value, high, 10'000, negative) ||
      !CheckedAddScaled(value, low, scale, negative)) {
    return Bad("overflow when converting to decimal");
  }
  return Decimal{value};
}

Result<IpAddr> ParseIpAddr(std::string_view text) {
  IpAddr ip;
  std::string_view rest = text;
  ip.v6 = text.find(':') != std::string_view::npos;
  const unsigned widest = ip.v6 ? 128 : 32;
  if (!(ip.v6 ? TakeIpv6(rest, ip.bytes) : TakeIpv4(rest, ip.bytes))) return Bad(fmt::format("invalid IP address: `{}`", text));
  ip.prefix = static_cast<std::uint8_t>(widest);
  if (rest.empty()) return ip;
  if (!Take(rest, "/")) return Bad(fmt::format("invalid IP address: `{}`", text));
  std::uint64_t prefix = 0;
  if (!AllDigits(rest) || rest.size() > 3 || (rest.size() > 1 && rest[0] == '0') || !ReadUnsigned(rest, prefix) || prefix > widest) {
    return Bad(fmt::format("invalid prefix length `{}` in IP address `{}`", rest, text));
  }
  ip.prefix = static_cast<std::uint8_t>(prefix);
  return ip;
}

Result<Datetime> ParseDatetime(std::string_view text) {
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0;
  if (!TakeFixed(rest, 4, year) || !Take(rest, "-") || !TakeFixed(rest, 2, month) || !Take(rest, "-") || !TakeFixed(rest, 2, day)) {
    return Bad("invalid date pattern", "a datetime starts with YYYY-MM-DD");
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  std::int64_t offset = 0;
  if (!rest.empty()) {
    if (!Take(rest, "T") || !TakeFixed(rest, 2, hour) || !Take(rest, ":") || !TakeFixed(rest, 2, minute) || !Take(rest, ":") ||
        !TakeFixed(rest, 2, second)) {
      return Bad("invalid hour/minute/second pattern", "a datetime has Thh:mm:ss behind the date");
    }
    if (Take(rest, ".") && !TakeFixed(rest, 3, millis)) return Bad("invalid millisecond and/or offset pattern", "milliseconds have three digits");
    REMIT_ASSIGN(offset, ParseOffset(rest));
  }
  if (!date.ok()) return Bad(fmt::format("invalid date: {}", text.substr(0, 10)));
  if (hour >= 24 || minute >= 60 || second >= 60) return Bad(fmt::format("invalid hour/minute/second: {:02}:{:02}:{:02}", hour, minute, second));
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Datetime{days * kDay + hour * kHour + minute * kMinute + second * kSecond + millis - offset};
}

Result<DurationValue> ParseDuration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t millis;
  };
  static constexpr Unit kUnits[] = {{"d", kDay}, {"h", kHour}, {"m", kMinute}, {"s", kSecond}, {"ms", 1}};
  constexpr std::string_view kHint = "a duration is a sequence of quantities with units d, h, m, s, ms in this order, with an optional `-` in front";
  std::string_view rest = text;
  const bool negative = Take(rest, "-");
  if (rest.empty()) return Bad("invalid duration pattern", std::string(kHint));
  // The smallest unit is added first, as INT64_MIN milliseconds can be reached from that side only.
  std::uint64_t numbers[5] = {};
  for (std::size_t next = 0; !rest.empty();) {
    const std::string_view digits = TakeDigits(rest);
    const std::string_view unit = rest.substr(0, static_cast<std::size_t>(std::ranges::find_if(rest, IsDigit) - rest.begin()));
    while (next < 5 && kUnits[next].name != unit) ++next;
    if (digits.empty() || next == 5) return Bad("invalid duration pattern", std::string(kHint));
    if (!ReadUnsigned(digits, numbers[next++])) return Bad("duration overflows internal representation");
    rest.remove_prefix(unit.size());
  }
  DurationValue duration;
  for (std::size_t i = 5; i-- > 0;) {
    if (!CheckedAddScaled(duration.millis, numbers[i], kUnits[i].millis, negative)) {
      return Bad("duration overflows internal representation", "a duration in milliseconds must be representable by a signed 64 bit integer");
    }
  }
  return duration;
}

std::string ToText(Decimal decimal) {
  const std::int64_t n = decimal.ten_thousandths;
  const std::uint64_t size = n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
  std::string out = fmt::format("{}{}.{:04}", n < 0 ? "-" : "", size / 10'000, size % 10'000);
  while (out.ends_with('0') && !out.ends_with(".0")) out.pop_back();
  return out;
}

std::string ToText(DurationValue duration) { return fmt::format("{}ms", duration.millis); }

std::string ToText(const IpAddr& ip) {
  std::string out;
  if (!ip.v6) {
    out = fmt::format("{}.{}.{}.{}", ip.bytes[0], ip.bytes[1], ip.bytes[2], ip.bytes[3]);
  } else {
    for (int i = 0; i < 8; ++i) out += fmt::format("{}{:x}", i > 0 ? ":" : "", ip.bytes[2 * i] << 8 | ip.bytes[2 * i + 1]);
  }
  if (ip.prefix != (ip.v6 ? 128 : 32)) out += fmt::format("/{}", ip.prefix);
  return out;
}

std::optional<std::string> IsoText(Datetime time) {
  const std::chrono::sys_time<std::chrono::milliseconds> point{std::chrono::milliseconds(time.millis)};
  constexpr std::int64_t kFirst = -62'167'219'200'000, kLast = 253'402'300'799'999;  // 0000-01-01 to the end of 9999
  if (time.millis < kFirst || time.millis > kLast) return std::nullopt;
  const auto midnight = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(midnight);
  const std::int64_t ms = (point - midnight).count();
  std::string out =
      fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (ms == 0) return out;
  out += fmt::format("T{:02}:{:02}:{:02}", ms / kHour, ms / kMinute % 60, ms / kSecond % 60);
  if (ms % kSecond != 0) out += fmt::format(".{:03}", ms % kSecond);
  return out + "Z";
}

}  // namespace remit::cedar
