// What analysis proves, what it refutes with an example, and where it says that it cannot tell.
#include "cedar/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cedar/parser.h"

namespace remit::cedar {
namespace {

const Schema& TestSchema() {
  static const Schema schema = [] {
    auto parsed = Schema::Parse({{"s", R"(
      entity Team in Team;
      entity Color enum ["red", "green"];
      entity Plain;
      type Address = { city: String, zip?: Long };
      entity User in Team = {
        level: Long, name: String, admin: Bool, boss: User, docs: Set<Doc>, roles: Set<String>, address: Address, nick?: String, color: Color,
        since: datetime, score: decimal, ip: ipaddr, grace: duration, plain: Plain,
      } tags String;
      entity Folder in Folder;
      entity Doc in Folder = { owner: User, level: Long, public: Bool, readers: Set<Team>, title: String };
      action look;
      action read in look appliesTo {
        principal: User, resource: [Doc, Folder],
        context: { now: datetime, ip: ipaddr, mfa?: Bool, reason?: String, n: Long, tags: Set<String>, id: Long },
      };
      action write appliesTo { principal: User, resource: Doc, context: { n: Long } };
    )"}});
    REMIT_CHECK(parsed.has_value());
    return *parsed;
  }();
  return schema;
}

BoundPolicies Policies(std::string_view text) {
  auto parsed = ParsePolicies(text, "p");
  REMIT_CHECK(parsed.has_value());
  return {*parsed};
}

BoundPolicies When(std::string_view condition, std::string_view scope = "principal, action == Action::\"read\", resource is Doc") {
  return Policies("permit (" + std::string(scope) + ") when { " + std::string(condition) + " };");
}

std::string Say(const AnalysisAnswer& answer) {
  if (answer.verdict == Verdict::kUnknown) return "unknown: " + answer.open.at(0).why;
  return answer.verdict == Verdict::kYes ? "yes" : "no";
}

// The verdict; of a "no" also that its example shows it.
std::string Ask(const BoundPolicies& a, const BoundPolicies& b, const AnalysisOptions& options = {}) {
  const AnalysisAnswer answer = Implies(a, b, TestSchema(), options);
  if (answer.verdict == Verdict::kNo) {
    const Counterexample& example = *answer.counterexample;
    EXPECT_TRUE(PolicySet::Build(a.policies)->IsAuthorized(example.For(a), example.entities).allowed);
    EXPECT_FALSE(PolicySet::Build(b.policies)->IsAuthorized(example.For(b), example.entities).allowed);
    EXPECT_TRUE(TestSchema().ValidateRequest(example.For(a)));
  }
  EXPECT_EQ(answer.counterexample.has_value(), answer.verdict == Verdict::kNo);
  return Say(answer);
}

struct Pair {
  const char* narrow;
  const char* broad;
};

// The narrower implies the broader, and not the other way round.
class NarrowerTest : public testing::TestWithParam<Pair> {};

TEST_P(NarrowerTest, ImpliesTheBroaderOnly) {
  EXPECT_EQ(Ask(When(GetParam().narrow), When(GetParam().broad)), "yes");
  EXPECT_EQ(Ask(When(GetParam().broad), When(GetParam().narrow)), "no");
}

INSTANTIATE_TEST_SUITE_P(
    Analysis, NarrowerTest,
    testing::Values(
        Pair{"principal.admin && resource.public", "principal.admin"}, Pair{"principal.admin", "principal.admin || resource.public"},
        Pair{"principal.admin && resource.public", "if principal.admin then resource.public else principal.level == 3"},
        Pair{"!(principal.admin || resource.public)", "!principal.admin"},
        Pair{"principal.admin == resource.public && principal.admin", "resource.public"},
        // Errors: a missing attribute, a missing entity, an overflow.
        Pair{"principal has nick && principal.nick == \"x\"", "principal has nick"}, Pair{"principal.nick == \"x\"", "principal has nick"},
        Pair{"principal.boss.level > 3", "principal.boss has level"}, Pair{"principal.boss has nick", "principal.boss has level"},
        Pair{"principal.level + 1 > 5", "principal.level >= 5"},
        Pair{"principal.level * 3 < 10 && principal.level > 0", "principal.level * 2 <= 6 && principal.level >= -1"},
        Pair{"principal.boss in Team::\"a\"", "principal.boss has level"},
        // Equality and what follows from it.
        Pair{"resource.owner == principal && principal.level > 5", "resource.owner.level > 5"},
        Pair{"principal.boss == resource.owner && resource.owner.name == \"x\"", "principal.boss.name == \"x\""},
        Pair{"resource == Doc::\"1\"", "[Doc::\"1\", Doc::\"2\"].contains(resource)"}, Pair{"resource == Doc::\"1\"", "resource != Doc::\"2\""},
        Pair{"principal.address == {city: \"x\"}", "principal.address.city == \"x\""},
        Pair{"principal.color == Color::\"red\"", "principal.color != Color::\"green\" || principal.admin"},
        // Hierarchy.
        Pair{"principal in Team::\"a\" && Team::\"a\" in Team::\"b\"", "principal in Team::\"b\""},
        Pair{"principal in Team::\"a\"", "principal in [Team::\"a\", Team::\"b\"]"},
        Pair{"resource in Folder::\"f\" && Folder::\"f\" in Folder::\"g\" && Folder::\"g\" in Folder::\"f\"",
             "Folder::\"f\" == Folder::\"g\" || resource == Doc::\"1\""},
        Pair{"resource.owner == principal && principal in Team::\"a\"", "resource.owner in Team::\"a\""},
        Pair{"principal in resource.readers && resource.readers == [Team::\"a\"]", "principal in Team::\"a\""},
        Pair{"resource.readers.contains(Team::\"a\") && principal in Team::\"a\"", "principal in resource.readers"},
        // Numbers.
        Pair{"principal.level > 5", "principal.level > 3"},
        Pair{"principal.level > 3 && principal.level < 5", "principal.level == 4 || resource.public"},
        Pair{"principal.level < resource.level && resource.level < context.n", "principal.level < context.n - 1"},
        Pair{"principal.level == 4", "principal.level != 5"},
        Pair{"context.now > datetime(\"2024-06-01\")", "context.now >= datetime(\"2024-01-01\")"},
        Pair{"principal.since.offset(duration(\"2d\")) < context.now", "principal.since.offset(duration(\"1d\")) < context.now"},
        Pair{"context.now.durationSince(principal.since) > duration(\"2d\")", "principal.since < context.now"},
        Pair{"principal.grace.toMilliseconds() > 3000", "principal.grace > duration(\"2s\")"},
        Pair{"principal.score.lessThan(decimal(\"1.5\"))", "principal.score.lessThanOrEqual(decimal(\"2.0\"))"},
        Pair{"principal.level * principal.level == 4", "principal.level * principal.level < 5 || resource.public"},
        // Texts.
        Pair{"principal.name == \"alice\"", "principal.name like \"al*\""}, Pair{"principal.name like \"a*b*c\"", "principal.name like \"a*c\""},
        Pair{"principal.name like \"a*\" && principal.name like \"*b\" && principal.name != \"ab\"", "principal.name like \"a*b\""},
        Pair{"principal.name like \"é*\"", "principal.name like \"*é*\""}, Pair{"principal.name like \"a*\"", "!(principal.name like \"b*\")"},
        // Sets.
        Pair{"principal.docs.contains(resource) && principal.docs == [Doc::\"1\"]", "resource == Doc::\"1\""},
        Pair{"principal.roles.containsAll([\"a\", \"b\"])", "principal.roles.contains(\"a\")"},
        Pair{"principal.roles.contains(\"a\")", "principal.roles.containsAny([\"a\", \"b\"])"},
        Pair{"principal.roles.contains(\"a\")", "!principal.roles.isEmpty()"},
        Pair{"context.tags.containsAll(principal.roles) && principal.roles.contains(\"a\")", "context.tags.contains(\"a\")"},
        Pair{"context.tags.containsAny(principal.roles) && principal.roles == [\"a\"]", "context.tags.contains(\"a\")"},
        Pair{"context.tags == principal.roles", "context.tags.containsAll(principal.roles)"},
        Pair{"[\"a\", \"b\"].containsAll(principal.roles)", "!principal.roles.contains(\"c\")"},
        // Tags, contexts, addresses.
        Pair{"principal.hasTag(\"team\") && principal.getTag(\"team\") == \"red\"", "principal.hasTag(\"team\")"},
        Pair{"principal.getTag(principal.name) == \"red\" && principal.name == \"x\"", "principal.getTag(\"x\") like \"r*\""},
        Pair{"context has mfa && context.mfa", "context has mfa"},
        Pair{"context.ip.isInRange(ip(\"10.1.0.0/16\"))", "context.ip.isInRange(ip(\"10.0.0.0/8\"))"},
        Pair{"context.ip == ip(\"10.1.2.3\")", "context.ip.isIpv4() && !context.ip.isLoopback()"},
        Pair{"context.ip.isLoopback() && context.ip.isIpv4()", "context.ip.isInRange(ip(\"127.0.0.0/8\")) || context.ip.isIpv6()"}));

TEST(AnalysisTest, LooksAtScopesAndWholeSets) {
  const auto read = Policies("permit (principal, action == Action::\"read\", resource);");
  EXPECT_EQ(Ask(read, Policies("permit (principal, action in Action::\"look\", resource);")), "yes");
  EXPECT_EQ(Ask(Policies("permit (principal, action in Action::\"look\", resource);"), read), "yes");
  EXPECT_EQ(Ask(Policies("permit (principal, action, resource);"), read), "no");
  EXPECT_EQ(Ask(Policies("permit (principal, action, resource is Folder);"), read), "yes");
  EXPECT_EQ(Ask(Policies("permit (principal == User::\"a\", action == Action::\"read\", resource in Folder::\"f\");"), read), "yes");
  const std::string forbid = "forbid (principal, action, resource) when { resource has public && resource.public };";
  EXPECT_EQ(Ask(Policies("permit (principal, action, resource);" + forbid), Policies("permit (principal, action, resource);")), "yes");
  EXPECT_EQ(Ask(Policies("permit (principal, action, resource);"), Policies("permit (principal, action, resource);" + forbid)), "no");
  EXPECT_EQ(Ask(Policies("permit (principal, action, resource) unless { resource has public && resource.public };"),
                Policies("permit (principal, action, resource);" + forbid)),
            "yes");
  // A forbid that fails does not forbid.
  EXPECT_EQ(Ask(Policies("permit (principal, action, resource);"),
                Policies("permit (principal, action, resource); forbid (principal, action, resource) when { {}.a };")),
            "yes");
  // Together they cover what none of them does.
  EXPECT_EQ(Ask(When("true"), Policies("permit (principal, action, resource) when { principal.level < 3 };"
                                       "permit (principal, action, resource) when { principal.level > 2 };")),
            "yes");
  EXPECT_EQ(Ask(When("true"), Policies("permit (principal, action, resource) when { principal.level < 3 };"
                                       "permit (principal, action, resource) when { principal.level > 3 };")),
            "no");
}

TEST(AnalysisTest, AnswersTheOtherQuestions) {
  const Schema& schema = TestSchema();
  EXPECT_EQ(Say(NeverAllows(When("principal.level > 5 && principal.level < 6"), schema)), "yes");
  EXPECT_EQ(Say(NeverAllows(When("principal.level > 5 && principal.level < 7"), schema)), "no");
  EXPECT_EQ(Say(NeverAllows(When("principal.name like \"a*\" && principal.name like \"b*\""), schema)), "yes");
  EXPECT_EQ(Say(NeverAllows(Policies(""), schema)), "yes");
  EXPECT_EQ(Say(AlwaysAllows(Policies("permit (principal, action, resource);"), schema)), "yes");
  EXPECT_EQ(Say(AlwaysAllows(When("true"), schema)), "no");
  EXPECT_EQ(Say(AlwaysAllows(Policies("permit (principal, action, resource) when { principal.admin || !principal.admin };"), schema)), "yes");
  EXPECT_EQ(Say(Disjoint(When("principal.level > 5"), When("principal.level <= 5"), schema)), "yes");
  EXPECT_EQ(Say(Disjoint(When("principal.level > 5"), When("principal.level < 7"), schema)), "no");
  EXPECT_EQ(Say(Disjoint(When("principal.nick == \"x\""), When("!(principal has nick)"), schema)), "yes");
  EXPECT_EQ(Say(Equivalent(When("!(principal.admin && resource.public)"), When("!principal.admin || !resource.public"), schema)), "yes");
  EXPECT_EQ(Say(Equivalent(When("principal.level > 5"), When("principal.level >= 6"), schema)), "yes");
  EXPECT_EQ(Say(Equivalent(When("principal.level > 5"), When("principal.level + 1 >= 7"), schema)), "no");  // which overflows at the top
  EXPECT_EQ(Say(Equivalent(When("principal.level > 5"), When("principal.level > 6"), schema)), "no");
}

// One step beside each of these is wrong: bounds of rounding, of overflow, of what fails on the way.
TEST(AnalysisTest, KnowsWhereThingsEnd) {
  EXPECT_EQ(Ask(When("principal.grace.toSeconds() == 1"), When("principal.grace < duration(\"1999ms\")")), "no");
  EXPECT_EQ(Ask(When("principal.grace.toSeconds() == 1"), When("principal.grace <= duration(\"1999ms\")")), "yes");
  EXPECT_EQ(Ask(When("principal.grace.toSeconds() == -1"), When("principal.grace > duration(\"-1999ms\")")), "no");
  EXPECT_EQ(Ask(When("principal.grace.toSeconds() == -1"), When("principal.grace >= duration(\"-1999ms\")")), "yes");
  const std::string date = "context.now.toDate() == datetime(\"2024-01-01\")";
  EXPECT_EQ(Ask(When(date), When("context.now < datetime(\"2024-01-01T23:59:59.999Z\")")), "no");
  EXPECT_EQ(Ask(When(date), When("context.now <= datetime(\"2024-01-01T23:59:59.999Z\")")), "yes");
  EXPECT_EQ(Ask(When("principal.level * 2 < 0"), When("principal.level < 0")), "yes");
  EXPECT_EQ(Ask(When("principal.level * 2 > -2"), When("principal.level > -1")), "yes");
  EXPECT_EQ(Ask(When("principal.level < 0"), When("principal.level - 1 < 0")), "no");  // which overflows at the bottom
  EXPECT_EQ(Ask(When("principal.level > 0"), When("principal.level + 1 > 0")), "no");  // which overflows at the top
  EXPECT_EQ(Ask(When("!(principal.boss.admin && principal.admin)"), When("principal.boss has level")), "yes");
  EXPECT_EQ(Ask(When("!(principal.boss.boss has nick)"), When("principal.boss has level")), "yes");
  EXPECT_EQ(Ask(When("{city: \"x\"} == principal.address"), When("!(principal.address has zip)")), "yes");
  EXPECT_EQ(Say(NeverAllows(When("context.ip.isInRange(ip(\"10.0.0.0/8\")) && context.ip != ip(\"10.0.0.0/8\")"), TestSchema())), "no");
  EXPECT_EQ(Say(NeverAllows(When("context.ip.isInRange(ip(\"10.0.0.1\")) && context.ip != ip(\"10.0.0.1\")"), TestSchema())), "yes");
  EXPECT_EQ(Say(NeverAllows(When("!(context.ip.isIpv4()) && context.ip.isInRange(ip(\"0.0.0.0/0\"))"), TestSchema())), "yes");
}

TEST(AnalysisTest, WhatIsNotUnderstoodIsNeitherTrueNorFalse) {
  const BoundPolicies strange = When("context has reason && context.now > datetime(context.reason)");
  EXPECT_THAT(Say(NeverAllows(strange, TestSchema())), testing::StartsWith("unknown"));
  EXPECT_THAT(
      Say(AlwaysAllows(Policies("permit (principal, action, resource);"
                                "forbid (principal, action, resource) when { context has reason && datetime(context.reason) > context.now };"),
                       TestSchema())),
      testing::StartsWith("unknown"));
}

TEST(AnalysisTest, ABoundPrincipalThatTheActionDoesNotApplyToMayNothing) {
  BoundPolicies bound = Policies("permit (principal, action, resource);");
  bound.principal = EntityUid{"Plain", "p"};
  EXPECT_EQ(Say(NeverAllows(bound, TestSchema())), "yes");
}

// An entity is in itself, also where nobody knows it; and nothing else is both above and below it.
TEST(AnalysisTest, AnEntityIsInItselfWithoutBeingThere) {
  const Schema schema =
      *Schema::Parse({{"s", "entity A in B = { n: Long, peer: A }; entity B in A; action a appliesTo { principal: A, resource: B };"}});
  const auto when = [](std::string_view condition) { return When(condition, "principal, action, resource"); };
  EXPECT_EQ(Say(Implies(when("principal.peer == A::\"x\" && principal.peer in A::\"x\""), when("A::\"x\" has n"), schema)), "no");
  EXPECT_EQ(Say(Implies(when("principal.peer in B::\"x\""), when("principal.peer has n"), schema)), "yes");
  EXPECT_EQ(Say(NeverAllows(when("principal in resource && resource in principal"), schema)), "yes");
}

TEST(AnalysisTest, BindsParameters) {
  Entity task{{"User", "task"}, {}, {}, {{"Team", "a"}}};
  task.attributes = {{"level", Value(3)},
                     {"name", Value("n")},
                     {"admin", Value(false)},
                     {"boss", Value(EntityUid{"User", "b"})},
                     {"docs", Value::Set({Value(EntityUid{"Doc", "1"}), Value(EntityUid{"Doc", "2"})})},
                     {"roles", Value::Set({})},
                     {"address", Value::FromRecord({{"city", Value("c")}})},
                     {"color", Value(EntityUid{"Color", "red"})},
                     {"since", Value(Datetime{})},
                     {"score", Value(Decimal{})},
                     {"ip", Value(IpAddr{})},
                     {"grace", Value(DurationValue{})},
                     {"plain", Value(EntityUid{"Plain", "p"})}};
  ASSERT_TRUE(TestSchema().ValidateEntity(task));
  const Entities known = *Entities::Build({task});
  const AnalysisOptions options{.known = &known};
  BoundPolicies bound = When("principal.docs.contains(resource)");
  bound.principal = task.uid;
  EXPECT_EQ(Ask(bound, When("resource == Doc::\"1\" || resource == Doc::\"2\""), options), "yes");
  EXPECT_EQ(Ask(bound, When("resource == Doc::\"1\""), options), "no");
  EXPECT_EQ(Ask(When("resource == Doc::\"1\""), bound, options), "yes");
  EXPECT_EQ(Ask(When("resource == Doc::\"3\""), bound, options), "no");
  // What the task may do, against what its owner may.
  BoundPolicies owner = When("principal == User::\"alice\" && [Doc::\"1\", Doc::\"2\", Doc::\"3\"].contains(resource)");
  owner.principal = EntityUid{"User", "alice"};
  EXPECT_EQ(Ask(bound, owner, options), "yes");
  EXPECT_EQ(Ask(owner, bound, options), "no");
  // Its team is known; what that team is in is not.
  EXPECT_EQ(Ask(When("principal.admin"), When("User::\"task\" in Team::\"a\""), options), "yes");
  EXPECT_EQ(Ask(When("principal.admin"), When("!(User::\"task\" in Team::\"b\")"), options), "no");
}

TEST(AnalysisTest, SaysWhereItCannotTell) {
  EXPECT_THAT(Ask(When("principal.level * resource.level == 6"), When("principal.level != 0")), testing::StartsWith("unknown"));
  EXPECT_THAT(Ask(When("context.now >= datetime(\"2024-01-01\")"), When("context.now.toDate() == datetime(\"2024-01-01\")")),
              testing::StartsWith("unknown"));
  AnalysisOptions few;
  few.work = 0;
  const BoundPolicies two = When("principal.level > 5 && resource.public || principal.level > 6 && principal.admin");
  EXPECT_EQ(Ask(two, When("principal.level > 4"), few), "unknown: there are too many cases");
  EXPECT_EQ(Ask(two, When("principal.level > 4")), "yes");
  // What both say alike needs no understanding.
  EXPECT_EQ(
      Ask(When("context.now.toDate() == datetime(\"2024-01-01\") && principal.admin"), When("context.now.toDate() == datetime(\"2024-01-01\")")),
      "yes");
}

// A duration in milliseconds is a number of another type, and so is a datetime that is an offset from the epoch: as a member of a set it is a value
// of that type. Taken for one of its old type it would equal nothing there, and "never" would be proven.
TEST(AnalysisTest, NumbersThatChangeTheirTypeStayWhatTheyAreInSets) {
  const auto schema = Schema::Parse({{"s", R"(
    entity User;
    action a appliesTo { principal: User, resource: User, context: {
      grace: duration, now: datetime, n: Long, numbers: Set<Long>, times: Set<datetime>, graces: Set<duration>,
    } };
  )"}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  const auto never = [&](std::string_view condition) { return Say(NeverAllows(When(condition, "principal, action, resource"), *schema)); };
  EXPECT_EQ(never("[context.grace.toMilliseconds()].containsAll(context.numbers) && context.numbers.contains(7)"), "no");
  EXPECT_EQ(never("[5].containsAll(context.numbers) && context.numbers.contains(context.grace.toMilliseconds())"), "no");
  EXPECT_EQ(never("[context.grace.toMilliseconds()].containsAll(context.numbers) && context.numbers.contains(context.n)"), "no");
  EXPECT_EQ(never("[datetime(\"1970-01-01\").offset(context.grace)].containsAll(context.times) && context.times.contains(datetime(\"2024-01-01\"))"),
            "no");
  EXPECT_EQ(never("[context.now.durationSince(datetime(\"1970-01-01\"))].containsAll(context.graces) && context.graces.contains(duration(\"7ms\"))"),
            "no");
  // What is not so is refuted still.
  EXPECT_EQ(
      never("[context.grace.toMilliseconds()].containsAll(context.numbers) && context.numbers.contains(7) && context.grace > duration(\"7ms\")"),
      "yes");
  EXPECT_EQ(never("context.n == context.grace.toMilliseconds() && context.numbers.contains(context.n) && "
                  "!context.numbers.contains(context.grace.toMilliseconds())"),
            "yes");
}

}  // namespace
}  // namespace remit::cedar
