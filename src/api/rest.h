// What the handlers of the REST API share: who is calling, the body, and answers of the broker as responses.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "api/services.h"
#include "http/message.h"
#include "http/router.h"
#include "identity/caller.h"
#include "json/value.h"

namespace remit::api {

using identity::Caller;
using Kind = Caller::Kind;

// A request whose caller is known. The handler's own view of it; valid until the handler returns.
struct Call {
  Services& services;
  const http::Request& request;
  const Caller& caller;
};

using CallHandler = void (*)(const Call&, http::Respond);

// Who is calling. An Authorization header that is there decides alone. Errors: `bad-credentials`.
Result<Caller> CallerOf(const Services& services, const http::Request& request);

// The same for handlers that need somebody. Errors: also `no-credentials`.
Result<Caller> SomebodyOf(const Services& services, const http::Request& request);

// Adds a route for callers of whatever kind but nobody, who get 401.
void AddCall(http::Router& router, Services& services, std::string_view method, std::string_view pattern, CallHandler handler,
             http::RouteOptions options = {});

// The request's body as JSON; an absent one as {}. Errors: `bad-json`, `json-too-large`.
Result<json::Value> BodyOf(const http::Request& request);

// Whether the caller is one of these kinds. Errors: `forbidden`, saying who may.
Status OnlyFor(const Caller& caller, std::initializer_list<Kind> kinds, std::string_view who);
inline Status OnlyOperator(const Caller& caller) {
  return OnlyFor(caller, {Kind::kOperator}, "the operator (the server's own user or root, on its unix socket)");
}

// A span of time in a query parameter or field, between nothing and limits::kLongestWait. Errors: `bad-duration`, `wait-too-long`.
Result<Duration> ReadWait(std::string_view text);

// A header that is the name of something: at most kRequestIdBytes visible ASCII characters; "" where it is not there. Errors: `bad-header`.
Result<std::string> NameHeader(const http::Request& request, std::string_view name);

// Whether it is the name of a state of tasks; of one that a task never leaves.
bool IsStateName(std::string_view name);
bool IsEndName(std::string_view name);

// The task's id in the path. What is no id at all is answered like an id that is unknown. Errors: `unknown-task`.
Result<std::string> TaskIdOf(const http::Request& request);

// For a POST that takes nothing: no body, or {}.
Status EmptyBody(const http::Request& request);

// A number in a query parameter: 1 … `most`, `otherwise` where it is not there. Errors: `bad-parameter`.
Result<std::size_t> ReadCount(const http::Request& request, std::string_view name, std::size_t otherwise, std::size_t most);
// The same from 0 on, without a default: 0 where it is not there.
Result<std::uint64_t> ReadIndex(const http::Request& request, std::string_view name);

// Does what may wait for the disk on a worker. `work` takes Services& and answers with a copy of `respond`.
template <class Work>
void OnWorker(const Call& call, const http::Respond& respond, Work work) {
  Services& services = call.services;
  if (services.workers.Submit([&services, work = std::move(work)]() mutable { work(services); })) return;
  respond(http::Problem(Error(Code::kUnavailable, "stopping", "this server is stopping")));
}

// Answers of the broker, as responses with this status: `write` turns the value into JSON.
template <class T, class WriteJson>
broker::Answer<T> Answering(http::Respond respond, int status, WriteJson write) {
  return [respond = std::move(respond), status, write = std::move(write)](Result<T> result) {
    respond(result.has_value() ? http::Json(status, write(*result)) : http::Problem(result.error()));
  };
}

// Of values that are JSON already.
broker::Answer<json::Value> AnsweringJson(http::Respond respond, int status = 200);
http::Response ToResponse(const Result<json::Value>& result);

}  // namespace remit::api

// Inside a handler with `respond`: answers the error as a problem document and returns, else goes on.
#define REMIT_API_TRY(expr)                                                                                                              \
  do {                                                                                                                                   \
    if (auto remit_api_status = (expr); !remit_api_status.has_value()) return respond(::remit::http::Problem(remit_api_status.error())); \
  } while (false)
#define REMIT_API_ASSIGN(decl, expr) REMIT_API_ASSIGN_INNER(REMIT_CONCAT(remit_api_result_, __LINE__), decl, expr)
#define REMIT_API_ASSIGN_INNER(tmp, decl, expr)                              \
  auto tmp = (expr);                                                         \
  if (!tmp.has_value()) return respond(::remit::http::Problem(tmp.error())); \
  decl = std::move(tmp).value()
