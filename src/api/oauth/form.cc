// See form.h.
#include "api/oauth/form.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/rest.h"
#include "base/limits.h"
#include "http/problem.h"
#include "identity/client_assertions.h"
#include "json/write.h"

namespace remit::api {
namespace {

// §5.2: error_description is of %x20-21 / %x23-5B / %x5D-7E.
std::string Printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i).starts_with("…")) {
      out += "...";
      i += std::string_view("…").size() - 1;
    } else {
      out += c == '"' ? '\'' : c == '\\' ? '/' : (c < ' ' || c > '~') ? '?' : c;
    }
  }
  return out;
}

OauthError InvalidClient(std::string description, std::string hint, std::string challenge = "Bearer") {
  return {"invalid_client", std::move(description), 401, std::move(challenge), std::move(hint)};
}

// What to do about an assertion that was refused, where the refusal does not say it itself.
std::string AssertionHint(const Error& error, const std::string& issuer) {
  if (!error.hint.empty()) return error.hint;
  for (std::string_view of_time : {"token-expired", "token-not-yet-valid", "issued-in-future", "token-lives-too-long"})
    if (error.reason == of_time)
      return fmt::format("is the signer's clock right? sign a new one when it is needed, good for {} at most",
                         FormatDuration(limits::kAssertionLife));
  return fmt::format("`iss` and `sub` are the client id, `aud` is {}, and each has a `jti` of its own (RFC 7523)", issuer);
}

bool IsForm(const http::Request& request) {
  const auto type = request.Find("content-type");
  if (!type.has_value() || request.HeaderCount("content-type") != 1) return false;
  const std::string_view media = type->substr(0, type->find(';'));
  return http::EqualsIgnoringCase(media.substr(0, media.find_last_not_of(" \t") + 1), "application/x-www-form-urlencoded");
}

}  // namespace

std::unexpected<OauthError> OauthFail(std::string_view code, std::string description, std::string hint) {
  return std::unexpected(OauthError{std::string(code), std::move(description), 400, "", std::move(hint)});
}

http::Response ToResponse(const OauthError& error) {
  const std::string said = error.hint.empty() ? error.description : error.description + std::string(http::kHintInDescription) + error.hint;
  http::Response response = http::Json(error.status, json::Object{{"error", error.code}, {"error_description", Printable(said)}});
  response.headers = {{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}};
  if (error.status == 401) response.headers.push_back({"WWW-Authenticate", error.challenge + " realm=\"remit\""});
  return response;
}

OauthError FromError(const Error& error, std::string_view otherwise) {
  switch (error.code) {
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kResourceExhausted: return {"temporarily_unavailable", fmt::format("{} ({})", error.message, error.reason), 503, "", error.hint};
    case Code::kCorrupt:
    case Code::kInternal: return {"server_error", "something went wrong on this server; its log says what", 500, ""};
    default: return {std::string(otherwise), fmt::format("{} ({})", error.message, error.reason), 400, "", error.hint};
  }
}

OauthResult<OauthForm> OauthForm::Read(const http::Request& request) {
  if (!request.query.empty()) return OauthFail("invalid_request", "parameters belong into the body");
  if (!IsForm(request))
    return OauthFail("invalid_request", "the body must be application/x-www-form-urlencoded",
                     "send the parameters as a form; JSON stands in `authorization_details` alone");
  auto parameters = http::ParseForm(request.body);
  if (!parameters.has_value()) return OauthFail("invalid_request", parameters.error().message);
  OauthForm form;
  for (http::Parameter& parameter : *parameters)
    if (!parameter.value.empty()) form.parameters_.push_back(std::move(parameter));
  return form;
}

std::string_view OauthForm::Get(std::string_view name) const {
  const auto it = std::ranges::find(parameters_, name, &http::Parameter::name);
  return it == parameters_.end() ? std::string_view() : std::string_view(it->value);
}

OauthResult<std::string> OauthForm::Required(std::string_view name) const {
  const std::string_view value = Get(name);
  if (value.empty()) return OauthFail("invalid_request", fmt::format("parameter `{}` is missing", name));
  return std::string(value);
}

void WithClient(Services& services, const http::Request& request, const OauthForm& form, ClientRule rule, http::Respond respond,
                std::function<void(identity::Caller)> next) {
  const auto authorization = request.Find("authorization");
  const bool asserts = form.Has("client_assertion") || form.Has("client_assertion_type");
  // RFC 6749 §2.3: one way of authentication in a request. A password is one too, though none that opens anything here.
  const bool password = form.Has("client_secret");
  if (asserts + authorization.has_value() + password > 1) {
    return respond(ToResponse(OauthFail("invalid_request", "a client authenticates in one way, not in two").error()));
  }
  if (!asserts && !password && rule == ClientRule::kAnyCaller) {
    auto caller = SomebodyOf(services, request);
    if (!caller.has_value()) return respond(ToResponse(InvalidClient(caller.error().message, caller.error().hint)));
    return next(std::move(caller).value());
  }
  if (!asserts) {
    const bool basic = authorization.has_value() && http::EqualsIgnoringCase(authorization->substr(0, 6), "Basic ");
    return respond(ToResponse(
        InvalidClient("clients authenticate with a signed assertion (private_key_jwt)",
                      "make a key with `remit actor key FILE`, register its public half with `remit actor put`, and send `client_assertion`",
                      basic ? "Basic" : "Bearer")));
  }
  if (form.Get("client_assertion_type") != identity::kClientAssertionType || !form.Has("client_assertion")) {
    return respond(ToResponse(InvalidClient(fmt::format("`client_assertion` comes with the type {}", identity::kClientAssertionType),
                                            "send it as `client_assertion_type`, beside `client_assertion`")));
  }
  services.assertions.Redeem(
      form.Get("client_assertion"), form.Get("client_id"),
      [respond, issuer = services.issuer, next = std::move(next)](Result<identity::RegisteredActor> actor) {
        if (!actor.has_value()) {
          if (actor.error().code == Code::kUnauthenticated)
            return respond(
                ToResponse(InvalidClient(fmt::format("{} ({})", actor.error().message, actor.error().reason), AssertionHint(actor.error(), issuer))));
          return respond(ToResponse(FromError(actor.error(), "invalid_client")));
        }
        next({.kind = identity::Caller::Kind::kActor, .uid = std::move(actor->uid), .task = {}, .signed_in = {}, .session = {}});
      });
}

}  // namespace remit::api
