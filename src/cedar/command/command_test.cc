// The commands as they are typed: what they print, and how they exit.
#include "cedar/command/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cedar/command/files.h"
#include "cedar/command/verdicts.h"
#include "json/read.h"

namespace remit::cedar::command {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Outcome {
  int exit = 0;
  std::string out, err;
};

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    std::string pattern = (fs::temp_directory_path() / "cedar-command-XXXXXX").string();
    REMIT_CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    Write("policies.cedar", R"(@id("view") permit (principal in Team::"staff", action == Action::"view", resource);
forbid (principal, action, resource) when { context.level > 3 };
)");
    Write("schema.cedarschema", R"(entity Team; entity User in [Team]; entity Doc { size: Long };
action view, edit appliesTo { principal: User, resource: Doc, context: { level: Long } };)");
    Write("entities.json", R"([{"uid": {"type": "User", "id": "alice"}, "attrs": {}, "parents": [{"type": "Team", "id": "staff"}]},
{"uid": {"type": "Doc", "id": "d"}, "attrs": {"size": 1}, "parents": []}])");
    Write("context.json", R"({"level": 1})");
  }
  ~CommandTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

  static Outcome Type(const std::vector<std::string>& words) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome{.exit = command::Run(words)};
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
  }
  // The command with all four files behind it.
  Outcome Ask(std::vector<std::string> words) const {
    for (const auto& [option, name] : {std::pair{"--policies", "policies.cedar"},
                                       {"--schema", "schema.cedarschema"},
                                       {"--entities", "entities.json"},
                                       {"--context", "context.json"}}) {
      words.push_back(option);
      words.push_back(Path(name));
    }
    return Type(words);
  }
  Outcome AskAs(const std::string& user, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"authorize", "-l", "User::\"" + user + "\"", "-a", "Action::\"view\"", "-r", "Doc::\"d\""};
    words.insert(words.end(), more.begin(), more.end());
    return Ask(words);
  }

  fs::path folder_;
};

TEST_F(CommandTest, AuthorizeExitsByTheDecision) {
  const Outcome allow = AskAs("alice", {"--verbose"});
  EXPECT_EQ(allow.exit, kOk) << allow.err;
  EXPECT_EQ(allow.out, "ALLOW\ndecided by:\n  view\n");
  const Outcome deny = AskAs("bob");
  EXPECT_EQ(deny.exit, kDeny) << deny.err;
  EXPECT_EQ(deny.out, "DENY\n");
}

TEST_F(CommandTest, AuthorizeAnswersInJson) {
  const Outcome allow = AskAs("alice", {"--json"});
  EXPECT_EQ(allow.out, "{\"decision\":\"allow\",\"reason\":[\"view\"],\"errors\":[]}\n");
}

TEST_F(CommandTest, AuthorizeChecksTheRequestUnlessToldNotTo) {
  Write("context.json", R"({"level": 1, "more": 2})");
  EXPECT_EQ(AskAs("alice").exit, kFailure);
  Write("context.json", R"({"level": 9})");
  EXPECT_EQ(AskAs("alice").exit, kDeny);
  const std::vector<std::string> words{"authorize", "-l", "Doc::\"d\"", "-a", "Action::\"view\"", "-r", "Doc::\"d\""};
  EXPECT_THAT(Ask(words).err, HasSubstr("Doc"));
  std::vector<std::string> unchecked = words;
  unchecked.insert(unchecked.end(), {"--request-validation", "false"});
  EXPECT_EQ(Ask(unchecked).exit, kDeny);
}

TEST_F(CommandTest, AnExtensionValueOfAnotherTypeIsForTheRequestsCheckToRefuse) {
  Write("schema.cedarschema", R"(entity Team; entity User in [Team]; entity Doc { size: Long };
action view appliesTo { principal: User, resource: Doc, context: { level: Long, until?: duration } };)");
  Write("context.json", R"({"level": 1, "until": {"__extn": {"fn": "decimal", "arg": "1.0"}}})");
  EXPECT_EQ(AskAs("alice").exit, kFailure);
  EXPECT_EQ(AskAs("alice", {"--request-validation", "false"}).out, "ALLOW\n");
  Write("context.json", R"({"level": 1, "until": {"__extn": {"fn": "decimal", "arg": "1.00000"}}})");
  EXPECT_EQ(AskAs("alice", {"--request-validation", "false"}).exit, kFailure);
}

TEST_F(CommandTest, AuthorizeReadsAWholeRequest) {
  Write("request.json", R"({"principal": "User::\"alice\"", "action": "Action::\"view\"", "resource": "Doc::\"d\"", "context": {"level": 1}})");
  const Outcome outcome =
      Type({"authorize", "--policies", Path("policies.cedar"), "--entities", Path("entities.json"), "--request-json", Path("request.json")});
  EXPECT_EQ(outcome.exit, kOk) << outcome.err;
}

TEST_F(CommandTest, ErrorsSayWhatIsMissing) {
  const Outcome outcome = Type({"authorize", "--policies", Path("policies.cedar")});
  EXPECT_EQ(outcome.exit, kFailure);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("error: a request has a principal, an action and a resource\nhint: give --principal"));
  EXPECT_THAT(Type({"authorize", "--policies", Path("nowhere")}).err, HasSubstr("cannot read"));
  EXPECT_THAT(Type({"authorise"}).err, HasSubstr("did you mean `cedar authorize`?"));
}

TEST_F(CommandTest, ErrorsSayInWhichFile) {
  Write("policy.cedar", "");
  const Outcome missing = Type({"check-parse", "--policies", Path("polices.cedar")});
  EXPECT_THAT(missing.err, HasSubstr("hint: did you mean `" + Path("policies.cedar") + "`?"));
  EXPECT_THAT(Type({"check-parse", "--policies", folder_.string()}).err, HasSubstr("Is a directory\nhint: name a file in it"));
  Write("odd.json", R"({"User": 5})");
  const std::vector<std::string> request{"authorize", "-p",        Path("policies.cedar"), "-l", "User::\"a\"", "-a", "Action::\"view\"",
                                         "-r",        "Doc::\"d\""};
  const auto with = [&](const std::string& option, const std::string& file) {
    std::vector<std::string> words = request;
    words.insert(words.end(), {option, Path(file)});
    return Type(words).err;
  };
  Write("array.json", "[1]");
  EXPECT_THAT(with("--context", "array.json"), HasSubstr("array.json: the context is not a JSON object"));
  EXPECT_THAT(with("--entities", "odd.json"), HasSubstr("odd.json: entities must be an array"));
  EXPECT_THAT(with("--template-linked", "odd.json"), HasSubstr("odd.json: links are an object"));
  EXPECT_THAT(Type({"authorize", "-p", Path("policies.cedar"), "--request-json", Path("odd.json")}).err,
              HasSubstr("odd.json: the request has no `principal`"));
  EXPECT_THAT(Type({"translate-policy", "--direction", "json-to-cedar", "-p", Path("odd.json")}).err,
              HasSubstr("odd.json: unknown member `User`\nhint: "));
  EXPECT_THAT(Type({"translate-schema", "--direction", "json-to-cedar", "-s", Path("odd.json")}).err, HasSubstr("odd.json/User: expected an object"));
}

TEST_F(CommandTest, ErrorsAreJsonWhereverTheFlagStands) {
  const auto reason = [](const Outcome& outcome) {
    const auto document = json::Parse(outcome.err);
    EXPECT_TRUE(document) << outcome.err;
    const json::Value* error = document ? document->Find("error") : nullptr;
    const std::string* text = error == nullptr ? nullptr : error->FindString("reason");
    return text == nullptr ? "" : *text;
  };
  EXPECT_EQ(reason(Type({"authorize", "--nonsense", "--json"})), "usage");
  EXPECT_EQ(reason(Type({"autorize", "--json"})), "usage");
  Write("policies.cedar", "permit (principal");
  EXPECT_EQ(reason(Type({"check-parse", "--json", "-p", Path("policies.cedar")})), "parse-error");
  EXPECT_THAT(Type({"check-parse", "-p", Path("policies.cedar")}).err, testing::StartsWith("error: "));
}

TEST_F(CommandTest, HelpOfACommandIsAskedForEitherWay) {
  EXPECT_EQ(Type({"help", "format"}).out, Type({"format", "--help"}).out);
  EXPECT_THAT(Type({"help", "formt"}).err, HasSubstr("did you mean `cedar format`?"));
}

TEST_F(CommandTest, AFileIsReplacedAsAWhole) {
  Write("policies.cedar", "permit(principal,action,resource);");
  fs::permissions(Path("policies.cedar"), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("policies.cedar", Path("linked.cedar"));
  fs::create_hard_link(Path("policies.cedar"), Path("before.cedar"));
  const std::string before = Read("policies.cedar");
  EXPECT_EQ(Type({"format", "-w", "-p", Path("linked.cedar")}).exit, kOk);
  EXPECT_NE(Read("policies.cedar"), before);
  EXPECT_EQ(Read("before.cedar"), before);  // whoever has it open goes on reading what was there
  EXPECT_TRUE(fs::is_symlink(Path("linked.cedar")));
  EXPECT_EQ(fs::status(Path("policies.cedar")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  // What cannot be read is left as it is, and nothing lies about.
  Write("policies.cedar", "permit (principal");
  EXPECT_EQ(Type({"format", "-w", "-p", Path("policies.cedar")}).exit, kFailure);
  EXPECT_EQ(Read("policies.cedar"), "permit (principal");
  for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr("cedar.")));
}

TEST_F(CommandTest, NoNameOfAFileEndsTheProgram) {
  const std::string name = Path(std::string(300, 'a'));
  EXPECT_THAT(Type({"run-tests", name}).err, HasSubstr("File name too long"));
  Write("policies.cedar", R"(@id("share") permit (principal == ?principal, action, resource);)");
  const Outcome linked =
      Type({"link", "-p", Path("policies.cedar"), "-k", name, "--template-id", "share", "-n", "x", "-a", R"({"?principal": "User::\"x\""})"});
  EXPECT_EQ(linked.exit, kFailure);
  EXPECT_THAT(linked.err, HasSubstr("File name too long"));
  fs::create_directories(Path("empty"));
  EXPECT_THAT(Type({"run-tests", Path("empty")}).err, HasSubstr("there is no test in"));
}

TEST_F(CommandTest, ValidateExitsWithThreeForPoliciesThatDoNotPass) {
  const std::vector<std::string> words{"validate", "--policies", Path("policies.cedar"), "--schema", Path("schema.cedarschema")};
  const Outcome valid = Type(words);
  EXPECT_EQ(valid.exit, kOk) << valid.err;
  Write("policies.cedar", "permit (principal, action, resource) when { resource.nothing };");
  const Outcome invalid = Type(words);
  EXPECT_EQ(invalid.exit, kValidationFailure);
  EXPECT_THAT(invalid.err, HasSubstr("nothing"));
}

TEST_F(CommandTest, WarningsFailOnlyWhereTheyAreAskedTo) {
  Write("policies.cedar", "permit (principal, action, resource) when { false };");
  std::vector<std::string> words{"validate", "--policies", Path("policies.cedar"), "--schema", Path("schema.cedarschema")};
  EXPECT_EQ(Type(words).exit, kOk);
  words.emplace_back("--deny-warnings");
  EXPECT_EQ(Type(words).exit, kValidationFailure);
}

TEST_F(CommandTest, EvaluateNeedsNoRequestWhereTheExpressionDoesNot) {
  const Outcome outcome = Type({"evaluate", "1 + 2 == 3 && [1, 2].contains(2)"});
  EXPECT_EQ(outcome.exit, kOk) << outcome.err;
  EXPECT_EQ(outcome.out, "true\n");
  EXPECT_EQ(Type({"evaluate", "{a: context.level}", "--context", Path("context.json"), "--json"}).out, "{\"a\":1}\n");
  EXPECT_EQ(Type({"evaluate", "1 + true"}).exit, kFailure);
  EXPECT_THAT(Type({"evaluate", "{a: [principal]} == {}"}).err, HasSubstr("asks for `principal`, and none is given\nhint: give --principal"));
  EXPECT_EQ(Type({"evaluate", "principal == User::\"a\"", "-l", "User::\"a\""}).out, "true\n");
}

TEST_F(CommandTest, CheckParseReportsEachThingThatCannotBeRead) {
  EXPECT_EQ(Type({"check-parse", "--policies", Path("policies.cedar"), "--schema", Path("schema.cedarschema"), "--entities", Path("entities.json"),
                  "--expression", "1 == 1"})
                .exit,
            kOk);
  Write("policies.cedar", "permit (principal");
  const Outcome outcome = Type({"check-parse", "--policies", Path("policies.cedar"), "--expression", "1 =="});
  EXPECT_EQ(outcome.exit, kFailure);
  EXPECT_THAT(outcome.err, HasSubstr("policies.cedar:1:18"));
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 2) << outcome.err;
}

TEST_F(CommandTest, QueryAsksForThePartThatIsLeftOut) {
  EXPECT_EQ(Ask({"query", "-l", "User::\"alice\"", "-a", "Action::\"view\""}).out, "Doc::\"d\"\n");
  EXPECT_EQ(Ask({"query", "-l", "User::\"alice\"", "-r", "Doc::\"d\""}).out, "Action::\"view\"\n");
  EXPECT_EQ(Ask({"query", "-a", "Action::\"view\"", "-r", "Doc::\"d\""}).out, "User::\"alice\"\n");
  EXPECT_THAT(Ask({"query", "-l", "User::\"alice\""}).err, HasSubstr("takes two of"));
}

TEST_F(CommandTest, QueryRefusesNamesThatTheSchemaDoesNotHave) {
  EXPECT_THAT(Ask({"query", "-l", "Usr::\"alice\"", "-a", "Action::\"view\""}).err, HasSubstr("no entity type `Usr`\nhint: did you mean `User`?"));
  EXPECT_THAT(Ask({"query", "-l", "User::\"alice\"", "-a", "Action::\"vew\""}).err, HasSubstr("did you mean `Action::\"view\"`?"));
  EXPECT_THAT(Ask({"query", "-l", "User::\"alice\"", "-a", "Action::\"view\"", "--type", "Dok"}).err, HasSubstr("no entity type `Dok`"));
}

TEST_F(CommandTest, FormatWritesChecksAndPrints) {
  Write("policies.cedar", "permit(principal,action,resource)when{true};");
  const Outcome printed = Type({"format", "--policies", Path("policies.cedar")});
  EXPECT_EQ(printed.exit, kOk) << printed.err;
  EXPECT_THAT(printed.out, HasSubstr("when { true }"));
  EXPECT_EQ(Type({"format", "--policies", Path("policies.cedar"), "--check"}).exit, kFailure);
  EXPECT_EQ(Type({"format", "--policies", Path("policies.cedar"), "--write"}).exit, kOk);
  EXPECT_EQ(Read("policies.cedar"), printed.out);
  EXPECT_EQ(Type({"format", "--policies", Path("policies.cedar"), "--check"}).exit, kOk);
}

TEST_F(CommandTest, LinksAreNotedAndUsed) {
  Write("policies.cedar", R"(@id("share") permit (principal == ?principal, action, resource);)");
  const std::vector<std::string> files{"--policies", Path("policies.cedar"), "--template-linked", Path("links.json")};
  const auto with_files = [&](std::vector<std::string> words) {
    words.insert(words.end(), files.begin(), files.end());
    return Type(words);
  };
  const Outcome linked = with_files({"link", "--template-id", "share", "--new-id", "bob", "--arguments", R"({"?principal": "User::\"bob\""})"});
  EXPECT_EQ(linked.exit, kOk) << linked.err;
  EXPECT_THAT(linked.out, HasSubstr("principal == User::\"bob\""));
  const std::vector<std::string> request{"-a", "Action::\"view\"", "-r", "Doc::\"d\"", "--json"};
  const auto ask = [&](const std::string& user) {
    std::vector<std::string> words{"authorize", "-l", user};
    words.insert(words.end(), request.begin(), request.end());
    return with_files(words);
  };
  EXPECT_THAT(ask("User::\"bob\"").out, HasSubstr(R"("reason":["bob"])"));
  EXPECT_EQ(ask("User::\"eve\"").exit, kDeny);
  // An id that is taken, and a slot that stays empty.
  EXPECT_THAT(with_files({"link", "--template-id", "share", "--new-id", "bob", "--arguments", R"({"?principal": "User::\"bob\""})"}).err,
              HasSubstr("bob"));
  EXPECT_THAT(with_files({"link", "--template-id", "share", "--new-id", "x", "--arguments", R"({"?resource": "User::\"bob\""})"}).err,
              HasSubstr("`?principal` of template `share`"));
}

// What one command writes the others read, however deep it is.
TEST_F(CommandTest, ReadsWhatItWrites) {
  std::string chain = "context.a", type = "Long";
  for (int i = 0; i < 700; ++i) chain += " && context.b";
  Write("chain.cedar", "permit (principal, action, resource) when { " + chain + " };");
  const Outcome json = Type({"translate-policy", "--direction", "cedar-to-json", "--policies", Path("chain.cedar")});
  ASSERT_EQ(json.exit, kOk) << json.err;
  Write("chain.json", json.out);
  const Outcome parsed = Type({"check-parse", "--policies", Path("chain.json")});
  EXPECT_EQ(parsed.exit, kOk) << parsed.err.substr(0, 300);
  EXPECT_EQ(Type({"translate-policy", "--direction", "json-to-cedar", "--policies", Path("chain.json")}).exit, kOk);

  for (int i = 0; i < 190; ++i) type = "{ a: " + type + " }";
  Write("deep.cedarschema", "type T = " + type + ";");
  const Outcome schema = Type({"translate-schema", "--direction", "cedar-to-json", "--schema", Path("deep.cedarschema")});
  ASSERT_EQ(schema.exit, kOk) << schema.err;
  Write("deep.json", schema.out);
  const Outcome read = Type({"check-parse", "--schema", Path("deep.json")});
  EXPECT_EQ(read.exit, kOk) << read.err.substr(0, 300);
  EXPECT_EQ(Type({"translate-schema", "--direction", "json-to-cedar", "--schema", Path("deep.json")}).exit, kOk);
  const auto verdict = SchemaEqualsJson(Read("deep.json"), "deep.json", true, *ParseJson(Read("deep.json"), "deep.json"));
  EXPECT_TRUE(verdict.has_value() && *verdict);
}

TEST_F(CommandTest, PoliciesGoToJsonAndBack) {
  const Outcome json = Type({"translate-policy", "--direction", "cedar-to-json", "--policies", Path("policies.cedar")});
  ASSERT_EQ(json.exit, kOk) << json.err;
  Write("policies.json", json.out);
  const Outcome text = Type({"translate-policy", "--direction", "json-to-cedar", "--policies", Path("policies.json")});
  ASSERT_EQ(text.exit, kOk) << text.err;
  EXPECT_THAT(text.out, HasSubstr("context.level > 3"));
  // The ending says that it is JSON.
  const Outcome allow = Type({"authorize", "--policies", Path("policies.json"), "--entities", Path("entities.json"), "--context",
                              Path("context.json"), "-l", "User::\"alice\"", "-a", "Action::\"view\"", "-r", "Doc::\"d\""});
  EXPECT_EQ(allow.out, "ALLOW\n") << allow.err;
}

TEST_F(CommandTest, SchemasGoToJsonAndBack) {
  const Outcome json = Type({"translate-schema", "--direction", "cedar-to-json", "--schema", Path("schema.cedarschema")});
  ASSERT_EQ(json.exit, kOk) << json.err;
  Write("schema.json", json.out);
  EXPECT_EQ(Type({"validate", "--policies", Path("policies.cedar"), "--schema", Path("schema.json")}).exit, kOk);
  const Outcome text = Type({"translate-schema", "--direction", "json-to-cedar", "--schema", Path("schema.json")});
  ASSERT_EQ(text.exit, kOk) << text.err;
  EXPECT_THAT(text.out, HasSubstr("entity Team"));
}

TEST_F(CommandTest, ValidateKnowsModesAndLevels) {
  std::vector<std::string> words{"validate", "--policies", Path("policies.cedar"), "--schema", Path("schema.cedarschema")};
  Write("policies.cedar", "permit (principal, action, resource) when { resource.size == 1 || [] == [1] };");
  EXPECT_EQ(Type(words).exit, kValidationFailure);
  words.insert(words.end(), {"--validation-mode", "permissive"});
  EXPECT_EQ(Type(words).exit, kOk);
  words.insert(words.end(), {"--level", "0"});
  EXPECT_EQ(Type(words).exit, kValidationFailure);
}

TEST_F(CommandTest, ValidateLooksAtWhatALinkChanges) {
  Write("policies.cedar", R"(@id("share") permit (principal == ?principal, action, resource);)");
  const auto validate = [&](const std::string& type) {
    Write("links.json", R"([{"template_id": "share", "link_id": "one", "args": {"?principal": ")" + type + R"(::\"x\""}}])");
    return Type({"validate", "--policies", Path("policies.cedar"), "--template-linked", Path("links.json"), "--schema", Path("schema.cedarschema")});
  };
  EXPECT_EQ(validate("User").exit, kOk);
  EXPECT_THAT(validate("Doc").err, HasSubstr("no action applies"));
  EXPECT_THAT(validate("Nobody").err, HasSubstr("unknown entity type `Nobody`"));
}

// --- run-tests

class RunTestsTest : public CommandTest {
 protected:
  void WriteTest(const std::string& decision, const std::string& reason, const std::string& schema = "schema.cedarschema") const {
    Write("tests/one.json", R"({"policies": "policies.cedar", "entities": "entities.json", "schema": ")" + schema +
                                R"(", "shouldValidate": true, "requests": [
{"description": "alice views", "principal": {"type": "User", "id": "alice"}, "action": {"type": "Action", "id": "view"},
 "resource": {"type": "Doc", "id": "d"}, "context": {"level": 1}, "decision": ")" +
                                decision + R"(", "reason": [)" + reason + R"(], "errors": []}]})");
  }
};

TEST_F(RunTestsTest, ExitsWithZeroOnlyIfEverythingMatches) {
  WriteTest("allow", "\"policy0\"");
  const Outcome same = Type({"run-tests", Path("tests/one.json")});
  EXPECT_EQ(same.exit, kOk) << same.out << same.err;
  EXPECT_EQ(same.out, "1 of 1 tests match, 1 requests\n");
  WriteTest("deny", "");
  const Outcome other = Type({"run-tests", Path("tests/one.json")});
  EXPECT_EQ(other.exit, kFailure);
  EXPECT_THAT(other.out, HasSubstr("request 0: the decision is allow, expected deny"));
  EXPECT_THAT(other.out, HasSubstr("request 0: the reason are [policy0], expected []"));
}

TEST_F(RunTestsTest, SaysOneLineATestInJson) {
  WriteTest("allow", "\"policy0\"");
  const Outcome outcome = Type({"run-tests", "--json", "--root", folder_.string(), Path("tests/one.json"), Path("tests/none.json")});
  EXPECT_EQ(outcome.exit, kFailure);
  std::istringstream lines(outcome.out);
  std::string first, second;
  ASSERT_TRUE(std::getline(lines, first) && std::getline(lines, second)) << outcome.out;
  const auto one = json::Parse(first), none = json::Parse(second);
  ASSERT_TRUE(one && none) << outcome.out;
  EXPECT_EQ(*one->FindString("name"), "one");
  EXPECT_TRUE(one->Find("match")->AsBool());
  const json::Value& request = one->Find("requests")->AsArray().at(0);
  EXPECT_EQ(*request.FindString("decision"), "allow");
  EXPECT_EQ(*request.Find("reason"), (json::Value(json::Array{"policy0"})));
  EXPECT_EQ(*none->FindString("name"), "none");
  EXPECT_FALSE(none->Find("match")->AsBool());
}

TEST_F(RunTestsTest, ComparesTheVerdictsBesideATest) {
  WriteTest("allow", "\"policy0\"");
  const std::string good = R"({"policyValidation": {"strict": true, "permissive": true, "perPolicy": {"policy0": {"strict": true, "permissive": true},
"policy1": {"strict": true, "permissive": true}}}, "entityValidation": {"perEntity": {"User::alice": {}, "Doc::d": {}}},
"requestValidation": [{"description": "alice views", "strict": true, "permissive": true}]})";
  Write("tests/one.validation.json", good);
  const Outcome same = Type({"run-tests", Path("tests/one.json")});
  EXPECT_EQ(same.exit, kOk) << same.out << same.err;
  std::string bad = good;
  bad.replace(bad.find("\"Doc::d\": {}"), 12, "\"Doc::d\": {\"error\": \"no\"}");
  bad.replace(bad.rfind("\"strict\": true"), 14, "\"strict\": false");
  Write("tests/one.validation.json", bad);
  const Outcome other = Type({"run-tests", Path("tests/one.json")});
  EXPECT_EQ(other.exit, kFailure);
  EXPECT_THAT(other.out, HasSubstr("entity `Doc::d` is valid, expected not valid"));
  EXPECT_THAT(other.out, HasSubstr("request 0, strictly, is valid, expected not valid"));
}

}  // namespace
}  // namespace remit::cedar::command
