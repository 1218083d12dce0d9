// The command gets what its task holds, and nothing of who started it.
#include "cli/run/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remit::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

TaskVariables Task() { return {.task = "tsk_1", .token = Secret("rmt_x"), .credentials = {}, .address = "unix:/run/remit/remit.sock"}; }

TEST(RunEnvironment, CarriesTheCallersVariablesAndTheTasks) {
  EXPECT_THAT(CommandEnvironment({"PATH=/bin", "EMPTY=", "ODD=a=b"}, Task()),
              ElementsAre("PATH=/bin", "EMPTY=", "ODD=a=b", "REMIT_ADDR=unix:/run/remit/remit.sock", "REMIT_TASK=tsk_1", "REMIT_TOKEN=rmt_x"));
}

TEST(RunEnvironment, KeepsTheActorsIdentityAndAnOuterTaskFromTheCommand) {
  const auto environment =
      CommandEnvironment({"REMIT_KEY_FILE=/etc/ci.key", "REMIT_CLIENT_ID=ci", "REMIT_SESSION=rma_y", "REMIT_TOKEN=rmt_outer", "REMIT_TASK=tsk_0",
                          "REMIT_HOLDER=rmh_z", "REMIT_ADDR=http://elsewhere", "REMIT_SOCKET=/s", "REMIT_CA_FILE=/ca.pem", "REMITTANCE=mine"},
                         Task());
  EXPECT_THAT(environment, ElementsAre("REMIT_SOCKET=/s", "REMIT_CA_FILE=/ca.pem", "REMITTANCE=mine", "REMIT_ADDR=unix:/run/remit/remit.sock",
                                       "REMIT_TASK=tsk_1", "REMIT_TOKEN=rmt_x"));
}

TEST(RunEnvironment, APostgresRoleReplacesEverythingThatLibpqWouldReadOfTheCallers) {
  TaskVariables task = Task();
  task.credentials = {{"PGHOST", Secret("db")}, {"PGUSER", Secret("remit_x")}, {"PGPASSWORD", Secret("p")}};
  const auto environment = CommandEnvironment({"PGPASSWORD=own", "PGHOSTADDR=10.0.0.1", "PGSERVICE=prod", "PGPASSFILE=/root/.pgpass",
                                               "PGOPTIONS=-c role=admin", "PGSSLMODE=disable", "PGAPPNAME=job"},
                                              task);
  EXPECT_THAT(environment, ElementsAre("PGAPPNAME=job", "PGHOST=db", "PGPASSWORD=p", "PGUSER=remit_x", StartsWith("REMIT_ADDR="), "REMIT_TASK=tsk_1",
                                       "REMIT_TOKEN=rmt_x"));
}

TEST(RunEnvironment, WithoutARoleTheCallersPostgresVariablesStay) { EXPECT_THAT(CommandEnvironment({"PGHOST=own"}, Task()), Contains("PGHOST=own")); }

TEST(RunEnvironment, ServerNamedVariablesComeOnceAndSecondTargetsUnderTheirOwnNames) {
  TaskVariables task = Task();
  task.credentials = {{"ORDERS_PGHOST", Secret("a")}, {"PGHOST", Secret("a")}, {"STOCK_PGHOST", Secret("b")}};
  const auto environment = CommandEnvironment({"STOCK_PGHOST=own", "STOCK_PGHOST=again"}, task);
  EXPECT_THAT(environment, Contains("STOCK_PGHOST=b"));
  EXPECT_THAT(environment, Not(Contains("STOCK_PGHOST=own")));
  EXPECT_THAT(environment, Not(Contains("STOCK_PGHOST=again")));
}

TEST(RunEnvironment, WhatIsNoVariableIsLeftOut) { EXPECT_THAT(CommandEnvironment({"NOTHING", "=X"}, Task()), Not(Contains("NOTHING"))); }

}  // namespace
}  // namespace remit::cli
