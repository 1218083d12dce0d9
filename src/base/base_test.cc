#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"

namespace remit {
namespace {

TEST(Count, OneIsOne) {
  EXPECT_EQ(Counted(0, "actor"), "0 actors");
  EXPECT_EQ(Counted(1u, "actor"), "1 actor");
  EXPECT_EQ(Counted(std::int64_t{2}, "person", "people"), "2 people");
}

TEST(Bytes, EncodesTheVectorsOfRfc4648) {
  EXPECT_EQ(Base64UrlEncode(AsBytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(Base64UrlEncode(AsBytes("fooba")), "Zm9vYmE");
  EXPECT_EQ(Base64Encode(AsBytes("f")), "Zg==");
  EXPECT_EQ(HexEncode(AsBytes("foobar")), "666f6f626172");
  EXPECT_EQ(ToText(*Base64UrlDecode("Zm9vYmE")), "fooba");
  EXPECT_EQ(ToText(*Base64Decode("Zg==")), "f");
}

TEST(Bytes, RefusesWhatIsNotCanonicalBase64) {
  for (const char* bad : {"Zm9vYmE=", "Zm9 vYmE", "Zh", "Z", "Zm9+", "Zm9vYmF"}) EXPECT_FALSE(Base64UrlDecode(bad).has_value()) << bad;
  for (const char* bad : {"Zg", "Zg=", "Zg===", "=Zg=", "Zh=="}) EXPECT_FALSE(Base64Decode(bad).has_value()) << bad;
}

TEST(Bytes, ComparesWholeStrings) {
  EXPECT_TRUE(ConstantTimeEquals(AsBytes("same"), AsBytes("same")));
  EXPECT_FALSE(ConstantTimeEquals(AsBytes("same"), AsBytes("sama")));
  EXPECT_FALSE(ConstantTimeEquals(AsBytes("same"), AsBytes("samee")));
}

TEST(TimeText, WritesAndReadsRfc3339) {
  EXPECT_EQ(FormatTime(*ParseTime("2026-12-05T02:00+01:00")), "2026-12-05T01:00:00Z");
  EXPECT_EQ(FormatTime(*ParseTime("1969-12-31T23:59:59.5Z")), "1969-12-31T23:59:59.500000Z");
  for (const char* bad : {"2026-12-05T02:00", "2026-02-30T02:00Z", "2026-12-05", "2026-12-05T24:00Z", "2026-12-05T02:00Zx", ""})
    EXPECT_FALSE(ParseTime(bad).has_value()) << bad;
}

TEST(TimeText, WritesAndReadsDurations) {
  for (const char* text : {"15m", "1h30m", "250ms", "7d", "0s", "1d2h3m4s5ms6us"}) EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  EXPECT_EQ(FormatDuration(*ParseDuration("90s")), "1m30s");
  for (const char* bad : {"", "15", "m", "1m1h", "1m1m", "-1s", "99999999999999999999s", "300000000d", "60000000d", "1 s"})
    EXPECT_FALSE(ParseDuration(bad).has_value()) << bad;
}

TEST(Ids, SortByTimeAndAreRecognised) {
  SeededRng rng(1);
  std::string a = NewId(kTaskPrefix, FromMicros(1'000'000), rng), b = NewId(kTaskPrefix, FromMicros(2'000'000), rng);
  EXPECT_LT(a, b);
  EXPECT_TRUE(IsId(a, kTaskPrefix));
  EXPECT_FALSE(IsId(a, kCredentialPrefix));
  EXPECT_FALSE(IsId(a + "0", kTaskPrefix));
  EXPECT_FALSE(IsId("tsk_0000000000000000000000000u", kTaskPrefix));
}

TEST(SecretText, IsComparedAndMoved) {
  SystemRng rng;
  Secret a = RandomSecret(rng, "rmt_"), b = RandomSecret(rng, "rmt_"), copy = a;
  EXPECT_EQ(a.size(), 4u + 43u);
  EXPECT_TRUE(a == copy);
  EXPECT_FALSE(a == b);
  Secret moved = std::move(a);
  EXPECT_TRUE(a.empty());
  EXPECT_TRUE(moved == copy);
}

TEST(Text, ShowsWhatHides) {
  EXPECT_EQ(EscapeControl("a\nb\x1b"), "a\\u{a}b\\u{1b}");
  EXPECT_EQ(EscapeControl("x\xE2\x80\xAEy"), "x\\u{202e}y");
  EXPECT_EQ(EscapeControl("\xC0\xAF"), "\\xc0\\xaf");
  EXPECT_EQ(EscapeControl("grün"), "grün");
  EXPECT_TRUE(IsVisible("grün"));
  EXPECT_FALSE(IsVisible("x\xE2\x80\x8By"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
  EXPECT_FALSE(IsUtf8("\xE2\x80"));
}

TEST(Text, IsSteppedThroughByCharacter) {
  std::string_view text = "a\u00e9\u20ac\U0001F600";
  EXPECT_EQ(NextCharacter(text), U'a');
  EXPECT_EQ(TakeCharacter(text), "\u00e9");
  EXPECT_EQ(NextCharacter(text), U'\u20ac');
  EXPECT_EQ(TakeCharacter(text), "\U0001F600");
  EXPECT_TRUE(text.empty());
  for (const std::string_view bad : {"\x80", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    std::string_view rest = bad;
    EXPECT_EQ(NextCharacter(rest), kNotUtf8);
    EXPECT_EQ(rest.size(), bad.size() - 1);  // one byte on
  }
}

TEST(Text, ReadsHexDigits) {
  EXPECT_EQ(HexDigit('0'), 0);
  EXPECT_EQ(HexDigit('f'), 15);
  EXPECT_EQ(HexDigit('A'), 10);
  EXPECT_EQ(HexDigit('g'), -1);
}

TEST(Text, FindsTheNearest) {
  EXPECT_EQ(Nearest("enviroment", {"service", "environment"}), "environment");
  EXPECT_EQ(Nearest("zzz", {"service", "environment"}), "");
  EXPECT_EQ(Nearest("environment", {"environment-of-the-service", "env", "environments"}), "environments");
  // Others choose the names and how many there are: each of these would take hours.
  EXPECT_EQ(Nearest(std::string(3'000'000, 'a'), {std::string(3'000'000, 'b')}), "");
  EXPECT_EQ(Nearest(std::string(3'000'000, 'a'), {"a"}), "");
  EXPECT_EQ(Nearest(std::string(1000, 'a'), std::vector<std::string>(1'000'000, std::string(1000, 'b'))), "");
}

TEST(Clocks, FakeMovesOnlyWhenTold) {
  FakeClock clock;
  Time before = clock.Now();
  clock.Advance(std::chrono::seconds(5));
  EXPECT_EQ(clock.Now() - before, std::chrono::seconds(5));
  clock.SetWall(before);
  EXPECT_EQ(clock.Now() - before, std::chrono::seconds(5));
  EXPECT_EQ(clock.Wall(), before);
}

}  // namespace
}  // namespace remit
