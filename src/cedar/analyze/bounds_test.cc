// What analysis may cost is bounded: where it would be more it says that it cannot tell. Each question here took for ever once, or would.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cedar/analysis.h"
#include "cedar/analyze/formula.h"
#include "cedar/analyze/search.h"
#include "cedar/analyze/words.h"
#include "cedar/parser.h"

namespace remit::cedar::analyze {
namespace {

BoundPolicies When(const std::string& condition) {
  auto parsed = ParsePolicies("permit (principal, action, resource) when { " + condition + " };", "p");
  REMIT_CHECK(parsed.has_value());
  return {*parsed};
}

Schema SchemaOf(const std::string& text) {
  auto schema = Schema::Parse({{"s", text + " action a appliesTo { principal: User, resource: User };"}});
  REMIT_CHECK(schema.has_value());
  return *schema;
}

std::string Why(const AnalysisAnswer& answer) {
  return answer.verdict == Verdict::kYes ? "yes" : answer.verdict == Verdict::kNo ? "no" : answer.open.at(0).why;
}

TEST(AnalysisBoundsTest, EveryPairOfAtomsAboutASetIsAnAxiomButNotBeyondTheBound) {
  const Schema schema = SchemaOf("entity User = { roles: Set<String>, numbers: Set<Long> };");
  const auto members = [](const char* set, int count, const char* quote) {
    std::string text = "true";
    for (int i = 0; i < count; ++i) text += fmt::format(" && {}.contains({}{}{})", set, quote, i, quote);
    return text;
  };
  std::string subsets = "true";
  for (int i = 0; i < 250; ++i) subsets += fmt::format(" && ![\"a{}\", \"b{}\"].containsAll(principal.roles)", i, i);
  const AnalysisAnswer pairs = NeverAllows(When(members("principal.roles", 250, "\"") + " && " + subsets), schema);
  EXPECT_EQ(Why(pairs), "the policies are too large together");
  EXPECT_EQ(pairs.work, 0U) << "known before the search";
  const AnalysisAnswer numbers = NeverAllows(When(members("principal.numbers", 400, "")), schema);
  EXPECT_EQ(Why(numbers), "no") << "written numbers are told apart without axioms";
  EXPECT_EQ(Why(NeverAllows(When(members("principal.roles", 20, "\"")), schema)), "no");
}

TEST(AnalysisBoundsTest, RecordsThatBothSidesHaveAreComparedOnceALevel) {
  std::string type = "Long";
  for (int i = 0; i < 60; ++i) type = "{ x: " + type + " }";
  const Schema schema = SchemaOf("entity User = { deep: " + type + ", n: Long };");
  EXPECT_EQ(Why(Implies(When("principal.deep == resource.deep"), When("principal.deep.x == resource.deep.x"), schema)), "yes");
  EXPECT_EQ(Why(Implies(When("principal.deep.x == resource.deep.x"), When("principal.n == resource.n"), schema)), "no");
}

TEST(AnalysisBoundsTest, SetsWithinSetsAreComparedUpToABound) {
  const Schema schema = SchemaOf("entity User = { n: Long };");
  const auto nested = [](int depth, const std::string& inner) {
    return std::string(static_cast<std::size_t>(depth), '[') + inner + std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(Why(Implies(When(nested(3, "principal.n") + " == " + nested(3, "resource.n")), When("principal.n == resource.n"), schema)), "yes");
  const AnalysisAnswer deep = Implies(When(nested(60, "principal.n") + " == " + nested(60, "resource.n")), When("principal.n == resource.n"), schema);
  EXPECT_NE(deep.verdict, Verdict::kYes) << "nothing of it was understood";
  EXPECT_EQ(deep.verdict, Verdict::kUnknown);
}

// Two ways up from each of a hundred known groups to the next: 2^100 ways in all.
TEST(AnalysisBoundsTest, AKnownHierarchyIsGoneThroughOnceHoweverManyWaysLeadUp) {
  const Schema schema = SchemaOf("entity Team in Team; entity User in Team = { n: Long };");
  std::vector<Entity> teams;
  const auto team = [](int level, int side) { return EntityUid{"Team", fmt::format("{}-{}", level, side)}; };
  constexpr int kLevels = 100;
  for (int level = 0; level < kLevels; ++level) {
    for (const int side : {0, 1}) {
      Entity entity{team(level, side), {}, {}, {}};
      if (level + 1 < kLevels) entity.parents = {team(level + 1, 0), team(level + 1, 1)};
      teams.push_back(std::move(entity));
    }
  }
  teams.push_back({{"User", "u"}, {{"n", Value(1)}}, {}, {team(0, 0)}});
  const Entities known = *Entities::Build(std::move(teams));
  const AnalysisOptions options{.known = &known};
  // All of them are known, and none is in `Team::"x"`; nor can anything be added to them.
  EXPECT_NE(Why(NeverAllows(When("principal == User::\"u\" && principal in Team::\"x\""), schema, options)), "no");
  EXPECT_EQ(Why(NeverAllows(When("principal == User::\"u\" && principal in Team::\"99-1\""), schema, options)), "no");
}

TEST(FormulaBoundsTest, WhatIsTooMuchIsNoFormula) {
  Formulas many;
  Atom atom;
  for (std::size_t i = 0; i < Formulas::kNodes; ++i) {
    atom.name = fmt::format("{}", i);
    many.Of(atom);
  }
  EXPECT_TRUE(many.overflowed());
  EXPECT_LE(many.size(), Formulas::kNodes + 2);
  EXPECT_EQ(many.And(many.Of(atom), Formulas::kTrue), Formulas::kFalse) << "nothing is built any more";

  Formulas wide;
  std::vector<Formula> parts;
  for (int i = 0; i < 5000; ++i) {
    atom.name = fmt::format("{}", i);
    parts.push_back(wide.Of(atom));
  }
  EXPECT_FALSE(wide.overflowed());
  for (int i = 0; i < 4000 && !wide.overflowed(); ++i) {
    std::vector<Formula> fewer(parts.begin() + i, parts.end());
    wide.And(std::move(fewer));
  }
  EXPECT_TRUE(wide.overflowed()) << "of parts there are too many before there are of nodes";
  EXPECT_LT(wide.size(), 13'000U);
}

TEST(SearchBoundsTest, ManyChoicesUponAnotherNeedNoStack) {
  Formulas formulas;
  Atom atom;
  std::vector<Formula> clauses;
  for (int i = 0; i < 600; ++i) {
    atom.name = fmt::format("a{}", i);
    const Formula a = formulas.Of(atom);
    atom.name = fmt::format("b{}", i);
    clauses.push_back(formulas.Or(a, formulas.Of(atom)));
  }
  Search search(formulas, 1'000'000);
  for (const Formula clause : clauses) search.Assert(clause);
  std::size_t literals = 0;
  const auto consistent = [](const std::vector<Formula>&) { return true; };
  const auto found = [&](const std::vector<Formula>& all) { return literals = all.size(), true; };
  EXPECT_EQ(search.Run(consistent, found), Search::Outcome::kStopped);
  EXPECT_EQ(literals, clauses.size());
}

// All ways to make `(a or b) and (not a or c)` true, and what becomes of them when the theory refuses `c` with `b`.
TEST(SearchBoundsTest, EveryCaseIsLookedAt) {
  Formulas formulas;
  const auto named = [&](const char* name) {
    Atom atom;
    atom.name = name;
    return formulas.Of(atom);
  };
  const Formula a = named("a"), b = named("b"), c = named("c");
  const auto run = [&](const Search::Consistent& consistent) {
    Search search(formulas, 1000);
    search.Assert(formulas.Or(a, b));
    search.Assert(formulas.Or(formulas.Not(a), c));
    std::size_t cases = 0;
    EXPECT_EQ(search.Run(consistent, [&](const std::vector<Formula>&) { return ++cases, false; }), Search::Outcome::kExhausted);
    return cases;
  };
  const auto holds = [](const std::vector<Formula>& literals, Formula one) { return std::ranges::find(literals, one) != literals.end(); };
  EXPECT_EQ(run([](const auto&) { return true; }), 2U);
  EXPECT_EQ(run([&](const auto& literals) { return !holds(literals, c); }), 1U) << "b without a is left";
  EXPECT_EQ(run([&](const auto& literals) { return !holds(literals, c) && !holds(literals, b); }), 0U);
  // A refusal is made smaller only as long as there is work.
  Search search(formulas, 0);
  search.Assert(formulas.And({a, b, c}));
  EXPECT_EQ(search.Run([](const auto&) { return false; }, [](const auto&) { return true; }), Search::Outcome::kExhausted);
  EXPECT_EQ(search.asked(), 1U);
}

TEST(WordBoundsTest, ASearchForAWordGivesUpWhenItsStepsAreUsedUp) {
  const WordConstraints constraints{.like = {Pattern{{false, "abcdefgh"}, {true, ""}}}, .unlike = {}, .excluded = {"abcdefgh"}};
  std::size_t plenty = kWordSteps, few = 100;
  const WordAnswer found = FindWord(constraints, plenty);
  EXPECT_EQ(found.word->size(), 9U);
  EXPECT_LT(plenty, kWordSteps);
  const WordAnswer none = FindWord(constraints, few);
  EXPECT_FALSE(none.word.has_value());
  EXPECT_TRUE(none.gave_up);
  EXPECT_LE(few, 100U);
  // One search never takes more than its share of what there is.
  std::string long_text;
  for (int i = 0; i < 3000; ++i) long_text += static_cast<char>('a' + i % 20);
  std::size_t all = kAllWordSteps;
  EXPECT_TRUE(FindWord({.like = {{{true, ""}, {false, long_text}, {true, ""}}}, .unlike = {}, .excluded = {}}, all).gave_up);
  EXPECT_GE(all, kAllWordSteps - kWordSteps);
}

}  // namespace
}  // namespace remit::cedar::analyze
