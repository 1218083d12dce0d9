// The REST API end to end, without sockets: the life of a task, who may see what, strictness, and what nobody is told.
#include "api/rest.h"

#include <gtest/gtest.h>

#include "api/test_server.h"
#include "base/limits.h"

namespace remit::api {
namespace {

using namespace std::chrono_literals;

class RestTest : public ::testing::Test {
 protected:
  static From Bearer(const std::string& handle) { return {handle, std::nullopt}; }
  TestServer server_;
};

TEST_F(RestTest, TheLifeOfATask) {
  const From bot = server_.Actor();
  const Reply started = server_.StartTriage(bot);
  ASSERT_EQ(started.status, 201) << started.body;
  const std::string id = TaskOf(started), path = "/v1/tasks/" + id;
  const From token = Bearer(started.Text("token")), holder = Bearer(started.Text("holder"));
  EXPECT_EQ(server_.Get("/v1/whoami", token).Text("task"), id);

  const json::Value question = json::Object{{"action", "ticket.read"}, {"resource", "Ticket::\"T-1\""}};
  EXPECT_TRUE(server_.Post("/v1/check", question, token).json.Find("allowed")->AsBool());
  EXPECT_EQ(server_.Get(path, token).Text("state"), "active");
  EXPECT_EQ(server_.Get(path, bot).Text("purpose"), "Triage one ticket");
  EXPECT_EQ(server_.Post(path + "/heartbeat", json::Object{}, holder).status, 204);
  EXPECT_EQ(server_.Get(path + "/environment", holder).status, 200);
  EXPECT_EQ(server_.Get(path + "/receipt", bot).Reason(), "not-ended");

  const Reply ended = server_.Post(path + "/complete", json::Object{{"wait", "1s"}}, holder);
  ASSERT_EQ(ended.status, 200) << ended.body;
  EXPECT_TRUE(ended.json.Find("all_dead")->AsBool());
  EXPECT_EQ(server_.Get("/v1/whoami", token).status, 401);
  EXPECT_EQ(server_.Get("/v1/whoami", holder).status, 401);
  EXPECT_EQ(server_.Get(path, bot).Text("state"), "completed");
  EXPECT_EQ(server_.Get(path + "/receipt", bot).status, 200);
  EXPECT_EQ(server_.Post(path + "/complete", json::Object{}, bot).status, 409);
}

TEST_F(RestTest, ATokenAllowsUseNotLife) {
  const Reply started = server_.StartTriage(server_.Actor());
  const std::string path = "/v1/tasks/" + TaskOf(started);
  const From token = Bearer(started.Text("token"));
  for (const char* verb : {"/complete", "/withdraw", "/heartbeat"}) {
    EXPECT_GE(server_.Post(path + verb, json::Object{}, token).status, 400) << verb;
  }
  EXPECT_GE(server_.Get(path + "/environment", token).status, 400);
  EXPECT_GE(server_.Get(path + "/hold", token).status, 400);
  EXPECT_GE(server_.StartTriage(token).status, 400);
  EXPECT_GE(server_.StartTriage(Bearer(started.Text("holder"))).status, 400);
  EXPECT_EQ(server_.bench.StateOf(TaskOf(started)), "active");
}

TEST_F(RestTest, TheTokenOfARequestIsNotSaidToBeSuspended) {
  const Reply asked = server_.Post("/v1/tasks", json::Object{{"type", "change"}, {"parameters", json::Object{{"ticket", "T-1"}}}}, server_.Actor());
  ASSERT_EQ(server_.bench.StateOf(TaskOf(asked)), "requested") << asked.body;
  EXPECT_EQ(server_.Get("/v1/whoami", Bearer(asked.Text("token"))).Reason(), "bad-credentials");
}

TEST_F(RestTest, UnknownAndForbiddenLookTheSame) {
  const Reply started = server_.StartTriage(server_.Actor());
  const std::string mine = TaskOf(started);
  std::string other = mine;
  other.back() = other.back() == '0' ? '1' : '0';
  const From stranger = server_.Actor("helpdesk");
  for (const char* tail : {"", "/receipt", "/environment", "/hold"}) {
    const Reply forbidden = server_.Get("/v1/tasks/" + mine + tail, stranger), unknown = server_.Get("/v1/tasks/" + other + tail, stranger);
    EXPECT_EQ(forbidden.status, 404) << tail;
    EXPECT_EQ(forbidden.status, unknown.status) << tail;
    EXPECT_EQ(forbidden.Reason(), unknown.Reason()) << tail;
    EXPECT_EQ(forbidden.Header("WWW-Authenticate"), unknown.Header("WWW-Authenticate"));
  }
  for (const char* verb : {"/complete", "/withdraw", "/heartbeat"}) {
    EXPECT_EQ(server_.Post("/v1/tasks/" + mine + verb, json::Object{}, stranger).status, 404) << verb;
    EXPECT_EQ(server_.Post("/v1/tasks/" + other + verb, json::Object{}, stranger).status, 404) << verb;
  }
  EXPECT_EQ(server_.Get("/v1/tasks/nonsense", stranger).status, 404);
  EXPECT_TRUE(server_.Get("/v1/tasks", stranger).json.Find("tasks")->AsArray().empty());
}

TEST_F(RestTest, NobodyGetsNothingButTheDoor) {
  for (const http::Router::Route* route : server_.router.routes()) {
    if (!route->pattern.starts_with("/v1/") || route->pattern == "/v1/sign-in" || route->pattern == "/v1/whoami") continue;
    std::string path = route->pattern;
    for (const auto& [name, value] : {std::pair<std::string, std::string>{"{id}", "tsk_00000000000000000000000000"},
                                      {"{path...}", "a/b"},
                                      {"{name}", "orders"},
                                      {"{hash}", std::string(64, '0')}}) {
      if (const auto at = path.find(name); at != std::string::npos) path.replace(at, name.size(), value);
    }
    const Reply reply = server_.Send(route->method, path, "{}", TestServer::Nobody());
    EXPECT_EQ(reply.status, 401) << route->method << " " << path;
    EXPECT_EQ(reply.Header("WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(server_.Get("/v1/whoami", TestServer::Nobody()).Text("kind"), "nobody");
}

TEST_F(RestTest, ABadHandleIsRefusedAlsoFromRoot) {
  EXPECT_EQ(server_.Get("/v1/whoami", TestServer::Root()).Text("kind"), "operator");
  EXPECT_EQ(server_.Get("/v1/whoami", {"rma_nonsense", 0}).status, 401);
  EXPECT_EQ(server_.Send("GET", "/v1/whoami", "", TestServer::Root(), {{"Authorization", "Basic cm9vdDo="}}).status, 401);
  EXPECT_EQ(server_.Send("GET", "/v1/whoami", "", server_.Actor(), {{"Authorization", "Bearer x"}}).status, 401);
}

TEST_F(RestTest, WhoDeclaresAccountsHearsWhichRolesTheyAre) {
  broker::Hooks hooks;
  hooks.see_accounts = [](const std::vector<std::string>&, bool, const std::function<void(json::Array)>&) {};  // the target is silent
  server_.bench.broker().SetHooks(std::move(hooks));
  const json::Array seen = {json::Object{{"account", "box/a"}, {"noted", true}, {"oid", "16400"}, {"system", "73"}}};
  const From bot = server_.Actor();
  // What takes access away does not wait for it.
  EXPECT_EQ(server_
                .Post("/v1/actors", json::Object{{"uid", "Agent::\"bot\""}, {"accounts", json::StringArray({"box/a"})}, {"barred", true}},
                      TestServer::Root())
                .status,
            0);
  EXPECT_EQ(server_.Get("/v1/whoami", bot).status, 401);
  EXPECT_EQ(server_.sessions->CountOf({"Agent", "bot"}), 0u);
  // And who is fast is in the answer. Without accounts nobody looks.
  hooks = {};
  hooks.see_accounts = [&](const std::vector<std::string>&, bool, const std::function<void(json::Array)>& done) { done(seen); };
  server_.bench.broker().SetHooks(std::move(hooks));
  const json::Value one = json::Object{{"uid", "Agent::\"bot\""}, {"accounts", json::StringArray({"box/a"})}};
  const Reply answer = server_.Post("/v1/actors", one, TestServer::Root());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json.Find("accounts_seen")->AsArray(), seen);
  EXPECT_EQ(server_.Post("/v1/actors", json::Object{{"uid", "Agent::\"bot\""}}, TestServer::Root()).json.Find("accounts_seen"), nullptr);
}

TEST_F(RestTest, SetUpIsForTheOperatorAndWhomTheCatalogPermits) {
  const From bot = server_.Actor(), eve = server_.Person("eve"), ann = server_.Person("ann"), peer = {"", 1234};
  for (const From& who : {bot, eve}) {
    EXPECT_EQ(server_.Post("/v1/actors", json::Object{{"uid", "Agent::\"x\""}}, who).status, 403);
    EXPECT_EQ(server_.Post("/v1/people", json::Object{{"uid", "Employee::\"x\""}}, who).status, 403);
    EXPECT_EQ(server_.Post("/v1/people/sign-in-link", json::Object{{"person", "Employee::\"ann\""}}, who).status, 403);
    EXPECT_EQ(server_.Post("/v1/sweep", json::Object{}, who).status, 403);
    for (const char* path : {"/v1/actors", "/v1/people", "/v1/targets", "/v1/facts", "/ledger/entries"})
      EXPECT_EQ(server_.Get(path, who).status, 403) << path;
  }
  // ann may `view`, the server too, and nothing else of it.
  EXPECT_EQ(server_.Get("/v1/actors", ann).status, 200);
  EXPECT_EQ(server_.Get("/ledger/entries", ann).status, 200);
  EXPECT_EQ(server_.Post("/v1/actors", json::Object{{"uid", "Agent::\"x\""}}, ann).status, 403);
  EXPECT_EQ(server_.Post("/v1/offboard", json::Object{{"actor", "Agent::\"bot\""}}, ann).status, 403);
  EXPECT_EQ(server_.Post("/v1/people/sign-in-link", json::Object{{"person", "Employee::\"ann\""}}, ann).status, 403);
  EXPECT_EQ(server_.Get("/v1/actors", peer).status, 401);
  const Reply actors = server_.Get("/v1/actors", TestServer::Root());
  EXPECT_EQ(actors.json.Find("actors")->AsArray().size(), 2u) << actors.body;
  EXPECT_EQ(server_.Get("/v1/people", TestServer::Root()).json.Find("people")->AsArray().size(), 3u);
}

TEST_F(RestTest, SigningInOnceAndOut) {
  const Reply link = server_.Post("/v1/people/sign-in-link", json::Object{{"person", "Employee::\"ann\""}}, TestServer::Root());
  ASSERT_EQ(link.status, 201) << link.body;
  EXPECT_EQ(link.Text("link"), std::string("http://remit.test/sign-in#") + link.Text("code"));
  const json::Value code = json::Object{{"code", link.Text("code")}};
  const Reply in = server_.Post("/v1/sign-in", code, TestServer::Nobody());
  EXPECT_EQ(in.Text("person"), "Employee::\"ann\"");
  EXPECT_EQ(server_.Post("/v1/sign-in", code, TestServer::Nobody()).Reason(), "bad-sign-in-code");
  const From ann = Bearer(in.Text("session"));
  EXPECT_EQ(server_.Get("/v1/whoami", ann).Text("kind"), "person");
  EXPECT_EQ(server_.Post("/v1/sign-out", json::Object{}, ann).status, 204);
  EXPECT_EQ(server_.Get("/v1/whoami", ann).status, 401);
  EXPECT_EQ(server_.Post("/v1/sign-out", json::Object{}, TestServer::Root()).Reason(), "no-session");
}

TEST_F(RestTest, ABarredPersonIsOut) {
  const From ann = server_.Person("ann");
  EXPECT_EQ(server_.Post("/v1/people", json::Object{{"uid", "Employee::\"ann\""}, {"barred", true}}, TestServer::Root()).status, 200);
  EXPECT_EQ(server_.Get("/v1/whoami", ann).status, 401);
  EXPECT_EQ(server_.Post("/v1/people", json::Object{{"uid", "Employee::\"ann\""}, {"barred", false}}, TestServer::Root()).status, 200);
  EXPECT_EQ(server_.Get("/v1/whoami", ann).status, 401);
}

TEST_F(RestTest, PeopleApproveWhatTheySaw) {
  const Reply asked = server_.Post("/v1/tasks", json::Object{{"type", "change"}, {"parameters", json::Object{{"ticket", "T-1"}}}}, server_.Actor());
  ASSERT_EQ(asked.status, 201) << asked.body;
  EXPECT_EQ(asked.json.Find("task")->Find("state")->AsString(), "requested");
  const From ann = server_.Person("ann"), bob = server_.Person("bob");
  const Reply list = server_.Get("/v1/approvals", ann);
  ASSERT_EQ(list.json.Find("approvals")->AsArray().size(), 1u) << list.body;
  const json::Value& approval = list.json.Find("approvals")->AsArray()[0];
  const std::string path = "/v1/approvals/" + *approval.FindString("id") + "/approve";
  EXPECT_GE(server_.Post(path, json::Object{{"hash", std::string(64, '0')}}, ann).status, 400);
  const json::Value yes = json::Object{{"hash", *approval.FindString("hash")}};
  EXPECT_GE(server_.Post(path, yes, TestServer::Root()).status, 400);  // not even the operator
  EXPECT_GE(server_.Post(path, yes, Bearer(asked.Text("holder"))).status, 400);
  EXPECT_EQ(server_.Post(path, yes, ann).status, 200);
  EXPECT_EQ(server_.Post(path, yes, bob).status, 200);
  EXPECT_EQ(server_.bench.StateOf(TaskOf(asked)), "active");
  EXPECT_EQ(server_.Post("/v1/approvals/nonsense/deny", json::Object{{"reason", "no"}}, ann).status, 404);
}

TEST_F(RestTest, ALongPollAnswersWhenTheStateChanges) {
  const From bot = server_.Actor();
  const Reply started = server_.StartTriage(bot);
  const std::string path = "/v1/tasks/" + TaskOf(started);
  EXPECT_EQ(server_.Get(path + "?wait=1h", bot).Reason(), "wait-too-long");
  EXPECT_EQ(server_.Get(path + "?wait=30s&state=bogus", bot).Reason(), "bad-parameter");
  EXPECT_EQ(server_.Get(path + "?wait=30s&state=requested", bot).Text("state"), "active");
  EXPECT_EQ(server_.Get(path + "?wait=30s", bot).status, 0);  // waits
  EXPECT_EQ(server_.Get(path + "?wait=0s", bot).Text("state"), "active");
}

TEST_F(RestTest, UnknownFieldsAndParametersAreRefused) {
  const From bot = server_.Actor();
  EXPECT_EQ(server_.Post("/v1/tasks", json::Object{{"type", "triage"}, {"params", json::Object{}}}, bot).Reason(), "unknown-field");
  EXPECT_EQ(server_.Get("/v1/tasks?stat=active", bot).Reason(), "unknown-parameter");
  EXPECT_EQ(server_.Get("/v1/tasks?limit=0", bot).Reason(), "bad-parameter");
  EXPECT_EQ(server_.Get("/v1/tasks?limit=010", bot).Reason(), "bad-parameter");
  EXPECT_EQ(server_.Get("/v1/tasks?state=sleeping", bot).Reason(), "bad-parameter");
  EXPECT_EQ(server_.Send("POST", "/v1/tasks", "{", bot).Reason(), "bad-json");
  EXPECT_EQ(server_.Send("POST", "/v1/tasks", R"({"type": "a", "type": "b"})", bot).Reason(), "bad-json");
  EXPECT_EQ(server_.Post("/v1/sweep", json::Object{{"force", true}}, TestServer::Root()).Reason(), "unknown-field");
  EXPECT_EQ(server_.Post("/v1/tasks", json::Object{{"type", "nothing"}}, bot).Reason(), "unknown-type");
}

TEST_F(RestTest, TheCatalogAndWhatItMeans) {
  const From bot = server_.Actor();
  const Reply catalog = server_.Get("/v1/catalog", bot);
  ASSERT_EQ(catalog.status, 200);
  EXPECT_EQ(catalog.json.Find("types")->AsArray().size(), 4u);
  const Reply schema = server_.Get("/v1/catalog/schema", bot);
  EXPECT_EQ(schema.type, "text/plain; charset=utf-8");
  EXPECT_NE(schema.body.find("Triage"), std::string::npos);
  EXPECT_EQ(server_.Post("/v1/explain", json::Object{{"type", "triage"}, {"parameters", json::Object{{"ticket", "T-1"}}}}, bot).Text("purpose"),
            "Triage one ticket");
  const json::Value files = json::Object{{"files", *catalog.json.Find("files")}, {"dry_run", true}};
  EXPECT_EQ(server_.Post("/v1/catalog", files, bot).status, 403);
  const Reply dry = server_.Post("/v1/catalog", files, TestServer::Root());
  EXPECT_EQ(dry.status, 200) << dry.body;
  EXPECT_FALSE(dry.json.Find("loaded")->AsBool());
  EXPECT_EQ(dry.Text("hash"), catalog.Text("hash"));
  const Reply started = server_.StartTriage(bot);
  EXPECT_EQ(server_.Get("/v1/catalog", Bearer(started.Text("token"))).status, 403);
  EXPECT_EQ(server_.Get("/v1/facts", TestServer::Root()).json.Find("entities")->AsArray().size(), 9u);
}

TEST_F(RestTest, ASecretIsItsTasksAlone) {
  const Reply started =
      server_.Post("/v1/tasks", json::Object{{"type", "rotate"}, {"parameters", json::Object{{"path", "db/main"}}}}, server_.Actor());
  ASSERT_EQ(started.status, 201) << started.body;
  const From token = Bearer(started.Text("token"));
  EXPECT_EQ(server_.Send("PUT", "/v1/secrets/db/main", R"({"value": "hunter2"})", token).json.Find("version")->AsInt(), 1);
  EXPECT_EQ(server_.Get("/v1/secrets/db/main", token).Text("value"), "hunter2");
  EXPECT_EQ(server_.Get("/v1/secrets/db/main?version=1", token).Text("value"), "hunter2");
  const Reply missing = server_.Get("/v1/secrets/db/main?version=7", token), sibling = server_.Get("/v1/secrets/db/other", token),
              listing = server_.Get("/v1/secrets/db?list=true", token), other = server_.Get("/v1/secrets/db/main", server_.Actor());
  for (const Reply* reply : {&missing, &sibling, &listing, &other}) EXPECT_EQ(reply->status, 404) << reply->body;
  EXPECT_EQ(sibling.Reason(), other.Reason());
  EXPECT_EQ(server_.Send("PUT", "/v1/secrets/db/other", R"({"value": "x"})", token).status, 404);
  EXPECT_EQ(server_.Get("/v1/secrets/db?list=yes", token).Reason(), "bad-parameter");
}

TEST_F(RestTest, TheLedgerIsThereForEverybodyAndItsEntriesAreNot) {
  server_.StartTriage(server_.Actor());
  const Reply checkpoint = server_.Get("/ledger/checkpoint", TestServer::Nobody());
  EXPECT_EQ(checkpoint.status, 200);
  EXPECT_NE(checkpoint.body.find("\n\xE2\x80\x94 "), std::string::npos) << checkpoint.body;
  const Reply entries = server_.Get("/ledger/entries?from=1&count=2", TestServer::Root());
  ASSERT_EQ(entries.status, 200) << entries.body;
  const json::Array& two = entries.json.Find("entries")->AsArray();
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].Find("index")->AsInt(), 1);
  EXPECT_EQ(two[0].FindString("leaf")->size(), 64u);

  const std::uint64_t size = server_.bench.store().Head().size;
  ASSERT_LT(size, 256u);
  const Reply tile = server_.Get("/ledger/tile/0/000.p/" + std::to_string(size), TestServer::Nobody());
  EXPECT_EQ(tile.status, 200) << tile.body;
  EXPECT_EQ(tile.body.size(), 32 * size);
  EXPECT_EQ(HexEncode(AsBytes(tile.body.substr(32, 32))), *two[0].FindString("leaf"));
  EXPECT_NE(tile.Header("Cache-Control").find("immutable"), std::string::npos);
  for (const char* path : {"/ledger/tile/0/000", "/ledger/tile/0/001", "/ledger/tile/1/000", "/ledger/tile/0/0", "/ledger/tile/x",
                           "/ledger/tile/0/000.p/0", "/ledger/tile/entries/000"}) {
    EXPECT_EQ(server_.Get(path, TestServer::Nobody()).status, 404) << path;
  }
}

TEST_F(RestTest, Operations) {
  EXPECT_EQ(server_.Get("/healthz", TestServer::Nobody()).status, 200);
  const Reply ready = server_.Get("/readyz", TestServer::Nobody());
  EXPECT_EQ(ready.status, 200) << ready.body;
  server_.StartTriage(server_.Actor());
  server_.metrics.Observe("GET", "/healthz", 200, 100us);
  server_.metrics.Observe("GET", "", 404, 2s);
  const std::string metrics = server_.Get("/metrics", TestServer::Nobody()).body;
  for (const char* line :
       {"remit_task_starts_total 1", "remit_live_tasks 1", "remit_http_requests_total{class=\"2xx\"} 1", "remit_http_requests_total{class=\"4xx\"} 1",
        "remit_http_request_duration_seconds_count 2", "remit_decisions_total{decision=\"deny\"} 0", "remit_commit_failures_total 0"}) {
    EXPECT_NE(metrics.find(line), std::string::npos) << line << "\n" << metrics;
  }
}

class FakeWriter final : public http::StreamWriter {
 public:
  std::string text;
  bool closed = false, broken = false;
  bool Write(std::string_view chunk) override {
    if (broken || closed) return false;
    text += chunk;
    return true;
  }
  void Close() override { closed = true; }
  void OnDrained(std::function<void()> callback) override { callback(); }
  void OnClose(std::function<void()>) override {}
};

class HoldTest : public RestTest {
 protected:
  HoldTest() {
    const Reply started =
        server_.Post("/v1/tasks", json::Object{{"type", "triage"}, {"parameters", json::Object{{"ticket", "T-1"}}}, {"held", true}}, server_.Actor());
    task_ = TaskOf(started);
    holder_ = Bearer(started.Text("holder"));
    const Reply held = server_.Get("/v1/tasks/" + task_ + "/hold", holder_);
    EXPECT_EQ(held.type, "application/x-ndjson");
    request_ = server_.last_request;
    server_.last_response.stream(writer_);
  }
  std::string task_;
  From holder_;
  std::shared_ptr<http::Request> request_;
  std::shared_ptr<FakeWriter> writer_ = std::make_shared<FakeWriter>();
};

TEST_F(HoldTest, SaysThatItIsHeldThatItLivesAndHowItEnded) {
  EXPECT_EQ(writer_->text, "{\"event\":\"held\"}\n");
  server_.bench.Pass(5s);
  EXPECT_EQ(writer_->text, "{\"event\":\"held\"}\n{\"event\":\"tick\"}\n");
  server_.Post("/v1/tasks/" + task_ + "/complete", json::Object{}, holder_);
  EXPECT_NE(writer_->text.find("\"state\":\"completed\""), std::string::npos) << writer_->text;
  EXPECT_TRUE(writer_->closed);
}

TEST_F(HoldTest, KeepsTheTaskAliveWithoutHeartbeats) {
  server_.bench.Pass(5min);
  EXPECT_EQ(server_.bench.StateOf(task_), "active");
}

TEST_F(HoldTest, EndsTheTaskSoonAfterItCloses) {
  request_->closed->Fire();
  server_.bench.Pass(14s);
  EXPECT_EQ(server_.bench.StateOf(task_), "active");
  server_.bench.Pass(2s);
  EXPECT_NE(server_.bench.StateOf(task_), "active");
}

TEST_F(HoldTest, APeerThatReadsNothingIsAClosedConnection) {
  writer_->broken = true;
  server_.bench.Pass(5s + limits::kHeldConnectionGrace + 1s);
  EXPECT_NE(server_.bench.StateOf(task_), "active");
}

}  // namespace
}  // namespace remit::api
