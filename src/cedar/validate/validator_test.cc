// What the strict validator says, one rule a test. That its verdicts are those of the reference is validation_conformance_test.cc's.
#include "cedar/validator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cedar/parser.h"

namespace remit::cedar {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kSchema = R"(
  entity Team in Team;
  entity Admin;
  entity Color enum ["red", "blue"];
  entity User in Team = { name: String, age?: Long, boss?: User, address: { street: String, zip?: Long }, color: Color, born: datetime } tags String;
  entity Doc = { owner: User, readers: Set<User>, labels: Set<String>, size: Long, score: decimal, from: ipaddr };
  action all, other;
  action read in all appliesTo { principal: User, resource: Doc, context: { mfa: Bool, why?: String } };
  action admin appliesTo { principal: Admin, resource: [Doc, Team] };
)";

class ValidatorTest : public testing::Test {
 protected:
  ValidatorTest() {
    auto schema = Schema::Parse({{"s", std::string(kSchema)}});
    REMIT_CHECK(schema.has_value());
    schema_ = *schema;
  }

  std::vector<Diagnostic> Findings(std::string_view text, ValidationOptions options = {}) const {
    auto policies = ParsePolicies(text, "p.cedar");
    EXPECT_TRUE(policies.has_value()) << policies.error().ToString();
    return Validate(schema_, policies.value_or(std::vector<PolicyPtr>{}), options);
  }

  // "ok" or the findings, one a line: "reason: message (hint)".
  std::string Policy(std::string_view text, ValidationOptions options = {}) const {
    std::string all;
    for (const Diagnostic& finding : Findings(text, options)) {
      all += finding.reason + ": " + finding.message + (finding.hint.empty() ? "" : " (" + finding.hint + ")") + "\n";
    }
    return all.empty() ? "ok" : all;
  }
  // The condition of a policy for `read`.
  std::string When(std::string_view condition, ValidationOptions options = {}) const {
    return Policy("permit(principal, action == Action::\"read\", resource) when { " + std::string(condition) + " };", options);
  }
  std::string Permissive(std::string_view condition) const { return When(condition, {.mode = ValidationMode::kPermissive, .level = {}}); }
  std::string Level(unsigned level, std::string_view condition) const { return When(condition, {.level = level}); }

  Schema schema_;
};

TEST_F(ValidatorTest, AcceptsWhatIsWellTyped) {
  EXPECT_EQ(When("resource.owner == principal && principal.name like \"a*\" && resource.size + 1 < 10 && context.mfa"), "ok");
  EXPECT_EQ(When("resource.readers.contains(principal) || resource.labels.containsAny([\"a\", \"b\"])"), "ok");
  EXPECT_EQ(When("principal in Team::\"t\" && principal.address.street != \"\" && resource.from.isInRange(ip(\"10.0.0.0/8\"))"), "ok");
  EXPECT_EQ(When("if context has why then context.why == \"because\" else principal.born > datetime(\"2000-01-01\")"), "ok");
  EXPECT_EQ(Policy("permit(principal, action, resource);"), "ok");
}

TEST_F(ValidatorTest, NamesWhatDoesNotExist) {
  EXPECT_THAT(Policy("permit(principal == Usr::\"u\", action, resource);"),
              HasSubstr("unknown-entity-type: unknown entity type `Usr` (did you mean `User`?)"));
  EXPECT_THAT(Policy("permit(principal, action == Action::\"rea\", resource);"),
              HasSubstr("unknown-action: unknown action `Action::\"rea\"` (did you mean"));
  EXPECT_THAT(When("principal.nam == \"a\""), HasSubstr("unknown-attribute: entity type `User` has no attribute `nam` (did you mean `name`?)"));
  EXPECT_THAT(When("principal.color == Color::\"green\""), HasSubstr("unknown-entity: `Color::\"green\"` is not one of the entities"));
  EXPECT_THAT(When("principal is Usr"), HasSubstr("unknown-entity-type"));
  EXPECT_THAT(When("false && principal == Usr::\"u\""), HasSubstr("unknown-entity-type"));  // also where it is never evaluated
  EXPECT_THAT(When("action.x == 1"), HasSubstr("unknown-attribute"));
}

TEST_F(ValidatorTest, SaysWhereAndInWhichPolicy) {
  const auto findings =
      Findings("permit(principal, action, resource);\npermit(principal, action == Action::\"read\", resource) when { principal.nam };");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].policy, "policy1");
  EXPECT_EQ(findings[0].span.line, 2u);
  EXPECT_EQ(findings[0].ToError().code, Code::kInvalidArgument);
}

TEST_F(ValidatorTest, AsksForHasBeforeAnOptionalAttribute) {
  EXPECT_THAT(When("principal.age > 1"),
              HasSubstr("optional-attribute: attribute `age` of `principal` is optional and may be missing here (ask first: `principal has age`)"));
  EXPECT_EQ(When("principal has age && principal.age > 1"), "ok");
  EXPECT_EQ(When("principal has boss.age && principal.boss.age > 1"), "ok");
  EXPECT_EQ(When("principal has address.zip && principal.address.zip == 1"), "ok");
  EXPECT_EQ(When("if principal has age then principal.age > 1 else false"), "ok");
  EXPECT_EQ(When("!(principal has age) || principal.name == \"x\""), "ok");
  EXPECT_EQ(When("(principal has age && context.mfa || principal has age && resource.size > 1) && principal.age > 1"), "ok");
  EXPECT_THAT(When("principal has age || principal.age > 1"), HasSubstr("optional-attribute"));
  EXPECT_THAT(When("!(principal has age) && principal.age > 1"), HasSubstr("optional-attribute"));
  EXPECT_THAT(When("(principal has age || context.mfa) && principal.age > 1"), HasSubstr("optional-attribute"));
  EXPECT_THAT(When("resource.owner has age && principal.age > 1"), HasSubstr("optional-attribute"));
  EXPECT_THAT(Policy("permit(principal, action == Action::\"read\", resource) unless { principal has age } when { principal.age > 1 };"),
              HasSubstr("optional-attribute"));
  EXPECT_EQ(Policy("permit(principal, action == Action::\"read\", resource) when { principal has age } when { principal.age > 1 };"), "ok");
}

TEST_F(ValidatorTest, AsksForHasTagBeforeATag) {
  EXPECT_THAT(When("principal.getTag(\"a\") == \"b\""), HasSubstr("unsafe-tag"));
  EXPECT_THAT(When("principal.getTag(\"a\") == principal && false"), HasSubstr("unsafe-tag"));
  EXPECT_EQ(When("principal.hasTag(\"a\") && principal.getTag(\"a\") == \"b\""), "ok");
  EXPECT_EQ(When("principal.hasTag(principal.name) && principal.getTag(principal.name) like \"*\""), "ok");
  EXPECT_THAT(When("principal.hasTag(\"a\") && principal.getTag(\"b\") == \"b\""), HasSubstr("unsafe-tag"));
  EXPECT_THAT(When("resource.hasTag(\"a\") && resource.getTag(\"a\") == \"b\""), HasSubstr("impossible-policy"));  // Doc has no tags
  EXPECT_THAT(When("principal.hasTag(1)"), HasSubstr("unexpected-type"));
}

TEST_F(ValidatorTest, RefusesTypeErrors) {
  EXPECT_THAT(When("principal.name > 1"), HasSubstr("unexpected-type: expected `Long`, found `String`"));
  EXPECT_THAT(When("1 + \"a\" == 2"), HasSubstr("unexpected-type: expected `Long`, found `String`"));
  EXPECT_THAT(When("principal.name"), HasSubstr("unexpected-type: expected `Bool`, found `String`"));
  EXPECT_THAT(When("principal.name && true"), HasSubstr("unexpected-type"));
  EXPECT_THAT(When("principal.name in Team::\"t\""), HasSubstr("expected an entity, found `String`"));
  EXPECT_THAT(When("principal in resource.labels"), HasSubstr("expected an entity or a set of entities"));
  EXPECT_THAT(When("resource.size.contains(1)"), HasSubstr("expected a set"));
  EXPECT_THAT(When("principal.age has x"), HasSubstr("expected an entity or a record"));
  EXPECT_THAT(When("resource.score < resource.score"), HasSubstr("unexpected-type"));  // decimals have lessThan
  EXPECT_THAT(When("principal.born < duration(\"1d\")"), HasSubstr("expected `datetime`, found `duration`"));
}

TEST_F(ValidatorTest, RefusesComparisonsThatCannotHold) {
  EXPECT_THAT(When("principal.name == resource.size"), HasSubstr("incompatible-types: `String` and `Long`"));
  EXPECT_THAT(When("resource.labels.contains(1)"), HasSubstr("incompatible-types"));
  EXPECT_THAT(When("resource.labels.containsAll([1])"), HasSubstr("incompatible-types"));
  EXPECT_THAT(When("resource.readers.contains(resource)"), HasSubstr("incompatible-types"));
  EXPECT_THAT(When("[1, true].contains(2)"), HasSubstr("incompatible-types"));
  EXPECT_THAT(When("principal in [Team::\"t\", User::\"u\"]"), HasSubstr("incompatible-types"));
  EXPECT_THAT(When("(if context.mfa then principal else resource) == principal"), HasSubstr("incompatible-types"));
  EXPECT_THAT(When("principal.address == {street: \"s\"}"), HasSubstr("incompatible-types"));
  EXPECT_THAT(When("resource.labels == []"), HasSubstr("empty-set"));
  EXPECT_THAT(When("principal == resource"), HasSubstr("impossible-policy"));  // different entity types: false, not an error
}

TEST_F(ValidatorTest, ReadsExtensionLiteralsBeforehand) {
  EXPECT_THAT(When("resource.from == ip(\"10.0.0.300\")"), HasSubstr("bad-extension-value"));
  EXPECT_THAT(When("resource.score == decimal(principal.name)"), HasSubstr("not-literal"));
  EXPECT_THAT(When("resource.from == ip(1)"), HasSubstr("unexpected-type"));
  EXPECT_THAT(When("resource.from.isInRange(principal.name)"), HasSubstr("expected `ipaddr`, found `String`"));
}

TEST_F(ValidatorTest, ChecksEachEnvironmentThatTheScopeAllows) {
  EXPECT_THAT(Policy("permit(principal, action, resource) when { resource.size > 1 };"), HasSubstr("`Team` has no attribute `size`"));
  EXPECT_EQ(Policy("permit(principal, action, resource is Doc) when { resource.size > 1 };"), "ok");
  EXPECT_EQ(Policy("permit(principal, action, resource) when { resource is Doc && resource.size > 1 };"), "ok");
  EXPECT_EQ(Policy("permit(principal, action in Action::\"all\", resource) when { context.mfa };"), "ok");
  EXPECT_EQ(Policy("permit(principal is User in Team::\"t\", action, resource) when { principal.name == \"a\" };"), "ok");
  EXPECT_EQ(Policy("permit(principal, action, resource) when { action == Action::\"read\" && context.mfa };"), "ok");
  EXPECT_EQ(Policy("permit(principal, action, resource) when { action in [Action::\"all\", Action::\"other\"] && context.mfa };"), "ok");
}

TEST_F(ValidatorTest, RefusesAScopeThatNothingSatisfies) {
  EXPECT_THAT(Policy("permit(principal is Admin, action == Action::\"read\", resource);"), HasSubstr("no-applicable-action"));
  EXPECT_THAT(Policy("permit(principal == Team::\"t\", action == Action::\"read\", resource);"), HasSubstr("(did you mean `principal in`?)"));
  EXPECT_THAT(Policy("permit(principal, action == Action::\"all\", resource);"), HasSubstr("no-applicable-action"));
  EXPECT_THAT(Policy("permit(principal, action in [], resource);"), HasSubstr("no-applicable-action"));
  EXPECT_THAT(Policy("permit(principal, action in [], resource);"), HasSubstr("empty-set"));
  EXPECT_THAT(Policy("permit(principal, action, resource in User::\"u\");"), HasSubstr("no-applicable-action"));
}

TEST_F(ValidatorTest, WarnsOfPoliciesThatCanNeverBeTrue) {
  const auto findings = Findings("permit(principal, action == Action::\"read\", resource) when { principal is Admin };");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].severity, Diagnostic::Severity::kWarning);
  EXPECT_EQ(findings[0].reason, "impossible-policy");
  EXPECT_THAT(When("resource in principal"), HasSubstr("impossible-policy"));
  EXPECT_THAT(When("principal has nothing"), HasSubstr("impossible-policy"));
  EXPECT_THAT(When("1 == 2 && principal.age > 1"), HasSubstr("impossible-policy"));
}

TEST_F(ValidatorTest, WarnsOfTextThatReadsAsOtherText) {
  const auto of_user = [&](std::string_view id) { return Policy("permit(principal == User::\"" + std::string(id) + "\", action, resource);"); };
  EXPECT_THAT(of_user("a\\u{202e}b"), HasSubstr("odd-identifier: identifier `a\\u{202e}b` has characters that change the direction"));
  EXPECT_THAT(of_user("\u0430bc"), HasSubstr("mixes several scripts"));  // a Cyrillic a
  EXPECT_THAT(of_user("is\\u{200b}Admin"), HasSubstr("has the character U+200B"));
  EXPECT_THAT(of_user("new\\nline"), HasSubstr("U+000A"));
  EXPECT_EQ(of_user("get /pets/{petId}?a=b"), "ok");
  EXPECT_EQ(of_user("\u6771\u4eac\u30bf\u30ef\u30fc"), "ok");  // Han and Katakana are one writing system
  EXPECT_EQ(of_user("stra\u00dfe"), "ok");
  EXPECT_THAT(When("principal.name == \"s\u0430y\""), HasSubstr("odd-string"));
  EXPECT_THAT(When("principal.name like \"*\u202e*\""), HasSubstr("odd-string"));
  EXPECT_EQ(When("principal.name == \"line\\n\\0\""), "ok");  // a string may have what an identifier should not
  EXPECT_THAT(When("{\"n\u0430me\": 1} has x || true"), HasSubstr("odd-identifier"));
}

TEST_F(ValidatorTest, PermissiveModeAllowsWhatCannotFail) {
  EXPECT_EQ(Permissive("principal.name == resource.size"), "ok");
  EXPECT_EQ(Permissive("[principal, resource].contains(principal) && [1, 2].contains(true)"), "ok");
  EXPECT_THAT(Permissive("[1, true].contains(2)"), HasSubstr("incompatible-types"));
  EXPECT_EQ(Permissive("resource.labels == []"), "ok");
  EXPECT_EQ(Permissive("[].isEmpty() && principal in []"), "ok");
  EXPECT_EQ(Permissive("resource.score == decimal(principal.name)"), "ok");
  EXPECT_EQ(Permissive("(if context.mfa then principal else resource) == principal"), "ok");
  EXPECT_EQ(Permissive("(if context.mfa then principal else resource) in [Team::\"t\", User::\"u\"]"), "ok");
  EXPECT_EQ(Permissive("(if context.mfa then principal.address else {street: \"s\"}).street == \"s\""), "ok");
  EXPECT_EQ(Permissive("(if context.mfa then principal else resource.owner) has age && true"), "ok");
  EXPECT_THAT(Permissive("(if context.mfa then principal else resource).size == 1"), HasSubstr("does not always have"));
  EXPECT_THAT(Permissive("(if context.mfa then {a: 1} else {b: 1}).a == 1"), HasSubstr("does not always have"));
  EXPECT_EQ(Permissive("(if context.mfa then {a: 1} else {b: 1}) has a"), "ok");
  EXPECT_THAT(Permissive("(if context.mfa then 1 else true) == 1"), HasSubstr("incompatible-types"));
  EXPECT_THAT(Permissive("principal.name > 1"), HasSubstr("unexpected-type"));
  EXPECT_THAT(Permissive("principal.age > 1"), HasSubstr("optional-attribute"));
  EXPECT_THAT(Permissive("resource.from == ip(\"10.0.0.300\")"), HasSubstr("bad-extension-value"));
  EXPECT_THAT(Permissive("(if context.mfa then principal else resource) is Admin"), HasSubstr("impossible-policy"));
  EXPECT_EQ(Permissive("(if context.mfa then principal else resource) is User"), "ok");
}

TEST_F(ValidatorTest, ComparesTheActionWithLiteralsBeforehand) {
  EXPECT_THAT(When("action == 1"), HasSubstr("impossible-policy"));
  EXPECT_EQ(When("action != \"read\""), "ok");
  EXPECT_THAT(When("action == principal.name"), HasSubstr("incompatible-types"));
}

TEST_F(ValidatorTest, TypesTheActionsOfTheScopeAsASet) {
  const auto schema = Schema::Parse(
      {{"s", "entity U; action a appliesTo { principal: U, resource: U }; namespace N { action b appliesTo { principal: U, resource: U }; }"}});
  const auto policies = ParsePolicies("permit(principal, action in [Action::\"a\", N::Action::\"b\"], resource);", "p");
  const auto strict = Validate(*schema, *policies);
  ASSERT_EQ(strict.size(), 1u);
  EXPECT_EQ(strict[0].message, "set holds both `Action` and `N::Action`");
  EXPECT_THAT(Validate(*schema, *policies, {.mode = ValidationMode::kPermissive, .level = {}}), IsEmpty());
}

TEST_F(ValidatorTest, CountsTheStepsBetweenEntities) {
  EXPECT_EQ(Level(0, "context.mfa"), "ok");
  EXPECT_THAT(Level(0, "principal.name == \"a\""), HasSubstr("level-exceeded: reads entities 1 steps from the request, where at most 0 are allowed"));
  EXPECT_EQ(Level(1, "principal.name == \"a\" && principal.address.street == \"s\""), "ok");
  EXPECT_THAT(Level(1, "resource.owner.name == \"a\""), HasSubstr("level-exceeded: reads entities 2 steps"));
  EXPECT_EQ(Level(2, "resource.owner.name == \"a\""), "ok");
  EXPECT_EQ(Level(1, "resource.owner == principal"), "ok");
  EXPECT_THAT(Level(0, "principal in Team::\"t\""), HasSubstr("level-exceeded"));
  EXPECT_THAT(Level(0, "principal has age"), HasSubstr("level-exceeded"));
  EXPECT_THAT(Level(1, "resource.owner has boss.age"), HasSubstr("level-exceeded: reads entities 3 steps"));
  EXPECT_EQ(Level(3, "resource.owner has boss.age"), "ok");
  EXPECT_THAT(Level(1, "resource.owner.hasTag(\"t\") && resource.owner.getTag(\"t\") == \"x\""), HasSubstr("level-exceeded"));
  EXPECT_THAT(Level(9, "User::\"u\".name == \"a\""), HasSubstr("literal-dereference"));
  EXPECT_EQ(Level(9, "principal == User::\"u\" && principal in [Team::\"t\"]"), "ok");
  EXPECT_EQ(Level(1, "(if context.mfa then principal else resource.owner) == principal"), "ok");
  EXPECT_THAT(Level(1, "(if context.mfa then principal else resource.owner).name == \"a\""), HasSubstr("2 steps"));
  EXPECT_EQ(Level(1, "{a: principal, b: 1}.a.name == \"a\""), "ok");
  EXPECT_EQ(Level(0, "context.mfa || true || principal.name == \"a\""), "ok");  // never evaluated
  EXPECT_THAT(Policy("permit(principal in Team::\"t\", action == Action::\"read\", resource);", {.level = 0}), HasSubstr("level-exceeded"));
  EXPECT_EQ(Policy("permit(principal in Team::\"t\", action == Action::\"read\", resource);", {.level = 1}), "ok");
}

TEST_F(ValidatorTest, PutsErrorsBeforeWarnings) {
  const auto findings = Findings(
      "permit(principal, action == Action::\"read\", resource) when { principal is Admin };"
      "permit(principal, action == Action::\"read\", resource) when { principal.name };");
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].reason, "unexpected-type");
  EXPECT_EQ(findings[1].reason, "impossible-policy");
}

TEST_F(ValidatorTest, TypesTheSlotsOfTemplates) {
  EXPECT_EQ(Policy("permit(principal == ?principal, action == Action::\"read\", resource) when { principal.name == \"a\" };"), "ok");
  EXPECT_EQ(Policy("permit(principal in ?principal, action == Action::\"read\", resource == ?resource);"), "ok");
  EXPECT_EQ(Policy("permit(principal is User in ?principal, action, resource) when { principal.name == \"a\" };"), "ok");
  EXPECT_THAT(Policy("permit(principal is Admin in ?principal, action == Action::\"read\", resource);"), HasSubstr("no-applicable-action"));
}

// Actions that differ only in what the condition reads are checked each; it does not matter which of them stands first.
TEST(ValidatorEnvironmentsTest, ChecksEveryActionThatTheConditionCanTellApart) {
  const auto schema = Schema::Parse({{"s", R"(
    entity User, Doc;
    action a appliesTo { principal: User, resource: Doc, context: { n: Long } };
    action b appliesTo { principal: User, resource: Doc, context: { m: Long } };
  )"}});
  ASSERT_TRUE(schema.has_value());
  const auto findings = [&](std::string_view condition) {
    const auto policies = ParsePolicies("permit(principal, action, resource) when { " + std::string(condition) + " };", "p.cedar");
    return Validate(*schema, policies.value()).size();
  };
  EXPECT_EQ(findings("context.n > 1"), 1u);
  EXPECT_EQ(findings("context.m > 1"), 1u);
  EXPECT_EQ(findings("{ x: [context.n] }.x.contains(2)"), 1u);
  EXPECT_EQ(findings("{ x: [context.m] }.x.contains(2)"), 1u);
  EXPECT_EQ(findings("if action == Action::\"a\" then 1 < \"x\" else true"), 1u);
  EXPECT_EQ(findings("if action == Action::\"b\" then 1 < \"x\" else true"), 1u);
  EXPECT_EQ(findings("principal.name == \"x\""), 1u);
}

// Each mistake is one again for each combination of types, and shows types that may be as large as the limits let them.
class ValidatorBoundsTest : public testing::Test {
 protected:
  static std::vector<Diagnostic> Findings(const std::string& schema_text, const std::string& policies_text) {
    const auto schema = Schema::Parse({{"s", schema_text}});
    EXPECT_TRUE(schema.has_value()) << schema.error().ToString();
    const auto policies = ParsePolicies(policies_text, "p.cedar");
    EXPECT_TRUE(policies.has_value()) << policies.error().ToString();
    return Validate(schema.value(), policies.value());
  }

  static std::size_t Bytes(const std::vector<Diagnostic>& findings) {
    std::size_t bytes = 0;
    for (const Diagnostic& finding : findings) bytes += finding.message.size() + finding.hint.size();
    return bytes;
  }

  static std::string Repeat(int times, std::string_view text, std::string_view between) {
    std::string all;
    for (int i = 0; i < times; ++i) {
      if (i > 0) all += between;
      all += fmt::format(fmt::runtime(text), i);
    }
    return all;
  }
};

TEST_F(ValidatorBoundsTest, TellsOfSoManyErrorsAndSaysThatThereAreMore) {
  const std::string types = Repeat(20, "E{}", ", ");
  const std::string schema = "entity " + types + "; action a appliesTo { principal: [" + types + "], resource: [" + types + "] };";
  // 400 combinations of types, of which each has errors of its own.
  const std::string bad = "permit(principal, action, resource) when { " + Repeat(40, "principal.x{0} == resource.x{0}", " || ") + " };";
  auto findings = Findings(schema, "permit(principal, action, resource);" + bad + bad + "permit(principal, action, resource) when { 1 };");
  ASSERT_EQ(findings.size(), kMostFindings + 1);
  EXPECT_EQ(findings.front().reason, "unknown-attribute");
  EXPECT_EQ(findings.back().reason, "too-many-findings");
  EXPECT_EQ(findings.back().policy, "policy1");
  EXPECT_TRUE(std::ranges::all_of(findings, [](const Diagnostic& finding) { return finding.severity == Diagnostic::Severity::kError; }));

  // The same mistake in many environments is one.
  const std::string few = "permit(principal, action, resource) when { 1 < \"x\" || principal == action.x };";
  EXPECT_EQ(Findings(schema, few + "permit(principal, action, resource) when { 2 };").size(), 3u);
}

TEST_F(ValidatorBoundsTest, ShowsLargeTypesNamesAndExpressionsInPart) {
  const std::string name(300, 'n');
  std::string schema = "type T0 = { " + name + ": Long }; type S0 = { " + name + ": String };";
  for (int i = 1; i < 11; ++i) {
    schema += fmt::format("type T{0} = {{ a: T{1}, b: T{1} }}; type S{0} = {{ a: S{1}, b: S{1} }};", i, i - 1);
  }
  schema += "entity E = { t: T10, s: S10, o?: E }; action a appliesTo { principal: E, resource: E };";
  auto findings = Findings(schema, "permit(principal, action, resource) when { " + Repeat(100, "principal.t == principal.s", " || ") + " };");
  EXPECT_EQ(findings.size(), 100u);
  EXPECT_LT(Bytes(findings), 300'000u);

  const std::string large(100'000, 'x');
  const std::string deep = "E::\"" + large + "\"" + Repeat(100, ".o", "") + " == principal";
  findings = Findings(schema, "permit(principal, action, resource) when { " + deep + " || principal." + large + " };");
  EXPECT_EQ(findings.size(), 101u);
  EXPECT_LT(Bytes(findings), 300'000u);
}

}  // namespace
}  // namespace remit::cedar
