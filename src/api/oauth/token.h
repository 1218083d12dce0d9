// What a token request asks for (RFC 6749 §4.4.2, RFC 8693 §2.1, RFC 9396, RFC 8707), read from its form. Pure, but for what follows from it.
#pragma once

#include <optional>
#include <string>

#include "api/oauth/form.h"
#include "broker/answers.h"

namespace remit::api {

inline constexpr std::string_view kAuthorizationDetailsType = "remit_task";
inline constexpr std::string_view kClientCredentials = "client_credentials";
inline constexpr std::string_view kTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
// RFC 8693 §3.
inline constexpr std::string_view kAccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
inline constexpr std::string_view kJwtType = "urn:ietf:params:oauth:token-type:jwt";

// A task's token that is exchanged for one of a sub-task (RFC 8693 §2.1).
struct ExchangeAsk {
  Secret subject_token;          // REMIT_TOKEN of the task that is to be the parent
  Secret actor_token;            // empty: none was sent
  cedar::EntityUid actor;        // for whom the sub-task runs; an empty type: the client itself
  std::string_view issued_type;  // one of the two above
};

// Without `start`: a session of the actor's, for Remit's own API. With it, a task, and a token that is bound to it.
struct TokenAsk {
  std::optional<broker::StartRequest> start;
  std::string resource;  // RFC 8707: the one resource server that the JWT is for; "": REMIT_TOKEN itself
  bool offline = false;
  std::optional<ExchangeAsk> exchange;  // the task is a part of another
};

// Errors: `invalid_request`, `unsupported_grant_type`, `invalid_scope`, `invalid_target`, `invalid_authorization_details`.
OauthResult<TokenAsk> ReadTokenAsk(const OauthForm& form);

// The parts of a token exchange (exchange.cc). Errors of the first: `invalid_request`, `invalid_target`.
OauthResult<ExchangeAsk> ReadExchange(const OauthForm& form, bool for_a_resource);
// Starts the sub-task and answers as for any task. `actor` has proved who it is.
void Exchange(Services& services, const identity::Caller& actor, TokenAsk ask, http::Respond respond);

// The task is there; now its token (token.cc). Whoever gets an error gets no task either: what was started for them ends.
void GiveTaskToken(Services& services, TokenAsk ask, broker::StartAnswer started, http::Respond respond);

}  // namespace remit::api
