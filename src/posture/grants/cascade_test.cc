// PostgreSQL's rules for what falls with a grant, without a server; replace/generated_test.cc holds them to one.
#include "posture/grants/cascade.h"

#include <gmock/gmock.h>

namespace remit::posture {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Grant Give(const std::string& grantor, const std::string& grantee, bool option, const std::string& privilege = "SELECT") {
  Grant grant;
  grant.object.kind = ObjectKind::kTable;
  grant.object.database = "db";
  grant.key = "1";
  grant.owner = "owner";
  grant.grantor = {grantor, grantor};
  grant.grantee = {grantee, grantee};
  grant.privilege = privilege;
  grant.grantable = option;
  return grant;
}

std::vector<std::string> Fallen(const std::vector<Grant>& all, const Grant& revoked, const RoleGraph& roles = {}) {
  Acls acls(all, 150000);
  std::vector<std::string> who;
  for (const Grant& grant : acls.Of(revoked).Revoke(revoked, roles)) who.push_back(grant.grantee.oid);
  return who;
}

TEST(Cascade, GoesDownTheWholeChainOfThatPrivilegeAlone) {
  const std::vector<Grant> all{Give("owner", "a", true), Give("a", "b", true), Give("b", "c", false), Give("owner", "a", true, "UPDATE"),
                               Give("a", "d", false, "UPDATE")};
  EXPECT_THAT(Fallen(all, all[0]), ElementsAre("a", "b", "c"));
}

TEST(Cascade, StopsWhereTheOptionIsHeldByAnotherGrant) {
  const std::vector<Grant> all{Give("owner", "a", true), Give("owner", "b", true), Give("a", "b", true), Give("b", "c", false)};
  EXPECT_THAT(Fallen(all, all[0]), ElementsAre("a", "b"));
}

TEST(Cascade, StopsWhereTheOptionIsHeldThroughARole) {
  RoleGraph roles;
  roles.AddMembership("a", "group");
  const std::vector<Grant> all{Give("owner", "a", true), Give("owner", "group", true), Give("a", "b", false)};
  EXPECT_THAT(Fallen(all, all[0], roles), ElementsAre("a"));
}

TEST(Cascade, NothingHangsOnAGrantWithoutOption) {
  const std::vector<Grant> all{Give("owner", "a", false), Give("a", "b", false)};
  EXPECT_THAT(Fallen(all, all[0]), ElementsAre("a"));
}

TEST(Cascade, WhatIsNotThereTakesNothingWithIt) { EXPECT_THAT(Fallen({Give("owner", "a", false)}, Give("owner", "b", false)), IsEmpty()); }

TEST(Cascade, MembershipsHangOnEachOtherFromPostgres16On) {
  const auto member = [](const std::string& grantor, const std::string& who) {
    Grant grant;
    grant.form = GrantForm::kMembership;
    grant.key = "role";
    grant.owner = "10";
    grant.grantor = {grantor, ""};
    grant.grantee = {who, ""};
    grant.privilege = "MEMBER";
    grant.grantable = true;
    return grant;
  };
  const std::vector<Grant> all{member("10", "a"), member("a", "b")};
  for (const auto& [version, count] : {std::pair{150000, 1u}, std::pair{160000, 2u}}) {
    Acls acls(all, version);
    EXPECT_EQ(acls.Of(all[0]).Revoke(all[0], {}).size(), count) << version;
  }
}

TEST(Grantors, ActWhereTheServerTakesThemAsGrantor) {
  RoleGraph roles;
  roles.AddSuperuser("super");
  const std::vector<Grant> all{Give("owner", "a", true), Give("a", "b", false), Give("super", "b", false), Give("gone", "b", false)};
  Acls acls(all, 150000);
  EXPECT_TRUE(acls.GrantorCanAct(all[0], roles));
  EXPECT_TRUE(acls.GrantorCanAct(all[1], roles));
  EXPECT_FALSE(acls.GrantorCanAct(all[2], roles));
  EXPECT_FALSE(acls.GrantorCanAct(all[3], roles));
}

TEST(Grantors, OfAColumnMayHaveTheOptionForTheTable) {
  Grant column = Give("a", "b", false);
  column.object.kind = ObjectKind::kColumn;
  column.column = 2;
  Acls acls({Give("owner", "a", true), column}, 150000);
  EXPECT_TRUE(acls.GrantorCanAct(column, {}));
}

TEST(RoleGraph, FollowsChainsAndBreaksNoLegOnCircles) {
  RoleGraph roles;
  roles.AddMembership("a", "b");
  roles.AddMembership("b", "c");
  roles.AddMembership("c", "a");
  EXPECT_TRUE(roles.HasRightsOf("a", "c"));
  EXPECT_FALSE(roles.HasRightsOf("a", "d"));
}

}  // namespace
}  // namespace remit::posture
