// Queries: what they answer, and the law that they answer as asking for each candidate would.
#include "cedar/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>

#include "cedar/parser.h"

namespace remit::cedar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Schema& TestSchema() {
  static const Schema schema = *Schema::Parse({{"s", R"(
    entity Team;
    entity User in Team = { level: Long, home: Folder };
    entity Folder in Folder;
    entity Doc in Folder = { owner: User, public: Bool };
    action look;
    action read in look appliesTo { principal: User, resource: [Doc, Folder], context: { mfa?: Bool } };
    action list in look appliesTo { principal: User, resource: Folder };
    action write appliesTo { principal: User, resource: Doc, context: { mfa: Bool } };
  )"}});
  return schema;
}

EntityUid Uid(const char* type, int i) { return {type, std::to_string(i)}; }
const Value kNoContext = Value::FromRecord({});
const Value kMfa = Value::FromRecord({{"mfa", Value(true)}});

Entities Store(std::mt19937_64& dice, int size) {
  const auto pick = [&](int n) { return static_cast<int>(dice() % static_cast<std::uint64_t>(n)); };
  std::vector<Entity> store;
  for (const auto& [uid, action] : TestSchema().actions()) store.push_back({uid, {}, {}, action.member_of});
  for (int i = 0; i < size; ++i) {
    store.push_back({Uid("User", i), {{"level", Value(pick(3))}, {"home", Value(Uid("Folder", pick(size)))}}, {}, {Uid("Team", pick(2))}});
    store.push_back({Uid("Folder", i), {}, {}, {Uid("Folder", i + 1)}});
    store.push_back({Uid("Doc", i), {{"owner", Value(Uid("User", pick(size)))}, {"public", Value(pick(2) == 0)}}, {}, {Uid("Folder", pick(size))}});
  }
  return *Entities::Build(std::move(store));
}

PolicySet Set(std::string_view text) { return *PolicySet::Build(*ParsePolicies(text, "p")); }

class QueryTest : public testing::Test {
 protected:
  std::mt19937_64 dice_{7};
  Entities entities_ = Store(dice_, 4);
};

TEST_F(QueryTest, AnswersWithActions) {
  const PolicySet set = Set(R"(
    permit (principal == User::"1", action in Action::"look", resource);
    permit (principal, action == Action::"write", resource) when { context.mfa };
    forbid (principal, action == Action::"list", resource == Folder::"2");
  )");
  const auto actions = [&](const EntityUid& user, const EntityUid& resource, const std::optional<Value>& context) {
    return QueryActions(set, TestSchema(), entities_, user, resource, context);
  };
  EXPECT_THAT(actions(Uid("User", 1), Uid("Folder", 1), kNoContext).permitted, ElementsAre(EntityUid{"Action", "list"}, EntityUid{"Action", "read"}));
  EXPECT_THAT(actions(Uid("User", 1), Uid("Folder", 2), kNoContext).permitted, ElementsAre(EntityUid{"Action", "read"}));
  EXPECT_THAT(actions(Uid("User", 2), Uid("Folder", 1), kNoContext).permitted, IsEmpty());
  EXPECT_THAT(actions(Uid("User", 2), Uid("Doc", 1), kMfa).permitted, ElementsAre(EntityUid{"Action", "write"}));
  const ActionAnswer open = actions(Uid("User", 1), Uid("Doc", 1), std::nullopt);
  EXPECT_THAT(open.permitted, ElementsAre(EntityUid{"Action", "read"}));
  ASSERT_EQ(open.open.size(), 1U);
  EXPECT_EQ(open.open[0].action.id, "write");
  EXPECT_EQ(ToString(*open.open[0].response.open_permits.at(0).residual), "context.mfa");
}

TEST_F(QueryTest, AnswersWithEntities) {
  const PolicySet set = Set(R"(
    permit (principal == User::"1", action == Action::"read", resource in Folder::"3");
    permit (principal == User::"2", action == Action::"read", resource) when { [Doc::"0", Doc::"9"].contains(resource) };
    permit (principal in Team::"0", action == Action::"write", resource == Doc::"3") when { context.mfa };
  )");
  const auto folders = QueryResources(set, TestSchema(), entities_, Uid("User", 1), {"Action", "read"}, kNoContext, "Folder");
  EXPECT_THAT(folders.permitted, ElementsAre(Uid("Folder", 0), Uid("Folder", 1), Uid("Folder", 2), Uid("Folder", 3)));
  EXPECT_THAT(QueryResources(set, TestSchema(), entities_, Uid("User", 2), {"Action", "read"}, kNoContext).permitted, ElementsAre(Uid("Doc", 0)));
  EXPECT_THAT(QueryResources(set, TestSchema(), entities_, Uid("User", 2), {"Action", "gone"}, kNoContext).permitted, IsEmpty());
  EXPECT_THAT(QueryResources(set, TestSchema(), entities_, Uid("Team", 0), {"Action", "read"}, kNoContext).permitted, IsEmpty());
  EXPECT_THAT(QueryResources(set, TestSchema(), entities_, Uid("User", 1), {"Action", "write"}, kNoContext).permitted, IsEmpty());
  const PolicySet either = Set(R"(permit (principal, action, resource) when { resource == Doc::"0" || resource in Folder::"4" };)");
  std::vector<EntityUid> expected;
  for (const Entity* entity : entities_.All()) {
    if (entity->uid.type == "Doc" && (entity->uid == Uid("Doc", 0) || entities_.IsDescendant(entity->uid, Uid("Folder", 4))))
      expected.push_back(entity->uid);
  }
  EXPECT_GT(expected.size(), 1U);
  EXPECT_EQ(QueryResources(either, TestSchema(), entities_, Uid("User", 1), {"Action", "write"}, kMfa).permitted, expected);
  const auto writers = QueryPrincipals(set, TestSchema(), entities_, {"Action", "write"}, Uid("Doc", 3), std::nullopt);
  EXPECT_THAT(writers.permitted, IsEmpty());
  EXPECT_FALSE(writers.open.empty());
  EXPECT_EQ(QueryPrincipals(set, TestSchema(), entities_, {"Action", "write"}, Uid("Doc", 3), kMfa).permitted.size(), writers.open.size());
}

// ---- The law.

std::string RandomPolicies(std::mt19937_64& dice) {
  const auto one_of = [&](std::initializer_list<const char*> choices) {
    return std::string(*(choices.begin() + static_cast<std::ptrdiff_t>(dice() % choices.size())));
  };
  std::string text;
  for (int i = 0; i < 6; ++i) {
    text += one_of({"permit", "permit", "forbid"}) + " (" +
            one_of({"principal", "principal == User::\"1\"", "principal in Team::\"0\"", "principal is User in Team::\"1\""}) + ", " +
            one_of({"action", "action == Action::\"read\"", "action in Action::\"look\"", "action in [Action::\"list\", Action::\"write\"]"}) + ", " +
            one_of({"resource", "resource == Doc::\"2\"", "resource in Folder::\"3\"", "resource is Doc", "resource is Folder in Folder::\"2\""}) +
            ") when { " +
            one_of({"true", "principal.level > 0", "resource in principal.home", "[Doc::\"1\", Doc::\"3\"].contains(resource)",
                    "resource == Doc::\"0\" || resource == Folder::\"1\"", "resource == Doc::\"0\" || principal == User::\"3\"",
                    "resource has owner && resource.owner == principal", "resource has public && resource.public", "context has mfa && context.mfa",
                    "context.mfa", "principal.level + 1 == 2"}) +
            " };\n";
  }
  return text;
}

std::vector<EntityUid> Naive(const PolicySet& set, const Entities& entities, const std::function<std::optional<Request>(const EntityUid&)>& fill) {
  std::vector<EntityUid> permitted;
  for (const Entity* entity : entities.All()) {
    const auto request = fill(entity->uid);
    if (request && TestSchema().ValidateRequest(*request) && set.IsAuthorized(*request, entities).allowed) permitted.push_back(entity->uid);
  }
  return permitted;
}

void AnswersAsAskingForEach(std::mt19937_64& dice) {
  const Entities entities = Store(dice, 5);
  const std::string text = RandomPolicies(dice);
  const PolicySet set = Set(text);
  const Value context = dice() % 2 == 0 ? kMfa : kNoContext;
  const EntityUid user = Uid("User", static_cast<int>(dice() % 6)), doc = Uid(dice() % 2 == 0 ? "Doc" : "Folder", static_cast<int>(dice() % 6));
  RC_LOG() << text << user.ToString() << " " << doc.ToString() << "\n";
  const auto actions = QueryActions(set, TestSchema(), entities, user, doc, context);
  RC_ASSERT(actions.permitted == Naive(set, entities, [&](const EntityUid& uid) { return Request{user, uid, doc, context}; }));
  RC_ASSERT(actions.open.empty());
  for (const auto& [action, declared] : TestSchema().actions()) {
    const auto resources = QueryResources(set, TestSchema(), entities, user, action, context);
    const auto expected = Naive(set, entities, [&](const EntityUid& uid) { return Request{user, action, uid, context}; });
    RC_ASSERT(resources.permitted == expected);
    const auto principals = QueryPrincipals(set, TestSchema(), entities, action, doc, context);
    RC_ASSERT(principals.permitted == Naive(set, entities, [&](const EntityUid& uid) { return Request{uid, action, doc, context}; }));
    // Without a context: what is permitted is with each, and what is permitted with one is at least open.
    const auto any = QueryResources(set, TestSchema(), entities, user, action, std::nullopt);
    if (!TestSchema().ValidateValue(context, *declared.context)) continue;
    for (const EntityUid& uid : any.permitted) RC_ASSERT(std::ranges::count(expected, uid) == 1);
    for (const EntityUid& uid : expected) {
      RC_ASSERT(std::ranges::count(any.permitted, uid) + std::ranges::count(any.open, uid, &OpenEntity::entity) == 1);
    }
  }
}

TEST(QueryLawTest, AQueryAnswersAsAskingForEachCandidateDoes) {
  EXPECT_TRUE(rc::check("a query permits exactly what the decision allows", [] {
    std::mt19937_64 dice(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    for (int i = 0; i < 5; ++i) AnswersAsAskingForEach(dice);
  }));
}

}  // namespace
}  // namespace remit::cedar
