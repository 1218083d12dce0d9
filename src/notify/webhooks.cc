#include "notify/webhooks.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "http/client.h"
#include "http/url.h"
#include "io/files.h"
#include "notify/event_types.h"
#include "notify/signature.h"

namespace remit::notify {
namespace {

constexpr std::size_t kSecretFileBytes = 4096, kUrlFileBytes = 4096;

Result<std::string> UrlOf(const config::Webhook& webhook) {
  if (webhook.url_file.empty()) return webhook.url;
  REMIT_ASSIGN(const Secret file, io::ReadSecretFile(webhook.url_file, kUrlFileBytes));
  return std::string(Trim(file.Reveal()));
}

Result<std::vector<Secret>> KeysOf(const config::Webhook& webhook) {
  Result<Secret> file = io::ReadSecretFile(webhook.secret_file, kSecretFileBytes);
  if (!file && file.error().hint.empty())
    return std::unexpected(std::move(file.error()).Hint("a new one: (umask 077; echo \"whsec_$(openssl rand -base64 32)\" > FILE)"));
  if (!file) return std::unexpected(std::move(file.error()));
  auto keys = ReadSigningSecrets(*file);
  if (!keys) return std::unexpected(std::move(keys.error()).At(webhook.secret_file));
  return keys;
}

// One attempt.
Status Post(http::Client& client, const config::Webhook& webhook, const WebhookUrl& url, const Message& message, const Clock& clock) {
  REMIT_ASSIGN(const std::vector<Secret> keys, KeysOf(webhook));
  const std::int64_t seconds = Micros(clock.Wall()) / 1'000'000;
  http::ClientRequest request{.method = "POST", .path = url.path, .content_type = "application/json", .body = message.body};
  request.headers = {{"webhook-id", message.id},
                     {"webhook-timestamp", std::to_string(seconds)},
                     {"webhook-signature", Sign(keys, message.id, seconds, message.body)},
                     {"User-Agent", "remit-webhook/1"}};
  REMIT_ASSIGN(const http::ClientResponse answer, client.Call(request));
  if (answer.ok()) return {};
  return Fail(Code::kUnavailable, "webhook-refused", fmt::format("the receiver answered {}", answer.status));
}

}  // namespace

Result<WebhookUrl> ParseWebhookUrl(std::string_view webhook, std::string_view url) {
  const auto refuse = [&](std::string_view why) {
    return Fail(Code::kInvalidArgument, "bad-setting", fmt::format("the URL of webhook `{}` {}", webhook, why), "write https://HOST/PATH");
  };
  const bool https = url.starts_with("https://"), clear = url.starts_with("http://");
  const std::size_t from = https ? 8 : 7;
  if (!https && !clear) return refuse("is not one of http(s)");
  if (!http::IsPlainUrl(url)) return refuse("has a user, a fragment, or characters that are not of a URL");
  const std::size_t end = std::min(url.find_first_of("/?", from), url.size());
  std::string_view authority = url.substr(from, end - from);
  const std::size_t colon = authority.rfind(':');
  const std::string_view host =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos ? authority.substr(0, colon) : authority;
  if (host.empty()) return refuse("names no host");
  if (clear && !http::IsLoopbackHost(host)) return refuse("is http: what people are told would cross the network in the clear");
  std::string path(url.substr(end));
  if (!path.starts_with('/')) path.insert(0, "/");
  return WebhookUrl{std::string(url.substr(0, end)), std::move(path)};
}

Result<std::unique_ptr<Webhooks>> Webhooks::Open(const DelivererParts& parts, const std::vector<config::Webhook>& settings) {
  std::unique_ptr<Webhooks> webhooks(new Webhooks);
  for (const config::Webhook& webhook : settings) {
    const auto in_place = [&](Error error) { return std::unexpected(error.place.empty() ? std::move(error).At(webhook.place) : std::move(error)); };
    DelivererOptions options{webhook.name, {}, webhook.events};
    auto form = ParseTemplate(webhook.form);
    if (!form) return in_place(std::move(form.error()));
    options.form = *form;
    if (Status types = CheckEventTypes(webhook.events); !types) return in_place(std::move(types.error()));
    auto text = UrlOf(webhook);
    if (!text) return in_place(std::move(text.error()));
    auto url = ParseWebhookUrl(webhook.name, *text);
    if (!url) return in_place(std::move(url.error()));
    if (auto keys = KeysOf(webhook); !keys) return in_place(std::move(keys.error()));

    http::ClientOptions reach{.base_url = url->base, .ca_file = webhook.ca_file, .timeout = limits::kWebhookTimeout};
    reach.max_body_bytes = limits::kWebhookAnswerBytes;
    reach.given_up = webhooks->given_up_;
    DelivererParts own = parts;
    own.post = [client = std::make_shared<http::Client>(std::move(reach)), webhook, url = *url, &clock = parts.clock](const Message& message) {
      return Post(*client, webhook, url, message, clock);
    };
    REMIT_ASSIGN(std::shared_ptr<Deliverer> deliverer, Deliverer::Open(std::move(own), std::move(options)));
    webhooks->all_.push_back({webhook, *url, std::move(deliverer)});
  }
  return webhooks;
}

void Webhooks::Start() {
  for (const One& one : all_) one.deliverer->Start();
}

void Webhooks::Stop() {
  *given_up_ = true;
  for (const One& one : all_) one.deliverer->Stop();
}

bool Webhooks::Tells(std::string_view type) const {
  return std::ranges::any_of(all_,
                             [&](const One& one) { return Wants(one.settings.events.empty() ? ChangesAndWaits() : one.settings.events, type); });
}

json::Value Webhooks::ToJson() const {
  json::Array list;
  for (const One& one : all_) {
    const DelivererStatus status = one.deliverer->status();
    json::Object object{{"name", one.settings.name}, {"template", one.settings.form}, {"host", one.url.base.substr(one.url.base.find("://") + 3)},
                        {"next", status.next},       {"behind", status.behind},       {"attempts", status.attempts}};
    if (status.failing_since) object.Set("failing_since", FormatTime(*status.failing_since));
    if (!status.last_error.empty()) object.Set("last_error", status.last_error);
    list.push_back(std::move(object));
  }
  return json::Object{{"webhooks", std::move(list)}};
}

}  // namespace remit::notify
