#include "cli/local_time.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

namespace remit::cli {
namespace {

TEST(LocalTimeTest, IsShortAndHasTheDateWhereItIsAnotherDays) {
  ::setenv("TZ", "UTC", 1), ::tzset();
  const Time now = *ParseTime("2026-03-01T10:00:00Z");
  EXPECT_EQ(LocalTime(*ParseTime("2026-03-01T14:03:22.5Z"), now), "14:03:22");
  EXPECT_EQ(LocalTime(*ParseTime("2026-03-02T00:00:00Z"), now), "2026-03-02 00:00:00");
}

TEST(LocalTimeTest, OfAMemberOfAnAnswer) {
  ::setenv("TZ", "UTC", 1), ::tzset();
  const json::Value answer = json::Object{{"ended", "2001-02-03T04:05:06.789012Z"}, {"reason", "so\x1b"}};
  EXPECT_EQ(Moment(answer, "ended"), "2001-02-03 04:05:06");
  EXPECT_EQ(Moment(answer, "none"), "");
  EXPECT_EQ(Moment(answer, "reason").find('\x1b'), std::string::npos);
}

TEST(LocalTimeTest, InsideASentenceOfTheServers) {
  ::setenv("TZ", "UTC-1", 1), ::tzset();
  EXPECT_EQ(WithLocalTimes("used up until 2001-02-03T04:05:06.789012Z, or 2001-02-03T23:05:06Z"),
            "used up until 2001-02-03 05:05:06, or 2001-02-04 00:05:06");
  for (const char* as_it_stands : {"", "x", "`2026-12-05T02:00` is not a time", "2001-99-03T04:05:06Z", "2001-02-03T04:05:06+01:00"})
    EXPECT_EQ(WithLocalTimes(as_it_stands), as_it_stands);
  ::setenv("TZ", "UTC", 1), ::tzset();
}

}  // namespace
}  // namespace remit::cli
