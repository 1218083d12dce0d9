// Queries over deep policies and deep values: they answer as the decision does.
#include <gtest/gtest.h>

#include "cedar/parser.h"
#include "cedar/query.h"

namespace remit::cedar {
namespace {

// What a policy compares may be as deep as the policy is.
TEST(DeepQueryTest, AnswersAsTheDecisionDoesHoweverDeepPoliciesAndValuesAre) {
  std::string type = "Long";
  Value deep(0);
  for (int i = 0; i < 120; ++i) type = "{ x: " + type + " }", deep = Value::FromRecord({{"x", deep}});
  const Schema schema = *Schema::Parse({{"s", "entity T = { deep: " + type + " }; action a appliesTo { principal: T, resource: T };"}});
  const Entities entities = *Entities::Build({{{"T", "1"}, {{"deep", deep}}, {}, {}}, {{"T", "2"}, {{"deep", deep}}, {}, {}}});
  const EntityUid one{"T", "1"}, two{"T", "2"}, action{"Action", "a"};
  ExprPtr body = *ParseExpr("principal.deep == resource.deep");
  for (int i = 0; i < 190; ++i) {
    auto both = std::make_shared<Expr>();
    both->op = Op::kAnd;
    both->args = {*ParseExpr("resource.deep.x == resource.deep.x"), body};
    body = both;
  }
  const auto policy = [&](Effect effect, ExprPtr condition) {
    auto made = std::make_shared<Policy>();
    made->id = effect == Effect::kPermit ? "permit" : "forbid";
    made->effect = effect;
    if (condition != nullptr) made->conditions.push_back({true, std::move(condition)});
    return made;
  };
  const std::vector<PolicyPtr> sets[] = {{policy(Effect::kPermit, body)}, {policy(Effect::kPermit, nullptr), policy(Effect::kForbid, body)}};
  for (const auto& policies : sets) {
    const PolicySet set = *PolicySet::Build(policies);
    const bool allowed = set.IsAuthorized({one, action, two, Value::FromRecord({})}, entities).allowed;
    EXPECT_EQ(allowed, policies.size() == 1);
    EXPECT_EQ(QueryResources(set, schema, entities, one, action, Value::FromRecord({})).permitted.size(), allowed ? 2U : 0U);
    EXPECT_EQ(QueryPrincipals(set, schema, entities, action, two, Value::FromRecord({})).permitted.size(), allowed ? 2U : 0U);
  }
}

}  // namespace
}  // namespace remit::cedar
