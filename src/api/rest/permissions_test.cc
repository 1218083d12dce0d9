// /v1/permissions over HTTP: a permission set that is too large for a token reaches its resource server whole, and nobody else.
#include <gtest/gtest.h>

#include "api/test_server.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "json/write.h"

namespace remit::api {
namespace {

constexpr std::string_view kShop = "https://shop.test";
constexpr int kShelves = 80;  // over 4 KiB

class RestPermissionsTest : public ::testing::Test {
 protected:
  RestPermissionsTest() {
    server_.bench.LoadCatalog(Policies(), Schema());
    Put("helpdesk", {kShop});
    shop_ = server_.Actor("helpdesk");
  }

  static std::string Schema() {
    return std::string(broker::kSchema) + R"(action "shelf.read" appliesTo { principal: [Triage, Change], resource: [Box] };)";
  }
  static std::string Policies(std::string more = "") {
    std::string policies(broker::kPolicies);
    for (int i = 0; i < kShelves; ++i)
      policies += "permit (principal is Triage, action == Action::\"shelf.read\", resource == Box::\"shelf-" + std::to_string(i) + "\");\n";
    return policies + more;
  }
  void Put(const std::string& id, json::Array audiences, bool barred = false) {
    json::Object body{{"uid", "Agent::\"" + id + "\""}, {"audiences", std::move(audiences)}};
    if (barred) body.Set("barred", true);
    const Reply put = server_.Post("/v1/actors", body, TestServer::Root());
    ASSERT_EQ(put.status, 200) << put.body;
  }
  Reply Start() {
    Reply started = server_.StartTriage(server_.Actor());
    EXPECT_EQ(started.status, 201) << started.body;
    return started;
  }

  struct Token {
    std::string jwt, credential, hash;
    json::Value detail;
  };
  Token Ask(const Reply& started, std::string_view audience = kShop, bool offline = true) {
    const Reply reply = server_.Post("/v1/tasks/" + TaskOf(started) + "/token", json::Object{{"audience", audience}, {"offline", offline}},
                                     {started.Text("token"), std::nullopt});
    EXPECT_LT(reply.status, 300) << reply.body;
    Token token{reply.Text("token"), reply.Text("credential"), {}, {}};
    const std::size_t dot = token.jwt.find('.');
    const auto payload = Base64UrlDecode(std::string_view(token.jwt).substr(dot + 1, token.jwt.rfind('.') - dot - 1));
    token.detail = json::Parse(AsText(*payload))->Find("authorization_details")->AsArray().at(0);
    if (const std::string* ref = token.detail.FindString("permissions_ref")) token.hash = ref->substr(ref->rfind(':') + 1);
    return token;
  }
  Reply Resolve(const Token& token, const From& by) { return Resolve(token.hash, token.credential, by); }
  Reply Resolve(const std::string& hash, const std::string& credential, const From& by) {
    return server_.Get("/v1/permissions/" + hash + "?credential=" + credential, by);
  }
  json::Value Introspected(const std::string& token) {
    return server_.PostForm("/introspect", {{"token", token}}, shop_).json.Find("authorization_details")->AsArray().at(0);
  }

  TestServer server_;
  From shop_;
};

TEST_F(RestPermissionsTest, IntrospectionGivesALargeSetWhole) {
  const Reply started = Start();
  for (const std::string& token : {started.Text("token"), Ask(started, kShop, false).jwt, Ask(started).jwt}) {
    const json::Value detail = Introspected(token);
    ASSERT_NE(detail.Find("permissions"), nullptr) << json::Write(detail).substr(0, 300);
    EXPECT_GE(detail.Find("permissions")->AsArray().size(), static_cast<std::size_t>(kShelves));
    EXPECT_EQ(detail.Find("permissions_ref"), nullptr);
  }
}

TEST_F(RestPermissionsTest, TheResourceServerOfATokenReadsWhatItRefersTo) {
  for (const bool offline : {true, false}) {
    const Token token = Ask(Start(), kShop, offline);
    EXPECT_EQ(token.detail.Find("permissions"), nullptr);
    ASSERT_EQ(token.hash.size(), 64u);
    const Reply set = Resolve(token, shop_);
    ASSERT_EQ(set.status, 200) << set.body;
    EXPECT_EQ(HexEncode(crypto::Sha256(set.body)), token.hash);
    EXPECT_EQ(set.json.AsArray().size(), Introspected(token.jwt).Find("permissions")->AsArray().size());
  }
}

TEST_F(RestPermissionsTest, NobodyElseReadsIt) {
  const Reply started = Start();
  const Token token = Ask(started), other = Ask(started, "https://other.test");
  const Reply nothing = Resolve(std::string(64, '0'), "crd_00000000000000000000000000", shop_);
  EXPECT_EQ(nothing.status, 404);
  EXPECT_EQ(nothing.Reason(), "unknown-permissions");
  Put("third", {"https://third.test"});
  Put("plain", {});
  const auto refused = [&](const Reply& reply) {
    EXPECT_EQ(reply.status, 404) << reply.body;
    EXPECT_EQ(reply.body, nothing.body);  // whether it is there is not told
  };
  ASSERT_EQ(other.hash, token.hash);                      // the same set, for somebody else
  refused(Resolve(token.hash, other.credential, shop_));  // the token of another resource server
  refused(Resolve(token, server_.Actor("third")));        // another resource server
  refused(Resolve(token, server_.Actor("plain")));        // an actor that is none
  refused(Resolve(token, server_.Actor("bot")));          // the task's own actor is none either
  refused(Resolve(std::string(64, 'a'), token.credential, shop_));
  refused(Resolve(token.hash.substr(0, 32), token.credential, shop_));
  refused(Resolve(token.hash, TaskOf(started), shop_));
  EXPECT_EQ(Resolve(token, TestServer::Nobody()).status, 401);
  EXPECT_EQ(Resolve(token, {token.jwt, std::nullopt}).status, 401);
  EXPECT_EQ(Resolve(token, {started.Text("token"), std::nullopt}).status, 403);
  EXPECT_EQ(Resolve(token, {started.Text("holder"), std::nullopt}).status, 403);
  EXPECT_EQ(Resolve(token, server_.Person("ann")).status, 403);
  EXPECT_EQ(server_.Get("/v1/permissions/" + token.hash, shop_).status, 400);
  EXPECT_EQ(server_.Get("/v1/permissions/" + token.hash + "?credential=" + token.credential + "&task=x", shop_).status, 400);
  EXPECT_EQ(Resolve(token, shop_).status, 200);
}

TEST_F(RestPermissionsTest, ItIsGoneWithTheTask) {
  const Reply started = Start();
  const Token token = Ask(started);
  ASSERT_EQ(Resolve(token, shop_).status, 200);
  EXPECT_EQ(server_.Post("/v1/tasks/" + TaskOf(started) + "/complete", json::Object{{"wait", "0s"}}, {started.Text("holder"), std::nullopt}).status,
            200);
  EXPECT_EQ(Resolve(token, shop_).status, 404);  // although its `exp` is ahead
}

TEST_F(RestPermissionsTest, ItIsGoneWithATaskThatIsSuspended) {
  const Reply started = Start();
  const Token token = Ask(started);
  server_.bench.broker().Suspend(broker::Bench::Operator(), TaskOf(started), "look", Duration(0), [](auto) {});
  server_.bench.Settle();
  ASSERT_EQ(server_.bench.StateOf(TaskOf(started)), "suspended");
  EXPECT_EQ(Resolve(token, shop_).status, 404);
}

TEST_F(RestPermissionsTest, ItIsGoneWithTheTokenUntilThatIsRenewed) {
  const Reply started = Start();
  const Token token = Ask(started);
  server_.bench.Pass(limits::kOfflineTokenLife);
  EXPECT_EQ(Resolve(token, shop_).status, 404);
  const Token renewed = Ask(started);
  EXPECT_EQ(renewed.credential, token.credential);
  EXPECT_EQ(Resolve(renewed, shop_).status, 200);
}

TEST_F(RestPermissionsTest, WhoIsNotTheResourceServerAnyMoreReadsNothing) {
  const Token token = Ask(Start());
  Put("helpdesk", {"https://elsewhere.test"});
  EXPECT_EQ(Resolve(token, shop_).status, 404);
  Put("helpdesk", {kShop});
  EXPECT_EQ(Resolve(token, shop_).status, 200);
  server_.bench.Restart();
  const auto again = server_.bench.broker().ReferredPermissions(broker::Bench::Agent("helpdesk"), token.credential, token.hash);
  EXPECT_TRUE(again.has_value()) << again.error().ToString();  // the registration is kept
  server_.bench.broker().PutActor(broker::Bench::Operator(), {{"Agent", "helpdesk"}, "", nullptr, std::nullopt, true}, [](auto) {});
  EXPECT_FALSE(server_.bench.broker().ReferredPermissions(broker::Bench::Agent("helpdesk"), token.credential, token.hash).has_value());
}

// Each token's reference stays what it was when facts give the task more: the next token is another credential.
TEST_F(RestPermissionsTest, WhatATaskMayMoreSinceIsInItsNextToken) {
  server_.bench.LoadCatalog(Policies(R"(permit (principal is Triage, action == Action::"ticket.close", resource == Ticket::"T-9");)"), Schema());
  const Reply started = Start();
  const Token before = Ask(started);
  server_.bench.broker().PutFacts(broker::Bench::Operator(),
                                  *json::Parse(R"([{"uid": {"type": "Ticket", "id": "T-9"}, "attrs": {"project": "web"}, "parents": []}])"), false,
                                  [](auto a) { broker::Bench::Expect(a); });
  server_.bench.Settle();
  const Token after = Ask(started);
  EXPECT_NE(after.hash, before.hash);
  EXPECT_NE(after.credential, before.credential);
  const Reply old_set = Resolve(before, shop_), new_set = Resolve(after, shop_);
  ASSERT_EQ(old_set.status, 200);
  ASSERT_EQ(new_set.status, 200);
  EXPECT_EQ(new_set.json.AsArray().size(), old_set.json.AsArray().size() + 1);
  EXPECT_EQ(Introspected(after.jwt).Find("permissions")->AsArray().size(), new_set.json.AsArray().size());
  EXPECT_EQ(Resolve(after.hash, before.credential, shop_).status, 404);
  EXPECT_EQ(Ask(started).credential, after.credential);
}

TEST_F(RestPermissionsTest, AnAudienceHasAName) {
  for (const json::Array& bad : {json::Array{""}, json::Array{TestServer::kIssuer}, json::Array{"a", "a"}, json::Array{"a\u200b"},
                                 json::Array{std::string(limits::kAudienceBytes + 1, 'a')}}) {
    const Reply put = server_.Post("/v1/actors", json::Object{{"uid", "Agent::\"x\""}, {"audiences", bad}}, TestServer::Root());
    EXPECT_EQ(put.status, 400) << put.body;
    EXPECT_EQ(put.Reason(), "bad-audience") << put.body;
  }
  json::Array many;
  for (std::size_t i = 0; i <= limits::kAudiencesPerActor; ++i) many.push_back("https://" + std::to_string(i));
  EXPECT_EQ(server_.Post("/v1/actors", json::Object{{"uid", "Agent::\"x\""}, {"audiences", many}}, TestServer::Root()).Reason(), "bad-audience");
}

TEST_F(RestPermissionsTest, AnAudienceStaysUntilItIsTakenOffAndEveryChangeIsAnEvent) {
  const auto put = [&](json::Object more) {
    more.Set("uid", "Agent::\"x\"");
    return server_.Post("/v1/actors", more, TestServer::Root());
  };
  ASSERT_EQ(put({{"audiences", json::Array{"https://shop.example"}}}).status, 200);
  EXPECT_EQ(put({}).json.Find("audiences")->AsArray().at(0), json::Value("https://shop.example"));
  EXPECT_EQ(put({{"audiences", json::Array{}}}).json.Find("audiences"), nullptr);
  std::vector<std::string> told;
  for (const json::Value& event : server_.bench.Events())
    if (*event.FindString("type") == "actor.changed" && *event.FindString("actor") == "Agent::\"x\"")
      told.push_back(event.Find("audiences") == nullptr ? "" : json::Canonical(*event.Find("audiences")));
  EXPECT_EQ(told, (std::vector<std::string>{"[\"https://shop.example\"]", "", "[]"}));
}

}  // namespace
}  // namespace remit::api
