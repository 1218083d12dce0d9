// Time zones of the IANA database, as the system has them: /usr/share/zoneinfo, TZif files (RFC 8536).
//
// The database is the system's, as the clock is: distributions update it when governments change their minds. What a zone says is fixed
// when it is read.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace remit {

// Immutable; thread-safe.
class Zone {
 public:
  // Reads the zone of this name, e.g. "Europe/Berlin"; "UTC" needs no file. Errors: `unknown-zone` (no such zone, or none that has a name of
  // its own everywhere, as `localtime`), `bad-zone` (its file is not understood).
  static Result<std::shared_ptr<const Zone>> Find(const std::string& name);

  // The zone of a TZif file, version 2 or newer, without leap seconds. Errors: `bad-zone`.
  static Result<std::shared_ptr<const Zone>> Read(std::string name, ByteView file);

  const std::string& name() const { return name_; }

  // How far its clocks are ahead of UTC at `t`.
  std::chrono::seconds OffsetAt(Time t) const;

 private:
  // From then on; the last of `rules_` goes on for ever where there is no rule for the years after it.
  struct Change {
    std::int64_t at = 0;  // seconds since 1970
    std::int32_t offset = 0;
  };
  // "M3.5.0/2" and the like: a day of each year, and a time of that day on the clock that stands before it.
  struct Day {
    enum class Form { kMonthWeekDay, kJulian, kZeroBased } form = Form::kMonthWeekDay;
    int month = 1, week = 1, day = 0;
    std::int32_t seconds = 7200;
    std::int64_t InYear(int year) const;  // seconds since 1970, as if that clock were UTC
  };
  // The footer: what holds after the last change.
  struct Rule {
    bool present = false, has_summer = false;
    std::int32_t standard = 0, summer = 0;
    Day begins, ends;
    std::int32_t OffsetAt(std::int64_t t) const;
  };
  friend class ZoneReader;
  static Result<Rule> ReadRule(std::string_view text);

  std::string name_;
  std::int32_t first_ = 0;  // before the first change
  std::vector<Change> changes_;
  Rule rule_;
};

// What a clock on the wall of that zone shows.
struct LocalMoment {
  int weekday = 1;  // 1 for Monday to 7 for Sunday (ISO 8601)
  int minute = 0;   // of the day: 0 to 1439
  bool operator==(const LocalMoment&) const = default;
};
LocalMoment LocalAt(const Zone* zone, Time t);  // null: UTC

}  // namespace remit
