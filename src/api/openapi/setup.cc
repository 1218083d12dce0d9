// The OpenAPI document: operations of catalog, registry and targets.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::vector<Operation> SetupOperations() {
  return {
      {{"get", "/v1/catalog", "showCatalog", "catalog", "The catalog in force"}, {.answers = {{.schema = "Catalog"}}}},
      {{"post", "/v1/catalog", "loadCatalog", "catalog", "Load a catalog, or say what that would do"},
       {.body = "CatalogRequest", .answers = {{.schema = "CatalogAnswer"}}}},
      {{"get", "/v1/catalog/schema", "catalogSchema", "catalog", "The effective schema, in Cedar's syntax"},
       {.answers = {{.schema = "Text", .type = kText}}}},
      {{"get", "/v1/facts", "showFacts", "catalog", "The facts in force"}, {.answers = {{.schema = "Facts"}}}},
      {{"post", "/v1/facts", "putFacts", "catalog", "Add or replace facts"},
       {.description = "Entities in Cedar's JSON form.", .body = "FactsRequest", .answers = {{.schema = "FactsAnswer"}}}},
      {{"get", "/v1/actors", "listActors", "registry", "Registered actors"}, {.answers = {{.schema = "ActorList"}}}},
      {{"post", "/v1/actors", "putActor", "registry", "Register an actor, or change it"},
       {.description = "Barring an actor, or giving it another key, ends its sessions.", .body = "Actor", .answers = {{.schema = "RegistryAnswer"}}}},
      {{"get", "/v1/people", "listPeople", "registry", "Registered people"}, {.answers = {{.schema = "PersonList"}}}},
      {{"post", "/v1/people", "putPerson", "registry", "Register a person, or change them"},
       {.description = "Barring a person ends their sessions and links.", .body = "Person", .answers = {{.schema = "RegistryAnswer"}}}},
      {{"post", "/v1/people/sign-in-link", "makeSignInLink", "registry", "A link for one person, good once, for ten minutes"},
       {.body = "SignInLinkRequest", .answers = {{.status = 201, .schema = "SignInLink"}}}},
      {{"post", "/v1/sign-in", "signIn", "registry", "Give a link's code up for a session"},
       {.open = true, .body = "SignInRequest", .answers = {{.schema = "SignInAnswer"}}}},
      {{"post", "/v1/sign-out", "signOut", "registry", "End the session that this request is made with"},
       {.body = "Nothing", .body_optional = true, .answers = {{.status = 204}}}},
      {{"get", "/v1/whoami", "whoAmI", "registry", "Who the server thinks is calling"}, {.open = true, .answers = {{.schema = "WhoAmI"}}}},
      {{"post", "/v1/offboard", "offboard", "registry", "Bar an actor and end everything that it holds"},
       {.description =
            "The answer is a signed receipt; `complete` is false while something in `open` has not ended. Asking again says how far it is.",
        .body = "OffboardRequest",
        .answers = {{.schema = "Offboarding"}}}},
      {{"get", "/v1/keys", "listKeys", "registry", "The keys that sign, and those that still verify"}, {.answers = {{.schema = "KeyList"}}}},
      {{"post", "/v1/keys/rotate", "rotateKey", "registry", "A new signing key in the place of one"},
       {.description = "The old private key is gone; what it signed is verified for as long as it is good. With `leaked` nothing that it signed is "
                       "trusted any more; with the `kid` of one that was rotated before it is that one, and none is rotated.",
        .body = "KeyRotateRequest",
        .answers = {{.schema = "KeyRotateAnswer"}}}},
      {{"post", "/v1/replacements", "recordReplacement", "targets", "Before and after `remit replace`: may I, and what came of it"},
       {.description =
            "Asks for `replace.apply` and writes it into the ledger. The server does not see the database: what is told is the caller's word.",
        .body = "ReplacementRequest",
        .answers = {{.status = 201, .schema = "ReplacementAnswer"}}}},
      {{"get", "/v1/targets", "listTargets", "targets", "The configured targets"}, {.answers = {{.schema = "TargetList"}}}},
      {{"post", "/v1/targets/{name}/check", "checkTarget", "targets", "What a task could do there that Remit does not give"},
       {.parameters = {"TargetName"}, .body = "Nothing", .body_optional = true, .answers = {{.schema = "Object"}}}},
      {{"post", "/v1/sweep", "sweep", "targets", "Compare ledger and targets; end what should not be there"},
       {.body = "Nothing", .body_optional = true, .answers = {{.schema = "Object"}}}},
  };
}

}  // namespace remit::api::openapi
