// What the command line says of words that it does not know, through the real commands.
#include "cli/command.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/wrap.h"

namespace remit::cli {
namespace {

using testing::AnyOf;

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

TEST(CommandLineTest, HelpListsEveryCommandOnceInTheGroupsOfWork) {
  std::vector<std::string> grouped, there;
  for (const CommandGroup& group : CommandGroups()) grouped.insert(grouped.end(), group.commands.begin(), group.commands.end());
  for (const CommandInfo& command : DescribeCommands().commands)
    if (!command.hidden) there.push_back(command.name);
  EXPECT_EQ(there, grouped);  // completion has their order, too
  const Said said = Type({"--help"});
  EXPECT_EQ(said.exit, kOk);
  std::size_t at = 0;
  for (const CommandGroup& group : CommandGroups()) {
    at = said.out.find("\n\n" + group.title + ":\n", at);
    ASSERT_NE(at, std::string::npos) << group.title << said.out;
    for (const std::string& command : group.commands) {
      at = said.out.find("\n  " + command + " ", at);
      ASSERT_NE(at, std::string::npos) << command << said.out;
    }
  }
  EXPECT_EQ(said.out.find("__complete"), std::string::npos);
  EXPECT_EQ(said.out.find("Subcommands:"), std::string::npos);
}

TEST(CommandLineTest, HelpOfACommandIsWhatItsOwnFlagSays) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{}, {"run"}, {"catalog"}, {"catalog", "load"}}) {
    std::vector<std::string> by_word = {"help"}, by_flag = command;
    by_word.insert(by_word.end(), command.begin(), command.end());
    by_flag.push_back("--help");
    const Said said = Type(by_word);
    EXPECT_EQ(said.exit, kOk);
    EXPECT_EQ(said.err, "");
    EXPECT_EQ(said.out, Type(by_flag).out);
  }
}

TEST(CommandLineTest, HelpOfWhatIsNotThereSaysSo) {
  const Said top = Type({"help", "rnu"});
  EXPECT_EQ(top.exit, kUsage);
  EXPECT_EQ(top.out, "");
  EXPECT_EQ(top.err, "remit: `remit` has no command `rnu`\nhint: did you mean `remit help run`?\n");
  EXPECT_EQ(Type({"help", "catalog", "chekc"}).err,
            "remit: `remit catalog` has no command `chekc`\nhint: did you mean `remit help catalog check`?\n");
  EXPECT_EQ(Type({"help", "frobnicate"}).err, "remit: `remit` has no command `frobnicate`\nhint: remit --help\n");
  EXPECT_EQ(Type({"help", "ru\x1b[2Jn"}).err.find('\x1b'), std::string::npos);
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

// Every command, as words.
std::vector<std::vector<std::string>> All(const CommandInfo& command, const std::vector<std::string>& words = {}) {
  std::vector<std::vector<std::string>> all = {words};
  for (const CommandInfo& below : command.commands) {
    if (below.hidden) continue;
    std::vector<std::string> deeper = words;
    deeper.push_back(below.name);
    const auto more = All(below, deeper);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

TEST(CommandLineTest, EveryHelpFitsTheTerminalAndKeepsItsColumn) {
  for (const std::size_t columns : {72u, 80u, 100u}) {
    ::setenv("COLUMNS", std::to_string(columns).c_str(), 1);
    std::size_t widest = 0;
    for (std::vector<std::string> words : All(DescribeCommands())) {
      words.push_back("--help");
      const std::string help = Type(words).out;
      const std::size_t example = std::min(help.find("\nExample:\n"), help.size());
      std::size_t at = 0;
      for (const std::string& line : Split(help, '\n')) {
        const bool typed = at > example;  // as it stands, and no wider than a terminal mostly is
        const bool one_word = Trim(line).find(' ') == std::string_view::npos || line.starts_with("Usage: ");
        const std::size_t most = one_word || typed ? std::max<std::size_t>(columns, 80) : columns;
        EXPECT_LE(ColumnsOf(line), most) << Join(words, " ") << "\n" << line;
        if (!typed) widest = std::max(widest, ColumnsOf(line));
        // What goes on below begins where the description began.
        if (!typed && line.starts_with("   ")) {
          EXPECT_THAT(line.find_first_not_of(' '), AnyOf(30u, 14u)) << Join(words, " ") << "\n" << line;
        }
        at += line.size() + 1;
      }
    }
    EXPECT_GT(widest, columns - 10) << "the width is used";
  }
  ::unsetenv("COLUMNS");
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
