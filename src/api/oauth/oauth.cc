// The OAuth endpoints' routes and metadata (RFC 8414).
#include "api/oauth/oauth.h"

#include "api/oauth/token.h"
#include "api/routes.h"

namespace remit::api {

json::Value OauthMetadata(const std::string& issuer) {
  const json::Array methods{"private_key_jwt"}, algorithms{"ES256", "EdDSA"};
  return json::Object{{"issuer", issuer},
                      {"token_endpoint", issuer + "/token"},
                      {"jwks_uri", issuer + "/jwks"},
                      {"introspection_endpoint", issuer + "/introspect"},
                      {"revocation_endpoint", issuer + "/revoke"},
                      {"grant_types_supported", json::Array{kClientCredentials, kTokenExchange}},
                      {"response_types_supported", json::Array{}},  // required by §2; there is no authorization endpoint
                      {"token_endpoint_auth_methods_supported", methods},
                      {"token_endpoint_auth_signing_alg_values_supported", algorithms},
                      {"introspection_endpoint_auth_methods_supported", methods},
                      {"introspection_endpoint_auth_signing_alg_values_supported", algorithms},
                      {"revocation_endpoint_auth_methods_supported", methods},
                      {"revocation_endpoint_auth_signing_alg_values_supported", algorithms},
                      {"authorization_details_types_supported", json::Array{kAuthorizationDetailsType}}};  // RFC 9396 §10
}

void AddOauthRoutes(http::Router& router, Services& services) {
  const auto add = [&](std::string_view method, std::string_view pattern, void (*handler)(Services&, const http::Request&, http::Respond)) {
    http::RouteOptions options;
    // The content type is the handler's to judge: its error is OAuth's, not a problem document.
    if (method == "POST") options.body = http::BodyKind::kAny;
    router.Add(
        method, pattern,
        [&services, handler](const http::Request& request, http::Respond respond) { handler(services, request, std::move(respond)); }, options);
  };
  add("GET", "/.well-known/oauth-authorization-server",
      [](Services& s, const http::Request&, http::Respond respond) { respond(http::Json(200, OauthMetadata(s.issuer))); });
  add("GET", "/jwks", [](Services& s, const http::Request&, http::Respond respond) { respond(http::Json(200, s.broker.Jwks())); });
  // Not OAuth's, and a set of its own: no token is ever verified with these.
  add("GET", "/jwks/receipts", [](Services& s, const http::Request&, http::Respond respond) { respond(http::Json(200, s.broker.ReceiptJwks())); });
  add("POST", "/token", Token);
  add("POST", "/introspect", Introspect);
  add("POST", "/revoke", RevokeToken);
}

}  // namespace remit::api
