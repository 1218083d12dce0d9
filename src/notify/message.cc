#include "notify/message.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "json/write.h"

namespace remit::notify {
namespace {

constexpr std::size_t kSlackText = 2900;                  // Slack refuses more than 3,000 characters in a block
constexpr std::size_t kNotAskedInEventBytes = 24u << 10;  // of names in an event that is cut to what limits::kWebhookBodyBytes holds

json::Value Events(const Notice& notice, bool whole) {
  json::Object data{{"index", notice.index}};
  if (whole) {
    data.Set("event", notice.event);
  } else {
    json::Object event{{"type", notice.type}, {"time", notice.time}};
    if (const json::Value* not_asked = notice.event.Find("not_asked"); not_asked != nullptr && not_asked->IsArray()) {
      auto [told, more] = FirstNames(not_asked->AsArray(), kNotAskedInEventBytes);
      event.Set("not_asked", std::move(told));
      if (more > 0) event.Set("not_asked_more", more);
    }
    data.Set("event", std::move(event));
    data.Set("cut", true);
  }
  if (notice.task) {
    json::Object task{{"id", notice.task->id},
                      {"type", notice.task->type},
                      {"name", notice.task->name},
                      {"purpose", notice.task->purpose},
                      {"actor", notice.task->actor.ToString()}};
    if (whole) {
      task.Set("parameters", notice.task->parameters);
      if (!notice.task->reason.empty()) task.Set("reason", notice.task->reason);
    }
    data.Set("task", std::move(task));
  }
  if (!notice.approval.empty()) data.Set("approval", notice.approval);
  if (!notice.link.empty()) data.Set("link", notice.link);
  return json::Object{{"type", notice.type}, {"timestamp", notice.time}, {"data", std::move(data)}};
}

// The link's page shows commands, and nothing of what is asked.
std::string Invitation(const Notice& notice) {
  return notice.IsWait() ? "What to type to see what it would do, and to answer" : "What to type to see it";
}

json::Value Mail(const Notice& notice) {
  std::string text = Headline(notice) + "\n\n";
  for (const auto& [name, value] : Details(notice)) text += fmt::format("{:<11} {}\n", name, value);
  if (!notice.link.empty()) text += fmt::format("\n{}:\n{}\n", Invitation(notice), notice.link);
  if (notice.IsWait())
    text += fmt::format("\nWho is signed in (`remit sign-in`) types:\nremit approvals\nremit approve {0}\nor remit deny {0} --why '…'\n",
                        notice.approval);
  return json::Object{{"subject", "remit: " + Headline(notice)}, {"text", std::move(text)}};
}

// Slack's three characters that make links, mentions and the like.
std::string ForSlack(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

json::Object PlainText(std::string text) { return json::Object{{"type", "plain_text"}, {"text", std::move(text)}, {"emoji", false}}; }

// What others wrote stands in plain_text, where nothing is marked up; the link is ours alone.
json::Value Slack(const Notice& notice) {
  json::Array blocks;
  std::vector<std::string> facts;  // of a block each
  for (const auto& [name, value] : Details(notice)) {
    std::string line = Cut(fmt::format("{}: {}", name, value), kSlackText);
    if (facts.empty() || facts.back().size() + 1 + line.size() > kSlackText)
      facts.push_back(std::move(line));
    else
      facts.back() += "\n" + line;
  }
  blocks.push_back(json::Object{{"type", "section"}, {"text", PlainText(Headline(notice))}});
  for (std::string& text : facts) blocks.push_back(json::Object{{"type", "section"}, {"text", PlainText(std::move(text))}});
  if (!notice.link.empty())
    blocks.push_back(json::Object{
        {"type", "section"},
        {"text", json::Object{{"type", "mrkdwn"}, {"text", fmt::format("<{}|{}>", ForSlack(notice.link), Invitation(notice))}, {"verbatim", true}}}});
  return json::Object{{"text", ForSlack(Headline(notice))}, {"unfurl_links", false}, {"unfurl_media", false}, {"blocks", std::move(blocks)}};
}

// Runs of a RichTextBlock are not Markdown, as a TextBlock's text would be.
json::Value TeamsLine(std::string text, bool bold) {
  json::Object run{{"type", "TextRun"}, {"text", std::move(text)}};
  if (bold) run.Set("weight", "Bolder");
  return json::Object{{"type", "RichTextBlock"}, {"inlines", json::Array{std::move(run)}}};
}

json::Value Teams(const Notice& notice) {
  json::Array body{TeamsLine(Headline(notice), true)};
  for (const auto& [name, value] : Details(notice)) body.push_back(TeamsLine(fmt::format("{}: {}", name, value), false));
  json::Object card{
      {"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"}, {"type", "AdaptiveCard"}, {"version", "1.4"}, {"body", std::move(body)}};
  if (!notice.link.empty())
    card.Set("actions", json::Array{json::Object{{"type", "Action.OpenUrl"}, {"title", Invitation(notice)}, {"url", notice.link}}});
  return json::Object{
      {"type", "message"},
      {"attachments", json::Array{json::Object{{"contentType", "application/vnd.microsoft.card.adaptive"}, {"content", std::move(card)}}}}};
}

}  // namespace

Result<Template> ParseTemplate(std::string_view name) {
  if (name == "events") return Template::kEvents;
  if (name == "mail") return Template::kMail;
  if (name == "slack") return Template::kSlack;
  if (name == "teams") return Template::kTeams;
  return Fail(Code::kInvalidArgument, "bad-template", fmt::format("there is no template `{}`", EscapeControl(name)), "events, mail, slack or teams");
}

std::string Render(Template form, const Notice& notice) {
  switch (form) {
    case Template::kEvents: {
      std::string whole = json::Write(Events(notice, true));
      return whole.size() <= limits::kWebhookBodyBytes ? whole : json::Write(Events(notice, false));
    }
    case Template::kMail: return json::Write(Mail(notice));
    case Template::kSlack: return json::Write(Slack(notice));
    case Template::kTeams: return json::Write(Teams(notice));
  }
  return "";
}

}  // namespace remit::notify
