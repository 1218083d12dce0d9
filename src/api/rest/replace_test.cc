// /v1/replacements and an actor's accounts over HTTP: what is read strictly, and who may write into the ledger.
#include <gtest/gtest.h>

#include "api/test_server.h"

namespace remit::api {
namespace {

class RestReplaceTest : public ::testing::Test {
 protected:
  static json::Object Begun() {
    return json::Object{{"step", "apply"},        {"phase", "begun"},  {"account", "bil\"ling"},
                        {"account_oid", "16400"}, {"system", "73001"}, {"plan", std::string(64, 'a')}};
  }
  static json::Object Done(json::Object result = {}) {
    json::Object body = Begun();
    body.Set("phase", "done");
    body.Set("result", std::move(result));
    return body;
  }
  int StatusOf(const json::Object& body) { return server_.Post("/v1/replacements", body, TestServer::Root()).status; }
  int With(const char* name, json::Value value) {
    json::Object body = Begun();
    body.Set(name, std::move(value));
    return StatusOf(body);
  }

  TestServer server_;
};

TEST_F(RestReplaceTest, WhatIsToldStandsInTheLedger) {
  const Reply begun = server_.Post("/v1/replacements", Begun(), TestServer::Root());
  ASSERT_EQ(begun.status, 201) << begun.body;
  EXPECT_EQ(StatusOf(Done({{"removed", 3}, {"gone", json::StringArray({"SELECT on table t"})}, {"evidence", std::string(64, 'b')}})), 201);
  const json::Value event = server_.bench.EventOf("replace.done");
  EXPECT_EQ(*event.FindString("account"), "bil\"ling");
  EXPECT_EQ(event.Find("removed")->AsInt(), 3);
  EXPECT_EQ(event.Find("gone")->AsArray().size(), 1u);
}

TEST_F(RestReplaceTest, NobodyWithoutTheRightWritesAnything) {
  const std::size_t before = server_.bench.Events().size();
  const From bot = server_.Actor(), eve = server_.Person("eve");
  const std::size_t signed_in = server_.bench.Events().size();
  EXPECT_GE(signed_in, before);
  for (const From& who : {bot, eve}) {
    EXPECT_EQ(server_.Post("/v1/replacements", Begun(), who).status, 403);
    EXPECT_EQ(server_.Post("/v1/replacements", Done(), who).status, 403);
  }
  EXPECT_EQ(server_.Post("/v1/replacements", Begun(), TestServer::Nobody()).status, 401);
  EXPECT_EQ(server_.bench.Events().size(), signed_in);
}

TEST_F(RestReplaceTest, WhatItCannotBeIsRefused) {
  const std::size_t before = server_.bench.Events().size();
  EXPECT_EQ(With("step", "drop"), 400);
  EXPECT_EQ(With("phase", "over"), 400);
  EXPECT_EQ(With("account", ""), 400);
  EXPECT_EQ(With("account", std::string(257, 'a')), 400);
  EXPECT_EQ(With("account_oid", "1e4"), 400);
  EXPECT_EQ(With("system", ""), 400);
  EXPECT_EQ(With("plan", std::string(63, 'a')), 400);
  EXPECT_EQ(With("plan", std::string(64, 'A')), 400);
  EXPECT_EQ(With("result", json::Object{}), 400);  // nothing came of it yet
  EXPECT_EQ(With("by", "Employee::\"ann\""), 400);
  json::Object without = Done();
  without.Erase("result");
  EXPECT_EQ(StatusOf(without), 400);
  // Nothing of an event's own can be put in the place of what the server says.
  for (const char* name : {"type", "time", "by", "plan", "account"}) EXPECT_EQ(StatusOf(Done({{name, "x"}})), 400) << name;
  EXPECT_EQ(StatusOf(Done({{"removed", -1}})), 400);
  EXPECT_EQ(StatusOf(Done({{"evidence", "x"}})), 400);
  EXPECT_EQ(StatusOf(Done({{"why", std::string(1025, 'x')}})), 400);
  EXPECT_EQ(StatusOf(Done({{"gone", json::StringArray(std::vector<std::string>(21, "x"))}})), 400);
  EXPECT_EQ(StatusOf(Done({{"lost", json::StringArray({std::string(1025, 'x')})}})), 400);
  EXPECT_EQ(server_.bench.Events().size(), before);
}

TEST_F(RestReplaceTest, AnActorsAccountsAreReadAndShown) {
  const auto put = [&](json::Value accounts) {
    return server_.Post("/v1/actors", json::Object{{"uid", R"(Agent::"bot")"}, {"accounts", std::move(accounts)}}, TestServer::Root());
  };
  const Reply named = put(json::StringArray({"box/bot_rw"}));
  ASSERT_EQ(named.status, 200) << named.body;
  EXPECT_EQ(named.json.Find("accounts")->AsArray().at(0), json::Value("box/bot_rw"));
  EXPECT_EQ(put("box/bot_rw").status, 400);
  EXPECT_EQ(put(json::StringArray({"nowhere/bot"})).Reason(), "bad-account");
  const Reply kept = server_.Post("/v1/actors", json::Object{{"uid", R"(Agent::"bot")"}}, TestServer::Root());
  EXPECT_EQ(kept.json.Find("accounts")->AsArray().size(), 1u);
  EXPECT_EQ(put(json::Array{}).json.Find("accounts"), nullptr);
}

TEST_F(RestReplaceTest, WhoAnswersForAnActorAndWhatItVouchesForAreReadAndShown) {
  std::string schema(broker::kSchema);
  schema.replace(schema.find("entity Ticket"), 6, "@from_pep entity");
  server_.bench.LoadCatalog(broker::kPolicies, schema);
  const auto put = [&](json::Object more) {
    more.Set("uid", R"(Agent::"bot")");
    return server_.Post("/v1/actors", more, TestServer::Root());
  };
  const Reply named = put({{"owner", R"(Employee::"ann")"}, {"vouches_for", json::StringArray({"Ticket.project"})}});
  ASSERT_EQ(named.status, 200) << named.body;
  EXPECT_EQ(named.Text("owner"), R"(Employee::"ann")");
  const Reply kept = put({});
  EXPECT_EQ(kept.Text("owner"), R"(Employee::"ann")");
  EXPECT_EQ(kept.json.Find("vouches_for")->AsArray().at(0), json::Value("Ticket.project"));
  EXPECT_EQ(put({{"owner", R"(Employee::"nobody")"}}).Reason(), "bad-owner");
  EXPECT_EQ(put({{"owner", "ann"}}).status, 400);
  EXPECT_EQ(put({{"owner", 7}}).status, 400);
  EXPECT_EQ(put({{"vouches_for", json::StringArray({"Box"})}}).Reason(), "bad-vouch");
  EXPECT_EQ(put({{"vouches_for", "Ticket"}}).status, 400);
  EXPECT_EQ(put({{"was_owned_by", json::Array{}}}).Reason(), "unknown-field");
  const Reply gone = put({{"owner", ""}, {"vouches_for", json::Array{}}});
  EXPECT_EQ(gone.json.Find("owner"), nullptr);
  EXPECT_EQ(gone.json.Find("vouches_for"), nullptr);
  EXPECT_EQ(*gone.json.Find("was_owned_by")->AsArray().at(0).FindString("person"), R"(Employee::"ann")");
}

}  // namespace
}  // namespace remit::api
