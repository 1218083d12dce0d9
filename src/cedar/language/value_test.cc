// Values: order and equality, texts of extension types, JSON in both directions.
#include "cedar/value.h"

#include <gtest/gtest.h>

#include "cedar/entities.h"
#include "cedar/language/ext.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cedar {
namespace {

std::string FromJson(std::string_view text) {
  const auto value = ValueFromJson(json::Parse(text).value());
  return value ? value->ToString() : "error: " + value.error().message;
}

TEST(ValueTest, SetsAreSortedAndHaveNoDuplicates) {
  EXPECT_EQ(Value::Set({2, 1, 2, "a", true}), Value::Set({true, "a", 1, 2}));
  EXPECT_EQ(Value::Set({2, 1, 2}).AsSet().size(), 2u);
  EXPECT_NE(Value::Set({1}), Value::Set({"1"}));
  EXPECT_LT(Value(false), Value(0));  // kinds first
}

TEST(ValueTest, EntityUidsAreReadAsTheyAreWritten) {
  for (const EntityUid& uid : {EntityUid{"A", "x"}, EntityUid{"A::B", ""}, EntityUid{"A", "q\"\\\n\u202e\x01'"}}) {
    EXPECT_EQ(EntityUid::Parse(uid.ToString()).value(), uid) << uid.ToString();
  }
  EXPECT_EQ((EntityUid{"A", "\u202e"}).ToString(), "A::\"\\u{202e}\"") << "what cannot be seen is escaped";
  for (std::string_view bad : {"", "A", "\"x\"", "A::x", "A::\"x\" ", " A::\"x\"", "A ::\"x\"", "A::\"x\"y", "if::\"x\"", "A::::\"x\"", "::\"x\"",
                               "A::\"\\q\"", "A::B\"x\""}) {
    EXPECT_EQ(EntityUid::Parse(bad).error().reason, "bad-entity-uid") << bad;
  }
}

TEST(DecimalTest, ReadsFourDigitsAndNoMore) {
  EXPECT_EQ(ParseDecimal("12.3400")->ten_thousandths, 123'400);
  EXPECT_EQ(ParseDecimal("-0.5")->ten_thousandths, -5000);
  EXPECT_EQ(ParseDecimal("922337203685477.5807")->ten_thousandths, INT64_MAX);
  EXPECT_EQ(ParseDecimal("-922337203685477.5808")->ten_thousandths, INT64_MIN);
  for (std::string_view bad : {"", "1", "1.", ".1", "+1.0", "1.00000", "1.0 ", "1e0", "922337203685477.5808", "-922337203685477.5809",
                               "99999999999999999999.0", "--1.0", "1.-0"}) {
    EXPECT_FALSE(ParseDecimal(bad).has_value()) << bad;
  }
  EXPECT_EQ(ToText(Decimal{INT64_MIN}), "-922337203685477.5808");
  EXPECT_EQ(ToText(Decimal{-5000}), "-0.5");
  EXPECT_EQ(ToText(Decimal{0}), "0.0");
}

TEST(IpAddrTest, ReadsAddressesAndRangesStrictly) {
  for (std::string_view good : {"0.0.0.0", "255.255.255.255", "10.0.0.1/8", "0:0:0:0:0:0:0:1", "ffff:1:2:3:4:5:6:7/126"}) {
    EXPECT_EQ(ToText(ParseIpAddr(good).value()), good);
  }
  EXPECT_EQ(ToText(ParseIpAddr("::").value()), "0:0:0:0:0:0:0:0");
  EXPECT_EQ(ToText(ParseIpAddr("1::8").value()), "1:0:0:0:0:0:0:8");
  EXPECT_EQ(ToText(ParseIpAddr("1:2:3:4:5:6:7::").value()), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(ToText(ParseIpAddr("::2:3:4:5:6:7:8").value()), "0:2:3:4:5:6:7:8");
  EXPECT_EQ(ToText(ParseIpAddr("::1/128").value()), "0:0:0:0:0:0:0:1");
  for (std::string_view bad : {"",
                               "1.2.3",
                               "1.2.3.4.5",
                               "256.0.0.1",
                               "01.2.3.4",
                               "1.2.3.4/33",
                               "1.2.3.4/",
                               "1.2.3.4/08",
                               "1.2.3.4/8/8",
                               " 1.2.3.4",
                               "1.2.3.4/+8",
                               ":",
                               ":::",
                               "1:2:3:4:5:6:7",
                               "1:2:3:4:5:6:7:8:9",
                               "1::2::3",
                               "12345::",
                               "::ffff:1.2.3.4",
                               "::1%eth0",
                               "1:2:3:4:5:6:7:8::",
                               "1:2:3:4::5:6:7:8",
                               "::/129",
                               "g::",
                               "1:",
                               "::1:"}) {
    EXPECT_FALSE(ParseIpAddr(bad).has_value()) << bad;
  }
}

TEST(DatetimeTest, ReadsTheFormsOfTheSpecificationOnly) {
  EXPECT_EQ(ParseDatetime("1970-01-01")->millis, 0);
  EXPECT_EQ(ParseDatetime("1970-01-01T00:00:00.001Z")->millis, 1);
  EXPECT_EQ(ParseDatetime("1970-01-01T00:00:00+0100")->millis, -3'600'000);
  EXPECT_EQ(ParseDatetime("0000-01-01")->millis, -62'167'219'200'000);
  EXPECT_EQ(ParseDatetime("2024-02-29T23:59:59.999-2359")->millis, 1'709'337'539'999);
  for (std::string_view bad : {"",
                               "a",
                               "-",
                               "11-12-13",
                               "2024-10-15Z",
                               "2024-10-15T11:38:02ZZ",
                               "2024-00-01",
                               "2024-02-30",
                               "2025-02-29",
                               "2024-01-01T",
                               "2024-01-01T01:02",
                               "2024-01-01T31:02:03Z",
                               "2024-01-01T01:60:03Z",
                               "2016-12-31T23:59:60Z",
                               "2024-01-01T00:00:00",
                               "2024-01-01T00:00:00T",
                               "2024-01-01T00:00:00ZT",
                               "2024-01-01T00:00:00.01Z",
                               "2024-01-01T00:00:00.0001Z",
                               "2024-01-01T00:00:00.001",
                               "2024-01-01T00:00:00+2400",
                               "2024-01-01T00:00:00+0060",
                               "2024-01-01T00:00:00+00:00",
                               "10000-01-01"}) {
    EXPECT_FALSE(ParseDatetime(bad).has_value()) << bad;
  }
  EXPECT_EQ(IsoText({0}).value(), "1970-01-01");
  EXPECT_EQ(IsoText({-1}).value(), "1969-12-31T23:59:59.999Z");
  EXPECT_FALSE(IsoText({INT64_MAX}).has_value());
  EXPECT_EQ(Value(Datetime{INT64_MAX}).ToString(), "datetime(\"1970-01-01\").offset(duration(\"9223372036854775807ms\"))");
}

TEST(DurationTest, ReadsUnitsInTheirOrder) {
  EXPECT_EQ(ParseDuration("1d2h3m4s5ms")->millis, 93'784'005);
  EXPECT_EQ(ParseDuration("-1h")->millis, -3'600'000);
  EXPECT_EQ(ParseDuration("5ms")->millis, 5);
  EXPECT_EQ(ParseDuration("-9223372036854775808ms")->millis, INT64_MIN);
  for (std::string_view bad : {"", "-", "1", "d", "1x", "1h1d", "1h1h", "1d-2h", "+1d", " 1d", "1d ", "9223372036854775808ms", "106751991168d",
                               "99999999999999999999d", "1.5h"}) {
    EXPECT_FALSE(ParseDuration(bad).has_value()) << bad;
  }
}

TEST(ValueJsonTest, ReadsExplicitForms) {
  EXPECT_EQ(FromJson(R"({"__entity": {"type": "A::B", "id": "x"}})"), "A::B::\"x\"");
  EXPECT_EQ(FromJson(R"({"__extn": {"fn": "decimal", "arg": "1.5"}})"), "decimal(\"1.5\")");
  EXPECT_EQ(
      FromJson(
          R"({"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "1970-01-01"}}, {"__extn": {"fn": "duration", "arg": "1d"}}]}})"),
      "datetime(\"1970-01-02\")");
  EXPECT_EQ(FromJson(R"([1, "a", {"x": true}])"), "[1, \"a\", {\"x\": true}]");
}

TEST(ValueJsonTest, RefusesWhatIsNoValue) {
  EXPECT_EQ(FromJson("null"), "error: null is not a Cedar value");
  EXPECT_EQ(FromJson("1.5"), "error: a number is not a Cedar value");
  EXPECT_EQ(FromJson(R"({"__entity": {"type": "if", "id": "x"}})"), "error: `if` is not the name of an entity type");
  EXPECT_EQ(FromJson(R"({"__extn": {"fn": "foo", "arg": "x"}})"), "error: `foo` is not a valid extension constructor");
  EXPECT_EQ(FromJson(R"({"__expr": "1"})"), "error: the `__expr` escape is no longer supported");
}

TEST(ValueJsonTest, WhatIsWrittenIsReadBack) {
  for (const Value& value : {Value(true), Value(INT64_MIN), Value("\"\n"), Value(EntityUid{"A", "x"}), Value(Decimal{-1}), Value(Datetime{INT64_MAX}),
                             Value(Datetime{INT64_MIN}), Value(Datetime{1}), Value(DurationValue{INT64_MIN}), Value(*ParseIpAddr("1::/9")),
                             Value::Set({1, Value::FromRecord({{"a b", 1}})})}) {
    EXPECT_EQ(ValueFromJson(value.ToJson()).value(), value) << json::Write(value.ToJson());
  }
}

}  // namespace
}  // namespace remit::cedar
