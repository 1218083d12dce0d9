// /v1/permissions/{hash}: the permission set that a token refers to, for its resource server.
#include "api/rest.h"
#include "api/routes.h"
#include "json/write.h"

namespace remit::api {
namespace {

using http::Respond;

// The body is what was hashed, byte for byte: whoever trusts the token's signature needs to trust nothing on the way here.
void Read(const Call& call, Respond respond) {
  REMIT_API_TRY(OnlyFor(call.caller, {Kind::kActor}, "an actor that is registered as the token's audience"));
  REMIT_API_TRY(call.request.OnlyQuery({"credential"}));
  const auto credential = call.request.Query("credential");
  if (!credential)
    return respond(http::Problem(Error(Code::kInvalidArgument, "bad-parameter", "`credential` is the `jti` of the token that refers to it")));
  REMIT_API_ASSIGN(const json::Value set,
                   call.services.broker.ReferredPermissions(call.caller, std::string(*credential), call.request.Param("hash")));
  respond(http::JsonText(200, json::Canonical(set)));
}

}  // namespace

void AddPermissionRoutes(http::Router& router, Services& services) { AddCall(router, services, "GET", "/v1/permissions/{hash}", Read); }

}  // namespace remit::api
