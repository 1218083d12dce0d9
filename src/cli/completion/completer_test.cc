// What is offered is what the command line takes: nothing else, and nothing of what is hidden.
#include "cli/completion/completer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"

namespace remit::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> Values(const Completion& completion) {
  std::vector<std::string> values;
  for (const Candidate& one : completion.candidates) values.push_back(one.value);
  return values;
}

Completion At(const std::vector<std::string>& words) {
  static const CommandInfo table = DescribeCommands();
  return Complete(table, words);
}

TEST(Completer, OffersCommandsThatBeginSo) {
  EXPECT_THAT(Values(At({"appro"})), ElementsAre("approvals", "approve"));
  EXPECT_THAT(Values(At({"catalog", "s"})), ElementsAre("show", "schema"));
  EXPECT_THAT(Values(At({""})), Contains("run"));
  EXPECT_THAT(Values(At({""})), Not(Contains("__complete")));
  EXPECT_THAT(Values(At({"__"})), IsEmpty());
  EXPECT_THAT(Values(At({"catalog"})), ElementsAre("catalog"));
  EXPECT_THAT(At({"approv"}).candidates.front().help, Not(IsEmpty()));
}

TEST(Completer, OffersCommandsBehindHelp) {
  EXPECT_THAT(Values(At({"help", "appro"})), ElementsAre("approvals", "approve"));
  EXPECT_THAT(Values(At({"help", "catalog", "s"})), ElementsAre("show", "schema"));
  EXPECT_THAT(Values(At({"help", "__"})), IsEmpty());
  EXPECT_THAT(Values(At({"help", "nothing", ""})), IsEmpty());
  EXPECT_THAT(Values(At({"help", "run", ""})), IsEmpty());
}

TEST(Completer, OffersTheOptionsOfTheCommandAndThoseThatHoldEverywhere) {
  EXPECT_THAT(Values(At({"revoke", "--"})), Contains("--why"));
  EXPECT_THAT(Values(At({"revoke", "--"})), Contains("--json"));
  EXPECT_THAT(Values(At({"--ser"})), ElementsAre("--server"));
  EXPECT_THAT(Values(At({"revoke", "--why", "x", "--w"})), ElementsAre("--wait"));
  EXPECT_THAT(Values(At({"--json", "revoke", "--js"})), IsEmpty());
}

TEST(Completer, AValueIsNotTakenForACommand) {
  EXPECT_EQ(At({"--server", "unix:/x", "show", ""}).source, Source::kEndedTask);
  EXPECT_THAT(At({"revoke", "--why", ""}).candidates, IsEmpty());
  EXPECT_EQ(At({"revoke", "--why", ""}).source, Source::kNone);
  EXPECT_EQ(At({"revoke", "--why", "x", ""}).source, Source::kTask);
  EXPECT_EQ(At({"revoke", "--why=x", ""}).source, Source::kTask);
}

TEST(Completer, KnowsWhatTheValuesAre) {
  EXPECT_THAT(Values(At({"list", "--state", "re"})), ElementsAre("requested", "revoked"));
  EXPECT_THAT(Values(At({"list", "--state=act"})), ElementsAre("--state=active"));
  const Completion type = At({"list", "--type=tri"});
  EXPECT_EQ(type.source, Source::kType);
  EXPECT_EQ(type.typed, "tri");
  EXPECT_EQ(type.prefix, "--type=");
  EXPECT_EQ(At({"serve", "--config", ""}).source, Source::kFiles);
  EXPECT_EQ(At({"approve", ""}).source, Source::kApproval);
  EXPECT_EQ(At({"target", "check", "o"}).source, Source::kTarget);
  EXPECT_EQ(At({"receipt", ""}).source, Source::kEndedTask);
  EXPECT_EQ(At({"catalog", "load", "a", ""}).source, Source::kFiles);
  EXPECT_EQ(At({"secret", "get", ""}).source, Source::kNone);
  EXPECT_THAT(Values(At({"completion", ""})), ElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(Values(At({"key", "rotate", ""})), ElementsAre("access", "receipt"));
}

TEST(Completer, KnowsWhatWasGiven) {
  const Completion parameter = At({"run", "--reason", "CHG-1", "deploy", "service=checkout", "env"});
  EXPECT_EQ(parameter.source, Source::kParameter);
  EXPECT_EQ(parameter.type, "deploy");
  EXPECT_EQ(parameter.typed, "env");
  EXPECT_THAT(parameter.set, ElementsAre("service"));
  EXPECT_EQ(At({"run", "dep"}).source, Source::kType);
  EXPECT_EQ(At({"show", "tsk_1", ""}).source, Source::kNone) << "it takes one";
}

TEST(Completer, BehindTheDashesStandsACommandOfOthers) {
  const Completion rest = At({"run", "deploy", "--", "psql", "--h"});
  EXPECT_EQ(rest.source, Source::kCommand);
  EXPECT_EQ(rest.from, 3u);
  EXPECT_THAT(rest.candidates, IsEmpty());
  EXPECT_EQ(At({"show", "--", ""}).source, Source::kNone);
  EXPECT_THAT(At({}).candidates, IsEmpty());
}

// Whoever adds a command is completed without doing anything for it; and no word of the table may be one that a shell would evaluate.
TEST(Completer, TheTableHoldsNamesAlone) {
  const auto check = [](const auto& self, const CommandInfo& command) -> void {
    const auto plain = [](const std::string& text) {
      return std::ranges::all_of(text, [](char c) { return c == '-' || c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
    };
    EXPECT_TRUE(plain(command.name)) << command.name;
    for (const OptionInfo& option : command.options)
      for (const std::string& name : option.names) EXPECT_TRUE(plain(name)) << name;
    for (const CommandInfo& sub : command.commands) self(self, sub);
  };
  check(check, DescribeCommands());
}

}  // namespace
}  // namespace remit::cli
