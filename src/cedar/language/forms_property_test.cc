// Laws of the forms that a policy has: each can be turned into each other and back, and means the same.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cedar/format.h"
#include "cedar/language/lexer.h"
#include "cedar/language/normal_form.h"
#include "cedar/language/policy_generator.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"
#include "json/write.h"

namespace remit::cedar {
namespace {

PolicyPtr ParseOne(const std::string& text) {
  const auto policies = ParsePolicies(text, "printed");
  if (!policies) RC_FAIL(policies.error().ToString() + " in " + text);
  RC_ASSERT(policies->size() == 1u);
  return policies->front();
}

// Spaces, line breaks and comments put between the tokens of `text` at random.
std::string Scattered(const std::string& text) {
  auto tokens = TokenStream::Read(text, "");
  RC_ASSERT(tokens.has_value());
  static const std::vector<std::string> kBetween = {" ", "\n", "  ", " // one\n", "\n// two\n", "//three\r\n", "\n\n// \"four\n\n//five\n"};
  std::string out;
  while (!tokens->AtEnd()) {
    out += std::string(tokens->Next().text);
    out += kBetween[*rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, kBetween.size()))];
  }
  return out;
}

RC_GTEST_PROP(FormsProperty, TextOfAPolicyReadsBackEqual, ()) {
  const PolicyPtr policy = PolicyGenerator::Any();
  const PolicyPtr again = ParseOne(ToString(*policy));
  if (!Equal(*again, *policy)) RC_FAIL(ToString(*policy) + "\nbecame\n" + ToString(*again));
}

RC_GTEST_PROP(FormsProperty, JsonOfAPolicyReadsBackAsTheSame, ()) {
  const PolicyPtr policy = PolicyGenerator::Any();
  const json::Value written = PolicyToJson(*policy);
  const auto parsed = json::Parse(json::Write(written), kPolicyJsonLimits);
  RC_ASSERT(parsed.has_value());
  const auto again = PolicyFromJson(*parsed, "again");
  if (!again) RC_FAIL(again.error().ToString() + " in " + json::Write(written));
  if (!EqualInNormalForm(**again, *policy)) RC_FAIL(ToString(*policy) + "\nbecame\n" + ToString(**again));
  RC_ASSERT(PolicyToJson(**again) == written);
}

RC_GTEST_PROP(FormsProperty, FormattingKeepsPoliciesAndCommentsAndIsStable, ()) {
  const std::vector<PolicyPtr> policies = {PolicyGenerator::Any(), PolicyGenerator::Any()};
  const std::string text = Scattered(ToString(*policies[0]) + "\n" + ToString(*policies[1]));
  const FormatOptions options{.line_width = *rc::gen::inRange(1, 120), .indent_width = *rc::gen::inRange(0, 5)};
  const auto once = FormatPolicies(text, "scattered", options);  // checks meaning and comments itself
  if (!once) RC_FAIL(once.error().ToString() + " in " + text);
  const auto twice = FormatPolicies(*once, "once", options);
  RC_ASSERT(twice.has_value());
  RC_ASSERT(*twice == *once);
  const auto parsed = ParsePolicies(*once, "once");
  RC_ASSERT(parsed.has_value() && parsed->size() == 2u);
  RC_ASSERT(Equal(*parsed->at(0), *policies[0]));
  RC_ASSERT(Equal(*parsed->at(1), *policies[1]));
}

}  // namespace
}  // namespace remit::cedar
