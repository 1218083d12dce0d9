#include "base/zone.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <random>

namespace remit {
namespace {

std::shared_ptr<const Zone> Must(const std::string& name) {
  auto zone = Zone::Find(name);
  EXPECT_TRUE(zone) << zone.error().ToString();
  return zone ? *zone : nullptr;
}

std::string At(const Zone& zone, const char* time) {
  const Time t = *ParseTime(time);
  const LocalMoment local = LocalAt(&zone, t);
  return fmt::format("{} {:02}:{:02} {}", local.weekday, local.minute / 60, local.minute % 60, FormatDuration(zone.OffsetAt(t)));
}

TEST(Zone, ClocksGoForwardAndBack) {
  const auto berlin = Must("Europe/Berlin");
  EXPECT_EQ(At(*berlin, "2026-03-29T00:59:59Z"), "7 01:59 1h");
  EXPECT_EQ(At(*berlin, "2026-03-29T01:00:00Z"), "7 03:00 2h");  // two o'clock is not there on that day
  EXPECT_EQ(At(*berlin, "2026-10-25T00:59:59Z"), "7 02:59 2h");
  EXPECT_EQ(At(*berlin, "2026-10-25T01:00:00Z"), "7 02:00 1h");  // and here it is there twice
  EXPECT_EQ(At(*berlin, "2026-12-04T14:00:00Z"), "5 15:00 1h");  // Friday, three o'clock
  EXPECT_EQ(At(*berlin, "2026-06-05T13:00:00Z"), "5 15:00 2h");
}

TEST(Zone, TheWeekdayIsThatOfThePlace) {
  EXPECT_EQ(At(*Must("Pacific/Auckland"), "2026-12-04T12:00:00Z"), "6 01:00 13h");
  EXPECT_EQ(At(*Must("America/Los_Angeles"), "2026-12-05T02:00:00Z"), "5 18:00 -8h");
  EXPECT_EQ(At(*Must("Asia/Kathmandu"), "2026-12-04T18:14:00Z"), "5 23:59 5h45m");
  EXPECT_EQ(At(*Must("UTC"), "1969-12-31T23:59:59Z"), "3 23:59 0s");
}

TEST(Zone, TheRuleGoesOnAfterTheLastChange) {
  EXPECT_EQ(At(*Must("Europe/Berlin"), "2090-07-01T12:00:00Z"), "6 14:00 2h");
  EXPECT_EQ(At(*Must("Europe/Berlin"), "2090-12-01T12:00:00Z"), "5 13:00 1h");
  EXPECT_EQ(At(*Must("Australia/Sydney"), "2090-01-01T00:00:00Z"), "7 11:00 11h");  // summer over New Year
  EXPECT_EQ(At(*Must("Europe/Dublin"), "2090-07-01T12:00:00Z"), "6 13:00 1h");      // whose winter is the exception
}

// The C library reads the same database with other code.
TEST(Zone, AgreesWithTheCLibrary) {
  const char* zones[] = {"Europe/Berlin",     "Europe/Dublin",      "Europe/Lisbon",       "America/New_York", "America/St_Johns", "America/Santiago",
                         "America/Sao_Paulo", "Africa/Cairo",       "Africa/Casablanca",   "Asia/Gaza",        "Asia/Tehran",      "Asia/Kolkata",
                         "Asia/Kathmandu",    "Asia/Pyongyang",     "Australia/Lord_Howe", "Australia/Sydney", "Antarctica/Troll", "Pacific/Apia",
                         "Pacific/Chatham",   "Pacific/Kiritimati", "America/Nuuk",        "Etc/GMT+5",        "Atlantic/Azores",  "Asia/Jerusalem"};
  std::mt19937_64 random(1);
  for (const char* name : zones) {
    const auto zone = Must(name);
    setenv("TZ", name, 1);
    tzset();
    for (int i = 0; i < 2000; ++i) {
      const auto t = static_cast<std::time_t>(random() % 4'500'000'000u) - 500'000'000;  // 1954 to 2096
      std::tm local{};
      localtime_r(&t, &local);
      const LocalMoment moment = LocalAt(zone.get(), Time(std::chrono::seconds(t)));
      ASSERT_EQ(zone->OffsetAt(Time(std::chrono::seconds(t))).count(), local.tm_gmtoff) << name << " at " << t;
      ASSERT_EQ(moment.weekday % 7, local.tm_wday) << name << " at " << t;
      ASSERT_EQ(moment.minute, local.tm_hour * 60 + local.tm_min) << name << " at " << t;
    }
  }
  unsetenv("TZ");
  tzset();
}

TEST(Zone, WhatIsNoZoneIsRefused) {
  for (const char* name : {"", "Europe/Berln", "Europe", "europe/berlin", "../../etc/passwd", "/etc/localtime", "localtime", "right/Europe/Berlin",
                           "posixrules", "Europe//Berlin", "Europe/Berlin/", "Europe/../UTC", "tzdata.zi"}) {
    const auto zone = Zone::Find(name);
    ASSERT_FALSE(zone) << name;
    EXPECT_EQ(zone.error().reason, "unknown-zone") << name;
  }
}

TEST(Zone, ABrokenFileIsRefused) {
  std::string file = "TZif2" + std::string(15, '\0');
  for (const int count : {0, 0, 0, 0, 1, 4}) file += {'\0', '\0', '\0', static_cast<char>(count)};
  const std::string block = std::string("\0\0\x0e\x10\0\0", 6) + std::string("CET\0", 4);
  const std::string good = file + block + file + block + "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
  ASSERT_TRUE(Zone::Read("x", AsBytes(good)));
  EXPECT_EQ((*Zone::Read("x", AsBytes(good)))->OffsetAt(*ParseTime("2026-07-01T00:00Z")), std::chrono::hours(2));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = Zone::Read("x", AsBytes(std::string_view(good).substr(0, size)));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().reason, "bad-zone");
  }
  for (const char* footer : {"CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "C1", "CET-1x"})
    EXPECT_FALSE(Zone::Read("x", AsBytes(file + block + file + block + "\n" + footer + "\n"))) << footer;
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) {  // whatever it says, it is read or refused
    std::string odd = good;
    for (int n = 0; n < 3; ++n) odd[random() % odd.size()] = static_cast<char>(random());
    if (const auto zone = Zone::Read("x", AsBytes(odd))) (void)LocalAt(zone->get(), *ParseTime("2026-07-01T00:00Z"));
  }
}

}  // namespace
}  // namespace remit
