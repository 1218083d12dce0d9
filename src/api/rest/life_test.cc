// Suspending, extending and delegating over REST: what is read, who may, and what is answered.
#include <gtest/gtest.h>

#include "api/test_server.h"
#include "broker/life_bench.h"

namespace remit::api {
namespace {

class RestLife : public ::testing::Test {
 protected:
  RestLife() { server_.bench.LoadCatalog(broker::kLifePolicies, broker::kLifeSchema); }
  Reply Start(const std::string& type, json::Object parameters) {
    return server_.Post("/v1/tasks", json::Object{{"type", type}, {"parameters", std::move(parameters)}}, server_.Actor());
  }
  static From Bearer(const std::string& handle) { return {handle, std::nullopt}; }
  TestServer server_;
};

TEST_F(RestLife, ATaskStopsAndGoesOn) {
  const Reply started = Start("lead", {{"ticket", "T-1"}});
  ASSERT_EQ(started.status, 201) << started.body;
  const std::string path = "/v1/tasks/" + TaskOf(started);
  const From ann = server_.Person("ann"), token = Bearer(started.Text("token")), holder = Bearer(started.Text("holder"));
  EXPECT_EQ(server_.Post(path + "/suspend", json::Object{}, ann).status, 400);  // why?
  EXPECT_EQ(server_.Post(path + "/suspend", json::Object{{"reason", "odd"}}, holder).Reason(), "suspend-denied");
  EXPECT_EQ(server_.Post(path + "/resume", json::Object{}, ann).Reason(), "wrong-state");
  const Reply suspended = server_.Post(path + "/suspend", json::Object{{"reason", "odd"}, {"wait", "1s"}}, ann);
  ASSERT_EQ(suspended.status, 200) << suspended.body;
  EXPECT_EQ(*suspended.json.Find("task")->FindString("state"), "suspended");
  EXPECT_TRUE(suspended.json.Find("all_dead")->AsBool());
  EXPECT_TRUE(suspended.json.Find("sub_tasks")->AsArray().empty());
  const Reply refused = server_.Get("/v1/whoami", token);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.Reason(), "not-active");
  EXPECT_NE(refused.body.find("is suspended"), std::string::npos) << refused.body;
  EXPECT_EQ(server_.Post("/v1/check", json::Object{{"action", "ticket.read"}, {"resource", "Ticket::\"T-1\""}}, token).Reason(), "not-active");
  EXPECT_EQ(server_.Get("/v1/whoami", Bearer("rmt_" + started.Text("holder").substr(4))).Reason(), "bad-credentials")
      << "the other handle is no token";
  EXPECT_EQ(server_.Get("/v1/whoami", Bearer("rmt_" + std::string(43, 'A'))).Reason(), "bad-credentials") << "nobody else is told anything";
  EXPECT_EQ(server_.Get("/v1/whoami", holder).status, 200);
  EXPECT_EQ(server_.Get("/v1/tasks?state=suspended", ann).json.Find("tasks")->AsArray().size(), 1u);
  EXPECT_EQ(server_.Post(path + "/resume", json::Object{{"x", 1}}, ann).status, 400);
  const Reply resumed = server_.Post(path + "/resume", json::Object{}, ann);
  ASSERT_EQ(resumed.status, 200) << resumed.body;
  EXPECT_EQ(*resumed.json.Find("task")->FindString("state"), "active");
  for (const char* secret : {"token", "holder", "environment"}) EXPECT_EQ(resumed.json.Find(secret), nullptr) << secret;
  EXPECT_EQ(server_.Get("/v1/whoami", token).status, 200);
  ASSERT_EQ(server_.Post(path + "/suspend", json::Object{{"reason", "odd"}}, ann).status, 200);
  ASSERT_EQ(server_.Post(path + "/complete", json::Object{{"wait", "1s"}}, holder).status, 200);
  EXPECT_EQ(server_.Get("/v1/whoami", token).Reason(), "bad-credentials") << "over is over";
}

TEST_F(RestLife, AListSaysThatThereIsMore) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Start("lead", {{"ticket", "T-1"}}).status, 201);
  const From ann = server_.Person("ann");
  const auto list = [&](const std::string& query) { return server_.Get("/v1/tasks" + query, ann).json; };
  EXPECT_FALSE(list("?limit=3").Find("more")->AsBool());
  const json::Value first = list("?limit=2");
  EXPECT_TRUE(first.Find("more")->AsBool());
  ASSERT_EQ(first.Find("tasks")->AsArray().size(), 2u);
  const json::Value rest = list("?limit=2&after=" + *first.Find("tasks")->AsArray()[1].FindString("id"));
  EXPECT_EQ(rest.Find("tasks")->AsArray().size(), 1u);
  EXPECT_FALSE(rest.Find("more")->AsBool());
  // From the other end, page by page: the same tasks.
  const json::Value newest = list("?limit=2&order=newest");
  EXPECT_TRUE(newest.Find("more")->AsBool());
  EXPECT_EQ(newest.Find("tasks")->AsArray()[0], rest.Find("tasks")->AsArray()[0]);
  EXPECT_EQ(newest.Find("tasks")->AsArray()[1], first.Find("tasks")->AsArray()[1]);
  const json::Value oldest = list("?limit=2&order=newest&after=" + *newest.Find("tasks")->AsArray()[1].FindString("id"));
  EXPECT_EQ(oldest.Find("tasks")->AsArray().size(), 1u);
  EXPECT_EQ(oldest.Find("tasks")->AsArray()[0], first.Find("tasks")->AsArray()[0]);
  EXPECT_FALSE(oldest.Find("more")->AsBool());
  EXPECT_EQ(list("?order=oldest"), list(""));
  EXPECT_EQ(server_.Get("/v1/tasks?order=best", ann).Reason(), "bad-parameter");
  const json::Value all = list("");
  for (const json::Value& task : all.Find("tasks")->AsArray())
    ASSERT_EQ(server_.Post("/v1/tasks/" + *task.FindString("id") + "/complete", json::Object{{"wait", "1s"}}, server_.Actor()).status, 200);
  EXPECT_TRUE(list("?state=ended&limit=1").Find("more")->AsBool());
  EXPECT_EQ(list("?state=ended&limit=1").Find("tasks")->AsArray().size(), 1u);
  EXPECT_FALSE(list("?state=ended&limit=3").Find("more")->AsBool());
}

TEST_F(RestLife, MoreTimeIsAskedForAndApproved) {
  const Reply started = Start("box", {{"box", "b1"}});
  const std::string path = "/v1/tasks/" + TaskOf(started);
  const From holder = Bearer(started.Text("holder")), ann = server_.Person("ann");
  EXPECT_EQ(server_.Post(path + "/extend", json::Object{{"more", "soon"}}, holder).Reason(), "bad-duration");
  EXPECT_EQ(server_.Post(path + "/extend", json::Object{{"more", "5m"}}, Bearer(started.Text("token"))).Reason(), "holder-key-needed");
  const Reply asked = server_.Post(path + "/extend", json::Object{{"more", "5m"}, {"reason", "slow"}}, holder);
  ASSERT_EQ(asked.status, 200) << asked.body;
  const Reply list = server_.Get("/v1/approvals", ann);
  ASSERT_EQ(list.json.Find("approvals")->AsArray().size(), 1u) << list.body;
  const json::Value& one = list.json.Find("approvals")->AsArray()[0];
  EXPECT_EQ(*one.FindString("kind"), "extension");
  EXPECT_EQ(*one.FindString("id"), asked.Text("approval"));
  const Reply yes = server_.Post("/v1/approvals/" + asked.Text("approval") + "/approve", json::Object{{"hash", *one.FindString("hash")}}, ann);
  ASSERT_EQ(yes.status, 200) << yes.body;
  EXPECT_EQ(yes.json.Find("given")->AsArray().size(), 1u);
  EXPECT_EQ(server_.Get(path, ann).Text("deadline"), yes.Text("deadline"));
}

TEST_F(RestLife, ASubTaskIsStartedBelowItsParent) {
  const Reply started = Start("lead", {{"ticket", "T-1"}});
  const std::string path = "/v1/tasks/" + TaskOf(started) + "/delegate";
  const From holder = Bearer(started.Text("holder"));
  const json::Value part = json::Object{{"type", "part"}, {"parameters", json::Object{{"ticket", "T-1"}}}, {"ttl", "1m"}};
  const Reply child = server_.Post(path, part, holder);
  ASSERT_EQ(child.status, 201) << child.body;
  EXPECT_EQ(*child.json.Find("task")->FindString("parent"), TaskOf(started));
  json::Value to = part;
  to.AsObject().Set("actor", "nonsense");
  EXPECT_EQ(server_.Post(path, to, holder).status, 400);
  to.AsObject().Set("actor", json::Object{{"type", "Agent"}, {"id", "bot"}});
  EXPECT_EQ(server_.Post(path, to, holder).status, 201);
  json::Value keyed = part;
  keyed.AsObject().Set("idempotency_key", "k");
  EXPECT_EQ(server_.Post(path, keyed, holder).status, 201);
  EXPECT_EQ(server_.Post(path, keyed, holder).Reason(), "already-started");
  EXPECT_EQ(server_.Post(path, part, Bearer(child.Text("holder"))).Reason(), "unknown-task");
  EXPECT_EQ(server_.Post("/v1/tasks/nonsense/delegate", part, holder).status, 404);
  const Reply ended = server_.Post("/v1/tasks/" + TaskOf(started) + "/complete", json::Object{}, holder);
  EXPECT_EQ(ended.json.Find("sub_tasks")->AsArray().size(), 3u) << ended.body;
  EXPECT_EQ(server_.Get("/v1/whoami", Bearer(child.Text("token"))).status, 401);
}

}  // namespace
}  // namespace remit::api
