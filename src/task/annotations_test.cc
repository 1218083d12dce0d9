// Annotations mean what they say or are refused, with place and hint.
#include "task/annotations.h"

#include "task/test_catalogs.h"

namespace remit::task {
namespace {

constexpr const char* kPlain = "@task(\"x\") entity T; entity R; action a appliesTo { principal: [T], resource: [R] };";

// The first finding for a schema or a policy, as "reason: message (hint)".
std::string Schema(const std::string& schema) {
  const auto loaded = Catalog::Load({{"a.cedarschema", schema}});
  if (loaded.errors.empty()) return "";
  const auto& d = loaded.errors[0];
  return d.reason + ": " + d.message + " (" + d.hint + ")";
}

std::string Policy(const std::string& policy) {
  const auto loaded = Catalog::Load({{"a.cedarschema", kPlain}, {"a.cedar", policy}});
  if (loaded.errors.empty()) return "";
  const auto& d = loaded.errors[0];
  return d.span.ToString() + " " + d.reason + ": " + d.message + " (" + d.hint + ")";
}

TEST(Annotations, OfATaskTypeAreRead) {
  const auto catalog = MustLoad({{"a.cedarschema", R"(@task("Fix it") @name("fix") @ttl("10m") @max_ttl("1h") @heartbeat("20s") @reason("INC-[0-9]+")
                                                       @doc("more") entity Fix = { what: String };)"}});
  const TaskType& t = *catalog->FindType("fix");
  EXPECT_EQ(&t, catalog->FindType("Fix"));
  EXPECT_EQ(t.purpose, "Fix it");
  EXPECT_EQ(t.ttl, std::chrono::minutes(10));
  EXPECT_EQ(t.max_ttl, std::chrono::hours(1));
  EXPECT_EQ(t.heartbeat, std::chrono::seconds(20));
  EXPECT_EQ(t.reason_pattern, "INC-[0-9]+");
}

TEST(Annotations, HaveDefaults) {
  const auto catalog =
      MustLoad({{"a.cedarschema", "@task(\"x\") entity A; @task(\"x\") @max_ttl(\"5m\") entity B; @task(\"x\") @ttl(\"1h\") entity C;"}});
  EXPECT_EQ(catalog->FindType("A")->ttl, std::chrono::minutes(15));
  EXPECT_EQ(catalog->FindType("A")->max_ttl, std::chrono::minutes(15));
  EXPECT_EQ(catalog->FindType("A")->heartbeat, std::chrono::seconds(60));
  EXPECT_EQ(catalog->FindType("A")->name, "A");
  EXPECT_EQ(catalog->FindType("B")->ttl, std::chrono::minutes(5));
  EXPECT_EQ(catalog->FindType("C")->max_ttl, std::chrono::hours(1));
}

TEST(Annotations, UnknownOnesAreRefusedWithAGuess) {
  EXPECT_EQ(Schema("@tsk(\"x\") entity T;"), "unknown-annotation: unknown annotation `@tsk` (did you mean `@task`?)");
  EXPECT_EQ(Policy("@after_use(\"1\") forbid(principal, action == Action::\"a\", resource);"),
            "a.cedar:1:1 unknown-annotation: unknown annotation `@after_use` (did you mean `@after_uses`?)");
}

TEST(Annotations, LaterOnesAreRefusedByName) {
  for (const char* name : {"through_owner"}) {
    EXPECT_EQ(Schema(std::string("@task(\"x\") @") + name + "(\"1\") entity T;"),
              "not-supported: `@" + std::string(name) + "` is not supported in this version (leave it out)");
  }
}

TEST(Annotations, MalformedOnesSayHowToWriteThem) {
  EXPECT_EQ(Schema("@task(\"\") entity T;"), "malformed-annotation: `@task` needs the purpose of the task (write @task(\"what it is for\"))");
  EXPECT_EQ(Schema("@task(\"x\") @ttl(\"15\") entity T;"), "malformed-annotation: `@ttl` needs a duration, not `15` (write @ttl(\"15m\"))");
  EXPECT_EQ(Schema("@task(\"x\") @ttl(\"0s\") entity T;"), "malformed-annotation: `@ttl` needs a duration, not `0s` (write @ttl(\"15m\"))");
  EXPECT_EQ(Schema("@task(\"x\") @ttl(\"2h\") @max_ttl(\"1h\") entity T;"),
            "malformed-annotation: `@max_ttl` is shorter than `@ttl` (write @max_ttl(\"1h\"))");
  EXPECT_TRUE(Schema("@task(\"x\") @name(\"Fix it\") entity T;").starts_with("malformed-annotation: `@name`"));
  EXPECT_TRUE(Schema("@task(\"x\") @reason(\"(a\") entity T;").starts_with("malformed-annotation: `@reason`"));
  EXPECT_TRUE(Schema("@actor(\"yes\") entity A;").starts_with("malformed-annotation: `@actor` takes no value"));
  for (const char* count : {"", "0", "01", "-1", "1.5", "x", "4294967296"}) {
    EXPECT_TRUE(
        Policy("@after_uses(\"" + std::string(count) + "\") forbid(principal, action == Action::\"a\", resource);").find("malformed-annotation") !=
        std::string::npos)
        << count;
  }
}

TEST(Annotations, BudgetsTripsBreakGlassAndZone) {
  const auto catalog =
      MustLoad({{"a.cedarschema", R"(entity U; @task("x") @max_starts("1 per 24h by ticket; 20 per 1h") @max_active("2 by ticket, to")
      @trip("3 refusals per 1m, revoke") @break_glass("5m") @timezone("Europe/Berlin") entity T = { ticket: U, to?: String };)"}});
  const TaskType& t = *catalog->FindType("T");
  ASSERT_EQ(t.budgets.size(), 3u);
  EXPECT_EQ(t.budgets[0], (Budget{Budget::Kind::kActive, 2, {}, {"ticket", "to"}}));
  EXPECT_EQ(t.budgets[1], (Budget{Budget::Kind::kStarts, 1, std::chrono::hours(24), {"ticket"}}));
  EXPECT_EQ(t.budgets[2].Text(), "20 per 1h");
  EXPECT_EQ(*t.trip, (Trip{Trip::Then::kRevoke, 3, std::chrono::minutes(1)}));
  EXPECT_EQ(t.break_glass, std::chrono::minutes(5));
  EXPECT_EQ(t.timezone->name(), "Europe/Berlin");
}

TEST(Annotations, MalformedBudgetsSayWhatIsWrong) {
  auto type = [](const std::string& annotation) { return Schema("entity U; @task(\"x\") " + annotation + " entity T = { ticket: U };"); };
  EXPECT_EQ(type("@max_starts(\"1\")"),
            "malformed-annotation: `@max_starts` does not say in which time (write @max_starts(\"1 per 24h by ticket\"))");
  EXPECT_EQ(type("@max_starts(\"0 per 1h\")"),
            "malformed-annotation: `@max_starts` needs a whole number from 1 on, not `0` (write @max_starts(\"1 per 24h by ticket\"))");
  EXPECT_EQ(type("@max_starts(\"1 per day\")"),
            "malformed-annotation: `@max_starts` needs a duration after `per`, not `day` (write @max_starts(\"1 per 24h by ticket\"))");
  EXPECT_EQ(type("@max_active(\"1 by\")"), "malformed-annotation: `@max_active` names no parameter after `by` (write @max_active(\"1 by ticket\"))");
  EXPECT_EQ(type("@max_active(\"1 per 1h\")"),
            "malformed-annotation: `@max_active` is not understood from `per` on (write @max_active(\"1 by ticket\"))");
  for (const char* odd : {"", ";", "1 per 1h;", "-1 per 1h", "01 per 1h", "1 per 0s", "1 per 1h by ticket ticket", "1 per 1h by ticket,",
                          "1 per 1h by ,ticket", "1 per 1h by ticket, ticket", "4294967296 per 1h", "1 per 1h for ticket"})
    EXPECT_TRUE(type("@max_starts(\"" + std::string(odd) + "\")").starts_with("malformed-annotation")) << odd;
  EXPECT_EQ(type("@max_active(\"1 by tiket\")"),
            "malformed-annotation: `@max_active` counts by `tiket`, which is no parameter of `T` (did you mean `ticket`?)");
  EXPECT_EQ(
      type("@max_active(\"1 by actor\")"),
      "malformed-annotation: `@max_active` counts by `actor`, which is no parameter of `T` (every budget is counted for each actor: leave it out)");
}

TEST(Annotations, MalformedTripsSayWhatIsWrong) {
  for (const char* odd : {"", "3 refusals per 1m", "3 refusals per 1m, stop", "3 refusals, revoke", "0 refusals per 1m, revoke", "3 per 1m, revoke",
                          "3 refusals per 0s, revoke", "3 refusals per 1m, revoke, suspend", "1001 refusals per 1m, revoke"})
    EXPECT_TRUE(Schema("@task(\"x\") @trip(\"" + std::string(odd) + "\") entity T;").starts_with("malformed-annotation: `@trip`")) << odd;
}

TEST(Annotations, ATripRevokesOrSuspends) {
  EXPECT_EQ(Schema("@task(\"x\") @trip(\"3 refusals per 1m, suspend\") entity T;"), "");
  EXPECT_EQ(Schema("@task(\"x\") @trip(\"3 refusals per 1m, revoke\") entity T;"), "");
}

TEST(Annotations, BreakGlassIsShortAndAZoneIsKnown) {
  for (const char* times : {"@max_ttl(\"1h\") @break_glass(\"2h\")", "@max_ttl(\"1h\") @break_glass(\"1h\")", "@ttl(\"1h\") @break_glass(\"60m\")"})
    EXPECT_EQ(
        Schema("@task(\"x\") " + std::string(times) + " entity T;"),
        "malformed-annotation: `@break_glass` must be shorter than what `T` lives at most otherwise, 1h (a start that nobody approved is for less "
        "time: write half of it, or raise `@max_ttl`)")
        << times;
  EXPECT_EQ(Schema("@task(\"x\") @max_ttl(\"1h\") @break_glass(\"59m\") entity T;"), "");
  EXPECT_TRUE(Schema("@task(\"x\") @break_glass entity T;").starts_with("malformed-annotation"));
  EXPECT_TRUE(Schema("@task(\"x\") @timezone(\"Europe/Berln\") entity T;").starts_with("unknown-zone: no time zone `Europe/Berln` is known here"));
  EXPECT_TRUE(Schema("@task(\"x\") @timezone(\"../../etc/passwd\") entity T;").starts_with("unknown-zone"));
}

TEST(Annotations, LocalTimeNeedsAPlace) {
  const std::string schema = R"(@actor entity A; entity R; @task("x") ZONE entity T = { actor: A };
                                action a appliesTo { principal: [T], resource: [R], context: { CONTEXT } };)";
  auto load = [&](std::string zone, std::string context, std::string policy) {
    std::string text = schema;
    text.replace(text.find("ZONE"), 4, zone).replace(text.find("CONTEXT"), 7, context);
    return Refusal(text, policy);
  };
  const std::string zone = "@timezone(\"Europe/Berlin\")", local = "local: Remit::Local";
  const std::string friday = "forbid (principal, action == Remit::Action::\"start\", resource is T) when { context.local.weekday == 5 };";
  EXPECT_EQ(load(zone, local, friday), "");
  EXPECT_EQ(load("", local, ""), "no-timezone");
  EXPECT_EQ(load("", "", friday), "no-timezone");
  EXPECT_EQ(load("", "local: String", ""), "");  // its own attribute, which only has that name
  EXPECT_EQ(load("", "", "forbid (principal, action == Remit::Action::\"start\", resource is T) when { context.now > datetime(\"2026-01-01\") };"),
            "");
}

TEST(Annotations, InTheWrongPlaceAreRefused) {
  EXPECT_TRUE(Schema("@ttl(\"1h\") entity T;").starts_with("misplaced-annotation: `@ttl` means nothing on `T`, which is no task type"));
  for (const char* name :
       {"max_starts(\"1 per 1h\")", "max_active(\"1\")", "trip(\"3 refusals per 1m, revoke\")", "break_glass(\"5m\")", "timezone(\"UTC\")"})
    EXPECT_TRUE(Schema(std::string("@") + name + " entity T;").starts_with("misplaced-annotation")) << name;
  EXPECT_TRUE(Schema("@task(\"x\") @actor entity T;").starts_with("misplaced-annotation"));
  EXPECT_TRUE(Schema("@actor @person entity T;").starts_with("misplaced-annotation"));
  EXPECT_TRUE(Schema("@after_uses(\"1\") entity T;").starts_with("misplaced-annotation"));
  EXPECT_TRUE(Schema("entity T = { @ttl(\"1h\") a: Long };").starts_with("misplaced-annotation"));
  EXPECT_TRUE(Schema("entity T; @task(\"x\") action a appliesTo { principal: [T], resource: [T] };").starts_with("misplaced-annotation"));
  EXPECT_TRUE(Policy("@task(\"x\") permit(principal, action == Action::\"a\", resource);").find("misplaced-annotation") != std::string::npos);
}

TEST(Annotations, AnObligationStandsOnAForbidAlone) {
  EXPECT_EQ(
      Policy("@after_uses(\"1\") permit(principal, action == Action::\"a\", resource);"),
      "a.cedar:1:1 misplaced-annotation: `@after_uses` stands on a permit (obligations are forbids that Remit can lift: write a `forbid` with the "
      "same scope)");
  EXPECT_TRUE(Policy("@after_uses(\"1\") @unless_approved(\"1\") forbid(principal, action == Action::\"a\", resource);").find("two ways") !=
              std::string::npos);
}

TEST(Annotations, AnOpenTypeHasNoAttributesThatSomebodyWouldHaveToKnow) {
  EXPECT_TRUE(Schema("@open entity T = { a: Long };").starts_with("malformed-annotation"));
  EXPECT_EQ(Schema("@open entity T = { a?: Long };"), "");
  EXPECT_EQ(Schema("@open @from_pep entity T = { a: Long };"), "");
}

TEST(Annotations, APoliciesIdIsStableOrItsPlace) {
  const auto catalog = MustLoad({{"a.cedarschema", kPlain}, {"p.cedar", R"(
      permit(principal is T, action == Action::"a", resource);
      @id("no-more") @after_uses("3") forbid(principal is T, action == Action::"a", resource);
      @unless_approved("2") forbid(principal is T, action == Action::"a", resource);)"}});
  ASSERT_EQ(catalog->policies().policies().size(), 3u);
  EXPECT_EQ(catalog->FindLift("p.cedar:1"), nullptr);
  EXPECT_EQ(catalog->FindLift("no-more")->count, 3u);
  EXPECT_EQ(catalog->FindLift("p.cedar:3")->kind, Obligation::Kind::kUnlessApproved);
  EXPECT_TRUE(Policy("@id(\"a.cedar:1\") permit(principal, action == Action::\"a\", resource);").find("malformed-annotation") != std::string::npos);
  EXPECT_TRUE(
      Policy("@id(\"x\") permit(principal, action == Action::\"a\", resource); @id(\"x\") permit(principal, action == Action::\"a\", resource);")
          .find("duplicate-policy") != std::string::npos);
}

TEST(Reason, MatchesAsAWholeAndInTime) {
  EXPECT_TRUE(MatchesReason("(CHG|INC)-[0-9]+", "CHG-77"));
  EXPECT_FALSE(MatchesReason("(CHG|INC)-[0-9]+", "see CHG-77"));
  // A pattern that takes exponential time in a matcher that tries one way after the other.
  EXPECT_FALSE(MatchesReason("(a+)+b", std::string(500, 'a')));
  TaskType type;
  type.reason_pattern = "CHG-[0-9]+";
  EXPECT_EQ(CheckReason(type, "").error().reason, "bad-reason");
  EXPECT_TRUE(CheckReason(type, "CHG-1"));
  EXPECT_EQ(CheckReason(TaskType(), std::string(2000, 'x')).error().reason, "bad-reason");
  EXPECT_TRUE(CheckReason(TaskType(), ""));
}

}  // namespace
}  // namespace remit::task
