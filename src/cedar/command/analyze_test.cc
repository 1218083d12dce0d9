// cedar analyze as it is typed: each verdict, and a counter-example that `cedar authorize` agrees with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cedar/command/command.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cedar::command {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int exit = 0;
  std::string out, err;
};

class AnalyzeTest : public testing::Test {
 protected:
  AnalyzeTest() {
    std::string pattern = (fs::temp_directory_path() / "cedar-analyze-XXXXXX").string();
    REMIT_CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    Write("schema.cedarschema", R"(entity Team; entity User in [Team] = { level: Long } tags String; entity Doc = { owner: User, size: Long };
action view appliesTo { principal: User, resource: Doc, context: { at: datetime } };)");
    Write("narrow.cedar", "permit (principal in Team::\"a\", action, resource) when { principal.level > 5 && resource.owner == principal };");
    Write("broad.cedar", "permit (principal, action, resource) when { principal.level > 3 };");
    Write("hard.cedar", "permit (principal, action, resource) when { principal.level * resource.size == 6 };");
    Write("not-zero.cedar", "permit (principal, action, resource) when { principal.level != 0 };");
  }
  ~AnalyzeTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name, std::ios::binary) << text; }
  static Outcome Type(const std::vector<std::string>& words) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome{.exit = command::Run(words)};
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
  }
  Outcome Ask(const std::string& policies, const std::string& within, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"analyze", "--policies", Path(policies), "--schema", Path("schema.cedarschema")};
    if (!within.empty()) words.insert(words.end(), {"--within", Path(within)});
    words.insert(words.end(), more.begin(), more.end());
    return Type(words);
  }

  fs::path folder_;
};

TEST_F(AnalyzeTest, ExitsByTheVerdict) {
  const Outcome yes = Ask("narrow.cedar", "broad.cedar");
  EXPECT_EQ(yes.exit, kOk) << yes.err;
  EXPECT_EQ(yes.out, "YES: what the policies allow, the others allow too\n");
  const Outcome no = Ask("broad.cedar", "narrow.cedar");
  EXPECT_EQ(no.exit, kDeny) << no.err;
  EXPECT_THAT(no.out, StartsWith("NO: the policies allow this, and the others do not\n  principal: User::"));
  const Outcome unknown = Ask("hard.cedar", "not-zero.cedar");
  EXPECT_EQ(unknown.exit, kCannotTell) << unknown.err;
  EXPECT_THAT(unknown.out, StartsWith("CANNOT TELL:\n  Action::\"view\" of a `User` on a `Doc`: "));
}

TEST_F(AnalyzeTest, TheAuthorizerAgreesWithACounterexample) {
  const Outcome no = Ask("broad.cedar", "narrow.cedar", {"--json"});
  ASSERT_EQ(no.exit, kDeny) << no.err;
  const json::Value answer = json::Parse(no.out).value();
  EXPECT_EQ(*answer.FindString("verdict"), "no");
  const json::Value& example = *answer.Find("counterexample");
  Write("request.json", json::Write(*example.Find("request")));
  Write("entities.json", json::Write(*example.Find("entities")));
  const auto decide = [&](const std::string& policies) {
    return Type({"authorize", "--policies", Path(policies), "--schema", Path("schema.cedarschema"), "--entities", Path("entities.json"),
                 "--request-json", Path("request.json")});
  };
  EXPECT_EQ(decide("broad.cedar").exit, kOk) << decide("broad.cedar").err;
  EXPECT_EQ(decide("narrow.cedar").exit, kDeny) << decide("narrow.cedar").err;
}

TEST_F(AnalyzeTest, SaysInJsonWhatIsOpen) {
  const json::Value answer = json::Parse(Ask("hard.cedar", "not-zero.cedar", {"--json"}).out).value();
  EXPECT_EQ(*answer.FindString("verdict"), "unknown");
  EXPECT_EQ(*answer.Find("open")->AsArray().at(0).FindString("resource_type"), "Doc");
  EXPECT_EQ(answer.Find("counterexample"), nullptr);
}

TEST_F(AnalyzeTest, AsksTheOtherQuestions) {
  EXPECT_EQ(Ask("broad.cedar", "broad.cedar", {"--question", "equivalent"}).out, "YES: both allow the same\n");
  EXPECT_EQ(Ask("narrow.cedar", "broad.cedar", {"--question", "equivalent"}).exit, kDeny);
  EXPECT_EQ(Ask("narrow.cedar", "broad.cedar", {"--question", "disjoint"}).exit, kDeny);
  Write("none.cedar", "permit (principal, action, resource) when { principal.level > 5 && principal.level < 6 };");
  EXPECT_EQ(Ask("none.cedar", "", {"--question", "never"}).exit, kOk);
  EXPECT_EQ(Ask("broad.cedar", "", {"--question", "never"}).exit, kDeny);
  EXPECT_EQ(Ask("broad.cedar", "", {"--question", "always"}).exit, kDeny);
  Write("all.cedar", "permit (principal, action, resource);");
  EXPECT_EQ(Ask("all.cedar", "", {"--question", "always"}).exit, kOk);
}

TEST_F(AnalyzeTest, EntitiesThatAreNamedAreKnown) {
  Write("known.json",
        R"([{"uid": {"type": "User", "id": "t"}, "attrs": {"level": 9}, "parents": [{"type": "Team", "id": "a"}], "tags": {"k": "v"}}])");
  Write("all.cedar", "permit (principal, action, resource);");
  Write("known.cedar", R"(permit (principal, action, resource)
    when { User::"t" in Team::"a" && User::"t".level == 9 && User::"t".getTag("k") == "v" };)");
  EXPECT_EQ(Ask("all.cedar", "known.cedar").exit, kDeny);
  EXPECT_EQ(Ask("all.cedar", "known.cedar", {"--entities", Path("known.json")}).exit, kOk);
}

TEST_F(AnalyzeTest, WhatIsMissingOrWrongIsSaid) {
  EXPECT_THAT(Type({"analyze", "--policies", Path("broad.cedar"), "--within", Path("broad.cedar")}).err, HasSubstr("--schema FILE"));
  EXPECT_THAT(Ask("broad.cedar", "").err, HasSubstr("give --within FILE"));
  EXPECT_THAT(Ask("broad.cedar", "broad.cedar", {"--question", "never"}).err, HasSubstr("leave --within out"));
  EXPECT_EQ(Ask("broad.cedar", "broad.cedar", {"--work", "0"}).exit, kFailure);
  EXPECT_EQ(Ask("broad.cedar", "gone.cedar").exit, kFailure);
  EXPECT_EQ(Ask("hard.cedar", "broad.cedar", {"--question", "perhaps"}).exit, kFailure);
  const Outcome help = Type({"analyze", "--help"});
  EXPECT_EQ(help.exit, kOk);
  EXPECT_THAT(help.out, HasSubstr("exit status 0 for a proof, 2 for a request"));
}

}  // namespace
}  // namespace remit::cedar::command
