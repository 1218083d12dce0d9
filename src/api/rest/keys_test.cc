// /v1/keys over HTTP: what is read strictly, who may, and what /jwks, /jwks/receipts, introspection and the token endpoint make of it.
#include <gtest/gtest.h>

#include "api/test_server.h"
#include "base/limits.h"

namespace remit::api {
namespace {

class RestKeysTest : public ::testing::Test {
 protected:
  Reply Rotate(json::Object body, const From& from = TestServer::Root()) { return server_.Post("/v1/keys/rotate", body, from); }
  std::set<std::string> Published() {
    std::set<std::string> kids = PublishedAt("/jwks");
    kids.merge(PublishedAt("/jwks/receipts"));
    return kids;
  }
  std::set<std::string> PublishedAt(const char* path) {
    std::set<std::string> kids;
    const Reply jwks = server_.Get(path, TestServer::Nobody());
    for (const json::Value& key : jwks.json.Find("keys")->AsArray()) kids.insert(*key.FindString("kid"));
    return kids;
  }
  std::string Jwt(const Reply& started) {
    const std::string task = TaskOf(started);
    const Reply token = server_.Post("/v1/tasks/" + task + "/token", json::Object{{"audience", "https://rs"}}, {started.Text("token"), std::nullopt});
    EXPECT_LT(token.status, 300) << token.body;
    return token.Text("token");
  }
  bool Active(const std::string& token) {
    return server_.PostForm("/introspect", {{"token", token}}, server_.Actor("helpdesk")).json.Find("active")->AsBool();
  }

  TestServer server_;
};

TEST_F(RestKeysTest, AKeyIsRotatedAndListed) {
  const Reply task = server_.StartTriage(server_.Actor());
  const std::string before = Jwt(task);
  const Reply dry = Rotate({{"key", "access"}, {"dry_run", true}});
  ASSERT_EQ(dry.status, 200) << dry.body;
  EXPECT_EQ(dry.json.Find("tokens")->AsInt(), 1);
  EXPECT_EQ(dry.json.Find("new"), nullptr);
  const Reply rotated = Rotate({{"key", "access"}, {"kid", dry.Text("old")}, {"idempotency_key", "k"}});
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  EXPECT_EQ(Rotate({{"key", "access"}, {"kid", dry.Text("old")}, {"idempotency_key", "k"}}).body, rotated.body);
  EXPECT_EQ(Rotate({{"key", "access"}, {"idempotency_key", "k"}}).Reason(), "idempotency-key-reused");
  EXPECT_EQ(Rotate({{"key", "access"}, {"kid", dry.Text("old")}}).Reason(), "request-changed");
  EXPECT_TRUE(Published().contains(rotated.Text("old")));
  EXPECT_TRUE(Published().contains(rotated.Text("new")));
  const std::string after = Jwt(task);
  EXPECT_TRUE(Active(before));
  EXPECT_TRUE(Active(after));
  const Reply list = server_.Get("/v1/keys", TestServer::Root());
  ASSERT_EQ(list.status, 200);
  const json::Array& keys = list.json.Find("keys")->AsArray();
  ASSERT_EQ(keys.size(), 4u) << list.body;
  EXPECT_EQ(*keys[0].FindString("kid"), rotated.Text("new"));
  EXPECT_EQ(*keys[0].FindString("state"), "signing");
  EXPECT_EQ(*keys[1].FindString("kid"), rotated.Text("old"));
  EXPECT_EQ(*keys[1].FindString("state"), "published");
  EXPECT_EQ(*keys[1].FindString("published_until"), rotated.Text("published_until"));
  EXPECT_NE(keys[3].Find("verifier"), nullptr);
  EXPECT_EQ(list.body.find("\"d\""), std::string::npos) << "nothing of a private key";
}

TEST_F(RestKeysTest, WhatALeakedKeySignedIsRefusedAndTheTasksHandleGoesOn) {
  const Reply task = server_.StartTriage(server_.Actor());
  const std::string before = Jwt(task);
  const Reply rotated = Rotate({{"key", "access"}, {"leaked", true}});
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  EXPECT_EQ(rotated.json.Find("published_until"), nullptr);
  EXPECT_FALSE(Published().contains(rotated.Text("old")));
  EXPECT_FALSE(Active(before));
  EXPECT_TRUE(Active(task.Text("token")));
  EXPECT_TRUE(Active(Jwt(task)));
}

TEST_F(RestKeysTest, KeysOfTokensAndOfReceiptsAreTwoSets) {
  const Reply access = Rotate({{"key", "access"}}), receipt = Rotate({{"key", "receipt"}});
  EXPECT_EQ(PublishedAt("/jwks"), (std::set<std::string>{access.Text("old"), access.Text("new")}));
  EXPECT_EQ(PublishedAt("/jwks/receipts"), (std::set<std::string>{receipt.Text("old"), receipt.Text("new")}));
}

TEST_F(RestKeysTest, NobodyWithoutTheRight) {
  const Reply task = server_.StartTriage(server_.Actor());
  const std::set<std::string> published = Published();
  const From handle{task.Text("token"), std::nullopt}, jwt{Jwt(task), std::nullopt};
  for (const bool leaked : {false, true}) {
    const json::Object body{{"key", "access"}, {"leaked", leaked}};
    for (const From& who : {server_.Actor(), server_.Person("eve"), handle}) EXPECT_EQ(Rotate(body, who).status, 403);
    EXPECT_EQ(Rotate(body, jwt).status, 401);
    EXPECT_EQ(Rotate(body, TestServer::Nobody()).status, 401);
  }
  for (const From& who : {server_.Actor(), server_.Person("eve"), handle}) EXPECT_EQ(server_.Get("/v1/keys", who).status, 403);
  EXPECT_EQ(server_.Get("/v1/keys", TestServer::Nobody()).status, 401);
  EXPECT_EQ(Published(), published);
}

TEST_F(RestKeysTest, WhatItCannotBeIsRefused) {
  const std::set<std::string> published = Published();
  EXPECT_EQ(Rotate({}).status, 400);
  EXPECT_EQ(Rotate({{"key", "acess"}}).Reason(), "no-such-key");
  EXPECT_EQ(Rotate({{"key", "checkpoint"}}).Reason(), "key-not-rotatable");
  EXPECT_EQ(Rotate({{"key", "access"}, {"leaked", "yes"}}).status, 400);
  EXPECT_EQ(Rotate({{"key", "access"}, {"leakd", true}}).status, 400);
  EXPECT_EQ(Rotate({{"key", "access"}, {"idempotency_key", std::string(limits::kRequestIdBytes + 1, 'k')}}).status, 400);
  EXPECT_EQ(Published(), published);
}

}  // namespace
}  // namespace remit::api
