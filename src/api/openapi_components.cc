// The OpenAPI document: what the paths refer to.
#include "api/openapi_parts.h"

namespace remit::api::openapi {

std::string_view Components() {
  return R"json({
 "securitySchemes": {"handle": {"type": "http", "scheme": "bearer", "description": "an opaque handle; not needed on the unix socket"}},
 "responses": {
  "Problem": {
   "description": "what went wrong",
   "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
  "OauthError": {
   "description": "what went wrong",
   "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OauthError"}}}},
  "ErrorText": {"description": "what went wrong", "content": {"text/plain": {"schema": {"type": "string"}}}}},
 "schemas": {
  "Problem": {
   "type": "object",
   "description": "RFC 9457. The type is urn:remit:error: and the reason.",
   "properties": {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer", "minimum": 0},
    "detail": {"type": "string"},
    "place": {"type": "string"},
    "hint": {"type": "string"}},
   "required": ["type", "title", "status", "detail"]},
  "OauthError": {
   "type": "object",
   "description": "RFC 6749 section 5.2",
   "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
   "required": ["error"]},
  "EntityUid": {
   "oneOf": [
    {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""},
    {
     "type": "object",
     "properties": {"type": {"type": "string"}, "id": {"type": "string"}},
     "required": ["type", "id"],
     "additionalProperties": false}]},
  "Action": {
   "oneOf": [
    {"type": "string", "description": "a name, for Action::\"name\", or an entity as Cedar writes it"},
    {
     "type": "object",
     "properties": {"type": {"type": "string"}, "id": {"type": "string"}},
     "required": ["type", "id"],
     "additionalProperties": false}]},
  "TaskState": {
   "type": "string",
   "enum": [
    "requested",
    "active",
    "completed",
    "revoked",
    "expired",
    "failed",
    "withdrawn",
    "denied",
    "suspended",
    "scheduled"]},
  "Task": {
   "type": "object",
   "properties": {
    "id": {"type": "string"},
    "type": {"type": "string"},
    "name": {"type": "string"},
    "purpose": {"type": "string"},
    "actor": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""},
    "chain": {
     "type": "array",
     "items": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""}},
    "parent": {"type": "string"},
    "parameters": {"type": "object"},
    "reason": {"type": "string"},
    "state": {"$ref": "#/components/schemas/TaskState"},
    "requested": {"type": "string", "format": "date-time"},
    "at": {"type": "string", "format": "date-time", "description": "it does not start before"},
    "started": {"type": "string", "format": "date-time"},
    "ended": {"type": "string", "format": "date-time"},
    "suspended": {"type": "string", "format": "date-time", "description": "since when, while it is"},
    "ttl": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"},
    "max_ttl": {"type": "string", "description": "no extension takes its deadline beyond its start and this span of time"},
    "heartbeat": {"type": "string", "description": "silence that ends it, as a span of time; 0s where none was asked for at its start"},
    "deadline": {"type": "string", "format": "date-time"},
    "catalog": {"type": "string", "description": "hash"},
    "facts": {"type": "string", "description": "hash"},
    "approvals_needed": {"type": "integer", "minimum": 0},
    "approvals": {
     "type": "array",
     "items": {
      "type": "object",
      "properties": {
       "person": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""},
       "at": {"type": "string", "format": "date-time"}},
      "required": ["person", "at"],
      "additionalProperties": false}},
    "extension": {
     "type": "object",
     "description": "more time that was asked for and waits for approval",
     "properties": {
      "more": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"},
      "reason": {"type": "string"},
      "approvals_needed": {"type": "integer", "minimum": 0},
      "approvals": {"type": "array"},
      "expires": {"type": "string", "format": "date-time"}},
     "required": ["more", "reason", "approvals_needed", "approvals", "expires"],
     "additionalProperties": false},
    "break_glass": {"type": "boolean", "description": "it was started without the approvals that it needs"},
    "review": {
     "type": "object",
     "description": "who signed for it",
     "properties": {"person": {"type": "string"}, "at": {"type": "string", "format": "date-time"}},
     "required": ["person", "at"],
     "additionalProperties": false},
    "uses": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    "allowed": {"type": "integer", "minimum": 0},
    "denied": {"type": "integer", "minimum": 0},
    "credentials": {"type": "array", "items": {"$ref": "#/components/schemas/Credential"}},
    "end_reason": {"type": "string"},
    "ended_by": {"type": "string"},
    "approval": {"type": "string", "description": "apv_…, while it is requested or scheduled, or asks for more time"}},
   "required": [
    "id",
    "type",
    "name",
    "purpose",
    "actor",
    "chain",
    "parameters",
    "reason",
    "state",
    "requested",
    "ttl",
    "heartbeat",
    "deadline",
    "catalog",
    "facts",
    "approvals_needed",
    "approvals",
    "uses",
    "allowed",
    "denied"]},
  "Credential": {
   "type": "object",
   "properties": {
    "id": {"type": "string"},
    "task": {"type": "string"},
    "target": {"type": "string"},
    "kind": {"type": "string"},
    "state": {"type": "string", "enum": ["planned", "live", "ending", "dead"]},
    "name": {"type": "string"},
    "planned": {"type": "string", "format": "date-time"},
    "live": {"type": "string", "format": "date-time"},
    "ending": {"type": "string", "format": "date-time"},
    "dead": {"type": "string", "format": "date-time"},
    "not_after": {"type": "string", "format": "date-time"},
    "evidence": {
     "type": "array",
     "items": {
      "type": "object",
      "properties": {"step": {"type": "string"}, "detail": {"type": "string"}, "at": {"type": "string", "format": "date-time"}},
      "required": ["step", "detail", "at"],
      "additionalProperties": false}},
    "last_error": {"type": "string"},
    "retry_at": {"type": "string", "format": "date-time"},
    "end_attempts": {"type": "integer", "minimum": 0},
    "permissions": {}},
   "required": ["id", "target", "kind", "state", "name", "planned", "not_after", "evidence", "end_attempts", "permissions"]},
  "StartRequest": {
   "type": "object",
   "properties": {
    "type": {"type": "string", "description": "the task type's name"},
    "parameters": {"type": "object"},
    "from_text": {"type": "boolean", "description": "parameters are strings as typed on a command line"},
    "reason": {"type": "string"},
    "ttl": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"},
    "at": {"type": "string", "format": "date-time", "description": "not before then: approved now, asked again when it has come"},
    "break_glass": {"type": "boolean", "description": "without the approvals that it needs; needs a reason, and leaves a review open"},
    "held": {"type": "boolean", "description": "the starter will hold a connection (GET …/hold) or send heartbeats: silence ends the task"},
    "idempotency_key": {"type": "string"}},
   "required": ["type"],
   "additionalProperties": false},
  "DelegateRequest": {
   "type": "object",
   "properties": {
    "type": {"type": "string", "description": "the task type's name; it is marked @delegable"},
    "actor": {"$ref": "#/components/schemas/EntityUid"},
    "parameters": {"type": "object"},
    "from_text": {"type": "boolean", "description": "parameters are strings as typed on a command line"},
    "reason": {"type": "string"},
    "ttl": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s; never longer than its parent lives"},
    "held": {"type": "boolean", "description": "the starter will hold a connection (GET …/hold) or send heartbeats: silence ends the task"},
    "idempotency_key": {"type": "string"}},
   "required": ["type"],
   "additionalProperties": false},
  "StartAnswer": {
   "type": "object",
   "properties": {
    "task": {"$ref": "#/components/schemas/Task"},
    "token": {"type": "string", "description": "REMIT_TOKEN, rmt_…"},
    "holder": {"type": "string", "description": "holder key, rmh_…"},
    "environment": {"type": "object", "additionalProperties": {"type": "string"}},
    "credentials": {"type": "array", "items": {"$ref": "#/components/schemas/Credential"}},
    "accepted": {"type": "array", "items": {"type": "string"}},
    "approval": {"type": "string"}},
   "required": ["task", "token", "holder", "environment", "credentials", "accepted"],
   "additionalProperties": false},
  "EndAnswer": {
   "type": "object",
   "properties": {
    "task": {"$ref": "#/components/schemas/Task"},
    "sub_tasks": {"type": "array", "items": {"type": "string"}, "description": "tsk_… of those that went the same way in the same commit"},
    "credentials": {"type": "array", "items": {"$ref": "#/components/schemas/Credential"}, "description": "of all of them"},
    "all_dead": {"type": "boolean"}},
   "required": ["task", "sub_tasks", "credentials", "all_dead"],
   "additionalProperties": false},
  "CheckRequest": {
   "type": "object",
   "properties": {
    "task": {"type": "string"},
    "token": {"type": "string"},
    "action": {"$ref": "#/components/schemas/Action"},
    "resource": {"$ref": "#/components/schemas/EntityUid"},
    "context": {"type": "object"},
    "resource_attributes": {"type": "object"}},
   "required": ["action", "resource"],
   "additionalProperties": false},
  "CheckAnswer": {
   "type": "object",
   "properties": {
    "allowed": {"type": "boolean"},
    "reason": {"type": "string"},
    "policies": {"type": "array", "items": {"type": "string"}},
    "errors": {"type": "array", "items": {"type": "string"}},
    "catalog": {"type": "string"},
    "facts": {"type": "string"},
    "approval": {"type": "string"}},
   "required": ["allowed", "reason", "policies", "errors", "catalog", "facts"],
   "additionalProperties": false},
  "Explanation": {
   "type": "object",
   "properties": {
    "type": {"type": "string"},
    "entity_type": {"type": "string"},
    "purpose": {"type": "string"},
    "ttl": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"},
    "max_ttl": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"},
    "parameters": {"type": "array", "items": {"$ref": "#/components/schemas/Parameter"}},
    "max_starts": {"type": "array", "items": {"type": "string"}, "description": "budgets, as the catalog has them: 1 per 24h by ticket"},
    "max_active": {"type": "array", "items": {"type": "string"}},
    "trip": {"type": "string"},
    "break_glass": {"type": "string", "description": "a span of time: how long a start without approval lives"},
    "timezone": {"type": "string"},
    "may_start": {},
    "missing": {
     "type": "array",
     "items": {"type": "string"},
     "description": "parameters without which the permissions are not exact: what depends on them is as the catalog states it"},
    "permissions": {},
    "accepted": {"type": "array", "items": {"type": "string"}},
    "you": {
     "type": "object",
     "description": "where nothing is missing, and an actor or a person asks: whether they may start it now, and after how many approvals",
     "properties": {
      "allowed": {"type": "boolean"},
      "approvals": {"type": "integer"},
      "reason": {"type": "string"},
      "message": {"type": "string"}},
     "required": ["allowed"],
     "additionalProperties": false}},
   "required": ["type", "purpose", "ttl", "max_ttl", "parameters"]},
  "Parameter": {
   "type": "object",
   "properties": {"name": {"type": "string"}, "type": {"type": "string"}, "required": {"type": "boolean"}},
   "required": ["name", "type", "required"],
   "additionalProperties": false},
  "Approval": {
   "type": "object",
   "properties": {
    "id": {"type": "string"},
    "task": {"type": "string"},
    "kind": {"type": "string", "enum": ["start", "use", "extension", "change"]},
    "hash": {"type": "string", "description": "what a yes is to: send it back with approve"},
    "type": {"type": "string"},
    "parameters": {"type": "object"},
    "actor": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""},
    "chain": {
     "type": "array",
     "items": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""}},
    "reason": {"type": "string"},
    "deadline": {"type": "string", "format": "date-time"},
    "more": {"type": "string", "description": "of an extension: how much later its deadline would be, as a span of time"},
    "permissions": {},
    "needed": {"type": "integer", "minimum": 0},
    "given": {"type": "array"},
    "verb": {"type": "string", "description": "of a change of the server: catalog.load, facts.put, actor.change, person.change"},
    "catalog": {"type": "string", "description": "of a change: the catalog in force when it was asked"},
    "change": {"type": "object", "description": "of a change: exactly what would be done"},
    "result": {"type": "object", "description": "of a change that the last yes made: what came of it"},
    "attributes": {"type": "object", "description": "of a use: what the enforcement point said of the resource, where that counts"},
    "context": {"type": "object", "description": "of a use: its context; a yes is to exactly this"},
    "requested": {"type": "string", "format": "date-time"},
    "expires": {"type": "string", "format": "date-time"},
    "at": {"type": "string", "format": "date-time", "description": "it does not start before"},
    "action": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""},
    "resource": {"type": "string", "description": "an entity as Cedar writes it: Agent::\"support-bot\""}},
   "required": ["id", "task", "kind", "hash"]},
  "CatalogFile": {
   "type": "object",
   "properties": {"name": {"type": "string", "description": "relative path"}, "text": {"type": "string"}},
   "required": ["name", "text"],
   "additionalProperties": false},
  "Catalog": {
   "type": "object",
   "properties": {
    "hash": {"type": "string"},
    "files": {"type": "array", "items": {"$ref": "#/components/schemas/CatalogFile"}},
    "types": {
     "type": "array",
     "items": {
      "type": "object",
      "properties": {
       "name": {"type": "string"},
       "entity_type": {"type": "string"},
       "purpose": {"type": "string"},
       "ttl": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"},
       "parameters": {"type": "array", "items": {"$ref": "#/components/schemas/Parameter"}}},
      "required": ["name", "entity_type", "purpose", "ttl", "parameters"],
      "additionalProperties": false}}},
   "required": ["hash", "files", "types"],
   "additionalProperties": false},
  "CatalogAnswer": {
   "type": "object",
   "properties": {
    "hash": {"type": "string"},
    "loaded": {"type": "boolean"},
    "warnings": {"type": "array", "items": {"type": "string"}},
    "narrowed": {"type": "array", "items": {"type": "string", "description": "a live task that holds more than it gives"}},
    "ended": {"type": "array", "items": {"type": "string", "description": "a task that started under another catalog"}},
    "losers": {"type": "integer", "minimum": 0, "description": "of a dry run: how many tasks lose something"},
    "losses": {
     "type": "array",
     "description": "of a dry run: the first of them",
     "items": {
      "type": "object",
      "properties": {
       "task": {"type": "string"},
       "type": {"type": "string"},
       "actor": {"type": "string"},
       "state": {"type": "string"},
       "ends": {"type": "boolean"},
       "loses": {"type": "array"}},
      "required": ["task", "type", "actor", "state", "ends", "loses"],
      "additionalProperties": false}},
    "approval": {"type": "string", "description": "it waits for people: apv_…"}},
   "required": ["hash", "loaded", "warnings", "narrowed", "ended", "losers", "losses"],
   "additionalProperties": false},
  "RegistryAnswer": {
   "type": "object",
   "properties": {
    "uid": {"$ref": "#/components/schemas/EntityUid"},
    "client_id": {"type": "string"},
    "jwk": {"type": "object"},
    "unix_uid": {"type": "integer", "minimum": 0},
    "display_name": {"type": "string"},
    "barred": {"type": "boolean"},
    "still_running": {
     "type": "object",
     "description": "of somebody who is barred: what goes on until it ends or is offboarded",
     "properties": {
      "tasks": {"type": "array", "items": {"type": "object"}},
      "count": {"type": "integer", "minimum": 0},
      "credentials": {"type": "integer", "minimum": 0}},
     "required": ["tasks", "count", "credentials"],
     "additionalProperties": false},
    "approval": {"type": "string", "description": "it waits for people; then there is nothing else"}},
   "additionalProperties": false},
  "Offboarding": {
   "type": "object",
   "properties": {
    "receipt": {"type": "string"},
    "installation": {"type": "string"},
    "actor": {"type": "string"},
    "by": {"type": "string"},
    "why": {"type": "string"},
    "begun": {"type": "string", "format": "date-time"},
    "issued": {"type": "string", "format": "date-time"},
    "complete": {"type": "boolean"},
    "standing_access": {"type": "string", "enum": ["looked at", "not looked at"]},
    "ended": {"type": "array", "items": {"type": "object"}},
    "open": {"type": "array", "items": {"type": "object"}},
    "proof": {"type": "object"},
    "jws": {"type": "string"}},
   "additionalProperties": false},
  "Actor": {
   "type": "object",
   "properties": {
    "uid": {"$ref": "#/components/schemas/EntityUid"},
    "client_id": {"type": "string"},
    "jwk": {"type": "object", "description": "public key, for private_key_jwt"},
    "unix_uid": {"type": "integer", "minimum": 0},
    "barred": {"type": "boolean"}},
   "required": ["uid"],
   "additionalProperties": false},
  "Person": {
   "type": "object",
   "properties": {
    "uid": {"$ref": "#/components/schemas/EntityUid"},
    "display_name": {"type": "string"},
    "barred": {"type": "boolean"}},
   "required": ["uid"],
   "additionalProperties": false},
  "Secret": {
   "type": "object",
   "properties": {
    "value": {"type": "string"},
    "encoding": {"const": "base64"},
    "version": {"type": "integer", "minimum": 0},
    "written": {"type": "string", "format": "date-time"}},
   "required": ["value", "version", "written"],
   "additionalProperties": false},
  "Target": {
   "type": "object",
   "properties": {"name": {"type": "string"}, "type": {"type": "string"}, "ok": {"type": "boolean"}, "detail": {"type": "string"}},
   "required": ["name", "type", "ok"]},
  "LedgerEntry": {
   "type": "object",
   "properties": {
    "index": {"type": "integer", "minimum": 0},
    "body": {"type": "string", "description": "canonical JSON, as it was hashed; absent where it was erased"},
    "salt": {"type": "string", "description": "hex"},
    "leaf": {"type": "string", "description": "hex"}},
   "required": ["index", "salt", "leaf"],
   "additionalProperties": false},
  "Subject": {
   "type": "object",
   "properties": {
    "type": {"type": "string", "description": "task, a task type, or remit_token"},
    "id": {"type": "string"},
    "properties": {"type": "object"}},
   "required": ["type", "id"],
   "additionalProperties": false},
  "AuthzenAction": {
   "type": "object",
   "properties": {"name": {"type": "string"}, "properties": {"type": "object", "maxProperties": 0}},
   "required": ["name"],
   "additionalProperties": false},
  "Resource": {
   "type": "object",
   "properties": {"type": {"type": "string"}, "id": {"type": "string"}, "properties": {"type": "object"}},
   "required": ["type", "id"],
   "additionalProperties": false},
  "Evaluation": {
   "type": "object",
   "properties": {
    "subject": {"$ref": "#/components/schemas/Subject"},
    "action": {"$ref": "#/components/schemas/AuthzenAction"},
    "resource": {"$ref": "#/components/schemas/Resource"},
    "context": {"type": "object"}},
   "required": ["subject", "action", "resource"],
   "additionalProperties": false},
  "PartialEvaluation": {
   "type": "object",
   "properties": {
    "subject": {"$ref": "#/components/schemas/Subject"},
    "action": {"$ref": "#/components/schemas/AuthzenAction"},
    "resource": {"$ref": "#/components/schemas/Resource"},
    "context": {"type": "object"}},
   "additionalProperties": false},
  "Evaluations": {
   "type": "object",
   "properties": {
    "subject": {"$ref": "#/components/schemas/Subject"},
    "action": {"$ref": "#/components/schemas/AuthzenAction"},
    "resource": {"$ref": "#/components/schemas/Resource"},
    "context": {"type": "object"},
    "evaluations": {"type": "array", "maxItems": 100, "items": {"$ref": "#/components/schemas/PartialEvaluation"}},
    "options": {
     "type": "object",
     "properties": {
      "evaluations_semantic": {"type": "string", "enum": ["execute_all", "deny_on_first_deny", "permit_on_first_permit"]}},
     "additionalProperties": false}},
   "additionalProperties": false},
  "Decision": {
   "type": "object",
   "properties": {"decision": {"type": "boolean"}, "context": {"type": "object"}},
   "required": ["decision"]}}})json";
}

}  // namespace remit::api::openapi
