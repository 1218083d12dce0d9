// Typing looks at each node of a condition once, however what means several tests (`has a.b`, `is … in`) is nested in itself. What is counted
// are the findings before equal ones are merged: one for each time that the place with the mistake is looked at.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "cedar/parser.h"
#include "cedar/validate/level.h"
#include "cedar/validate/typecheck.h"

namespace remit::cedar {
namespace {

class LinearTest : public testing::Test {
 protected:
  LinearTest() {
    auto schema = Schema::Parse({{"s", R"(
      entity Team;
      entity User in Team = { name: String, a?: { b?: { c?: Bool } } };
      action read appliesTo { principal: User, resource: User };
    )"}});
    REMIT_CHECK(schema.has_value());
    schema_ = *schema;
  }

  struct Counts {
    std::size_t typing = 0, levels = 0;
  };
  Counts Count(std::string_view condition) const {
    auto expr = ParseExpr(condition);
    EXPECT_TRUE(expr.has_value()) << expr.error().ToString();
    if (!expr) return {};
    const RequestEnvironment environment{&schema_.actions().begin()->second, "User", "User", {}, {}};
    TypeCache cache;
    TypedTree tree;
    std::vector<Diagnostic> typing, levels;
    Typechecker checker(schema_, environment, ValidationMode::kStrict, cache, typing, &tree);
    checker.CheckCondition(**expr);
    if (typing.empty()) CheckLevel(**expr, tree, environment.action->uid, 1, levels);
    return {typing.size(), levels.size()};
  }

  Schema schema_;
};

constexpr int kTimes = 12;  // 2^12 findings, where each step doubles them

std::string Nested(std::string inner, std::string_view before, std::string_view after) {
  for (int i = 0; i < kTimes; ++i) inner = std::string(before) + inner + std::string(after);
  return inner;
}

TEST_F(LinearTest, ChainsBehindHas) {
  EXPECT_EQ(Count(Nested("1 + principal.name == 1", "{a: {b: ", "}} has a.b")).typing, 1u);
  EXPECT_EQ(Count(Nested("User::\"u\".name == \"u\"", "{a: {b: ", "}} has a.b")).levels, 1u);
  EXPECT_EQ(Count(Nested("1 + principal.name == 1", "(if ", " then principal else resource) has a.b")).typing, 1u);
  EXPECT_EQ(Count(Nested("User::\"u\".name == \"u\"", "(if ", " then principal else resource) has a.b")).levels, 1u);
}

TEST_F(LinearTest, IsIn) {
  EXPECT_EQ(Count(Nested("1 + principal.name == 1", "(if ", " then principal else resource) is User in Team::\"t\"")).typing, 1u);
  EXPECT_EQ(Count(Nested("User::\"u\".name == \"u\"", "(if ", " then principal else resource) is User in Team::\"t\"")).levels, 1u);
}

TEST_F(LinearTest, AsDeepAsTextMayBe) {
  std::string condition = "principal has a.b";
  while (ParseExpr("{a: {b: " + condition + "}} has a.b")) condition = "{a: {b: " + condition + "}} has a.b";
  EXPECT_EQ(Count(condition).typing, 0u);
}

// What is typed once is known by the same number wherever it stands, and by no other.
TEST_F(LinearTest, WhatIsKnownStaysWithItsExpression) {
  EXPECT_EQ(Count("principal has a.b.c && principal.a.b.c").typing, 0u);
  EXPECT_EQ(Count("(if principal has a.b then principal else resource) has a && "
                  "(if principal has a.b then principal else resource).a has b")
                .typing,
            0u);
  EXPECT_EQ(Count("(if principal has a.b then principal else resource) has a && "
                  "(if resource has a.b then principal else resource).a has b")
                .typing,
            1u);
  EXPECT_EQ(Count("principal has a.b && principal.a.b.c").typing, 1u);
  EXPECT_EQ(Count("(principal has a.b || true) && principal.a.b == principal.a.b").typing, 4u);  // `a` and `b`, twice
}

}  // namespace
}  // namespace remit::cedar
