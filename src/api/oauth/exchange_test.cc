// Token exchange (RFC 8693): it is a delegation, asked of the parent, cut by it, and open to the parent's own actor alone. Each other way in
// that somebody could think of is here, and leaves nothing behind.
#include <gtest/gtest.h>

#include "api/oauth/token.h"
#include "api/test_server.h"
#include "broker/life_bench.h"
#include "crypto/key.h"
#include "identity/client_assertions.h"
#include "jose/access_token.h"
#include "jose/client_assertion.h"

namespace remit::api {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using namespace std::chrono_literals;

std::string Details(const std::string& type, json::Object parameters, json::Object more = {}) {
  json::Object detail{{"type", "remit_task"}, {"task_type", type}, {"parameters", std::move(parameters)}};
  for (auto& [name, value] : more) detail.Set(name, value);
  return json::Write(json::Array{std::move(detail)});
}

// One installation with the catalog of sub-tasks, and clients with keys of their own.
class Party {
 public:
  explicit Party(std::size_t drawn = 1) {
    RandomSecret(server.bench.rng, "", drawn);  // another number, other handles
    server.bench.LoadCatalog(broker::kLifePolicies, broker::kLifeSchema);
    for (const char* id : {"bot", "sub"}) {
      const Reply put = server.Post(
          "/v1/actors", json::Object{{"uid", std::string("Agent::\"") + id + "\""}, {"client_id", id}, {"jwk", jose::PublicJwk(key.public_key())}},
          TestServer::Root());
      EXPECT_EQ(put.status, 200) << put.body;
    }
  }

  Fields Assertion(Fields fields, const std::string& client) {
    fields.emplace_back("client_assertion_type", std::string(identity::kClientAssertionType));
    fields.emplace_back("client_assertion", jose::SignClientAssertion(key, "", client, std::string(TestServer::kIssuer) + "/token",
                                                                      "jti-" + std::to_string(++jti), server.bench.clock.Now(), 1min));
    return fields;
  }
  Reply Token(Fields fields, const std::string& client = "bot") {
    return server.PostForm("/token", Assertion(std::move(fields), client), TestServer::Nobody());
  }
  // A task of bot's own, by client_credentials.
  Reply Lead(Fields more = {}) {
    more.emplace_back("grant_type", "client_credentials");
    more.emplace_back("authorization_details", Details("lead", {{"ticket", "T-1"}}));
    const Reply lead = Token(std::move(more));
    EXPECT_EQ(lead.status, 200) << lead.body;
    return lead;
  }
  // An exchange with what is usual; `changes` sets other values, and "" leaves a parameter out.
  static Fields Form(const std::string& subject, Fields changes = {}) {
    Fields form{{"grant_type", std::string(kTokenExchange)},
                {"subject_token", subject},
                {"subject_token_type", std::string(kAccessTokenType)},
                {"authorization_details", Details("part", {{"ticket", "T-1"}})}};
    for (auto& [name, value] : changes) {
      std::erase_if(form, [&](const auto& one) { return one.first == name; });
      form.emplace_back(name, value);
    }
    return form;
  }
  Reply Exchange(const std::string& subject, Fields changes = {}, const std::string& client = "bot") {
    return Token(Form(subject, std::move(changes)), client);
  }
  json::Value Introspected(const std::string& token) { return server.PostForm("/introspect", {{"token", token}}, server.Actor("helpdesk")).json; }
  std::size_t Tasks() { return server.Get("/v1/tasks", TestServer::Root()).json.Find("tasks")->AsArray().size(); }

  TestServer server;
  crypto::SigningKey key = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  int jti = 0;
};

class ExchangeTest : public ::testing::Test {
 protected:
  // Refused, in the same words whatever the reason, and nothing was started.
  void ExpectBadSubject(const Reply& reply, std::size_t tasks) {
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_EQ(reply.Text("error"), "invalid_request") << reply.body;
    EXPECT_EQ(reply.Text("error_description"), "`subject_token` is not the REMIT_TOKEN of an active task whose actor is this client");
    EXPECT_EQ(party_.Tasks(), tasks);
  }
  void ExpectError(const Reply& reply, std::string_view error, std::string_view says) {
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_EQ(reply.Text("error"), error) << reply.body;
    EXPECT_NE(reply.Text("error_description").find(says), std::string::npos) << reply.body;
    EXPECT_EQ(reply.Header("Cache-Control"), "no-store");
  }

  Party party_;
};

TEST_F(ExchangeTest, ATasksTokenIsExchangedForThatOfAPartOfIt) {
  const Reply lead = party_.Lead();
  const Reply part = party_.Exchange(lead.Text("access_token"));
  ASSERT_EQ(part.status, 200) << part.body;
  EXPECT_EQ(part.Header("Cache-Control"), "no-store");
  EXPECT_EQ(part.Text("issued_token_type"), kAccessTokenType);
  EXPECT_EQ(part.Text("token_type"), "Bearer");
  EXPECT_EQ(part.json.Find("expires_in")->AsInt(), 600);
  EXPECT_TRUE(part.Text("access_token").starts_with("rmt_"));
  EXPECT_TRUE(part.Text("remit_holder_key").starts_with("rmh_"));
  EXPECT_EQ(part.json.Find("scope"), nullptr);
  const json::Value shown = party_.server.Get("/v1/tasks/" + part.Text("remit_task"), TestServer::Root()).json;
  EXPECT_EQ(*shown.FindString("parent"), lead.Text("remit_task"));
  // Who acts for whom, in the token itself and in what introspection says of it.
  const json::Value seen = party_.Introspected(part.Text("access_token"));
  EXPECT_EQ(*seen.FindString("sub"), "Agent::\"bot\"");
  EXPECT_EQ(*seen.Find("act")->FindString("sub"), "Agent::\"bot\"");
  EXPECT_EQ(*seen.Find("act")->FindString("remit_task"), part.Text("remit_task"));
  // Read and comment are its parent's too; close is its own alone, and is not in it.
  EXPECT_EQ(seen.Find("authorization_details")->AsArray()[0].Find("permissions")->AsArray().size(), 2u);
  // It lives and dies with the parent.
  EXPECT_EQ(party_.server.PostForm("/revoke", {{"token", lead.Text("access_token")}}, party_.server.Actor()).status, 200);
  EXPECT_FALSE(party_.Introspected(part.Text("access_token")).Find("active")->AsBool());
  EXPECT_EQ(party_.server.bench.StateOf(part.Text("remit_task")), "revoked");
}

TEST_F(ExchangeTest, AResourceOrAnAudienceGetsAJwtThatCarriesTheChain) {
  const std::string lead = party_.Lead().Text("access_token");
  auto jwks = jose::JwkSet::Parse(party_.server.Get("/jwks", TestServer::Nobody()).json);
  const Fields asked[] = {
      {{"resource", "https://api.example"}},
      {{"audience", "https://api.example"}},
      {{"audience", "https://api.example"}, {"resource", "https://api.example"}, {"requested_token_type", std::string(kJwtType)}}};
  for (const Fields& changes : asked) {
    Fields with = changes;
    with.emplace_back("authorization_details", Details("part", {{"ticket", "T-1"}}, {{"actor", "Agent::\"sub\""}}));
    const Reply part = party_.Exchange(lead, with);
    ASSERT_EQ(part.status, 200) << part.body;
    EXPECT_EQ(part.Text("issued_token_type"), changes.size() == 3 ? kJwtType : kAccessTokenType);
    EXPECT_EQ(*part.json.Find("authorization_details")->AsArray()[0].FindString("actor"), "Agent::\"sub\"");
    auto read =
        jose::ValidateAccessToken(part.Text("access_token"), *jwks, TestServer::kIssuer, "https://api.example", party_.server.bench.clock.Now(), {});
    ASSERT_TRUE(read.has_value()) << read.error().ToString();
    EXPECT_EQ(read->subject, "Agent::\"bot\"");
    EXPECT_EQ(read->client_id, "Agent::\"sub\"");
    const json::Value* act = read->extra.Find("act");
    ASSERT_NE(act, nullptr);
    EXPECT_EQ(*act->FindString("sub"), "Agent::\"sub\"");
    EXPECT_EQ(*act->FindString("remit_task"), part.Text("remit_task"));
  }
  EXPECT_EQ(*party_.Exchange(lead, {{"audience", "billing"}}).json.FindString("token_type"), "Bearer");  // a logical name is no URI
  ExpectError(party_.Exchange(lead, {{"audience", "billing"}, {"resource", "https://api.example"}}), "invalid_target", "name two");
  ExpectError(party_.Exchange(lead, {{"resource", "billing"}}), "invalid_target", "absolute URI");
  ExpectError(party_.Exchange(lead, {{"requested_token_type", std::string(kJwtType)}}), "invalid_target", "one resource server");
  // Remit itself takes no token that is made for others, so none is made for it; and what was started for it has ended.
  const std::size_t before = party_.Tasks();
  ExpectError(party_.Exchange(lead, {{"audience", TestServer::kIssuer}}), "invalid_target", "bad-audience");
  EXPECT_EQ(party_.Tasks(), before);
}

TEST_F(ExchangeTest, PartsOfPartsNestTheChain) {
  const Reply lead = party_.Lead();
  const Reply part =
      party_.Exchange(lead.Text("access_token"), {{"authorization_details", Details("part", {{"ticket", "T-1"}}, {{"actor", "Agent::\"sub\""}})}});
  const Reply below = party_.Exchange(part.Text("access_token"), {}, "sub");
  ASSERT_EQ(below.status, 200) << below.body;
  const json::Value seen = party_.Introspected(below.Text("access_token"));
  EXPECT_EQ(*seen.FindString("sub"), "Agent::\"bot\"");
  EXPECT_EQ(*seen.Find("act")->FindString("remit_task"), below.Text("remit_task"));
  EXPECT_EQ(*seen.Find("act")->Find("act")->FindString("remit_task"), part.Text("remit_task"));
  // Its parent hands on once.
  ExpectError(party_.Exchange(part.Text("access_token"), {}, "sub"), "invalid_request", "delegate-denied");
}

// REMIT_TOKEN allows use, not life: whoever has it and is not its task's actor delegates nothing, also not the actor of a task above.
TEST_F(ExchangeTest, ATokenOfSomebodyElsesTaskIsWorthNothing) {
  const Reply lead = party_.Lead();
  ExpectBadSubject(party_.Exchange(lead.Text("access_token"), {}, "sub"), 1);
  const Reply part =
      party_.Exchange(lead.Text("access_token"), {{"authorization_details", Details("part", {{"ticket", "T-1"}}, {{"actor", "Agent::\"sub\""}})}});
  ExpectBadSubject(party_.Exchange(part.Text("access_token"), {}, "bot"), 2);
}

TEST_F(ExchangeTest, ATokenOfAnotherInstallationIsWorthNothing) {
  Party other(100);
  ExpectBadSubject(party_.Exchange(other.Lead().Text("access_token")), 0);
  ExpectBadSubject(party_.Exchange(other.Lead({{"resource", "https://api.example"}}).Text("access_token")), 0);
}

TEST_F(ExchangeTest, ATaskThatIsOverOrStoppedGivesNothing) {
  auto& bench = party_.server.bench;
  const Reply ended = party_.Lead(), expired = party_.Lead(), suspended = party_.Lead();
  EXPECT_EQ(party_.server.PostForm("/revoke", {{"token", ended.Text("access_token")}}, party_.server.Actor()).status, 200);
  ExpectBadSubject(party_.Exchange(ended.Text("access_token")), 2);

  const auto url = "/v1/tasks/" + suspended.Text("remit_task");
  const Reply below = party_.Exchange(suspended.Text("access_token"));
  EXPECT_EQ(party_.server.Post(url + "/suspend", json::Object{{"reason", "odd"}}, TestServer::Root()).status, 200);
  ExpectBadSubject(party_.Exchange(suspended.Text("access_token")), 3);
  ExpectBadSubject(party_.Exchange(below.Text("access_token")), 3);  // it stopped with its parent
  EXPECT_EQ(party_.server.Post(url + "/resume", json::Object{}, party_.server.Person("ann")).status, 200);
  EXPECT_EQ(party_.Exchange(suspended.Text("access_token")).status, 200);

  bench.clock.Advance(30min);  // nobody has written its end down yet
  const Reply late = party_.Exchange(expired.Text("access_token"));
  EXPECT_EQ(late.Text("error"), "invalid_request") << late.body;
  bench.Pass(1s);
  ExpectBadSubject(party_.Exchange(expired.Text("access_token")), 0);
}

TEST_F(ExchangeTest, ARequestThatWaitsForAYesIsNoParentYet) {
  const Reply lead = party_.Lead();
  const Reply waits = party_.Exchange(lead.Text("access_token"), {{"authorization_details", Details("box", {{"box", "vault"}})}});
  ASSERT_EQ(waits.status, 200) << waits.body;
  EXPECT_EQ(waits.Text("remit_state"), "requested");
  EXPECT_TRUE(waits.Text("remit_approval").starts_with("apv_"));
  EXPECT_EQ(waits.json.Find("expires_in"), nullptr);
  ExpectBadSubject(party_.Exchange(waits.Text("access_token")), 2);
  // With a resource there would be no token to give: nothing waits for anybody.
  ExpectError(party_.Exchange(lead.Text("access_token"),
                              {{"resource", "https://api.example"}, {"authorization_details", Details("box", {{"box", "vault"}})}}),
              "invalid_target", "approval");
  EXPECT_EQ(party_.Tasks(), 2u);
}

TEST_F(ExchangeTest, OnlyATasksTokenIsASubject) {
  const Reply lead = party_.Lead({{"resource", "https://api.example"}});
  const auto key = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  jose::AccessToken forged;
  forged.issuer = TestServer::kIssuer;
  forged.subject = forged.client_id = "Agent::\"bot\"";
  forged.audience = TestServer::kIssuer;
  forged.id = lead.Text("remit_task");
  forged.issued_at = party_.server.bench.clock.Now();
  forged.expires = forged.issued_at + 10min;
  forged.extra = json::Object{{"remit_task", lead.Text("remit_task")}};
  const std::string outside = jose::SignAccessToken(key, "k1", forged);
  const std::string assertion =
      jose::SignClientAssertion(party_.key, "", "bot", std::string(TestServer::kIssuer) + "/token", "jti-x", party_.server.bench.clock.Now(), 1min);
  for (const std::string& token : {lead.Text("access_token"),           // a JWT of ours that was made for another
                                   outside,                             // and of an outside issuer
                                   assertion,                           // a client assertion
                                   lead.Text("remit_holder_key"),       // allows life, and is no access token
                                   party_.server.Actor("bot").bearer,   // a session
                                   party_.server.Person("ann").bearer,  // a person's
                                   lead.Text("remit_task"),             // an id is no secret
                                   lead.Text("remit_token") + "x", std::string("rmt_"), std::string("rmr_0000"), std::string(9000, 'a')})
    ExpectBadSubject(party_.Exchange(token), 1);
  // Of what type it is said to be is no way around it.
  for (const char* type : {"urn:ietf:params:oauth:token-type:refresh_token", "urn:ietf:params:oauth:token-type:jwt",
                           "urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:saml2", "access_token"})
    ExpectError(party_.Exchange(lead.Text("remit_token"), {{"subject_token_type", type}}), "invalid_request", "subject_token_type");
  EXPECT_EQ(party_.Tasks(), 1u);
  EXPECT_EQ(party_.Exchange(lead.Text("remit_token")).status, 200);
}

TEST_F(ExchangeTest, NothingIsWiderThanItsParent) {
  const std::string lead = party_.Lead().Text("access_token");
  // A part that its parent does not cover has nothing: neither the other ticket, nor what its own type may alone.
  const Reply other = party_.Exchange(lead, {{"authorization_details", Details("part", {{"ticket", "T-2"}})}});
  ASSERT_EQ(other.status, 200) << other.body;
  EXPECT_TRUE(party_.Introspected(other.Text("access_token")).Find("authorization_details")->AsArray()[0].Find("permissions")->AsArray().empty());
  EXPECT_FALSE(party_.server.bench.Allowed(other.Text("remit_task"), "ticket.read", "T-2"));
  const std::size_t tasks = party_.Tasks();
  ExpectError(party_.Exchange(lead, {{"scope", "ticket.close"}}), "invalid_scope", "no scopes");
  ExpectError(party_.Exchange(lead, {{"authorization_details", Details("part", {{"ticket", "T-1"}}, {{"ttl", "1h"}})}}),
              "invalid_authorization_details", "too-long");
  ExpectError(party_.Exchange(lead, {{"authorization_details", Details("alone", {{"ticket", "T-1"}})}}), "invalid_request", "not-delegable");
  ExpectError(party_.Exchange(lead, {{"authorization_details", Details("part", {})}}), "invalid_authorization_details", "missing-parameter");
  ExpectError(party_.Exchange(lead, {{"authorization_details", Details("nothing", {})}}), "invalid_authorization_details", "unknown-type");
  ExpectError(party_.Exchange(lead, {{"authorization_details", Details("part", {{"ticket", "T-1"}}, {{"actor", "Agent::\"nobody\""}})}}),
              "invalid_request", "start-denied");
  ExpectError(party_.Exchange(lead, {{"authorization_details", Details("part", {{"ticket", "T-1"}}, {{"actor", "nobody"}})}}),
              "invalid_authorization_details", "actor");
  EXPECT_EQ(party_.Tasks(), tasks);
}

TEST_F(ExchangeTest, AnActorTokenIsTheClientsOwnOrNone) {
  const std::string lead = party_.Lead().Text("access_token"), type(kAccessTokenType);
  auto by = [&](const std::string& token, Fields more = {}) {
    more.emplace_back("actor_token", token);
    more.emplace_back("actor_token_type", type);
    return party_.Exchange(lead, more);
  };
  const From own = party_.server.Actor("bot");
  EXPECT_EQ(by(own.bearer).status, 200);
  for (const std::string& token : {party_.server.Actor("sub").bearer, party_.server.Person("ann").bearer, lead, std::string("rma_nonsense")})
    ExpectError(by(token), "invalid_request", "actor_token");
  const std::string for_sub = Details("part", {{"ticket", "T-1"}}, {{"actor", "Agent::\"sub\""}});
  ExpectError(by(own.bearer, {{"authorization_details", for_sub}}), "invalid_request", "two acting parties");
  // §2.1: type and token come together.
  ExpectError(party_.Exchange(lead, {{"actor_token", own.bearer}}), "invalid_request", "actor_token_type");
  ExpectError(party_.Exchange(lead, {{"actor_token_type", type}}), "invalid_request", "actor_token");
  ExpectError(party_.Exchange(lead, {{"actor_token", own.bearer}, {"actor_token_type", std::string(kJwtType)}}), "invalid_request",
              "actor_token_type");
  party_.server.bench.clock.Advance(16min);  // its session is over, its task is not
  ExpectError(by(own.bearer), "invalid_request", "actor_token");
  EXPECT_EQ(party_.Exchange(lead).status, 200);
}

TEST_F(ExchangeTest, TheClientProvesWhoItIsAsForEveryGrantAndOnce) {
  const Reply lead = party_.Lead();
  const Fields form = Party::Form(lead.Text("access_token"));
  const Fields once = party_.Assertion(form, "bot");
  EXPECT_EQ(party_.server.PostForm("/token", once, TestServer::Nobody()).status, 200);
  EXPECT_EQ(party_.server.PostForm("/token", once, TestServer::Nobody()).Text("error"), "invalid_client");
  // Neither the token, nor the holder key, nor a session, nor the socket stands for it.
  EXPECT_EQ(party_.server.PostForm("/token", form, TestServer::Nobody()).Text("error"), "invalid_client");
  EXPECT_EQ(party_.server.PostForm("/token", form, TestServer::Root()).Text("error"), "invalid_client");
  for (const std::string& bearer : {lead.Text("access_token"), lead.Text("remit_holder_key"), party_.server.Actor("bot").bearer})
    EXPECT_EQ(party_.server.PostForm("/token", form, {bearer, std::nullopt}).Text("error"), "invalid_client");
  Fields stolen = Party::Form(lead.Text("access_token"));
  stolen.emplace_back("client_id", "bot");  // named, and signed by another
  EXPECT_EQ(party_.Token(stolen, "sub").Text("error"), "invalid_client");
  EXPECT_EQ(party_.Tasks(), 2u);
}

TEST_F(ExchangeTest, WhatIsMissingIsNamed) {
  const std::string lead = party_.Lead().Text("access_token");
  for (const char* name : {"subject_token", "subject_token_type", "authorization_details"})
    ExpectError(party_.Exchange(lead, {{name, ""}}), "invalid_request", name);
  ExpectError(party_.Exchange(lead, {{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}}), "invalid_request",
              "requested_token_type");
  ExpectError(party_.Exchange(lead, {{"authorization_details", R"([{"type": "payment"}])"}}), "invalid_authorization_details", "remit_task");
  // Nobody's actor is somebody else outside of an exchange.
  EXPECT_EQ(party_
                .Token({{"grant_type", "client_credentials"},
                        {"authorization_details", Details("lead", {{"ticket", "T-1"}}, {{"actor", "Agent::\"sub\""}})}})
                .Text("error"),
            "invalid_authorization_details");
}

}  // namespace
}  // namespace remit::api
