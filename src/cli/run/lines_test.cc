// What people read of a run: six lines when all is well, the last of them the proof of the end.
#include "cli/run/lines.h"

#include <signal.h>

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run/signals.h"
#include "json/read.h"

namespace remit::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

json::Value Read(std::string_view text) {
  auto value = json::Parse(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : json::Value();
}

class RunLines : public testing::Test {
 protected:
  RunLines() { ::setenv("TZ", "UTC", 1), ::tzset(); }

  json::Value task_ =
      Read(R"({"id": "tsk_1", "name": "maintain", "state": "active", "started": "2001-02-03T14:00:00Z", "deadline": "2001-02-03T14:15:00Z",
                              "parameters": {"service": "checkout", "environment": {"__entity": {"type": "Environment", "id": "prod"}}}})");
  json::Value typed_ = Read(R"({"service": "checkout", "environment": "prod"})");
  json::Value role_ = Read(R"([{"id": "crd_1", "target": "orders", "kind": "postgres-role", "name": "remit_x_crd_1", "state": "live"},
                               {"id": "crd_2", "target": "token", "kind": "token-introspect", "name": "t", "state": "live"}])");
};

TEST_F(RunLines, SayWhatTheTaskIsCanDoAndHolds) {
  const json::Value permissions = Read(
      R"([{"action": "Action::\"a\"", "resource": "X::\"1\""}, {"action": "Action::\"b\"", "in": "Y::\"2\""}, {"action": "Action::\"c\"", "is": "Z"}])");
  const json::Value accepted = Read(R"(["orders: temporary tables"])");
  const RunLine line = StartedLine({.task = task_,
                                    .parameters = typed_,
                                    .permissions = permissions,
                                    .credentials = role_,
                                    .accepted = accepted,
                                    .containment = "cgroup",
                                    .not_contained = "it has your uid, 5"});
  EXPECT_THAT(line.texts,
              ElementsAre("maintain tsk_1 is active until 2001-02-03 14:15:00 (15m): service=checkout environment=prod",
                          "could do: a on X::\"1\", b in Y::\"2\" and 1 more (remit explain maintain), and what everybody may do there (1 accepted)",
                          "holds: REMIT_TOKEN, orders postgres-role live", "its processes end with it (cgroup); not contained: it has your uid, 5"));
  EXPECT_FALSE(line.problem);
  EXPECT_EQ(*line.event.Find("event"), json::Value("started"));
  EXPECT_EQ(line.event.Find("credentials")->AsArray().size(), 2u);
}

TEST_F(RunLines, DoNotSpeakOfPermissionsThatAreNotKnown) {
  EXPECT_EQ(StartedLine({.task = task_,
                         .parameters = typed_,
                         .permissions = {},
                         .credentials = role_,
                         .accepted = {},
                         .containment = "subreaper",
                         .not_contained = "x"})
                .texts.size(),
            3u);
}

TEST_F(RunLines, ProveTheEndOfEachCredentialByItsRefusal) {
  const json::Value dead = Read(R"([{"id": "crd_1", "target": "orders", "kind": "postgres-role", "name": "remit_x_crd_1", "state": "dead",
    "evidence": [{"step": "disarmed", "detail": "no login"}, {"step": "refused", "detail": "login refused with SQLSTATE 28P01"}, {"step": "gone", "detail": "OID 5 is gone"}]}])");
  const auto lines = ProofLines("tsk_1", dead, true);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0].texts, ElementsAre("orders postgres-role remit_x_crd_1 is dead: login refused with SQLSTATE 28P01"));
  EXPECT_FALSE(lines[0].problem);
}

TEST_F(RunLines, ProveTheEndOfTheTokenWhereThereIsNothingElse) {
  const json::Value token = Read(R"([{"kind": "token-introspect", "state": "dead"}])");
  EXPECT_THAT(ProofLines("tsk_1", token, true).at(0).texts, ElementsAre("REMIT_TOKEN is dead: asked with it, the server refuses"));
  const auto lines = ProofLines("tsk_1", token, false);
  EXPECT_TRUE(lines.at(0).problem) << "what could not be seen is not claimed";
}

TEST_F(RunLines, SayWhatIsStillEndingAlsoWhenQuiet) {
  const json::Value ending =
      Read(R"([{"target": "orders", "kind": "postgres-role", "name": "r", "state": "ending", "last_error": "connection refused"}])");
  const auto lines = ProofLines("tsk_1", ending, true);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].problem);
  EXPECT_THAT(lines[0].texts,
              ElementsAre("orders postgres-role r is still ending: connection refused; the server goes on until it is dead (remit show tsk_1)"));
  const json::Value offline = Read(
      R"([{"target": "token", "kind": "token-offline", "name": "https://d.example", "state": "ending", "last_error": "offline until 2001-02-03T14:00:05Z"}])");
  EXPECT_THAT(ProofLines("tsk_1", offline, true).at(0).texts,
              ElementsAre("offline token for https://d.example can be accepted until 2001-02-03 14:00:05 by servers that do not ask Remit "
                          "(remit show tsk_1)"))
      << "such a token lives on";
}

TEST_F(RunLines, WhatOthersWroteIsShownEscaped) {
  EXPECT_EQ(EndedFirstLine("tsk_1", "revoked", "bad\x1b[2J", true).texts.at(0).find('\x1b'), std::string::npos);
  EXPECT_EQ(EndedFirstLine("tsk_1", "revoked", "seen in a log", true).texts.at(0),
            "the task ended before the command: tsk_1 is revoked (seen in a log); the command gets SIGTERM");
}

TEST_F(RunLines, TimesAreShort) {
  EXPECT_EQ(Elapsed(340ms), "0.3s");
  EXPECT_EQ(Elapsed(12'340ms), "12.3s");
  EXPECT_EQ(Elapsed(184'400ms), "3m4s");
}

TEST_F(RunLines, AnEndIsAStatusOrASignal) {
  EXPECT_EQ(HowItEnded({.signaled = false, .value = 3}), "exit status 3");
  EXPECT_EQ(HowItEnded({.signaled = true, .value = SIGSEGV}), "ended by SIGSEGV");
  EXPECT_EQ(CommandLine("tsk_1", 12'300ms, {.signaled = false, .value = 0}, true).texts.at(0),
            "completed after 12.3s, exit status 0 (remit receipt tsk_1)");
}

TEST(RunSignals, AreReadInsteadOfKilling) {
  sigset_t before, after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    SignalInbox inbox;
    EXPECT_EQ(inbox.Next(), std::nullopt);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH}) {
      ::raise(signal);
      EXPECT_EQ(inbox.Next(), signal) << SignalName(signal);
    }
  }
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(::sigismember(&after, SIGINT), ::sigismember(&before, SIGINT));
}

TEST(RunSignals, OnlySomeAskToEnd) {
  EXPECT_TRUE(AsksToEnd(SIGINT) && AsksToEnd(SIGTERM) && AsksToEnd(SIGHUP) && AsksToEnd(SIGQUIT));
  EXPECT_FALSE(AsksToEnd(SIGWINCH) || AsksToEnd(SIGUSR1) || AsksToEnd(SIGUSR2));
  EXPECT_EQ(SignalName(SIGTERM), "SIGTERM");
}

}  // namespace
}  // namespace remit::cli
