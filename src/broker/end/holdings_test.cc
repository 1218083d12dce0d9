// What a task holds besides native credentials, tokens and secrets; and what is left of it, its receipt.
#include <gtest/gtest.h>

#include "broker/test_bench.h"
#include "jose/access_token.h"
#include "json/write.h"

namespace remit::broker {
namespace {

using std::chrono::seconds;

TEST_F(BrokerTest, TokensDieWithTheTaskOrSayUntilWhen) {
  StartAnswer started = Triage();
  Caller task = bench.broker().FindHandle(started.token.Reveal());
  auto issue = [&](bool offline) {
    std::optional<Result<TokenAnswer>> answer;
    bench.broker().IssueToken(task, {started.task.id, offline ? "https://cd.example" : "https://rs.example", offline},
                              [&](auto a) { answer = std::move(a); });
    EXPECT_TRUE((*answer).has_value()) << answer->error().ToString();
    return **answer;
  };
  TokenAnswer asked = issue(false), offline = issue(true);
  EXPECT_EQ(offline.expires - bench.clock.Now(), seconds(60));
  jose::JwkSet keys = *jose::JwkSet::Parse(bench.broker().Jwks());
  auto valid = jose::ValidateAccessToken(asked.token.Reveal(), keys, "http://remit.test", "https://rs.example", bench.clock.Now(), seconds(5));
  ASSERT_TRUE(valid.has_value()) << valid.error().ToString();
  EXPECT_EQ(valid->authorization_details.size(), 1u);
  EXPECT_TRUE(bench.broker().Introspect(Bench::Operator(), asked.token.Reveal()).Find("active")->AsBool());
  EXPECT_EQ(bench.broker().Introspect(task, asked.token.Reveal()), json::Value(json::Object{{"active", false}}));  // a task is no resource server
  auto ended = bench.Complete(started);
  ASSERT_TRUE(ended.has_value());
  EXPECT_FALSE(ended->all_dead);
  EXPECT_FALSE(bench.broker().Introspect(Bench::Operator(), asked.token.Reveal()).Find("active")->AsBool());
  auto state = [&](const std::string& id) {
    const auto shown = bench.broker().ShowTask(Bench::Operator(), started.task.id);
    for (const json::Value& credential : shown->Find("credentials")->AsArray())
      if (*credential.FindString("id") == id) return credential;
    return json::Value();
  };
  EXPECT_EQ(*state(asked.credential).FindString("state"), "dead");
  EXPECT_EQ(*state(offline.credential).FindString("state"), "ending");
  EXPECT_TRUE(state(offline.credential).FindString("last_error")->starts_with("offline until "));
  bench.Pass(seconds(64));
  EXPECT_EQ(*state(offline.credential).FindString("state"), "ending");
  bench.Pass(seconds(2));
  EXPECT_EQ(*state(offline.credential).FindString("state"), "dead");
}

TEST_F(BrokerTest, OneSecretAtOnePath) {
  auto started = bench.Start("rotate", {{"path", "ci/deploy/token"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  Caller task = bench.broker().FindHandle(started->token.Reveal());
  auto write = [&](const Caller& by, const std::string& path, const char* value) {
    std::string outcome;
    bench.broker().WriteSecret(by, path, Secret(value),
                               [&](auto answer) { outcome = answer ? "v" + std::to_string(answer->version) : answer.error().reason; });
    return outcome;
  };
  auto read = [&](const Caller& by, const std::string& path) {
    std::string outcome;
    bench.broker().ReadSecret(by, path, std::nullopt,
                              [&](auto answer) { outcome = answer ? std::string(answer->value.Reveal()) : answer.error().reason; });
    return outcome;
  };
  EXPECT_EQ(write(Bench::Operator(), "ci/deploy/token", "old"), "v1");
  EXPECT_EQ(write(Bench::Operator(), "ci/deploy/other", "other"), "v1");
  EXPECT_EQ(read(task, "ci/deploy/token"), "old");
  EXPECT_EQ(write(task, "ci/deploy/token", "new"), "v2");
  EXPECT_EQ(read(task, "ci/deploy/token"), "new");
  for (const char* path : {"ci/deploy/other", "ci/deploy/none", "ci/deploy", "ci/deploy/../deploy/token", ""}) {
    EXPECT_EQ(read(task, path), "no-such-secret") << path;
    EXPECT_EQ(write(task, path, "x"), "no-such-secret") << path;
  }
  std::string listed;
  bench.broker().ListSecrets(task, "ci/deploy", [&](auto answer) { listed = answer ? "listed" : answer.error().reason; });
  EXPECT_EQ(listed, "no-such-secret");
  EXPECT_EQ(read(Bench::Operator(), "ci/deploy/token"), "no-such-secret");  // not even the operator
  ASSERT_TRUE(bench.Complete(*started).has_value());
  EXPECT_EQ(read(task, "ci/deploy/token"), "no-such-secret");
}

TEST_F(BrokerTest, AReceiptProvesTheEnd) {
  StartAnswer started = Triage();
  bench.Allowed(started.task.id, "ticket.read", "T-1");
  EXPECT_EQ(bench.broker().Receipt(Bench::Operator(), started.task.id).error().reason, "not-ended");
  bench.Pass(seconds(5));
  ASSERT_TRUE(bench.Complete(started).has_value());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(bench.Complete(Triage()).has_value());
  auto receipt = bench.broker().Receipt(Bench::Operator(), started.task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_EQ(*receipt->Find("task")->FindString("purpose"), "Triage one ticket");
  EXPECT_EQ(receipt->Find("task")->Find("allowed")->AsInt(), 1);
  EXPECT_EQ(receipt->Find("permissions")->AsArray().size(), 2u);
  EXPECT_EQ(receipt->Find("events")->AsArray().size(), 2u);
  EXPECT_EQ(bench.broker().Receipt(bench.Person("eve"), started.task.id).error().reason, "unknown-task");
}

TEST_F(BrokerTest, ACatalogThatGivesLessEndsWhatHoldsMore) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value());
  std::string without(kPolicies);
  without.erase(without.find("@id(\"box\")"), without.find("@id(\"rotate\")") - without.find("@id(\"box\")"));
  bench.LoadCatalog(without);
  bench.Settle();
  EXPECT_EQ(bench.StateOf(started->task.id), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(BrokerTest, FactsThatGiveLessEndWhatHoldsMore) {
  std::string by_team(kPolicies);
  by_team.replace(by_team.find("{ resource == principal.box }"), std::string_view("{ resource == principal.box }").size(),
                  R"({ resource == principal.box && principal.actor in Team::"support" })");
  bench.LoadCatalog(by_team);
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  ASSERT_EQ(bench.box->exists.size(), 1u);
  json::Value left_the_team = *json::Parse(R"([{"uid": {"type": "Agent", "id": "bot"}, "attrs": {}, "parents": []}])");
  bench.broker().PutFacts(Bench::Operator(), left_the_team, false, [](auto answer) { Bench::Expect(answer); });
  bench.Settle();
  EXPECT_EQ(bench.StateOf(started->task.id), "revoked");
  EXPECT_TRUE(bench.box->exists.empty());
}

TEST_F(BrokerTest, ABarredActorStartsNothing) {
  bench.broker().PutActor(Bench::Operator(), {{"Agent", "bot"}, "", nullptr, std::nullopt, true}, [](auto answer) { Bench::Expect(answer); });
  EXPECT_EQ(bench.Start("triage", {{"ticket", "T-1"}}).error().reason, "start-denied");
}

}  // namespace
}  // namespace remit::broker
