// Answers as a client reads them: the way back from Problem() and StatusOf() of message.h. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "http/client.h"
#include "json/value.h"

namespace remit::http {

// The kind of failure that a status stands for: StatusOf(CodeOfStatus(StatusOf(code))) == StatusOf(code) for every code. Where several
// kinds share a status it is the commonest (409: kConflict, 500: kInternal); a status that no Remit server sends goes by its class.
Code CodeOfStatus(int status);

// What stands between the description of an OAuth error and its hint, which RFC 6749 has no field for.
inline constexpr std::string_view kHintInDescription = "; hint: ";

// What an answer other than 2xx says: a problem document (RFC 9457) of Remit's, or the error of an OAuth endpoint (RFC 6749 §5.2), with
// reason, message, place and hint as far as they are there. Of anything else: reason `http`, and the status in the message.
Error ErrorOf(const ClientResponse& response);

// The answer's JSON, null where a 2xx has no body. Errors: ErrorOf's, `bad-json`.
Result<json::Value> JsonOf(const ClientResponse& response);

}  // namespace remit::http
