// The hierarchy: closures, cycles, overlays, and entities JSON.
#include "cedar/entities.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "cedar/schema.h"
#include "json/read.h"

namespace remit::cedar {
namespace {

Entity Make(std::string id, std::vector<std::string> parents) {
  Entity entity;
  entity.uid = {"N", std::move(id)};
  for (std::string& parent : parents) entity.parents.push_back({"N", std::move(parent)});
  return entity;
}

EntityUid N(std::string id) { return {"N", std::move(id)}; }

std::string FromJsonError(std::string_view text) {
  const auto entities = Entities::FromJson(json::Parse(text).value(), nullptr);
  return entities ? "no error" : entities.error().reason + ": " + entities.error().message;
}

TEST(EntitiesTest, DescentIsTransitiveAndParentsNeedNotBeEntities) {
  const auto entities = Entities::Build({Make("c", {"b"}), Make("b", {"a", "x"}), Make("a", {})}).value();
  EXPECT_TRUE(entities.IsDescendant(N("c"), N("a")));
  EXPECT_TRUE(entities.IsDescendant(N("c"), N("x")));
  EXPECT_FALSE(entities.IsDescendant(N("a"), N("c")));
  EXPECT_FALSE(entities.IsDescendant(N("a"), N("a")));
  EXPECT_FALSE(entities.IsDescendant(N("nobody"), N("a")));
  EXPECT_EQ(entities.Find(N("x")), nullptr);
  EXPECT_EQ(entities.size(), 3u);
  EXPECT_EQ(entities.All().front()->uid, N("a"));
  EXPECT_EQ(Entities().Find(N("a")), nullptr);
}

TEST(EntitiesTest, CyclesAndDuplicatesAreRefused) {
  EXPECT_EQ(Entities::Build({Make("a", {"b"}), Make("b", {"a"})}).error().reason, "entity-cycle");
  EXPECT_EQ(Entities::Build({Make("a", {"a"})}).error().reason, "entity-cycle");
  EXPECT_EQ(Entities::Build({Make("a", {}), Make("a", {})}).error().reason, "duplicate-entity");
  EXPECT_TRUE(Entities::Build({Make("a", {"b", "b"})}).has_value()) << "a parent named twice is one parent";
}

TEST(EntitiesTest, ALongChainOfParentsNeitherOverflowsTheStackNorFillsTheMemory) {
  std::vector<Entity> chain;
  for (int i = 0; i < 3000; ++i) chain.push_back(Make(std::to_string(i), {std::to_string(i + 1)}));
  const auto entities = Entities::Build(chain).value();
  EXPECT_TRUE(entities.IsDescendant(N("0"), N("3000")));
  for (int i = 3000; i < 20'000; ++i) chain.push_back(Make(std::to_string(i), {std::to_string(i + 1)}));
  EXPECT_EQ(Entities::Build(std::move(chain)).error().reason, "hierarchy-too-large");
}

TEST(EntitiesTest, AncestorsThatParentsShareCountOnce) {
  std::vector<Entity> chain;
  std::vector<std::string> all;
  for (int i = 0; i < 6000; ++i) chain.push_back(Make(std::to_string(i), {std::to_string(i + 1)}));
  for (int i = 0; i < 6000; ++i) all.push_back(std::to_string(i));
  chain.push_back(Make("below all", all));
  const auto entities = Entities::Build(std::move(chain));
  ASSERT_TRUE(entities.has_value()) << entities.error().ToString();
  EXPECT_TRUE(entities->IsDescendant(N("below all"), N("6000")));
}

TEST(OverlayTest, AnEntityOnTopHidesTheOneBelow) {
  const auto base = Entities::Build({Make("c", {"b"}), Make("b", {"a"}), Make("a", {})}).value();
  OverlayEntities view(base);
  EXPECT_TRUE(view.IsDescendant(N("c"), N("a")));
  view.Add(std::make_shared<Entity>(Make("t", {"b"})));
  EXPECT_TRUE(view.IsDescendant(N("t"), N("a")));
  EXPECT_FALSE(view.IsDescendant(N("t"), N("t")));
  view.Add(std::make_shared<Entity>(Make("b", {"z"})));
  EXPECT_FALSE(view.IsDescendant(N("c"), N("a"))) << "the way led through the hidden entity";
  EXPECT_TRUE(view.IsDescendant(N("c"), N("z")));
  EXPECT_TRUE(view.IsDescendant(N("t"), N("z")));
  EXPECT_EQ(view.Find(N("b"))->parents.front(), N("z"));
  EXPECT_EQ(view.Find(N("a")), base.Find(N("a")));
}

TEST(OverlayTest, CyclesMadeByAnOverlayEnd) {
  const auto base = Entities::Build({Make("b", {"a"})}).value();
  OverlayEntities view(base);
  view.Add(std::make_shared<Entity>(Make("a", {"b"})));
  EXPECT_FALSE(view.IsDescendant(N("a"), N("x")));
}

std::set<EntityUid> Listed(const EntityView& view, const EntityUid& uid) {
  std::set<EntityUid> listed;
  EXPECT_TRUE(view.ForEachAncestor(uid, [&](const EntityUid& ancestor) { listed.insert(ancestor); }));
  return listed;
}

std::set<EntityUid> Asked(const EntityView& view, const EntityUid& uid) {
  std::set<EntityUid> asked;
  for (char id = 'a'; id <= 'z'; ++id) {
    if (view.IsDescendant(uid, N(std::string(1, id)))) asked.insert(N(std::string(1, id)));
  }
  return asked;
}

TEST(OverlayTest, ListsTheAncestorsThatItAffirmsAndAnswersAsAFlatStoreDoes) {
  std::mt19937 dice(5);
  const auto one_of = [&](int count) { return static_cast<int>(dice() % static_cast<unsigned>(count)); };
  // Parents come later in the alphabet: no cycles. `n` to `z` are named only.
  const auto draw = [&](char id) {
    std::vector<std::string> parents;
    for (int count = one_of(4); count > 0; --count) parents.emplace_back(1, static_cast<char>(id + 1 + one_of(std::min(8, 'z' - id))));
    return Make(std::string(1, id), parents);
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Entity> all, below, on_top;
    for (char id = 'a'; id <= 'm'; ++id) {
      all.push_back(draw(id));
      const bool hidden = one_of(4) == 0;
      if (hidden) on_top.push_back(all.back());
      if (!hidden) below.push_back(all.back());
      if (hidden && one_of(2) == 0) below.push_back(draw(id));
    }
    const Entities flat = Entities::Build(all).value(), base = Entities::Build(below).value();
    OverlayEntities lower(base), view(static_cast<const EntityView&>(lower));
    for (Entity& entity : on_top) (one_of(2) == 0 ? lower : view).Add(std::make_shared<Entity>(std::move(entity)));
    for (char id = 'a'; id <= 'z'; ++id) {
      const EntityUid uid = N(std::string(1, id));
      EXPECT_EQ(Listed(view, uid), Listed(flat, uid)) << round << uid.ToString();
      EXPECT_EQ(Asked(view, uid), Listed(flat, uid)) << round << uid.ToString();
      EXPECT_EQ(Asked(flat, uid), Listed(flat, uid)) << round << uid.ToString();
    }
  }
  EXPECT_TRUE(Listed(Entities(), N("a")).empty());
}

// A view that cannot list says so, and so does what stands on it.
TEST(OverlayTest, CannotListWhatItsBaseCannot) {
  class Plain final : public EntityView {
   public:
    const Entity* Find(const EntityUid&) const override { return nullptr; }
    bool IsDescendant(const EntityUid&, const EntityUid&) const override { return false; }
  };
  const Plain plain;
  OverlayEntities view(plain);
  view.Add(std::make_shared<Entity>(Make("t", {"b"})));
  std::vector<EntityUid> listed;
  const auto list = [&](const EntityUid& ancestor) { listed.push_back(ancestor); };
  EXPECT_FALSE(view.ForEachAncestor(N("a"), list));
  EXPECT_FALSE(view.ForEachAncestor(N("t"), list)) << "nobody knows what is above `b`";
  EXPECT_EQ(listed, std::vector{N("b")});
}

TEST(EntitiesJsonTest, ReadsEntities) {
  const auto entities = Entities::FromJson(json::Parse(R"([
    {"uid": {"type": "User", "id": "ann"}, "attrs": {"age": 3, "boss": {"__entity": {"type": "User", "id": "bob"}}}, "parents": [{"type": "Group", "id": "g"}], "tags": {"t": "v"}},
    {"uid": {"__entity": {"type": "Group", "id": "g"}}, "attrs": {}, "parents": []}])")
                                               .value(),
                                           nullptr)
                            .value();
  const Entity* ann = entities.Find({"User", "ann"});
  ASSERT_NE(ann, nullptr);
  EXPECT_EQ(ann->attributes.at("age"), Value(3));
  EXPECT_EQ(ann->attributes.at("boss"), Value(EntityUid{"User", "bob"}));
  EXPECT_EQ(ann->tags.at("t"), Value("v"));
  EXPECT_TRUE(entities.IsDescendant(ann->uid, {"Group", "g"}));
}

TEST(EntitiesJsonTest, RefusesWhatIsNotAnEntity) {
  EXPECT_EQ(FromJsonError("{}"), "bad-entities: entities must be an array, found an object");
  EXPECT_TRUE(FromJsonError(R"([{"uid": {"type": "A", "id": "x"}, "attrs": {}}])").starts_with("bad-entities: ")) << "no parents";
  EXPECT_TRUE(FromJsonError(R"([{"uid": {"type": "A", "id": "x"}, "attrs": {}, "parents": [], "tags": null}])").starts_with("bad-entities: "));
  EXPECT_TRUE(
      FromJsonError(R"([{"uid": {"type": "Action", "id": "x"}, "attrs": {}, "parents": [{"type": "A", "id": "y"}]}])").starts_with("bad-entities: "));
  EXPECT_EQ(FromJsonError(R"([{"uid": {"type": "A", "id": "x"}, "attrs": {"n": null}, "parents": []}])"),
            "bad-entities: entity `A::\"x\"`: attribute `n`: null is not a Cedar value");
  EXPECT_EQ(FromJsonError(R"([{"uid": "A::\"x\"", "attrs": {}, "parents": []}])"),
            "bad-entities: an entity reference must be an object with the strings `type` and `id`");
}

TEST(EntitiesJsonTest, TheSameEntityTwiceIsOneAndMembersThatNobodyKnowsAreNotRead) {
  const auto entities = Entities::FromJson(json::Parse(R"([
    {"uid": {"type": "A", "id": "x"}, "attrs": {"n": 1}, "parents": [{"type": "A", "id": "y"}, {"type": "A", "id": "z"}], "comment": "first"},
    {"uid": {"__entity": {"type": "A", "id": "x", "note": 1}}, "attrs": {"n": 1}, "tags": {}, "parents": [{"type": "A", "id": "z"}, {"type": "A", "id": "y"}]}])")
                                               .value(),
                                           nullptr);
  ASSERT_TRUE(entities.has_value()) << entities.error().ToString();
  EXPECT_EQ(entities->size(), 1u);
  EXPECT_EQ(
      FromJsonError(
          R"([{"uid": {"type": "A", "id": "x"}, "attrs": {}, "parents": []}, {"uid": {"type": "A", "id": "x"}, "attrs": {"n": 1}, "parents": []}])"),
      "duplicate-entity: duplicate entity entry `A::\"x\"`");
}

TEST(EntitiesJsonTest, TheSameEntityWithOtherTagsOrParentsIsAnother) {
  const auto twice = [](std::string_view more) {
    return FromJsonError(R"([{"uid": {"type": "A", "id": "x"}, "attrs": {}, "parents": []}, {"uid": {"type": "A", "id": "x"}, "attrs": {}, )" +
                         std::string(more) + "}]");
  };
  EXPECT_EQ(twice(R"("parents": [])"), "no error");
  EXPECT_EQ(twice(R"("parents": [], "tags": {"t": 1})"), "duplicate-entity: duplicate entity entry `A::\"x\"`");
  EXPECT_EQ(twice(R"("parents": [{"type": "A", "id": "y"}])"), "duplicate-entity: duplicate entity entry `A::\"x\"`");
}

std::string Read(std::string_view text) {
  const auto value = ValueFromJson(json::Parse(text).value());
  return value ? value->ToString() : value.error().reason;
}

TEST(ValueJsonTest, AnObjectIsARecordUnlessItIsAnEscapeAsAWhole) {
  EXPECT_EQ(Read(R"({"__entity": {"type": "A", "id": "x", "more": 1}})"), "A::\"x\"");
  EXPECT_EQ(Read(R"({"__entity": {"type": "A", "id": "x", "more": [{"deep": 1.5}]}})"), "bad-value");  // holds what is no value
  EXPECT_EQ(Read(R"({"__extn": {"fn": "ip", "arg": "1.2.3.4", "more": 1.5}})"), "bad-value");
  EXPECT_EQ(Read(R"({"__extn": {"fn": "ip", "arg": "1.2.3.4", "more": null}})"), R"(ip("1.2.3.4"))");
  EXPECT_EQ(Read(R"({"__entity": {"type": "A"}})"), R"({"__entity": {"type": "A"}})");
  EXPECT_EQ(Read(R"({"__entity": {"type": "A", "id": "x"}, "b": 1})"), R"({"__entity": {"id": "x", "type": "A"}, "b": 1})");
  EXPECT_EQ(Read(R"({"__entity": {"type": "not a name", "id": "x"}})"), "bad-value");
  EXPECT_EQ(Read(R"({"__extn": {"fn": "decimal"}})"), R"({"__extn": {"fn": "decimal"}})");
  EXPECT_EQ(Read(R"({"__extn": {"fn": "decimal", "args": 5}})"), R"({"__extn": {"args": 5, "fn": "decimal"}})");
  EXPECT_EQ(Read(R"({"__expr": "1 + 1"})"), "bad-value");
  EXPECT_EQ(Read(R"({"__expr": 1})"), R"({"__expr": 1})");
}

TEST(ValueJsonTest, AnyExtensionFunctionMayMakeAValue) {
  EXPECT_EQ(Read(R"({"__extn": {"fn": "isLoopback", "arg": {"__extn": {"fn": "ip", "arg": "127.0.0.1"}}}})"), "true");
  EXPECT_EQ(Read(R"({"__extn": {"fn": "decimal", "args": ["1.5"]}})"), "decimal(\"1.5\")");
  EXPECT_EQ(Read(R"({"__extn": {"fn": "decimal", "args": ["1.5", "2.5"]}})"), "bad-value");
  EXPECT_EQ(Read(R"({"__extn": {"fn": "decimal", "arg": 1}})"), "bad-value");
  EXPECT_EQ(Read(R"({"__extn": {"fn": "nothing", "arg": 1}})"), "bad-value");
}

constexpr std::string_view kSchema = R"(
  entity Group;
  entity User in [Group] = { boss?: User, limit: decimal, nets: Set<ipaddr> } tags String;
  action all;
  action read in [all] appliesTo { principal: [User], resource: [Group] };
)";

Result<Entities> ReadWithSchema(std::string_view text) {
  const Schema schema = Schema::Parse({{"s", std::string(kSchema)}}).value();
  return Entities::FromJson(json::Parse(text).value(), &schema);
}

std::string SchemaError(std::string_view text) {
  const auto entities = ReadWithSchema(text);
  return entities ? "no error" : entities.error().reason;
}

TEST(EntitiesJsonTest, ASchemaGivesImplicitFormsTheirTypesAndAddsItsActions) {
  const auto entities = ReadWithSchema(R"([{"uid": {"type": "User", "id": "ann"}, "parents": [{"type": "Group", "id": "g"}], "tags": {"a": "b"},
    "attrs": {"boss": {"type": "User", "id": "bob"}, "limit": "1.5", "nets": ["10.0.0.0/8", {"__extn": {"fn": "ip", "arg": "::1"}}]}}])");
  ASSERT_TRUE(entities.has_value()) << entities.error().ToString();
  const Record& attributes = entities->Find({"User", "ann"})->attributes;
  EXPECT_EQ(attributes.at("boss"), Value(EntityUid{"User", "bob"}));
  EXPECT_EQ(attributes.at("limit"), Value(Decimal{15'000}));
  EXPECT_EQ(attributes.at("nets").AsSet().size(), 2u);
  EXPECT_TRUE(entities->IsDescendant({"Action", "read"}, {"Action", "all"}));
}

TEST(EntitiesJsonTest, ASchemaReadsEveryFormOfAnExtensionValue) {
  for (std::string_view form : {R"("1.5")", R"({"fn": "decimal", "arg": "1.5"})", R"({"__extn": {"fn": "decimal", "args": ["1.5"]}})"}) {
    const auto entities =
        ReadWithSchema(R"([{"uid": {"type": "User", "id": "ann"}, "parents": [], "attrs": {"nets": [], "limit": )" + std::string(form) + "}}]");
    ASSERT_TRUE(entities.has_value()) << form << entities.error().ToString();
    EXPECT_EQ(entities->Find({"User", "ann"})->attributes.at("limit"), Value(Decimal{15'000})) << form;
  }
  for (std::string_view form : {R"(1)", R"("x")", R"({"fn": "ip", "arg": "1.2.3.4"})", R"({"__expr": "1"})", R"({"__extn": {"fn": "decimal"}})"}) {
    EXPECT_FALSE(
        ReadWithSchema(R"([{"uid": {"type": "User", "id": "ann"}, "parents": [], "attrs": {"nets": [], "limit": )" + std::string(form) + "}}]")
            .has_value())
        << form;
  }
}

TEST(EntitiesJsonTest, AnActionMustBeInAllGroupsThatTheDocumentCanLeadTo) {
  const Schema schema = Schema::Parse({{"s", "action top; action all in top; action read in all;"}}).value();
  const auto check = [&](std::string_view text) {
    const auto entities = Entities::FromJson(json::Parse(text).value(), &schema);
    return entities ? std::string("valid") : entities.error().reason;
  };
  constexpr std::string_view kRead = R"({"uid": {"type": "Action", "id": "read"}, "attrs": {}, "parents": [{"type": "Action", "id": "all"}]})";
  constexpr std::string_view kAll = R"({"uid": {"type": "Action", "id": "all"}, "attrs": {}, "parents": [{"type": "Action", "id": "top"}]})";
  EXPECT_EQ(check("[" + std::string(kRead) + "," + std::string(kAll) + "]"), "valid");
  EXPECT_EQ(check("[" + std::string(kRead) + "]"), "entity-does-not-validate") << "nothing says that it is in `top`";
  EXPECT_EQ(
      check(
          R"([{"uid": {"type": "Action", "id": "read"}, "attrs": {}, "parents": [{"type": "Action", "id": "top"}, {"type": "Action", "id": "all"}]}])"),
      "valid");
  EXPECT_EQ(check(R"([{"uid": {"type": "Action", "id": "other"}, "attrs": {}, "parents": []}])"), "entity-does-not-validate");
  EXPECT_EQ(check(R"([{"uid": {"type": "Action", "id": "top"}, "attrs": {"a": 1}, "parents": []}])"), "entity-does-not-validate");
}

TEST(EntitiesJsonTest, WhatTheSchemaDoesNotHaveIsRefused) {
  const std::string_view invalid = "entity-does-not-validate";
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "Nope", "id": "x"}, "attrs": {"a": 1}, "parents": []}])"), invalid);
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "Nope", "id": "x"}, "attrs": {}, "parents": []}])"), invalid);
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "User", "id": "x"}, "attrs": {"extra": 1, "limit": "1.0", "nets": []}, "parents": []}])"), invalid);
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "User", "id": "x"}, "attrs": {"limit": "1.0"}, "parents": []}])"), invalid) << "`nets` is missing";
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "User", "id": "x"}, "attrs": {"limit": 1, "nets": []}, "parents": []}])"), invalid);
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "Group", "id": "x"}, "attrs": {}, "parents": [], "tags": {"a": "b"}}])"), invalid);
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "Group", "id": "x"}, "attrs": {}, "parents": [{"type": "User", "id": "y"}]}])"), invalid);
  EXPECT_EQ(SchemaError(R"([{"uid": {"type": "Action", "id": "read"}, "attrs": {}, "parents": []}])"), invalid) << "the schema has it in `all`";
}

}  // namespace
}  // namespace remit::cedar
