// The JSON form: what it can say, what is refused, and that both forms say the same.
#include "cedar/schema_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cedar/schema.h"
#include "json/read.h"

namespace remit::cedar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

json::Value Json(std::string_view text) {
  auto value = json::Parse(text, {.depth = 1000});
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(json::Value());
}

Schema Build(std::string_view text) {
  auto schema = Schema::FromJson({Json(text)});
  EXPECT_TRUE(schema.has_value()) << schema.error().ToString();
  return schema.value_or(Schema());
}

std::string Refusal(std::string_view text) {
  const auto schema = Schema::FromJson({Json(text)});
  return schema ? "accepted" : schema.error().reason + " at " + schema.error().place + ": " + schema.error().message;
}

json::Value ToJson(std::string_view text) {
  auto value = SchemaTextToJson(text, "s");
  EXPECT_TRUE(value.has_value()) << value.error().ToString();
  return value.value_or(json::Value());
}

std::string ToTextOrWhy(std::string_view document) {
  const auto text = SchemaJsonToText(Json(document));
  return text ? *text : text.error().reason + ": " + text.error().message;
}

constexpr std::string_view kEverything = R"(
  @doc("the company") @plain
  namespace Corp {
    @actor entity User, Robot in [Group, Team] = { @pii name: String, "two words"?: Long, address: { street: String, zip?: Long, }, } tags Set<String>;
    entity Group in Group;
    entity Team { lead?: User };
    entity Color enum ["red", "blue \"sky\""];
    @unit("cents") type Money = { amount: decimal, at: datetime, ttl: __cedar::duration, };
    entity Bill = { total: Money, from: ipaddr, parts: Set<Set<Money>> };
    action readers;
    action "read all", list in [readers, Action::"all"] appliesTo { principal: [User, Robot], resource: Bill, context: { ip: ipaddr, why?: String } };
    @group action pay in readers appliesTo { resource: [Bill], principal: User, context: Money };
  }
  action all;
  entity Outside in [Corp::Group] = { by: Corp::User, what: Action, other: Corp::Action };
)";

// The limit is of depth: types that stand beside one another are as many as there are.
TEST(SchemaJsonTest, AnyNumberOfTypesMayStandBesideOneAnother) {
  std::string attributes;
  for (int i = 0; i < 500; ++i) attributes += (i == 0 ? "\"a" : ", \"a") + std::to_string(i) + R"(": {"type": "Set", "element": {"type": "Long"}})";
  const Schema schema = Build(R"({"": {"entityTypes": {"A": {"shape": {"type": "Record", "attributes": {)" + attributes + R"(}}}}, "actions": {}}})");
  ASSERT_NE(schema.FindEntityType("A"), nullptr);
  EXPECT_EQ(schema.FindEntityType("A")->attributes.size(), 500u);
}

TEST(SchemaJsonTest, WritesEveryConstruct) {
  EXPECT_EQ(ToJson(kEverything), Json(R"({
    "": {
      "entityTypes": {"Outside": {"memberOfTypes": ["Corp::Group"], "shape": {"type": "Record", "attributes": {
        "by": {"type": "EntityOrCommon", "name": "Corp::User"}, "what": {"type": "EntityOrCommon", "name": "Action"},
        "other": {"type": "EntityOrCommon", "name": "Corp::Action"}}}}},
      "actions": {"all": {"appliesTo": {"principalTypes": [], "resourceTypes": []}}}},
    "Corp": {
      "annotations": {"doc": "the company", "plain": ""},
      "commonTypes": {"Money": {"annotations": {"unit": "cents"}, "type": "Record", "attributes": {
        "amount": {"type": "EntityOrCommon", "name": "decimal"}, "at": {"type": "EntityOrCommon", "name": "datetime"},
        "ttl": {"type": "EntityOrCommon", "name": "__cedar::duration"}}}},
      "entityTypes": {
        "User": {"annotations": {"actor": ""}, "memberOfTypes": ["Group", "Team"], "tags": {"type": "Set", "element": {"type": "EntityOrCommon", "name": "String"}},
          "shape": {"type": "Record", "attributes": {
            "name": {"type": "EntityOrCommon", "name": "String", "annotations": {"pii": ""}},
            "two words": {"type": "EntityOrCommon", "name": "Long", "required": false},
            "address": {"type": "Record", "attributes": {"street": {"type": "EntityOrCommon", "name": "String"},
              "zip": {"type": "EntityOrCommon", "name": "Long", "required": false}}}}}},
        "Robot": {"annotations": {"actor": ""}, "memberOfTypes": ["Group", "Team"], "tags": {"type": "Set", "element": {"type": "EntityOrCommon", "name": "String"}},
          "shape": {"type": "Record", "attributes": {
            "name": {"type": "EntityOrCommon", "name": "String", "annotations": {"pii": ""}},
            "two words": {"type": "EntityOrCommon", "name": "Long", "required": false},
            "address": {"type": "Record", "attributes": {"street": {"type": "EntityOrCommon", "name": "String"},
              "zip": {"type": "EntityOrCommon", "name": "Long", "required": false}}}}}},
        "Group": {"memberOfTypes": ["Group"]},
        "Team": {"shape": {"type": "Record", "attributes": {"lead": {"type": "EntityOrCommon", "name": "User", "required": false}}}},
        "Color": {"enum": ["red", "blue \"sky\""]},
        "Bill": {"shape": {"type": "Record", "attributes": {"total": {"type": "EntityOrCommon", "name": "Money"},
          "from": {"type": "EntityOrCommon", "name": "ipaddr"},
          "parts": {"type": "Set", "element": {"type": "Set", "element": {"type": "EntityOrCommon", "name": "Money"}}}}}}},
      "actions": {
        "readers": {"appliesTo": {"principalTypes": [], "resourceTypes": []}},
        "read all": {"memberOf": [{"id": "readers"}, {"id": "all", "type": "Action"}], "appliesTo": {
          "principalTypes": ["User", "Robot"], "resourceTypes": ["Bill"], "context": {"type": "Record", "attributes": {
            "ip": {"type": "EntityOrCommon", "name": "ipaddr"}, "why": {"type": "EntityOrCommon", "name": "String", "required": false}}}}},
        "list": {"memberOf": [{"id": "readers"}, {"id": "all", "type": "Action"}], "appliesTo": {
          "principalTypes": ["User", "Robot"], "resourceTypes": ["Bill"], "context": {"type": "Record", "attributes": {
            "ip": {"type": "EntityOrCommon", "name": "ipaddr"}, "why": {"type": "EntityOrCommon", "name": "String", "required": false}}}}},
        "pay": {"annotations": {"group": ""}, "memberOf": [{"id": "readers"}], "appliesTo": {
          "principalTypes": ["User"], "resourceTypes": ["Bill"], "context": {"type": "Money"}}}}}
  })"));
}

TEST(SchemaJsonTest, BothFormsMakeTheSameSchema) {
  const auto from_text = Schema::Parse({{"s", std::string(kEverything)}});
  const auto from_json = Schema::FromJson({ToJson(kEverything)});
  ASSERT_TRUE(from_text.has_value() && from_json.has_value());
  EXPECT_EQ(from_json->ToText().value(), from_text->ToText().value());
}

TEST(SchemaJsonTest, TextThatIsMadeOfJsonMakesTheSameJson) {
  const json::Value once = ToJson(kEverything);
  const auto text = SchemaJsonToText(once);
  ASSERT_TRUE(text.has_value()) << text.error().ToString();
  EXPECT_EQ(ToJson(*text), once) << *text;
  EXPECT_EQ(SchemaJsonToText(ToJson(*text)).value(), *text);
}

TEST(SchemaJsonTest, LooksNamesUpWhereThatIsAskedFor) {
  const auto resolved = SchemaTextToResolvedJson(
      "type T = Long; entity B; namespace N { entity A in [B] { x: Long, y: T, z: B, w: Set<__cedar::ipaddr> }; type R = { a?: A };"
      "action g; action a in g appliesTo { principal: A, resource: B, context: R }; }",
      "s");
  ASSERT_TRUE(resolved.has_value()) << resolved.error().ToString();
  EXPECT_EQ(*resolved, Json(R"({
    "": {"commonTypes": {"T": {"type": "Long"}}, "entityTypes": {"B": {}}, "actions": {}},
    "N": {"commonTypes": {"R": {"type": "Record", "attributes": {"a": {"type": "Entity", "name": "N::A", "required": false}}}},
      "entityTypes": {"A": {"memberOfTypes": ["B"], "shape": {"type": "Record", "attributes": {"x": {"type": "Long"}, "y": {"type": "T"},
        "z": {"type": "Entity", "name": "B"}, "w": {"type": "Set", "element": {"type": "__cedar::ipaddr"}}}}}},
      "actions": {"g": {"appliesTo": {"principalTypes": [], "resourceTypes": []}},
        "a": {"memberOf": [{"id": "g", "type": "N::Action"}],
          "appliesTo": {"principalTypes": ["N::A"], "resourceTypes": ["B"], "context": {"type": "N::R"}}}}}})"));
  EXPECT_EQ(SchemaTextToResolvedJson("entity A in B;", "s").error().reason, "unknown-type");
}

TEST(SchemaJsonTest, ReadsWhatTextCannotSay) {
  const Schema schema = Build(R"({"N": {
    "commonTypes": {"Shape": {"type": "Record", "attributes": {"b": {"type": "Boolean"}, "s": {"type": "String"}, "l": {"type": "Long"}}},
      "User": {"type": "Long"}},
    "entityTypes": {"User": {"shape": {"type": "Shape"}},
      "Doc": {"shape": {"type": "Record", "attributes": {
        "entity": {"type": "Entity", "name": "User"}, "common": {"type": "User"}, "either": {"type": "EntityOrCommon", "name": "User"},
        "money": {"type": "Extension", "name": "decimal"}}}}},
    "actions": {"a": {"appliesTo": {"principalTypes": [], "resourceTypes": ["Doc"]}}, "b": {"appliesTo": null, "memberOf": null, "attributes": null},
      "c": {"memberOf": [{"id": "a", "type": null}]}}}})");
  const EntityType& doc = *schema.FindEntityType("N::Doc");
  EXPECT_EQ(doc.attributes.at("entity").type->ToString(), "N::User");
  EXPECT_EQ(doc.attributes.at("common").type->ToString(), "Long");
  EXPECT_EQ(doc.attributes.at("either").type->ToString(), "Long") << "a common type goes first";
  EXPECT_EQ(doc.attributes.at("money").type->ToString(), "decimal");
  EXPECT_EQ(schema.FindEntityType("N::User")->attributes.size(), 3u);
  EXPECT_TRUE(schema.FindAction({"N::Action", "a"})->principals.empty());
  EXPECT_THAT(schema.FindAction({"N::Action", "a"})->resources, ElementsAre("N::Doc"));
  EXPECT_TRUE(schema.ActionIn({"N::Action", "c"}, {"N::Action", "a"}));
}

TEST(SchemaJsonTest, MixesBothFormsInOneSchema) {
  const auto schema =
      Schema::Parse({{"a", "namespace N { entity A in B; }"}, {"b.json", R"({"N": {"entityTypes": {"B": {}}, "actions": {}}})", true}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  EXPECT_TRUE(schema->MayBeDescendant("N::A", "N::B"));
  const auto twice = Schema::Parse({{"a", "entity A;"}, {"b.json", R"({"": {"entityTypes": {"A": {}}, "actions": {}}})", true}});
  EXPECT_EQ(twice.error().reason, "duplicate-declaration");
  EXPECT_EQ(twice.error().place, "b.json/\"\"/entityTypes/A");
  EXPECT_EQ(Schema::Parse({{"b.json", "{", true}}).error().reason, "bad-json");
  EXPECT_THAT(Schema::Parse({{"b.json", "{", true}}).error().place, HasSubstr("b.json:1"));
}

// A document with one entity type whose only attribute is `type`.
std::string WithType(std::string_view type) {
  return std::string(R"({"": {"entityTypes": {"A": {"shape": {"type": "Record", "attributes": {"x": )") + std::string(type) +
         R"(}}}}, "actions": {}}})";
}

TEST(SchemaJsonTest, RefusesTypesThatAreNone) {
  EXPECT_EQ(Refusal(WithType(R"({"type": "Set"})")), "missing-field at \"\"/entityTypes/A/shape/attributes/x: field `element` is missing");
  for (std::string_view type :
       {R"({})", R"({"type": null})", R"({"type": "Long", "extra": 1})", R"({"type": "Long", "name": "A"})", R"({"type": "Record"})",
        R"({"type": "Record", "attributes": {}, "element": {"type": "Long"}})", R"({"type": "Entity"})",
        R"({"type": "Entity", "name": "not a name"})", R"({"type": "Entity", "name": "A", "attributes": {}})", R"({"type": "not a name"})",
        R"({"type": "Long", "required": null})", R"({"type": "Long", "annotations": null})", R"({"type": "Long", "annotations": {"a": 1}})",
        R"({"type": "Long", "annotations": {"a b": ""}})", R"({"type": "Extension", "name": "a::b"})",
        R"({"type": "Record", "attributes": {}, "additionalAttributes": 1})"}) {
    EXPECT_THAT(Refusal(WithType(type)), testing::ContainsRegex("field at")) << type;
  }
  EXPECT_THAT(Refusal(WithType(R"({"type": "Extension", "name": "ip"})")), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal(WithType(R"({"type": "A"})")), HasSubstr("unknown-type")) << "an entity type is no common type";
  EXPECT_THAT(Refusal(WithType(R"({"type": "Entity", "name": "Long"})")), HasSubstr("unknown-type"));
  EXPECT_THAT(Refusal(WithType(R"({"type": "Record", "attributes": {}, "additionalAttributes": true})")), HasSubstr("not-supported"));
  EXPECT_EQ(Refusal(WithType(R"({"type": "Bool"})")), "accepted");
  EXPECT_EQ(Refusal(WithType(R"({"type": "__cedar::ipaddr"})")), "accepted");
}

TEST(SchemaJsonTest, RefusesDeclarationsThatAreNone) {
  const auto space = [](std::string_view members) { return "{\"\": {" + std::string(members) + "}}"; };
  EXPECT_EQ(Refusal("[]"), "not-an-object at : a schema must be an object with its namespaces, found an array");
  EXPECT_EQ(Refusal("{}"), "accepted");
  EXPECT_THAT(Refusal(space(R"("entityTypes": {})")), HasSubstr("missing-field"));
  EXPECT_THAT(Refusal(space(R"("entityTypes": {}, "actions": {}, "extra": {})")), HasSubstr("unknown-field"));
  EXPECT_THAT(Refusal(space(R"("entityTypes": {}, "actions": {}, "annotations": {"a": ""})")), HasSubstr("no annotations"));
  EXPECT_THAT(Refusal(R"({"N ": {"entityTypes": {}, "actions": {}}})"), HasSubstr("not the name of a namespace"));
  EXPECT_THAT(Refusal(R"({"__cedar": {"entityTypes": {}, "actions": {}}})"), HasSubstr("not the name of a namespace"));
  for (std::string_view entity :
       {R"("A b": {})", R"("in": {})", R"("A::B": {})", R"("A": {"shape": null})", R"("A": {"tags": null})", R"("A": {"enum": []})",
        R"("A": {"enum": ["x"], "tags": {"type": "String"}})", R"("A": {"enum": ["x"], "shape": {"type": "Record", "attributes": {}}})",
        R"("A": {"enum": ["x"], "memberOfTypes": []})", R"("A": {"extra": 1})", R"("A": {"memberOfTypes": ["B b"]})"}) {
    EXPECT_THAT(Refusal(space(R"("actions": {}, "entityTypes": {)" + std::string(entity) + "}")), testing::ContainsRegex("(field|object) at"))
        << entity;
  }
  EXPECT_THAT(Refusal(space(R"("actions": {}, "entityTypes": {"Action": {}})")), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal(space(R"("actions": {}, "entityTypes": {"__cedar": {}})")), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal(space(R"("actions": {}, "entityTypes": {}, "commonTypes": {"Record": {"type": "Long"}})")), HasSubstr("reserved-name"));
  EXPECT_THAT(Refusal(space(R"("actions": {}, "entityTypes": {"A": {"shape": {"type": "Long"}}})")), HasSubstr("shape-not-record"));
  EXPECT_THAT(Refusal(space(R"("entityTypes": {}, "actions": {"a": {"attributes": {}}})")), HasSubstr("not-supported"));
  EXPECT_THAT(Refusal(space(R"("entityTypes": {}, "actions": {"a": {"appliesTo": {"principalTypes": []}}})")), HasSubstr("missing-field"));
  EXPECT_THAT(Refusal(space(R"("entityTypes": {}, "actions": {"a": {"memberOf": [{"id": "a"}]}})")), HasSubstr("action-cycle"));
  EXPECT_THAT(Refusal(space(R"("entityTypes": {}, "actions": {"a": {"memberOf": [{"id": "b", "extra": 1}]}, "b": {}})")), HasSubstr("unknown-field"));
}

TEST(SchemaJsonTest, WritesAsTextWhatTextCanSay) {
  EXPECT_EQ(ToTextOrWhy(R"({"N": {"annotations": {"a": null, "b": "c"}, "commonTypes": {"T": {"type": "Set", "element": {"type": "Boolean"}}},
      "entityTypes": {"A": {"tags": {"type": "T"}}, "decimal": {}, "E": {"shape": {"type": "Record", "attributes": {"x": {"type": "decimal"}}}}},
      "actions": {"a b": {"appliesTo": {"principalTypes": [], "resourceTypes": ["A"]}}}}})"),
            "@a\n@b(\"c\")\nnamespace N {\n  type T = Set<__cedar::Bool>;\n  entity A tags T;\n  entity decimal;\n  entity E = {\n    x: "
            "__cedar::decimal,\n"
            "  };\n  action \"a b\";\n}\n");
  EXPECT_THAT(ToTextOrWhy(R"({"N": {"commonTypes": {"A": {"type": "Long"}}, "entityTypes": {"A": {}}, "actions": {}}})"), HasSubstr("not-supported"));
  EXPECT_THAT(ToTextOrWhy(R"({"": {"entityTypes": {"A": {"shape": {"type": "T"}}}, "actions": {}}})"), HasSubstr("not-supported"));
  EXPECT_THAT(
      ToTextOrWhy(
          R"({"": {"entityTypes": {}, "actions": {"a": {"appliesTo": {"principalTypes": [], "resourceTypes": [], "context": {"type": "Long"}}}}}})"),
      HasSubstr("not-supported"));
}

TEST(SchemaJsonTest, SharesANameBetweenTypesOnlyWhereTextCanTell) {
  EXPECT_EQ(ToTextOrWhy(R"({"": {"commonTypes": {"A": {"type": "Long"}}, "entityTypes": {"A": {}}, "actions": {}}})"),
            "type A = __cedar::Long;\nentity A;\n");
  EXPECT_THAT(
      ToTextOrWhy(
          R"({"": {"commonTypes": {"A": {"type": "Long"}}, "entityTypes": {"A": {"tags": {"type": "Entity", "name": "A"}}}, "actions": {}}})"),
      HasSubstr("not-supported"));
}

TEST(SchemaJsonTest, IsNotExhaustedByItsInput) {
  std::string deep = R"({"type": "Long"})";
  for (int i = 0; i < 300; ++i) deep = R"({"type": "Set", "element": )" + deep + "}";
  EXPECT_THAT(Refusal(WithType(deep)), HasSubstr("nested too deeply"));
}

// Each place holds its own name; the way to it is written out for errors alone.
TEST(SchemaJsonTest, PlacesAreNotLargerThanTheDocument) {
  constexpr int kLevels = 150;
  const std::string name(500, 'n');
  std::string text = R"({"type":"Long"})";
  for (int i = 0; i < kLevels; ++i) text = R"({"type":"Record","attributes":{")" + name + R"(":)" + text + R"(,"other":{"type":"Long"}}})";
  text = R"({"":{"entityTypes":{"A":{"shape":)" + text + R"(}},"actions":{}}})";
  const auto schema = Schema::Parse({{"file.json", text, true}});
  ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
  std::set<const Place*> places;
  std::size_t bytes = 0;
  const auto* attributes = &schema->FindEntityType("A")->attributes;
  for (;; attributes = &attributes->at(name).type->attributes) {
    for (const auto& [attribute, of] : *attributes) {
      for (const Place* place = of.span.file.get(); place != nullptr && places.insert(place).second; place = place->inside.get()) {
        bytes += place->name.size();
      }
    }
    if (attributes->at(name).type->kind != Type::Kind::kRecord) break;
  }
  EXPECT_GE(places.size(), 2u * kLevels);
  EXPECT_LT(bytes, text.size());
}

TEST(SchemaJsonTest, APlaceIsTheWayToIt) {
  const auto schema = Schema::Parse({{"file.json", R"({"N":{"entityTypes":{"A":{"shape":{"type":"Record","attributes":{"a\nb":
      {"type":"Record","attributes":{"c":{"type":"Nope"}}}}}}},"actions":{}}})",
                                      true}});
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().place, "file.json/N/entityTypes/A/shape/attributes/a\\u{a}b/attributes/c");
  EXPECT_THAT(Refusal(R"({"N":{"entityTypes":{"A":{"shape":{"type":"Record","attributes":{"c":{"type":"Set"}}}}},"actions":{}}})"),
              HasSubstr(" at N/entityTypes/A/shape/attributes/c: "));
}

// In JSON each name has its own copy.
TEST(SchemaJsonTest, ListsOfNamesDoNotMultiplyTheDocument) {
  std::string names = "a0", attributes;
  for (int i = 1; i < 2000; ++i) names += ",a" + std::to_string(i);
  for (int i = 0; i < 2000; ++i) attributes += "b" + std::to_string(i) + ":Long,";
  EXPECT_EQ(SchemaTextToJson("entity " + names + "{" + attributes + "};", "s").error().reason, "schema-too-large");
  EXPECT_EQ(SchemaTextToJson("action " + names + " appliesTo { principal: A, resource: A, context: {" + attributes + "} };", "s").error().reason,
            "schema-too-large");
  EXPECT_TRUE(SchemaTextToJson("entity " + names + ";", "s").has_value());
  std::string uses, users;
  for (int i = 0; i < 1000; ++i) uses += "b" + std::to_string(i) + ":A,";
  for (int i = 0; i < 20; ++i) users += "entity U" + std::to_string(i) + "{" + uses + "};";
  const std::string space(1000, 's');
  EXPECT_EQ(SchemaTextToResolvedJson("namespace " + space + "{entity A;" + users + "}", "s").error().reason, "schema-too-large");
  EXPECT_TRUE(SchemaTextToResolvedJson("namespace S{entity A;" + users + "}", "s").has_value());
  // The same in the other form: a shape that several types name.
  json::Object types, common;
  for (int i = 0; i < 2000; ++i) {
    common.Append("b" + std::to_string(i), json::Object{{"type", "Long"}});
    types.Append("A" + std::to_string(i), json::Object{{"shape", json::Object{{"type", "T"}}}});
  }
  const json::Object space_of{{"commonTypes", json::Object{{"T", json::Object{{"type", "Record"}, {"attributes", common}}}}},
                              {"entityTypes", types},
                              {"actions", json::Object{}}};
  const auto schema = Schema::FromJson({json::Object{{"", space_of}}});
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().reason, "schema-too-large");
}

}  // namespace
}  // namespace remit::cedar
