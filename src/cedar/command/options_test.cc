#include "cedar/command/options.h"

#include <gtest/gtest.h>

namespace remit::cedar::command {
namespace {

struct Parsed {
  std::optional<std::string> file, mode;
  std::optional<std::int64_t> level;
  bool verbose = false;
  std::vector<std::string> rest;
};

Result<bool> Parse(Parsed& into, const std::vector<std::string>& words) {
  Options options("try", "a test");
  options.Value('p', "policies", into.file, "FILE", "policies")
      .Choice('\0', "mode", into.mode, {"strict", "permissive"}, "mode")
      .Number('l', "level", into.level, "N", "level")
      .Flag('v', "verbose", into.verbose, "more")
      .Arguments("REST…", into.rest, "the rest");
  return options.Parse(words);
}

std::string MessageOf(const std::vector<std::string>& words) {
  Parsed into;
  const auto parsed = Parse(into, words);
  return parsed ? "" : parsed.error().ToString();
}

TEST(OptionsTest, TakesValuesInEverySpelling) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"-p", "a.cedar"}, {"--policies", "a.cedar"}, {"--policies=a.cedar"}}) {
    Parsed into;
    ASSERT_TRUE(Parse(into, words)) << words[0];
    EXPECT_EQ(into.file, "a.cedar");
  }
}

TEST(OptionsTest, TellsOptionsFromArguments) {
  Parsed into;
  ASSERT_TRUE(Parse(into, {"one", "-v", "-", "--level", "3", "--", "-p", "--mode"}));
  EXPECT_TRUE(into.verbose);
  EXPECT_EQ(into.level, 3);
  EXPECT_EQ(into.rest, (std::vector<std::string>{"one", "-", "-p", "--mode"}));
}

TEST(OptionsTest, SaysWhatIsWrongAndWhatToTypeNext) {
  EXPECT_EQ(MessageOf({"--polices", "x"}), "`cedar try` has no option `--polices`\nhint: did you mean `--policies`?");
  EXPECT_EQ(MessageOf({"--policy", "x"}), "`cedar try` has no option `--policy`\nhint: did you mean `--policies`?");
  EXPECT_EQ(MessageOf({"-x"}), "`cedar try` has no option `-x`\nhint: cedar try --help; behind `--` everything is REST…");
  EXPECT_EQ(MessageOf({"-p"}), "`-p` needs FILE behind it\nhint: cedar try --help");
  EXPECT_EQ(MessageOf({"--mode", "lax"}), "`--mode` is one of strict, permissive, not `lax`\nhint: cedar try --help");
  EXPECT_EQ(MessageOf({"--level", "-1"}), "`--level` takes a whole number from 0, not `-1`\nhint: cedar try --help");
  EXPECT_EQ(MessageOf({"--verbose=yes"}), "`--verbose` takes no value\nhint: cedar try --help");
}

TEST(OptionsTest, RefusesAValueThatIsGivenTwice) {
  EXPECT_EQ(MessageOf({"-p", "a", "--policies", "b"}), "`--policies` is given twice\nhint: cedar try --help");
  EXPECT_EQ(MessageOf({"-l", "1", "-l", "1"}), "`--level` is given twice\nhint: cedar try --help");
}

TEST(OptionsTest, HelpNamesEveryOption) {
  std::optional<std::string> file;
  Options options("try", "a test");
  options.Value('p', "policies", file, "FILE", "policies to read").Example("cedar try -p a.cedar");
  const std::string help = options.Help();
  for (const std::string_view part :
       {"cedar try: a test", "-p, --policies FILE", "policies to read", "-h, --help", "example:\n  cedar try -p a.cedar"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part << "\n" << help;
  }
}

TEST(OptionsTest, HelpEndsTheCommand) {
  testing::internal::CaptureStdout();
  Parsed into;
  const auto parsed = Parse(into, {"--help", "--nonsense"});
  EXPECT_NE(testing::internal::GetCapturedStdout().find("usage: cedar try"), std::string::npos);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(*parsed);
}

}  // namespace
}  // namespace remit::cedar::command
