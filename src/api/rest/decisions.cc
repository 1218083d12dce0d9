// /v1/check, /v1/explain and /v1/approvals: questions that spend nothing, and people's answers.
#include <fmt/format.h>

#include "api/codec.h"
#include "api/rest.h"
#include "api/routes.h"
#include "base/ids.h"
#include "base/text.h"
#include "json/object_reader.h"

namespace remit::api {
namespace {

using http::Respond;

void Check(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  // A task that names neither task nor token asks about itself.
  const bool task = call.caller.Is(Kind::kTask) || call.caller.Is(Kind::kHolder);
  REMIT_API_ASSIGN(const broker::UseRequest use, ReadCheck(body, task ? std::string_view(call.caller.task) : std::string_view()));
  const auto ask = [caller = call.caller, use, respond](Services& services) {
    const Result<broker::UseAnswer> answer = services.broker.Check(caller, use);
    respond(answer.has_value() ? http::Json(200, ToJson(*answer)) : http::Problem(answer.error()));
  };
  // Whether somebody else's task is over may be a question for the disk; a live task's own is answered from memory.
  if (task || !use.token.empty()) return ask(call.services);
  OnWorker(call, respond, ask);
}

void Explain(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(broker::ExplainRequest explain, ReadExplain(body));
  // Partial evaluation of a whole catalog takes its time.
  OnWorker(call, respond, [caller = call.caller, explain = std::move(explain), respond](Services& services) {
    respond(ToResponse(services.broker.Explain(caller, explain)));
  });
}

void ListApprovals(const Call& call, Respond respond) {
  OnWorker(call, respond, [caller = call.caller, respond](Services& services) { respond(ToResponse(services.broker.ListApprovals(caller))); });
}

Result<std::string> ApprovalIdOf(const http::Request& request) {
  const std::string id(request.Param("id"));
  if (!IsId(id, kApprovalPrefix))
    return Fail(Code::kNotFound, "unknown-approval", fmt::format("no request `{}` waits for you", EscapeControl(id)),
                "see what does with `remit approvals`");
  return id;
}

// The body's one field.
Result<std::string> OneString(const json::Value& body, std::string_view name) {
  json::ObjectReader r(body, "body");
  std::string value = r.RequiredString(name);
  REMIT_TRY(r.Finish());
  return value;
}

void Approve(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, ApprovalIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(const std::string hash, OneString(body, "hash"));
  call.services.broker.Approve(call.caller, id, hash, AnsweringJson(respond));
}

void Deny(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, ApprovalIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(const std::string reason, OneString(body, "reason"));
  call.services.broker.Deny(call.caller, id, reason, AnsweringJson(respond));
}

}  // namespace

void AddDecisionRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "POST", "/v1/check", Check);
  AddCall(router, services, "POST", "/v1/explain", Explain);
  AddCall(router, services, "GET", "/v1/approvals", ListApprovals);
  AddCall(router, services, "POST", "/v1/approvals/{id}/approve", Approve);
  AddCall(router, services, "POST", "/v1/approvals/{id}/deny", Deny);
}

}  // namespace remit::api
