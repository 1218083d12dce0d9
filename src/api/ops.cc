// /healthz, /readyz, /metrics and the description of it all: for those who run the server. No secrets, no names, so no credentials.
#include "api/metrics.h"
#include "api/openapi.h"
#include "api/rest.h"
#include "api/routes.h"

namespace remit::api {
namespace {

using http::Request;
using http::Respond;

// The process answers: nothing more.
void Health(Services&, const Request&, Respond respond) { respond(http::Json(200, json::Object{{"status", "ok"}})); }

// 503 while something is in doubt: what is asked for now may be refused.
void Ready(Services& services, const Request&, Respond respond) {
  const json::Value health = services.broker.Health();
  const json::Value* ready = health.Find("ready");
  respond(http::Json(ready != nullptr && ready->IsBool() && ready->AsBool() ? 200 : 503, health));
}

void ShowMetrics(Services& services, const Request&, Respond respond) {
  respond({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = services.metrics.Text(services.broker.counters())});
}

void ShowOpenApi(Services&, const Request&, Respond respond) { respond(http::JsonText(200, std::string(OpenApiDocument()))); }

}  // namespace

void AddOpsRoutes(http::Router& router, Services& services) {
  const auto open = [&](std::string_view pattern, void (*handler)(Services&, const Request&, Respond)) {
    router.Add("GET", pattern, [&services, handler](const Request& request, Respond respond) { handler(services, request, std::move(respond)); });
  };
  open("/healthz", Health);
  open("/readyz", Ready);
  if (services.serve_metrics) open("/metrics", ShowMetrics);
  open("/openapi.json", ShowOpenApi);
}

}  // namespace remit::api
