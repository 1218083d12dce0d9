// /v1/secrets/{path}: the built-in secret store. Each call is a use of a task; whatever is refused looks like what is not there.
#include <fmt/format.h>

#include "api/codec.h"
#include "api/rest.h"
#include "api/routes.h"
#include "base/limits.h"

namespace remit::api {
namespace {

using http::Respond;

// `version=n`, or `list=true`, not both.
void Get(const Call& call, Respond respond) {
  REMIT_API_TRY(call.request.OnlyQuery({"version", "list"}));
  const std::string path(call.request.Param("path"));
  const auto list = call.request.Query("list");
  const bool has_version = call.request.Query("version").has_value();
  if (list.has_value() && (*list != "true" || has_version)) {
    return respond(http::Problem(Error(Code::kInvalidArgument, "bad-parameter", "`list` is `true`, without a `version`, or left out")));
  }
  if (list.has_value()) {
    return OnWorker(call, respond,
                    [caller = call.caller, path, respond](Services& services) { services.broker.ListSecrets(caller, path, AnsweringJson(respond)); });
  }
  std::optional<std::uint32_t> version;
  if (has_version) {
    REMIT_API_ASSIGN(const std::size_t number, ReadCount(call.request, "version", 0, UINT32_MAX));
    version = static_cast<std::uint32_t>(number);
  }
  OnWorker(call, respond, [caller = call.caller, path, version, respond](Services& services) {
    services.broker.ReadSecret(caller, path, version, Answering<broker::SecretAnswer>(respond, 200, SecretReadJson));
  });
}

void Put(const Call& call, Respond respond) {
  REMIT_API_TRY(call.request.OnlyQuery({}));
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(Secret value, ReadSecretValue(body));
  OnWorker(call, respond,
           [caller = call.caller, path = std::string(call.request.Param("path")), value = std::move(value), respond](Services& services) mutable {
             services.broker.WriteSecret(caller, path, std::move(value), Answering<broker::SecretAnswer>(respond, 200, SecretWrittenJson));
           });
}

}  // namespace

void AddSecretRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "GET", "/v1/secrets/{path...}", Get);
  AddCall(router, services, "PUT", "/v1/secrets/{path...}", Put);
}

}  // namespace remit::api
