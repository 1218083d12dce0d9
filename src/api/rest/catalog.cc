// /v1/catalog and /v1/facts: what is declared, and what is known.
#include "api/codec.h"
#include "api/rest.h"
#include "api/routes.h"
#include "base/limits.h"

namespace remit::api {
namespace {

using http::Respond;

// Those who start tasks and write catalogs; a running task has no use for it.
Status MayRead(const Caller& caller) { return OnlyFor(caller, {Kind::kOperator, Kind::kActor, Kind::kPerson}, "actors, people and the operator"); }

Result<std::shared_ptr<const task::Catalog>> InForce(const Call& call) {
  REMIT_TRY(MayRead(call.caller));
  auto catalog = call.services.broker.catalog();
  if (catalog == nullptr) return Fail(Code::kNotFound, "no-catalog", "no catalog is loaded", "load one: remit catalog load FOLDER");
  return catalog;
}

void Show(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const auto catalog, InForce(call));
  respond(http::Json(200, ToJson(*catalog)));
}

void Schema(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const auto catalog, InForce(call));
  REMIT_API_ASSIGN(const std::string text, catalog->schema().ToText());
  respond(http::Text(200, text));
}

void Load(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(CatalogRequest load, ReadCatalog(body));
  OnWorker(call, respond, [caller = call.caller, load = std::move(load), respond](Services& services) mutable {
    services.broker.LoadCatalog(caller, std::move(load.files), load.options,
                                Answering<broker::CatalogAnswer>(respond, 200, [](const broker::CatalogAnswer& a) { return ToJson(a); }));
  });
}

void ShowFacts(const Call& call, Respond respond) {
  REMIT_API_TRY(call.services.broker.MayReadServer(call.caller));
  respond(http::Json(200, call.services.broker.Facts()));
}

void PutFacts(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(FactsRequest facts, ReadFacts(body));
  OnWorker(call, respond, [caller = call.caller, facts = std::move(facts), respond](Services& services) {
    services.broker.PutFacts(caller, facts.entities, facts.replace,
                             Answering<broker::FactsAnswer>(respond, 200, [](const broker::FactsAnswer& a) { return ToJson(a); }), facts.origin);
  });
}

}  // namespace

void AddCatalogRoutes(http::Router& router, Services& services) {
  const http::RouteOptions large{.body = http::BodyKind::kJson, .body_bytes = limits::kHttpLargeBodyBytes};
  AddCall(router, services, "GET", "/v1/catalog", Show);
  AddCall(router, services, "POST", "/v1/catalog", Load, large);
  AddCall(router, services, "GET", "/v1/catalog/schema", Schema);
  AddCall(router, services, "GET", "/v1/facts", ShowFacts);
  AddCall(router, services, "POST", "/v1/facts", PutFacts, large);
}

}  // namespace remit::api
