// What was found for one policy is kept for others of its shape: nobody may be able to tell.
#include "cedar/validate/environments.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "cedar/parser.h"
#include "cedar/validator.h"

namespace remit::cedar {
namespace {

constexpr std::string_view kSchema = R"(
entity Group in [Group];
entity User in [Group] = { name: String, level?: Long };
entity Robot in [Group] = { name: Long };
entity Folder;
entity File in [Folder] = { owner: User };
action all;
action read in [all] appliesTo { principal: [User, Robot], resource: [File, Folder], context: { n: Long } };
action write in [all] appliesTo { principal: [User], resource: [File], context: { n: String } };
action sweep appliesTo { principal: [Robot], resource: [Folder] };
)";

// Each scope with each condition. Many of them are flawed: their findings are what is compared.
std::vector<PolicyPtr> AllShapes() {
  std::string text;
  for (const std::string_view principal :
       {"principal", "principal == User::\"u\"", "principal == Robot::\"u\"", "principal in Group::\"g\"", "principal is User",
        "principal is Robot in Group::\"g\"", "principal == ?principal", "principal in ?principal"}) {
    for (const std::string_view action : {"action", "action == Action::\"read\"", "action == Action::\"write\"", "action in Action::\"all\"",
                                          "action in [Action::\"read\", Action::\"sweep\"]", "action in []", "action == Action::\"none\""}) {
      for (const std::string_view resource :
           {"resource", "resource == File::\"f\"", "resource in Folder::\"f\"", "resource is File", "resource in ?resource"}) {
        for (const std::string_view condition : {"", "when { context.n == 1 }", "when { action == Action::\"read\" }",
                                                 "when { principal.name == \"n\" }", "when { resource.owner == principal && context.n == \"n\" }"})
          text += fmt::format("permit ({}, {}, {}) {};\n", principal, action, resource, condition);
      }
    }
  }
  auto policies = ParsePolicies(text, "shapes.cedar");
  EXPECT_TRUE(policies.has_value()) << policies.error().ToString();
  return *std::move(policies);
}

std::vector<std::string> Shown(const std::vector<Diagnostic>& findings) {
  std::vector<std::string> shown;
  for (const Diagnostic& finding : findings)
    shown.push_back(fmt::format("{} {} {} {}", finding.policy, finding.reason, finding.message, finding.hint));
  std::ranges::sort(shown);
  return shown;
}

TEST(EnvironmentsTest, NothingIsFoundTogetherThatIsNotFoundAlone) {
  const auto schema = Schema::Parse({{"s.cedarschema", std::string(kSchema)}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  std::vector<PolicyPtr> shapes = AllShapes();
  for (const ValidationOptions options :
       {ValidationOptions{}, ValidationOptions{.mode = ValidationMode::kPermissive}, ValidationOptions{.level = 1}}) {
    std::size_t flawed = 0;
    // Some at a time, so that no more errors are made than are told.
    for (std::size_t begin = 0; begin < shapes.size(); begin += 50) {
      const std::vector<PolicyPtr> some(shapes.begin() + static_cast<std::ptrdiff_t>(begin),
                                        shapes.begin() + static_cast<std::ptrdiff_t>(std::min(begin + 50, shapes.size())));
      std::vector<Diagnostic> alone;
      for (const PolicyPtr& policy : some) std::ranges::move(Validate(*schema, {policy}, options), std::back_inserter(alone));
      const std::vector<Diagnostic> together = Validate(*schema, some, options);
      ASSERT_LT(together.size(), kMostFindings);
      EXPECT_EQ(Shown(together), Shown(alone));
      flawed += alone.size();
    }
    EXPECT_GT(flawed, 100u);
  }
}

TEST(EnvironmentsTest, WhatStandsInAnIdIsNotTheNextPart) {
  const auto schema = Schema::Parse({{"s.cedarschema", std::string(kSchema)}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  // Two sets of actions that are one text when they are written in a row.
  const auto policies = ParsePolicies(
      "permit (principal, action in [Action::\"read\", Action::\"sweep\"], resource);"
      "permit (principal, action in [Action::\"readAction\", Action::\"sweep\"], resource);"
      "permit (principal, action in [Action::\"read\\0\\u{5}\", Action::\"sweep\"], resource);",
      "p.cedar");
  ASSERT_TRUE(policies.has_value()) << policies.error().ToString();
  Environments environments(*schema);
  EXPECT_EQ(environments.Of(*(*policies)[0], (*policies)[0]->action, {.action = true}).list.size(), 5u);
  EXPECT_EQ(environments.Of(*(*policies)[1], (*policies)[1]->action, {.action = true}).list.size(), 1u);
  EXPECT_EQ(environments.Of(*(*policies)[2], (*policies)[2]->action, {.action = true}).list.size(), 1u);
  EXPECT_EQ(environments.Of(*(*policies)[0], (*policies)[0]->action, {}).list.size(), 4u);
}

TEST(EnvironmentsTest, WhatIsKeptIsWhatIsCounted) {
  std::string types, principals, resources;
  for (int i = 0; i < 16; ++i) {
    types += fmt::format("entity P{}; entity R{};\n", i, i);
    principals += fmt::format("{}P{}", i == 0 ? "" : ", ", i);
    resources += fmt::format("{}R{}", i == 0 ? "" : ", ", i);
  }
  std::string text = types + "action g;\n";
  for (int i = 0; i < 64; ++i) text += fmt::format("action a{} in [g] appliesTo {{ principal: [{}], resource: [{}] }};\n", i, principals, resources);
  const auto schema = Schema::Parse({{"s.cedarschema", text}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  const auto policies = ParsePolicies("permit (principal, action in Action::\"g\", resource);", "p.cedar");
  ASSERT_TRUE(policies.has_value()) << policies.error().ToString();
  Environments environments(*schema);
  const auto& list = environments.Of(*(*policies)[0], (*policies)[0]->action, {}).list;  // 64 × 16 × 16, one of 64 kept
  EXPECT_EQ(list.size(), 256u);
  EXPECT_EQ(list.capacity(), 256u);
}

}  // namespace
}  // namespace remit::cedar
