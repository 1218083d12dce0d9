// See problem.h.
#include "http/problem.h"

#include <fmt/format.h>

#include "json/read.h"

namespace remit::http {

Code CodeOfStatus(int status) {
  switch (status) {
    case 401: return Code::kUnauthenticated;
    case 403:
    case 421: return Code::kPermissionDenied;
    case 404:
    case 405: return Code::kNotFound;
    case 409: return Code::kConflict;
    case 412: return Code::kFailedPrecondition;
    case 429:
    case 507: return Code::kResourceExhausted;
    case 501: return Code::kUnsupported;
    case 502:  // a proxy says that the server behind it does not answer
    case 503: return Code::kUnavailable;
    case 408:
    case 504: return Code::kDeadlineExceeded;
    default: return status >= 400 && status < 500 ? Code::kInvalidArgument : Code::kInternal;
  }
}

Error ErrorOf(const ClientResponse& response) {
  Error error(CodeOfStatus(response.status), "http", fmt::format("the server answered {}", response.status));
  const Result<json::Value> body = json::Parse(response.body);
  if (!body) return error;
  auto take = [&](std::string_view member, std::string& into) {
    if (const std::string* text = body->FindString(member)) into = *text;
  };
  constexpr std::string_view kType = "urn:remit:error:";
  if (const std::string* type = body->FindString("type"); type != nullptr && type->starts_with(kType)) error.reason = type->substr(kType.size());
  take("error", error.reason);
  take("error_description", error.message);
  if (const auto at = error.message.rfind(kHintInDescription); at != std::string::npos) {
    error.hint = error.message.substr(at + kHintInDescription.size());
    error.message.resize(at);
  }
  take("detail", error.message);
  take("place", error.place);
  take("hint", error.hint);
  return error;
}

Result<json::Value> JsonOf(const ClientResponse& response) {
  if (!response.ok()) return std::unexpected(ErrorOf(response));
  if (response.body.empty()) return json::Value();
  return json::Parse(response.body);
}

}  // namespace remit::http
