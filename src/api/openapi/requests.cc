// The OpenAPI document: schemas of what is asked, members of `components/schemas`.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::string_view RequestSchemas() {
  return R"json(  "CompleteRequest": {
   "type": "object",
   "properties": {"wait": {"$ref": "#/components/schemas/Span"}},
   "additionalProperties": false},
  "StopRequest": {
   "type": "object",
   "properties": {"reason": {"type": "string"}, "wait": {"$ref": "#/components/schemas/Span"}},
   "required": ["reason"],
   "additionalProperties": false},
  "Nothing": {"type": "object", "properties": {}, "additionalProperties": false},
  "ReviewRequest": {"type": "object", "properties": {"note": {"type": "string"}}, "additionalProperties": false},
  "TokenRequest": {
   "type": "object",
   "properties": {"audience": {"type": "string"}, "offline": {"type": "boolean"}},
   "required": ["audience"],
   "additionalProperties": false},
  "ExplainRequest": {
   "type": "object",
   "properties": {
    "type": {"type": "string"},
    "parameters": {"type": "object"},
    "from_text": {"type": "boolean"},
    "under": {"type": "string", "description": "tsk_…: as a sub-task of this one"},
    "actor": {"$ref": "#/components/schemas/EntityUid", "description": "with `under`: for whom it would run; default: the actor of that task"}},
   "required": ["type"],
   "additionalProperties": false},
  "ApproveRequest": {
   "type": "object",
   "properties": {"hash": {"type": "string"}},
   "required": ["hash"],
   "additionalProperties": false},
  "DenyRequest": {
   "type": "object",
   "properties": {"reason": {"type": "string"}},
   "required": ["reason"],
   "additionalProperties": false},
  "SecretRequest": {
   "type": "object",
   "properties": {"value": {"type": "string"}, "encoding": {"const": "base64"}},
   "required": ["value"],
   "additionalProperties": false},
  "ExtendRequest": {
   "type": "object",
   "properties": {"more": {"$ref": "#/components/schemas/Span"}, "reason": {"type": "string"}},
   "required": ["more"],
   "additionalProperties": false},
  "CatalogRequest": {
   "type": "object",
   "properties": {
    "files": {"type": "array", "items": {"$ref": "#/components/schemas/CatalogFile"}},
    "dry_run": {"type": "boolean", "description": "change nothing; say who would lose what"},
    "end_older": {"type": "boolean", "description": "end every task that started under another catalog"},
    "allow_lock_out": {
     "type": "boolean",
     "description": "although nobody may load a catalog then, and the operator administers again"}},
   "required": ["files"],
   "additionalProperties": false},
  "FactsRequest": {
   "type": "object",
   "properties": {
    "entities": {"type": "array", "items": {"type": "object"}},
    "replace": {"type": "boolean", "description": "forget every entity that is not among these"},
    "expected": {
     "type": "string",
     "pattern": "^[0-9a-f]{64}$",
     "description": "hash of the facts that they are to take the place of: where others are in force, nothing is changed"},
    "dry_run": {"type": "boolean", "description": "change nothing and ask nobody; what would be refused is refused"},
    "source": {
     "type": "object",
     "description": "where they came from, as the caller says it: stands in the event",
     "properties": {
      "from": {"type": "string", "minLength": 1, "maxLength": 1024},
      "commit": {"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"},
      "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
     "required": ["from", "hash"],
     "additionalProperties": false}},
   "required": ["entities"],
   "additionalProperties": false},
  "SignInLinkRequest": {
   "type": "object",
   "properties": {"person": {"$ref": "#/components/schemas/EntityUid"}},
   "required": ["person"],
   "additionalProperties": false},
  "SignInRequest": {
   "type": "object",
   "properties": {"code": {"type": "string"}},
   "required": ["code"],
   "additionalProperties": false},
  "OffboardRequest": {
   "type": "object",
   "properties": {
    "actor": {"$ref": "#/components/schemas/EntityUid"},
    "reason": {"type": "string"},
    "wait": {"$ref": "#/components/schemas/Span"}},
   "required": ["actor"],
   "additionalProperties": false},
  "KeyRotateRequest": {
   "type": "object",
   "properties": {
    "key": {"type": "string", "enum": ["access", "receipt"]},
    "kid": {"type": "string", "description": "only if it is this one that signs now; with `leaked` also one that was rotated before"},
    "leaked": {"type": "boolean", "description": "what the old one signed is not trusted any more, from now on"},
    "dry_run": {"type": "boolean"},
    "idempotency_key": {"type": "string"}},
   "required": ["key"],
   "additionalProperties": false},
  "ReplacementRequest": {
   "type": "object",
   "properties": {
    "step": {"type": "string", "enum": ["apply", "rollback"]},
    "phase": {"type": "string", "enum": ["begun", "done", "failed"]},
    "account": {"type": "string", "minLength": 1, "description": "the role"},
    "account_oid": {"type": "string", "pattern": "^[0-9]{1,10}$"},
    "system": {"type": "string", "pattern": "^[0-9]{1,20}$", "description": "the cluster's identifier"},
    "plan": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "the plan's hash"},
    "result": {
     "type": "object",
     "description": "of what is over, and only of that",
     "properties": {
      "removed": {"type": "integer", "minimum": 0},
      "cascades": {"type": "integer", "minimum": 0},
      "sessions_ended": {"type": "integer", "minimum": 0},
      "refused": {"type": "integer", "minimum": 0},
      "undecided": {"type": "integer", "minimum": 0},
      "unproven": {"type": "integer", "minimum": 0, "description": "gone, and no statement was refused for it: undecided, or not tried"},
      "restored": {"type": "integer", "minimum": 0},
      "gone": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
      "lost": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
      "evidence": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of the evidence in the plan's file"},
      "why": {"type": "string", "description": "it failed"}},
     "additionalProperties": false}},
   "required": ["step", "phase", "account", "account_oid", "system", "plan"],
   "additionalProperties": false},
  "OauthTokenForm": {
   "type": "object",
   "properties": {
    "grant_type": {"enum": ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]},
    "authorization_details": {
     "type": "string",
     "description": "JSON: [{type: remit_task, task_type, parameters?, reason?, ttl?, offline?}]; of an exchange also actor"},
    "resource": {"type": "string", "description": "RFC 8707: the resource server that the JWT is for"},
    "scope": {"type": "string"},
    "subject_token": {"type": "string", "description": "RFC 8693, as all that follow: the REMIT_TOKEN of the task above"},
    "subject_token_type": {"const": "urn:ietf:params:oauth:token-type:access_token"},
    "actor_token": {"type": "string"},
    "actor_token_type": {"const": "urn:ietf:params:oauth:token-type:access_token"},
    "requested_token_type": {
     "enum": ["urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt"]},
    "audience": {"type": "string"},
    "client_id": {"type": "string"},
    "client_assertion": {"type": "string"},
    "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
   "required": ["grant_type", "client_assertion", "client_assertion_type"]},
  "OneTokenForm": {
   "type": "object",
   "properties": {
    "token": {"type": "string"},
    "token_type_hint": {"type": "string"},
    "client_id": {"type": "string"},
    "client_assertion": {"type": "string"},
    "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
   "required": ["token"]})json";
}

}  // namespace remit::api::openapi
