// POST /v1/explain of a sub-task: the body, and what the broker says of it. What it says is broker/start/explain_below_test.cc's.
#include <gtest/gtest.h>

#include "api/test_server.h"
#include "broker/life_bench.h"

namespace remit::api {
namespace {

class RestExplainTest : public ::testing::Test {
 protected:
  RestExplainTest() {
    server_.bench.LoadCatalog(broker::kLifePolicies, broker::kLifeSchema);
    bot_ = server_.Actor();
    lead_ = server_.Post("/v1/tasks", json::Object{{"type", "lead"}, {"parameters", Ticket()}}, bot_);
  }
  static json::Object Ticket() { return {{"ticket", "T-1"}}; }
  Reply Explain(json::Object body, const From& from) { return server_.Post("/v1/explain", std::move(body), from); }

  TestServer server_;
  From bot_;
  Reply lead_;
};

TEST_F(RestExplainTest, SaysWhetherASubTaskMayBeStartedUnderATask) {
  const Reply told = Explain({{"type", "part"}, {"parameters", Ticket()}, {"under", TaskOf(lead_)}}, bot_);
  ASSERT_EQ(told.status, 200) << told.body;
  const json::Value* under = told.json.Find("under");
  EXPECT_EQ(*under->FindString("task"), TaskOf(lead_));
  EXPECT_TRUE(under->Find("allowed")->AsBool()) << told.body;
  EXPECT_EQ(told.json.Find("permissions")->AsArray().size(), 2u);
  // A task about itself, with its token.
  EXPECT_EQ(Explain({{"type", "part"}, {"parameters", Ticket()}, {"under", TaskOf(lead_)}}, {lead_.Text("token"), std::nullopt}).status, 200);
  const Reply other = Explain({{"type", "part"}, {"parameters", Ticket()}, {"under", TaskOf(lead_)}, {"actor", "Agent::\"helpdesk\""}}, bot_);
  EXPECT_EQ(*other.json.Find("under")->FindString("actor"), "Agent::\"helpdesk\"");
}

TEST_F(RestExplainTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Explain({{"type", "part"}, {"under", TaskOf(lead_)}}, server_.Actor("helpdesk")).Reason(), "unknown-task");
  EXPECT_EQ(Explain({{"type", "part"}, {"under", "tsk_none"}}, bot_).Reason(), "unknown-task");
  EXPECT_EQ(Explain({{"type", "part"}, {"under", 1}}, bot_).Reason(), "bad-field");
  EXPECT_EQ(Explain({{"type", "part"}, {"below", TaskOf(lead_)}}, bot_).status, 400);
  // Whose it is can be said of a sub-task alone.
  EXPECT_EQ(Explain({{"type", "part"}, {"actor", "Agent::\"bot\""}}, bot_).Reason(), "bad-field");
  EXPECT_EQ(Explain({{"type", "part"}, {"under", TaskOf(lead_)}, {"actor", "bot"}}, bot_).status, 400);
}

}  // namespace
}  // namespace remit::api
