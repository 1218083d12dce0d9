// Targets and forms: one way to read each, or none.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "http/target.h"

namespace remit::http {
namespace {

std::vector<std::string> SegmentsOf(std::string_view target) {
  auto parsed = ParseTarget(target);
  EXPECT_TRUE(parsed) << target << ": " << parsed.error().message;
  return parsed ? parsed->segments : std::vector<std::string>{"?"};
}

std::string ReasonOf(std::string_view target) {
  const auto parsed = ParseTarget(target);
  return parsed ? "accepted" : parsed.error().reason;
}

TEST(Target, IsSplitThenDecodedOnce) {
  EXPECT_EQ(SegmentsOf("/"), std::vector<std::string>{});
  EXPECT_EQ(SegmentsOf("/v1/tasks/tsk_1"), (std::vector<std::string>{"v1", "tasks", "tsk_1"}));
  EXPECT_EQ(SegmentsOf("/a%2Fb/c%20d"), (std::vector<std::string>{"a/b", "c d"}));
  EXPECT_EQ(SegmentsOf("/%252e%252E"), (std::vector<std::string>{"%2e%2E"})) << "decoded once, not twice";
  EXPECT_EQ(SegmentsOf("/caf%C3%A9"), (std::vector<std::string>{"caf\xc3\xa9"}));
  EXPECT_EQ(SegmentsOf("/.well-known/a..b/...?x=/../"), (std::vector<std::string>{".well-known", "a..b", "..."}));
}

TEST(Target, RefusesWhatCanBeReadInTwoWays) {
  for (const std::string target :
       {"",     "*",           "v1",   "http://h/v1", "h:80",  "//h/v1", "/a//b",  "/a/",     "/./a", "/../a", "/a/..",       "/%2e%2E/a",
        "/%2e", "/a/%2E%2e/b", "/%",   "/%4",         "/%zz",  "/%00",   "/a%00b", "/%0d%0a", "/%7f", "/%ff",  "/%c0%af",     "/%ed%a0%80",
        "/a b", "/a#f",        "/a\"", "/a<b>",       "/a\\b", "/{a}",   "/a|b",   "/a^",     "/a`",  "/[a]",  "/caf\xc3\xa9"}) {
    EXPECT_EQ(ReasonOf(target), "bad-target") << target;
  }
  std::string deep;
  for (std::size_t i = 0; i < limits::kHttpPathSegments; ++i) deep += "/a";
  EXPECT_EQ(ReasonOf(deep), "accepted");
  EXPECT_EQ(ReasonOf(deep + "/a"), "bad-target");
}

TEST(Query, HasEachNameOnce) {
  const auto parsed = ParseTarget("/a?x=1&y=a+b%2Bc&z&w==").value();
  ASSERT_EQ(parsed.query.size(), 4u);
  EXPECT_EQ(parsed.query[0].value, "1");
  EXPECT_EQ(parsed.query[1].value, "a b+c");
  EXPECT_EQ(parsed.query[2].name + parsed.query[2].value, "z");
  EXPECT_EQ(parsed.query[3].value, "=");
  EXPECT_EQ(ParseTarget("/a?").value().query.size(), 0u);
  EXPECT_EQ(ReasonOf("/a?x=1&x=2"), "duplicate-parameter");
  EXPECT_EQ(ReasonOf("/a?x=1&%78=2"), "duplicate-parameter") << "the same name in another spelling";
  for (const std::string query : {"=1", "&", "x=1&", "x=1&&y=2", "x=%", "x=%f", "x=%00", "x=%ff"})
    EXPECT_EQ(ReasonOf("/a?" + query), "bad-parameter") << query;
}

TEST(Form, HasALimitOfParameters) {
  std::string form = "p0=";
  for (std::size_t i = 1; i < limits::kHttpParameterCount; ++i) form += "&p" + std::to_string(i) + "=";
  EXPECT_TRUE(ParseForm(form));
  EXPECT_EQ(ParseForm(form + "&more=").error().reason, "too-many-parameters");
  EXPECT_TRUE(ParseForm("")->empty());
}

TEST(PercentEncoding, ComesBackWhole) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(PercentDecode(PercentEncode(all)).value(), all);
  EXPECT_EQ(PercentEncode("a b/\xc3\xa9~"), "a%20b%2F%C3%A9~");
  EXPECT_EQ(PercentDecode("a+b").value(), "a+b");
  EXPECT_EQ(PercentDecode("%4"), std::nullopt);
}

}  // namespace
}  // namespace remit::http
