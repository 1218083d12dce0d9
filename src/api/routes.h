// The groups of routes, each in a file of its own. Register (register.cc) adds them all.
#pragma once

#include "api/services.h"

namespace remit::api {

void AddTaskRoutes(http::Router& router, Services& services);        // rest/tasks.cc
void AddLifeRoutes(http::Router& router, Services& services);        // rest/life.cc: suspend, resume, extend, delegate
void AddHoldRoutes(http::Router& router, Services& services);        // rest/hold.cc
void AddDecisionRoutes(http::Router& router, Services& services);    // rest/decisions.cc: check, explain, approvals
void AddCatalogRoutes(http::Router& router, Services& services);     // rest/catalog.cc: catalog and facts
void AddPeopleRoutes(http::Router& router, Services& services);      // rest/people.cc: actors, people, signing in
void AddKeyRoutes(http::Router& router, Services& services);         // rest/keys.cc: signing keys
void AddPermissionRoutes(http::Router& router, Services& services);  // rest/permissions.cc: what tokens refer to
void AddSecretRoutes(http::Router& router, Services& services);      // rest/secrets.cc
void AddReplaceRoutes(http::Router& router, Services& services);     // rest/replace.cc
void AddTargetRoutes(http::Router& router, Services& services);      // rest/targets.cc
void AddOauthRoutes(http::Router& router, Services& services);       // oauth/token.cc, oauth/state.cc
void AddAuthzenRoutes(http::Router& router, Services& services);     // authzen/authzen.cc
void AddEventRoutes(http::Router& router, Services& services);       // events/events.cc
void AddWebhookRoutes(http::Router& router, Services& services);     // webhooks.cc, with the pages that messages link to
void AddDoctorRoutes(http::Router& router, Services& services);      // doctor.cc
void AddLedgerRoutes(http::Router& router, Services& services);      // ledger.cc
void AddOpsRoutes(http::Router& router, Services& services);         // ops.cc

}  // namespace remit::api
