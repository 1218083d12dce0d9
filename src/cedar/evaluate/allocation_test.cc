// The promise that a decision alone allocates nothing, kept by counting.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "cedar/authorizer.h"
#include "cedar/parser.h"

namespace {
thread_local std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace remit::cedar {
namespace {

class AllocationTest : public testing::Test {
 protected:
  AllocationTest() {
    std::vector<Entity> entities;
    entities.push_back({.uid = {"User", "a user with a name that is longer than any small string"},
                        .attributes = {{"level", 3},
                                       {"name", "a name that is longer than any small string"},
                                       {"reads", Value::Set({EntityUid{"Folder", "f"}, EntityUid{"Folder", "g"}})},
                                       {"home", EntityUid{"Folder", "f"}},
                                       {"address", Value::FromRecord({{"city", "Bonn"}})}},
                        .tags = {{"team", "red"}},
                        .parents = {{"Group", "staff"}}});
    entities.push_back({.uid = {"Group", "staff"}, .attributes = {}, .tags = {}, .parents = {{"Group", "all"}}});
    entities.push_back({.uid = {"Doc", "d"}, .attributes = {{"public", false}}, .tags = {}, .parents = {{"Folder", "f"}}});
    entities_ = Entities::Build(std::move(entities)).value();
    request_ = {{"User", "a user with a name that is longer than any small string"},
                {"Action", "read"},
                {"Doc", "d"},
                Value::FromRecord({{"ip", IpAddr{.bytes = {10, 1, 2, 3}}}, {"tags", Value::Set({"x", "y"})}, {"at", Datetime{5000}}})};
  }

  Entities entities_;
  Request request_;
};

constexpr std::string_view kPolicies = R"(
  permit(principal in Group::"all", action in [Action::"read", Action::"list"], resource is Doc in Folder::"f");
  permit(principal, action, resource) when { resource in principal.reads && principal.reads.contains(principal.home) };
  permit(principal, action, resource) when { principal.level * 2 - 1 == 5 && principal.name like "a name*longer*string" };
  permit(principal, action, resource) when { context.ip.isInRange(ip("10.0.0.0/8")) && context.tags.containsAny(["y", "z"]) };
  permit(principal, action, resource) when { principal.address.city == "Bonn" && principal has address.city };
  permit(principal, action, resource) when { principal.hasTag("team") && principal.getTag("team") == "red" };
  permit(principal, action, resource) when { context.at > datetime("1970-01-01") && context.at.toDate() == datetime("1970-01-01") };
  permit(principal, action, resource) when { principal in [User::"x", Group::"staff"] };
  forbid(principal, action, resource) when { resource.public || principal == resource };
)";

TEST_F(AllocationTest, ADecisionAloneAllocatesNothing) {
  const PolicySet set = PolicySet::Build(ParsePolicies(kPolicies, "p").value()).value();
  OverlayEntities overlay(entities_);
  const std::size_t before = allocations;
  const bool over_store = set.IsAllowed(request_, entities_), over_view = set.IsAllowed(request_, overlay);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(over_store && over_view);
}

TEST_F(AllocationTest, NorDoesOneWhosePoliciesFail) {
  const PolicySet set = PolicySet::Build(ParsePolicies("permit(principal, action, resource) when { principal.none };"
                                                       "forbid(principal, action, resource) when { context + 1 == 2 };",
                                                       "p")
                                             .value())
                            .value();
  const std::size_t before = allocations;
  const bool allowed = set.IsAllowed(request_, entities_);
  EXPECT_EQ(allocations, before);
  EXPECT_FALSE(allowed);
}

TEST_F(AllocationTest, AnAnswerThatIsUsedAgainKeepsItsMemory) {
  const PolicySet set = PolicySet::Build(ParsePolicies(kPolicies, "p").value()).value();
  Answer answer;
  set.Decide(request_, entities_, answer);
  EXPECT_EQ(answer.determining.size(), 8u);
  const std::size_t before = allocations;
  set.Decide(request_, entities_, answer);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(answer.determining.size(), 8u);
}

// The count counts: or the tests above would hold for nothing.
TEST_F(AllocationTest, AResponseAllocates) {
  const PolicySet set = PolicySet::Build(ParsePolicies(kPolicies, "p").value()).value();
  const std::size_t before = allocations;
  EXPECT_TRUE(set.IsAuthorized(request_, entities_).allowed);
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace remit::cedar
