// Policies as JSON: the shape is the reference's, reading is the inverse of writing, and what the reference refuses is refused.
#include "cedar/policy_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cedar/parser.h"
#include "json/write.h"

namespace remit::cedar {
namespace {

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

json::Value Json(std::string_view text) {
  auto value = json::Parse(text, kPolicyJsonLimits);
  REMIT_CHECK(value.has_value());
  return *value;
}

std::string Written(std::string_view expr) { return json::Write(ExprToJson(**ParseExpr(expr))); }

std::string PolicyWritten(std::string_view text) { return json::Write(PolicyToJson(*ParsePolicies(text, "p")->front())); }

std::string ReadBack(std::string_view text) {
  const auto expr = ExprFromJson(Json(text));
  return expr ? ToString(**expr) : expr.error().place + ": " + expr.error().message;
}

std::string PolicyReadBack(std::string_view text) {
  const auto policy = PolicyFromJson(Json(text), "p");
  return policy ? ToString(**policy) : policy.error().place + ": " + policy.error().message;
}

// A policy whose `member` is `value`, everything else as plain as can be.
std::string With(std::string_view member, std::string_view value) {
  json::Value policy = Json(R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]})");
  policy.AsObject().Set(member, Json(value));
  return PolicyReadBack(json::Write(policy));
}

TEST(PolicyJsonTest, PoliciesHaveTheShapeOfTheReference) {
  EXPECT_EQ(PolicyWritten("permit(principal, action, resource);"),
            R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]})");
  EXPECT_EQ(PolicyWritten("@b(\"\") @a forbid(principal is A::B in C::\"x\", action in [Action::\"a\", Action::\"b\"], resource == D::\"y\") "
                          "when { true } unless { 1 };"),
            R"({"effect":"forbid","principal":{"op":"is","entity_type":"A::B","in":{"entity":{"type":"C","id":"x"}}},)"
            R"("action":{"op":"in","entities":[{"type":"Action","id":"a"},{"type":"Action","id":"b"}]},)"
            R"("resource":{"op":"==","entity":{"type":"D","id":"y"}},)"
            R"("conditions":[{"kind":"when","body":{"Value":true}},{"kind":"unless","body":{"Value":1}}],"annotations":{"a":null,"b":""}})");
  EXPECT_EQ(PolicyWritten("permit(principal in ?principal, action in [Action::\"a\"], resource is R in ?resource);"),
            R"({"effect":"permit","principal":{"op":"in","slot":"?principal"},"action":{"op":"in","entity":{"type":"Action","id":"a"}},)"
            R"("resource":{"op":"is","entity_type":"R","in":{"slot":"?resource"}},"conditions":[]})");
  EXPECT_EQ(PolicyWritten("permit(principal is A, action in [], resource == ?resource);"),
            R"({"effect":"permit","principal":{"op":"is","entity_type":"A"},"action":{"op":"in","entities":[]},)"
            R"("resource":{"op":"==","slot":"?resource"},"conditions":[]})");
}

TEST(PolicyJsonTest, ExpressionsHaveTheShapeOfTheReference) {
  EXPECT_EQ(Written("A::\"b\""), R"({"Value":{"__entity":{"type":"A","id":"b"}}})");
  EXPECT_EQ(Written("-5 == -(5)"), R"({"==":{"left":{"Value":-5},"right":{"neg":{"arg":{"Value":5}}}}})");
  EXPECT_EQ(Written("!context.a"), R"({"!":{"arg":{".":{"left":{"Var":"context"},"attr":"a"}}}})");
  EXPECT_EQ(Written("1 like \"a**\\*é\""),
            R"({"like":{"left":{"Value":1},"pattern":[{"Literal":"a"},"Wildcard","Wildcard",{"Literal":"*"},{"Literal":"é"}]}})");
  EXPECT_EQ(Written("action has a.b"), R"({"&&":{"left":{"has":{"left":{"Var":"action"},"attr":"a"}},)"
                                       R"("right":{"has":{"left":{".":{"left":{"Var":"action"},"attr":"a"}},"attr":"b"}}}})");
  EXPECT_EQ(Written("principal is A in resource"), R"({"is":{"left":{"Var":"principal"},"entity_type":"A","in":{"Var":"resource"}}})");
  EXPECT_EQ(Written("if true then [] else {a: 1}"),
            R"({"if-then-else":{"if":{"Value":true},"then":{"Set":[]},"else":{"Record":{"a":{"Value":1}}}}})");
  EXPECT_EQ(Written("ip(\"::1\").isInRange(ip(\"::\"))"), R"({"isInRange":[{"ip":[{"Value":"::1"}]},{"ip":[{"Value":"::"}]}]})");
  EXPECT_EQ(Written("[].isEmpty()"), R"({"isEmpty":{"arg":{"Set":[]}}})");
  EXPECT_EQ(Written("principal.hasTag(\"a\")"), R"({"hasTag":{"left":{"Var":"principal"},"right":{"Value":"a"}}})");
  EXPECT_EQ(Written("true && 1 && 2"), R"({"&&":{"left":{"&&":{"left":{"Value":true},"right":{"Value":1}}},"right":{"Value":2}}})");
}

TEST(PolicyJsonTest, EveryFormReadsBackEqual) {
  for (std::string_view text : {"principal.a[\"b c\"].d", "context has a", "context has \"a b\"", "1 like \"a**\\*b\"", "principal is A::B",
                                "principal is A in resource", "{}", "{\"\": 1, b: [1, [2]]}", "1 + 2 * 3 - -4 < 5", "!(!true) || false && 1 != 2",
                                "[1].contains(1) && [1].containsAll([]) && [1].containsAny([2]) && [].isEmpty()", "-(5)", "-9223372036854775808",
                                "datetime(\"2024-01-01\").offset(duration(\"1d\")).toDate() == ip()", "if context.a then \"x\" else action"}) {
    const ExprPtr expr = *ParseExpr(text);
    const auto again = ExprFromJson(ExprToJson(*expr));
    ASSERT_TRUE(again.has_value()) << text << ": " << again.error().ToString();
    EXPECT_TRUE(Equal(**again, *expr)) << text << " became " << ToString(**again);
  }
  for (std::string_view text : {"@a @b(\"c\") permit(principal in ?principal, action in [], resource is R in ?resource) unless { 1 };",
                                "forbid(principal == A::\"\", action in [Action::\"a\", N::Action::\"b\"], resource is R) when { 1 } when { 2 };"}) {
    const PolicyPtr policy = ParsePolicies(text, "p")->front();
    const auto again = PolicyFromJson(PolicyToJson(*policy), "x");
    ASSERT_TRUE(again.has_value()) << again.error().ToString();
    EXPECT_TRUE(Equal(**again, *policy)) << ToString(**again);
    EXPECT_EQ((*again)->id, "x");
  }
}

TEST(PolicyJsonTest, ChainsOfAnyLengthAreLeftDeep) {
  for (const std::size_t length : {31u, 32u, 33u, 40u, 900u}) {
    const ExprPtr chain = *ParseExpr("context.a" + Repeat(" && context.b", length));
    const json::Value written = ExprToJson(*chain);
    std::size_t depth = 0;
    for (const json::Value* at = &written; at->Find("&&") != nullptr; ++depth) at = at->Find("&&")->Find("left");
    EXPECT_EQ(depth, length);
    const auto text = json::Parse(json::Write(written), kPolicyJsonLimits);
    ASSERT_TRUE(text.has_value()) << text.error().ToString();
    const auto again = ExprFromJson(*text);
    ASSERT_TRUE(again.has_value()) << again.error().ToString();
    EXPECT_TRUE(Equal(**again, *chain)) << length;
  }
  const auto again = ExprFromJson(ExprToJson(**ParseExpr("true" + Repeat(" || false", 100'000))));
  EXPECT_TRUE(again.has_value());
}

// Chains in each other's first operands would add up.
TEST(PolicyJsonTest, NestedChainsStayReadable) {
  for (const std::size_t length : {2u, 40u, 900u}) {
    std::string text = "context.a";
    while (text.size() < 200'000) {
      std::string deeper = "!(" + text + Repeat(" && context.b", length) + ")";
      if (!ParseExpr(deeper)) break;
      text = std::move(deeper);
    }
    const ExprPtr chains = *ParseExpr(text);
    const auto document = json::Parse(json::Write(ExprToJson(*chains)), kPolicyJsonLimits);
    ASSERT_TRUE(document.has_value()) << length << ": " << document.error().ToString();
    const auto again = ExprFromJson(*document);
    EXPECT_TRUE(again.has_value()) << again.error().ToString();
  }
}

TEST(PolicyJsonTest, LongHasChainsStayBounded) {
  std::string text = "context";
  for (int i = 0; i < 60; ++i) text = "(" + text + " has a" + Repeat(".b", 20) + ")";
  const std::string written = Written(text);
  EXPECT_LT(written.size(), 500'000u);
  EXPECT_THAT(written, testing::HasSubstr(R"("attr":["a","b")"));
  EXPECT_TRUE(ExprFromJson(Json(written)).has_value());
}

TEST(PolicyJsonTest, ChainsOfOddNamesInEachOtherStayBounded) {
  const std::string open = R"({"has":{"attr":["a b","c"],"left":)";
  EXPECT_EQ(ReadBack(open + R"({"Var":"context"}}})"), "context has \"a b\" && context[\"a b\"] has c");
  EXPECT_THAT(ReadBack(Repeat(open, 50) + R"({"Var":"context"})" + Repeat("}}", 50)), testing::HasSubstr("of at most 64 nodes"));
}

TEST(PolicyJsonTest, DepthIsLimited) {
  auto nested = [](std::string_view open, std::string_view close, std::size_t times) {
    const auto value = json::Parse(Repeat(open, times) + R"({"Value":1})" + Repeat(close, times), kPolicyJsonLimits);
    REMIT_CHECK(value.has_value());
    const auto expr = ExprFromJson(*value);
    return expr ? "no error" : expr.error().message;
  };
  for (const auto& [open, close] : {std::pair(R"({"!":{"arg":)", "}}"), std::pair(R"({"Set":[)", "]}"), std::pair(R"({"Record":{"a":)", "}}"),
                                    std::pair(R"({"&&":{"left":{"Value":1},"right":)", "}}"), std::pair(R"({"has":{"attr":"a","left":)", "}}")}) {
    EXPECT_EQ(nested(open, close, 190), "no error") << open;
    EXPECT_THAT(nested(open, close, 210), testing::HasSubstr("nested too deeply")) << open;
  }
  EXPECT_THAT(ReadBack(R"({"Value":)" + Repeat("[", 300) + Repeat("]", 300) + "}"), testing::HasSubstr("nested too deeply"));
}

TEST(PolicyJsonTest, LiteralsHaveTheFormOfEntitiesJson) {
  EXPECT_EQ(ReadBack(R"({"Value":[1,"a",[true]]})"), "[1, \"a\", [true]]");
  EXPECT_EQ(ReadBack(R"({"Value":{"a":{"__entity":{"type":"A","id":"b","x":1}}}})"), "{a: A::\"b\"}");
  EXPECT_EQ(ReadBack(R"({"Value":{"__extn":{"fn":"ip","arg":"no address"}}})"), "ip(\"no address\")");
  EXPECT_EQ(ReadBack(R"({"Value":{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"2024-01-01"}},1]}}})"),
            "datetime(\"2024-01-01\").offset(1)");
  // What is not an escape is a record.
  EXPECT_EQ(ReadBack(R"({"Value":{"__entity":{"type":"A","id":"b"},"x":1}})"), "{__entity: {type: \"A\", id: \"b\"}, x: 1}");
  EXPECT_EQ(ReadBack(R"({"Value":{"__entity":{"type":"A"}}})"), "{__entity: {type: \"A\"}}");
  EXPECT_EQ(ReadBack(R"({"Value":{"__extn":1}})"), "{__extn: 1}");
  EXPECT_EQ(ReadBack(R"({"Value":{"__expr":"1","x":1}})"), "{__expr: \"1\", x: 1}");
  EXPECT_EQ(ReadBack(R"({"Value":{"__expr":"1"}})"), "Value: `__expr` is not supported");
  EXPECT_EQ(ReadBack(R"({"Value":[1,null]})"), "Value[1]: expected a value of Cedar, got null");
  EXPECT_EQ(ReadBack(R"({"Value":1.5})"), "Value: expected a value of Cedar, got a number");
  EXPECT_EQ(ReadBack(R"({"Value":{"__entity":{"type":"1","id":"b"}}})"), "Value.__entity.type: `1` is not the name of an entity type");
  EXPECT_EQ(ReadBack(R"({"Value":{"__extn":{"fn":"foo","arg":"1"}}})"), "Value.__extn: `foo` is not an operator, function or method");
}

TEST(PolicyJsonTest, WrongExpressionsAreRefusedWithTheirPlace) {
  EXPECT_EQ(ReadBack("{}"), ": an expression must have exactly one member, which names its operator, but this has 0");
  EXPECT_EQ(ReadBack("1"), ": expected an object, got an integer");
  EXPECT_EQ(ReadBack(R"({"foo":[]})"), "foo: `foo` is not an operator, function or method");
  EXPECT_EQ(ReadBack(R"({"isIpv4":[]})"), "isIpv4: call to the method `isIpv4` without a receiver");
  EXPECT_EQ(ReadBack(R"({"==":{"left":{"Value":1}}})"), "==: missing member `right`");
  EXPECT_EQ(ReadBack(R"({"==":{"left":{"Value":1},"right":{"Value":1},"x":1}})"), "==: unknown member `x`");
  EXPECT_EQ(ReadBack(R"({"&&":{"left":{"Value":1},"right":{"Value":1},"x":1}})"), ": unknown member `x`");
  EXPECT_EQ(ReadBack(R"({"&&":1})"), "&&: expected an object, got an integer");
  EXPECT_EQ(ReadBack(R"({"&&":{"left":{"Value":1},"right":{"Var":"x"}}})"), "&&.right.Var: invalid variable: `x`");
  EXPECT_EQ(ReadBack(R"({"Slot":"?principal"})"), "Slot: found a template slot outside of the policy scope");
  EXPECT_EQ(ReadBack(R"({"is":{"left":{"Value":1},"entity_type":"A::if"}})"), "is.entity_type: `A::if` is not the name of an entity type");
  EXPECT_EQ(ReadBack(R"({"is":{"left":{"Value":1},"entity_type":"A","in":null}})"), "1 is A");
  EXPECT_EQ(ReadBack(R"({"has":{"left":{"Value":1},"attr":[]}})"), "has.attr: expected an attribute's name, or an array of at least one");
  EXPECT_EQ(ReadBack(R"({"has":{"left":{"Value":1},"attr":["a","b"],"x":1}})"), "1 has a.b");
  EXPECT_EQ(ReadBack(R"({"has":{"left":{"Value":1},"attr":["a","b c"]}})"), "1 has a && 1.a has \"b c\"");
  EXPECT_EQ(ReadBack(R"({"like":{"left":{"Value":1},"pattern":["x"]}})"), "like.pattern[0]: expected `\"Wildcard\"` or `{\"Literal\": …}`");
  EXPECT_EQ(ReadBack(R"({"like":{"left":{"Value":1},"pattern":[{"Literal":"a"},{"Literal":""},{"Literal":"b*"},{"Wildcard":null}]}})"),
            "1 like \"ab\\**\"");
}

TEST(PolicyJsonTest, PoliciesAreAsStrictAsTheReference) {
  EXPECT_EQ(With("x", "1"), ": unknown member `x`");
  EXPECT_EQ(With("effect", "\"Permit\""), ": invalid policy effect: `Permit`");
  EXPECT_EQ(PolicyReadBack("{}"), ": missing member `effect`");
  EXPECT_EQ(With("annotations", "null"), "annotations: expected an object, got null");
  EXPECT_EQ(With("annotations", R"({"a b":"x"})"), "annotations: `a b` cannot be the name of an annotation");
  EXPECT_EQ(With("annotations", R"({"if":"x","a":null})"), "@a\n@if(\"x\")\npermit (principal, action, resource);");
  EXPECT_EQ(With("principal", R"({"op":"all","x":1})"), "permit (principal, action, resource);");
  EXPECT_EQ(With("principal", R"({"op":"ALL"})"), "principal: not a valid policy scope constraint: `ALL`");
  EXPECT_EQ(With("principal", R"({"op":"==","slot":"?principal","entity":{"__entity":{"type":"A","id":"b"}},"x":1})"),
            "permit (principal == A::\"b\", action, resource);");
  EXPECT_EQ(With("principal", R"({"op":"==","entity":{"type":"A","id":"b","__entity":{}}})"), "permit (principal == A::\"b\", action, resource);");
  EXPECT_EQ(With("principal", R"({"op":"==","entity":null})"), "principal.entity: expected an object, got null");
  EXPECT_EQ(With("principal", R"({"op":"==","slot":"?resource"})"), "principal: template slot `?resource` cannot stand for the principal");
  EXPECT_EQ(With("principal", R"({"op":"is","entity_type":"A","x":1})"), "principal: unknown member `x`");
  EXPECT_EQ(With("principal", R"({"op":"is","entity_type":"A","in":{"slot":"?principal","x":1}})"),
            "permit (principal is A in ?principal, action, resource);");
  EXPECT_EQ(With("principal", R"({"op":"in","entities":[]})"), "principal: missing member `entity`");
  EXPECT_EQ(With("action", R"({"op":"is","entity_type":"A"})"), "action: not a valid policy scope constraint: `is`");
  EXPECT_EQ(With("action", R"({"op":"==","slot":"?principal"})"), "action: template slot `?principal` cannot stand for the action");
  EXPECT_EQ(With("action", R"({"op":"in","entities":[{"type":"A","id":"b"}]})"),
            "action.entities: expected an entity uid with type `Action` but got `A::\"b\"`");
  EXPECT_EQ(With("conditions", R"([{"kind":"when","body":{"Value":1},"x":1}])"), "conditions[0]: unknown member `x`");
  EXPECT_EQ(With("conditions", R"([{"kind":"When","body":{"Value":1}}])"), "conditions[0]: unknown kind `When` of condition");
  EXPECT_EQ(With("conditions", R"([{"kind":"when"}])"), "conditions[0]: missing member `body`");
}

TEST(PolicyJsonTest, SetsWithTemplatesAndLinks) {
  constexpr std::string_view kText =
      R"({"staticPolicies":{"a":{"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]}},)"
      R"("templates":{"t":{"effect":"forbid","principal":{"op":"==","slot":"?principal"},"action":{"op":"All"},"resource":{"op":"All"},)"
      R"("conditions":[]}},"templateLinks":[{"templateId":"t","newId":"l","values":{"?principal":{"type":"U","id":"x"}}}]})";
  const auto set = PolicySetFromJson(Json(kText));
  ASSERT_TRUE(set.has_value()) << set.error().ToString();
  EXPECT_EQ(json::Write(PolicySetToJson(*set)), kText);
  const auto all = LinkAll(*set);
  ASSERT_TRUE(all.has_value());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(1)->id, "l");
  EXPECT_EQ(ToString(*all->at(1)), "forbid (principal == U::\"x\", action, resource);");
  const auto text = PolicySetFromJson(Json(R"({"staticPolicies":{"a":"permit(principal, action, resource);"}})"));
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->policies.front()->id, "a");
}

TEST(PolicyJsonTest, WrongSetsAreRefused) {
  auto error = [](std::string_view text) {
    const auto set = PolicySetFromJson(Json(text));
    return set ? "no error" : set.error().place + ": " + set.error().message;
  };
  EXPECT_EQ(error("{}"), "no error");
  EXPECT_EQ(error(R"({"links":[]})"), ": unknown member `links`");
  EXPECT_EQ(error(R"({"staticPolicies":{"a":"permit(principal in ?principal, action, resource);"}})"),
            "staticPolicies: `a` is a template: it has a slot");
  EXPECT_EQ(error(R"({"templates":{"a":"permit(principal, action, resource);"}})"), "templates: `a` is no template: it has no slot");
  EXPECT_EQ(error(R"({"staticPolicies":{"a":""}})"), ": policy `a`: expected the text of one policy, got 0 policies");
  EXPECT_EQ(error(R"({"staticPolicies":{"a":{}}})"), ": policy `a`: missing member `effect`");
  EXPECT_EQ(error(R"({"templateLinks":[{"templateId":"a","newId":"b","values":{"?foo":{"type":"A","id":"b"}}}]})"),
            "templateLinks[0].values: unknown member `?foo`");
  EXPECT_EQ(error(R"({"templateLinks":[{"templateId":"a","values":{}}]})"), "templateLinks[0]: missing member `newId`");
}

}  // namespace
}  // namespace remit::cedar
