// A grant as a plan file has it: what comes from the file goes into SQL, so what is no grant is none.
#include "posture/grants/item.h"

#include <gmock/gmock.h>

namespace remit::posture {
namespace {

Grant Future() {
  Grant grant;
  grant.form = GrantForm::kDefault;
  grant.object.kind = ObjectKind::kSchema;
  grant.object.database = "shop";
  grant.object.name = "app";
  grant.key = "16400/16401/r";
  grant.owner = grant.grantor.oid = "16400";
  grant.grantee.oid = "16402";
  grant.privilege = "SELECT";
  return grant;
}

std::string Refusal(const Grant& grant) {
  const auto read = GrantFromJson(GrantToJson(grant));
  return read ? "" : read.error().reason;
}

TEST(GrantFromJson, ReadsWhatWasWritten) {
  const auto read = GrantFromJson(GrantToJson(Future()));
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->Id(), Future().Id());
}

TEST(GrantFromJson, TakesNoOtherKeyOfDefaultPrivileges) {
  for (const char* key : {"", "16400", "16400/16401", "16400/16401/", "16400/16401/rr", "/16401/r", "16400/x/r", "16400/16401/r/r"}) {
    Grant grant = Future();
    grant.key = key;
    EXPECT_EQ(Refusal(grant), "bad-plan-file") << key;
  }
}

TEST(GrantFromJson, TakesNoPrivilegeAndNoRoleThatWouldBeMoreThanOneWord) {
  Grant grant = Future();
  grant.privilege = "ALL ON SCHEMA app TO PUBLIC; --";
  EXPECT_EQ(Refusal(grant), "bad-plan-file");
  grant = Future();
  grant.grantee.oid = "1; --";
  EXPECT_EQ(Refusal(grant), "bad-plan-file");
}

}  // namespace
}  // namespace remit::posture
