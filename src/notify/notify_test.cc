// What people are told: nothing that a stranger wrote becomes a link, nothing approves, and the receiver can tell who sent it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/limits.h"
#include "json/read.h"
#include "json/write.h"
#include "notify/event_types.h"
#include "notify/message.h"
#include "notify/signature.h"
#include "notify/webhooks.h"

namespace remit::notify {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr std::string_view kTask = "tsk_01h00000000000000000000000";
constexpr std::string_view kApproval = "apv_01h00000000000000000000000";

task::TaskRecord Record(std::string reason = "CHG-7") {
  task::TaskRecord record;
  record.id = kTask;
  record.type = "Change";
  record.name = "change";
  record.purpose = "Change production";
  record.actor = {"Agent", "bot"};
  record.parameters = *json::Parse(R"({"ticket": {"__entity": {"type": "Ticket", "id": "T-1"}}, "count": 2})");
  record.reason = std::move(reason);
  return record;
}

Notice Asked(std::string reason = "CHG-7") {
  return MakeNotice(7, json::Object{{"type", "task.requested"}, {"time", "2026-11-27T14:00:00.000000Z"}, {"task", kTask}}, Record(std::move(reason)),
                    "https://remit.example");
}

TEST(Templates, LinkToTheRequest) {
  for (const Template form : {Template::kEvents, Template::kMail, Template::kSlack, Template::kTeams}) {
    const std::string body = Render(form, Asked());
    ASSERT_TRUE(json::Parse(body).has_value()) << body;
    EXPECT_THAT(body, HasSubstr("https://remit.example/approvals/" + std::string(kApproval)));
    for (const char* what : {"Change production", "CHG-7", "bot"}) EXPECT_THAT(body, HasSubstr(what));
  }
  const json::Value mail = *json::Parse(Render(Template::kMail, Asked()));
  EXPECT_EQ(*mail.FindString("subject"), "remit: change waits for approval");
  EXPECT_THAT(*mail.FindString("text"), HasSubstr("parameters  ticket=T-1 count=2\n"));
  EXPECT_THAT(*mail.FindString("text"), HasSubstr("remit approve " + std::string(kApproval)));
  EXPECT_THAT(*mail.FindString("text"), HasSubstr("remit deny " + std::string(kApproval)));
}

// Behind the link stand commands: whoever expects to read there what is asked, and a place to sign in, would look for them in vain.
TEST(Templates, PromiseWhatThePageShows) {
  const Notice ended =
      MakeNotice(9, json::Object{{"type", "task.revoked"}, {"time", "x"}, {"task", kTask}, {"by", "x"}}, Record(), "https://remit.example");
  for (const Template form : {Template::kMail, Template::kSlack, Template::kTeams}) {
    EXPECT_THAT(Render(form, Asked()), HasSubstr("What to type to see what it would do, and to answer"));
    EXPECT_THAT(Render(form, ended), HasSubstr("What to type to see it"));
    for (const std::string& body : {Render(form, Asked()), Render(form, ended)})
      EXPECT_THAT(body, testing::AllOf(Not(HasSubstr("See ")), Not(HasSubstr("ign in, "))));
  }
}

TEST(Templates, AnEndLinksToItsTaskAndSaysWhy) {
  const Notice ended = MakeNotice(
      9,
      json::Object{
          {"type", "task.revoked"}, {"time", "2026-11-27T14:00:00.000000Z"}, {"task", kTask}, {"by", "Employee::\"ann\""}, {"reason", "suspicious"}},
      Record(), "https://remit.example");
  EXPECT_FALSE(ended.IsWait());
  EXPECT_EQ(ended.link, "https://remit.example/tasks/" + std::string(kTask));
  const json::Value mail = *json::Parse(Render(Template::kMail, ended));
  EXPECT_EQ(*mail.FindString("subject"), "remit: change was revoked");
  EXPECT_THAT(*mail.FindString("text"), HasSubstr("why         suspicious\n"));
  EXPECT_THAT(*mail.FindString("text"), Not(HasSubstr("approve")));
}

TEST(Templates, EveryWaitForAYesSaysWhereToAnswer) {
  for (const char* type : {"task.requested", "task.asked-again", "task.extension-requested"}) {
    const Notice notice = MakeNotice(7, json::Object{{"type", type}, {"time", "x"}, {"task", kTask}}, Record(), "https://remit.example");
    EXPECT_TRUE(notice.IsWait()) << type;
    EXPECT_EQ(notice.link, "https://remit.example/approvals/" + std::string(kApproval)) << type;
    EXPECT_TRUE(Wants(ChangesAndWaits(), type));
  }
  const Notice change = MakeNotice(7, json::Object{{"type", "change.requested"}, {"time", "x"}, {"approval", kApproval}, {"verb", "catalog.load"}},
                                   std::nullopt, "https://remit.example");
  EXPECT_EQ(change.link, "https://remit.example/approvals/" + std::string(kApproval));
  EXPECT_EQ(Headline(change), "catalog.load waits for approval: a change of the server");
  EXPECT_TRUE(Wants(ChangesAndWaits(), "change.requested"));
}

// Whoever was not asked before is told now, and why it was in a hurry.
TEST(Templates, BreakGlassNamesThoseWhoWereNotAsked) {
  const Notice notice = MakeNotice(7,
                                   json::Object{{"type", "task.break-glass"},
                                                {"time", "x"},
                                                {"task", kTask},
                                                {"by", "Agent::\"deployer\""},
                                                {"reason", "INC-9"},
                                                {"approvals_skipped", 2},
                                                {"not_asked", json::Array{"Employee::\"ines\"", "Employee::\"rita\""}}},
                                   Record("INC-9"), "https://remit.example");
  EXPECT_TRUE(Wants(ChangesAndWaits(), notice.type));
  EXPECT_EQ(Headline(notice), "change was started by break-glass, without approval: somebody must sign for it when it has ended");
  EXPECT_THAT(Details(notice), Contains(Pair("not asked", "Employee::\"ines\", Employee::\"rita\"")));
  EXPECT_THAT(Details(notice), Contains(Pair("reason", "INC-9")));
  EXPECT_THAT(Details(notice), Not(Contains(Pair("why", testing::_)))) << "the reason once";
  EXPECT_EQ(notice.link, "https://remit.example/tasks/" + std::string(kTask));
  EXPECT_FALSE(notice.IsWait()) << "it runs; nobody is asked for a yes";
}

// "Every skipped approver told": of many, too, in every template.
TEST(Templates, BreakGlassLosesNoNameOfMany) {
  json::Array people;
  for (int i = 0; i < 300; ++i) people.push_back(fmt::format("Employee::\"person-with-a-long-name-{:03}\"", i));
  const Notice notice =
      MakeNotice(7, json::Object{{"type", "task.break-glass"}, {"time", "x"}, {"task", kTask}, {"reason", "INC-9"}, {"not_asked", people}},
                 Record("INC-9"), "https://remit.example");
  for (const Template form : {Template::kEvents, Template::kMail, Template::kSlack, Template::kTeams}) {
    const std::string body = Render(form, notice);
    ASSERT_TRUE(json::Parse(body).has_value());
    for (int i = 0; i < 300; ++i) ASSERT_THAT(body, HasSubstr(fmt::format("person-with-a-long-name-{:03}", i))) << static_cast<int>(form);
    EXPECT_THAT(body, Not(HasSubstr("…")));
    EXPECT_LE(body.size(), 28u << 10) << "what Teams takes";
  }
  const json::Value slack = *json::Parse(Render(Template::kSlack, notice));
  EXPECT_LE(slack.Find("blocks")->AsArray().size(), 50u);
  for (const json::Value& block : slack.Find("blocks")->AsArray()) EXPECT_LE(block.Find("text")->FindString("text")->size(), 3000u);
}

// Of more than receivers take, it is said how many are left out, and where they stand.
TEST(Templates, BreakGlassCountsWhomItDoesNotName) {
  json::Array people;
  for (int i = 0; i < 5000; ++i) people.push_back(fmt::format("Employee::\"person-with-a-long-name-{:04}\"", i));
  const Notice notice = MakeNotice(7, json::Object{{"type", "task.break-glass"}, {"time", "x"}, {"task", kTask}, {"not_asked", people}}, Record(),
                                   "https://remit.example");
  const auto names = [](std::string_view body) {
    std::size_t count = 0;
    for (std::size_t at = body.find("person-with"); at != std::string_view::npos; at = body.find("person-with", at + 1)) ++count;
    return count;
  };
  for (const Template form : {Template::kMail, Template::kSlack, Template::kTeams}) {
    const std::string body = Render(form, notice);
    EXPECT_GT(names(body), 300u);
    EXPECT_THAT(body, HasSubstr(fmt::format("and {} more, whom the ledger names", 5000 - names(body))));
    EXPECT_LE(body.size(), 28u << 10);
  }
  const std::string event = Render(Template::kEvents, notice);
  EXPECT_LE(event.size(), limits::kWebhookBodyBytes);
  EXPECT_EQ(json::Parse(event)->Find("data")->Find("event")->Find("not_asked_more")->AsInt(), 5000 - static_cast<int>(names(event)));
}

TEST(Templates, ATripSaysWhatWasRefusedHowOften) {
  const Notice notice = MakeNotice(
      7, json::Object{{"type", "task.tripped"}, {"time", "x"}, {"task", kTask}, {"tripped", kTask}, {"refused", kTask}, {"trip", "5 in 1m, revoke"}},
      Record(), "https://remit.example");
  EXPECT_TRUE(Wants(ChangesAndWaits(), notice.type));
  EXPECT_EQ(Headline(notice), "change was stopped: it was refused too often");
  EXPECT_THAT(Details(notice), Contains(Pair("trip", "5 in 1m, revoke")));
}

TEST(Templates, AReviewAndAScheduleSayWhoAndWhen) {
  const Notice signed_for =
      MakeNotice(7, json::Object{{"type", "task.reviewed"}, {"time", "x"}, {"task", kTask}, {"by", "Employee::\"rita\""}, {"note", "looked\nat"}},
                 Record(), "https://remit.example");
  EXPECT_TRUE(Wants(ChangesAndWaits(), signed_for.type));
  EXPECT_EQ(Headline(signed_for), "change was signed for");
  EXPECT_THAT(Details(signed_for), Contains(Pair("by", "Employee::\"rita\"")));
  EXPECT_THAT(Details(signed_for), Contains(Pair("note", Not(HasSubstr("\n")))));
  const Notice scheduled =
      MakeNotice(7, json::Object{{"type", "task.scheduled"}, {"time", "x"}, {"task", kTask}, {"at", "2026-11-28T02:00:00.000000Z"}}, Record(),
                 "https://remit.example");
  EXPECT_TRUE(Wants(ChangesAndWaits(), scheduled.type));
  EXPECT_EQ(Headline(scheduled), "change is approved and waits for its time");
  EXPECT_THAT(Details(scheduled), Contains(Pair("not before", "2026-11-28T02:00:00.000000Z")));
}

TEST(Templates, NothingInThemApproves) {
  for (const Template form : {Template::kSlack, Template::kTeams}) {
    const std::string body = Render(form, Asked());
    for (const char* button : {"\"button\"", "\"actions\":[{\"type\":\"button\"", "Action.Submit", "Action.Execute", "Action.Http", "HttpPOST",
                               "callback_id", "action_id"})
      EXPECT_THAT(body, Not(HasSubstr(button)));
  }
  const json::Value card = *json::Parse(Render(Template::kTeams, Asked()));
  const json::Value& content = *card.Find("attachments")->AsArray().front().Find("content");
  ASSERT_EQ(content.Find("actions")->AsArray().size(), 1u);
  EXPECT_EQ(*content.Find("actions")->AsArray().front().FindString("type"), "Action.OpenUrl");
}

// A reason is written by whoever asks: it must not be able to speak for Remit.
TEST(Templates, WhatOthersWroteStaysText) {
  const std::string evil = "ok\r\nBcc: all@example\n\n<https://evil.example|Approve here> <!channel> [click](https://evil.example) \xe2\x80\xae";
  const std::string slack = Render(Template::kSlack, Asked(evil));
  const json::Value message = *json::Parse(slack);
  for (const json::Value& block : message.Find("blocks")->AsArray()) {
    const json::Value& text = *block.Find("text");
    if (*text.FindString("type") == "mrkdwn") {
      EXPECT_THAT(*text.FindString("text"), Not(HasSubstr("evil")));
    } else {
      EXPECT_EQ(*text.FindString("type"), "plain_text");
    }
  }
  EXPECT_THAT(*message.FindString("text"), Not(HasSubstr("evil")));
  EXPECT_FALSE(message.Find("unfurl_links")->AsBool());

  const json::Value card = *json::Parse(Render(Template::kTeams, Asked(evil)));
  for (const json::Value& block : card.Find("attachments")->AsArray().front().Find("content")->Find("body")->AsArray())
    EXPECT_EQ(*block.FindString("type"), "RichTextBlock") << "a TextBlock would read Markdown";

  const json::Value mail = *json::Parse(Render(Template::kMail, Asked(evil)));
  EXPECT_THAT(*mail.FindString("text"), Not(HasSubstr("\nBcc")));
  EXPECT_THAT(*mail.FindString("text"), Not(HasSubstr("\xe2\x80\xae")));
  task::TaskRecord named = Record();
  named.name = "change\r\nBcc: all@example";
  const Notice notice = MakeNotice(7, json::Object{{"type", "task.requested"}, {"time", "x"}, {"task", kTask}}, named, "https://remit.example");
  const json::Value second = *json::Parse(Render(Template::kMail, notice));
  EXPECT_EQ(second.FindString("subject")->find_first_of("\r\n"), std::string::npos);
}

TEST(Templates, ALargeEventIsCutAndStillJson) {
  json::Object event{{"type", "task.requested"}, {"time", "2026-11-27T14:00:00.000000Z"}, {"task", kTask}};
  event.Set("attributes", std::string(limits::kWebhookBodyBytes, 'x'));
  const Notice notice = MakeNotice(7, event, Record(std::string(900, 'y')), "https://remit.example");
  for (const Template form : {Template::kEvents, Template::kMail, Template::kSlack, Template::kTeams}) {
    const std::string body = Render(form, notice);
    EXPECT_LE(body.size(), limits::kWebhookBodyBytes);
    EXPECT_TRUE(json::Parse(body).has_value());
  }
  EXPECT_TRUE(json::Parse(Render(Template::kEvents, notice))->Find("data")->Find("cut")->AsBool());
  EXPECT_EQ(Cut("aé", 2), "a…");
  EXPECT_EQ(Cut("aé", 3), "aé");
}

TEST(Templates, AnEventOfNoTaskHasNoLink) {
  const Notice notice =
      MakeNotice(1, json::Object{{"type", "catalog.loaded"}, {"time", "x"}, {"catalog", "ab"}}, std::nullopt, "https://remit.example");
  EXPECT_EQ(notice.link, "");
  EXPECT_EQ(Headline(notice), "catalog.loaded");
  EXPECT_THAT(Render(Template::kSlack, notice), Not(HasSubstr("mrkdwn")));
}

// The example of the specification (standard-webhooks/spec, "Signature scheme"), as its libraries test it.
TEST(Signature, IsThatOfStandardWebhooks) {
  const auto keys = ReadSigningSecrets(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"));
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(Sign(*keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Signature, ASecondKeySignsToo) {
  const std::string one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const auto keys = ReadSigningSecrets(Secret(one + "\n" + other + "\n"));
  ASSERT_TRUE(keys.has_value());
  const std::string both = Sign(*keys, "m", 1, "b");
  EXPECT_EQ(both, Sign(*ReadSigningSecrets(Secret(one)), "m", 1, "b") + " " + Sign(*ReadSigningSecrets(Secret(other)), "m", 1, "b"));
}

TEST(Signature, RefusesWhatIsNoKey) {
  for (const char* text :
       {"", "\n", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjU", "whsec_****", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw x",
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nwhsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nwhsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_EQ(ReadSigningSecrets(Secret(text)).error().reason, "bad-webhook-secret") << text;
}

TEST(EventTypes, AStarStandsForWhatFollowsADot) {
  EXPECT_TRUE(Wants({"task.*"}, "task.started"));
  EXPECT_FALSE(Wants({"task.*"}, "tasks"));
  EXPECT_FALSE(Wants({"task.started"}, "task.started-again"));
  EXPECT_TRUE(Wants({}, "anything"));
  EXPECT_TRUE(Wants(ChangesAndWaits(), "task.requested"));
  EXPECT_FALSE(Wants(ChangesAndWaits(), "task.spent"));
  EXPECT_TRUE(CheckEventTypes(ChangesAndWaits()).has_value());
  for (const char* text : {"", "*", ".*", "Task.*", "a b", "task.*.x"}) EXPECT_FALSE(CheckEventTypes({text}).has_value()) << text;
  const Status misspelt = CheckEventTypes({"task.*", "tasks.*"});  // nothing would ever come
  ASSERT_FALSE(misspelt.has_value());
  EXPECT_EQ(misspelt.error().hint, "did you mean `task.*`?");
  for (const char* text : {"nothing.*", "nothing", "task"}) EXPECT_FALSE(CheckEventTypes({text}).has_value()) << text;
  for (const char* text : {"webhook.delivered", "standing.*", "epoch.opened"}) EXPECT_TRUE(CheckEventTypes({text}).has_value()) << text;
}

TEST(WebhookUrl, IsTakenApart) {
  const auto url = ParseWebhookUrl("w", "https://hooks.example:8443/a/b?c=d");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->base, "https://hooks.example:8443");
  EXPECT_EQ(url->path, "/a/b?c=d");
  EXPECT_EQ(ParseWebhookUrl("w", "https://hooks.example")->path, "/");
  EXPECT_EQ(ParseWebhookUrl("w", "https://hooks.example?x")->path, "/?x");
  for (const char* loopback : {"http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/x", "http://[::1]/"})
    EXPECT_TRUE(ParseWebhookUrl("w", loopback).has_value()) << loopback;
}

TEST(WebhookUrl, RefusesWhatWouldLeakOrLead) {
  for (const char* url :
       {"http://hooks.example/", "http://127.0.0.1.evil.example/", "http://127.evil/", "https://user:pw@hooks.example/", "https://hooks.example/#x",
        "ftp://hooks.example/", "https:///x", "https://", "hooks.example", "https://hooks.example/a b", "https://hooks.example/\r\nX: y", ""}) {
    const auto parsed = ParseWebhookUrl("duty", url);
    ASSERT_FALSE(parsed.has_value()) << url;
    EXPECT_EQ(parsed.error().reason, "bad-setting");
    EXPECT_THAT(parsed.error().message, HasSubstr("`duty`"));
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("pw")));
  }
}

}  // namespace
}  // namespace remit::notify
