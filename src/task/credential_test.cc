// The small life of a credential: each step in its place, secrets gone when it is dead, the ledger not flooded by retries.
#include "task/credential.h"

#include <rapidcheck.h>

#include "json/write.h"

namespace remit::task {
namespace {

const Time kNow = FromMicros(1'780'000'000'000'000);

CredentialRecord Planned() {
  CredentialRecord draft;
  draft.id = "crd_1";
  draft.task = "tsk_1";
  draft.target = "orders";
  draft.kind = "postgres-role";
  draft.name = "remit_i_crd_1";
  draft.not_after = kNow + std::chrono::hours(1);
  draft.sealed = "sealed bytes";
  draft.permissions.permissions.push_back({.action = {"Postgres::Action", "select"}, .resource = {"Postgres::Table", "orders/public.t"}});
  return PlanCredential(draft, kNow).next;
}

TEST(Credential, GoesFromPlannedToDead) {
  const auto live = MakeLive(Planned(), {{"oid", "17"}}, kNow);
  ASSERT_TRUE(live);
  const auto ending = BeginEnd(live->next, "completed", kNow);
  ASSERT_TRUE(ending);
  const auto dead = MakeDead(ending->next, {{"gone", "no such role", kNow}}, kNow);
  ASSERT_TRUE(dead);
  EXPECT_EQ(dead->next.state, CredentialState::kDead);
  EXPECT_EQ(dead->next.sealed, "");
  EXPECT_EQ(dead->next.notes.at("oid"), "17");
  EXPECT_EQ(json::Write(dead->events[0]).find("sealed"), std::string::npos);
}

TEST(Credential, ThatWasOnlyPlannedIsEndedToo) { EXPECT_TRUE(BeginEnd(Planned(), "crash", kNow)); }

TEST(Credential, IsNotDeadWithoutHavingBeenEnded) {
  EXPECT_EQ(MakeDead(Planned(), {}, kNow).error().reason, "wrong-state");
  EXPECT_EQ(MakeLive(BeginEnd(Planned(), "x", kNow)->next, {}, kNow).error().message, "credential `crd_1` is ending");
}

TEST(Credential, ThatIsDeadStaysDead) {
  const CredentialRecord dead = MakeDead(BeginEnd(Planned(), "x", kNow)->next, {}, kNow)->next;
  EXPECT_FALSE(MakeLive(dead, {}, kNow));
  EXPECT_FALSE(BeginEnd(dead, "again", kNow));
  EXPECT_FALSE(NoteAttempt(dead, "e", {}, {}, {}, kNow));
  EXPECT_FALSE(MakeDead(dead, {}, kNow));
}

TEST(Credential, TheLedgerHearsOfAnAttemptOnlyWhenItSaysSomethingNew) {
  const CredentialRecord ending = BeginEnd(Planned(), "x", kNow)->next;
  const auto first = NoteAttempt(ending, "connection refused", {}, {}, kNow, kNow);
  EXPECT_EQ(first->events.size(), 1u);
  const auto second = NoteAttempt(first->next, "connection refused", {}, {}, kNow, kNow);
  EXPECT_TRUE(second->events.empty());
  EXPECT_EQ(second->next.end_attempts, 2u);
  EXPECT_EQ(NoteAttempt(second->next, "connection refused", {{"disarmed", "no login", kNow}}, {}, kNow, kNow)->events.size(), 1u);
}

TEST(Credential, IsReadAsItWasWritten) {
  CredentialRecord r = NoteAttempt(BeginEnd(Planned(), "x", kNow)->next, "no", {{"disarmed", "", kNow}}, {{"a", "1"}, {"b", ""}}, kNow, kNow)->next;
  r.permissions.permissions[0].obligations.push_back({Obligation::Kind::kUnlessApproved, 2, "p", "context.x"});
  r.permissions.permissions[0].conditions = {"resource.a == 1"};
  EXPECT_EQ(CredentialRecord::Decode(r.Encode()).value(), r);
}

TEST(PermissionSet, IsReadAsItWasWritten) {
  PermissionSet set = Planned().permissions;
  set.permissions.push_back({.action = {"Action", "x"},
                             .scope = Permission::Scope::kIn,
                             .resource = {"Folder", "f"},
                             .member_type = "File",
                             .conditions = {"resource.a"},
                             .obligations = {{Obligation::Kind::kAfterUses, 1, "p", ""}},
                             .policies = {"q"}});
  set.permissions.push_back({.action = {"Action", "x"}, .scope = Permission::Scope::kIs, .resource = {"File", ""}});
  EXPECT_EQ(PermissionSet::FromJson(set.ToJson()).value(), set);
  EXPECT_EQ(json::Write(Planned().permissions.ToJson()),
            R"([{"action":"Postgres::Action::\"select\"","resource":"Postgres::Table::\"orders/public.t\""}])");
}

TEST(PermissionSet, DropsWhatAnotherGivesWithFewerDemands) {
  PermissionSet set;
  Permission p{.action = {"Action", "x"}, .resource = {"T", "1"}, .conditions = {"context.mfa"}, .policies = {"narrow"}};
  set.permissions = {p, p};
  set.permissions[1].conditions.clear();
  set.permissions[1].policies = {"wide"};
  set.Normalise();
  ASSERT_EQ(set.permissions.size(), 1u);
  EXPECT_TRUE(set.permissions[0].IsPlain());
  EXPECT_EQ(set.permissions[0].policies, std::vector<std::string>{"wide"});
}

}  // namespace
}  // namespace remit::task
