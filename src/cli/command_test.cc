// What the command line says of words that it does not know, through the real commands.
#include "cli/command.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace remit::cli {
namespace {

struct Said {
  int exit = 0;
  std::string out, err;
};

Said Type(std::vector<std::string> words) {
  words.insert(words.begin(), "remit");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Said said;
  said.exit = Main(static_cast<int>(argv.size()), argv.data());
  std::fflush(stdout);
  said.out = testing::internal::GetCapturedStdout();
  said.err = testing::internal::GetCapturedStderr();
  return said;
}

TEST(CommandLineTest, AnUnknownCommandIsNamedAndTheNearestIsOffered) {
  const Said top = Type({"rnu", "deploy"});
  EXPECT_EQ(top.exit, kUsage);
  EXPECT_EQ(top.err, "remit: `remit` has no command `rnu`\nhint: did you mean `remit run`?\n");
  const Said below = Type({"catalog", "chekc"});
  EXPECT_EQ(below.exit, kUsage);
  EXPECT_EQ(below.err, "remit: `remit catalog` has no command `chekc`\nhint: did you mean `remit catalog check`?\n");
}

TEST(CommandLineTest, WhereNothingIsNearTheHelpIsNamed) {
  EXPECT_EQ(Type({"frobnicate"}).err, "remit: `remit` has no command `frobnicate`\nhint: remit --help\n");
}

TEST(CommandLineTest, ACommandThatNeedsAnotherSaysSo) {
  EXPECT_EQ(Type({}).err, "remit: `remit` needs a command behind it\nhint: remit --help\n");
  EXPECT_EQ(Type({"catalog"}).err, "remit: `remit catalog` needs a command behind it\nhint: remit catalog --help\n");
}

TEST(CommandLineTest, WhatHidesInAWordIsShown) { EXPECT_EQ(Type({"ru\x1b[2Jn"}).err.find('\x1b'), std::string::npos); }

TEST(CommandLineTest, AnUnknownFlagIsRefused) {
  const Said said = Type({"run", "deploy", "--frob"});
  EXPECT_EQ(said.exit, kUsage);
  EXPECT_NE(said.err.find("--frob"), std::string::npos) << said.err;
  EXPECT_NE(said.err.find("hint: remit run --help"), std::string::npos) << said.err;
}

TEST(CommandLineTest, OfSurplusWordsTheFlagIsNamedAndTheNearestIsOffered) {
  EXPECT_EQ(Type({"run", "deploy", "--tll", "5m"}).err, "remit: `remit run` has no option `--tll`\nhint: did you mean `--ttl`?\n");
  EXPECT_EQ(Type({"list", "--stat", "ended"}).err, "remit: `remit list` has no option `--stat`\nhint: did you mean `--state`?\n");
  EXPECT_EQ(Type({"list", "--stat=ended"}).err, "remit: `remit list` has no option `--stat`\nhint: did you mean `--state`?\n");
  EXPECT_EQ(Type({"list", "--jsn"}).err, "remit: `remit list` has no option `--jsn`\nhint: did you mean `--json`?\n");
  EXPECT_EQ(Type({"list", "surplus"}).err, "remit: `remit list` takes no `surplus`\nhint: remit list --help\n");
}

TEST(CommandLineTest, EveryHelpHasTheOptionsThatHoldEverywhere) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"run"}, {"catalog"}, {"catalog", "load"}}) {
    std::vector<std::string> words = command;
    words.push_back("--help");
    const Said said = Type(words);
    EXPECT_NE(said.out.find("  --json  "), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("  --server ADDRESS  "), std::string::npos) << said.out;
  }
}

TEST(CommandLineTest, ATokenIsForTasks) {
  ::unsetenv("REMIT_TOKEN");
  for (const auto& words : {std::vector<std::string>{"token", "--audience", "https://x.example"}, {"check", "-", "deploy", "X::\"x\""}}) {
    const Said said = Type(words);
    EXPECT_EQ(said.exit, kDenied);
    EXPECT_TRUE(said.err.starts_with("remit: REMIT_TOKEN is not set")) << said.err;
    EXPECT_NE(said.err.find("remit run"), std::string::npos) << said.err;
  }
}

TEST(CommandLineTest, TheHelpOfRunShowsWhatStandsBehindTheDashes) {
  const Said said = Type({"run", "--help"});
  EXPECT_EQ(said.exit, kOk);
  EXPECT_NE(said.out.find("Usage: remit run [OPTIONS] type [parameters...] -- COMMAND...\n"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("-- COMMAND...               the command and its arguments"), std::string::npos) << said.out;
}

}  // namespace
}  // namespace remit::cli
