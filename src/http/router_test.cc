// Routing, and what handlers are given and give back.
#include <gtest/gtest.h>

#include "base/log.h"
#include "http/router.h"
#include "json/read.h"
#include "json/value.h"

namespace remit::http {
namespace {

class Routing : public testing::Test {
 protected:
  void Add(std::string_view method, std::string_view pattern) {
    router.Add(method, pattern, [name = std::string(method) + " " + std::string(pattern)](const Request& request, Respond respond) {
      std::string text = name;
      for (const Parameter& p : request.params) text += " " + p.name + "=" + p.value;
      respond(Text(200, text));
    });
  }
  Response Ask(std::string method, std::string_view target) {
    auto request = std::make_shared<Request>();
    request->method = std::move(method);
    auto parsed = ParseTarget(target).value();
    request->segments = parsed.segments;
    Response answer;
    router.Dispatch(request, [&](Response response) { answer = std::move(response); });
    return answer;
  }
  Router router;
};

TEST_F(Routing, FindsTheMostFixedPattern) {
  for (const auto* pattern : {"/", "/v1/tasks", "/v1/tasks/{id}", "/v1/tasks/{id}/complete", "/v1/tasks/mine", "/v1/secrets/{path...}", "/{file...}"})
    Add("GET", pattern);
  EXPECT_EQ(Ask("GET", "/").body, "GET /");
  EXPECT_EQ(Ask("GET", "/v1/tasks").body, "GET /v1/tasks");
  EXPECT_EQ(Ask("GET", "/v1/tasks/mine").body, "GET /v1/tasks/mine");
  EXPECT_EQ(Ask("GET", "/v1/tasks/t1").body, "GET /v1/tasks/{id} id=t1");
  EXPECT_EQ(Ask("GET", "/v1/tasks/t%2F1/complete").body, "GET /v1/tasks/{id}/complete id=t/1");
  EXPECT_EQ(Ask("GET", "/v1/secrets/a/b/c").body, "GET /v1/secrets/{path...} path=a/b/c");
  EXPECT_EQ(Ask("GET", "/v1/secrets").body, "GET /{file...} file=v1/secrets") << "the rest is never empty";
  EXPECT_EQ(Ask("GET", "/v1/tasks/mine/complete").body, "GET /v1/tasks/{id}/complete id=mine") << "it goes back where the fixed way ends";
  EXPECT_EQ(Ask("GET", "/v1/secrets/a%2Fb").status, 404) << "an encoded slash would look like two segments";
}

TEST_F(Routing, SaysWhichMethodsThereAre) {
  Add("GET", "/a/{x}");
  Add("POST", "/a/{x}");
  Add("*", "/any");
  const Response wrong = Ask("DELETE", "/a/1");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at(0).value, "GET, POST");
  EXPECT_EQ(Ask("DELETE", "/b").status, 404);
  EXPECT_EQ(Ask("PROPFIND", "/any").status, 200);
  EXPECT_EQ(Ask("HEAD", "/a/1").status, 200);
}

TEST_F(Routing, TakesJsonWhereOthersAreNotNamed) {
  const auto ignore = [](const Request&, Respond respond) { respond(Empty()); };
  router.Add("GET", "/", ignore);
  router.Add("POST", "/", ignore);
  router.Add("POST", "/token", ignore, {.body = BodyKind::kForm, .body_bytes = 100});
  EXPECT_EQ(router.Find("GET", {}).route->body, BodyKind::kNone);
  EXPECT_EQ(router.Find("POST", {}).route->body, BodyKind::kJson);
  EXPECT_EQ(router.Find("POST", {"token"}).route->body, BodyKind::kForm);
  EXPECT_EQ(router.Find("POST", {"token"}).route->body_bytes, 100u);
}

TEST(Problems, SayWhatTheErrorSays) {
  const Response response = Problem(Error(Code::kNotFound, "unknown-task", "no task `x`").At("a.toml:3").Hint("remit list"));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const json::Value problem = json::Parse(response.body).value();
  EXPECT_EQ(*problem.FindString("type"), "urn:remit:error:unknown-task");
  EXPECT_EQ(*problem.FindString("title"), "Not Found");
  EXPECT_EQ(problem.Find("status")->AsInt(), 404);
  EXPECT_EQ(*problem.FindString("detail"), "no task `x`");
  EXPECT_EQ(*problem.FindString("place"), "a.toml:3");
  EXPECT_EQ(*problem.FindString("hint"), "remit list");
  EXPECT_EQ(Problem(Error(Code::kUnauthenticated, "no-credentials", "x")).headers.at(0).name, "WWW-Authenticate");
}

TEST(Problems, OfThisServerAreNotToldToOthers) {
  log::Configure(log::Level::kOff, false);
  EXPECT_EQ(Problem(Error(Code::kInternal, "bug", "pointer 0x1234")).body.find("0x1234"), std::string::npos);
  EXPECT_EQ(Problem(Error(Code::kCorrupt, "bad-row", "row 7")).body.find("row 7"), std::string::npos);
}

TEST(Requests, KnowTheirBearerToken) {
  Request request;
  EXPECT_EQ(request.BearerToken().error().reason, "no-credentials");
  request.headers = {{"Authorization", "bearer rmt_abc"}};
  EXPECT_EQ(request.BearerToken().value(), "rmt_abc");
  for (const std::string value : {"", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer  a", "Bearer a,b", "DPoP a"}) {
    request.headers = {{"Authorization", value}};
    EXPECT_EQ(request.BearerToken().error().reason, "bad-credentials") << value;
  }
}

TEST(Requests, RefuseParametersThatNobodyKnows) {
  Request request;
  request.query = {{"wiat", "5s"}};
  const auto refused = request.OnlyQuery({"wait", "state"});
  EXPECT_EQ(refused.error().reason, "unknown-parameter");
  EXPECT_NE(refused.error().hint.find("`wait`"), std::string::npos);
  request.query = {{"wait", "5s"}};
  EXPECT_TRUE(request.OnlyQuery({"wait", "state"}));
}

TEST(CloseSignals, FireOnceAlsoForThoseWhoComeLate) {
  CloseSignal signal;
  int fired = 0;
  signal.Add([&] { ++fired; });
  signal.Fire(), signal.Fire();
  EXPECT_EQ(fired, 1);
  signal.Add([&] { ++fired; });
  EXPECT_EQ(fired, 2);
  CloseSignal answered;
  answered.Add([&] { ++fired; });
  answered.Drop();
  answered.Fire();
  answered.Add([&] { ++fired; });
  EXPECT_EQ(fired, 2);
}

}  // namespace
}  // namespace remit::http
