// /v1/tasks/{id}/…: what changes the life of a task that runs: it stops and goes on, lives longer, hands a part of itself to another.
#include <fmt/format.h>

#include "api/codec.h"
#include "api/rest.h"
#include "api/routes.h"

namespace remit::api {
namespace {

using http::Request;
using http::Respond;

void Suspend(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(const EndRequest end, ReadEnd(body, ReasonRule::kRequired));
  call.services.broker.Suspend(call.caller, id, end.reason, end.wait,
                               Answering<broker::EndAnswer>(respond, 200, [](const broker::EndAnswer& a) { return ToJson(a); }));
}

// Its holder asks for what it got with GET …/environment; who resumes it gets none of that.
void Resume(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_TRY(EmptyBody(call.request));
  call.services.broker.Resume(call.caller, id,
                              Answering<broker::StartAnswer>(respond, 200, [](const broker::StartAnswer& a) { return ResumedJson(a); }));
}

void Extend(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(const ExtendRequest extend, ReadExtend(body));
  call.services.broker.Extend(call.caller, id, extend.more, extend.reason,
                              Answering<broker::ExtendAnswer>(respond, 200, [](const broker::ExtendAnswer& a) { return ToJson(a); }));
}

void Delegate(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const std::string id, TaskIdOf(call.request));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(broker::DelegateRequest request, ReadDelegate(body));
  auto answer = Answering<broker::StartAnswer>(respond, 201, [](const broker::StartAnswer& a) { return ToJson(a); });
  if (request.start.idempotency_key.empty()) return call.services.broker.Delegate(call.caller, id, std::move(request), std::move(answer));
  // Whether the key was used before is a question for the disk.
  OnWorker(call, respond, [caller = call.caller, id, request = std::move(request), answer = std::move(answer)](Services& services) mutable {
    services.broker.Delegate(caller, id, std::move(request), std::move(answer));
  });
}

}  // namespace

void AddLifeRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "POST", "/v1/tasks/{id}/suspend", Suspend);
  AddCall(router, services, "POST", "/v1/tasks/{id}/resume", Resume);
  AddCall(router, services, "POST", "/v1/tasks/{id}/extend", Extend);
  AddCall(router, services, "POST", "/v1/tasks/{id}/delegate", Delegate);
}

}  // namespace remit::api
