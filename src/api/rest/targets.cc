// /v1/targets and /v1/sweep: the systems where tasks get credentials, for the operator and for whom the catalog in force permits it.
#include "api/rest.h"
#include "api/routes.h"

namespace remit::api {
namespace {

using http::Respond;

void List(const Call& call, Respond respond) {
  REMIT_API_TRY(call.services.broker.MayReadServer(call.caller));
  call.services.list_targets(AnsweringJson(std::move(respond)));
}

void Check(const Call& call, Respond respond) {
  REMIT_API_TRY(call.services.broker.MayReadServer(call.caller));
  REMIT_API_TRY(EmptyBody(call.request));
  call.services.check_target(std::string(call.request.Param("name")), AnsweringJson(std::move(respond)));
}

void Sweep(const Call& call, Respond respond) {
  REMIT_API_TRY(call.services.broker.MaySweep(call.caller));
  REMIT_API_TRY(EmptyBody(call.request));
  call.services.broker.Sweep(AnsweringJson(std::move(respond)));
}

}  // namespace

void AddTargetRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "GET", "/v1/targets", List);
  AddCall(router, services, "POST", "/v1/targets/{name}/check", Check);
  AddCall(router, services, "POST", "/v1/sweep", Sweep);
}

}  // namespace remit::api
