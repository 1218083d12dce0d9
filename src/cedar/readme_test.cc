// The ten lines of README.md, which must be these, compile, and do what they say.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "cedar/authorizer.h"
#include "cedar/entities.h"
#include "cedar/parser.h"
#include "cedar/schema.h"
#include "cedar/validator.h"
#include "json/read.h"

namespace remit {
namespace {

constexpr const char* kSchema =
    "entity Team; entity User in [Team]; entity Photo { owner: User }; action view appliesTo { principal: [User], resource: [Photo] };";
constexpr const char* kPolicies =
    "@id(\"team\") permit (principal in Team::\"design\", action == Action::\"view\", resource);\n"
    "permit (principal, action, resource) when { resource.owner == principal };";
constexpr const char* kEntities = R"([{"uid": {"type": "User", "id": "ann"}, "attrs": {}, "parents": [{"type": "Team", "id": "design"}]},
  {"uid": {"type": "Photo", "id": "p1"}, "attrs": {"owner": {"type": "User", "id": "bob"}}, "parents": []}])";

Result<std::string> Ask(const char* schema_text, const char* policies_text, const char* entities_text) {
  // clang-format off
  // README begins
  REMIT_ASSIGN(cedar::Schema schema, cedar::Schema::Parse({{"photos.cedarschema", schema_text}}));
  REMIT_ASSIGN(std::vector<cedar::PolicyPtr> policies, cedar::ParsePolicies(policies_text, "photos.cedar"));
  for (const cedar::Diagnostic& finding : cedar::Validate(schema, policies)) return finding.message;  // strict
  REMIT_ASSIGN(cedar::PolicySet set, cedar::PolicySet::Build(policies));                           // immutable, shared by threads
  REMIT_ASSIGN(json::Value document, json::Parse(entities_text));
  REMIT_ASSIGN(cedar::Entities entities, cedar::Entities::FromJson(document, &schema));            // validated
  const cedar::Request request{{"User", "ann"}, {"Action", "view"}, {"Photo", "p1"}};
  const cedar::Response response = set.IsAuthorized(request, entities);
  for (const cedar::PolicyError& error : response.errors) return error.policy + " failed: " + error.message;
  return response.allowed ? "allowed by " + response.determining.front() : "denied";
  // README ends
  // clang-format on
}

TEST(Readme, TheTenLinesAnswer) {
  const auto answer = Ask(kSchema, kPolicies, kEntities);
  ASSERT_TRUE(answer.has_value()) << answer.error().ToString();
  EXPECT_EQ(*answer, "allowed by policy0");
  EXPECT_NE(Ask(kSchema, "permit (principal, action, resource) when { resource.size > 1 };", kEntities).value_or("").find("size"), std::string::npos);
  EXPECT_FALSE(Ask(kSchema, "permit (principal", kEntities).has_value());
}

std::string Read(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(std::string(REMIT_SOURCE_DIR) + "/src/cedar/" + file).rdbuf();
  return text.str();
}

TEST(Readme, TheTenLinesAreThese) {
  const std::string source = Read("readme_test.cc");
  const auto begin = source.find("// README begins\n") + 17, end = source.find("  // README ends");
  std::istringstream lines(source.substr(begin, end - begin));
  std::string expected = "```cpp\n";
  for (std::string line; std::getline(lines, line);) expected += line.substr(2) + "\n";
  EXPECT_NE(Read("README.md").find(expected + "```\n"), std::string::npos) << "README.md must have:\n" << expected;
}

}  // namespace
}  // namespace remit
