// The law: what analysis proves no request contradicts, what it refutes its example refutes, and over a small world that is gone through
// to the end it knows which of both it is.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "cedar/analysis.h"
#include "cedar/analyze/dice.h"
#include "cedar/parser.h"

namespace remit::cedar {
namespace {

const Schema& SmallSchema() {
  static const Schema schema = [] {
    auto parsed = Schema::Parse({{"s", R"(
      entity Group in Group;
      entity User in Group = { n: Long, flag: Bool, opt?: String, pal: User };
      entity Doc in Group = { owner: User, tags: Set<String>, n?: Long };
      action read appliesTo { principal: User, resource: Doc, context: { s: String, on?: Bool } };
    )"}});
    REMIT_CHECK(parsed.has_value());
    return *parsed;
  }();
  return schema;
}

EntityUid Group(int i) { return {"Group", "g" + std::to_string(i)}; }
EntityUid User(int i) { return {"User", "u" + std::to_string(i)}; }
EntityUid Doc(int i) { return {"Doc", "d" + std::to_string(i)}; }

std::string Test(Dice& dice) {
  switch (dice.Pick(20)) {
    case 0: return "principal.flag";
    case 1: return "principal.n " + dice.OneOf({"<", "<=", "==", "!=", ">"}) + " " + dice.OneOf({"0", "1", "2"});
    case 2: return "principal.n " + dice.OneOf({"<", "<=", "=="}) + " " + dice.OneOf({"resource.n", "resource.owner.n", "principal.n + 1"});
    case 3:
      return dice.OneOf({"principal", "resource", "resource.owner", "principal.pal"}) + " in " +
             dice.OneOf({"Group::\"g0\"", "Group::\"g1\"", "[Group::\"g0\", Group::\"g1\"]"});
    case 4: return dice.OneOf({"Group::\"g0\" in Group::\"g1\"", "Group::\"g1\" in Group::\"g0\""});
    case 5:
      return dice.OneOf({"principal", "resource.owner", "principal.pal"}) +
             " == " + dice.OneOf({"User::\"u0\"", "User::\"u1\"", "principal.pal", "principal"});
    case 6: return "principal has opt";
    case 7: return "principal.opt == " + dice.OneOf({"\"a\"", "\"b\"", "context.s"});
    case 8: return "principal.opt like " + dice.OneOf({"\"a*\"", "\"*b\"", "\"a*b\""});
    case 9: return "context.s " + dice.OneOf({"== \"a\"", "== \"ab\"", "like \"a*\"", "like \"*b*\""});
    case 10: return "context has on";
    case 11: return "context.on";
    case 12: return "resource.tags.contains(" + dice.OneOf({"\"a\"", "\"b\"", "context.s", "principal.opt"}) + ")";
    case 13: return "resource.tags.containsAll([" + dice.OneOf({"\"a\"", "\"a\", \"b\"", "\"a\", context.s"}) + "])";
    case 14: return "resource.tags.containsAny([" + dice.OneOf({"\"a\"", "\"a\", \"b\"", "\"b\", context.s"}) + "])";
    case 15: return dice.OneOf({"resource.tags.isEmpty()", "resource.tags == [\"a\"]", "[\"a\", \"b\"].containsAll(resource.tags)"});
    case 16: return "resource has n";
    case 17: return "resource.n + principal.n " + dice.OneOf({"> 1", "== 2", "<= 1"});
    case 18: return "resource.owner has " + dice.OneOf({"n", "opt", "pal.opt"});
    default: return "principal.flag == " + dice.OneOf({"principal.pal.flag", "context.on", "resource.owner.flag"});
  }
}

std::string Condition(Dice& dice, int depth) {
  if (depth <= 0 || dice.Chance(25)) return "(" + Test(dice) + ")";
  switch (dice.Pick(6)) {
    case 0:
    case 1: return "(" + Condition(dice, depth - 1) + " && " + Condition(dice, depth - 1) + ")";
    case 2:
    case 3: return "(" + Condition(dice, depth - 1) + " || " + Condition(dice, depth - 1) + ")";
    case 4: return "!" + Condition(dice, depth - 1);
    default: return "(if " + Condition(dice, depth - 1) + " then " + Condition(dice, depth - 1) + " else " + Condition(dice, depth - 1) + ")";
  }
}

std::string Policies(Dice& dice, int depth) {
  std::string text;
  for (int i = 0, count = 1 + dice.Pick(2); i < count; ++i) {
    text +=
        (i > 0 && dice.Chance(40) ? "forbid" : "permit") + std::string(" (principal, action, resource) when { ") + Condition(dice, depth) + " };\n";
  }
  return text;
}

struct World {
  Request request;
  Entities entities;
};

World RandomWorld(Dice& dice) {
  std::vector<Entity> store{{{"Action", "read"}, {}, {}, {}}};
  const Request request{User(dice.Pick(2)), {"Action", "read"}, Doc(0), Value()};
  const bool turned = dice.Chance(50), nested = dice.Chance(50);
  for (int i = 0; i < 2; ++i) {
    if (dice.Chance(80)) store.push_back({Group(i), {}, {}, {}});
    if (nested && store.back().uid == Group(turned ? 1 : 0)) store.back().parents = {Group(turned ? 0 : 1)};
  }
  const auto groups = [&] {
    std::vector<EntityUid> parents;
    for (int g = 0; g < 2; ++g) {
      if (dice.Chance(40)) parents.push_back(Group(g));
    }
    return parents;
  };
  for (int i = 0; i < 3; ++i) {
    if (User(i) != request.principal && dice.Chance(20)) continue;
    Entity user{User(i), {{"n", Value(dice.Pick(4) - 1)}, {"flag", Value(dice.Chance(50))}, {"pal", Value(User(dice.Pick(3)))}}, {}, groups()};
    if (dice.Chance(2)) user.attributes["n"] = Value(INT64_MAX);
    if (dice.Chance(60)) user.attributes["opt"] = Value(dice.OneOf({"a", "b", "ab", "aab", ""}));
    store.push_back(std::move(user));
  }
  std::vector<Value> tags;
  for (const char* tag : {"a", "b", "c"}) {
    if (dice.Chance(40)) tags.push_back(Value(tag));
  }
  Entity doc{Doc(0), {{"owner", Value(User(dice.Pick(3)))}, {"tags", Value::Set(std::move(tags))}}, {}, groups()};
  if (dice.Chance(60)) doc.attributes["n"] = Value(dice.Pick(4) - 1);
  store.push_back(std::move(doc));
  World world{request, *Entities::Build(std::move(store))};
  Record context{{"s", Value(dice.OneOf({"a", "b", "ab", "c"}))}};
  if (dice.Chance(60)) context.emplace("on", Value(dice.Chance(50)));
  world.request.context = Value::FromRecord(std::move(context));
  return world;
}

struct Tally {
  int yes = 0, no = 0, unknown = 0, missed = 0;
};

// One pair against many worlds. Half of the pairs are related, as policies in life are.
void NothingContradictsTheAnswer(Dice& dice, Tally& tally) {
  const std::string b_text = Policies(dice, 2);
  const std::string narrowed = "permit (principal, action, resource) when { " + Condition(dice, 1) + " && " + Condition(dice, 1) + " };";
  std::string a_text = Policies(dice, 2);
  if (dice.Chance(60)) {
    // B, under one more condition.
    a_text = b_text + "forbid (principal, action, resource) unless { " + Condition(dice, 1) + " };";
  } else if (dice.Chance(30)) {
    a_text = narrowed;
  }
  const BoundPolicies a{*ParsePolicies(a_text, "a")}, b{*ParsePolicies(b_text, "b")};
  const PolicySet a_set = *PolicySet::Build(a.policies), b_set = *PolicySet::Build(b.policies);
  const AnalysisAnswer answer = Implies(a, b, SmallSchema());
  RC_LOG() << a_text << "----\n" << b_text;
  RC_ASSERT(answer.counterexample.has_value() == (answer.verdict == Verdict::kNo));
  if (answer.verdict == Verdict::kNo) {
    ++tally.no;
    const Counterexample& example = *answer.counterexample;
    RC_ASSERT(SmallSchema().ValidateRequest(example.For(a)).has_value());
    for (const Entity* entity : example.entities.All()) {
      if (!IsActionType(entity->uid.type)) RC_ASSERT(SmallSchema().ValidateEntity(*entity).has_value());
    }
    RC_ASSERT(a_set.IsAuthorized(example.For(a), example.entities).allowed);
    RC_ASSERT(!b_set.IsAuthorized(example.For(b), example.entities).allowed);
    return;
  }
  bool contradicted = false;
  for (int i = 0; i < 400 && !contradicted; ++i) {
    const World world = RandomWorld(dice);
    contradicted = a_set.IsAuthorized(world.request, world.entities).allowed && !b_set.IsAuthorized(world.request, world.entities).allowed;
  }
  if (answer.verdict == Verdict::kYes) RC_ASSERT(!contradicted);
  ++(answer.verdict == Verdict::kYes ? tally.yes : tally.unknown);
  tally.missed += contradicted ? 1 : 0;
}

TEST(AnalysisLawTest, NoRequestContradictsAnAnswer) {
  Tally tally;
  EXPECT_TRUE(rc::check("yes is never contradicted, no comes with an example", [&] {
    Dice dice(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    for (int i = 0; i < 5; ++i) NothingContradictsTheAnswer(dice, tally);
  }));
  const int all = tally.yes + tally.no + tally.unknown;
  std::printf("yes %d, no %d, unknown %d of %d, of which %d have an example\n", tally.yes, tally.no, tally.unknown, all, tally.missed);
  // What it is worth: of related policies in this language it can tell nearly always.
  EXPECT_LT(tally.unknown * 20, all);
  EXPECT_GT(tally.yes * 10, all);
  EXPECT_GT(tally.no * 10, all);
}

}  // namespace
}  // namespace remit::cedar
