// What counts as a use, and every way to write a line that should not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "posture/log/audit_line.h"
#include "posture/log/test_log.h"

namespace remit::posture {
namespace {

using Kind = AuditLine::Kind;

AuditLine ByMessage(const std::string& message) { return Classify(Line(message)); }

TEST(AuditLine, AUse) {
  AuditLine line = Classify(Line());
  EXPECT_EQ(line.kind, Kind::kUse);
  EXPECT_EQ(line.privilege, "SELECT");
  EXPECT_EQ(line.object_type, "TABLE");
  EXPECT_EQ(line.name, (QualifiedName{"public", "invoices"}));
  for (const char* dml : {"INSERT", "UPDATE", "DELETE"})
    EXPECT_EQ(ByMessage(fmt::format("AUDIT: OBJECT,4,2,WRITE,{},TABLE,public.invoices,x,<not logged>", dml)).privilege, dml);
  EXPECT_EQ(ByMessage("AUDIT: SESSION,9,2,FUNCTION,EXECUTE,FUNCTION,public.f,select f();,<not logged>").privilege, "EXECUTE");
}

// As pgaudit wrote them on PostgreSQL 15.
TEST(AuditLine, NamesThatNeedQuotes) {
  EXPECT_EQ(ByMessage(R"(AUDIT: SESSION,2,1,READ,SELECT,TABLE,"public.""user""","select * from ""user"";",<not logged>)").name,
            (QualifiedName{"public", "user"}));
  EXPECT_EQ(ByMessage(R"(AUDIT: SESSION,7,1,READ,SELECT,TABLE,"public.""we,ird """"x""","select 1",<not logged>)").name,
            (QualifiedName{"public", "we,ird \"x"}));
  EXPECT_EQ(ByMessage("AUDIT: SESSION,7,1,READ,SELECT,TABLE,\"public.\"\"a\nb\"\"\",x,y").name, (QualifiedName{"public", "a\nb"}));
}

TEST(AuditLine, WhatConcernsNoRelationIsNoUse) {
  for (const char* message :
       {"AUDIT: SESSION,8,1,MISC,???,VIEW,public.v,select * from v;,<not logged>", "AUDIT: SESSION,19,2,MISC,EXECUTE,,,execute p;,<not logged>",
        "AUDIT: SESSION,2,1,DDL,CREATE TABLE,TABLE,public.invoices,x,<not logged>", "AUDIT: SESSION,8,1,ROLE,GRANT,TABLE,,x,<not logged>",
        "AUDIT: SESSION,18,1,READ,PREPARE,,,x,<not logged>", "disconnection: session time: 0:00:00.049 user=billing database=orders host=[local]"})
    EXPECT_EQ(ByMessage(message).kind, Kind::kNone) << message;
}

TEST(AuditLine, AUseWithoutAnObjectIsSaidToBeOne) {
  for (const char* message :
       {"AUDIT: SESSION,10,1,WRITE,TRUNCATE TABLE,,,truncate invoices;,<not logged>", "AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<not logged>"})
    EXPECT_EQ(ByMessage(message).kind, Kind::kNoObject) << message;
}

TEST(AuditAttack, RaiseLogIsNoUse) {
  LogRecord record = Line();
  record.context = "PL/pgSQL function inline_code_block line 1 at RAISE";
  record.query = "do $$ begin raise log 'AUDIT: …'; end $$";
  EXPECT_EQ(Classify(record).kind, Kind::kSuspicious);
  EXPECT_EQ(Classify(record).why, "forged-context");
  record.context.clear();  // a language that gives no context
  EXPECT_EQ(Classify(record).why, "forged-statement");
  record.query.clear();  // and a server that logs no statements: USING DETAIL, HINT
  record.detail = "x";
  EXPECT_EQ(Classify(record).why, "forged-fields");
  record.detail.clear();
  record.hint = "x";
  EXPECT_EQ(Classify(record).why, "forged-fields");
  record.hint.clear();
  record.internal_query = "x";
  EXPECT_EQ(Classify(record).why, "forged-fields");
}

TEST(AuditAttack, TheServersSourceSaysWhoWroteIt) {
  LogRecord record = Line();
  record.location = "log_audit_event, pgaudit.c:783";
  EXPECT_EQ(Classify(record).kind, Kind::kUse);
  record.location = "exec_stmt_raise, pl_exec.c:3876";
  EXPECT_EQ(Classify(record).why, "forged-location");
}

TEST(AuditAttack, AnErrorIsNoAudit) {
  LogRecord record = Line();
  record.severity = "ERROR";
  record.sqlstate = "P0001";
  EXPECT_EQ(Classify(record).why, "forged-severity");
  record.severity = "LOG";
  EXPECT_EQ(Classify(record).why, "forged-severity") << "RAISE LOG USING ERRCODE";
}

TEST(AuditAttack, OnlyClientsUse) {
  for (const char* backend : {"", "background worker", "parallel worker", "walsender", "autovacuum worker", "not initialized", "client backend "}) {
    LogRecord record = Line();
    record.backend_type = backend;
    EXPECT_EQ(Classify(record).why, "other-backend") << backend;
  }
  LogRecord record = Line();
  record.user.clear();
  EXPECT_EQ(Classify(record).why, "no-account");
}

// A user name is chosen by whoever connects, before anybody asks for a password.
TEST(AuditAttack, ALineBreakInAName) {
  LogRecord forged = Line();
  forged.user = "x\"\n" + Csv(Line());
  forged.message = "password authentication failed for user \"" + forged.user + "\"";
  forged.severity = "FATAL";
  forged.sqlstate = "28P01";
  const ReadBack back = ReadCsv(Csv(forged) + Csv(Line("after")));
  ASSERT_EQ(back.error, "");
  ASSERT_EQ(back.records.size(), 2u);
  EXPECT_EQ(Classify(back.records[0]).kind, Kind::kSuspicious);
  EXPECT_EQ(Classify(back.records[0]).why, "line-break-in-name");
  EXPECT_EQ(Classify(back.records[1]).kind, Kind::kNone);
  const ReadBack json = ReadJson(Json(forged));
  ASSERT_EQ(json.records.size(), 1u);
  EXPECT_EQ(Classify(json.records[0]).why, "line-break-in-name");
}

TEST(AuditAttack, AnAccountWithALineBreakUsesNothing) {
  LogRecord record = Line();
  record.user = "evil\nline";
  EXPECT_EQ(Classify(record).why, "line-break-in-name");
  record.user = "billing";
  record.database = "a\tb";
  EXPECT_EQ(Classify(record).why, "line-break-in-name");
}

TEST(AuditAttack, TheMarkElsewhere) {
  EXPECT_EQ(ByMessage("statement: select 1;\nAUDIT: SESSION,1,1,READ,SELECT,TABLE,public.invoices,x,y").why, "mark-inside-text");
  EXPECT_EQ(ByMessage(" AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.invoices,x,y").kind, Kind::kNone);
  LogRecord record = Line("hello");
  record.application = "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.invoices,x,y";
  EXPECT_EQ(Classify(record).why, "mark-inside-text");
}

TEST(AuditAttack, NotOfPgauditsForm) {
  for (const char* message :
       {"AUDIT: ", "AUDIT: SESSION", "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.invoices", "AUDIT: OTHER,1,1,READ,SELECT,TABLE,public.invoices,x,y",
        "AUDIT: SESSION,x,1,READ,SELECT,TABLE,public.invoices,x,y", "AUDIT: SESSION,1,,READ,SELECT,TABLE,public.invoices,x,y",
        "AUDIT: SESSION,1,1,READ,SELECT,TABLE,invoices,x,y", "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.Invoices,x,y",
        "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.a.b,x,y", "AUDIT: SESSION,1,1,READ,SELECT,TABLE,\"public.invoices,x,y",
        "AUDIT: SESSION,1,1,READ,SELECT,TABLE,\"public.invoices\"x,y", "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.\"\",x,y"}) {
    EXPECT_EQ(ByMessage(message).kind, Kind::kSuspicious) << message;
    EXPECT_EQ(ByMessage(message).why, "not-pgaudits-form") << message;
  }
}

LogRecord Denied(const std::string& message) {
  LogRecord record = Line(message);
  record.severity = "ERROR";
  record.sqlstate = "42501";
  record.query = "select * from salaries;";
  return record;
}

TEST(AuditLine, ARefusalIsNeverAUse) {
  AuditLine line = Classify(Denied("permission denied for table salaries"));
  EXPECT_EQ(line.kind, Kind::kRefused);
  EXPECT_EQ(line.what, "table salaries");
  EXPECT_FALSE(line.within_function);
  EXPECT_EQ(Classify(Denied("must be owner of table pt")).what, "table pt");
  EXPECT_EQ(Classify(Denied("permission denied for materialized view mv")).what, "materialized view mv");
  EXPECT_EQ(Classify(Denied("permission denied to set role \"postgres\"")).what, "to set role \"postgres\"");
  EXPECT_EQ(Classify(Denied("keine Berechtigung für Tabelle salaries")).kind, Kind::kRefused) << "in other words";
  EXPECT_EQ(Classify(Denied("keine Berechtigung für Tabelle salaries")).what, "");
}

TEST(AuditAttack, ARefusalThatAFunctionRaisedIsMarked) {
  LogRecord record = Denied("permission denied for table salaries");
  record.context = "PL/pgSQL function inline_code_block line 1 at RAISE";
  EXPECT_TRUE(Classify(record).within_function);
  record = Denied("AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.invoices,x,y");
  EXPECT_EQ(Classify(record).kind, Kind::kSuspicious);
  EXPECT_EQ(Classify(Denied("permission denied for table " + std::string(5000, 'x'))).what, "") << "no name is so long";
}

TEST(AuditLine, WhatARefusalNames) {
  EXPECT_EQ(SplitRefusal("materialized view mv"), (std::pair<std::string_view, std::string_view>("materialized view", "mv")));
  EXPECT_EQ(SplitRefusal("table a b"), (std::pair<std::string_view, std::string_view>("table", "a b")));
  EXPECT_EQ(SplitRefusal("tables"), (std::pair<std::string_view, std::string_view>("", "tables")));
  EXPECT_EQ(KindsOf("view"), std::vector{ObjectKind::kView});
  EXPECT_TRUE(KindsOf("nonsense").empty());
}

}  // namespace
}  // namespace remit::posture
