// Work for an OAuth authorization server of others, the yardstick: tokens that are issued, asked about and revoked, at the paths that
// oidc-provider serves. The client authenticates in the form (client_secret_post), so that each request is a fixed text and a token.
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "work.h"

namespace remit::bench {
namespace {

class OauthWork final : public Work {
 public:
  explicit OauthWork(const Options& options) : options_(options), life_(options.work == "oauth-life") {}

  std::size_t Steps() const override { return life_ ? 4 : 1; }

  bool Prepares() const override { return !life_; }

  // A life: issued, active, revoked, not active any more. Introspection: issued once, then active again and again.
  Request Ask(std::size_t step) override {
    issuing_ = life_ ? step == 0 : token_.empty();
    if (issuing_) {
      body_ = fmt::format("{}&grant_type=client_credentials&scope=read", options_.form);
      return Post("/token");
    }
    body_ = fmt::format("{}&token={}", options_.form, token_);
    return Post(life_ && step == 2 ? "/token/revocation" : "/token/introspection");
  }

  void Check(std::size_t step, const Response& response) override {
    auto unexpected = [&] { Die(fmt::format("step {} of `{}`: {} {}", step, options_.work, response.status, response.body)); };
    if (response.status != 200) unexpected();
    if (issuing_) {
      token_ = Member(response.body, "access_token");
      return;
    }
    if (life_ && step == 2) return;
    std::string_view expected = life_ && step == 3 ? "\"active\":false" : "\"active\":true";
    if (response.body.find(expected) == std::string_view::npos) unexpected();
  }

 private:
  Request Post(std::string_view path) const { return {"POST", path, {}, "application/x-www-form-urlencoded", body_}; }

  const Options& options_;
  const bool life_;
  bool issuing_ = false;
  std::string token_, body_;
};

}  // namespace

std::unique_ptr<Work> MakeOauthWork(const Options& options) {
  if (options.work != "oauth-life" && options.work != "oauth-introspect") return nullptr;
  return std::make_unique<OauthWork>(options);
}

}  // namespace remit::bench
