// What the OAuth endpoints share: the form that they are sent, and the errors of RFC 6749 §5.2. Pure but for the client's authentication.
//
// RFC 6749 §3.2: "The authorization server MUST ignore unrecognized request parameters", and a parameter "MUST NOT be included more than
// once", which is refused whether it is known or not. What the endpoint knows and the grant does not take is no unrecognized parameter: the
// grants refuse it (token.h), since somebody who asks for `audience=x` and is not heard believes that the token is for x alone.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/services.h"
#include "http/message.h"
#include "http/target.h"
#include "identity/caller.h"

namespace remit::api {

struct OauthError {
  std::string code;         // "invalid_request", "invalid_client", …
  std::string description;  // any text; what §5.2 does not allow in it is replaced
  int status = 400;
  std::string challenge;  // scheme of WWW-Authenticate; 401 only
  std::string hint{};     // what to do next: behind the description, since §5.2 has no field for it; may be empty
};

template <class T>
using OauthResult = std::expected<T, OauthError>;

std::unexpected<OauthError> OauthFail(std::string_view code, std::string description, std::string hint = {});

// The body of §5.2, never cached. A hint stands at the end of `error_description`, behind http::kHintInDescription, where http::ErrorOf finds it
// again.
http::Response ToResponse(const OauthError& error);

// An error of the broker's or the store's that is not the client's doing: 503 or 500. `otherwise` is the code for all that is.
OauthError FromError(const Error& error, std::string_view otherwise);

class OauthForm {
 public:
  // Content type, body and absence of a query are checked. A parameter without a value counts as not sent (§3.2), one that is sent twice
  // is an error. What nobody asks for with Get is ignored.
  static OauthResult<OauthForm> Read(const http::Request& request);

  // "" where it was not sent.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  OauthResult<std::string> Required(std::string_view name) const;

 private:
  std::vector<http::Parameter> parameters_;
};

// Authenticates the client by its assertion in the form (RFC 7523 §2.2), and calls `next` with the actor, or answers `invalid_client`.
// With `also_callers`, requests without an assertion may come from whom the Authorization header or the unix socket says.
enum class ClientRule { kAssertionOnly, kAnyCaller };
void WithClient(Services& services, const http::Request& request, const OauthForm& form, ClientRule rule, http::Respond respond,
                std::function<void(identity::Caller)> next);

}  // namespace remit::api
