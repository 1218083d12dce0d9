// /v1/tasks: starting, seeing and ending tasks.
#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/rest.h"
#include "api/routes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/text.h"

namespace remit::api {
namespace {

using http::Request;
using http::Respond;

void Start(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(broker::StartRequest start, ReadStart(body));
  auto answer = Answering<broker::StartAnswer>(respond, 201, [told = call.services.is_told](const broker::StartAnswer& a) {
    json::Value shown = ToJson(a);
    // Who was not asked finds it in the ledger only: whoever breaks glass should say so.
    if (a.task.break_glass && !told("task.break-glass")) shown.AsObject().Set("nobody_told", true);
    return shown;
  });
  if (start.idempotency_key.empty()) return call.services.broker.Start(call.caller, std::move(start), std::move(answer));
  // Whether the key was used before is a question for the disk.
  OnWorker(call, respond, [caller = call.caller, start = std::move(start), answer = std::move(answer)](Services& services) mutable {
    services.broker.Start(caller, std::move(start), std::move(answer));
  });
}

Result<broker::ListFilter> ReadFilter(const Request& request) {
  REMIT_TRY(request.OnlyQuery({"state", "type", "actor", "limit", "after", "order"}));
  broker::ListFilter filter;
  filter.state = request.Query("state").value_or("");
  filter.type = request.Query("type").value_or("");
  if (const auto actor = request.Query("actor"); actor && !actor->empty()) {
    REMIT_ASSIGN(const cedar::EntityUid uid, ReadUid(json::Value(std::string(*actor)), "actor"));
    filter.actor = uid.ToString();
  }
  filter.after = request.Query("after").value_or("");
  if (!filter.state.empty() && filter.state != "ended" && !IsStateName(filter.state)) {
    return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("`{}` is not the name of a state", EscapeControl(filter.state)),
                "use `requested`, `scheduled`, `active`, `suspended`, `ended`, or the name of an end");
  }
  const std::string_view order = request.Query("order").value_or("oldest");
  if (order != "oldest" && order != "newest") {
    return Fail(Code::kInvalidArgument, "bad-parameter", fmt::format("`{}` is no order of a list", EscapeControl(order)),
                "use `oldest` or `newest`, which comes first then");
  }
  filter.newest_first = order == "newest";
  if (!filter.after.empty() && !IsId(filter.after, kTaskPrefix))
    return Fail(Code::kInvalidArgument, "bad-parameter", "`after` is not the id of a task");
  REMIT_ASSIGN(filter.limit, ReadCount(request, "limit", filter.limit, limits::kListPage));
  return filter;
}

void List(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(broker::ListFilter filter, ReadFilter(call.request));
  OnWorker(call, respond, [caller = call.caller, filter = std::move(filter), respond](Services& services) {
    respond(ToResponse(services.broker.ListTasks(caller, filter)));
  });
}

// Without `wait` the task as it is; with it, once it is in another state than `state` (default: its present one).
void Show(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_TRY(call.request.OnlyQuery({"wait", "state"}));
  const auto wait_text = call.request.Query("wait");
  const std::string state(call.request.Query("state").value_or(""));
  if (!state.empty() && !IsStateName(state)) {
    return respond(
        http::Problem(Error(Code::kInvalidArgument, "bad-parameter", fmt::format("`{}` is not the name of a state", EscapeControl(state)))));
  }
  Duration wait{};
  if (wait_text.has_value()) {
    REMIT_API_ASSIGN(wait, ReadWait(*wait_text));
  }
  OnWorker(call, respond, [caller = call.caller, id, wait, state, respond](Services& services) {
    auto shown = services.broker.ShowTask(caller, id);
    if (!shown.has_value() || wait == Duration::zero()) return respond(ToResponse(shown));
    const std::string* present = shown->FindString("state");
    services.broker.WatchTask(caller, id, state.empty() && present != nullptr ? *present : state, wait, AnsweringJson(respond));
  });
}

auto AnsweringEnd(Respond respond) {
  return Answering<broker::EndAnswer>(std::move(respond), 200, [](const broker::EndAnswer& a) { return ToJson(a); });
}

void Complete(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(const EndRequest end, ReadEnd(body, ReasonRule::kNone));
  call.services.broker.Complete(call.caller, id, end.wait, AnsweringEnd(respond));
}

void Revoke(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(const EndRequest end, ReadEnd(body, ReasonRule::kRequired));
  call.services.broker.Revoke(call.caller, id, end.reason, end.wait, AnsweringEnd(respond));
}

void Withdraw(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_TRY(EmptyBody(call.request));
  call.services.broker.Withdraw(call.caller, id, AnsweringEnd(respond));
}

void Review(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(std::string note, ReadNote(body));
  OnWorker(call, respond, [caller = call.caller, id, note = std::move(note), respond](Services& services) {
    services.broker.Review(caller, id, note, AnsweringJson(respond));
  });
}

void ListReviews(const Call& call, Respond respond) {
  OnWorker(call, respond, [caller = call.caller, respond](Services& services) { respond(ToResponse(services.broker.ListReviews(caller))); });
}

void Heartbeat(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_TRY(EmptyBody(call.request));
  REMIT_API_TRY(call.services.broker.Heartbeat(call.caller, id));
  respond(http::Empty());
}

void Environment(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const auto environment, call.services.broker.Environment(call.caller, id));
  respond(http::Json(200, json::Object{{"environment", ToJson(environment)}}));
}

void Receipt(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  OnWorker(call, respond, [caller = call.caller, id, respond](Services& services) { respond(ToResponse(services.broker.Receipt(caller, id))); });
}

void Token(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(broker::TokenRequest token, ReadToken(body, id));
  call.services.broker.IssueToken(call.caller, std::move(token),
                                  Answering<broker::TokenAnswer>(respond, 200, [](const broker::TokenAnswer& a) { return ToJson(a); }));
}

}  // namespace

void AddTaskRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "POST", "/v1/tasks", Start);
  AddCall(router, services, "GET", "/v1/tasks", List);
  AddCall(router, services, "GET", "/v1/tasks/{id}", Show);
  AddCall(router, services, "POST", "/v1/tasks/{id}/complete", Complete);
  AddCall(router, services, "POST", "/v1/tasks/{id}/revoke", Revoke);
  AddCall(router, services, "POST", "/v1/tasks/{id}/withdraw", Withdraw);
  AddCall(router, services, "POST", "/v1/tasks/{id}/review", Review);
  AddCall(router, services, "GET", "/v1/reviews", ListReviews);
  AddCall(router, services, "POST", "/v1/tasks/{id}/heartbeat", Heartbeat);
  AddCall(router, services, "GET", "/v1/tasks/{id}/environment", Environment);
  AddCall(router, services, "GET", "/v1/tasks/{id}/receipt", Receipt);
  AddCall(router, services, "POST", "/v1/tasks/{id}/token", Token);
}

}  // namespace remit::api
