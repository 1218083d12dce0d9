// Schemas: the syntax, how names are looked up, what is refused, and that printing loses nothing.
#include "cedar/schema.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cedar/authorizer.h"
#include "cedar/entities.h"
#include "json/value.h"

namespace remit::cedar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Schema Parse(std::string_view text) {
  auto schema = Schema::Parse({{"s.cedarschema", std::string(text)}});
  EXPECT_TRUE(schema.has_value()) << schema.error().ToString();
  return schema.value_or(Schema());
}

// "reason: message" of the refusal.
std::string Refusal(const std::vector<SchemaSource>& fragments) {
  const auto schema = Schema::Parse(fragments);
  return schema ? "accepted" : schema.error().reason + ": " + schema.error().message;
}
std::string Refusal(std::string_view text) { return Refusal({{"s.cedarschema", std::string(text)}}); }

std::string AttributeOf(const Schema& schema, std::string_view type, std::string_view attribute) {
  const EntityType* entity = schema.FindEntityType(type);
  return entity == nullptr ? "no type" : entity->attributes.find(attribute)->second.type->ToString();
}

constexpr std::string_view kEverything = R"(
  // Everything that the grammar has.
  @doc("the company") @plain
  namespace Corp {
    @actor entity User, Robot in [Group, Team] = { name: String, "two words"?: Long, address: { street: String, zip?: String, }, } tags Set<String>;
    entity Group in Group;
    entity Team { lead?: User };
    entity Color enum ["red", "blue \"sky\""];
    type Money = { amount: decimal, at: datetime, ttl: __cedar::duration, };
    entity Bill = { total: Money, from: ipaddr, parts: Set<Set<Money>> };
    action readers;
    action "read all", list in [readers, Action::"all"] appliesTo { principal: [User, Robot], resource: Bill, context: { ip: ipaddr, why?: String } };
    action pay in readers appliesTo { resource: [Bill], principal: User, context: Money };
  }
  action all;
  entity Outside in [Corp::Group] = { by: Corp::User, what: Action, other: Corp::Action };
)";

TEST(SchemaTest, ReadsEveryConstruct) {
  const Schema schema = Parse(kEverything);
  const EntityType* robot = schema.FindEntityType("Corp::Robot");
  ASSERT_NE(robot, nullptr);
  EXPECT_THAT(robot->member_of, ElementsAre("Corp::Group", "Corp::Team"));
  EXPECT_THAT(robot->attribute_order, ElementsAre("name", "two words", "address"));
  EXPECT_FALSE(robot->attributes.at("two words").required);
  EXPECT_EQ(robot->tags->ToString(), "Set<String>");
  EXPECT_TRUE(robot->annotations.contains("actor"));
  EXPECT_EQ(AttributeOf(schema, "Corp::Bill", "parts"), "Set<Set<{amount: decimal, at: datetime, ttl: duration}>>");
  EXPECT_THAT(schema.FindEntityType("Corp::Color")->enumeration, ElementsAre("red", "blue \"sky\""));
  EXPECT_EQ(AttributeOf(schema, "Outside", "what"), "Action");

  const ActionType* list = schema.FindAction({"Corp::Action", "list"});
  ASSERT_NE(list, nullptr);
  EXPECT_THAT(list->member_of, ElementsAre(EntityUid{"Corp::Action", "readers"}, EntityUid{"Action", "all"}));
  EXPECT_THAT(list->principals, ElementsAre("Corp::Robot", "Corp::User"));
  EXPECT_EQ(list->context->ToString(), "{ip: ipaddr, why?: String}");
  const ActionType* readers = schema.FindAction({"Corp::Action", "readers"});
  EXPECT_TRUE(readers->principals.empty() && readers->resources.empty());
}

TEST(SchemaTest, KnowsTheHierarchy) {
  const Schema schema = Parse(kEverything);
  EXPECT_TRUE(schema.MayBeDescendant("Corp::User", "Corp::Group"));
  EXPECT_TRUE(schema.MayBeDescendant("Corp::Group", "Corp::Group"));  // declared `in` itself
  EXPECT_FALSE(schema.MayBeDescendant("Corp::Team", "Corp::Team"));   // equal only
  EXPECT_FALSE(schema.MayBeDescendant("Corp::Group", "Corp::User"));
  EXPECT_TRUE(schema.ActionIn({"Corp::Action", "list"}, {"Action", "all"}));
  EXPECT_TRUE(schema.ActionIn({"Corp::Action", "list"}, {"Corp::Action", "list"}));
  EXPECT_FALSE(schema.ActionIn({"Corp::Action", "pay"}, {"Action", "all"}));
}

TEST(SchemaTest, PrintsWhatParsesToTheSame) {
  const std::string once = Parse(kEverything).ToText().value();
  EXPECT_EQ(Parse(once).ToText().value(), once);
  EXPECT_THAT(once, HasSubstr("\"two words\"?: Long,"));
  EXPECT_THAT(once, HasSubstr("action pay in [Corp::Action::\"readers\"] appliesTo {"));
}

TEST(SchemaTest, PrintsBuiltInTypesUnderTheirFullNameWhereTheShortOneIsTaken) {
  const Schema schema =
      Parse("namespace Demo { entity String { groups: Set<__cedar::String>, self: String }; entity Other { name: __cedar::String }; }");
  EXPECT_EQ(AttributeOf(schema, "Demo::String", "groups"), "Set<String>");
  EXPECT_EQ(AttributeOf(schema, "Demo::String", "self"), "Demo::String");
  EXPECT_THAT(schema.ToText().value(), HasSubstr("groups: Set<__cedar::String>,"));
  EXPECT_EQ(Parse(schema.ToText().value()).ToText().value(), schema.ToText().value());
}

TEST(SchemaTest, PrintsTheTypeOfOuterActionsWhereTheNamespaceHasActionsOfItsOwn) {
  const Schema schema = Parse("action a; type T = Action; namespace N { action x; entity E { outer: T, own: Action }; }");
  EXPECT_EQ(AttributeOf(schema, "N::E", "outer"), "Action");
  EXPECT_EQ(AttributeOf(schema, "N::E", "own"), "N::Action");
  EXPECT_EQ(AttributeOf(Parse(schema.ToText().value()), "N::E", "outer"), "Action");
  EXPECT_EQ(Parse("namespace OuterAction { entity E; }").ToText().value(), "namespace OuterAction {\n  entity E;\n}\n");
}

TEST(SchemaTest, PrefersCommonTypesThenEntityTypesThenBuiltInOnes) {
  const Schema schema = Parse(R"(
    namespace Demo {
      entity Host { ip: ipaddr, bandwidth: decimal };
      entity String { groups: Set<__cedar::String> };
      type ipaddr = { repr: String, isV4: Bool };
    })");
  EXPECT_EQ(AttributeOf(schema, "Demo::Host", "ip"), "{isV4: Bool, repr: Demo::String}");
  EXPECT_EQ(AttributeOf(schema, "Demo::Host", "bandwidth"), "decimal");
}

TEST(SchemaTest, LooksInTheOwnNamespaceAndThenOutside) {
  const Schema schema = Parse(R"(
    entity User;
    type Id = Long;
    namespace A { entity Doc { owner: User, id: Id, far: B::User2 }; }
    namespace B { entity User2 { near: User2 }; })");
  EXPECT_EQ(AttributeOf(schema, "A::Doc", "owner"), "User");
  EXPECT_EQ(AttributeOf(schema, "A::Doc", "id"), "Long");
  EXPECT_EQ(AttributeOf(schema, "A::Doc", "far"), "B::User2");
  EXPECT_EQ(AttributeOf(schema, "B::User2", "near"), "B::User2");
}

TEST(SchemaTest, ReadsSeveralFragmentsAsOne) {
  const auto schema = Schema::Parse({{"a", "namespace N { entity A in B; }"}, {"b", "namespace N { entity B; } entity C { a: N::A };"}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  EXPECT_TRUE(schema->MayBeDescendant("N::A", "N::B"));
  EXPECT_THAT(Refusal({{"a", "entity A;"}, {"b", "entity A;"}}), HasSubstr("duplicate-declaration"));
  EXPECT_THAT(Refusal({{"a", "namespace N { action x; }"}, {"b", "namespace N { action x; }"}}), HasSubstr("duplicate-declaration"));
}

TEST(SchemaTest, SaysWhere) {
  const auto schema = Schema::Parse({{"support.cedarschema", "entity A;\nentity B { a: Strin };"}});
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().place, "support.cedarschema:2:15");
  EXPECT_EQ(schema.error().hint, "did you mean `String`?");
}

TEST(SchemaTest, RefusesWhatIsDeclaredTwice) {
  EXPECT_THAT(Refusal("entity A; entity A;"), HasSubstr("duplicate-declaration: entity type `A`"));
  EXPECT_THAT(Refusal("entity A, A;"), HasSubstr("duplicate-declaration"));
  EXPECT_THAT(Refusal("type T = Long; type T = Long;"), HasSubstr("duplicate-declaration"));
  EXPECT_THAT(Refusal("action a; action \"a\";"), HasSubstr("duplicate-declaration"));
  EXPECT_THAT(Refusal("@a @b @a entity A;"), HasSubstr("duplicate-declaration: annotation `@a`"));
  EXPECT_THAT(Refusal("entity A { @a @a x: Long };"), HasSubstr("duplicate-declaration"));
  EXPECT_THAT(Refusal("namespace N {} namespace N {}"), HasSubstr("duplicate-declaration"));
  EXPECT_THAT(Refusal("entity A; action a appliesTo { principal: A, principal: A, resource: A };"), HasSubstr("duplicate-declaration"));
}

TEST(SchemaTest, TheLastOfTwoDeclarationsOfAnAttributeCounts) {
  EXPECT_EQ(AttributeOf(Parse("entity A { x?: Long, y: Bool, \"x\": String };"), "A", "x"), "String");
  EXPECT_EQ(Parse("entity A { x?: Long, y: Bool, \"x\": String };").FindEntityType("A")->attributes.size(), 2u);
}

TEST(SchemaTest, LooksForGroupsOfActionsInTheOwnNamespaceAndThenOutside) {
  const Schema schema =
      Parse("action all; namespace N { action own; action a in [all, own]; action b in Action::\"own\"; action c in [Action::\"all\"]; }");
  EXPECT_THAT(schema.FindAction({"N::Action", "a"})->member_of, ElementsAre(EntityUid{"Action", "all"}, EntityUid{"N::Action", "own"}));
  EXPECT_TRUE(schema.ActionIn({"N::Action", "b"}, {"N::Action", "own"}));
  EXPECT_TRUE(schema.ActionIn({"N::Action", "c"}, {"Action", "all"}));
}

TEST(SchemaTest, LetsOnlyDeclaredNamesNotBeReserved) {
  const Schema schema = Parse("entity A { __cedar: Long }; action __cedar;");
  EXPECT_EQ(AttributeOf(schema, "A", "__cedar"), "Long");
  EXPECT_NE(schema.FindAction({"Action", "__cedar"}), nullptr);
  EXPECT_EQ(Parse(schema.ToText().value()).ToText().value(), schema.ToText().value());
  EXPECT_THAT(Refusal("entity __cedar;"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("type __cedar = Long;"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("entity A in __cedar::Long;"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("entity A { x: __cedar };"), HasSubstr("unknown-type"));
}

TEST(SchemaTest, KnowsThatActionsAreATypeOfAttributesAlone) {
  EXPECT_EQ(AttributeOf(Parse("action a; entity A { x: Action };"), "A", "x"), "Action");
  EXPECT_THAT(Refusal("action a; entity A in Action;"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("entity A; action a appliesTo { principal: Action, resource: A };"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("entity A { x: Action };"), HasSubstr("unknown-type"));  // there are none
}

TEST(SchemaTest, RefusesUnknownNames) {
  EXPECT_THAT(Refusal("entity A in B;"), HasSubstr("unknown-type: unknown entity type `B`"));
  EXPECT_THAT(Refusal("entity A { x: B };"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("entity A tags B;"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("type T = Set<B>;"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("entity A { x: __cedar::Money };"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("action a in b;"), HasSubstr("unknown-action"));
  EXPECT_THAT(Refusal("entity A; action a appliesTo { principal: [A], resource: [B] };"), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal("type T = Long; entity A in T;"), HasSubstr("unknown-type"));  // a common type is no entity type
}

TEST(SchemaTest, RefusesWhatHidesTheEmptyNamespace) {
  EXPECT_THAT(Refusal("type id = Long; namespace D { type id = String; }"), HasSubstr("shadowed-declaration"));
  EXPECT_THAT(Refusal("entity U; namespace D { entity U; }"), HasSubstr("shadowed-declaration"));
  EXPECT_THAT(Refusal("entity U; namespace D { type U = Long; }"), HasSubstr("shadowed-declaration"));
  EXPECT_THAT(Refusal("action a; namespace D { action a; }"), HasSubstr("shadowed-declaration"));
  EXPECT_EQ(Refusal("entity a; namespace D { action a; }"), "accepted");
  EXPECT_EQ(Refusal("namespace A { entity U; } namespace A::B { entity U; }"), "accepted");
}

TEST(SchemaTest, RefusesReservedNames) {
  EXPECT_THAT(Refusal("entity __cedar;"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("namespace __cedar { entity A; }"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("namespace A::__cedar { entity A; }"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("entity if;"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("entity A { in: Long };"), HasSubstr("reserved-name"));
  EXPECT_EQ(Refusal("entity A { \"in\": Long };"), "accepted");
  EXPECT_THAT(Refusal("type Entity = Long;"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("type Set = Long;"), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal("entity Action;"), HasSubstr("reserved-name"));
  EXPECT_EQ(Refusal("entity Set, entity, type, action, namespace, tags, principal;"), "accepted");
}

TEST(SchemaTest, RefusesCycles) {
  EXPECT_THAT(Refusal("type A = Set<B>; type B = { a: A };"), HasSubstr("type-cycle"));
  EXPECT_THAT(Refusal("type A = A;"), HasSubstr("type-cycle"));
  EXPECT_THAT(Refusal("action a in b; action b in a;"), HasSubstr("action-cycle"));
  EXPECT_EQ(Refusal("entity A in B; entity B in A;"), "accepted");  // types, not entities
}

TEST(SchemaTest, RefusesAppliesToThatAppliesToNothing) {
  EXPECT_THAT(Refusal("entity A; action a appliesTo { principal: [], resource: A };"), HasSubstr("empty-applies-to"));
  EXPECT_THAT(Refusal("entity A; action a appliesTo { principal: A };"), HasSubstr("has no `resource`"));
  EXPECT_THAT(Refusal("entity A; action a appliesTo { principal: A, resource: A, context: Set<Long> };"), HasSubstr("parse-error"));
  EXPECT_THAT(Refusal("entity A; type T = Long; action a appliesTo { principal: A, resource: A, context: T };"), HasSubstr("context-not-record"));
}

TEST(SchemaTest, RefusesMalformedText) {
  for (std::string_view text : {"entity A",
                                "entity;",
                                "entity A = ;",
                                "entity A { x Long };",
                                "entity A { x: };",
                                "entity A in ;",
                                "entity A enum [];",
                                "namespace N { entity A;",
                                "namespace N { namespace M {} }",
                                "type = Long;",
                                "type \"T\" = Long;",
                                "entity \"A\";",
                                "action;",
                                "action a appliesTo {}; entity",
                                "nonsense",
                                "@ entity A;",
                                "@a(b) entity A;",
                                "entity A tags;",
                                "entity A {,};",
                                "entity A { x: Set<Long };",
                                "@a"}) {
    EXPECT_THAT(Refusal(text), HasSubstr("parse-error")) << text;
  }
}

TEST(SchemaTest, IsNotExhaustedByItsInput) {
  std::string deep, chain = "type T0 = Long;", doubling = "type D0 = Long;";
  for (int i = 0; i < 100'000; ++i) deep += "Set<";
  EXPECT_THAT(Refusal("type T = " + deep), HasSubstr("nested too deeply"));
  for (int i = 1; i < 100'000; ++i) chain += "type T" + std::to_string(i) + " = Set<T" + std::to_string(i - 1) + ">;";
  EXPECT_THAT(Refusal(chain), HasSubstr("type-too-large"));
  std::string tower = "entity E0;";
  for (int i = 1; i < 50'000; ++i) tower += "entity E" + std::to_string(i) + " in E" + std::to_string(i - 1) + ";";
  EXPECT_THAT(Refusal(tower), HasSubstr("hierarchy-too-large"));
  for (int i = 1; i < 60; ++i) {
    const std::string before = "D" + std::to_string(i - 1);
    doubling += "type D" + std::to_string(i) + " = { a: " + before + ", b: " + before + " };";
  }
  EXPECT_THAT(Refusal(doubling), HasSubstr("type-too-large"));
  // Few parts with a long name each are large, too, once they are written out.
  const std::string name(100'000, 'n');
  std::string named = "type L0 = { " + name + ": Long };";
  for (int i = 1; i < 8; ++i) named += fmt::format("type L{0} = {{ a: L{1}, b: L{1} }};", i, i - 1);
  EXPECT_THAT(Refusal(named), HasSubstr("type-too-large"));
  named = "entity " + name + "; type L0 = { a: " + name + " };";
  for (int i = 1; i < 8; ++i) named += fmt::format("type L{0} = {{ a: L{1}, b: L{1} }};", i, i - 1);
  EXPECT_THAT(Refusal(named), HasSubstr("type-too-large"));
}

// One half of the text is held by each name of the other half.
TEST(SchemaTest, ListsOfNamesDoNotMultiplyItsSize) {
  std::string names = "a0", attributes;
  for (int i = 1; i < 2000; ++i) names += ",a" + std::to_string(i);
  for (int i = 0; i < 2000; ++i) attributes += "b" + std::to_string(i) + ":Long,";
  EXPECT_THAT(Refusal("entity " + names + "{" + attributes + "};"), HasSubstr("schema-too-large"));
  EXPECT_EQ(Refusal("entity " + names + "{ all: T }; type T = {" + attributes + "};"), "accepted");
  EXPECT_EQ(Refusal("entity " + names + "{ b: Long };"), "accepted");
  EXPECT_THAT(Refusal("@doc(\"" + std::string(16'000, 'x') + "\") entity " + names + ";"), HasSubstr("schema-too-large"));
  EXPECT_THAT(Refusal("@doc(\"" + std::string(16'000, 'x') + "\") action " + names + ";"), HasSubstr("schema-too-large"));
  std::string groups, types;
  for (int i = 0; i < 2000; ++i) {
    types += "entity T" + std::to_string(i) + ";";
    groups += (i > 0 ? ",T" : "T") + std::to_string(i);
  }
  EXPECT_THAT(Refusal(types + "action " + names + " appliesTo { principal: [" + groups + "], resource: T0 };"), HasSubstr("schema-too-large"));
  EXPECT_THAT(Refusal(types + "entity " + names + " in [" + groups + "];"), HasSubstr("schema-too-large"));
  // Many lists, none of them too long by itself.
  std::string many, few;
  for (int i = 0; i < 200; ++i) few += "b" + std::to_string(i) + ":Long,";
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    many += "entity c" + n + ",d" + n + ",e" + n + "{" + few + "};";
  }
  EXPECT_THAT(Refusal(many), HasSubstr("schema-too-large"));
}

// Declarations share what a common type stands for; a text cannot.
TEST(SchemaTest, ATextDoesNotMultiplyIt) {
  std::string text = "type T = {", types;
  for (int i = 0; i < 1000; ++i) text += "a" + std::to_string(i) + ": Long,";
  text += "};";
  for (int i = 0; i < 2000; ++i) types += "entity E" + std::to_string(i) + " { t: T };";
  const auto schema = Schema::Parse({{"s.cedarschema", text + types}});
  ASSERT_TRUE(schema.has_value());
  ASSERT_FALSE(schema->ToText().has_value());
  EXPECT_EQ(schema->ToText().error().reason, "schema-too-large");
  EXPECT_TRUE(Schema::Parse({{"s.cedarschema", text + "entity E { t: T };"}})->ToText().has_value());
}

TEST(SchemaTest, LongNamesCountAsMuchAsTheyAre) {
  const std::string space(1000, 's');
  EXPECT_THAT(Refusal("namespace " + space + space + " { entity A; }"), HasSubstr("schema-too-large"));
  std::string names = "a0", uses = "a0";
  for (int i = 1; i < 20'000; ++i) names += ",a" + std::to_string(i), uses += ",a0";
  EXPECT_EQ(Refusal("namespace S { entity " + names + "; }"), "accepted");
  EXPECT_THAT(Refusal("namespace " + space + " { entity " + names + "; }"), HasSubstr("schema-too-large"));
  EXPECT_THAT(Refusal("namespace " + space + " { entity a0; action " + names + "; }"), HasSubstr("schema-too-large"));
  EXPECT_THAT(Refusal("namespace " + space + " { entity a0; entity b in [" + uses + "]; }"), HasSubstr("schema-too-large"));

  const std::string name(2000, 'n');
  std::string tower = "entity " + name + "0;";
  for (int i = 1; i < 600; ++i) tower += "entity " + name + std::to_string(i) + " in " + name + std::to_string(i - 1) + ";";
  EXPECT_THAT(Refusal(tower), HasSubstr("hierarchy-too-large"));
}

class SchemaCheckTest : public testing::Test {
 protected:
  const Schema schema_ = Parse(R"(
    entity Group in Group; entity Color enum ["red", "blue"];
    entity User in Group = { name: String, age?: Long, color?: Color, limits: { spend: decimal, nets?: Set<ipaddr> } } tags Long;
    action groups; action read in groups appliesTo { principal: User, resource: Group, context: { at: datetime } };
  )");

  static Entity User() {
    Entity user;
    user.uid = {"User", "ann"};
    user.attributes = {{"name", Value("Ann")}, {"limits", Value::FromRecord({{"spend", Value(Decimal{15000})}})}};
    user.parents = {{"Group", "g"}};
    return user;
  }
  std::string Check(const Entity& entity) const {
    const Status status = schema_.ValidateEntity(entity);
    return status ? "valid" : status.error().reason + ": " + status.error().message;
  }
  std::string Check(const Request& request) const {
    const Status status = schema_.ValidateRequest(request);
    return status ? "valid" : status.error().reason + ": " + status.error().message;
  }
};

TEST_F(SchemaCheckTest, AcceptsAnEntityOfItsType) {
  EXPECT_EQ(Check(User()), "valid");
  Entity user = User();
  user.attributes.emplace("color", Value(EntityUid{"Color", "red"}));
  user.tags = {{"any name", Value(3)}};
  EXPECT_EQ(Check(user), "valid");
}

TEST_F(SchemaCheckTest, RefusesAnEntityThatDoesNotConform) {
  const auto change = [&](auto&& edit) {
    Entity user = User();
    edit(user);
    return Check(user);
  };
  EXPECT_THAT(change([](Entity& e) { e.attributes.erase("name"); }), HasSubstr("attribute `name` is missing"));
  EXPECT_THAT(change([](Entity& e) { e.attributes.emplace("extra", Value(1)); }), HasSubstr("attribute `extra` is not declared"));
  EXPECT_THAT(change([](Entity& e) { e.attributes["name"] = Value(1); }), HasSubstr("`name`: expected `String`, found a long"));
  EXPECT_THAT(change([](Entity& e) { e.attributes["limits"] = Value::FromRecord({{"spend", Value("1.0")}}); }),
              HasSubstr("`limits`: `spend`: expected `decimal`"));
  EXPECT_THAT(change([](Entity& e) { e.attributes["color"] = Value(EntityUid{"Color", "green"}); }), HasSubstr("is not one of the entities"));
  EXPECT_THAT(change([](Entity& e) { e.attributes["color"] = Value(EntityUid{"User", "red"}); }), HasSubstr("expected `Color`"));
  EXPECT_THAT(change([](Entity& e) { e.tags = {{"t", Value("x")}}; }), HasSubstr("`t`: expected `Long`"));
  EXPECT_THAT(change([](Entity& e) { e.parents = {{"User", "bob"}}; }), HasSubstr("cannot be in"));
  EXPECT_THAT(change([](Entity& e) { e.uid.type = "Usr"; }), HasSubstr("unknown entity type `Usr`"));
  EXPECT_THAT(change([](Entity& e) { e.uid = {"Color", "green"}; }), HasSubstr("entity-does-not-validate"));
}

TEST_F(SchemaCheckTest, KnowsActionEntitiesExactly) {
  Entity read;
  read.uid = {"Action", "read"};
  read.parents = {{"Action", "groups"}};
  EXPECT_EQ(Check(read), "valid");
  read.parents.clear();
  EXPECT_THAT(Check(read), HasSubstr("the schema puts it into"));
  read.parents = {{"Action", "groups"}, {"Action", "other"}};
  EXPECT_THAT(Check(read), HasSubstr("does not put it into"));
}

TEST_F(SchemaCheckTest, ChecksRequests) {
  Request request{{"User", "ann"}, {"Action", "read"}, {"Group", "g"}, Value::FromRecord({{"at", Value(Datetime{0})}})};
  EXPECT_EQ(Check(request), "valid");
  request.context = Value::FromRecord({});
  EXPECT_THAT(Check(request), HasSubstr("request-does-not-validate: request: `context`: attribute `at` is missing"));
  request.action.id = "write";
  EXPECT_THAT(Check(request), HasSubstr("unknown action"));
  request.action.id = "groups";
  EXPECT_THAT(Check(request), HasSubstr("does not apply to `User`"));
}

// What stands there is read by the declared type; whether it may stand there is asked of the whole, later.
TEST_F(SchemaCheckTest, ReadsTheFormAlone) {
  const Type& limits = *schema_.FindEntityType("User")->attributes.at("limits").type;
  const auto form = [&](const json::Value& document) {
    const auto value = schema_.ReadForm(document, limits);
    return value ? value->ToString() : value.error().reason + ": " + value.error().message;
  };
  EXPECT_EQ(form(json::Object{{"spend", "1.5"}}), R"({"spend": decimal("1.5")})");
  EXPECT_THAT(form(json::Object{}), HasSubstr("ill-typed: attribute `spend` is missing"));
  EXPECT_THAT(form(json::Object{{"spend", "1.5"}, {"more", 1}}), HasSubstr("ill-typed: attribute `more` is not declared"));
  const json::Object address{{"fn", "ip"}, {"arg", "10.0.0.1"}};
  EXPECT_THAT(form(json::Object{{"spend", address}}), HasSubstr("ill-typed"));
  const json::Object says_so{{"spend", json::Object{{"__extn", address}}}};
  EXPECT_THAT(form(says_so), HasSubstr("ip("));
  EXPECT_EQ(schema_.ReadValue(says_so, limits).error().reason, "ill-typed");
}

TEST_F(SchemaCheckTest, ReadsJsonByTheExpectedType) {
  const auto& attributes = schema_.FindEntityType("User")->attributes;
  const auto limits = schema_.ReadValue(
      json::Object{{"spend", "1.50"}, {"nets", json::Array{"10.0.0.0/8", json::Object{{"__extn", json::Object{{"fn", "ip"}, {"arg", "::1"}}}}}}},
      *attributes.at("limits").type);
  ASSERT_TRUE(limits.has_value()) << limits.error().ToString();
  EXPECT_EQ(limits->AsRecord().at("spend").AsDecimal().ten_thousandths, 15000);
  EXPECT_EQ(limits->AsRecord().at("nets").AsSet().size(), 2u);
  for (const char* key : {"__entity", ""}) {
    json::Value uid = json::Object{{"type", "Color"}, {"id", "red"}};
    if (*key != 0) uid = json::Object{{key, uid}};
    const auto color = schema_.ReadValue(uid, *attributes.at("color").type);
    ASSERT_TRUE(color.has_value()) << color.error().ToString();
    EXPECT_EQ(color->AsEntity(), (EntityUid{"Color", "red"}));
  }
  EXPECT_EQ(schema_.ReadValue(json::Object{{"type", "Color"}, {"id", "green"}}, *attributes.at("color").type).error().reason, "ill-typed");
  EXPECT_EQ(schema_.ReadValue("1.5.0", *attributes.at("limits").type->attributes.at("spend").type).error().reason, "bad-value");
  EXPECT_EQ(schema_.ReadValue(1.5, *attributes.at("age").type).error().reason, "ill-typed");
  EXPECT_EQ(schema_.ReadValue(json::Object{}, *attributes.at("limits").type).error().reason, "ill-typed");
}

}  // namespace
}  // namespace remit::cedar
