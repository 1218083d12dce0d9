#include "broker/view/environment.h"

#include <gtest/gtest.h>

namespace remit::broker {
namespace {

TEST(EnvironmentOfCredentials, IsPlainForOneTarget) {
  EnvironmentBuilder builder;
  builder.Add("orders", {{"PGHOST", Secret("a")}, {"PGUSER", Secret("u")}});
  Environment all = builder.Build();
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(all.at("PGHOST").Reveal(), "a");
}

TEST(EnvironmentOfCredentials, HasNamesPerTargetForSeveral) {
  EnvironmentBuilder builder;
  builder.Add("orders", {{"PGHOST", Secret("a")}});
  builder.Add("crm-eu", {{"PGHOST", Secret("b")}});
  Environment all = builder.Build();
  EXPECT_EQ(all.at("PGHOST").Reveal(), "a");
  EXPECT_EQ(all.at("ORDERS_PGHOST").Reveal(), "a");
  EXPECT_EQ(all.at("CRM_EU_PGHOST").Reveal(), "b");
}

TEST(EnvironmentOfCredentials, PrefixesAreNamesOfVariables) {
  EXPECT_EQ(VariablePrefix("orders"), "ORDERS_");
  EXPECT_EQ(VariablePrefix("2nd_db-x"), "_2ND_DB_X_");
}

}  // namespace
}  // namespace remit::broker
