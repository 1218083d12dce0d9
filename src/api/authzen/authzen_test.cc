// AuthZEN 1.0: reading its documents, and asking over its two endpoints.
#include "api/authzen/authzen.h"

#include <gtest/gtest.h>

#include "api/test_server.h"
#include "base/limits.h"

namespace remit::api {
namespace {

json::Value J(std::string_view text) { return json::Parse(text).value(); }

constexpr std::string_view kOne =
    R"({"subject": {"type": "task", "id": "tsk_1"}, "action": {"name": "read"}, "resource": {"type": "Ticket", "id": "T-1"}})";

TEST(AuthzenCodecTest, ASubjectIsATaskByIdTypeOrToken) {
  auto one = ReadEvaluation(J(kOne));
  ASSERT_TRUE(one.has_value()) << one.error().ToString();
  EXPECT_EQ(one->use.task, "tsk_1");
  EXPECT_EQ(one->use.action.ToString(), "Action::\"read\"");
  EXPECT_EQ(one->use.resource.ToString(), "Ticket::\"T-1\"");
  auto typed = ReadEvaluation(J(R"({"subject": {"type": "triage", "id": "tsk_1", "properties": {"department": "Sales"}},
                                    "action": {"name": "Postgres::Action::\"select\""}, "resource": {"type": "T", "id": "1", "properties": {"a": 1}}, "context": {"ip": "::1"}})"));
  ASSERT_TRUE(typed.has_value()) << typed.error().ToString();
  EXPECT_EQ(typed->use.type, "triage");
  EXPECT_EQ(typed->use.action.ToString(), "Postgres::Action::\"select\"");
  EXPECT_EQ(typed->use.resource_attributes, J(R"({"a": 1})"));
  EXPECT_EQ(typed->use.context, J(R"({"ip": "::1"})"));
  auto token =
      ReadEvaluation(J(R"({"subject": {"type": "remit_token", "id": "rmt_x"}, "action": {"name": "a"}, "resource": {"type": "T", "id": "1"}})"));
  EXPECT_EQ(token->use.token, "rmt_x");
  EXPECT_EQ(token->use.task, "");
}

TEST(AuthzenCodecTest, WhatIsMissingUnknownOrIllTypedIsRefused) {
  for (std::string_view bad :
       {R"({})", R"([])", R"({"subject": {"type": "task", "id": "t"}, "action": {"name": "a"}})",
        R"({"subject": "t", "action": {"name": "a"}, "resource": {"type": "T", "id": "1"}})",
        R"({"subject": {"type": "task"}, "action": {"name": "a"}, "resource": {"type": "T", "id": "1"}})",
        R"({"subject": {"type": "task", "id": 7}, "action": {"name": "a"}, "resource": {"type": "T", "id": "1"}})",
        R"({"subject": {"type": "task", "id": "t"}, "action": {"name": "a", "properties": {"x": 1}}, "resource": {"type": "T", "id": "1"}})",
        R"({"subject": {"type": "task", "id": "t"}, "action": {"name": "A::b"}, "resource": {"type": "T", "id": "1"}})",
        R"({"subject": {"type": "task", "id": "t"}, "action": {"name": "a"}, "resource": {"type": "not a type", "id": "1"}})",
        R"({"subject": {"type": "task", "id": "t"}, "action": {"name": "a"}, "resource": {"type": "T", "id": "1"}, "context": []})",
        R"({"subject": {"type": "task", "id": "t"}, "action": {"name": "a"}, "resource": {"type": "T", "id": "1"}, "extra": 1})"}) {
    EXPECT_FALSE(ReadEvaluation(J(bad)).has_value()) << bad;
  }
}

TEST(AuthzenCodecTest, ItemsTakeWhatTheyLackFromTheWhole) {
  auto batch = ReadEvaluations(J(R"({"subject": {"type": "task", "id": "tsk_1"}, "action": {"name": "read"}, "context": {"a": 1},
     "evaluations": [{"resource": {"type": "T", "id": "1"}}, {"resource": {"type": "T", "id": "2"}, "action": {"name": "write"}, "context": {}}, {"action": {"name": "x"}}, 7],
     "options": {"evaluations_semantic": "permit_on_first_permit"}})"));
  ASSERT_TRUE(batch.has_value()) << batch.error().ToString();
  EXPECT_EQ(batch->rule, BatchRule::kPermitOnFirstPermit);
  ASSERT_EQ(batch->items.size(), 4u);
  EXPECT_EQ(batch->items[0]->use.action.id, "read");
  EXPECT_EQ(batch->items[0]->use.context, J(R"({"a": 1})"));
  EXPECT_EQ(batch->items[1]->use.action.id, "write");
  EXPECT_EQ(batch->items[1]->use.context, J("{}"));
  EXPECT_EQ(batch->items[2].error().reason, "missing-field");  // its own error, the others go on
  EXPECT_FALSE(batch->items[3].has_value());
}

TEST(AuthzenCodecTest, WithoutEvaluationsItIsOne) {
  EXPECT_TRUE(ReadEvaluations(J(kOne))->single);
  json::Value empty = J(kOne);
  empty.AsObject().Set("evaluations", json::Array{});
  EXPECT_TRUE(ReadEvaluations(empty)->single);
  EXPECT_FALSE(ReadEvaluations(J(R"({"options": {"evaluations_semantic": "maybe"}, "evaluations": [{}]})")).has_value());
  EXPECT_EQ(ReadEvaluations(json::Object{{"evaluations", json::Array(limits::kBatchEvaluations + 1, json::Object{})}}).error().reason,
            "too-many-evaluations");
}

class AuthzenTest : public ::testing::Test {
 protected:
  json::Object Question(std::string_view action, std::string_view ticket, std::string_view type = "task") {
    return {{"subject", json::Object{{"type", type}, {"id", type == "remit_token" ? token_ : task_}}},
            {"action", json::Object{{"name", action}}},
            {"resource", json::Object{{"type", "Ticket"}, {"id", ticket}}}};
  }
  Reply Ask(const json::Value& body, std::vector<http::Header> headers = {}) {
    return server_.Post("/access/v1/evaluation", body, pep_, std::move(headers));
  }
  Reply AskMany(const json::Value& body, std::vector<http::Header> headers = {}) {
    return server_.Post("/access/v1/evaluations", body, pep_, std::move(headers));
  }
  static bool Allowed(const json::Value& answer) { return answer.Find("decision") != nullptr && answer.Find("decision")->AsBool(); }
  static std::string Why(const json::Value& answer) { return *answer.Find("context")->FindString("reason"); }
  void SetUp() override {
    const Reply started = server_.StartTriage(server_.Actor());
    ASSERT_EQ(started.status, 201) << started.body;
    task_ = TaskOf(started);
    token_ = started.Text("token");
    pep_ = server_.Actor("helpdesk");
  }

  TestServer server_;
  std::string task_, token_;
  From pep_;
};

TEST_F(AuthzenTest, AllowsWhatTheTaskMayAndNothingElse) {
  const Reply yes = Ask(Question("ticket.read", "T-1"), {{"X-Request-ID", "bfe9eb29-ab87"}});
  EXPECT_EQ(yes.status, 200) << yes.body;
  EXPECT_TRUE(Allowed(yes.json)) << yes.body;
  EXPECT_EQ(yes.Header("X-Request-ID"), "bfe9eb29-ab87");
  EXPECT_TRUE(Allowed(Ask(Question("ticket.read", "T-1", "triage")).json));
  EXPECT_TRUE(Allowed(Ask(Question("ticket.read", "T-1", "remit_token")).json));
  const Reply no = Ask(Question("ticket.read", "T-2"));
  EXPECT_EQ(no.status, 200);
  EXPECT_FALSE(Allowed(no.json));
  EXPECT_FALSE(Allowed(Ask(Question("ticket.read", "T-1", "nonsense")).json));
  task_ = "tsk_unknown";
  EXPECT_EQ(Why(Ask(Question("ticket.read", "T-1")).json), "unknown-task");
}

TEST_F(AuthzenTest, OnlyAnEnforcementPointMayAsk) {
  pep_ = TestServer::Nobody();
  const Reply nobody = Ask(Question("ticket.read", "T-1"), {{"X-Request-ID", "r1"}});
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.type, "text/plain; charset=utf-8");
  EXPECT_EQ(nobody.Header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(nobody.Header("X-Request-ID"), "r1");
  pep_ = {token_, std::nullopt};
  EXPECT_EQ(Ask(Question("ticket.read", "T-1")).status, 403);
  pep_ = TestServer::Root();
  EXPECT_EQ(Ask(Question("ticket.read", "T-1")).status, 403);
  pep_ = server_.Actor("bot");  // an actor, and not permitted to enforce
  EXPECT_EQ(Why(Ask(Question("ticket.read", "T-1")).json), "not-a-pep");
}

TEST_F(AuthzenTest, ErrorsAreAStatusAndAMessage) {
  EXPECT_EQ(Ask(json::Object{}).status, 400);
  EXPECT_EQ(server_.Send("POST", "/access/v1/evaluation", "{", pep_, {}).status, 400);
  EXPECT_EQ(Ask(Question("ticket.read", "T-1"), {{"X-Request-ID", "a b"}}).status, 400);
  EXPECT_EQ(Ask(Question("ticket.read", "T-1"), {{"Idempotency-Key", std::string(limits::kRequestIdBytes + 1, 'a')}}).status, 400);
}

TEST_F(AuthzenTest, AChargedUseIsAnsweredAgainForTheSameKeyOnly) {
  const std::vector<http::Header> key = {{"Idempotency-Key", "k-1"}};
  EXPECT_TRUE(Allowed(Ask(Question("ticket.comment", "T-1"), key).json));
  EXPECT_TRUE(Allowed(Ask(Question("ticket.comment", "T-1"), key).json));  // the same answer, not a second use
  EXPECT_FALSE(Allowed(Ask(Question("ticket.comment", "T-1")).json));
  EXPECT_EQ(Ask(Question("ticket.read", "T-1"), key).status, 409);
}

TEST_F(AuthzenTest, ABatchIsAskedInItsOrderAndStopsWhereItSays) {
  json::Object batch = Question("ticket.comment", "T-1");
  json::Array items;
  for (int i = 0; i < 3; ++i) items.push_back(json::Object{});
  batch.Set("evaluations", items);
  const Reply all = AskMany(batch);
  ASSERT_EQ(all.status, 200) << all.body;
  const json::Array& decisions = all.json.Find("evaluations")->AsArray();
  ASSERT_EQ(decisions.size(), 3u);
  EXPECT_TRUE(Allowed(decisions[0]));  // the one comment that it has
  EXPECT_FALSE(Allowed(decisions[1]));
  EXPECT_EQ(all.json.Find("decision"), nullptr);

  batch.Set("options", json::Object{{"evaluations_semantic", "deny_on_first_deny"}});
  EXPECT_EQ(AskMany(batch).json.Find("evaluations")->AsArray().size(), 1u);
  batch.Set("action", json::Object{{"name", "ticket.read"}});
  batch.Set("options", json::Object{{"evaluations_semantic", "permit_on_first_permit"}});
  EXPECT_EQ(AskMany(batch).json.Find("evaluations")->AsArray().size(), 1u);
  batch.Set("evaluations", json::Array{json::Object{{"resource", 7}}, json::Object{}});
  const Reply mixed = AskMany(batch);
  const json::Array& two = mixed.json.Find("evaluations")->AsArray();
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].Find("context")->Find("error")->Find("status")->AsInt(), 400);
  EXPECT_TRUE(Allowed(two[1]));
  EXPECT_TRUE(Allowed(AskMany(Question("ticket.read", "T-1")).json));  // without evaluations: one decision
}

TEST_F(AuthzenTest, AKeyOfABatchCoversEachOfItsQuestions) {
  json::Object batch = Question("ticket.comment", "T-1");
  batch.Set("evaluations", json::Array{json::Object{}, json::Object{{"action", json::Object{{"name", "ticket.read"}}}}});
  const std::vector<http::Header> key = {{"Idempotency-Key", "k-2"}};
  const Reply first = AskMany(batch, key), again = AskMany(batch, key);
  EXPECT_TRUE(Allowed(first.json.Find("evaluations")->AsArray()[0])) << first.body;
  EXPECT_EQ(first.body, again.body);
}

TEST_F(AuthzenTest, SaysWhereItIs) {
  const Reply metadata = server_.Get("/.well-known/authzen-configuration", TestServer::Nobody());
  EXPECT_EQ(metadata.Text("policy_decision_point"), TestServer::kIssuer);
  EXPECT_EQ(metadata.Text("access_evaluation_endpoint"), "http://remit.test/access/v1/evaluation");
}

}  // namespace
}  // namespace remit::api
