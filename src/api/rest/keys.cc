// /v1/keys: the keys that sign and those that verify, and another one in the place of one.
#include <fmt/format.h>

#include "api/rest.h"
#include "api/routes.h"
#include "base/limits.h"
#include "json/object_reader.h"

namespace remit::api {
namespace {

using http::Respond;

void List(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value answer, call.services.broker.ListKeys(call.caller));
  respond(http::Json(200, answer));
}

void Rotate(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  broker::RotateRequest request;
  json::ObjectReader r(body, "body");
  request.key = r.RequiredString("key");
  request.kid = r.OptionalString("kid").value_or("");
  request.leaked = r.OptionalBool("leaked").value_or(false);
  request.dry_run = r.OptionalBool("dry_run").value_or(false);
  request.idempotency_key = r.OptionalString("idempotency_key").value_or("");
  if (request.idempotency_key.size() > limits::kRequestIdBytes) r.Refuse("idempotency_key", fmt::format("at most {} bytes", limits::kRequestIdBytes));
  REMIT_API_TRY(r.Finish());
  // On a worker: it reads a row, and makes a key.
  OnWorker(call, respond, [caller = call.caller, request = std::move(request), respond](Services& services) mutable {
    services.broker.RotateKey(caller, std::move(request), AnsweringJson(respond));
  });
}

}  // namespace

void AddKeyRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "GET", "/v1/keys", List);
  AddCall(router, services, "POST", "/v1/keys/rotate", Rotate);
}

}  // namespace remit::api
