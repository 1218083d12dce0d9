// The handlers of the OAuth endpoints, each in a file of its own.
#pragma once

#include <functional>
#include <string>

#include "api/services.h"
#include "http/message.h"

namespace remit::api {

void Token(Services& services, const http::Request& request, http::Respond respond);        // token.cc
void Introspect(Services& services, const http::Request& request, http::Respond respond);   // state.cc, RFC 7662
void RevokeToken(Services& services, const http::Request& request, http::Respond respond);  // state.cc, RFC 7009

// Ends a task whose token is given up, or was never handed over: a request is withdrawn, an active task completed.
// Errors: the broker's own, of that which it tried; nothing was ended then.
void GiveUpTask(Services& services, const identity::Caller& by, const std::string& task, std::function<void(Status)> done);  // state.cc

json::Value OauthMetadata(const std::string& issuer);  // oauth.cc, RFC 8414

}  // namespace remit::api
