// The OAuth endpoints: RFC 6749 §5.2's errors to the letter, sessions and task tokens, introspection and revocation.
#include "api/oauth/oauth.h"

#include <gtest/gtest.h>

#include "api/oauth/token.h"
#include "api/test_server.h"
#include "crypto/key.h"
#include "identity/client_assertions.h"
#include "jose/access_token.h"
#include "jose/client_assertion.h"

namespace remit::api {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using namespace std::chrono_literals;

constexpr const char* kTriage = R"([{"type": "remit_task", "task_type": "triage", "parameters": {"ticket": "T-1"}}])";

class OauthTest : public ::testing::Test {
 protected:
  OauthTest() {
    const Reply put = server_.Post(
        "/v1/actors", json::Object{{"uid", "Agent::\"bot\""}, {"client_id", "bot"}, {"jwk", jose::PublicJwk(key_.public_key())}}, TestServer::Root());
    EXPECT_EQ(put.status, 200) << put.body;
  }

  Fields Assertion(Fields fields = {}, std::string_view audience = "http://remit.test/token") {
    fields.emplace_back("client_assertion_type", std::string(identity::kClientAssertionType));
    fields.emplace_back("client_assertion",
                        jose::SignClientAssertion(key_, "", "bot", audience, "jti-" + std::to_string(++jti_), server_.bench.clock.Now(), 1min));
    return fields;
  }
  Reply Token(Fields extra = {}) {
    extra.emplace_back("grant_type", "client_credentials");
    return server_.PostForm("/token", Assertion(std::move(extra)), TestServer::Nobody());
  }
  bool Active(const std::string& token) {
    const Reply reply = server_.PostForm("/introspect", {{"token", token}}, server_.Actor("helpdesk"));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json.Find("active")->AsBool();
  }

  TestServer server_;
  crypto::SigningKey key_ = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
  int jti_ = 0;
};

TEST_F(OauthTest, AnAssertionGivesASessionForRemitsOwnApi) {
  const Reply token = Token();
  ASSERT_EQ(token.status, 200) << token.body;
  EXPECT_EQ(token.Text("token_type"), "Bearer");
  EXPECT_EQ(token.json.Find("expires_in")->AsInt(), 900);
  EXPECT_EQ(token.Header("Cache-Control"), "no-store");
  EXPECT_EQ(token.Header("Pragma"), "no-cache");
  const From bot{token.Text("access_token"), std::nullopt};
  EXPECT_EQ(server_.Get("/v1/whoami", bot).Text("uid"), "Agent::\"bot\"");
  server_.bench.clock.Advance(15min);
  EXPECT_EQ(server_.Get("/v1/whoami", bot).status, 401);
}

TEST_F(OauthTest, ErrorsAreThoseOfTheRfc) {
  struct Vector {
    Fields fields;
    int status;
    std::string_view error;
  };
  const std::string type(identity::kClientAssertionType);
  const Vector vectors[] = {
      {{}, 400, "invalid_request"},
      {{{"grant_type", ""}}, 400, "invalid_request"},  // §3.2: without a value is not sent
      {{{"grant_type", "password"}, {"client_id", "bot"}}, 400, "unsupported_grant_type"},
      {{{"grant_type", "client_credentials"}}, 401, "invalid_client"},
      {{{"grant_type", "client_credentials"}, {"client_secret", "s3cret"}}, 401, "invalid_client"},
      {{{"grant_type", "client_credentials"}, {"client_secret", "s3cret"}, {"client_assertion", "x.y.z"}}, 400, "invalid_request"},  // §2.3
      {{{"grant_type", "client_credentials"}, {"client_assertion", "x.y.z"}}, 401, "invalid_client"},
      {{{"grant_type", "client_credentials"}, {"client_assertion_type", type}, {"client_assertion", "x.y.z"}}, 401, "invalid_client"},
      {{{"grant_type", "client_credentials"}, {"client_assertion_type", "urn:other"}, {"client_assertion", "x.y.z"}}, 401, "invalid_client"},
      {{{"grant_type", "client_credentials"}, {"audience", "x"}}, 400, "invalid_request"},  // of another grant
      {{{"grant_type", "client_credentials"}, {"subject_token", "x"}}, 400, "invalid_request"},
      {{{"grant_type", "client_credentials"}, {"grant_type", "client_credentials"}}, 400, "invalid_request"},
      {{{"grant_type", "client_credentials"}, {"scope", "all"}}, 400, "invalid_scope"},
      {{{"grant_type", "client_credentials"}, {"resource", "https://api.example"}}, 400, "invalid_target"},
      {{{"grant_type", "client_credentials"}, {"authorization_details", "{"}}, 400, "invalid_authorization_details"},
      {{{"grant_type", "client_credentials"}, {"authorization_details", "[]"}}, 400, "invalid_authorization_details"},
      {{{"grant_type", "client_credentials"}, {"authorization_details", R"([{"type": "payment"}])"}}, 400, "invalid_authorization_details"},
      {{{"grant_type", "client_credentials"}, {"authorization_details", R"([{"type": "remit_task", "task_type": "t", "locations": []}])"}},
       400,
       "invalid_authorization_details"},
      {{{"grant_type", "client_credentials"}, {"authorization_details", R"([{"type": "remit_task", "task_type": "t", "ttl": "soon"}])"}},
       400,
       "invalid_authorization_details"},
      {{{"grant_type", "client_credentials"}, {"authorization_details", kTriage}, {"resource", "https://api.example#x"}}, 400, "invalid_target"},
      {{{"grant_type", "client_credentials"}, {"authorization_details", kTriage}, {"resource", "api"}}, 400, "invalid_target"},
  };
  for (const Vector& v : vectors) {
    const Reply reply = server_.PostForm("/token", v.fields, TestServer::Nobody());
    EXPECT_EQ(reply.status, v.status) << reply.body;
    EXPECT_EQ(reply.Text("error"), v.error) << reply.body;
    EXPECT_EQ(reply.type, "application/json");
    EXPECT_EQ(reply.Header("Cache-Control"), "no-store");
    EXPECT_EQ(reply.Header("WWW-Authenticate").empty(), v.status != 401);
    for (char c : reply.Text("error_description")) EXPECT_TRUE(c >= ' ' && c <= '~' && c != '"' && c != '\\') << reply.body;
  }
}

// RFC 6749 §5.2 has three fields, and no other comes; what to do next stands in the description, where a client of ours finds it.
TEST_F(OauthTest, ErrorsSayWhatToDoNextInTheFieldsOfTheRfc) {
  const Fields fields = Assertion({{"grant_type", "client_credentials"}});
  ASSERT_EQ(server_.PostForm("/token", fields, TestServer::Nobody()).status, 200);
  const Reply replayed = server_.PostForm("/token", fields, TestServer::Nobody());
  EXPECT_EQ(replayed.status, 401);
  EXPECT_TRUE(replayed.Text("error_description").ends_with("(replayed-assertion); hint: sign a new one with its own `jti`")) << replayed.body;
  EXPECT_EQ(replayed.json.AsObject().size(), 2u) << replayed.body;
  const Reply nobody = server_.PostForm("/token", {{"grant_type", "client_credentials"}}, TestServer::Nobody());
  EXPECT_NE(nobody.Text("error_description").find("; hint: make a key with `remit actor key FILE`"), std::string::npos) << nobody.body;
  const Reply asker = server_.PostForm("/introspect", {{"token", "x"}}, TestServer::Nobody());
  EXPECT_NE(asker.Text("error_description").find("; hint: send `Authorization: Bearer ...`"), std::string::npos) << asker.body;
  const Reply unknown = Token({{"authorization_details", R"([{"type": "remit_task", "task_type": "triag", "parameters": {"ticket": "T-1"}}])"}});
  EXPECT_NE(unknown.Text("error_description").find("(unknown-type); hint: did you mean `triage`?"), std::string::npos) << unknown.body;
}

TEST_F(OauthTest, TheBodyIsAFormAndTheQueryIsEmpty) {
  EXPECT_EQ(server_.Post("/token", json::Object{{"grant_type", "client_credentials"}}, TestServer::Nobody()).Text("error"), "invalid_request");
  EXPECT_EQ(server_.PostForm("/token?grant_type=client_credentials", Assertion(), TestServer::Nobody()).Text("error"), "invalid_request");
  EXPECT_EQ(
      server_.Send("POST", "/token", "grant_type=%zz", TestServer::Nobody(), {{"Content-Type", "application/x-www-form-urlencoded"}}).Text("error"),
      "invalid_request");
}

TEST_F(OauthTest, UnrecognizedParametersAreIgnoredAndNothingIsGivenTwice) {
  const Reply token = Token({{"code_verifier", "x"}, {"tenant", "acme"}, {"authorization_details", kTriage}});
  ASSERT_EQ(token.status, 200) << token.body;
  const std::string& rmt = token.Text("access_token");
  EXPECT_TRUE(server_.PostForm("/introspect", {{"token", rmt}, {"tenant", "acme"}}, server_.Actor()).json.Find("active")->AsBool());
  // Also of what nobody knows: which of the two would have been meant?
  for (const char* path : {"/token", "/introspect", "/revoke"})
    for (const char* name : {"tenant", "client_assertion", "client_id", "token", "grant_type"}) {
      const Reply twice =
          server_.PostForm(path, Assertion({{"grant_type", "client_credentials"}, {"token", rmt}, {name, ""}, {name, "b"}}), TestServer::Nobody());
      EXPECT_EQ(twice.status, 400) << path << name;
      EXPECT_EQ(twice.Text("error"), "invalid_request") << path << name;
    }
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", rmt}, {"tenant", "acme"}}, server_.Actor()).status, 200);
  EXPECT_EQ(server_.bench.StateOf(token.Text("remit_task")), "completed");
  // A password beside another proof is two (§2.3), and alone none.
  EXPECT_EQ(Token({{"client_secret", "s3cret"}}).Text("error"), "invalid_request");
  EXPECT_EQ(server_.PostForm("/introspect", {{"token", rmt}, {"client_secret", "s3cret"}}, server_.Actor()).Text("error"), "invalid_request");
  EXPECT_EQ(server_.PostForm("/introspect", {{"token", rmt}, {"client_secret", "s3cret"}}, TestServer::Root()).Text("error"), "invalid_client");
}

TEST_F(OauthTest, AnAssertionIsGoodOnceAndForThisServerOnly) {
  const Fields fields = Assertion({{"grant_type", "client_credentials"}});
  EXPECT_EQ(server_.PostForm("/token", fields, TestServer::Nobody()).status, 200);
  EXPECT_EQ(server_.PostForm("/token", fields, TestServer::Nobody()).Text("error"), "invalid_client");
  EXPECT_EQ(
      server_.PostForm("/token", Assertion({{"grant_type", "client_credentials"}}, "https://other.example"), TestServer::Nobody()).Text("error"),
      "invalid_client");
  // Two ways of authentication at once, RFC 6749 §2.3.
  EXPECT_EQ(server_.PostForm("/token", Assertion({{"grant_type", "client_credentials"}}), server_.Actor()).Text("error"), "invalid_request");
}

TEST_F(OauthTest, BasicIsAnsweredWithItsOwnChallenge) {
  const Reply reply = server_.Send("POST", "/token", "grant_type=client_credentials", TestServer::Nobody(),
                                   {{"Content-Type", "application/x-www-form-urlencoded"}, {"Authorization", "Basic Ym90OnB3"}});
  EXPECT_EQ(reply.status, 401);
  EXPECT_TRUE(reply.Header("WWW-Authenticate").starts_with("Basic ")) << reply.Header("WWW-Authenticate");
}

TEST_F(OauthTest, AuthorizationDetailsStartATask) {
  const Reply token = Token({{"authorization_details", kTriage}});
  ASSERT_EQ(token.status, 200) << token.body;
  EXPECT_TRUE(token.Text("access_token").starts_with("rmt_"));
  EXPECT_TRUE(token.Text("remit_holder_key").starts_with("rmh_"));
  EXPECT_EQ(token.json.Find("expires_in")->AsInt(), 900);
  EXPECT_EQ(*token.json.Find("authorization_details")->AsArray()[0].FindString("task_type"), "triage");
  EXPECT_EQ(server_.bench.StateOf(token.Text("remit_task")), "active");
  EXPECT_TRUE(Active(token.Text("access_token")));
}

TEST_F(OauthTest, AResourceGetsAJwtForItAlone) {
  const Reply token = Token({{"authorization_details", kTriage}, {"resource", "https://api.example"}});
  ASSERT_EQ(token.status, 200) << token.body;
  auto jwks = jose::JwkSet::Parse(server_.Get("/jwks", TestServer::Nobody()).json);
  ASSERT_TRUE(jwks.has_value());
  const std::string jwt = token.Text("access_token");
  auto read = jose::ValidateAccessToken(jwt, *jwks, TestServer::kIssuer, "https://api.example", server_.bench.clock.Now(), {});
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  EXPECT_EQ(read->subject, "Agent::\"bot\"");
  EXPECT_FALSE(jose::ValidateAccessToken(jwt, *jwks, TestServer::kIssuer, "https://other.example", server_.bench.clock.Now(), {}).has_value());
  EXPECT_TRUE(token.Text("remit_token").starts_with("rmt_"));
  // A JWT made for others opens nothing here.
  EXPECT_EQ(server_.Get("/v1/whoami", {jwt, std::nullopt}).status, 401);
}

TEST_F(OauthTest, WhoGetsAnErrorGetsNoTask) {
  EXPECT_EQ(Token({{"authorization_details", R"([{"type": "remit_task", "task_type": "change", "parameters": {"ticket": "T-1"}}])"},
                   {"resource", "https://api.example"}})
                .Text("error"),
            "invalid_target");
  EXPECT_EQ(Token({{"authorization_details", R"([{"type": "remit_task", "task_type": "triage", "parameters": {}}])"}}).Text("error"),
            "invalid_authorization_details");
  EXPECT_EQ(Token({{"authorization_details", R"([{"type": "remit_task", "task_type": "nothing"}])"}}).Text("error"), "invalid_authorization_details");
  const Reply list = server_.Get("/v1/tasks", TestServer::Root());
  EXPECT_TRUE(list.json.Find("tasks")->AsArray().empty()) << list.body;
}

TEST_F(OauthTest, ATaskThatNeedsApprovalSaysSo) {
  const Reply token = Token({{"authorization_details", R"([{"type": "remit_task", "task_type": "change", "parameters": {"ticket": "T-1"}}])"}});
  ASSERT_EQ(token.status, 200) << token.body;
  EXPECT_EQ(token.Text("remit_state"), "requested");
  EXPECT_TRUE(token.Text("remit_approval").starts_with("apv_"));
  EXPECT_FALSE(Active(token.Text("access_token")));
  // Its token is given up like any other: the request is withdrawn, and nobody can approve it any more.
  EXPECT_EQ(server_.PostForm("/revoke", Assertion({{"token", token.Text("access_token")}}), TestServer::Nobody()).status, 200);
  EXPECT_EQ(server_.bench.StateOf(token.Text("remit_task")), "withdrawn");
}

TEST_F(OauthTest, ARevocationThatCannotBeWrittenDownSaysSo) {
  const Reply token = Token({{"authorization_details", R"([{"type": "remit_task", "task_type": "change", "parameters": {"ticket": "T-1"}}])"}});
  const From session = server_.Actor();
  server_.bench.store().FillDisk(false);
  server_.bench.store().FailNext(2, Error(Code::kUnavailable, "store-failed", "disk gone"));
  EXPECT_GE(server_.PostForm("/revoke", {{"token", token.Text("access_token")}}, session).status, 500);
  server_.bench.Pass(std::chrono::seconds(10));  // the end is tried again, as every end is
  EXPECT_EQ(server_.bench.StateOf(token.Text("remit_task")), "withdrawn");
}

TEST_F(OauthTest, IntrospectionIsForActorsAndTheOperator) {
  const std::string token = Token({{"authorization_details", kTriage}}).Text("access_token");
  EXPECT_EQ(server_.PostForm("/introspect", {{"token", token}}, TestServer::Nobody()).Text("error"), "invalid_client");
  EXPECT_EQ(server_.PostForm("/introspect", {{"token", token}}, {token, std::nullopt}).status, 401);
  EXPECT_EQ(server_.PostForm("/introspect", {}, TestServer::Root()).Text("error"), "invalid_request");
  EXPECT_EQ(server_.PostForm("/introspect", {{"token", token}}, TestServer::Root()).status, 200);
  EXPECT_EQ(server_.PostForm("/introspect", Assertion({{"token", token}}), TestServer::Nobody()).status, 200);
  EXPECT_FALSE(Active("rmt_nonsense"));
  EXPECT_FALSE(Active(std::string(9000, 'a')));
}

TEST_F(OauthTest, RevokingATasksTokenCompletesTheTask) {
  const Reply one = Token({{"authorization_details", kTriage}}), two = Token({{"authorization_details", kTriage}});
  const std::string token = one.Text("access_token");
  // Somebody else's revocation is answered alike, and does nothing.
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", token}}, server_.Actor("helpdesk")).status, 200);
  EXPECT_TRUE(Active(token));
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", token}}, {two.Text("remit_holder_key"), std::nullopt}).status, 200);
  EXPECT_TRUE(Active(token));
  EXPECT_EQ(server_.PostForm("/revoke", Assertion({{"token", token}, {"token_type_hint", "access_token"}}), TestServer::Nobody()).status, 200);
  EXPECT_FALSE(Active(token));
  EXPECT_EQ(server_.bench.StateOf(one.Text("remit_task")), "completed");
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", two.Text("access_token")}}, {two.Text("remit_holder_key"), std::nullopt}).status, 200);
  EXPECT_EQ(server_.bench.StateOf(two.Text("remit_task")), "completed");
  // Twice, unknown, or nonsense: 200 (RFC 7009 §2.2).
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", token}}, server_.Actor()).status, 200);
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", "nonsense"}}, server_.Actor()).status, 200);
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", "a.b.c"}}, server_.Actor()).Text("error"), "unsupported_token_type");
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", token}}, TestServer::Nobody()).Text("error"), "invalid_client");
}

TEST_F(OauthTest, AnActorRevokesItsOwnSession) {
  const From session = server_.Actor(), other = server_.Actor("helpdesk");
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", session.bearer}}, other).status, 200);
  EXPECT_EQ(server_.Get("/v1/whoami", session).status, 200);
  EXPECT_EQ(server_.PostForm("/revoke", {{"token", session.bearer}}, session).status, 200);
  EXPECT_EQ(server_.Get("/v1/whoami", session).status, 401);
}

TEST_F(OauthTest, ANewKeyEndsTheSessionsOfTheOld) {
  const From session = server_.Actor();
  const auto other = crypto::SigningKey::Generate(crypto::KeyType::kEd25519);
  const json::Value put = json::Object{{"uid", "Agent::\"bot\""}, {"client_id", "bot"}, {"jwk", jose::PublicJwk(other.public_key())}};
  EXPECT_EQ(server_.Post("/v1/actors", put, TestServer::Root()).status, 200);
  EXPECT_EQ(server_.Get("/v1/whoami", session).status, 401);
  EXPECT_EQ(Token().Text("error"), "invalid_client");
  key_ = other;
  EXPECT_EQ(Token().status, 200);
}

TEST_F(OauthTest, MetadataNamesWhatThereIs) {
  const Reply metadata = server_.Get("/.well-known/oauth-authorization-server", TestServer::Nobody());
  EXPECT_EQ(metadata.Text("issuer"), TestServer::kIssuer);
  for (const char* field : {"token_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint"}) {
    EXPECT_TRUE(metadata.Text(field).starts_with(std::string(TestServer::kIssuer) + "/")) << field;
  }
  EXPECT_EQ(*metadata.json.Find("grant_types_supported"),
            json::Value(json::Array{"client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"}));
  EXPECT_EQ(metadata.json.Find("authorization_details_types_supported")->AsArray()[0].AsString(), "remit_task");
}

}  // namespace
}  // namespace remit::api
