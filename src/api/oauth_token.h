// What a token request asks for (RFC 6749 §4.4.2, RFC 9396, RFC 8707), read from its form. Pure.
#pragma once

#include <optional>
#include <string>

#include "api/oauth_form.h"
#include "broker/answers.h"

namespace remit::api {

inline constexpr std::string_view kAuthorizationDetailsType = "remit_task";

// Without `start`: a session of the actor's, for Remit's own API. With it, a task, and a token that is bound to it.
struct TokenAsk {
  std::optional<broker::StartRequest> start;
  std::string resource;  // RFC 8707: the one resource server that the JWT is for; "": REMIT_TOKEN itself
  bool offline = false;
};

// Errors: `invalid_request`, `unsupported_grant_type`, `invalid_scope`, `invalid_target`, `invalid_authorization_details`.
OauthResult<TokenAsk> ReadTokenAsk(const OauthForm& form);

}  // namespace remit::api
