// Every route there is.
#include "api/routes.h"

namespace remit::api {

void Register(http::Router& router, Services& services) {
  AddTaskRoutes(router, services);
  AddLifeRoutes(router, services);
  AddHoldRoutes(router, services);
  AddDecisionRoutes(router, services);
  AddCatalogRoutes(router, services);
  AddPeopleRoutes(router, services);
  AddKeyRoutes(router, services);
  AddPermissionRoutes(router, services);
  AddSecretRoutes(router, services);
  AddReplaceRoutes(router, services);
  AddTargetRoutes(router, services);
  AddOauthRoutes(router, services);
  AddAuthzenRoutes(router, services);
  AddEventRoutes(router, services);
  AddWebhookRoutes(router, services);
  AddDoctorRoutes(router, services);
  AddLedgerRoutes(router, services);
  AddOpsRoutes(router, services);
}

}  // namespace remit::api
