// The handlers of the OAuth endpoints, each in a file of its own.
#pragma once

#include "api/services.h"
#include "http/message.h"

namespace remit::api {

void Token(Services& services, const http::Request& request, http::Respond respond);        // oauth_token.cc
void Introspect(Services& services, const http::Request& request, http::Respond respond);   // oauth_state.cc, RFC 7662
void RevokeToken(Services& services, const http::Request& request, http::Respond respond);  // oauth_state.cc, RFC 7009
json::Value OauthMetadata(const std::string& issuer);                                       // oauth.cc, RFC 8414

}  // namespace remit::api
