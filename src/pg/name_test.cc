// Names and quoting: one spelling for each name, and nothing gets out of its quotes.
#include "pg/name.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.h"
#include "pg/quote.h"

namespace remit::pg {
namespace {

TEST(TableNameTest, ReadsPlainAndQuotedSegments) {
  const auto plain = ParseTableName("orders/public.invoices");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->target, "orders");
  EXPECT_EQ(plain->schema, "public");
  EXPECT_EQ(plain->table, "invoices");
  const auto weird = ParseTableName(R"(orders/"Weird.Schema"."T""x")");
  ASSERT_TRUE(weird);
  EXPECT_EQ(weird->schema, "Weird.Schema");
  EXPECT_EQ(weird->table, "T\"x");
}

TEST(TableNameTest, RefusesSecondSpellingsAndNonsense) {
  for (const std::string_view bad : {"",
                                     "orders",
                                     "orders/",
                                     "orders/public",
                                     "orders/public.",
                                     "orders/.t",
                                     "/public.t",
                                     "Orders/public.t",
                                     "orders/Public.t",
                                     "orders/public.t.x",
                                     "orders/\"public\".t",
                                     "orders/public.\"t",
                                     "orders/public.\"\"",
                                     "orders/public.t ",
                                     " orders/public.t",
                                     "orders/pub lic.t",
                                     "orders/public.t;drop",
                                     "orders/a/b.c",
                                     "orders/\"a\"b.c",
                                     "orders/1a.b"})
    EXPECT_FALSE(ParseTableName(bad)) << bad;
  EXPECT_FALSE(ParseTableName("orders/public." + std::string(64, 'a')));
  EXPECT_TRUE(ParseTableName("orders/public." + std::string(63, 'a')));
  EXPECT_FALSE(ParseTableName(std::string("orders/public.\"A\0\"", 18)));
  EXPECT_FALSE(ParseTableName("orders/public.\"\xff\""));
}

TEST(TableNameTest, WhatIsWrittenIsReadBack) {
  rc::check("ParseTableName(ToString(name)) == name", [](const std::string& schema, const std::string& table) {
    const TableName name{"orders", schema, table};
    const auto usable = [](const std::string& s) { return !s.empty() && s.size() <= 63 && IsUtf8(s) && s.find('\0') == std::string::npos; };
    const auto again = ParseTableName(name.ToString());
    RC_ASSERT(again.has_value() == (usable(schema) && usable(table)));
    if (again) RC_ASSERT(*again == name);
  });
}

TEST(QuoteTest, Identifiers) {
  EXPECT_EQ(QuoteIdentifier("a").value(), "\"a\"");
  EXPECT_EQ(QuoteIdentifier("a\"; drop table x; --").value(), "\"a\"\"; drop table x; --\"");
  EXPECT_FALSE(QuoteIdentifier(""));
  EXPECT_FALSE(QuoteIdentifier(std::string("a\0b", 3)));
  EXPECT_FALSE(QuoteIdentifier(std::string(64, 'x')));  // the server would cut it
}

TEST(QuoteTest, LiteralsAndArrays) {
  EXPECT_EQ(QuoteLiteral("it's").value(), "'it''s'");
  EXPECT_EQ(QuoteLiteral(R"(a\'b)").value(), R"(E'a\\''b')");
  EXPECT_FALSE(QuoteLiteral(std::string("a\0b", 3)));
  EXPECT_FALSE(QuoteLiteral("\xff"));
  EXPECT_EQ(TextArray({"a", "b\"c\\", ""}), R"({"a","b\"c\\",""})");
}

}  // namespace
}  // namespace remit::pg
