#include "cli/wrap.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace remit::cli {
namespace {

TEST(WrapTest, LinesEndBetweenWordsAndAreNoWiderThanSaid) {
  EXPECT_EQ(Wrapped("one two three", 7), "one two\nthree");
  EXPECT_EQ(Wrapped("one two three", 8), "one two\nthree");
  EXPECT_EQ(Wrapped("one two three", 13), "one two three");
  EXPECT_EQ(Wrapped("one two three", 12), "one two\nthree");
  EXPECT_EQ(Wrapped("", 10), "");
}

TEST(WrapTest, AWordThatIsTooLongStandsAlone) { EXPECT_EQ(Wrapped("a postgresql://host/db b", 6), "a\npostgresql://host/db\nb"); }

TEST(WrapTest, LineEndsOfTheTextStay) { EXPECT_EQ(Wrapped("a b\nc d e", 3), "a b\nc d\ne"); }

TEST(WrapTest, ACharacterIsOneColumnHoweverManyBytesItHas) {
  EXPECT_EQ(ColumnsOf("tsk_…"), 5u);
  EXPECT_EQ(Wrapped("ä… ö…", 5), "ä… ö…");
}

TEST(WrapTest, AnEntryKeepsItsTextInOneColumn) {
  EXPECT_EQ(Entry("--ttl", "how long it may live", 10, 22), "  --ttl   how long it\n          may live\n");
  EXPECT_EQ(Entry("--a-long-name", "text", 10, 22), "  --a-long-name\n          text\n");
  EXPECT_EQ(Entry("--eight8", "text", 10, 22), "  --eight8\n          text\n");  // there is always a gap of two
  EXPECT_EQ(Entry("--nine99", "", 10, 22), "  --nine99\n");
}

TEST(WrapTest, TheWidthIsTheTerminalsWithinReason) {
  for (const auto& [said, columns] : {std::pair("72", 72u), {"20", 60u}, {"300", 100u}, {"wide", 80u}, {"", 80u}, {"0", 80u}, {"-5", 80u}}) {
    ::setenv("COLUMNS", said, 1);
    EXPECT_EQ(LineColumns(-1), columns) << said;
  }
  ::unsetenv("COLUMNS");
  EXPECT_EQ(LineColumns(-1), 80u);
}

}  // namespace
}  // namespace remit::cli
