// The OpenAPI document: what operations refer to by name, but for the schemas; members of `components`.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::string_view Components() {
  return R"json("securitySchemes": {"handle": {"type": "http", "scheme": "bearer", "description": "an opaque handle; not needed on the unix socket"}},
 "responses": {
  "Problem": {
   "description": "what went wrong",
   "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
  "OauthError": {
   "description": "what went wrong",
   "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OauthError"}}}},
  "ErrorText": {"description": "what went wrong", "content": {"text/plain": {"schema": {"type": "string"}}}}},
 "parameters": {
  "TasksInState": {
   "name": "state",
   "in": "query",
   "schema": {"type": "string"},
   "description": "a state, or `ended`; default: all that live"},
  "TasksOfType": {"name": "type", "in": "query", "schema": {"type": "string"}},
  "TasksOfActor": {"name": "actor", "in": "query", "schema": {"type": "string"}},
  "TasksLimit": {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
  "TasksAfter": {
   "name": "after",
   "in": "query",
   "schema": {"type": "string"},
   "description": "the id to go on behind, in the order that is asked for"},
  "TasksOrder": {
   "name": "order",
   "in": "query",
   "schema": {"type": "string", "enum": ["oldest", "newest"]},
   "description": "which come first; default: oldest"},
  "TaskId": {"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"},
  "StateWait": {
   "name": "wait",
   "in": "query",
   "schema": {"$ref": "#/components/schemas/Span"},
   "description": "answer when its state is another than `state`, or after this span"},
  "StateSeen": {"name": "state", "in": "query", "schema": {"type": "string"}, "description": "default: its present state"},
  "ApprovalId": {"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "apv_…"},
  "PermissionsHash": {
   "name": "hash",
   "in": "path",
   "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
   "required": true,
   "description": "SHA-256, hex: the end of `permissions_ref`"},
  "PermissionsCredential": {
   "name": "credential",
   "in": "query",
   "schema": {"type": "string"},
   "required": true,
   "description": "the `jti` of the token that refers to it, crd_…"},
  "SecretPath": {
   "name": "path",
   "in": "path",
   "schema": {"type": "string"},
   "required": true,
   "description": "segments of [a-z0-9._-]+, joined by /"},
  "SecretVersion": {"name": "version", "in": "query", "schema": {"type": "integer", "minimum": 1}},
  "SecretFolder": {"name": "list", "in": "query", "schema": {"const": "true"}},
  "TargetName": {"name": "name", "in": "path", "schema": {"type": "string"}, "required": true},
  "EventsOfTask": {"name": "task", "in": "query", "schema": {"type": "string"}, "description": "of one task alone"},
  "EventsOfType": {
   "name": "type",
   "in": "query",
   "schema": {"type": "string"},
   "description": "types with commas, like `task.started,credential.*`; default: all"},
  "EventsFrom": {
   "name": "from",
   "in": "query",
   "schema": {"type": "integer", "minimum": 0},
   "description": "the index to begin at; default: what happens next"},
  "EventsUntil": {
   "name": "until",
   "in": "query",
   "schema": {"type": "string", "enum": ["end"]},
   "description": "with `task`: `event: end`, and the end of the stream, once nothing more of it can come; default: it goes on"},
  "LastEventId": {
   "name": "Last-Event-ID",
   "in": "header",
   "schema": {"type": "string"},
   "description": "the id of the last event that was read: goes on behind it, whatever `from` says"},
  "RequestId": {"name": "X-Request-ID", "in": "header", "schema": {"type": "string"}},
  "IdempotencyKey": {
   "name": "Idempotency-Key",
   "in": "header",
   "schema": {"type": "string"},
   "description": "a use that was allowed and charged is charged once: its answer is given again to the same key; what was denied, or costs nothing, is decided anew"},
  "TilePath": {"name": "path", "in": "path", "schema": {"type": "string"}, "required": true, "description": "L/N or L/N.p/W"},
  "EntriesFrom": {"name": "from", "in": "query", "schema": {"type": "integer", "minimum": 0}},
  "EntriesCount": {"name": "count", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}})json";
}

}  // namespace remit::api::openapi
