// The law again, over the rest of the language: dates, decimals, addresses, tags, records, listed entities, sets of entities, unknown
// keys, products; bound principals and known entities. Here much may stay open; nothing may be wrong.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "cedar/analysis.h"
#include "cedar/analyze/dice.h"
#include "cedar/parser.h"

namespace remit::cedar {
namespace {

const Schema& WideSchema() {
  static const Schema schema = [] {
    auto parsed = Schema::Parse({{"s", R"(
      entity Color enum ["red", "green", "blue"];
      entity Org;
      entity Team in [Team, Org];
      entity User in Team = { color: Color, teams: Set<Team>, at: datetime, left: duration, score: decimal, ip: ipaddr, n: Long,
                              address: { city: String, zip?: Long }, best?: Team } tags String;
      entity Doc in Team = { owner: User, readers: Set<Team>, names: Set<String>, marks: Set<Long>, address: { city: String, zip?: Long } } tags Long;
      action read appliesTo { principal: User, resource: Doc, context: { now: datetime, key: String, n: Long, ip: ipaddr, names: Set<String> } };
    )"}});
    REMIT_CHECK(parsed.has_value());
    return *parsed;
  }();
  return schema;
}

std::string User_(Dice& dice) { return dice.OneOf({"principal", "principal", "resource.owner", "User::\"u1\""}); }
std::string Team_(Dice& dice) { return dice.OneOf({"Team::\"t0\"", "Team::\"t1\"", "principal.best"}); }
std::string Time(Dice& dice) {
  return dice.OneOf({"principal.at", "resource.owner.at", "context.now", "datetime(\"2024-01-01\")", "datetime(\"2024-01-02\")",
                     "context.now.toDate()", "principal.at.offset(principal.left)", "principal.at.offset(duration(\"1d\"))"});
}
std::string Span_(Dice& dice) {
  return dice.OneOf({"principal.left", "duration(\"1d\")", "duration(\"-1h\")", "context.now.durationSince(principal.at)", "context.now.toTime()"});
}
std::string Ip(Dice& dice) { return dice.OneOf({"principal.ip", "context.ip", "ip(\"10.0.0.1\")"}); }
std::string Names(Dice& dice) { return dice.OneOf({"resource.names", "context.names", "[\"a\", \"b\"]", "[context.key]", "[]"}); }
std::string Teams(Dice& dice) { return dice.OneOf({"resource.readers", "principal.teams", "resource.owner.teams", "[Team::\"t0\", Team::\"t1\"]"}); }
std::string Number(Dice& dice) {
  return dice.OneOf({"principal.n", "context.n", "resource.owner.n", "1", "2", "(principal.n * context.n)", "(principal.n * 2 - 1)",
                     "(principal.n + context.n)", "principal.left.toHours()", "principal.address.zip", "resource.getTag(context.key)"});
}
std::string Text(Dice& dice) {
  return dice.OneOf({"context.key", "principal.address.city", "\"a\"", "\"b\"", "principal.getTag(\"a\")", "principal.getTag(context.key)"});
}
std::string Marks(Dice& dice) {
  const std::string mark = dice.OneOf({"principal.n", "1", "context.n", "principal.left.toMilliseconds()"});
  return dice.Chance(30) ? "[" + mark + "].containsAll(resource.marks)" : "resource.marks.contains(" + mark + ")";
}
std::string Order(Dice& dice) { return " " + dice.OneOf({"<", "<=", ">", ">=", "==", "!="}) + " "; }

std::string Test(Dice& dice) {
  switch (dice.Pick(19)) {
    case 0: return Time(dice) + Order(dice) + Time(dice);
    case 1: return Span_(dice) + Order(dice) + Span_(dice);
    case 2:
      return "principal.score." + dice.OneOf({"lessThan", "greaterThanOrEqual"}) + "(" +
             dice.OneOf({"decimal(\"1.0\")", "decimal(\"1.5\")", "resource.owner.score"}) + ")";
    case 3:
      return Ip(dice) + dice.OneOf({".isIpv4()", ".isLoopback()", ".isMulticast()", ".isInRange(ip(\"10.0.0.0/8\"))",
                                    ".isInRange(ip(\"10.0.0.0/16\"))", " == ip(\"10.0.0.1\")"});
    case 4: return User_(dice) + ".color == " + dice.OneOf({"Color::\"red\"", "Color::\"green\"", "Color::\"blue\"", "principal.color"});
    case 5: return User_(dice) + " in " + Team_(dice);
    case 6: return User_(dice) + " in " + Teams(dice);
    case 7: return Teams(dice) + dice.OneOf({".containsAll(", ".containsAny("}) + Teams(dice) + ")";
    case 8: return Teams(dice) + dice.OneOf({" == ", " != "}) + Teams(dice);
    case 9: return Names(dice) + dice.OneOf({".containsAll(", ".containsAny(", " == ("}) + Names(dice) + ")";
    case 10: return Names(dice) + ".contains(" + Text(dice) + ")";
    case 11: return Number(dice) + Order(dice) + Number(dice);
    case 12: return Marks(dice);
    case 13: return "principal.hasTag(" + Text(dice) + ")";
    case 14: return Text(dice) + dice.OneOf({" == ", " != "}) + Text(dice);
    case 15: return Text(dice) + " like " + dice.OneOf({"\"a*\"", "\"*b\"", "\"*\"", "\"a*b*\""});
    case 16:
      return "resource.address " + dice.OneOf({"==", "!="}) + " " +
             dice.OneOf({"principal.address", "resource.owner.address", "{city: \"a\"}", "{city: context.key, zip: principal.n}"});
    case 17: return User_(dice) + " has " + dice.OneOf({"best", "address.zip", "n", "color", "none"});
    default:
      return dice.OneOf({"resource in Team::\"t0\"", "resource in Org::\"o\"", "Team::\"t0\" in Org::\"o\"", "Team::\"t0\" in Team::\"t1\"",
                         "principal.best == Team::\"t0\"", "principal.teams.contains(principal.best)",
                         "(if principal has best then principal.best else Team::\"t1\") in Org::\"o\""});
  }
}

std::string Condition(Dice& dice, int depth) {
  if (depth <= 0 || dice.Chance(25)) return "(" + Test(dice) + ")";
  const std::string left = Condition(dice, depth - 1), right = Condition(dice, depth - 1);
  switch (dice.Pick(6)) {
    case 0:
    case 1: return "(" + left + " && " + right + ")";
    case 2:
    case 3: return "(" + left + " || " + right + ")";
    case 4: return "!" + left;
    default: return "(if " + left + " then " + right + " else " + Condition(dice, depth - 1) + ")";
  }
}

EntityUid Team(int i) { return {"Team", "t" + std::to_string(i)}; }
EntityUid User(int i) { return {"User", "u" + std::to_string(i)}; }

Value SomeTeams(Dice& dice) {
  std::vector<Value> teams;
  for (int i = 0; i < 3; ++i) {
    if (dice.Chance(40)) teams.push_back(Value(Team(i)));
  }
  return Value::Set(std::move(teams));
}

Value SomeNames(Dice& dice) {
  std::vector<Value> names;
  for (const char* name : {"a", "b", "c"}) {
    if (dice.Chance(40)) names.push_back(Value(name));
  }
  return Value::Set(std::move(names));
}

Value SomeTime(Dice& dice) {
  return Value(Datetime{1'704'067'200'000 +
                        std::vector<std::int64_t>{0, 0, 1, -1, 86'400'000, 86'399'999, 3'600'000}[static_cast<std::size_t>(dice.Pick(7))]});
}

Value SomeIp(Dice& dice) {
  const EntityUid any;
  const auto read = [](const std::string& text) { return *EvaluateExpr(**ParseExpr("ip(\"" + text + "\")"), Request{}, Entities()); };
  return read(dice.OneOf({"10.0.0.1", "10.0.0.0/8", "10.0.0.0/16", "127.0.0.1", "::1", "224.0.0.1", "1.2.3.4"}));
}

Value SomeAddress(Dice& dice) {
  Record record{{"city", Value(dice.OneOf({"a", "b", "ab"}))}};
  if (dice.Chance(50)) record.emplace("zip", Value(dice.Pick(3)));
  return Value::FromRecord(std::move(record));
}

Entity SomeUser(Dice& dice, int i) {
  Entity user{User(i), {}, {}, {}};
  user.attributes = {
      {"color", Value(EntityUid{"Color", dice.OneOf({"red", "green", "blue"})})},
      {"teams", SomeTeams(dice)},
      {"at", SomeTime(dice)},
      {"left", Value(DurationValue{std::vector<std::int64_t>{0, 86'400'000, -3'600'000, 7'200'000, 1}[static_cast<std::size_t>(dice.Pick(5))]})},
      {"score", Value(Decimal{10'000 + 2'500 * dice.Pick(4)})},
      {"ip", SomeIp(dice)},
      {"n", Value(dice.Pick(4) - 1)},
      {"address", SomeAddress(dice)}};
  if (dice.Chance(60)) user.attributes["best"] = Value(Team(dice.Pick(3)));
  if (dice.Chance(50)) user.tags.emplace("a", Value(dice.OneOf({"a", "b"})));
  if (dice.Chance(30)) user.tags.emplace("b", Value("a"));
  for (int t = 0; t < 2; ++t) {
    if (dice.Chance(40)) user.parents.push_back(Team(t));
  }
  return user;
}

struct World {
  Request request;
  std::vector<Entity> store;
};

World RandomWorld(Dice& dice) {
  World world{{User(dice.Pick(2)), {"Action", "read"}, {"Doc", "d"}, Value()}, {{{"Action", "read"}, {}, {}, {}}}};
  for (int i = 0; i < 2; ++i) {
    if (User(i) == world.request.principal || dice.Chance(80)) world.store.push_back(SomeUser(dice, i));
  }
  Entity first{Team(0), {}, {}, {}}, second{Team(1), {}, {}, {}};
  if (dice.Chance(40)) first.parents.push_back(Team(1));
  if (dice.Chance(30)) first.parents.push_back({"Org", "o"});
  if (dice.Chance(30)) second.parents.push_back({"Org", "o"});
  if (dice.Chance(80)) world.store.push_back(first);
  if (dice.Chance(80)) world.store.push_back(second);
  Entity doc{{"Doc", "d"}, {}, {}, {}};
  std::vector<Value> marks;
  for (int i = 0; i < 3; ++i) {
    if (dice.Chance(40)) marks.push_back(Value(i));
  }
  doc.attributes = {{"owner", Value(User(dice.Pick(2)))},
                    {"readers", SomeTeams(dice)},
                    {"names", SomeNames(dice)},
                    {"marks", Value::Set(std::move(marks))},
                    {"address", SomeAddress(dice)}};
  if (dice.Chance(50)) doc.tags.emplace("a", Value(dice.Pick(3)));
  if (dice.Chance(40)) doc.parents.push_back(Team(dice.Pick(2)));
  world.store.push_back(std::move(doc));
  world.request.context = Value::FromRecord({{"now", SomeTime(dice)},
                                             {"key", Value(dice.OneOf({"a", "b", "c"}))},
                                             {"n", Value(dice.Pick(4) - 1)},
                                             {"ip", SomeIp(dice)},
                                             {"names", SomeNames(dice)}});
  return world;
}

struct Tally {
  int yes = 0, no = 0, unknown = 0;
};

void NothingContradictsTheAnswer(Dice& dice, Tally& tally) {
  const std::string broad = Condition(dice, 2);
  const std::string narrow = dice.Chance(70) ? Condition(dice, 1) + " && (" + broad + ")" + " && " + Condition(dice, 1) : Condition(dice, 2);
  const auto policy = [](const std::string& condition) { return "permit (principal, action, resource) when { " + condition + " };"; };
  std::string a_text = policy(narrow), b_text = policy(broad);
  if (dice.Chance(30)) b_text += "forbid (principal, action, resource) when { " + Condition(dice, 1) + " };";
  if (dice.Chance(20)) std::swap(a_text, b_text);
  BoundPolicies a{*ParsePolicies(a_text, "a")}, b{*ParsePolicies(b_text, "b")};
  // Sometimes with a principal that is known, alone or on one side.
  Entities known;
  AnalysisOptions options{.work = 2000};
  std::optional<Entity> user;
  if (dice.Chance(40)) {
    user = SomeUser(dice, 1);
    known = *Entities::Build({*user});
    options.known = &known;
    if (dice.Chance(70)) a.principal = user->uid;
    if (dice.Chance(70)) b.principal = user->uid;
  }
  RC_LOG() << a_text << (a.principal ? " bound" : "") << "\n" << b_text << (b.principal ? " bound" : "") << "\nknown: " << user.has_value() << "\n";
  const AnalysisAnswer answer = Implies(a, b, WideSchema(), options);
  ++(answer.verdict == Verdict::kYes ? tally.yes : answer.verdict == Verdict::kNo ? tally.no : tally.unknown);
  const PolicySet a_set = *PolicySet::Build(a.policies), b_set = *PolicySet::Build(b.policies);
  if (answer.verdict == Verdict::kNo) {
    const Counterexample& example = *answer.counterexample;
    RC_ASSERT(WideSchema().ValidateRequest(example.For(a)).has_value());
    for (const Entity* entity : example.entities.All()) {
      if (!IsActionType(entity->uid.type)) RC_ASSERT(WideSchema().ValidateEntity(*entity).has_value());
    }
    RC_ASSERT(a_set.IsAuthorized(example.For(a), example.entities).allowed);
    RC_ASSERT(!b_set.IsAuthorized(example.For(b), example.entities).allowed);
  }
  if (answer.verdict != Verdict::kYes) return;
  for (int i = 0; i < 300; ++i) {
    World world = RandomWorld(dice);
    if (user) {
      std::erase_if(world.store, [&](const Entity& entity) { return entity.uid == user->uid; });
      world.store.push_back(*user);
    }
    const Entities entities = *Entities::Build(world.store);
    Request of_a = world.request, of_b = world.request;
    if (a.principal) of_a.principal = *a.principal;
    if (b.principal) of_b.principal = *b.principal;
    const bool contradicted = a_set.IsAuthorized(of_a, entities).allowed && !b_set.IsAuthorized(of_b, entities).allowed;
    if (contradicted) {
      for (const Entity& entity : world.store) RC_LOG() << entity.uid.ToString() << " " << Value::FromRecord(entity.attributes).ToString() << "\n";
      RC_LOG() << of_a.principal.ToString() << " " << of_a.context.ToString() << "\n";
    }
    RC_ASSERT(!contradicted);
  }
}

TEST(AnalysisWideLawTest, NoRequestContradictsAnAnswer) {
  Tally tally;
  EXPECT_TRUE(rc::check("yes is never contradicted, no comes with an example", [&] {
    Dice dice(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    for (int i = 0; i < 4; ++i) NothingContradictsTheAnswer(dice, tally);
  }));
  std::printf("yes %d, no %d, unknown %d\n", tally.yes, tally.no, tally.unknown);
  EXPECT_GT(tally.yes * 10, tally.yes + tally.no + tally.unknown);
  EXPECT_LT(tally.unknown * 5, tally.yes + tally.no + tally.unknown);
}

}  // namespace
}  // namespace remit::cedar
