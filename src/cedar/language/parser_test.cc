// The grammar: what is read, what is refused and why, and that printing is the inverse of parsing.
#include "cedar/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cedar/language/escape.h"
#include "cedar/language/lexer.h"

namespace remit::cedar {
namespace {

std::string Reprint(std::string_view text) {
  const auto expr = ParseExpr(text);
  return expr ? ToString(**expr) : "error: " + expr.error().message;
}

std::string ParseError(std::string_view text) {
  const auto expr = ParseExpr(text);
  return expr ? "no error" : expr.error().message;
}

std::string PolicyParseError(std::string_view text) {
  const auto policies = ParsePolicies(text, "p.cedar");
  return policies ? "no error" : policies.error().place + " " + policies.error().message;
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

TEST(LexerTest, TokensKeepTheirTextAndPlace) {
  auto tokens = TokenStream::Read("permit // why\n(a::b?)\t?principal \"x\\\"y\" 12 <= :: = é", "f");
  EXPECT_FALSE(tokens.has_value());
  EXPECT_EQ(tokens.error().message, "invalid token `é`");
  EXPECT_EQ(tokens.error().place, "f:2:38");
  tokens = TokenStream::Read("permit // why\n(a::b?)\t?principal \"x\\\"y\" 12 <=", "f");
  ASSERT_TRUE(tokens.has_value());
  std::vector<std::string> texts;
  while (!tokens->AtEnd()) texts.emplace_back(tokens->Next().text);
  EXPECT_EQ(texts, (std::vector<std::string>{"permit", "(", "a", "::", "b", "?", ")", "?principal", "\"x\\\"y\"", "12", "<="}));
}

TEST(LexerTest, UnfinishedStringsAndIllFormedTextAreRefused) {
  EXPECT_EQ(TokenStream::Read("a \"bc", "").error().message, "string literal does not end");
  EXPECT_EQ(TokenStream::Read("\"b\\", "").error().message, "string literal does not end");
  EXPECT_EQ(TokenStream::Read("\"\xff\"", "").error().message, "source text is not utf-8");
}

TEST(EscapeTest, EveryEscapeOfTheGrammar) {
  EXPECT_EQ(Unescape(R"(\n\r\t\\\0\'\"\x41\u{41}\u{1F600}\u{0_4_1})").value(), std::string("\n\r\t\\\0'\"AA\U0001F600A", 14));
  for (std::string_view bad :
       {R"(\*)", R"(\b)", R"(\x80)", R"(\x4)", R"(\u{})", R"(\u{1234567})", R"(\u{D800})", R"(\u{110000})", R"(\u41)", R"(\u{_1})", "\r"}) {
    EXPECT_FALSE(Unescape(bad).has_value()) << bad;
  }
}

TEST(EscapeTest, PatternsTellStarsFromWildcards) {
  auto matches = [](std::string_view pattern, std::string_view text) { return Matches(UnescapePattern(pattern).value(), text); };
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*c", "abbc"));
  EXPECT_TRUE(matches("a*b*c", "a_b_b_c"));
  EXPECT_FALSE(matches("a*b*c", "acb"));
  EXPECT_TRUE(matches(R"(a\*)", "a*"));
  EXPECT_FALSE(matches(R"(a\*)", "ab"));
  EXPECT_TRUE(matches("*ab", "abab"));
  EXPECT_FALSE(matches("ab*ab", "ab"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "x"));
  EXPECT_EQ(QuotePattern(UnescapePattern(R"(\*a**b\"*)").value()), R"("\*a**b\"*")");
}

// Long literals are searched for in another way than short ones; neither compares anew at each place.
TEST(PatternTest, LongLiteralsAreFoundInLinearTime) {
  const std::string run(1'000'000, 'a'), text = run + run + run + run;
  const auto matches = [&](const std::string& literal, std::string_view in) { return Matches(UnescapePattern("*" + literal + "*c").value(), in); };
  EXPECT_FALSE(matches(run + 'b', text));
  EXPECT_TRUE(matches(run + 'b', text + "b.c"));
  EXPECT_FALSE(matches(run + 'b', text + "bb"));
  for (const std::size_t size : {31u, 32u, 33u, 34u}) {
    const std::string literal = run.substr(0, size - 1) + "b";
    EXPECT_TRUE(matches(literal, "a" + literal + "c")) << size;
    EXPECT_TRUE(matches(literal, literal + "c")) << size;
    EXPECT_FALSE(matches(literal, literal.substr(1) + "c")) << size;
    EXPECT_FALSE(matches(literal, literal)) << size;
  }
}

TEST(ParserTest, PrecedenceIsThatOfTheGrammar) {
  EXPECT_EQ(Reprint("1 + 2 * 3 == 7 && true || false"), "1 + 2 * 3 == 7 && true || false");
  EXPECT_EQ(Reprint("(1 + 2) * 3"), "(1 + 2) * 3");
  EXPECT_EQ(Reprint("1 - (2 - 3) - 4"), "1 - (2 - 3) - 4");
  EXPECT_EQ(Reprint("true && (false || true)"), "true && (false || true)");
  EXPECT_EQ(Reprint("true || (false && true)"), "true || false && true");
  EXPECT_EQ(Reprint("!(principal in resource)"), "!(principal in resource)");
  EXPECT_EQ(Reprint("(if true then 1 else 2) + 3"), "(if true then 1 else 2) + 3");
  EXPECT_EQ(Reprint("- 5"), "-5");
  EXPECT_EQ(Reprint("-(5)"), "-(5)");
  EXPECT_EQ(Reprint("--5"), "-(-5)");
  EXPECT_EQ(Reprint("-5.a"), "-5.a");
  EXPECT_EQ(Reprint("(-5).a"), "(-5).a");
  EXPECT_EQ(Reprint("!!!!true"), "!(!(!(!true)))");
}

TEST(ParserTest, EveryFormOfExpression) {
  for (std::string_view text : {
           "principal.a[\"b c\"].d",
           "context has a.b.c",
           "context has \"a b\"",
           "resource like \"a*\\*\"",
           "principal is A::B",
           "principal is A in resource",
           "principal in [A::\"x\", B::C::\"y\"]",
           "{}",
           "{a: 1, \"b c\": [1, [2]]}",
           "[].isEmpty()",
           "[1].contains(1) && [1].containsAll([]) && [1].containsAny([2])",
           "principal.hasTag(\"k\") && principal.getTag(\"k\") == 1",
           "ip(\"1.2.3.4\").isInRange(ip(\"1.0.0.0/8\"))",
           "decimal(\"1.0\").lessThan(decimal(\"2.0\"))",
           "datetime(\"2024-01-01\").offset(duration(\"1d\")).toDate()",
           "if context.a then 1 else if context.b then 2 else 3",
           "(1 < 2) != (3 >= 4)",
           "\"\\u{1f}\\n\\\"\"",
       }) {
    const auto expr = ParseExpr(text);
    ASSERT_TRUE(expr.has_value()) << text << ": " << expr.error().ToString();
    EXPECT_EQ(ToString(**expr), text);
    EXPECT_TRUE(Equal(**ParseExpr(ToString(**expr)), **expr)) << text;
  }
  EXPECT_EQ(Reprint("[1, 2,]"), "[1, 2]");
  EXPECT_EQ(Reprint("{\"a\": 1,}"), "{a: 1}");
}

TEST(ParserTest, NumbersReachExactlyToTheEndsOfALong) {
  EXPECT_EQ(Reprint("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Reprint("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(ParseError("9223372036854775808"), "integer literal `9223372036854775808` is too large");
  EXPECT_EQ(ParseError("-9223372036854775809"), "integer literal `-9223372036854775809` is too small");
  EXPECT_EQ(ParseError("-(9223372036854775808)"), "integer literal `9223372036854775808` is too large");
}

TEST(ParserTest, WhatIsNotCedarIsRefusedByName) {
  EXPECT_THAT(ParseError("1 < 2 < 3"), testing::HasSubstr("must be used with parentheses"));
  EXPECT_EQ(ParseError("a"), "invalid variable: `a`");
  EXPECT_EQ(ParseError("1 / 2"), "division is not supported");
  EXPECT_EQ(ParseError("1 % 2"), "remainder/modulo is not supported");
  EXPECT_EQ(ParseError("principal = 1"), "`=` is not a valid operator in Cedar");
  EXPECT_EQ(ParseError("foo(1)"), "`foo` is not a valid function");
  EXPECT_EQ(ParseError("principal.foo(1)"), "`foo` is not a valid method");
  EXPECT_EQ(ParseError("isIpv4(1)"), "`isIpv4` is a method, not a function");
  EXPECT_EQ(ParseError("\"1\".decimal()"), "`decimal` is a function, not a method");
  EXPECT_EQ(ParseError("[1].contains()"), "call to `contains` requires exactly 1 argument, but got 0");
  EXPECT_EQ(ParseError("{a: 1, \"a\": 2}"), "duplicate key `a` in record literal");
  EXPECT_EQ(ParseError("principal.if"), "this identifier is reserved and cannot be used: `if`");
  EXPECT_EQ(ParseError("context has __cedar"), "this identifier is reserved and cannot be used: `__cedar`");
  EXPECT_EQ(ParseError("__cedar::A::\"x\" == 1"), "this identifier is reserved and cannot be used: `__cedar`");
  EXPECT_EQ(ParseError("!!!!!true"), "too many occurrences of `!`, at most 4 in a row are allowed");
  EXPECT_EQ(ParseError("-----principal.a"), "too many occurrences of `-`, at most 4 in a row are allowed");
  EXPECT_EQ(ParseError("?principal == 1"), "found template slot `?principal` outside of the policy scope");
  EXPECT_EQ(ParseError("true && if true then true else true"), "this identifier is reserved and cannot be used: `if`");
  EXPECT_EQ(ParseError("\"\\q\""), "the input `\\q` is not a valid escape");
  EXPECT_EQ(ParseError("1 2"), "unexpected `2`, expected an operator or the end");
  EXPECT_EQ(ParseError(""), "unexpected end of input, expected an expression");
}

TEST(ParserTest, DepthIsLimitedAndChainsAreNot) {
  EXPECT_TRUE(ParseExpr(Repeat("(", 150) + "1" + Repeat(")", 150)).has_value());
  for (const std::string& deep : {Repeat("(", 100'000), Repeat("[", 100'000), Repeat("{a:", 100'000), Repeat("if ", 100'000), Repeat("!(", 100'000),
                                  "context" + Repeat(".a", 100'000), "1" + Repeat(" + 1", 100'000), "1" + Repeat(" * 1", 100'000),
                                  "context has a" + Repeat(".a", 100'000), "ip(" + Repeat("ip(", 100'000)}) {
    EXPECT_THAT(ParseError(deep), testing::HasSubstr("nested too deeply")) << deep.substr(0, 20);
  }
  for (std::string_view link : {" && true", " || true", " && (true || true)"}) {
    const auto chain = ParseExpr("true" + Repeat(link, 100'000));
    ASSERT_TRUE(chain.has_value()) << chain.error().ToString();
    const auto again = ParseExpr(ToString(**chain));
    ASSERT_TRUE(again.has_value()) << again.error().ToString();
    EXPECT_TRUE(Equal(**again, **chain));
  }
}

TEST(ParserTest, PrintedChainsOfEveryLengthReadBackEqual) {
  for (std::size_t length = 1; length <= 140; ++length) {
    const auto chain = ParseExpr("context.a" + Repeat(" && context.b", length));
    const auto again = ParseExpr(ToString(**chain));
    ASSERT_TRUE(again.has_value()) << length;
    EXPECT_TRUE(Equal(**again, **chain)) << length;
  }
}

TEST(PolicyTest, ScopesAnnotationsAndConditions) {
  constexpr std::string_view kText =
      "@id(\"first\")\n@if(\"reserved words are fine here\")\n@flag\n"
      "permit (principal is A::B in C::\"x\", action in [Action::\"a\", N::Action::\"b\",], resource == D::\"y\",)\n"
      "when { true } unless { false };\n"
      "forbid (principal in ?principal, action == Action::\"a\", resource is E);";
  const auto policies = ParsePolicies(kText, "p.cedar", "x");
  ASSERT_TRUE(policies.has_value()) << policies.error().ToString();
  ASSERT_EQ(policies->size(), 2u);
  const Policy& first = *policies->at(0);
  EXPECT_EQ(first.id, "x0");
  EXPECT_EQ(first.FindAnnotation("id")->value, "first");
  EXPECT_EQ(first.FindAnnotation("flag")->value, "");
  EXPECT_EQ(first.FindAnnotation("none"), nullptr);
  EXPECT_EQ(first.span.ToString(), "p.cedar:1:1");
  EXPECT_EQ(
      ToString(first),
      "@flag\n@id(\"first\")\n@if(\"reserved words are fine here\")\n"
      "permit (principal is A::B in C::\"x\", action in [Action::\"a\", N::Action::\"b\"], resource == D::\"y\")\nwhen { true }\nunless { false };");
  EXPECT_EQ(ToString(*first.AsExpr()),
            "principal is A::B in C::\"x\" && action in [Action::\"a\", N::Action::\"b\"] && resource == D::\"y\" && true && !false");
  EXPECT_FALSE(first.IsTemplate());
  const auto same = ParsePolicies("permit(principal == ((A::\"x\")), action in ([(Action::\"a\")]), resource in (?resource));", "p");
  ASSERT_TRUE(same.has_value()) << same.error().ToString();
  EXPECT_EQ(ToString(*same->front()), "permit (principal == A::\"x\", action in [Action::\"a\"], resource in ?resource);");
  EXPECT_TRUE(policies->at(1)->IsTemplate());
}

TEST(PolicyTest, AnEmptyValueIsNotNone) {
  const auto policies = ParsePolicies("@a @b(\"\") permit(principal, action, resource);", "p");
  ASSERT_TRUE(policies.has_value());
  EXPECT_TRUE(policies->front()->FindAnnotation("a")->bare);
  EXPECT_FALSE(policies->front()->FindAnnotation("b")->bare);
  EXPECT_EQ(ToString(*policies->front()), "@a\n@b(\"\")\npermit (principal, action, resource);");
}

TEST(PolicyTest, AllErrorsOfATextAreReported) {
  constexpr std::string_view kText =
      "permit(principal, action, resource);\n"
      "allow(principal, action, resource);\n"
      "permit(principal, action) when { true };\n"
      "forbid(principal, action, resource);\n"
      "permit(principal, action, resource) when { foo( };\n"
      "permit(principal, action, resource)";
  const ParsedPolicies parsed = ParseAllPolicies(kText, "p.cedar", "p");
  ASSERT_EQ(parsed.policies.size(), 2u);
  EXPECT_EQ(parsed.policies[1]->id, "p3");
  std::vector<std::string> found;
  for (const Diagnostic& error : parsed.errors) found.push_back(error.policy + " " + error.ToError().place + " " + error.message);
  EXPECT_EQ(found, (std::vector<std::string>{"p1 p.cedar:2:1 invalid policy effect: `allow`", "p2 p.cedar:3:25 unexpected `)`, expected `,`",
                                             "p4 p.cedar:5:44 `foo` is not a valid function",
                                             "p5 p.cedar:6:36 unexpected end of input, expected `when`, `unless` or `;`"}));
  EXPECT_TRUE(ParseAllPolicies("permit(principal, action, resource);", "p").errors.empty());
  const ParsedPolicies unreadable = ParseAllPolicies("permit(principal, action, resource);\n #", "p.cedar");
  ASSERT_EQ(unreadable.errors.size(), 1u);
  EXPECT_EQ(unreadable.errors[0].span.ToString(), "p.cedar:2:2");
  EXPECT_EQ(ParseAllPolicies(Repeat("a;", 1000), "p").errors.size(), limits::kCedarParseErrors);
}

TEST(ParserTest, TextIsBounded) {
  const std::string one = "permit (principal, action, resource);";
  EXPECT_TRUE(ParsePolicies(one, "p", "policy", one.size()).has_value());
  EXPECT_EQ(ParsePolicies(one, "p", "policy", one.size() - 1).error().reason, "source-too-large");
  EXPECT_EQ(ParsePolicies(std::string(limits::kCedarFileBytes, ' '), "p").value().size(), 0u);
  const auto longer = std::string(limits::kCedarFileBytes + 1, ' ');
  EXPECT_EQ(ParsePolicies(longer, "p").error().reason, "source-too-large");
  EXPECT_EQ(ParseAllPolicies(longer, "p").errors.at(0).reason, "source-too-large");
}

TEST(PolicyTest, WrongScopesAreRefusedWithTheirPlace) {
  EXPECT_EQ(PolicyParseError("permit(principal, action);"), "p.cedar:1:25 unexpected `)`, expected `,`");
  EXPECT_EQ(PolicyParseError("permit(action, principal, resource);"), "p.cedar:1:8 unexpected `action`, expected the variable `principal`");
  // A declaration among policies is in the wrong file, not wrong.
  for (const char* word : {"entity", "action", "type", "namespace"})
    EXPECT_EQ(ParsePolicies(std::string(word) + " X;", "p.cedar").error().hint, "declarations go into a .cedarschema file") << word;
  EXPECT_EQ(ParsePolicies("allow(principal, action, resource);", "p.cedar").error().hint, "effect must be either `permit` or `forbid`");
  EXPECT_EQ(PolicyParseError("allow(principal, action, resource);"), "p.cedar:1:1 invalid policy effect: `allow`");
  EXPECT_EQ(PolicyParseError("permit(principal: User, action, resource);"), "p.cedar:1:17 type constraints using `:` are not supported");
  EXPECT_EQ(PolicyParseError("permit(principal, action == User::\"a\", resource);"),
            "p.cedar:1:29 expected an entity uid with type `Action` but got `User::\"a\"`");
  EXPECT_EQ(PolicyParseError("permit(principal, action is A, resource);"), "p.cedar:1:26 `is` cannot appear in the action scope");
  EXPECT_EQ(PolicyParseError("permit(principal == ?resource, action, resource);"),
            "p.cedar:1:21 template slot `?resource` cannot stand for the principal");
  EXPECT_EQ(PolicyParseError("permit(principal, action, resource) when { };"), "p.cedar:1:37 `when` condition clause cannot be empty");
  EXPECT_EQ(PolicyParseError("@a @a permit(principal, action, resource);"), "p.cedar:1:5 duplicate annotation: `@a`");
  EXPECT_EQ(PolicyParseError("permit(principal, action, resource)"), "p.cedar:1:36 unexpected end of input, expected `when`, `unless` or `;`");
  EXPECT_EQ(PolicyParseError("permit(principal > A::\"x\", action, resource);"), "p.cedar:1:18 not a valid policy scope constraint: `>`");
}

}  // namespace
}  // namespace remit::cedar
