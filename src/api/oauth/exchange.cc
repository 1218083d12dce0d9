// Token exchange (RFC 8693): a task's token for the token of a part of it. Whoever exchanges delegates, and nothing else: the sub-task is of a
// type that is named in `authorization_details`, its parent is asked for `delegate`, and it is cut by every task above it.
//
// A token that is sent as `subject_token` says of which task, and proves nothing more: REMIT_TOKEN allows use, not life. That the client may
// delegate is its authentication's to say: it must be the task's actor. Else whoever gets hold of a token (it is in the environment of what
// the task runs) could have a holder key and credentials of its own for it. docs/decisions/0015 says more.
#include <fmt/format.h>

#include "api/oauth/token.h"
#include "api/rest.h"

namespace remit::api {
namespace {

// RFC 8693 §2.2.2: "If the request itself is not valid or if either the "subject_token" or "actor_token" are invalid for any reason, or are
// unacceptable based on policy, [...] The value of the "error" parameter MUST be the "invalid_request" error code."
OauthError BadSubject() {
  // The same words for unknown, over, suspended and another's: nobody learns here what a token that he found is worth.
  return {"invalid_request", "`subject_token` is not the REMIT_TOKEN of an active task whose actor is this client", 400, ""};
}

OauthResult<Secret> RequiredToken(const OauthForm& form, std::string_view name) {
  const std::string type_name = fmt::format("{}_type", name);
  auto token = form.Required(name);
  if (!token.has_value()) return std::unexpected(std::move(token).error());
  auto type = form.Required(type_name);
  if (!type.has_value()) return std::unexpected(std::move(type).error());
  if (*type != kAccessTokenType) return OauthFail("invalid_request", fmt::format("`{}` here is {}", type_name, kAccessTokenType));
  return Secret(*std::move(token));
}

// The broker asks this again, and would let whoever may see the task know that it is there.
bool IsActorOf(Services& services, const Caller& client, const std::string& task) {
  const auto shown = services.broker.ShowTask(client, task);
  const std::string* actor = shown.has_value() ? shown->FindString("actor") : nullptr;
  return actor != nullptr && *actor == client.uid.ToString();
}

// Errors of starting a sub-task, as the RFC has them: what is wrong with the details is theirs, and what the task above may not is
// "unacceptable based on policy".
OauthError ExchangeError(const Error& error) {
  for (std::string_view of_subject : {"unknown-task", "wrong-state", "parent-not-active"})
    if (error.reason == of_subject) return BadSubject();
  bool policy = error.code == Code::kPermissionDenied;
  for (std::string_view full : {"too-deep", "too-many-sub-tasks", "budget-used-up"}) policy = policy || error.reason == full;
  if (policy) return {"invalid_request", fmt::format("{} ({})", error.message, error.reason), 400, "", error.hint};
  return FromError(error, "invalid_authorization_details");
}

}  // namespace

OauthResult<ExchangeAsk> ReadExchange(const OauthForm& form, bool for_a_resource) {
  ExchangeAsk ask;
  auto subject = RequiredToken(form, "subject_token");
  if (!subject.has_value()) return std::unexpected(std::move(subject).error());
  ask.subject_token = *std::move(subject);
  // §2.1: actor_token_type is "REQUIRED when the "actor_token" parameter is present in the request but MUST NOT be included otherwise".
  if (form.Has("actor_token") || form.Has("actor_token_type")) {
    auto actor = RequiredToken(form, "actor_token");
    if (!actor.has_value()) return std::unexpected(std::move(actor).error());
    ask.actor_token = *std::move(actor);
  }
  const std::string_view requested = form.Get("requested_token_type");
  if (!requested.empty() && requested != kAccessTokenType && requested != kJwtType)
    return OauthFail("invalid_request", fmt::format("`requested_token_type` is {} or {}", kAccessTokenType, kJwtType));
  if (requested == kJwtType && !for_a_resource)
    return OauthFail("invalid_target", "a JWT is for one resource server: name it in `resource` or `audience`");
  ask.issued_type = requested == kJwtType ? kJwtType : kAccessTokenType;
  return ask;
}

void Exchange(Services& services, const Caller& actor, TokenAsk ask, http::Respond respond) {
  const ExchangeAsk& exchange = *ask.exchange;
  const Caller subject = services.broker.FindHandle(exchange.subject_token.Reveal());
  if (!subject.Is(Kind::kTask) || !IsActorOf(services, actor, subject.task)) return respond(ToResponse(BadSubject()));
  if (!exchange.actor_token.empty()) {
    // The acting party is the client, and has proved it already; a token can only confirm that. Whoever holds another's is not the other.
    const auto session = services.sessions.FindActorSession(exchange.actor_token.Reveal(), services.clock.Now());
    if (!session.has_value() || session->owner != actor.uid)
      return respond(ToResponse(OauthFail("invalid_request", "`actor_token` is not a session (rma_...) of this client").error()));
    if (!exchange.actor.type.empty() && exchange.actor != actor.uid)
      return respond(ToResponse(OauthFail("invalid_request", "`actor_token` and the details' `actor` name two acting parties").error()));
  }
  broker::DelegateRequest request{*ask.start, exchange.actor};
  services.broker.Delegate(actor, subject.task, std::move(request),
                           [&services, ask = std::move(ask), respond](Result<broker::StartAnswer> started) mutable {
                             if (!started.has_value()) return respond(ToResponse(ExchangeError(started.error())));
                             GiveTaskToken(services, std::move(ask), std::move(started).value(), respond);
                           });
}

}  // namespace remit::api
