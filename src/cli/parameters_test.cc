#include "cli/parameters.h"

#include <gtest/gtest.h>

#include "json/read.h"

namespace remit::cli {
namespace {

std::string Line(std::string_view permission) { return PermissionLine(json::Parse(permission).value()); }

TEST(PermissionLineTest, IsAsPeopleSayIt) {
  EXPECT_EQ(Line(R"({"action":"Postgres::Action::\"select\"","resource":"Postgres::Table::\"orders/public.invoices\""})"),
            R"(select on Postgres::Table::"orders/public.invoices")");
  EXPECT_EQ(Line(R"({"action":"Action::\"ticket.comment\"","resource":"Ticket::\"T-17\"","obligations":[{"after_uses":1}]})"),
            R"(ticket.comment on Ticket::"T-17" (once))");
  EXPECT_EQ(Line(R"({"action":"Action::\"read\"","in":"Folder::\"prod\"","obligations":[{"unless_approved":2}]})"),
            R"(read in Folder::"prod" (after 2 approvals))");
  EXPECT_EQ(Line(R"({"action":"Action::\"call\"","is":"Tool"})"), "call on any Tool");
  EXPECT_EQ(
      Line(R"({"action":"Action::\"say\"","resource":"T::\"1\"","obligations":[{"after_uses":1},{"unless_approved":1,"when":"resource.vip"}]})"),
      R"(say on T::"1" (once) (after 1 approval when resource.vip))");
}

TEST(PermissionLineTest, WhatIsNoActionStaysAsItIs) { EXPECT_EQ(Line(R"({"action":"Reaction::\"x\""})"), R"(Reaction::"x")"); }

TEST(ParametersTest, AreNamesAndValues) {
  EXPECT_EQ(ParseParameters({"service=checkout", "note=a=b", "empty="}).value(),
            json::Value(json::Object{{"service", "checkout"}, {"note", "a=b"}, {"empty", ""}}));
  EXPECT_EQ(ParseParameters({"service"}).error().reason, "bad-parameter");
  EXPECT_EQ(ParseParameters({"=x"}).error().reason, "bad-parameter");
  EXPECT_EQ(ParseParameters({"a=1", "a=2"}).error().reason, "duplicate-parameter");
}

}  // namespace
}  // namespace remit::cli
