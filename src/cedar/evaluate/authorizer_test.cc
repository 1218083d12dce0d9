// Decisions: who wins, what is reported, and that the index changes nothing.
#include "cedar/authorizer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "cedar/parser.h"

namespace remit::cedar {
namespace {

PolicySet Set(std::string_view text) { return PolicySet::Build(ParsePolicies(text, "t.cedar").value()).value(); }

const Request kRequest{{"User", "a"}, {"Action", "read"}, {"Doc", "d"}};

using Ids = std::vector<std::string>;

TEST(AuthorizerTest, NothingIsAllowedByDefault) {
  const Response response = PolicySet().IsAuthorized(kRequest, Entities());
  EXPECT_FALSE(response.allowed);
  EXPECT_TRUE(response.determining.empty());
  EXPECT_FALSE(Set("forbid(principal, action, resource) when { false };").IsAuthorized(kRequest, Entities()).allowed);
}

TEST(AuthorizerTest, AForbidOutweighsEveryPermit) {
  const auto set = Set(
      "permit(principal, action, resource); permit(principal is User, action, resource); forbid(principal, action == Action::\"read\", resource);");
  const Response response = set.IsAuthorized(kRequest, Entities());
  EXPECT_FALSE(response.allowed);
  EXPECT_EQ(response.determining, (Ids{"policy2"}));
  const Response other = set.IsAuthorized({{"User", "a"}, {"Action", "write"}, {"Doc", "d"}}, Entities());
  EXPECT_TRUE(other.allowed);
  EXPECT_EQ(other.determining, (Ids{"policy0", "policy1"}));
}

TEST(AuthorizerTest, APolicyThatFailsIsNotSatisfiedAndIsReported) {
  const auto set = Set(
      "forbid(principal, action, resource) when { context.x }; permit(principal, action, resource); permit(principal, action, resource) when { 1 };");
  const Response response = set.IsAuthorized(kRequest, Entities());
  EXPECT_TRUE(response.allowed);
  EXPECT_EQ(response.determining, (Ids{"policy1"}));
  ASSERT_EQ(response.errors.size(), 2u);
  EXPECT_EQ(response.errors[0].policy, "policy0");
  EXPECT_EQ(response.errors[0].message, "record does not have the attribute `x`");
  EXPECT_EQ(response.errors[1].message, "type error: expected bool, got long");
}

TEST(AuthorizerTest, AScopeThatDoesNotHoldHidesErrorsOfConditions) {
  const auto set =
      Set("permit(principal is Group, action, resource) when { context.x }; permit(principal, action, resource) when { false } when { context.x };");
  EXPECT_TRUE(set.IsAuthorized(kRequest, Entities()).errors.empty());
}

TEST(AuthorizerTest, EvaluationNamesEveryPolicyOfEachKindInOrder) {
  const auto set =
      Set("permit(principal, action, resource); forbid(principal, action, resource); permit(principal, action == Action::\"read\", resource); "
          "permit(principal, action, resource) when { 1 };");
  const Evaluation evaluation = set.Evaluate(kRequest, Entities());
  ASSERT_EQ(evaluation.permits.size(), 2u);
  EXPECT_EQ(evaluation.permits[0]->id, "policy0");
  EXPECT_EQ(evaluation.permits[1]->id, "policy2");
  EXPECT_EQ(evaluation.forbids.size(), 1u);
  EXPECT_EQ(evaluation.errors.size(), 1u);
}

// Not in order of the ids, which sort otherwise.
TEST(AuthorizerTest, EvaluationIsInOrderOfThePolicies) {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "permit(principal, action, resource);";
  const auto set = Set(text);
  const Evaluation evaluation = set.Evaluate(kRequest, Entities());
  ASSERT_EQ(evaluation.permits.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(evaluation.permits[i]->id, "policy" + std::to_string(i));
}

TEST(AuthorizerTest, IdsThatDifferBehindTheirSixteenthByteAreSortedAndToldApart) {
  const auto named = [](const char* id) {
    auto policy = std::make_shared<Policy>();
    policy->id = id;
    return policy;
  };
  const auto set = PolicySet::Build({named("the same sixteen bytes b"), named("the same sixteen bytes c"), named("the same sixteen bytes a")});
  EXPECT_EQ(set->IsAuthorized(kRequest, Entities()).determining,
            (Ids{"the same sixteen bytes a", "the same sixteen bytes b", "the same sixteen bytes c"}));
  const auto twice = PolicySet::Build({named("the same sixteen bytes b"), named("the same sixteen bytes a"), named("the same sixteen bytes b")});
  EXPECT_EQ(twice.error().reason, "duplicate-policy");
}

TEST(AuthorizerTest, LongNamesOfAttributesAreFound) {
  const std::string name = "an attribute of more bytes than a short name has", other = "an attribute of more bytes than another has";
  const Entities entities = Entities::Build({{{"User", "a"}, {{name, 1}, {other, 2}}, {}, {}}}).value();
  const auto set = Set("permit(principal, action, resource) when { principal[\"" + name + "\"] == 1 && principal[\"" + other +
                       "\"] == 2 && !(principal has \"an attribute of more bytes than nobody has\") };");
  EXPECT_TRUE(set.IsAuthorized(kRequest, entities).allowed);
}

// Within a condition, where nothing else asks what `&&` came to.
TEST(AuthorizerTest, WhatIsNoTruthFailsBehindAnAndOrAnOr) {
  for (const char* condition : {"(true && 1) == 1", "(false || 1) == 1", "[true && 1].contains(1)"}) {
    const auto set = Set("permit(principal, action, resource) when { " + std::string(condition) + " };");
    const Response response = set.IsAuthorized(kRequest, Entities());
    EXPECT_FALSE(response.allowed) << condition;
    EXPECT_EQ(response.errors.size(), 1u) << condition;
  }
}

// Counts what it is asked.
class CountingView final : public EntityView {
 public:
  explicit CountingView(const EntityView& base) : base_(base) {}
  const Entity* Find(const EntityUid& uid) const override { return ++questions_, base_.Find(uid); }
  bool IsDescendant(const EntityUid& child, const EntityUid& ancestor) const override { return ++questions_, base_.IsDescendant(child, ancestor); }
  bool ForEachAncestor(const EntityUid& uid, EachUid each) const override {
    ++questions_;
    return base_.ForEachAncestor(uid, [&](const EntityUid& ancestor) { ++questions_, each(ancestor); });
  }
  int questions() const { return questions_; }

 private:
  const EntityView& base_;
  mutable int questions_ = 0;
};

TEST(AuthorizerTest, OverAViewTheCostFollowsThePoliciesThatMatchAndNotHowManyThereAre) {
  const Entities base = Entities::Build({{{"User", "a"}, {}, {}, {{"Group", "1"}}}, {{"Doc", "d"}, {}, {}, {{"Folder", "2"}}}}).value();
  OverlayEntities view(base);
  view.Add(std::make_shared<Entity>(Entity{{"User", "a"}, {}, {}, {{"Group", "1"}, {"Group", "3"}}}));
  std::vector<int> questions;
  for (const int count : {30, 3000}) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      const std::string id = "\"" + std::to_string(i) + "\"";
      text += "permit(principal in Group::" + id + ", action, resource);";
      text += "permit(principal, action in [Action::" + id + ", Action::\"none\"], resource in Folder::" + id + ");";
    }
    const PolicySet set = Set(text);
    const CountingView counting(view);
    EXPECT_EQ(set.IsAuthorized({{"User", "a"}, {"Action", "2"}, {"Doc", "d"}}, counting).determining.size(), 3u);
    questions.push_back(counting.questions());
  }
  EXPECT_EQ(questions[0], questions[1]);
  EXPECT_LT(questions[1], 30);
}

TEST(AuthorizerTest, DuplicateIdsAndTemplatesAreRefused) {
  auto policies = ParsePolicies("permit(principal, action, resource);", "t").value();
  policies.push_back(policies.front());
  EXPECT_EQ(PolicySet::Build(policies).error().reason, "duplicate-policy");
  EXPECT_EQ(PolicySet::Build(ParsePolicies("permit(principal == ?principal, action, resource);", "t").value()).error().reason, "not-supported");
}

// A small world in which random policies meet often.
rc::Gen<EntityUid> GenUid(std::string_view types) {
  return rc::gen::map(rc::gen::pair(rc::gen::elementOf(std::string(types)), rc::gen::inRange(0, 3)),
                      [](const std::pair<char, int>& p) { return EntityUid{std::string(1, p.first), std::to_string(p.second)}; });
}

EntityUid GenAction() { return {"Action", std::to_string(*rc::gen::inRange(0, 4))}; }

ScopeConstraint GenScope(bool action) {
  using Kind = ScopeConstraint::Kind;
  ScopeConstraint constraint;
  constraint.kind = action ? *rc::gen::element(Kind::kAny, Kind::kEqual, Kind::kIn, Kind::kInSet)
                           : *rc::gen::element(Kind::kAny, Kind::kEqual, Kind::kIn, Kind::kIs, Kind::kIsIn);
  const int count = constraint.kind == Kind::kInSet ? *rc::gen::inRange(0, 3) : constraint.kind == Kind::kAny || constraint.kind == Kind::kIs ? 0 : 1;
  for (int i = 0; i < count; ++i) constraint.entities.push_back(action ? GenAction() : *GenUid("UG"));
  if (constraint.kind == Kind::kIs || constraint.kind == Kind::kIsIn) constraint.type = *rc::gen::element(std::string("U"), std::string("G"));
  return constraint;
}

PolicyPtr GenPolicy(std::size_t index) {
  static constexpr std::string_view kConditions[] = {"true",
                                                     "false",
                                                     "context.missing",
                                                     "principal in G::\"0\"",
                                                     "principal == resource",
                                                     "[1, 2].contains(1)",
                                                     "1 + true == 2",
                                                     "ip(\"1.2.3.4\").isIpv4()",
                                                     "ip(\"x\").isIpv4()",
                                                     "[U::\"0\", U::\"1\"].contains(principal)"};
  auto policy = std::make_shared<Policy>();
  policy->id = "p" + std::to_string(index);
  policy->effect = *rc::gen::element(Effect::kPermit, Effect::kForbid);
  policy->principal = GenScope(false), policy->action = GenScope(true), policy->resource = GenScope(false);
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    policy->conditions.push_back(
        {*rc::gen::arbitrary<bool>(), ParseExpr(kConditions[*rc::gen::inRange<std::size_t>(0, std::size(kConditions))]).value()});
  }
  return policy;
}

Entities GenEntities() {
  std::vector<Entity> entities;
  // Parents have higher numbers or another type that stands above: no cycles.
  for (int i = 0; i < 3; ++i) {
    Entity user{.uid = {"U", std::to_string(i)}, .attributes = {}, .tags = {}, .parents = {}},
        group{.uid = {"G", std::to_string(i)}, .attributes = {}, .tags = {}, .parents = {}};
    Entity action{.uid = {"Action", std::to_string(i)}, .attributes = {}, .tags = {}, .parents = {}};
    if (*rc::gen::arbitrary<bool>()) user.parents.push_back(*GenUid("G"));
    if (*rc::gen::arbitrary<bool>()) group.parents.push_back({"G", std::to_string(*rc::gen::inRange(i + 1, 5))});
    if (*rc::gen::arbitrary<bool>()) action.parents.push_back({"Action", std::to_string(*rc::gen::inRange(i + 1, 5))});
    entities.insert(entities.end(), {user, group, action});
  }
  return Entities::Build(std::move(entities)).value();
}

// The definition, policy by policy, without index and folding: the policy as one expression.
Response Naive(const std::vector<PolicyPtr>& policies, const Request& request, const Entities& entities) {
  Response response;
  Ids permits, forbids;
  for (const PolicyPtr& policy : policies) {
    const auto value = EvaluateExpr(*policy->AsExpr(), request, entities);
    if (!value)
      response.errors.push_back({policy->id, value.error().message});
    else if (!value->Is(Value::Kind::kBool))
      response.errors.push_back({policy->id, "type error: expected bool"});
    else if (value->AsBool())
      (policy->effect == Effect::kPermit ? permits : forbids).push_back(policy->id);
  }
  response.allowed = forbids.empty() && !permits.empty();
  response.determining = forbids.empty() ? permits : forbids;
  std::ranges::sort(response.determining);
  std::ranges::sort(response.errors, {}, &PolicyError::policy);
  return response;
}

TEST(AuthorizerProperty, TheIndexedSetAnswersAsEachPolicyAloneDoes) {
  EXPECT_TRUE(rc::check([] {
    std::vector<PolicyPtr> policies;
    for (std::size_t i = 0, count = *rc::gen::inRange<std::size_t>(0, 20); i < count; ++i) policies.push_back(GenPolicy(i));
    const Entities entities = GenEntities();
    const PolicySet set = PolicySet::Build(policies).value();
    for (int i = 0; i < 5; ++i) {
      const Request request{*GenUid("UG"), GenAction(), *GenUid("UG")};
      const Response got = set.IsAuthorized(request, entities), expected = Naive(policies, request, entities);
      RC_ASSERT(got.allowed == expected.allowed);
      RC_ASSERT(got.determining == expected.determining);
      RC_ASSERT(got.errors.size() == expected.errors.size());
      for (std::size_t e = 0; e < got.errors.size(); ++e) {
        RC_ASSERT(got.errors[e].policy == expected.errors[e].policy);
        RC_ASSERT(got.errors[e].message == expected.errors[e].message);
      }
    }
  }));
}

// Random trees over every operator, small but mixed.
ExprPtr GenExpr(int depth) {
  auto expr = std::make_shared<Expr>();
  auto child = [&] { return GenExpr(depth - 1); };
  const std::string name =
      *rc::gen::element(std::string("a"), std::string("if"), std::string("b c"), std::string("\"\\\n*"), std::string("principal"));
  if (depth == 0) {
    if (*rc::gen::arbitrary<bool>()) {
      expr->op = Op::kVar;
      expr->var = *rc::gen::element(Var::kPrincipal, Var::kAction, Var::kResource, Var::kContext);
      return expr;
    }
    switch (*rc::gen::inRange(0, 4)) {
      case 0: return MakeLiteral(*rc::gen::arbitrary<bool>());
      case 1: return MakeLiteral(*rc::gen::element(std::int64_t{0}, std::int64_t{-1}, std::int64_t{7}, INT64_MAX, INT64_MIN));
      case 2: return MakeLiteral(name);
      default: return MakeLiteral(EntityUid{"A::B", name});
    }
  }
  expr->op =
      *rc::gen::element(Op::kAnd, Op::kOr, Op::kIf, Op::kNot, Op::kNegate, Op::kEqual, Op::kNotEqual, Op::kLess, Op::kLessEqual, Op::kGreater,
                        Op::kGreaterEqual, Op::kAdd, Op::kSubtract, Op::kMultiply, Op::kIn, Op::kIs, Op::kIsIn, Op::kHas, Op::kGetAttr, Op::kLike,
                        Op::kContains, Op::kContainsAll, Op::kContainsAny, Op::kIsEmpty, Op::kHasTag, Op::kGetTag, Op::kSet, Op::kRecord, Op::kCall);
  std::size_t count = 2;
  switch (expr->op) {
    case Op::kIf: count = 3; break;
    case Op::kNot:
    case Op::kNegate:
    case Op::kIsEmpty: count = 1; break;
    case Op::kIs: expr->name = "A::B", count = 1; break;
    case Op::kIsIn: expr->name = "A"; break;
    case Op::kHas: expr->path = *rc::gen::element(std::vector<std::string>{name}, std::vector<std::string>{"a", "b"}), count = 1; break;
    case Op::kGetAttr: expr->name = name, count = 1; break;
    case Op::kLike: expr->pattern = {{.wildcard = true, .literal = ""}, {.wildcard = false, .literal = name}}, count = 1; break;
    case Op::kSet: count = *rc::gen::inRange<std::size_t>(0, 3); break;
    case Op::kRecord: expr->fields.emplace_back(name, child()), count = 0; break;
    case Op::kCall: expr->name = *rc::gen::element(std::string("ip"), std::string("isInRange"), std::string("decimal")); break;
    default: break;
  }
  for (std::size_t i = 0; i < count; ++i) expr->args.push_back(child());
  return expr;
}

TEST(PrintProperty, PrintingIsTheInverseOfParsing) {
  EXPECT_TRUE(rc::check([] {
    const ExprPtr expr = GenExpr(*rc::gen::inRange(0, 5));
    const std::string text = ToString(*expr);
    const auto again = ParseExpr(text);
    if (!again) RC_FAIL(text + ": " + again.error().ToString());
    if (!Equal(**again, *expr)) RC_FAIL(text + " became " + ToString(**again));
  }));
}

}  // namespace
}  // namespace remit::cedar
