// Reading logs: both forms, in pieces, cut off, damaged, and written by somebody who hopes for a reader that goes line by line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "posture/log/log_time.h"
#include "posture/log/test_log.h"

namespace remit::posture {
namespace {

void ExpectSame(const LogRecord& a, const LogRecord& b) {
  EXPECT_EQ(a.time, b.time);
  EXPECT_EQ(a.user, b.user);
  EXPECT_EQ(a.database, b.database);
  EXPECT_EQ(a.session_id, b.session_id);
  EXPECT_EQ(a.session_line, b.session_line);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.context, b.context);
  EXPECT_EQ(a.query, b.query);
  EXPECT_EQ(a.sqlstate, b.sqlstate);
  EXPECT_EQ(a.backend_type, b.backend_type);
}

LogRecord Nasty() {
  LogRecord record = Line("two\nlines, \"quotes\" and a \\ backslash");
  record.context = "PL/pgSQL function inline_code_block line 1 at RAISE";
  record.query = "do $$ begin raise log 'x'; end $$;\n\n\"\"";
  record.session_line = 17;
  return record;
}

TEST(CsvLog, ReadsBackWhatWasWrittenInPiecesOfAnySize) {
  const std::string text = Csv(Line()) + Csv(Nasty()) + Csv(Line("last"));
  for (std::size_t step : {1, 2, 3, 7, 64, 100000}) {
    const ReadBack back = ReadCsv(text, step);
    ASSERT_EQ(back.error, "");
    ASSERT_EQ(back.records.size(), 3u);
    ExpectSame(back.records[0], Line());
    ExpectSame(back.records[1], Nasty());
    EXPECT_EQ(back.records[1].offset, Csv(Line()).size());
    EXPECT_FALSE(back.cut_off);
  }
}

TEST(CsvLog, ReadsThe24ColumnsOfPostgreSQL13) {
  const ReadBack back = ReadCsv(Csv(Line(), true) + Csv(Nasty(), true));
  ASSERT_EQ(back.records.size(), 2u);
  ExpectSame(back.records[1], Nasty());
}

TEST(CsvLog, ALineThatIsBeingWrittenIsNotHandedOut) {
  const std::string text = Csv(Line()), more = Csv(Nasty());
  for (std::size_t cut = 1; cut < more.size(); ++cut) {
    const ReadBack back = ReadCsv(text + more.substr(0, cut));
    EXPECT_EQ(back.error, "") << cut;
    EXPECT_EQ(back.records.size(), 1u) << cut;
    EXPECT_TRUE(back.cut_off) << cut;
  }
}

// The attack: a statement that holds a whole record, and a file that begins in the middle of it.
TEST(CsvLog, AFileThatDoesNotBeginWithARecordIsBrokenBeforeItEnds) {
  LogRecord carrier = Line("statement: select '" + std::string("\n") + Csv(Line()) + Csv(Line()) + "'");
  const std::string text = Csv(carrier) + Csv(Line());
  const std::size_t inside = text.find("select '\n") + 9;
  const ReadBack back = ReadCsv(text.substr(inside));
  EXPECT_EQ(back.error, "broken-log");
}

TEST(CsvLog, APartialRecordOfAServerThatDiedBreaksTheFile) {
  const std::string text = Csv(Nasty()).substr(0, 60) + Csv(Line()) + Csv(Line());
  EXPECT_EQ(ReadCsv(text).error, "broken-log");
}

TEST(CsvLog, RefusesWhatNoServerWrites) {
  const std::string good = Csv(Line());
  auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_EQ(ReadCsv(good).error, "");
  EXPECT_EQ(ReadCsv(replaced("\"billing\"", "billing")).error, "broken-log") << "a text without quotes";
  EXPECT_EQ(ReadCsv(replaced("\"billing\"", "\"billing\"x")).error, "broken-log");
  EXPECT_EQ(ReadCsv(replaced("13213", "\"13213\"")).error, "broken-log") << "a number in quotes";
  EXPECT_EQ(ReadCsv(replaced("2026-11-27", "2026-13-27")).error, "broken-log");
  EXPECT_EQ(ReadCsv(replaced("6b09d56e.339d", "6b09d56e")).error, "broken-log");
  EXPECT_EQ(ReadCsv(replaced(",1,\"SELECT\"", ",0,\"SELECT\"")).error, "broken-log") << "no line has the number 0";
  EXPECT_EQ(ReadCsv(replaced(",,0\n", ",,0,\n")).error, "broken-log") << "a column too many";
  EXPECT_EQ(ReadCsv(replaced(",,0\n", ",\n")).error, "broken-log") << "a column too few";
  EXPECT_EQ(ReadCsv(replaced("3/7", "3\r7")).error, "broken-log");
  EXPECT_EQ(ReadCsv("hello\n").error, "broken-log");
  EXPECT_EQ(ReadCsv(good + "x\n").place, std::to_string(good.size()));
  EXPECT_EQ(ReadCsv(good + Csv(Line(), true)).error, "broken-log") << "two servers' columns in one file";
}

TEST(CsvLog, AnErrorIsFinal) {
  CsvLog log([](LogRecord&) { FAIL() << "a record after the error"; });
  EXPECT_FALSE(log.Feed("hello\n"));
  EXPECT_FALSE(log.Feed(Csv(Line())));
}

TEST(CsvLog, AHugeStatementCostsNoMemoryAndStillCounts) {
  LogRecord record = Line();
  record.query = std::string(3 * limits::kLogFieldBytes, 'q');
  const ReadBack back = ReadCsv(Csv(record) + Csv(Line()));
  ASSERT_EQ(back.records.size(), 2u);
  EXPECT_EQ(back.records[0].query.size(), limits::kLogFieldBytes);
}

TEST(JsonLog, ReadsBackWhatWasWrittenInPiecesOfAnySize) {
  const std::string text = Json(Line()) + Json(Nasty()) + Json(Line("last"));
  for (std::size_t step : {1, 5, 64, 100000}) {
    const ReadBack back = ReadJson(text, step);
    ASSERT_EQ(back.records.size(), 3u);
    EXPECT_EQ(back.lost, 0u);
    ExpectSame(back.records[0], Line());
    ExpectSame(back.records[1], Nasty());
    EXPECT_EQ(back.records[1].offset, Json(Line()).size());
    EXPECT_FALSE(back.cut_off);
  }
}

TEST(JsonLog, ADamagedLineIsOneLostLine) {
  const std::string half = Json(Nasty()).substr(0, 60);
  const ReadBack back = ReadJson(Json(Line()) + half + "\n" + half + Json(Line()) + Json(Line()));
  EXPECT_EQ(back.records.size(), 2u);
  EXPECT_EQ(back.lost, 2u);
}

TEST(JsonLog, ALineThatIsBeingWrittenIsNotHandedOut) {
  const ReadBack back = ReadJson(Json(Line()) + Json(Nasty()).substr(0, 60));
  EXPECT_EQ(back.records.size(), 1u);
  EXPECT_EQ(back.lost, 0u);
  EXPECT_TRUE(back.cut_off);
}

TEST(JsonLog, ALineWithoutEndCostsNoMemory) {
  const ReadBack back = ReadJson(std::string(limits::kLogLineBytes + 10, 'x') + "\n" + Json(Line()), 4096);
  EXPECT_EQ(back.records.size(), 1u);
  EXPECT_EQ(back.lost, 1u);
}

TEST(JsonLog, TwoMembersOfOneNameAreNoLine) {
  std::string text = Json(Line());
  text.replace(text.find("{"), 1, R"({"user":"somebody",)");
  EXPECT_EQ(ReadJson(text).lost, 1u);
}

TEST(LogTime, OneMomentInEveryZone) {
  LogClock clock;
  LogRecord record = Line();
  const Time expected = ParseTime("2026-11-27T19:09:34.894Z").value();
  EXPECT_EQ(clock.At(record), expected) << "CET, by the session's start";
  record.time = "2026-11-27 19:09:34.894 UTC";
  record.session_start = "2026-11-27 19:09:34 UTC";
  EXPECT_EQ(clock.At(record), expected);
  record.time = "2026-11-28 00:54:34.894 +0545";
  record.session_start = "2026-11-28 00:54:34 +0545";
  EXPECT_EQ(clock.At(record), expected);
  record.time = "2026-11-27 16:09:34.894 -03";
  record.session_start = "2026-11-27 16:09:34 -03";
  EXPECT_EQ(clock.At(record), expected);
}

TEST(LogTime, ASessionThatLivesThroughTheChangeOfClocks) {
  LogClock clock;
  LogRecord winter = Line();
  ASSERT_TRUE(clock.At(winter));
  LogRecord summer = Line();  // begun at 2026-10-24 22:00:00 UTC, midnight in summer time
  summer.session_id = fmt::format("{:x}.1", ParseTime("2026-10-24T22:00:00Z").value().time_since_epoch().count() / 1'000'000);
  summer.session_start = "2026-10-25 00:00:00 CEST";
  summer.time = "2026-10-25 02:30:00.000 CEST";
  EXPECT_EQ(clock.At(summer), ParseTime("2026-10-25T00:30:00Z").value());
  summer.time = "2026-10-25 02:30:00.000 CET";  // an hour later, by the same clock on the wall
  EXPECT_EQ(clock.At(summer), ParseTime("2026-10-25T01:30:00Z").value());
}

TEST(LogTime, TimesThatContradictEachOtherAreNone) {
  LogClock clock;
  LogRecord record = Line();
  record.session_start = "2026-11-27 20:17:34 CET";  // no zone is 1:08 away from UTC
  EXPECT_FALSE(clock.At(record));
  record.session_start = "2026-11-29 20:09:34 CET";
  EXPECT_FALSE(clock.At(record));
  record.session_start = "2026-11-27 20:09:34 UTC";
  EXPECT_FALSE(clock.At(record));
}

TEST(LogTime, Forms) {
  for (const char* good : {"2026-11-27 20:09:34 CET", "2026-02-28 00:00:00.000 UTC", "2028-02-29 23:59:59.999 -0330", "2026-01-01 00:00:00 +03"})
    EXPECT_TRUE(IsLogTime(good)) << good;
  for (const char* bad : {"", "2026-11-27 20:09:34", "2026-11-27T20:09:34 CET", "2026-02-29 00:00:00 UTC", "2026-11-27 24:09:34 CET",
                          "2026-11-27 20:09:34.89 CET", "2026-11-27 20:09:34 ", "2026-11-27 20:09:34 C,T", "2026-11-27 20:09:34.894CET"})
    EXPECT_FALSE(IsLogTime(bad)) << bad;
  EXPECT_FALSE(SessionStart("6b09d56e"));
  EXPECT_FALSE(SessionStart("6b09d56e.339d "));
  EXPECT_FALSE(SessionStart(".1"));
  EXPECT_FALSE(SessionStart("ffffffffffffffff.1"));
}

}  // namespace
}  // namespace remit::posture
