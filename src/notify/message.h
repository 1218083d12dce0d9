// The templates. Pure.
//
// INVARIANT: a message links to the request, and nothing in it approves: no button, no form, no code. What others wrote (reasons, parameters) cannot
// become a link, a mention or a line of its own.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "notify/notice.h"

namespace remit::notify {

enum class Template {
  kEvents,  // {"type", "timestamp", "data"}, as Standard Webhooks has it: for programs
  kMail,    // {"subject", "text"}: for what sends mail
  kSlack,   // Slack's incoming webhooks, and what takes their form (Mattermost, Rocket.Chat)
  kTeams,   // an adaptive card, as Microsoft Teams' workflows take it
};

// "events", "mail", "slack", "teams". Errors: `bad-template`.
Result<Template> ParseTemplate(std::string_view name);

// The body, JSON; at most limits::kWebhookBodyBytes.
std::string Render(Template form, const Notice& notice);

}  // namespace remit::notify
