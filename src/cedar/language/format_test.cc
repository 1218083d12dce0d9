// What formatted policies look like.
#include "cedar/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remit::cedar {
namespace {

std::string Format(std::string_view text, FormatOptions options = {}) {
  const auto out = FormatPolicies(text, "p.cedar", options);
  if (!out) return "error: " + out.error().ToString();
  EXPECT_EQ(FormatPolicies(*out, "again", options).value_or("error"), *out);
  return *out;
}

TEST(FormatTest, ScopesStandOnOneLineOnlyWithoutConstraints) {
  EXPECT_EQ(Format("permit(principal,action,resource,);forbid (principal is A, action, resource);"),
            "permit (principal, action, resource);\n"
            "\n"
            "forbid (\n"
            "  principal is A,\n"
            "  action,\n"
            "  resource\n"
            ");\n");
  EXPECT_EQ(Format("permit(principal in ?principal, action in [Action::\"a\",Action::\"b\",], resource is A::B in ?resource);"),
            "permit (\n"
            "  principal in ?principal,\n"
            "  action in [Action::\"a\", Action::\"b\"],\n"
            "  resource is A::B in ?resource\n"
            ");\n");
}

TEST(FormatTest, ConditionsBreakBehindTheirOperators) {
  EXPECT_EQ(Format("@a(\"x\")@b permit(principal,action,resource)when{context.a==1}unless{[1,{a:2,\"b c\":3,},].contains(-1)};"),
            "@a(\"x\")\n"
            "@b\n"
            "permit (principal, action, resource)\n"
            "when { context.a == 1 }\n"
            "unless { [1, { a: 2, \"b c\": 3 }].contains(-1) };\n");
  EXPECT_EQ(Format("permit(principal,action,resource) when { context.something == 1 && (context.other || resource.owner == principal) && !false };"),
            "permit (principal, action, resource)\n"
            "when\n"
            "{\n"
            "  context.something == 1 &&\n"
            "  (context.other || resource.owner == principal) &&\n"
            "  !false\n"
            "};\n");
  EXPECT_EQ(Format("permit(principal,action,resource) when { if context.aaaaaaaaaa then {aaaaaaaaaa:1,bbbbbbbbbb:2} else ip(\"x\").isIpv4() };",
                   {.line_width = 39, .indent_width = 4}),
            "permit (principal, action, resource)\n"
            "when\n"
            "{\n"
            "    if\n"
            "        context.aaaaaaaaaa\n"
            "    then\n"
            "        {\n"
            "            aaaaaaaaaa: 1,\n"
            "            bbbbbbbbbb: 2\n"
            "        }\n"
            "    else\n"
            "        ip(\"x\").isIpv4()\n"
            "};\n");
}

TEST(FormatTest, EveryCommentStaysAtItsToken) {
  EXPECT_EQ(
      Format("\n\n// a\n\n//  b \npermit(principal,action, // scope\nresource) when { [1, // one\n// two\n2, // last\n] == 1 // three\n}; // end\n"
             "// behind\n\n//all"),
      "// a\n"
      "//  b\n"
      "permit (principal, action, // scope\n"
      "  resource)\n"
      "when\n"
      "{\n"
      "  [1, // one\n"
      "   // two\n"
      "   2\n"
      "  // last\n"
      "  ] == 1 // three\n"
      "}; // end\n"
      "// behind\n"
      "//all\n");
  EXPECT_EQ(Format("// only\n"), "// only\n");
  EXPECT_EQ(Format(" \n"), "");
}

TEST(FormatTest, StringsAreLeftAlone) {
  EXPECT_EQ(Format("permit(principal,action,resource) when { \"a // b  \n\n \\u{41}\" like \"*\" };"),
            "permit (principal, action, resource)\n"
            "when { \"a // b  \n\n \\u{41}\" like \"*\" };\n");
}

TEST(FormatTest, WhatDoesNotParseIsNotFormatted) { EXPECT_EQ(Format("permit(principal);"), "error: p.cedar:1:17: unexpected `)`, expected `,`"); }

// Of what is deep and wide, nearly all would be indentation.
TEST(FormatTest, WhatCouldNotBeReadAgainIsNotWritten) {
  std::string members;
  for (int i = 0; i < 30'000; ++i) members += "1,";
  std::string deep = "[" + members + "]";
  for (int i = 0; i < 180; ++i) deep = "{a:" + deep + "}";
  EXPECT_THAT(Format("permit(principal,action,resource) when { " + deep + " == 1 };"),
              testing::HasSubstr("laid out, the policies would have more than"));
  std::string chain = "context";
  for (int i = 0; i < 140; ++i) chain += ".a";
  std::string wide;
  for (int i = 0; i < 5000; ++i) wide += chain + " || ";
  EXPECT_THAT(Format("permit(principal,action,resource) when { " + wide + "true };"),
              testing::HasSubstr("laid out, the policies would have more than"));
}

}  // namespace
}  // namespace remit::cedar
