// What the command line says of words that it does not know, through the real commands.
#include "cli/command.h"

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

TEST(CommandLineTest, TheHelpOfRunShowsWhatStandsBehindTheDashes) {
  const Said said = Type({"run", "--help"});
  EXPECT_EQ(said.exit, kOk);
  EXPECT_NE(said.out.find("Usage: remit run [OPTIONS] type [parameters...] -- COMMAND...\n"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("-- COMMAND...               the command and its arguments"), std::string::npos) << said.out;
}

}  // namespace
}  // namespace remit::cli
