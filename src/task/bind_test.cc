// Parameters: typed, known, named in one way; and the entity that they make.
#include "base/limits.h"
#include "json/write.h"
#include "task/entity_id.h"
#include "task/secret_path.h"
#include "task/task.h"
#include "task/test_catalogs.h"

namespace remit::task {
namespace {

constexpr const char* kSchema = R"(
  @actor entity Bot;
  entity Doc; @open entity Label; entity Size enum ["small", "large"];
  @task("x") @name("work") entity Work = {
    actor: Bot, started: datetime, deadline: datetime, doc: Doc, docs?: Set<Doc>, label?: Label, size?: Size, n?: Long, on?: Bool, text?: String,
    at?: datetime, life?: duration, ip?: ipaddr, price?: decimal, opts?: { a: Long, b?: String }, path?: Secret::Path, table?: Postgres::Table };
)";
constexpr const char* kFacts =
    R"([{"uid": {"type": "Doc", "id": "d1"}, "attrs": {}, "parents": []}, {"uid": {"type": "Doc", "id": "d2"}, "attrs": {}, "parents": []}])";

class BindTest : public testing::Test {
 protected:
  Result<cedar::Record> Bind(const json::Value& given, bool from_text = false) const {
    return BindParameters(*catalog_, *catalog_->FindType("work"), given, facts_, from_text);
  }
  // One parameter beside the one that is needed: its value as Cedar source, or the error's reason.
  std::string One(const std::string& name, const json::Value& value, bool from_text = false) const {
    json::Object given{{"doc", "d1"}};
    given.Set(name, value);
    const auto record = Bind(given, from_text);
    return record ? record->find(name)->second.ToString() : record.error().reason;
  }
  std::shared_ptr<const Catalog> catalog_ = MustLoad({{"a.cedarschema", kSchema}});
  cedar::Entities facts_ = MustRead(*catalog_, kFacts);
};

TEST_F(BindTest, PlainJsonIsReadByTheDeclaredType) {
  EXPECT_EQ(One("docs", json::Array{"d2", "d1", "d2"}), R"([Doc::"d1", Doc::"d2"])");
  EXPECT_EQ(One("n", 5), "5");
  EXPECT_EQ(One("on", true), "true");
  EXPECT_EQ(One("text", "a,b"), R"("a,b")");
  EXPECT_EQ(One("opts", json::Object{{"a", 1}}), R"({"a": 1})");
  EXPECT_EQ(One("size", "small"), R"(Size::"small")");
  EXPECT_EQ(One("at", "2026-12-05T02:00:00+01:00"), One("at", "2026-12-05T01:00:00Z"));
  EXPECT_NE(One("life", "1h30m"), "ill-typed-parameter");
  EXPECT_NE(One("ip", "10.0.0.0/8"), "ill-typed-parameter");
  EXPECT_NE(One("price", "1.25"), "ill-typed-parameter");
  EXPECT_EQ(One("doc", json::Object{{"__entity", json::Object{{"type", "Doc"}, {"id", "d2"}}}}), R"(Doc::"d2")");
  EXPECT_EQ(One("doc", R"(Doc::"d2")"), R"(Doc::"d2")");
}

TEST_F(BindTest, TypedTextIsReadByTheDeclaredType) {
  EXPECT_EQ(One("docs", "d1,d2", true), R"([Doc::"d1", Doc::"d2"])");
  EXPECT_EQ(One("docs", "", true), "[]");
  EXPECT_EQ(One("docs", R"(["d1"])", true), R"([Doc::"d1"])");
  EXPECT_EQ(One("n", "-7", true), "-7");
  EXPECT_EQ(One("on", "false", true), "false");
  EXPECT_EQ(One("opts", R"({"a": 1, "b": "x"})", true), R"({"a": 1, "b": "x"})");
  for (const char* bad : {"", "7x", "1.0", "99999999999999999999"}) EXPECT_EQ(One("n", bad, true), "ill-typed-parameter") << bad;
  EXPECT_EQ(One("on", "yes", true), "ill-typed-parameter");
  EXPECT_EQ(One("opts", "{", true), "ill-typed-parameter");
  EXPECT_EQ(One("at", "2026-12-05T02:00:00", true), "ill-typed-parameter");
}

TEST_F(BindTest, WhatIsIllTypedIsRefused) {
  EXPECT_EQ(One("n", "5"), "ill-typed-parameter");
  EXPECT_EQ(One("n", 1.5), "ill-typed-parameter");
  EXPECT_EQ(One("docs", "d1"), "ill-typed-parameter");
  EXPECT_EQ(One("opts", json::Object{{"a", 1}, {"c", 2}}), "ill-typed-parameter");
  EXPECT_EQ(One("opts", json::Object{}), "ill-typed-parameter");
  EXPECT_EQ(One("doc", json::Object{{"__entity", json::Object{{"type", "Label"}, {"id", "x"}}}}), "ill-typed-parameter");
  EXPECT_EQ(One("size", "medium"), "unknown-entity");
  EXPECT_EQ(One("n", nullptr), "ill-typed-parameter");
}

TEST_F(BindTest, NamesAreThoseOfTheType) {
  EXPECT_EQ(Bind(json::Object{}).error().message, "`work` needs the parameter `doc` (Doc)");
  const auto unknown = Bind(json::Object{{"dok", "d1"}});
  EXPECT_EQ(unknown.error().reason, "unknown-parameter");
  EXPECT_EQ(unknown.error().hint, "did you mean `doc`?");
  // What Remit fills nobody gives.
  EXPECT_EQ(Bind(json::Object{{"doc", "d1"}, {"actor", "x"}}).error().reason, "unknown-parameter");
  EXPECT_EQ(Bind(json::Object{{"doc", "d1"}, {"deadline", "2030-01-01T00:00:00Z"}}).error().reason, "unknown-parameter");
}

TEST_F(BindTest, EntitiesAreKnownOrTheirTypeIsOpen) {
  EXPECT_EQ(One("doc", "d9"), "unknown-entity");
  EXPECT_EQ(One("docs", json::Array{"d1", "d9"}), "unknown-entity");
  EXPECT_EQ(One("label", "anything"), R"(Label::"anything")");
  EXPECT_EQ(One("table", "orders/public.t"), R"(Postgres::Table::"orders/public.t")");
}

TEST_F(BindTest, IdsHaveOneFormAndLookLikeWhatTheyAre) {
  EXPECT_EQ(One("label", "caf\u00e9"), "Label::\"caf\u00e9\"");
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("a\u202eb"), std::string("a\u200bb"), std::string("cafe\u0301"),
                                 std::string(2000, 'x'), std::string("\u212b")}) {
    EXPECT_EQ(One("label", bad), "bad-entity-id") << bad;
  }
}

TEST_F(BindTest, PathsOfSecretsAreNotToBeReadInTwoWays) {
  EXPECT_EQ(One("path", "prod/db.main/pass_word-1"), R"(Secret::Path::"prod/db.main/pass_word-1")");
  for (const char* bad : {"/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "A", "a b", "a%2fb", "a\\b", "\u00e4"})
    EXPECT_EQ(One("path", bad), "bad-entity-id") << bad;
}

TEST_F(BindTest, ManyBytesAreRefused) { EXPECT_EQ(One("text", std::string(20'000, 'x')), "ill-typed-parameter"); }

TEST_F(BindTest, TheTasksEntityHoldsWhatWasBoundAndWhatRemitFills) {
  TaskRecord record;
  record.id = "tsk_1";
  record.actor = {"Bot", "b"};
  record.requested = FromMicros(1'780'000'000'000'000);
  record.ttl = std::chrono::minutes(15);
  record.parameters = cedar::Value::FromRecord(Bind(json::Object{{"doc", "d1"}, {"docs", json::Array{"d2"}}, {"ip", "10.0.0.1"}}).value()).ToJson();
  const TaskType& type = *catalog_->FindType("work");
  cedar::Entity entity = TaskEntity(type, record, catalog_->schema());
  EXPECT_EQ(entity.uid.ToString(), R"(Work::"tsk_1")");
  EXPECT_TRUE(catalog_->schema().ValidateEntity(entity));
  EXPECT_EQ(entity.attributes.at("actor").ToString(), R"(Bot::"b")");
  EXPECT_EQ(entity.attributes.at("deadline").AsDatetime().millis - entity.attributes.at("started").AsDatetime().millis, 15 * 60 * 1000);
  record.started = record.requested + std::chrono::minutes(5);  // approved later: the life begins then
  record.deadline = *record.started + record.ttl;
  const cedar::Entity later = TaskEntity(type, record, catalog_->schema());
  EXPECT_EQ(later.attributes.at("deadline").AsDatetime().millis - entity.attributes.at("deadline").AsDatetime().millis, 5 * 60 * 1000);
}

TEST_F(BindTest, TheActorIsOfTheTypeThatTheTaskDeclares) {
  EXPECT_TRUE(CheckActor(*catalog_->FindType("work"), {"Bot", "b"}));
  EXPECT_EQ(CheckActor(*catalog_->FindType("work"), {"Doc", "b"}).error().reason, "wrong-actor-type");
}

TEST(SecretPath, IsPlainSegmentsBetweenSingleSlashes) {
  for (const std::string& bad : {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("a/../b"), std::string("."),
                                 std::string("A"), std::string("a b"), std::string("a%2fb"), std::string("a\0b", 3), std::string("\u00e4"),
                                 std::string("a/./b"), std::string(limits::kSecretPathBytes + 1, 'a')})
    EXPECT_EQ(CheckSecretPath(bad).error().reason, "bad-secret-path") << bad;
  EXPECT_TRUE(CheckSecretPath("ci/deploy-key_1.x").has_value());
}

TEST(SecretPath, FoldersAreInTheName) {
  EXPECT_EQ(SecretParents("a/b/c"), (std::vector<cedar::EntityUid>{{"Secret::Folder", "a/b"}, {"Secret::Folder", "a"}}));
  EXPECT_TRUE(SecretParents("a").empty());
  EXPECT_TRUE(IsInFolder("prod/db/x", "prod"));
  EXPECT_FALSE(IsInFolder("prod/dbx/x", "prod/db"));
  EXPECT_FALSE(IsInFolder("prod", "prod"));
}

TEST(Nfc, TheQuickCheckKnowsTheForms) {
  for (const char* good : {"plain", "caf\u00e9", "\uac00", "\u0e01\u0e38\u0e48", "\u05d0\u05b7"}) EXPECT_TRUE(IsNfc(good)) << good;
  for (const char* bad : {"e\u0301", "\u0340", "\u1100\u1161", "\u2126", "a\u0316\u0315\u0301"}) EXPECT_FALSE(IsNfc(bad)) << bad;
}

}  // namespace
}  // namespace remit::task
