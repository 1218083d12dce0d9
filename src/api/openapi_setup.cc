// The OpenAPI document: paths of catalog, registry and targets, members of `paths`.
#include "api/openapi_parts.h"

namespace remit::api::openapi {

std::string_view SetupPaths() {
  return R"json("/v1/catalog": {
  "get": {
   "operationId": "showCatalog",
   "tags": ["catalog"],
   "summary": "The catalog in force",
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Catalog"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}},
  "post": {
   "operationId": "loadCatalog",
   "tags": ["catalog"],
   "summary": "Load a catalog, or say what that would do",
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {
        "files": {"type": "array", "items": {"$ref": "#/components/schemas/CatalogFile"}},
        "dry_run": {"type": "boolean", "description": "change nothing; say who would lose what"},
        "end_older": {"type": "boolean", "description": "end every task that started under another catalog"},
        "allow_lock_out": {"type": "boolean", "description": "although nobody may load a catalog then, and the operator administers again"}},
       "required": ["files"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CatalogAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/catalog/schema": {
  "get": {
   "operationId": "catalogSchema",
   "tags": ["catalog"],
   "summary": "The effective schema, in Cedar's syntax",
   "responses": {
    "200": {"description": "done", "content": {"text/plain": {"schema": {"type": "string"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/facts": {
  "get": {
   "operationId": "showFacts",
   "tags": ["catalog"],
   "summary": "The facts in force",
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"hash": {"type": "string"}, "entities": {"type": "array", "items": {"type": "object"}}},
        "required": ["hash", "entities"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}},
  "post": {
   "operationId": "putFacts",
   "tags": ["catalog"],
   "summary": "Add or replace facts",
   "description": "Entities in Cedar's JSON form.",
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"entities": {"type": "array", "items": {"type": "object"}}, "replace": {"type": "boolean"}},
       "required": ["entities"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "hash": {"type": "string"},
         "entities": {"type": "integer", "minimum": 0},
         "approval": {"type": "string", "description": "it waits for people; then there is nothing else"}},
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/actors": {
  "get": {
   "operationId": "listActors",
   "tags": ["registry"],
   "summary": "Registered actors",
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"actors": {"type": "array", "items": {"$ref": "#/components/schemas/Actor"}}},
        "required": ["actors"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}},
  "post": {
   "operationId": "putActor",
   "tags": ["registry"],
   "summary": "Register an actor, or change it",
   "description": "Barring an actor, or giving it another key, ends its sessions.",
   "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Actor"}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RegistryAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/people": {
  "get": {
   "operationId": "listPeople",
   "tags": ["registry"],
   "summary": "Registered people",
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"people": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}}},
        "required": ["people"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}},
  "post": {
   "operationId": "putPerson",
   "tags": ["registry"],
   "summary": "Register a person, or change them",
   "description": "Barring a person ends their sessions and links.",
   "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Person"}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RegistryAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/people/sign-in-link": {
  "post": {
   "operationId": "makeSignInLink",
   "tags": ["registry"],
   "summary": "A link for one person, good once, for ten minutes",
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"person": {"$ref": "#/components/schemas/EntityUid"}},
       "required": ["person"],
       "additionalProperties": false}}}},
   "responses": {
    "201": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "link": {"type": "string"},
         "code": {"type": "string"},
         "expires": {"type": "string", "format": "date-time"}},
        "required": ["link", "code", "expires"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/sign-in": {
  "post": {
   "operationId": "signIn",
   "tags": ["registry"],
   "summary": "Give a link's code up for a session",
   "security": [],
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"code": {"type": "string"}},
       "required": ["code"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "session": {"type": "string", "description": "rmp_…"},
         "person": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""},
         "expires": {"type": "string", "format": "date-time"}},
        "required": ["session", "person", "expires"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/sign-out": {
  "post": {
   "operationId": "signOut",
   "tags": ["registry"],
   "summary": "End the session that this request is made with",
   "requestBody": {
    "required": false,
    "content": {"application/json": {"schema": {"type": "object", "properties": {}, "additionalProperties": false}}}},
   "responses": {"204": {"description": "done"}, "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/whoami": {
  "get": {
   "operationId": "whoAmI",
   "tags": ["registry"],
   "summary": "Who the server thinks is calling",
   "security": [],
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "kind": {"type": "string", "enum": ["nobody", "actor", "person", "task", "holder", "operator"]},
         "uid": {"type": "string"},
         "task": {"type": "string"},
         "set_up": {"type": "boolean", "description": "of the operator: nobody else could load a catalog, so that it administers"}},
        "required": ["kind", "uid"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/offboard": {
  "post": {
   "operationId": "offboard",
   "tags": ["registry"],
   "summary": "Bar an actor and end everything that it holds",
   "description": "The answer is a signed receipt; `complete` is false while something in `open` has not ended. Asking again says how far it is.",
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {
        "actor": {"$ref": "#/components/schemas/EntityUid"},
        "reason": {"type": "string"},
        "wait": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"}},
       "required": ["actor"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Offboarding"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/targets": {
  "get": {
   "operationId": "listTargets",
   "tags": ["targets"],
   "summary": "The configured targets",
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "installation": {"type": "string", "description": "part of every name at a target"},
         "targets": {"type": "array", "items": {"$ref": "#/components/schemas/Target"}}},
        "required": ["targets"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/targets/{name}/check": {
  "post": {
   "operationId": "checkTarget",
   "tags": ["targets"],
   "summary": "What a task could do there that Remit does not give",
   "parameters": [{"name": "name", "in": "path", "schema": {"type": "string"}, "required": true}],
   "requestBody": {
    "required": false,
    "content": {"application/json": {"schema": {"type": "object", "properties": {}, "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/sweep": {
  "post": {
   "operationId": "sweep",
   "tags": ["targets"],
   "summary": "Compare ledger and targets; end what should not be there",
   "requestBody": {
    "required": false,
    "content": {"application/json": {"schema": {"type": "object", "properties": {}, "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}})json";
}

}  // namespace remit::api::openapi
