// See zone.h. The names in quotes are those of RFC 8536 §3.
#include "base/zone.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"

namespace remit {
namespace {

constexpr std::string_view kDatabase = "/usr/share/zoneinfo/";
constexpr std::size_t kMostBytes = 64u << 10;  // the largest file of the database has less than a tenth of it
constexpr std::int64_t kDaySeconds = 86400;

std::unexpected<Error> BadZone(std::string_view why) {
  return Fail(Code::kCorrupt, "bad-zone", fmt::format("the time zone's file is not understood: {}", why),
              "install the system's zone database again (tzdata)");
}

// Letters, digits, `_`, `-` and `+`, in parts with `/` between them. What lies under `right` counts leap seconds, and `localtime` is another
// zone on each machine.
bool IsName(std::string_view name) {
  auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+'; };
  if (name.empty() || name.size() > 64 || name[0] < 'A' || name[0] > 'Z') return false;
  return std::ranges::all_of(Split(name, '/'), [&](const std::string& part) { return !part.empty() && std::ranges::all_of(part, fits); });
}

std::int64_t DaysSince1970(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// 0 for Sunday.
int WeekdayOf(std::int64_t days) { return static_cast<int>(((days + 4) % 7 + 7) % 7); }

std::int64_t FloorDiv(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

int YearOf(std::int64_t seconds) {
  const auto day = std::chrono::sys_days(std::chrono::days(FloorDiv(seconds, kDaySeconds)));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

// Reads "CET-1CEST,M3.5.0,M10.5.0/3", POSIX's TZ with the extension of RFC 8536 §3.3.1.
class TzText {
 public:
  explicit TzText(std::string_view text) : text_(text) {}
  bool done() const { return at_ == text_.size(); }
  bool Take(char c) { return at_ < text_.size() && text_[at_] == c && ++at_ > 0; }
  bool Name() {
    const bool quoted = Take('<');
    const std::size_t first = at_;
    while (at_ < text_.size() && (quoted ? text_[at_] != '>' : IsLetter(text_[at_]))) ++at_;
    return at_ - first >= 3 && (!quoted || Take('>'));
  }
  bool Number(int& out, int most) {
    const std::size_t first = at_;
    out = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - first < 4) out = out * 10 + (text_[at_++] - '0');
    return at_ > first && out <= most;
  }
  // [+-]h[h[h]][:mm[:ss]], in seconds.
  bool Clock(std::int32_t& out) {
    const int sign = Take('-') ? -1 : (Take('+'), 1);
    int hours = 0, minutes = 0, seconds = 0;
    if (!Number(hours, 167)) return false;
    if (Take(':') && (!Number(minutes, 59) || (Take(':') && !Number(seconds, 59)))) return false;
    out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
  }

 private:
  static bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

// Takes a TZif file apart: a first block with 32-bit times for old readers, which is skipped, the same with 64-bit times, and the footer.
class ZoneReader {
 public:
  ZoneReader(std::string name, ByteView file) : file_(file) { zone_->name_ = std::move(name); }

  Result<std::shared_ptr<const Zone>> Read() {
    Header first, second;
    if (file_.size() > kMostBytes) return BadZone("it is too large");
    if (!ReadHeader(first)) return BadZone("it is no TZif file of version 2");
    at_ += BlockBytes(first, 4);
    if (!ReadHeader(second) || file_.size() < at_ + BlockBytes(second, 8)) return BadZone("it is cut off");
    if (second.leaps != 0) return BadZone("it counts leap seconds");
    if (!ReadBlock(second)) return BadZone("its block of 64-bit times contradicts itself");
    const std::string_view rest(reinterpret_cast<const char*>(file_.data()) + at_, file_.size() - at_);
    if (rest.size() < 2 || rest.front() != '\n' || rest.back() != '\n') return BadZone("it has no footer");
    if (rest.size() > 2) {
      REMIT_ASSIGN(zone_->rule_, Zone::ReadRule(rest.substr(1, rest.size() - 2)));
    }
    return std::shared_ptr<const Zone>(std::move(zone_));
  }

 private:
  struct Header {
    std::uint32_t utc_flags = 0, wall_flags = 0, leaps = 0, times = 0, types = 0, letters = 0;
  };

  std::int64_t Big(std::size_t at, std::size_t bytes) const {
    std::uint64_t value = (file_[at] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | file_[at + i];
    return static_cast<std::int64_t>(value);
  }

  bool ReadHeader(Header& h) {
    constexpr std::size_t kBytes = 44;
    if (file_.size() < at_ || file_.size() - at_ < kBytes) return false;
    const std::string_view magic(reinterpret_cast<const char*>(file_.data()) + at_, 5);
    if (!magic.starts_with("TZif") || magic[4] < '2') return false;
    std::array<std::uint32_t*, 6> counts{&h.utc_flags, &h.wall_flags, &h.leaps, &h.times, &h.types, &h.letters};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      *counts[i] = static_cast<std::uint32_t>(Big(at_ + 20 + 4 * i, 4));
      if (*counts[i] > kMostBytes) return false;
    }
    at_ += kBytes;
    return true;
  }

  static std::size_t BlockBytes(const Header& h, std::size_t time) {
    return h.times * (time + 1) + h.types * 6 + h.letters + h.leaps * (time + 4) + h.wall_flags + h.utc_flags;
  }

  bool ReadBlock(const Header& h) {
    if (h.types == 0) return false;
    const std::size_t indices = at_ + 8 * h.times, types = indices + h.times;
    auto offset = [&](std::size_t type) { return static_cast<std::int32_t>(Big(types + 6 * type, 4)); };
    for (std::size_t i = 0; i < h.types; ++i)
      if (std::abs(offset(i)) > 26 * 3600) return false;
    zone_->first_ = offset(0);
    for (std::size_t i = 0; i < h.times; ++i) {
      const std::size_t type = file_[indices + i];
      const std::int64_t at = Big(at_ + 8 * i, 8);
      if (type >= h.types || (i > 0 && at <= zone_->changes_.back().at)) return false;
      zone_->changes_.push_back({at, offset(type)});
    }
    at_ += BlockBytes(h, 8);
    return true;
  }

  ByteView file_;
  std::size_t at_ = 0;
  std::shared_ptr<Zone> zone_ = std::make_shared<Zone>();
};

Result<Zone::Rule> Zone::ReadRule(std::string_view text) {
  TzText tz(text);
  Rule rule;
  rule.present = true;
  auto day = [&](Day& d) {
    if (!tz.Take(',')) return false;
    bool good = false;
    if (tz.Take('M')) {
      good = tz.Number(d.month, 12) && tz.Take('.') && tz.Number(d.week, 5) && tz.Take('.') && tz.Number(d.day, 6) && d.month > 0 && d.week > 0;
    } else {
      d.form = tz.Take('J') ? Day::Form::kJulian : Day::Form::kZeroBased;
      good = tz.Number(d.day, 365) && (d.form == Day::Form::kZeroBased || d.day > 0);
    }
    return good && (!tz.Take('/') || tz.Clock(d.seconds));
  };
  // POSIX counts west of UTC.
  bool good = tz.Name() && tz.Clock(rule.standard);
  rule.standard = -rule.standard;
  if (good && !tz.done()) {
    rule.has_summer = true;
    good = tz.Name();
    rule.summer = rule.standard + 3600;
    if (std::int32_t west = 0; good && tz.Clock(west)) rule.summer = -west;
    good = good && day(rule.begins) && day(rule.ends);
  }
  if (!good || !tz.done()) return BadZone(fmt::format("the footer `{}`", EscapeControl(text)));
  return rule;
}

std::int64_t Zone::Day::InYear(int year) const {
  const std::int64_t new_year = DaysSince1970(year, 1, 1);
  std::int64_t days = 0;
  if (form == Form::kZeroBased) {
    days = new_year + day;
  } else if (form == Form::kJulian) {  // 29 February is never counted
    days = new_year + day - 1 + (std::chrono::year(year).is_leap() && day >= 60 ? 1 : 0);
  } else {
    const std::int64_t first = DaysSince1970(year, month, 1);
    const std::int64_t next = month == 12 ? DaysSince1970(year + 1, 1, 1) : DaysSince1970(year, month + 1, 1);
    days = first + (day - WeekdayOf(first) + 7) % 7 + 7 * (week - 1);
    if (days >= next) days -= 7;  // week 5 is the last one
  }
  return days * kDaySeconds + seconds;
}

std::int32_t Zone::Rule::OffsetAt(std::int64_t t) const {
  if (!has_summer) return standard;
  // By the year on the clock of that place; a change near New Year may belong to the year before or after.
  const int year = YearOf(t + standard);
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  std::int32_t offset = standard;
  for (int y = year - 1; y <= year + 1; ++y) {
    const std::int64_t begin = begins.InYear(y) - standard, end = ends.InYear(y) - summer;
    if (begin <= t && begin > last) last = begin, offset = summer;
    if (end <= t && end >= last) last = end, offset = standard;
  }
  return offset;
}

Result<std::shared_ptr<const Zone>> Zone::Find(const std::string& name) {
  auto unknown = [&] {
    return Fail(Code::kInvalidArgument, "unknown-zone", fmt::format("no time zone `{}` is known here", EscapeControl(name)),
                "write it as in Europe/Berlin; the zones are those of the system's database (tzdata)");
  };
  if (name == "UTC")
    return std::make_shared<const Zone>([] {
      Zone utc;
      utc.name_ = "UTC";
      return utc;
    }());
  if (!IsName(name)) return unknown();
  std::ifstream in(std::string(kDatabase) + name, std::ios::binary);
  std::string file(kMostBytes + 1, '\0');
  in.read(file.data(), static_cast<std::streamsize>(file.size()));
  file.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (file.empty()) return unknown();  // also a folder
  return Read(name, AsBytes(file));
}

Result<std::shared_ptr<const Zone>> Zone::Read(std::string name, ByteView file) { return ZoneReader(std::move(name), file).Read(); }

std::chrono::seconds Zone::OffsetAt(Time t) const {
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
  const auto after = std::ranges::upper_bound(changes_, seconds, {}, &Change::at);
  if (after == changes_.end() && rule_.present) return std::chrono::seconds(rule_.OffsetAt(seconds));
  return std::chrono::seconds(after == changes_.begin() ? first_ : std::prev(after)->offset);
}

LocalMoment LocalAt(const Zone* zone, Time t) {
  const Time local = t + (zone == nullptr ? std::chrono::seconds(0) : zone->OffsetAt(t));
  const auto day = std::chrono::floor<std::chrono::days>(local);
  LocalMoment moment;
  moment.weekday = static_cast<int>(std::chrono::weekday(day).iso_encoding());
  moment.minute = static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count());
  return moment;
}

}  // namespace remit
