// Documents of the REST API: what is read, what is refused, and that what is written is read back.
#include "api/codec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "broker/views.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::api {
namespace {

json::Value J(std::string_view text) {
  auto value = json::Parse(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(json::Value());
}

TEST(CodecTest, AnEntityIsTextOrAnObject) {
  const cedar::EntityUid table{"Postgres::Table", "orders/public.invoices"};
  EXPECT_EQ(*ReadUid(J(R"("Postgres::Table::\"orders/public.invoices\"")"), "x"), table);
  EXPECT_EQ(*ReadUid(J(R"({"type": "Postgres::Table", "id": "orders/public.invoices"})"), "x"), table);
  for (std::string_view bad : {R"("Ticket")", R"("")", "7", "null", R"({"type": "Ticket"})", R"({"type": "Ticket", "id": "T", "extra": 1})",
                               R"({"type": "a b", "id": "T"})", R"({"type": "", "id": "T"})", R"(["Ticket", "T"])"}) {
    EXPECT_FALSE(ReadUid(J(bad), "x").has_value()) << bad;
  }
}

TEST(CodecTest, AnObjectIsTakenWhereItsTextCouldBeRead) {
  for (const std::string type :
       {"Ticket", "a::b", "_", "Ticket::", "::Ticket", "a:b", "a ::b", "a::/**/b", "a::b::\"c\"", "a::\"", "if", "a::in", "é", "1a"}) {
    for (const std::string id : {"", "T-1", "\"", "\\", "a\nb", "*", "é", "\"::a::\""}) {
      const cedar::EntityUid uid{type, id};
      const auto read = ReadUid(json::Object{{"type", type}, {"id", id}}, "x");
      EXPECT_EQ(read.has_value(), cedar::EntityUid::Parse(uid.ToString()).has_value()) << uid.ToString();
      EXPECT_EQ(read.value_or(uid), uid);
    }
  }
}

TEST(CodecTest, ABareNameIsAnActionOfTheEmptyNamespace) {
  EXPECT_EQ(*ReadAction(J(R"("ticket.read")"), "x"), (cedar::EntityUid{"Action", "ticket.read"}));
  EXPECT_EQ(*ReadAction(J(R"("Postgres::Action::\"select\"")"), "x"), (cedar::EntityUid{"Postgres::Action", "select"}));
  EXPECT_EQ(*ReadAction(J(R"({"type": "Action", "id": "a"})"), "x"), (cedar::EntityUid{"Action", "a"}));
  EXPECT_FALSE(ReadAction(J(R"("Postgres::Action::select")"), "x").has_value());
  EXPECT_FALSE(ReadAction(J(R"("")"), "x").has_value());
  EXPECT_EQ(ReadAction(J("\"a\\u202eb\""), "x").error().reason, "bad-entity-uid");
}

TEST(CodecTest, AStartIsReadToTheLetter) {
  auto start =
      ReadStart(J(R"({"type": "deploy", "parameters": {"service": "checkout"}, "from_text": true, "reason": "CHG-7", "ttl": "15m", "held": true,
                               "idempotency_key": "k"})"));
  ASSERT_TRUE(start.has_value()) << start.error().ToString();
  EXPECT_EQ(start->type, "deploy");
  EXPECT_EQ(start->ttl, Duration(std::chrono::minutes(15)));
  EXPECT_TRUE(start->parameters_from_text && start->held);
  EXPECT_EQ(ReadStart(J(R"({"type": "t"})"))->parameters, json::Value(json::Object{}));
  EXPECT_EQ(ReadStart(J("{}")).error().reason, "missing-field");
  EXPECT_EQ(ReadStart(J("[]")).error().reason, "not-an-object");
  EXPECT_EQ(ReadStart(J(R"({"type": "t", "prameters": {}})")).error().reason, "unknown-field");
  EXPECT_EQ(ReadStart(J(R"({"type": "t", "parameters": []})")).error().reason, "bad-field");
  EXPECT_EQ(ReadStart(J(R"({"type": "t", "reason": null})")).error().reason, "bad-field");
  EXPECT_EQ(ReadStart(J(R"({"type": "t", "ttl": 900})")).error().reason, "bad-field");
  EXPECT_EQ(ReadStart(J(R"({"type": "t", "ttl": "a while"})")).error().reason, "bad-duration");
  const json::Value long_one = json::Object{{"type", "t"}, {"parameters", json::Object{{"x", std::string(limits::kParameterBytes, 'a')}}}};
  EXPECT_EQ(ReadStart(long_one).error().reason, "bad-field");
}

TEST(CodecTest, AnEndWaitsAsLongAsOneCallMay) {
  EXPECT_EQ(ReadEnd(J("{}"), ReasonRule::kNone)->wait, limits::kCompleteWait);
  EXPECT_EQ(ReadEnd(J(R"({"wait": "0s"})"), ReasonRule::kNone)->wait, Duration::zero());
  EXPECT_EQ(ReadEnd(J(R"({"wait": "1h"})"), ReasonRule::kNone).error().reason, "wait-too-long");
  EXPECT_EQ(ReadEnd(J(R"({"reason": "x"})"), ReasonRule::kNone).error().reason, "unknown-field");
  EXPECT_EQ(ReadEnd(J("{}"), ReasonRule::kRequired).error().reason, "missing-field");
}

TEST(CodecTest, ACheckIsAboutOneTask) {
  constexpr std::string_view kRest = R"("action": "a", "resource": "T::\"1\"")";
  EXPECT_EQ(ReadCheck(J(fmt::format(R"({{"task": "tsk_1", {}}})", kRest)), "")->task, "tsk_1");
  EXPECT_EQ(ReadCheck(J(fmt::format(R"({{"token": "rmt_1", {}}})", kRest)), "tsk_me")->token, "rmt_1");
  EXPECT_EQ(ReadCheck(J(fmt::format("{{{}}}", kRest)), "tsk_me")->task, "tsk_me");
  EXPECT_EQ(ReadCheck(J(fmt::format("{{{}}}", kRest)), "").error().reason, "bad-field");
  EXPECT_EQ(ReadCheck(J(fmt::format(R"({{"task": "tsk_1", "token": "rmt_1", {}}})", kRest)), "").error().reason, "bad-field");
  EXPECT_EQ(ReadCheck(J(R"({"task": "t", "action": "a", "resource": "nonsense"})"), "").error().place, "body.resource");
}

TEST(CodecTest, FilesOfACatalogStayInItsFolder) {
  EXPECT_EQ(ReadCatalog(J(R"({"files": [{"name": "a/b.cedar", "text": ""}], "dry_run": true})"))->files.size(), 1u);
  for (std::string_view name : {"../x", "/etc/passwd", "", "a//b", "a/./b", "a/"}) {
    const json::Value body = json::Object{{"files", json::Array{json::Object{{"name", name}, {"text", ""}}}}};
    EXPECT_EQ(ReadCatalog(body).error().reason, "bad-file-name") << name;
  }
  EXPECT_EQ(ReadCatalog(J(R"({"files": [{"name": "a", "text": ""}, {"name": "a", "text": ""}]})")).error().reason, "bad-file-name");
  EXPECT_EQ(ReadCatalog(J(R"({"files": [{"name": "a", "text": "", "mode": 1}]})")).error().reason, "unknown-field");
  EXPECT_EQ(ReadCatalog(json::Object{{"files", json::Array(limits::kCatalogFiles + 1, json::Value())}}).error().reason, "too-many-files");
}

bool operator==(const broker::ActorRecord& a, const broker::ActorRecord& b) {
  return a.uid == b.uid && a.client_id == b.client_id && a.jwk == b.jwk && a.unix_uid == b.unix_uid && a.barred == b.barred;
}

TEST(CodecTest, ActorsAndPeopleAreReadBackAsTheyWereWritten) {
  for (const broker::ActorRecord& actor : {broker::ActorRecord{{"Agent", "bot"}, "bot", nullptr, std::nullopt, false},
                                           broker::ActorRecord{{"Ns::Agent", "a \"quoted\" one"}, "c", json::Object{{"kty", "EC"}}, 1001u, true}}) {
    auto read = ReadActor(J(json::Write(broker::ActorJson(actor))));
    ASSERT_TRUE(read.has_value()) << read.error().ToString();
    EXPECT_TRUE(*read == actor);
  }
  const broker::PersonRecord ann{{"Employee", "ann"}, "Ann Ähn", true};
  auto read = ReadPerson(J(json::Write(broker::PersonJson(ann))));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->display_name, ann.display_name);
  EXPECT_EQ(read->barred, true);
  EXPECT_EQ(ReadPerson(J(R"({"uid": "E::\"a\"", "display_name": "x\u0007"})")).error().reason, "bad-field");
  for (std::string_view uid : {"-1", "4294967295", "99999999999", "\"0\"", "1.5"}) {
    EXPECT_EQ(ReadActor(J(fmt::format(R"({{"uid": "A::\"a\"", "unix_uid": {}}})", uid))).error().reason, "bad-field") << uid;
  }
}

// What facts are to take the place of is a hash or is not said: no empty word that would expect just anything.
TEST(CodecTest, FactsSayWhereTheyComeFromInAStrictForm) {
  const std::string hash(64, 'a'), commit(40, '0');
  const auto read = ReadFacts(J(fmt::format(
      R"({{"entities": [], "expected": "{0}", "source": {{"from": "https://f.example/x", "commit": "{1}", "hash": "{0}"}}}})", hash, commit)));
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  EXPECT_EQ(read->origin.expected, hash);
  EXPECT_EQ(*read->origin.source.FindString("commit"), commit);
  EXPECT_TRUE(ReadFacts(J(R"({"entities": []})"))->origin.source.IsNull());
  for (const std::string& bad :
       {std::string(R"("expected": "")"), std::string(R"("expected": "A")"), fmt::format(R"("expected": "{}")", std::string(64, 'A')),
        std::string(R"("source": {})"), std::string(R"("source": null)"), fmt::format(R"("source": {{"from": "", "hash": "{}"}})", hash),
        fmt::format(R"("source": {{"from": "a\n", "hash": "{}"}})", hash), fmt::format(R"("source": {{"from": "x", "hash": "{}0"}})", hash),
        fmt::format(R"("source": {{"from": "x", "hash": "{}", "commit": "main"}})", hash),
        fmt::format(R"("source": {{"from": "x", "hash": "{}", "by": "me"}})", hash)})
    EXPECT_FALSE(ReadFacts(J(R"({"entities": [], )" + bad + "}")).has_value()) << bad;
}

TEST(CodecTest, ASecretIsTextOrBase64) {
  EXPECT_EQ(ReadSecretValue(J(R"({"value": "pw"})"))->Reveal(), "pw");
  EXPECT_EQ(ReadSecretValue(J(R"({"value": "AP8=", "encoding": "base64"})"))->Reveal(), std::string_view("\0\xff", 2));
  EXPECT_EQ(ReadSecretValue(J(R"({"value": "AP8", "encoding": "base64"})")).error().reason, "bad-base64");
  EXPECT_EQ(ReadSecretValue(J(R"({"value": "a", "encoding": "hex"})")).error().reason, "bad-field");
  EXPECT_EQ(ReadSecretValue(json::Object{{"value", std::string(limits::kSecretBytes + 1, 'a')}}).error().reason, "secret-too-large");
  EXPECT_EQ(json::Write(SecretReadJson({Secret(std::string("\0\xff", 2)), 3, FromMicros(0)})),
            R"({"value":"AP8=","encoding":"base64","version":3,"written":"1970-01-01T00:00:00Z"})");
  EXPECT_EQ(SecretReadJson({Secret(""), 1, {}}).Find("value")->AsString(), "");
  EXPECT_EQ(SecretWrittenJson({Secret("pw"), 1, {}}).Find("value"), nullptr);
}

TEST(CodecTest, NoErrorRepeatsASecret) {
  auto refused = ReadSecretValue(J(R"({"value": "hunter2-hunter2", "encoding": "rot13"})"));
  EXPECT_EQ(refused.error().ToString().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace remit::api
