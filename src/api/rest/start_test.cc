// Starting over REST with what a type may ask for or limit: a reason, a budget, a time, break-glass and its review.
#include <gtest/gtest.h>

#include "api/rest.h"
#include "api/test_server.h"

namespace remit::api {
namespace {

using broker::Bench;

class RestStartTest : public ::testing::Test {
 protected:
  Reply Start(json::Object more, const std::string& type = "triage") {
    json::Object body{{"type", type}, {"parameters", json::Object{{"ticket", "T-1"}}}};
    for (auto& [name, value] : more) body.Set(name, value);
    return server_.Post("/v1/tasks", body, bot_);
  }
  TestServer server_;
  From bot_ = server_.Actor();
};

TEST_F(RestStartTest, AReasonOfItsForm) {
  server_.bench.LoadCatalog(broker::kPolicies, Bench::Annotated("triage", "@reason(\"CHG-[0-9]+\")"));
  EXPECT_EQ(Start({}).Reason(), "bad-reason");
  EXPECT_EQ(Start({{"reason", "see CHG-7"}}).Reason(), "bad-reason");
  const Reply started = Start({{"reason", "CHG-7"}});
  ASSERT_EQ(started.status, 201) << started.body;
  EXPECT_EQ(*started.json.Find("task")->FindString("reason"), "CHG-7");
}

TEST_F(RestStartTest, ABudgetThatIsUsedUp) {
  server_.bench.LoadCatalog(broker::kPolicies, Bench::Annotated("triage", "@max_starts(\"1 per 24h by ticket\")"));
  EXPECT_EQ(Start({}).status, 201);
  const Reply again = Start({});
  EXPECT_EQ(again.status, 429);
  EXPECT_EQ(again.Reason(), "budget-used-up");
  const Reply explained = server_.Post("/v1/explain", json::Object{{"type", "triage"}, {"parameters", json::Object{{"ticket", "T-1"}}}}, bot_);
  EXPECT_EQ(*explained.json.Find("you")->FindString("reason"), "budget-used-up");
}

TEST_F(RestStartTest, ATimeThatLiesAhead) {
  EXPECT_EQ(Start({{"at", "tomorrow"}}).Reason(), "bad-time");
  EXPECT_EQ(Start({{"at", "2026-12-05T02:00"}}).Reason(), "bad-time");  // where?
  EXPECT_EQ(Start({{"at", "2020-12-05T02:00Z"}}).Reason(), "bad-start-time");
  const std::string at = FormatTime(server_.bench.clock.Now() + std::chrono::hours(2));
  const Reply started = Start({{"at", at}});
  ASSERT_EQ(started.status, 201) << started.body;
  const std::string path = "/v1/tasks/" + TaskOf(started);
  EXPECT_EQ(*started.json.Find("task")->FindString("state"), "scheduled");
  EXPECT_EQ(server_.Get(path, bot_).Text("at"), at);
  EXPECT_EQ(server_.Get("/v1/tasks?state=scheduled", bot_).json.Find("tasks")->AsArray().size(), 1u);
  server_.bench.timers->RunFor(std::chrono::hours(2));
  EXPECT_EQ(server_.bench.StateOf(TaskOf(started)), "active");
}

TEST_F(RestStartTest, BreakGlassThatNobodyIsToldOfSaysSo) {
  server_.bench.LoadCatalog(std::string(broker::kPolicies) + R"(@id("x") permit (principal, action == Remit::Action::"break_glass", resource);)",
                            Bench::Annotated("change", "@break_glass(\"5m\")"));
  const json::Object why{{"break_glass", true}, {"reason", "down"}};
  const Reply untold = Start(why, "change");
  ASSERT_NE(untold.json.Find("nobody_told"), nullptr) << untold.body;
  EXPECT_TRUE(untold.json.Find("nobody_told")->AsBool());
  server_.services->is_told = [](std::string_view type) { return type == "task.break-glass"; };
  EXPECT_EQ(Start(why, "change").json.Find("nobody_told"), nullptr);
  server_.services->is_told = [](std::string_view type) { return type != "task.break-glass"; };  // of others only
  EXPECT_NE(Start(why, "change").json.Find("nobody_told"), nullptr);
  EXPECT_EQ(Start({}).json.Find("nobody_told"), nullptr);
}

TEST_F(RestStartTest, BreakGlassAndWhoSigns) {
  server_.bench.LoadCatalog(std::string(broker::kPolicies) + R"(@id("x") permit (principal, action == Remit::Action::"break_glass", resource);)",
                            Bench::Annotated("change", "@break_glass(\"5m\")"));
  EXPECT_EQ(Start({{"break_glass", true}}, "change").Reason(), "bad-reason");
  EXPECT_EQ(Start({{"break_glass", "yes"}}, "change").Reason(), "bad-field");
  const Reply started = Start({{"break_glass", true}, {"reason", "down"}}, "change");
  ASSERT_EQ(started.status, 201) << started.body;
  EXPECT_TRUE(started.json.Find("task")->Find("break_glass")->AsBool());
  const std::string path = "/v1/tasks/" + TaskOf(started);
  EXPECT_NE(server_.Get("/metrics", TestServer::Nobody()).body.find("remit_open_reviews 1"), std::string::npos);
  const From ann = server_.Person("ann");
  EXPECT_EQ(server_.Post(path + "/review", json::Object{}, ann).status, 409);
  EXPECT_EQ(server_.Post(path + "/complete", json::Object{}, {started.Text("holder"), std::nullopt}).status, 200);
  EXPECT_EQ(server_.Get("/v1/reviews", ann).json.Find("reviews")->AsArray().size(), 1u);
  EXPECT_EQ(server_.Get("/v1/reviews", server_.Person("eve")).json.Find("reviews")->AsArray().size(), 0u);
  EXPECT_EQ(server_.Post(path + "/review", json::Object{}, bot_).status, 403);
  EXPECT_EQ(server_.Post(path + "/review", json::Object{{"nota", "x"}}, ann).Reason(), "unknown-field");
  const Reply reviewed = server_.Post(path + "/review", json::Object{{"note", "fine"}}, ann);
  ASSERT_EQ(reviewed.status, 200) << reviewed.body;
  EXPECT_EQ(*reviewed.json.Find("review")->FindString("person"), "Employee::\"ann\"");
  EXPECT_EQ(server_.Post(path + "/review", json::Object{}, ann).Reason(), "already-reviewed");
  EXPECT_EQ(*server_.Get(path + "/receipt", bot_).json.Find("task")->Find("review")->FindString("person"), "Employee::\"ann\"");
  EXPECT_EQ(server_.Post("/v1/tasks/tsk_x/review", json::Object{}, ann).status, 404);
}

}  // namespace
}  // namespace remit::api
