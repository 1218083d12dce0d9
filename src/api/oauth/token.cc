// POST /token: the token endpoint. An actor proves who it is with a signed assertion and gets a session for Remit's own API; or it names a
// task in `authorization_details`, which is started, and gets a token that lives exactly as long as the task. With the token of a task that
// runs, the new one is a part of that (exchange.cc).
#include "api/oauth/token.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "api/oauth/oauth.h"
#include "api/rest.h"
#include "base/limits.h"
#include "base/text.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::api {
namespace {

// RFC 8707 §2: "an absolute URI, as specified by Section 4.3 of [RFC3986] […] MUST NOT include a fragment component".
bool IsResourceUri(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(text[0])) return false;
  for (char c : text.substr(0, colon)) {
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return false;
  }
  for (char c : text) {
    if (c <= ' ' || c > '~' || c == '#') return false;
  }
  return true;
}

std::unexpected<OauthError> BadDetails(const Error& error) {
  return OauthFail("invalid_authorization_details", (error.place.empty() ? "" : error.place + ": ") + error.message, error.hint);
}

// RFC 9396 §5: what is of an unknown type or does not conform to it "MUST" be refused, unknown fields included.
OauthResult<TokenAsk> ReadDetails(std::string_view text, bool exchange) {
  constexpr std::string_view kCode = "invalid_authorization_details";
  auto details = json::Parse(text);
  if (!details.has_value()) return OauthFail(kCode, "authorization_details is not JSON: " + details.error().message);
  if (!details->IsArray() || details->AsArray().size() != 1) return OauthFail(kCode, "authorization_details is an array of exactly one object");
  const json::Value& detail = details->AsArray().front();
  const std::string* type = detail.FindString("type");
  if (type == nullptr || *type != kAuthorizationDetailsType)
    return OauthFail(kCode, fmt::format("the type of authorization details here is `{}`", kAuthorizationDetailsType));
  json::ObjectReader r(detail, "authorization_details[0]");
  r.RequiredString("type");
  TokenAsk ask;
  broker::StartRequest start;
  start.type = r.RequiredString("task_type");
  const json::Object* parameters = r.OptionalObject("parameters");
  start.parameters = parameters == nullptr ? json::Object{} : *parameters;
  start.reason = r.OptionalString("reason").value_or("");
  // Whose a sub-task is. A task of one's own has no other actor, and whoever names one is told so.
  const json::Value* actor = exchange ? r.OptionalValue("actor") : nullptr;
  const auto ttl = r.OptionalString("ttl");
  ask.offline = r.OptionalBool("offline").value_or(false);
  if (Status read = r.Finish(); !read.has_value()) return BadDetails(read.error());
  if (json::Write(start.parameters).size() > limits::kParameterBytes) return OauthFail(kCode, "the parameters are too long");
  if (ttl.has_value()) {
    auto span = ParseDuration(*ttl);
    if (!span.has_value()) return OauthFail(kCode, span.error().message);
    start.ttl = *span;
  }
  ask.start = std::move(start);
  if (!exchange) return ask;
  ask.exchange.emplace();
  if (actor != nullptr) {
    auto uid = ReadUid(*actor, "authorization_details[0].actor");
    if (!uid.has_value()) return BadDetails(uid.error());
    ask.exchange->actor = *std::move(uid);
  }
  return ask;
}

// RFC 8707's resource, or RFC 8693's audience: a logical name, which need not be a URI. A token of Remit's is for one of them, so whoever
// sends both names the same one.
OauthResult<std::string> ReadTarget(const OauthForm& form, bool exchange) {
  const std::string_view resource = form.Get("resource"), audience = exchange ? form.Get("audience") : "";
  if (!resource.empty() && !IsResourceUri(resource)) return OauthFail("invalid_target", "`resource` must be an absolute URI without a fragment");
  if (!resource.empty() && !audience.empty() && resource != audience)
    return OauthFail("invalid_target", "a token is for one resource server: `resource` and `audience` name two");
  return std::string(resource.empty() ? audience : resource);
}

// Known to this endpoint, and no part of a request for a task of one's own: somebody who sends them believes in something that he would not get.
constexpr std::string_view kOfExchangesAlone[] = {"subject_token",    "subject_token_type",   "actor_token",
                                                  "actor_token_type", "requested_token_type", "audience"};

std::int64_t SecondsUntil(Time when, Time now) {
  return std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(when - now).count());
}

http::Response TokenResponse(const json::Object& body) {
  http::Response response = http::Json(200, body);
  response.headers = {{"Cache-Control", "no-store"}, {"Pragma", "no-cache"}};  // RFC 6749 §5.1
  return response;
}

json::Object TaskTokenBody(const broker::StartAnswer& started) {
  json::Object granted{{"type", kAuthorizationDetailsType}, {"task_type", started.task.name}, {"parameters", started.task.parameters}};
  if (!started.task.reason.empty()) granted.Set("reason", started.task.reason);
  json::Object body{{"access_token", started.token.Reveal()},
                    {"token_type", "Bearer"},
                    {"authorization_details", json::Array{std::move(granted)}},
                    {"remit_task", started.task.id},
                    {"remit_holder_key", started.holder.Reveal()},
                    {"remit_state", task::StateName(started.task.state)}};
  if (!started.approval.empty()) body.Set("remit_approval", started.approval);
  return body;
}

// What an exchange says besides (RFC 8693 §2.2.1), and for whom it was.
void AddExchange(const ExchangeAsk& exchange, const task::TaskRecord& task, json::Object& body) {
  body.Set("issued_token_type", exchange.issued_type);
  body.Find("authorization_details")->AsArray().front().AsObject().Set("actor", task.actor.ToString());
}

Caller HolderOf(const broker::StartAnswer& started) {
  return {.kind = Kind::kHolder, .uid = {}, .task = started.task.id, .signed_in = {}, .session = {}};
}

}  // namespace

void GiveTaskToken(Services& services, TokenAsk ask, broker::StartAnswer started, http::Respond respond) {
  const bool active = started.task.state == task::State::kActive;
  json::Object body = TaskTokenBody(started);
  if (ask.exchange.has_value()) AddExchange(*ask.exchange, started.task, body);
  if (ask.resource.empty()) {
    if (active) body.Set("expires_in", SecondsUntil(started.task.deadline, services.clock.Now()));
    return respond(TokenResponse(body));
  }
  const Caller holder = HolderOf(started);
  if (!active) {
    return GiveUpTask(services, holder, started.task.id, [respond](Status) {
      respond(ToResponse(
          OauthFail("invalid_target", "this task needs approval first: ask without `resource`, and for the token once it is active").error()));
    });
  }
  services.broker.IssueToken(holder, {started.task.id, ask.resource, ask.offline},
                             [&services, respond, holder, body = std::move(body), token = started.token](Result<broker::TokenAnswer> issued) mutable {
                               if (!issued.has_value()) {
                                 return GiveUpTask(services, holder, holder.task, [respond, error = std::move(issued).error()](Status) {
                                   respond(ToResponse(FromError(error, "invalid_target")));
                                 });
                               }
                               body.Set("access_token", issued->token.Reveal());
                               body.Set("remit_token", token.Reveal());
                               body.Set("expires_in", SecondsUntil(issued->expires, services.clock.Now()));
                               respond(TokenResponse(body));
                             });
}

namespace {

void GiveToken(Services& services, const Caller& actor, TokenAsk ask, http::Respond respond) {
  if (ask.exchange.has_value()) return Exchange(services, actor, std::move(ask), std::move(respond));
  if (!ask.start.has_value()) {
    return services.sessions.StartActorSession(actor.uid, [respond](Result<identity::Minted> minted) {
      if (!minted.has_value()) return respond(ToResponse(FromError(minted.error(), "invalid_client")));
      respond(TokenResponse(json::Object{{"access_token", minted->handle.Reveal()},
                                         {"token_type", "Bearer"},
                                         {"expires_in", std::chrono::duration_cast<std::chrono::seconds>(limits::kActorSessionLife).count()}}));
    });
  }
  broker::StartRequest start = *ask.start;
  services.broker.Start(actor, std::move(start), [&services, ask = std::move(ask), respond](Result<broker::StartAnswer> started) mutable {
    if (!started.has_value()) return respond(ToResponse(FromError(started.error(), "invalid_authorization_details")));
    GiveTaskToken(services, std::move(ask), std::move(started).value(), respond);
  });
}

}  // namespace

OauthResult<TokenAsk> ReadTokenAsk(const OauthForm& form) {
  auto grant = form.Required("grant_type");
  if (!grant.has_value()) return std::unexpected(std::move(grant).error());
  const bool exchange = *grant == kTokenExchange;
  if (!exchange && *grant != kClientCredentials)
    return OauthFail("unsupported_grant_type", fmt::format("the grants here are {} and {}", kClientCredentials, kTokenExchange),
                     "people sign in with the code of their link: `remit sign-in`");
  if (form.Has("scope")) return OauthFail("invalid_scope", "Remit has no scopes: name a task in authorization_details");
  for (std::string_view name : kOfExchangesAlone)
    if (!exchange && form.Has(name)) return OauthFail("invalid_request", fmt::format("`{}` belongs to the grant {}", name, kTokenExchange));
  TokenAsk ask;
  if (exchange || form.Has("authorization_details")) {
    auto text = form.Required("authorization_details");
    if (!text.has_value()) return std::unexpected(std::move(text).error());
    auto details = ReadDetails(*text, exchange);
    if (!details.has_value()) return details;
    ask = std::move(details).value();
  }
  auto target = ReadTarget(form, exchange);
  if (!target.has_value()) return std::unexpected(std::move(target).error());
  ask.resource = *std::move(target);
  if (ask.resource.empty() && ask.offline) return OauthFail("invalid_target", "an offline token is for one resource server: name it in `resource`");
  if (!ask.resource.empty() && !ask.start.has_value())
    return OauthFail("invalid_target", "tokens for resource servers belong to a task: name it in authorization_details");
  if (exchange) {
    auto tokens = ReadExchange(form, !ask.resource.empty());
    if (!tokens.has_value()) return std::unexpected(std::move(tokens).error());
    tokens->actor = std::move(ask.exchange->actor);
    ask.exchange = *std::move(tokens);
  }
  return ask;
}

void Token(Services& services, const http::Request& request, http::Respond respond) {
  auto form = OauthForm::Read(request);
  if (!form.has_value()) return respond(ToResponse(form.error()));
  auto ask = ReadTokenAsk(*form);
  if (!ask.has_value()) return respond(ToResponse(ask.error()));
  WithClient(services, request, *form, ClientRule::kAssertionOnly, respond,
             [&services, respond, ask = std::move(ask).value()](const Caller& actor) { GiveToken(services, actor, ask, respond); });
}

}  // namespace remit::api
