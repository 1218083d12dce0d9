#include "http/message.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "json/value.h"
#include "json/write.h"

namespace remit::http {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

template <class Pairs>
std::optional<std::string_view> FindExact(const Pairs& pairs, std::string_view name) {
  for (const auto& pair : pairs) {
    if (pair.name == name) return pair.value;
  }
  return std::nullopt;
}

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || Lower(x) == Lower(y); });
}

void CloseSignal::Add(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (dropped_) return;
    if (!fired_) return callbacks_.push_back(std::move(callback));
  }
  callback();
}

void CloseSignal::Fire() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    if (dropped_) return;
    fired_ = true;
    callbacks.swap(callbacks_);
  }
  for (const auto& callback : callbacks) callback();
}

void CloseSignal::Drop() {
  std::vector<std::function<void()>> callbacks;  // destroyed outside the lock: what they hold may come back here
  const std::lock_guard lock(mutex_);
  dropped_ = true;
  callbacks.swap(callbacks_);
}

bool CloseSignal::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

std::shared_ptr<const Peer> Request::Nobody() {
  static const auto nobody = std::make_shared<const Peer>();
  return nobody;
}

std::optional<std::string_view> Request::Find(std::string_view name) const {
  for (const Header& header : headers) {
    if (EqualsIgnoringCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::size_t Request::HeaderCount(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(headers, [&](const Header& header) { return EqualsIgnoringCase(header.name, name); }));
}

std::optional<std::string_view> Request::Query(std::string_view name) const { return FindExact(query, name); }

std::string_view Request::Param(std::string_view name) const {
  const auto value = FindExact(params, name);
  REMIT_CHECK(value.has_value());
  return *value;
}

Result<std::string_view> Request::BearerToken() const {
  const auto header = Find("authorization");
  if (!header) return Fail(Code::kUnauthenticated, "no-credentials", "no Authorization header", "send `Authorization: Bearer …`");
  constexpr std::string_view kScheme = "Bearer ";
  const bool bearer = header->size() > kScheme.size() && EqualsIgnoringCase(header->substr(0, kScheme.size()), kScheme);
  const std::string_view token = bearer ? header->substr(kScheme.size()) : std::string_view();
  const bool one = std::ranges::none_of(token, [](char c) { return c == ' ' || c == '\t' || c == ','; });
  if (HeaderCount("authorization") != 1 || token.empty() || !one) {
    return Fail(Code::kUnauthenticated, "bad-credentials", "the Authorization header is not one bearer token");
  }
  return token;
}

Status Request::OnlyQuery(std::initializer_list<std::string_view> names) const {
  for (const Parameter& parameter : query) {
    if (std::ranges::find(names, parameter.name) != names.end()) continue;
    const std::string near = Nearest(parameter.name, std::vector<std::string>(names.begin(), names.end()));
    return Fail(Code::kInvalidArgument, "unknown-parameter", fmt::format("unknown query parameter `{}`", EscapeControl(parameter.name)),
                near.empty() ? "" : fmt::format("did you mean `{}`?", near));
  }
  return {};
}

Response Json(int status, const json::Value& value) {
  constexpr std::size_t kUsualBytes = 512;
  std::string text;
  text.reserve(kUsualBytes);
  json::WriteTo(value, text);
  return JsonText(status, std::move(text));
}

Response JsonText(int status, std::string json) { return {.status = status, .content_type = "application/json", .body = std::move(json)}; }
Response Text(int status, std::string text) { return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)}; }
Response Empty(int status) { return {.status = status}; }

Response Stream(std::string content_type, std::function<void(std::shared_ptr<StreamWriter>)> start) {
  return {.content_type = std::move(content_type), .stream = std::move(start)};
}

Response Problem(const Error& error) { return Problem(StatusOf(error.code), error); }

Response Problem(int status, const Error& error) {
  const bool ours = error.code == Code::kInternal || error.code == Code::kCorrupt;
  if (ours) log::Fault("{}: {}", error.reason, error.ToString());
  json::Object problem{{"type", "urn:remit:error:" + error.reason}, {"title", StatusText(status)}, {"status", status}};
  problem.Set("detail", ours ? "something went wrong on this server; its log says what" : error.message);
  if (!ours && !error.place.empty()) problem.Set("place", error.place);
  if (!ours && !error.hint.empty()) problem.Set("hint", error.hint);
  Response response = JsonText(status, json::Write(problem));
  response.content_type = "application/problem+json";
  if (status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

int StatusOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return 400;
    case Code::kUnauthenticated: return 401;
    case Code::kPermissionDenied: return 403;
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists: return 409;
    case Code::kFailedPrecondition: return 409;
    case Code::kConflict: return 409;
    case Code::kResourceExhausted: return 429;
    case Code::kUnavailable: return 503;
    case Code::kDeadlineExceeded: return 504;
    case Code::kUnsupported: return 501;
    case Code::kCorrupt: return 500;
    case Code::kInternal: return 500;
  }
  return 500;
}

std::string_view StatusText(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

}  // namespace remit::http
