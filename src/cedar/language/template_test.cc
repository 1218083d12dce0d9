// Slots are filled where they stand, all of them and no others.
#include "cedar/template.h"

#include <gtest/gtest.h>

#include "cedar/parser.h"

namespace remit::cedar {
namespace {

PolicyPtr Parse(std::string_view text, std::string_view id = "t") {
  const auto policies = ParsePolicies(text, "p.cedar", id);
  REMIT_CHECK(policies.has_value() && policies->size() == 1);
  return policies->front();
}

std::string Linked(std::string_view text, const SlotValues& values) {
  const auto policy = Link(*Parse(text), "link", values);
  if (!policy) return policy.error().reason + ": " + policy.error().message;
  EXPECT_EQ((*policy)->id, "link");
  EXPECT_FALSE((*policy)->IsTemplate());
  return ToString(**policy);
}

const EntityUid kAlice{"User", "alice"}, kDoc{"Doc", "1"};

TEST(TemplateTest, EverySlotIsFilled) {
  EXPECT_EQ(Linked("@a(\"b\") permit(principal == ?principal, action, resource in ?resource) when { true };", {kAlice, kDoc}),
            "@a(\"b\")\npermit (principal == User::\"alice\", action, resource in Doc::\"1\")\nwhen { true };");
  EXPECT_EQ(Linked("forbid(principal is User in ?principal, action, resource is A);", {kAlice, {}}),
            "forbid (principal is User in User::\"alice\", action, resource is A);");
}

TEST(TemplateTest, MissingAndSuperfluousValuesAreRefused) {
  EXPECT_EQ(Linked("permit(principal == ?principal, action, resource);", {}), "missing-slot: the slot `?principal` of template `t0` is not filled");
  EXPECT_EQ(Linked("permit(principal == ?principal, action, resource in ?resource);", {kAlice, {}}),
            "missing-slot: the slot `?resource` of template `t0` is not filled");
  EXPECT_EQ(Linked("permit(principal == ?principal, action, resource);", {kAlice, kDoc}),
            "unknown-slot: template `t0` has no slot `?resource` to fill");
  EXPECT_EQ(Linked("permit(principal, action, resource);", {}), "not-a-template: policy `t0` has no slots to fill");
}

TEST(TemplateTest, ASetIsItsPoliciesAndItsLinks) {
  const PolicyPtr fixed = Parse("permit(principal, action, resource);", "s"), open = Parse("permit(principal == ?principal, action, resource);");
  const auto all = LinkAll({{fixed}, {open}, {{"t0", "l1", {kAlice, {}}}, {"t0", "l2", {kDoc, {}}}}});
  ASSERT_TRUE(all.has_value());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->at(0)->id, "s0");
  EXPECT_EQ(all->at(2)->id, "l2");
  EXPECT_EQ(all->at(2)->principal.entities.front(), kDoc);
  EXPECT_TRUE(LinkAll({{}, {open}, {}})->empty());
}

TEST(TemplateTest, MessagesShowWhatHidesInAnId) {
  const auto missing = LinkAll({{}, {}, {{"a\x1b[2Jb", "l\n", {kAlice, {}}}}});
  EXPECT_EQ(missing.error().message.find('\x1b'), std::string::npos);
  EXPECT_EQ(missing.error().message.find('\n'), std::string::npos);
}

TEST(TemplateTest, IdsAreUniqueAndTemplatesKnown) {
  const PolicyPtr fixed = Parse("permit(principal, action, resource);", "s"), open = Parse("permit(principal == ?principal, action, resource);");
  auto reason = [](const PolicySetSource& source) { return LinkAll(source).error().reason; };
  EXPECT_EQ(reason({{fixed, fixed}, {}, {}}), "duplicate-policy");
  EXPECT_EQ(reason({{}, {open, open}, {}}), "duplicate-policy");
  EXPECT_EQ(reason({{fixed}, {open}, {{"t0", "s0", {kAlice, {}}}}}), "duplicate-policy");
  EXPECT_EQ(reason({{fixed}, {open}, {{"t0", "t0", {kAlice, {}}}}}), "duplicate-policy");
  EXPECT_EQ(reason({{fixed}, {open}, {{"t0", "l", {kAlice, {}}}, {"t0", "l", {kAlice, {}}}}}), "duplicate-policy");
  EXPECT_EQ(reason({{fixed}, {open}, {{"s0", "l", {kAlice, {}}}}}), "unknown-template");
  EXPECT_EQ(reason({{fixed}, {open}, {{"t0", "l", {}}}}), "missing-slot");
  EXPECT_EQ(reason({{open}, {}, {}}), "is-a-template");
}

}  // namespace
}  // namespace remit::cedar
