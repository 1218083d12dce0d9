// See rest.h.
#include "api/rest.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "base/text.h"
#include "identity/handle.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "task/task.h"

namespace remit::api {

namespace {

// Of a task's token that is refused because the task is suspended. Only who holds that very token gets here: to all others nothing is said.
std::string SuspendedTaskOf(const Services& services, const std::optional<std::string_view>& handle) {
  if (!handle || !identity::IsHandle(*handle, identity::kTaskTokenPrefix)) return "";
  const std::string id = services.broker.TaskOfHandle(*handle);
  if (id.empty()) return "";
  Caller itself;
  itself.kind = Kind::kHolder;
  itself.task = id;
  broker::ListFilter filter;
  filter.state = "suspended";
  const Result<json::Value> suspended = services.broker.ListTasks(itself, filter);  // of one task, from memory
  return suspended && !suspended->Find("tasks")->AsArray().empty() ? id : "";
}

}  // namespace

Result<Caller> CallerOf(const Services& services, const http::Request& request) {
  identity::CallerFacts facts;
  facts.now = services.clock.Now();
  if (request.HeaderCount("authorization") > 0) {
    REMIT_ASSIGN(facts.bearer, request.BearerToken());
  }
  if (request.peer->is_unix) facts.unix_uid = request.peer->uid;
  Result<Caller> caller = services.authenticator.Authenticate(facts);
  if (caller) return caller;
  if (const std::string id = SuspendedTaskOf(services, facts.bearer); !id.empty())
    return Fail(Code::kUnauthenticated, "not-active", fmt::format("the token's task `{}` is suspended: nothing is allowed, and its time runs on", id),
                fmt::format("it is good again after `remit resume {}`", id));
  return caller;
}

Result<Caller> SomebodyOf(const Services& services, const http::Request& request) {
  REMIT_ASSIGN(Caller caller, CallerOf(services, request));
  if (caller.Is(Kind::kNobody)) {
    return Fail(Code::kUnauthenticated, "no-credentials", "nobody knows who is calling",
                "send `Authorization: Bearer …`, or call over the unix socket as a registered user");
  }
  return caller;
}

void AddCall(http::Router& router, Services& services, std::string_view method, std::string_view pattern, CallHandler handler,
             http::RouteOptions options) {
  router.Add(
      method, pattern,
      [&services, handler](const http::Request& request, http::Respond respond) {
        REMIT_API_ASSIGN(const Caller caller, SomebodyOf(services, request));
        handler({services, request, caller}, std::move(respond));
      },
      options);
}

Result<json::Value> BodyOf(const http::Request& request) {
  if (request.body.empty()) return json::Value(json::Object{});
  auto body = json::Parse(request.body);
  if (!body.has_value()) return Fail(std::move(body).error().At("body:" + body.error().place));
  return body;
}

Status OnlyFor(const Caller& caller, std::initializer_list<Kind> kinds, std::string_view who) {
  if (std::ranges::find(kinds, caller.kind) != kinds.end()) return {};
  return Fail(Code::kPermissionDenied, "forbidden", fmt::format("this is for {} only", who));
}

Result<Duration> ReadWait(std::string_view text) {
  REMIT_ASSIGN(const Duration wait, ParseDuration(text));
  if (wait > limits::kLongestWait) {
    return Fail(Code::kInvalidArgument, "wait-too-long", fmt::format("`{}` is longer than one call may wait", text),
                fmt::format("wait at most {} and ask again", FormatDuration(limits::kLongestWait)));
  }
  return wait;
}

Result<std::string> NameHeader(const http::Request& request, std::string_view name) {
  const std::size_t count = request.HeaderCount(name);
  if (count == 0) return std::string();
  const std::string_view value = *request.Find(name);
  const bool visible = std::ranges::all_of(value, [](char c) { return c > ' ' && c <= '~'; });
  if (count > 1 || value.empty() || value.size() > limits::kRequestIdBytes || !visible) {
    return Fail(Code::kInvalidArgument, "bad-header",
                fmt::format("header `{}` must be given once, with 1 to {} visible ASCII characters", name, limits::kRequestIdBytes));
  }
  return std::string(value);
}

bool IsStateName(std::string_view name) {
  for (int i = static_cast<int>(task::State::kRequested); i <= static_cast<int>(task::State::kScheduled); ++i) {
    if (task::StateName(static_cast<task::State>(i)) == name) return true;
  }
  return false;
}

bool IsEndName(std::string_view name) {
  for (int i = static_cast<int>(task::State::kRequested); i <= static_cast<int>(task::State::kScheduled); ++i) {
    const auto state = static_cast<task::State>(i);
    if (task::StateName(state) == name) return task::IsEnd(state);
  }
  return false;
}

Result<std::string> TaskIdOf(const http::Request& request) {
  const std::string id(request.Param("id"));
  if (!IsId(id, kTaskPrefix))
    return Fail(Code::kNotFound, "unknown-task", fmt::format("no task `{}`, or none that you may see", EscapeControl(id)),
                "list tasks with `remit list`");
  return id;
}

Status EmptyBody(const http::Request& request) {
  REMIT_ASSIGN(const json::Value body, BodyOf(request));
  json::ObjectReader r(body, "body");
  return r.Finish();
}

Result<std::uint64_t> ReadIndex(const http::Request& request, std::string_view name) {
  const auto text = request.Query(name);
  if (!text.has_value()) return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  const bool canonical = text->size() == 1 || !text->starts_with('0');
  if (text->empty() || error != std::errc() || end != text->data() + text->size() || !canonical) {
    return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("`{}` is not a number", name));
  }
  return number;
}

Result<std::size_t> ReadCount(const http::Request& request, std::string_view name, std::size_t otherwise, std::size_t most) {
  if (!request.Query(name).has_value()) return otherwise;
  REMIT_ASSIGN(const std::uint64_t number, ReadIndex(request, name));
  if (number < 1 || number > most) return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("`{}` is between 1 and {}", name, most));
  return number;
}

http::Response ToResponse(const Result<json::Value>& result) { return result.has_value() ? http::Json(200, *result) : http::Problem(result.error()); }

broker::Answer<json::Value> AnsweringJson(http::Respond respond, int status) {
  return Answering<json::Value>(std::move(respond), status, [](const json::Value& value) -> const json::Value& { return value; });
}

}  // namespace remit::api
