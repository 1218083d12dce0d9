// What each operator means: results, and the policy's own errors.
#include <gtest/gtest.h>

#include "cedar/authorizer.h"
#include "cedar/evaluate/evaluator.h"
#include "cedar/parser.h"

namespace remit::cedar {
namespace {

class EvaluatorTest : public testing::Test {
 protected:
  EvaluatorTest() {
    std::vector<Entity> entities;
    entities.push_back({.uid = {"User", "ann"},
                        .attributes = {{"age", 30}, {"manager", EntityUid{"User", "bob"}}, {"address", Value::FromRecord({{"city", "Bonn"}})}},
                        .tags = {{"team", "red"}},
                        .parents = {{"Group", "staff"}}});
    entities.push_back({.uid = {"User", "bob"}, .attributes = {}, .tags = {}, .parents = {}});
    entities.push_back({.uid = {"Group", "staff"}, .attributes = {}, .tags = {}, .parents = {{"Group", "all"}}});
    entities_ = Entities::Build(std::move(entities)).value();
    request_ = {{"User", "ann"},
                {"Action", "read"},
                {"Doc", "d"},
                Value::FromRecord({{"n", 5}, {"b", true}, {"s", "text"}, {"r", Value::FromRecord({{"x", 1}})}})};
  }

  std::string Eval(std::string_view text) {
    const auto expr = ParseExpr(text);
    if (!expr) return "parse: " + expr.error().ToString();
    const auto value = EvaluateExpr(**expr, request_, entities_);
    if (value) return value->ToString();
    EXPECT_EQ(value.error().reason, "evaluation-error");
    return "error: " + value.error().message;
  }

  Entities entities_;
  Request request_;
};

TEST_F(EvaluatorTest, BooleansShortCircuitFromTheLeft) {
  EXPECT_EQ(Eval("false && 1"), "false");
  EXPECT_EQ(Eval("true || 1"), "true");
  EXPECT_EQ(Eval("true && 1"), "error: type error: expected bool, got long");
  EXPECT_EQ(Eval("1 && false"), "error: type error: expected bool, got long");
  EXPECT_EQ(Eval("false || \"x\""), "error: type error: expected bool, got string");
  EXPECT_EQ(Eval("if true then 1 else context.missing"), "1");
  EXPECT_EQ(Eval("if 1 then 1 else 2"), "error: type error: expected bool, got long");
  EXPECT_EQ(Eval("!1"), "error: type error: expected bool, got long");
  EXPECT_EQ(Eval("context.missing && false"), "error: record does not have the attribute `missing`");
}

TEST_F(EvaluatorTest, EqualityHoldsOverAllTypes) {
  EXPECT_EQ(Eval("1 == \"1\""), "false");
  EXPECT_EQ(Eval("1 != true"), "true");
  EXPECT_EQ(Eval("[1, 2, 2] == [2, 1]"), "true");
  EXPECT_EQ(Eval("{a: 1, b: 2} == {b: 2, a: 1}"), "true");
  EXPECT_EQ(Eval("{a: 1} == {a: 1, b: 2}"), "false");
  EXPECT_EQ(Eval("principal == User::\"ann\""), "true");
  EXPECT_EQ(Eval("User::\"x\" == Group::\"x\""), "false");
  EXPECT_EQ(Eval("decimal(\"1.0\") == decimal(\"1.0000\")"), "true");
  EXPECT_EQ(Eval("duration(\"60s\") == duration(\"1m\")"), "true");
  EXPECT_EQ(Eval("ip(\"10.0.0.1\") == ip(\"10.0.0.1/32\")"), "true");
  EXPECT_EQ(Eval("ip(\"10.0.0.1/24\") == ip(\"10.0.0.0/24\")"), "false");
}

TEST_F(EvaluatorTest, ArithmeticOverflowsAreErrors) {
  EXPECT_EQ(Eval("1 + 2 * 3 - 4"), "3");
  EXPECT_EQ(Eval("10 - 4 - 3"), "3");
  EXPECT_EQ(Eval("9223372036854775807 + 1"), "error: integer overflow while attempting to add the values `9223372036854775807` and `1`");
  EXPECT_EQ(Eval("-9223372036854775808 - 1"), "error: integer overflow while attempting to subtract the values `-9223372036854775808` and `1`");
  EXPECT_EQ(Eval("9223372036854775807 * 2"), "error: integer overflow while attempting to multiply the values `9223372036854775807` and `2`");
  EXPECT_EQ(Eval("-(-9223372036854775808)"), "error: integer overflow while attempting to negate the value `-9223372036854775808`");
  EXPECT_EQ(Eval("1 + true"), "error: type error: expected long, got bool");
}

TEST_F(EvaluatorTest, OrderIsOfLongsDatetimesAndDurations) {
  EXPECT_EQ(Eval("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3"), "true");
  EXPECT_EQ(Eval("datetime(\"2024-01-01\") < datetime(\"2024-01-02\")"), "true");
  EXPECT_EQ(Eval("duration(\"1h\") >= duration(\"60m\")"), "true");
  EXPECT_EQ(Eval("datetime(\"2024-01-01\") < duration(\"1h\")"), "error: type error: expected datetime, got duration");
  EXPECT_EQ(Eval("\"a\" < \"b\""), "error: type error: expected one of [long, datetime, duration], got string");
  EXPECT_EQ(Eval("decimal(\"1.0\") < decimal(\"2.0\")"), "error: type error: expected one of [long, datetime, duration], got decimal");
}

TEST_F(EvaluatorTest, InIsReflexiveAndTransitive) {
  EXPECT_EQ(Eval("principal in principal"), "true");
  EXPECT_EQ(Eval("principal in Group::\"staff\""), "true");
  EXPECT_EQ(Eval("principal in Group::\"all\""), "true");
  EXPECT_EQ(Eval("Group::\"all\" in principal"), "false");
  EXPECT_EQ(Eval("User::\"nobody\" in User::\"nobody\""), "true");
  EXPECT_EQ(Eval("principal in [User::\"bob\", Group::\"all\"]"), "true");
  EXPECT_EQ(Eval("principal in []"), "false");
  EXPECT_EQ(Eval("principal in [Group::\"all\", 1]"), "error: type error: expected entity, got long");
  EXPECT_EQ(Eval("principal in 1"), "error: type error: expected one of [set, entity], got long");
  EXPECT_EQ(Eval("1 in principal"), "error: type error: expected entity, got long");
  EXPECT_EQ(Eval("principal is User && !(principal is Group)"), "true");
  EXPECT_EQ(Eval("principal is User in Group::\"all\""), "true");
  EXPECT_EQ(Eval("principal is Group in 1"), "false");
  EXPECT_EQ(Eval("1 is User"), "error: type error: expected entity, got long");
}

TEST_F(EvaluatorTest, AttributesOfEntitiesAndRecords) {
  EXPECT_EQ(Eval("principal.age + context.n"), "35");
  EXPECT_EQ(Eval("principal.manager"), "User::\"bob\"");
  EXPECT_EQ(Eval("principal.manager.age"), "error: `User::\"bob\"` does not have the attribute `age`");
  EXPECT_EQ(Eval("User::\"nobody\".age"), "error: entity `User::\"nobody\"` does not exist");
  EXPECT_EQ(Eval("{a: {b: 1}}.a.b"), "1");
  EXPECT_EQ(Eval("context.x"), "error: record does not have the attribute `x`");
  EXPECT_EQ(Eval("1 .x"), "error: type error: expected one of [record, entity], got long");
}

TEST_F(EvaluatorTest, HasNeverFailsOnWhatIsMissing) {
  EXPECT_EQ(Eval("principal has age"), "true");
  EXPECT_EQ(Eval("principal has x"), "false");
  EXPECT_EQ(Eval("User::\"nobody\" has age"), "false");
  EXPECT_EQ(Eval("principal has address.city"), "true");
  EXPECT_EQ(Eval("principal has address.street"), "false");
  EXPECT_EQ(Eval("principal has manager.age"), "false");
  EXPECT_EQ(Eval("principal has x.y.z"), "false");
  EXPECT_EQ(Eval("principal has age.x"), "error: type error: expected one of [record, entity], got long");
  EXPECT_EQ(Eval("1 has x"), "error: type error: expected one of [record, entity], got long");
}

TEST_F(EvaluatorTest, Tags) {
  EXPECT_EQ(Eval("principal.hasTag(\"team\")"), "true");
  EXPECT_EQ(Eval("principal.hasTag(\"x\")"), "false");
  EXPECT_EQ(Eval("User::\"nobody\".hasTag(\"x\")"), "false");
  EXPECT_EQ(Eval("principal.getTag(\"team\")"), "\"red\"");
  EXPECT_EQ(Eval("principal.getTag(\"x\")"), "error: `User::\"ann\"` does not have the tag `x`");
  EXPECT_EQ(Eval("User::\"nobody\".getTag(\"x\")"), "error: entity `User::\"nobody\"` does not exist");
  EXPECT_EQ(Eval("principal.hasTag(1)"), "error: type error: expected string, got long");
  EXPECT_EQ(Eval("context.hasTag(\"x\")"), "error: type error: expected entity, got record");
}

TEST_F(EvaluatorTest, Sets) {
  EXPECT_EQ(Eval("[1, \"a\"].contains(\"a\")"), "true");
  EXPECT_EQ(Eval("[[1]].contains([1, 1])"), "true");
  EXPECT_EQ(Eval("[1, 2].containsAll([])"), "true");
  EXPECT_EQ(Eval("[1, 2].containsAll([2, 3])"), "false");
  EXPECT_EQ(Eval("[1, 2].containsAny([3, 2])"), "true");
  EXPECT_EQ(Eval("[1].containsAny([])"), "false");
  EXPECT_EQ(Eval("[].isEmpty()"), "true");
  EXPECT_EQ(Eval("[1].containsAll(1)"), "error: type error: expected set, got long");
  EXPECT_EQ(Eval("1 .contains(1)"), "error: type error: expected set, got long");
  EXPECT_EQ(Eval("[context.x].isEmpty()"), "error: record does not have the attribute `x`");
}

TEST_F(EvaluatorTest, Extensions) {
  EXPECT_EQ(Eval("ip(\"127.0.0.1\").isLoopback() && !ip(\"127.0.0.1/7\").isLoopback() && ip(\"::1\").isLoopback()"), "true");
  EXPECT_EQ(Eval("ip(\"224.0.0.1\").isMulticast() && ip(\"ff00::2\").isMulticast() && !ip(\"ff00::2/7\").isMulticast()"), "true");
  EXPECT_EQ(Eval("ip(\"10.1.2.3\").isInRange(ip(\"10.0.0.0/8\"))"), "true");
  EXPECT_EQ(Eval("ip(\"10.0.0.0/7\").isInRange(ip(\"10.0.0.0/8\"))"), "false");
  EXPECT_EQ(Eval("ip(\"::1\").isInRange(ip(\"0.0.0.0/0\"))"), "false");
  EXPECT_EQ(Eval("ip(\"1.2.3.4\").isIpv4() && ip(\"::\").isIpv6()"), "true");
  EXPECT_EQ(Eval("decimal(\"1.5\").lessThan(decimal(\"1.51\")) && decimal(\"2.0\").greaterThanOrEqual(decimal(\"2.0\"))"), "true");
  EXPECT_EQ(Eval("datetime(\"2024-10-15T11:38:02.101+1134\")"), "datetime(\"2024-10-15T00:04:02.101Z\")");
  EXPECT_EQ(Eval("datetime(\"1969-12-31T23:00:00Z\").toDate()"), "datetime(\"1969-12-31\")");
  EXPECT_EQ(Eval("datetime(\"1969-12-31T23:00:00Z\").toTime().toHours()"), "23");
  EXPECT_EQ(Eval("datetime(\"2024-01-02\").durationSince(datetime(\"2024-01-01\")).toMinutes()"), "1440");
  EXPECT_EQ(Eval("duration(\"-1d2h3m4s5ms\").toMilliseconds()"), "-93784005");
  EXPECT_EQ(Eval("duration(\"-1d2h\").toDays()"), "-1");
  EXPECT_EQ(Eval("ip(\"x\")"), "error: error while evaluating `ip` extension function: invalid IP address: `x`");
  EXPECT_EQ(Eval("ip(1)"), "error: type error: expected string, got long");
  EXPECT_EQ(Eval("ip()"), "error: wrong number of arguments provided to extension function `ip`: expected 1, got 0");
  EXPECT_EQ(Eval("\"1.0\".lessThan(decimal(\"1.0\"))"), "error: type error: expected decimal, got string");
  EXPECT_EQ(Eval("datetime(\"9999-12-31\").offset(duration(\"9223372036854775807ms\"))"),
            "error: error while evaluating `offset` extension function: `offset` overflows");
}

TEST_F(EvaluatorTest, ErrorsNameTheInnermostPlace) {
  const auto expr = ParseExpr("true &&\n  context.x == 1", "f");
  EXPECT_EQ(EvaluateExpr(**expr, request_, entities_).error().place, "f:2:3");
}

TEST_F(EvaluatorTest, WhatEscapesOutlivesTheRequest) {
  Value value;
  {
    const Request request = request_;
    value = EvaluateExpr(**ParseExpr("[principal, {r: resource}]"), request, entities_).value();
  }
  EXPECT_EQ(value.ToString(), "[User::\"ann\", {\"r\": Doc::\"d\"}]");
}

TEST_F(EvaluatorTest, TreesThatNoParserMadeEndAtTheRecursionLimit) {
  ExprPtr expr = MakeLiteral(true);
  for (int i = 0; i < 5000; ++i) {
    auto negation = std::make_shared<Expr>();
    negation->op = Op::kNot;
    negation->args.push_back(std::move(expr));
    expr = std::move(negation);
  }
  EXPECT_EQ(EvaluateExpr(*expr, request_, entities_).error().message, "recursion limit reached");
}

// The limit itself is a height that evaluates, by the tree and by the code made of it.
TEST_F(EvaluatorTest, TheRecursionLimitIsTheSameForTreesAndForCode) {
  for (const Op op : {Op::kAnd, Op::kIf}) {  // one asks for truths, one for values
    for (const std::size_t height : {kEvaluationDepth - 1, kEvaluationDepth, kEvaluationDepth + 1}) {
      ExprPtr expr = MakeLiteral(true);
      for (std::size_t i = 1; i < height; ++i) {
        auto above = std::make_shared<Expr>();
        above->op = op;
        above->args = {MakeLiteral(true), std::move(expr)};
        if (op == Op::kIf) above->args.push_back(MakeLiteral(false));
        expr = std::move(above);
      }
      auto policy = std::make_shared<Policy>();
      policy->effect = Effect::kPermit;
      policy->conditions.push_back({true, expr});
      const bool fits = height <= kEvaluationDepth;
      EXPECT_EQ(EvaluateExpr(*expr, request_, entities_).has_value(), fits) << height;
      const Response response = PolicySet::Build({policy}).value().IsAuthorized(request_, entities_);
      EXPECT_EQ(response.allowed, fits) << height;
      EXPECT_EQ(response.errors.size(), fits ? 0u : 1u) << height;
    }
  }
}

TEST_F(EvaluatorTest, LongChainsEvaluateInOrder) {
  std::string chain = "false || true";
  for (int i = 0; i < 100'000; ++i) chain += " && true";
  EXPECT_EQ(Eval(chain), "true");
  EXPECT_EQ(Eval("false && " + chain.substr(9) + " && context.x"), "false");
}

}  // namespace
}  // namespace remit::cedar
