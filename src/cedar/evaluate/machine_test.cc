// Two implementations of one language, held together: compiled policies over a numbered store and over any view, and the tree evaluator.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include <fmt/format.h>

#include "cedar/evaluate/random_world.h"

namespace remit::cedar {
namespace {

// The same store, asked one by one.
class PlainView final : public EntityView {
 public:
  explicit PlainView(const Entities& entities) : entities_(entities) {}
  const Entity* Find(const EntityUid& uid) const override { return entities_.Find(uid); }
  bool IsDescendant(const EntityUid& child, const EntityUid& ancestor) const override { return entities_.IsDescendant(child, ancestor); }

 private:
  const Entities& entities_;
};

// The same entities, a few of them on top of a store that has others in their place, or none.
class Layers {
 public:
  Layers(RandomWorld& world, const std::vector<Entity>& all) {
    const std::vector<Entity> others = world.Store();  // of the same uids in the same order
    std::vector<Entity> below, on_top;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool hidden = world.Below(static_cast<int>(all.size())) < 6;
      (hidden ? on_top : below).push_back(all[i]);
      if (hidden && world.Chance(0.5)) below.push_back(others[i]);
    }
    base_ = Entities::Build(std::move(below)).value();
    for (Entity& entity : on_top) view_.Add(std::make_shared<Entity>(std::move(entity)));
  }
  const EntityView& view() const { return view_; }

 private:
  Entities base_;
  OverlayEntities view_{base_};
};

// The definition: each policy by itself, as one expression, by the tree evaluator.
class Naive {
 public:
  explicit Naive(const std::vector<PolicyPtr>& policies) {
    for (const PolicyPtr& policy : policies) policies_.push_back({policy.get(), policy->AsExpr()});
  }

  Response IsAuthorized(const Request& request, const EntityView& entities) const {
    Response response;
    std::vector<std::string> permits, forbids;
    for (const auto& [policy, expr] : policies_) {
      const auto value = EvaluateExpr(*expr, request, entities);
      if (!value) {
        response.errors.push_back({policy->id, value.error().message});
      } else if (!value->Is(Value::Kind::kBool)) {
        response.errors.push_back({policy->id, "?"});  // one condition alone, which && does not look at
      } else if (value->AsBool()) {
        (policy->effect == Effect::kPermit ? permits : forbids).push_back(policy->id);
      }
    }
    response.allowed = forbids.empty() && !permits.empty();
    response.determining = forbids.empty() ? permits : forbids;
    std::ranges::sort(response.determining);
    std::ranges::sort(response.errors, {}, &PolicyError::policy);
    return response;
  }

 private:
  std::vector<std::pair<const Policy*, ExprPtr>> policies_;
};

std::string Text(const Response& response) {
  std::string text = response.allowed ? "allow" : "deny";
  for (const std::string& id : response.determining) text += " " + id;
  for (const PolicyError& error : response.errors)
    text += "\n" + error.policy + ": " + (error.message.starts_with("type error: expected bool") ? "?" : error.message);
  return text;
}

std::string Text(const Answer& answer) {
  Response response{.allowed = answer.allowed, .determining = {}, .errors = {}};
  for (const Policy* policy : answer.determining) response.determining.push_back(policy->id);
  for (const auto& [policy, message] : answer.errors) response.errors.push_back({policy->id, message});
  return Text(response);
}

// "" if all answer the same.
std::string Difference(std::uint64_t seed, int count, int ids, int depth, int requests) {
  RandomWorld world(seed, ids);
  std::string text;
  for (int i = 0; i < count; ++i) text += world.Policy(depth);
  const auto parsed = ParsePolicies(text, "random.cedar");
  if (!parsed) return parsed.error().ToString() + "\n" + text;
  const std::vector<PolicyPtr> policies = world.Linked(*parsed);
  const PolicySet set = PolicySet::Build(policies).value();
  const std::vector<Entity> store = world.Store();
  const Entities entities = Entities::Build(store).value();
  const PlainView view(entities);
  const Layers layers(world, store);
  const Naive naive(policies);
  Answer answer;
  for (int i = 0; i < requests; ++i) {
    const Request request = world.AnyRequest();
    const std::string expected = Text(naive.IsAuthorized(request, entities));
    set.Decide(request, entities, answer);
    const std::pair<const char*, std::string> answers[] = {{"a store", Text(set.IsAuthorized(request, entities))},
                                                           {"a view", Text(set.IsAuthorized(request, view))},
                                                           {"an overlay", Text(set.IsAuthorized(request, layers.view()))},
                                                           {"a store, used again", Text(answer)}};
    for (const auto& [what, got] : answers) {
      if (got != expected)
        return fmt::format("over {}: {}\ninstead of: {}\nseed {}, policies:\n{}", what, got, expected, seed, count < 20 ? text : "many");
    }
    for (const EntityView* of : std::initializer_list<const EntityView*>{&entities, &view, &layers.view()}) {
      if (set.IsAllowed(request, *of) != answer.allowed) return "the decision alone differs";
    }
  }
  return "";
}

TEST(MachineProperty, CompiledPoliciesAnswerAsTheirTreesDo) {
  EXPECT_TRUE(rc::check([](std::uint32_t seed) {
    for (std::uint64_t i = 0; i < 20; ++i) {
      if (const std::string difference = Difference(seed + (i << 32), 5, 3, 4, 5); !difference.empty()) RC_FAIL(difference);
    }
  }));
}

TEST(MachineProperty, TheIndexedSetAnswersAsEachPolicyAloneDoes) {
  EXPECT_TRUE(rc::check([](std::uint32_t seed) {
    const std::string difference = Difference(seed, 1 + static_cast<int>(seed % 300), 2 + static_cast<int>(seed / 300 % 40), 1, 10);
    if (!difference.empty()) RC_FAIL(difference);
  }));
}

TEST(MachineProperty, SoDoThousandsOfPolicies) {
  for (const int count : {3'000, 10'000}) {
    for (const int ids : {10, 300, 2'000}) EXPECT_EQ(Difference(static_cast<std::uint64_t>(count + ids), count, ids, 1, 3), "");
  }
}

}  // namespace
}  // namespace remit::cedar
