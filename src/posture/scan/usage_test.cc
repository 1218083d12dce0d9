// Adding up: what counts once, what counts not at all, and that memory does not follow the length of a log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "posture/log/test_log.h"

namespace remit::posture {
namespace {

std::string Reasons(const UsageReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) text += fmt::format("{} {} {}; ", finding.reason, finding.account, finding.count);
  return text;
}

LogRecord At(std::uint64_t line, const std::string& session = "6b09d56e.339d", const std::string& table = "public.invoices") {
  LogRecord record = Line("AUDIT: SESSION,1,1,READ,SELECT,TABLE," + table + ",x,<not logged>");
  record.session_line = line;
  record.session_id = session;
  return record;
}

UsageReport AddAll(const std::vector<LogRecord>& records) {
  Usage usage;
  for (const LogRecord& record : records) usage.Add(record, "a.csv");
  return usage.Finish();
}

TEST(Usage, CountsLinesAndSessions) {
  UsageReport report = AddAll({At(1), At(2), At(1, "6b09d56e.1"), At(3), At(2, "6b09d56e.1", "public.other")});
  ASSERT_EQ(report.uses.size(), 2u);
  EXPECT_EQ(report.uses[0].name.name, "invoices");
  EXPECT_EQ(report.uses[0].count, 4u);
  EXPECT_EQ(report.uses[0].sessions, 2u);
  EXPECT_EQ(report.uses[1].sessions, 1u);
  EXPECT_EQ(report.sessions.at({"billing", "orders"}).with_use, 2u);
  EXPECT_EQ(Reasons(report), "");
  EXPECT_EQ(report.records, 5u);
}

TEST(Usage, TheSameLogTwiceCountsOnce) {
  LogRecord end = Line("disconnection: session time: 0:00:01.000 user=billing database=orders host=[local]");
  end.session_line = 3;
  const UsageReport once = AddAll({At(1), At(2), end});
  const UsageReport twice = AddAll({At(1), At(2), end, At(1), At(2), end});
  EXPECT_EQ(twice.uses[0].count, once.uses[0].count);
  EXPECT_EQ(twice.sessions.at({"billing", "orders"}).count, 1u);
  EXPECT_EQ(Reasons(twice), "repeated-line  3; ");
  EXPECT_EQ(Reasons(AddAll({At(1), At(2), At(1), At(2)})), "repeated-line  2; ");
}

TEST(Usage, MissingLinesAreSaid) { EXPECT_EQ(Reasons(AddAll({At(5), At(6), At(8)})), "missing-lines billing 1; "); }

TEST(Usage, ALineWithoutATimeCountsForNothing) {
  LogRecord record = At(1);
  record.session_start = "2026-11-20 20:09:34 CET";
  const UsageReport report = AddAll({record});
  EXPECT_TRUE(report.uses.empty());
  EXPECT_EQ(Reasons(report), "bad-time  1; ");
}

TEST(Usage, ForgedLinesAreCountedAsSuch) {
  LogRecord forged = At(2);
  forged.context = "PL/pgSQL function inline_code_block line 1 at RAISE";
  const UsageReport report = AddAll({At(1), forged});
  EXPECT_EQ(report.uses[0].count, 1u);
  EXPECT_EQ(Reasons(report), "forged-context billing 1; ");
  EXPECT_EQ(report.findings[0].place, "a.csv:0");
}

// Who knocks without a password is nobody yet, whatever they call themselves.
TEST(UsageAttack, ARefusedLoginIsNoSession) {
  LogRecord knock = Line("password authentication failed for user \"postgres\"");
  knock.user = "postgres";
  knock.severity = "FATAL";
  knock.sqlstate = "28P01";
  LogRecord authenticated = Line("connection authenticated: identity=\"postgres\" method=scram-sha-256 (/x/pg_hba.conf:2)");
  authenticated.user = "postgres";
  authenticated.session_id = "6b09d56e.2";
  const UsageReport report = AddAll({knock, authenticated});
  EXPECT_TRUE(report.sessions.empty());
}

TEST(UsageAttack, AForgedDisconnectionEndsNothing) {
  LogRecord end = Line("disconnection: session time: 0:00:01.000 user=billing database=orders host=[local]");
  end.session_line = 2;
  end.context = "PL/pgSQL function inline_code_block line 1 at RAISE";
  const UsageReport report = AddAll({At(1), end, At(3)});
  EXPECT_EQ(report.uses[0].count, 2u);
  EXPECT_EQ(Reasons(report), "");
}

TEST(UsageAttack, NamesByTheThousandMakeOneFinding) {
  Usage usage;
  for (std::size_t i = 0; i < limits::kScanFindings + 500; ++i) {
    LogRecord knock = Line("x");
    knock.user = fmt::format("a\n{}", i);
    knock.severity = "FATAL";
    usage.Add(knock, "a.csv");
  }
  EXPECT_LE(usage.Finish().findings.size(), limits::kScanFindings + 1);
}

TEST(UsageAttack, RefusalsByTheThousandAreBounded) {
  Usage usage;
  for (std::size_t i = 0; i < limits::kScanRefusals + 500; ++i) {
    LogRecord refused = Line(fmt::format("permission denied for table t{}", i));
    refused.sqlstate = "42501";
    refused.severity = "ERROR";
    refused.session_line = i + 1;
    usage.Add(refused, "a.csv");
  }
  const UsageReport report = usage.Finish();
  EXPECT_LE(report.refused.size(), limits::kScanRefusals + 1);
  std::uint64_t all = 0;
  for (const NamedRefusal& one : report.refused) all += one.count;
  EXPECT_EQ(all, limits::kScanRefusals + 500);
}

TEST(Usage, RefusalsAreKeptApartByWhoSaysSo) {
  LogRecord refused = Line("permission denied for table salaries");
  refused.severity = "ERROR";
  refused.sqlstate = "42501";
  LogRecord raised = refused;
  raised.session_line = 2;
  raised.context = "PL/pgSQL function f() line 1 at RAISE";
  const UsageReport report = AddAll({refused, raised});
  ASSERT_EQ(report.refused.size(), 2u);
  EXPECT_FALSE(report.refused[0].within_function);
  EXPECT_TRUE(report.refused[1].within_function);
  EXPECT_TRUE(report.uses.empty());
}

TEST(Usage, OwnTemporaryTablesAreNobodysToGrant) { EXPECT_TRUE(AddAll({At(1, "6b09d56e.1", "pg_temp_3.tt")}).uses.empty()); }

TEST(Usage, ClosesEachSessionOnceWithItsUses) {
  std::vector<std::string> closed;
  Usage usage([&](const SessionSeen& seen) {
    closed.push_back(fmt::format("{}@{} {} {}", seen.account, seen.database, seen.uses.size(), FormatDuration(seen.last - seen.start)));
  });
  LogRecord end = Line("disconnection: session time: 0:00:01.000 user=billing database=orders host=[local]");
  end.session_line = 3;
  end.time = "2026-11-27 20:10:34.000 CET";
  for (const LogRecord& record : {At(1), At(2, "6b09d56e.339d", "public.other"), end, At(1, "6b09d56e.5")}) usage.Add(record, "a.csv");
  EXPECT_THAT(closed, testing::ElementsAre("billing@orders 2 1m"));
  usage.Finish();
  EXPECT_THAT(closed, testing::ElementsAre("billing@orders 2 1m", "billing@orders 1 894ms"));
}

}  // namespace
}  // namespace remit::posture
