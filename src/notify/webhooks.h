// All configured receivers, and how one is reached: POST to its one URL, signed, without redirects and without proxies.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "json/value.h"
#include "notify/deliverer.h"

namespace remit::notify {

// An URL, taken apart. "https://host:port" and "/path?query".
struct WebhookUrl {
  std::string base, path;
};

// Refuses what is no http(s) URL, what has a user, a fragment or odd characters, and http to anything but loopback. Errors: `bad-setting`, naming the
// webhook and never the URL's path.
Result<WebhookUrl> ParseWebhookUrl(std::string_view webhook, std::string_view url);

class Webhooks {
 public:
  // `parts.post` is not used. Reads files that name URLs, and checks that each secret can be read; they are read again for each attempt, so that a
  // key can be changed while the server runs. Errors: `bad-setting`, `bad-template`, `bad-webhook-secret`, those of files and of the store.
  static Result<std::unique_ptr<Webhooks>> Open(const DelivererParts& parts, const std::vector<config::Webhook>& settings);
  ~Webhooks() { Stop(); }

  void Start();
  void Stop();  // gives up the attempts that run, too. Before the workers stop

  // [{name, template, host, next, behind, attempts, failing_since?, last_error?}]; no path, no query, no secret.
  json::Value ToJson() const;
  bool Tells(std::string_view type) const;  // whether one of them is for events of this type

 private:
  struct One {
    config::Webhook settings;
    WebhookUrl url;
    std::shared_ptr<Deliverer> deliverer;
  };
  Webhooks() = default;

  std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
  std::vector<One> all_;
};

}  // namespace remit::notify
